#!/usr/bin/env bash
# Installs toolkit from the checkout that this script lies in, into an environment of its own.
#
#   TOOLKIT_PACKAGES     more to install, such as an adapter; words of one or several lines
#   TOOLKIT_ENVIRONMENT  where; default: RUNNER_TEMP/toolkit
#   GITHUB_PATH          where set, later steps find the programs
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
environment=${TOOLKIT_ENVIRONMENT:-${RUNNER_TEMP:-/tmp}/toolkit}

packages=()
while read -r -a words; do
  packages+=("${words[@]}")
done <<<"${TOOLKIT_PACKAGES:-}"

python3 -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
  "$source_dir" ${packages[@]+"${packages[@]}"}

if [[ -n ${GITHUB_PATH:-} ]]; then
  printf '%s\n' "$environment/bin" >>"$GITHUB_PATH"
fi
"$environment/bin/toolkit" --version
