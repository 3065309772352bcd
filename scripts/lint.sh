#!/usr/bin/env bash
# golangci-lint with the rules of .golangci.yml, the order of the packages including
# what they pull in indirectly, and shellcheck where it is installed.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

cd "${self%/*}/.."
rc=0

# must_not PACKAGE PATTERN REASON: no package of PACKAGE depends on PATTERN, however
# indirectly; the import rules of .golangci.yml see direct imports only.
must_not() {
  local found
  [[ -d ${1%/...} ]] || return 0
  found=$(go list -deps "./$1") || return 1
  found=$(grep -E "$2" <<<"$found") || return 0
  printf '%s depends on %s: %s\n' "$1" "${found//$'\n'/, }" "$3"
  return 1
}

gin='^github\.com/gin-(gonic|contrib)/' gorm='^(gorm\.io|github\.com/go-gorm)/'
for package in errors models session session/sessiontest session/storetest internal/token internal/keyring internal/lineage internal/wire internal/page internal/theft; do
  must_not "$package" "$gin|$gorm" "the engine works without a web framework and without an ORM" || rc=1
done
must_not models/memstore '^testing$|^github\.com/stretchr/' "a demo may use it and links no test code" || rc=1
must_not models/gormstore/... "$gin" "the store knows no web framework" || rc=1
for package in middleware refresh devices; do
  must_not "$package/..." "$gorm" "the edges reach the database through session.Store alone" || rc=1
done

go tool -modfile=tools.mod golangci-lint run ./... || rc=1
# The modules of the integration tests, of the benchmarks and of contrib, by the same
# rules.
root=$PWD
for module in integration_test/go.mod bench/*/go.mod contrib/*/go.mod; do
  (cd "${module%/*}" && go tool -modfile="$root/tools.mod" golangci-lint run --config "$root/.golangci.yml" ./...) || rc=1
done

have shellcheck || ! may_install || apt_install shellcheck || say "shellcheck could not be installed"
if have shellcheck; then
  # Excluded: functions that are only called by name or by a trap.
  shellcheck --external-sources --source-path=scripts --exclude=SC2317,SC2329 scripts/*.sh .ci/run || rc=1
else
  say "shellcheck is not installed: the scripts are not checked"
fi
scripts/names.sh || rc=1
exit "$rc"
