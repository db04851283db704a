#!/usr/bin/env bash
# Ends with 3 where a gate was reached: after everything that shows why.
#
#   DIFF, LINT  exit codes of the two; empty where one was not run
set -euo pipefail

code=0
for name in DIFF LINT; do
  case ${!name:-0} in
  0) ;;
  3)
    printf 'toolkit %s found what it is to fail on (see above, or the summary).\n' "${name,,}" >&2
    code=3
    ;;
  *)
    printf 'toolkit %s ended with %s.\n' "${name,,}" "${!name}" >&2
    code=1
    ;;
  esac
done
exit "$code"
