#!/usr/bin/env bash
# Runs `toolkit diff` (check.sh diff) or `toolkit lint` (check.sh lint), and writes what it says
# in every format. A gate that trips is not this script's end: what was found must be shown first.
#
#   TOOLKIT_BASE         for diff: what to compare with
#   TOOLKIT_FAIL_ON      as --fail-on
#   TOOLKIT_PROJECT_DIR  folder of dbt_project.yml; default: here or above
#   TOOLKIT_MANIFEST     a manifest.json to read instead of the project
#   TOOLKIT_OUTPUT_DIR   where to write; default: toolkit-ci
#   GITHUB_OUTPUT, GITHUB_STEP_SUMMARY  where set, as GitHub Actions wants it
set -euo pipefail

readonly MAX_SUMMARY=1048576 # bytes that GitHub takes of a step

what=${1:-}
out=${TOOLKIT_OUTPUT_DIR:-toolkit-ci}
arguments=("$what")
case $what in
diff) arguments+=(--base "${TOOLKIT_BASE:?is not set}") ;;
lint) ;;
*)
  printf 'Usage: check.sh diff|lint\n' >&2
  exit 2
  ;;
esac
mkdir -p "$out"
if [[ -n ${TOOLKIT_PROJECT_DIR:-} ]]; then arguments+=(--project-dir "$TOOLKIT_PROJECT_DIR"); fi
if [[ -n ${TOOLKIT_MANIFEST:-} ]]; then arguments+=(--manifest "$TOOLKIT_MANIFEST"); fi
if [[ -n ${TOOLKIT_FAIL_ON:-} ]]; then arguments+=(--fail-on "$TOOLKIT_FAIL_ON"); fi
arguments+=(--format markdown --output "$out/$what.md")
for format in json sarif junit; do
  extension=$format
  if [[ $format == junit ]]; then extension=xml; fi
  arguments+=(--write "$format=$out/$what.$extension")
done

code=0
toolkit "${arguments[@]}" || code=$?
if ((code != 0 && code != 3)); then exit "$code"; fi

# What there is to tell: a comment is written only where there is something.
found=$(
  python3 - "$out/$what.json" <<'PYTHON'
import json, sys
document = json.load(open(sys.argv[1], encoding="utf-8"))
print("true" if document.get("changes") or document.get("checks") or document.get("findings") else "false")
PYTHON
)

if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then
  if (($(wc -c <"$out/$what.md") < MAX_SUMMARY)); then
    cat "$out/$what.md" >>"$GITHUB_STEP_SUMMARY"
  else
    printf 'What toolkit %s says is too long for a summary; it is in the artifacts.\n' "$what" \
      >>"$GITHUB_STEP_SUMMARY"
  fi
fi
if [[ -n ${GITHUB_OUTPUT:-} ]]; then
  {
    printf 'exit-code=%s\n' "$code"
    printf 'found=%s\n' "$found"
  } >>"$GITHUB_OUTPUT"
else
  printf '%s\n' "$code" >"$out/$what.exit-code"
  printf '%s\n' "$found" >"$out/$what.found"
fi
