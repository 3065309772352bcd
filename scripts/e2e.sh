#!/usr/bin/env bash
# Drives front ends in Chromium against the kit (integration_test/browser).
#
# Usage: e2e.sh [GO-TEST-ARGUMENT...]
#
# CHROMIUM   names the browser (default: chromium, chromium-browser or google-chrome)
# ARTIFACTS  is where screenshots and the table of results go (default: artifacts/e2e)
#
# Installs what is missing, where we may: Chromium, MariaDB, Node.js, and the packages
# of the lockfile from npm. go test's lines go to stdout, everything else to stderr.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

have go || die "go is missing: install Go 1.26 or newer"
cd "${self%/*}/.."
dir=integration_test/browser

# need_browser: any of the family will do; Debian's is installed when there is none.
need_browser() {
  local name
  if [[ -n ${CHROMIUM:-} ]]; then
    have "$CHROMIUM" || die "CHROMIUM=$CHROMIUM is no program"
    return
  fi
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    ! have "$name" || return 0
  done
  need chromium chromium
}

need_browser
need mariadbd mariadb-server
need node nodejs
need npm npm
need_npm "$dir"
npm run --silent --prefix "$dir" build >&2

ARTIFACTS=$(readlink -m "${ARTIFACTS:-artifacts/e2e}")
export ARTIFACTS
mkdir -p "$ARTIFACTS"
rm -f "$ARTIFACTS/table.txt" "$ARTIFACTS"/*.png
rc=0
# Most of the time goes by in waiting for the browser, so there are more tests
# under way than cores.
go -C "$dir" test -tags e2e -count=1 -timeout 30m -parallel 4 . "$@" || rc=$?
if [[ -f $ARTIFACTS/table.txt ]]; then cat "$ARTIFACTS/table.txt"; fi
say "screenshots are in $ARTIFACTS"
exit "$rc"
