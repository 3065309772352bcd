#!/usr/bin/env bash
# Compares the public names of the working tree with those of the last release
# and prints what is incompatible. From v1 on that fails: it needs a new major
# version. Before v1 it is printed for the changelog. Without a tag there is
# nothing to compare with, which is said, and passes.
#
# Usage: api-check.sh [TAG]

. "$(dirname "$(readlink -f "$0")")/lib.sh"

cd "${self%/*}/.."
root=$PWD
tag=${1:-$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || true)}
if [[ -z $tag ]]; then
  say "no release is tagged yet: nothing to compare with"
  exit 0
fi

work=$(mktemp -d)
trap 'git -C "$root" worktree remove --force "$work/base" 2>/dev/null; rm -rf "$work"' EXIT
go build -modfile=tools.mod -o "$work/apidiff" golang.org/x/exp/cmd/apidiff
apidiff() { "$work/apidiff" "$@"; }
git worktree add --quiet --detach "$work/base" "$tag"

# describe FOLDER FILE PACKAGE: writes what the package exports.
describe() { (cd "$1" && apidiff -w "$2" "$3"); }

broken=0
for package in $(cd "$work/base" && go list ./... | grep -vE '/(internal|integration_test|bench|example)(/|$)'); do
  if ! go list "$package" >/dev/null 2>&1; then
    printf '%s is gone\n' "$package"
    broken=1
    continue
  fi
  describe "$work/base" "$work/old" "$package"
  describe "$root" "$work/new" "$package"
  changes=$(apidiff -incompatible "$work/old" "$work/new")
  [[ -n $changes ]] || continue
  printf '%s:\n%s\n' "$package" "$changes"
  broken=1
done

if ((!broken)); then
  say "nothing of $tag is broken"
elif [[ $tag == v0.* ]]; then
  say "incompatible with $tag, which is allowed before v1: a line in CHANGELOG.md for each"
else
  die "incompatible with $tag: that needs a new major version"
fi
