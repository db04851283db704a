#!/usr/bin/env bash
# What the job of gitlab.yml does: install, compare, check the rules, keep the notes up to date,
# and only then fail where a gate was reached.
#
#   TOOLKIT_BASE  default: where the merge request left its target branch
#   and what install.sh, fetch_base.sh, check.sh and comment.py take
set -euo pipefail

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${TOOLKIT_OUTPUT_DIR:-toolkit-ci}
export TOOLKIT_OUTPUT_DIR=$out
export TOOLKIT_ENVIRONMENT=${TOOLKIT_ENVIRONMENT:-${TMPDIR:-/tmp}/toolkit}

if ! command -v toolkit >/dev/null; then
  bash "$scripts/install.sh"
  PATH=$TOOLKIT_ENVIRONMENT/bin:$PATH
fi

TOOLKIT_DEFAULT_BASE=${CI_MERGE_REQUEST_DIFF_BASE_SHA:-${CI_MERGE_REQUEST_TARGET_BRANCH_NAME:-}}
export TOOLKIT_DEFAULT_BASE
base=$(bash "$scripts/fetch_base.sh")

TOOLKIT_BASE=$base bash "$scripts/check.sh" diff
TOOLKIT_FAIL_ON=${TOOLKIT_LINT_FAIL_ON:-error} bash "$scripts/check.sh" lint

for what in diff lint; do
  update_only=true
  if [[ $(<"$out/$what.found") == true ]]; then update_only=false; fi
  TOOLKIT_UPDATE_ONLY=$update_only python3 "$scripts/comment.py" gitlab "$out/$what.md"
done

DIFF=$(<"$out/diff.exit-code") LINT=$(<"$out/lint.exit-code") exec bash "$scripts/gate.sh"
