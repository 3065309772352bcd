#!/usr/bin/env bash
# Replaces an application's back end on SuperTokens' Node library by one on this kit,
# while browsers are at work (integration_test/moving).
#
# Usage: moving.sh [quick | GO-TEST-ARGUMENT...]
#
# quick: everything but the crowd of 40 browsers, in about a minute.
# Installs what is missing, where we may: MariaDB, Node.js, and the packages of the
# lockfile from npm. SESSIONKIT_SEED=n, as printed, repeats who does what.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

have go || die "go is missing: install Go 1.26 or newer"
cd "${self%/*}/.."
dir=integration_test/moving/node

# need_packages: what the lockfile says, if that is not what is there.
need_packages() {
  local installed=$dir/node_modules/.package-lock.json
  [[ ! -f $installed || $dir/package-lock.json -nt $installed ]] || return 0
  say "installing the Node library from npm ..."
  npm ci --prefix "$dir" --no-progress >&2
  touch "$installed"
}

need mariadbd mariadb-server
need node nodejs
need npm npm
need_packages
[[ ${1:-} != quick ]] || set -- -skip '^TestMove_crowd$'
exec scripts/with-db.sh go -C integration_test test -tags moving -count=1 -timeout=10m -v "$@" ./moving
