#!/usr/bin/env bash
# Finds what to compare with, and fetches it where it is a commit that this clone has not.
#
#   TOOLKIT_BASE          a manifest.json, a folder with one, or a branch, tag or commit
#   TOOLKIT_DEFAULT_BASE  the same, where TOOLKIT_BASE is empty: the pull request's base
#   GITHUB_OUTPUT         where set, `base=...` is written there; else it is printed
set -euo pipefail

fail() {
  printf 'fetch_base.sh: %s\n' "$1" >&2
  exit 2
}

base=${TOOLKIT_BASE:-${TOOLKIT_DEFAULT_BASE:-}}
[[ -n $base ]] || fail "There is nothing to compare with: set base to a branch or a manifest.json."
[[ $base != -* ]] || fail "The base begins with a dash, so it is no branch and no file."
[[ $base != *$'\n'* && $base != *$'\r'* ]] || fail "The base is more than one line."

if [[ ! -e $base ]] && ! git rev-parse --verify --quiet "$base^{commit}" >/dev/null; then
  if [[ $base =~ ^[0-9a-f]{40}$ ]]; then
    git fetch --quiet --no-tags --depth=1 origin "$base" ||
      fail "The commit $base cannot be fetched from origin."
  else
    name=${base#origin/}
    git check-ref-format --branch "$name" >/dev/null 2>&1 ||
      fail "$base is no file, and no name that a branch may have."
    git fetch --quiet --no-tags --depth=1 origin "+refs/heads/$name:refs/remotes/origin/$name" ||
      fail "$base is no file, and no branch of origin."
    base=origin/$name
  fi
fi

if [[ -n ${GITHUB_OUTPUT:-} ]]; then
  printf 'base=%s\n' "$base" >>"$GITHUB_OUTPUT"
else
  printf '%s\n' "$base"
fi
