#!/usr/bin/env bash
# Runs a command with test databases at hand, and passes its exit code on.
#
# Usage: with-db.sh COMMAND [ARGUMENT...]
#
# SESSIONKIT_TEST_MYSQL_DSN     kept when set, else the DSN of a private server
#                               that lives as long as COMMAND (mariadb.sh)
# SESSIONKIT_TEST_POSTGRES_DSN  the same with the machine's PostgreSQL
#                               (postgres.sh); stays unset when it has none

. "$(dirname "$(readlink -f "$0")")/lib.sh"
here=${self%/*}

(($#)) || { usage && exit 2; }

# sweep ROOT: ends and removes what runs left behind that were killed.
sweep() {
  local old kind
  for old in "$1"/sessionkit-run.*; do
    [[ -d $old && ! -L $old && -O $old && -f $old/owner ]] || continue
    ! lives "$old/owner" || continue
    # A stop that was killed half way leaves a directory that is no server's any more.
    for kind in mariadb postgres; do "$here/$kind.sh" stop --dir "$old/$kind" || true; done
    rm -rf "$old"
  done
}

cleanup() {
  trap - EXIT
  local kind
  for kind in mariadb postgres; do "$here/$kind.sh" stop --dir "$work/$kind" || true; done
  rm -rf "$work"
}

start_servers() {
  local rc=0
  if [[ -z ${SESSIONKIT_TEST_MYSQL_DSN:-} ]]; then
    SESSIONKIT_TEST_MYSQL_DSN=$("$here/mariadb.sh" start --dir "$work/mariadb" --owner $$ | tail -n 1)
  fi
  if [[ -z ${SESSIONKIT_TEST_POSTGRES_DSN:-} ]]; then
    SESSIONKIT_TEST_POSTGRES_DSN=$("$here/postgres.sh" start --dir "$work/postgres" --owner $$ | tail -n 1) || rc=$?
    ((rc == 0 || rc == 3)) || exit "$rc"
    ((rc == 0)) || say "no PostgreSQL on this machine: its tests are skipped"
  fi
  export SESSIONKIT_TEST_MYSQL_DSN
  ((rc == 3)) || export SESSIONKIT_TEST_POSTGRES_DSN
}

# run COMMAND...: in a process group of its own, so that a signal to this
# script can be passed on to all of it before the servers go away.
run() {
  local child rc=0
  set -m
  "$@" </dev/null &
  child=$!
  set +m
  trap 'kill -s INT -- "-$child"' INT
  trap 'kill -s TERM -- "-$child"' TERM HUP
  # A trapped signal ends wait early.
  wait "$child" || rc=$?
  while kill -0 "$child" 2>/dev/null; do
    rc=0
    wait "$child" || rc=$?
  done
  return "$rc"
}

root=$(temp_root)
sweep "$root"
work=$(mktemp -d "$root/sessionkit-run.XXXXXX")
((EUID != 0)) || chmod 711 "$work"
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
proc_id $$ >"$work/owner"
start_servers
rc=0
run "$@" || rc=$?
exit "$rc"
