#!/usr/bin/env bash
# Measures session libraries side by side (bench/peers), and prints Markdown.
#
# Usage: bench-peers.sh [ARGUMENT-OF-PEERS-RUN...]
#
# ROUNDS        how often every server is measured (default 5)
# SECONDS_EACH  length of one measurement (default 5)
#
# -out docs/bench keeps the table, the raw figures and the plot there, in place
# of artifacts/peers. With the defaults it takes about seven minutes.
#
# The servers have core 0 to themselves; load generator and MariaDB, a private
# one, share core 1. Nothing else should run meanwhile. Installs what is missing,
# where we may: wrk, Node.js, MariaDB, and the packages of the lockfile from npm.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

have go || die "go is missing: install Go 1.26 or newer"
cd "${self%/*}/.."
dir=$PWD/bench/peers
server_core=0 other_core=1 runner=''

# need_packages: what the lockfile says, if that is not what is there.
need_packages() {
  local installed=$dir/node/node_modules/.package-lock.json
  [[ ! -f $installed || $dir/node/package-lock.json -nt $installed ]] || return 0
  say "installing the Node library from npm ..."
  npm ci --prefix "$dir/node" --no-progress >&2
  touch "$installed"
}

# revision: the commit that is measured, marked if the kit differs from it.
revision() {
  local changed
  git rev-parse --short=10 HEAD 2>/dev/null || return 0
  changed=$(git status --porcelain -- errors internal middleware models refresh session go.mod bench/peers)
  [[ -z $changed ]] || echo "with local changes"
}

cleanup() {
  trap - EXIT
  if [[ -n $runner ]]; then
    kill "$runner" 2>/dev/null || true
    wait "$runner" || true
  fi
  scripts/mariadb.sh stop --dir "$work/mariadb" || true
  rm -rf "$work"
}

taskset -c "$server_core,$other_core" true || die "two cores are needed, $server_core and $other_core"
need wrk wrk
need node nodejs
need npm npm
need mariadbd mariadb-server
need_packages

work=$(mktemp -d "$(temp_root)/sessionkit-peers.XXXXXX")
((EUID != 0)) || chmod 711 "$work"
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
go build -C "$dir" -o "$work/peers" .
PEERS_DSN=$(taskset -c "$other_core" scripts/mariadb.sh start --dir "$work/mariadb" --owner $$ | tail -n 1)
export PEERS_DSN
mkdir -p artifacts/peers
# In the background, so that a signal to this script ends the wait and cleans up.
taskset -c "$other_core" "$work/peers" run -rounds "${ROUNDS:-5}" -each "${SECONDS_EACH:-5}s" \
  -server-core "$server_core" -load-core "$other_core" -node "$dir/node" -logs artifacts/peers -out artifacts/peers \
  -revision "$(revision | paste -sd' ')" "$@" &
runner=$!
rc=0
wait "$runner" || rc=$?
runner=''
exit "$rc"
