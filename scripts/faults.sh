#!/usr/bin/env bash
# Breaks a database, the network and the application under load, and prints one
# line of numbers for each row of the fault matrix.
#
# Usage: faults.sh [quick | GO-TEST-ARGUMENT...]
#
# Without arguments: every row, about half an hour, then long random histories.
# quick: rows that find much, about ten minutes.
# The lines are kept in artifacts/faults/rows.txt, the whole output in
# artifacts/faults/log.txt, of which fault-table.sh makes the table of
# docs/guarantees.md. SESSIONKIT_SEED=n, as printed, repeats who does what.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

have go || die "go is missing: install Go 1.26 or newer"
need mariadbd mariadb-server
cd "${self%/*}/.."
out=artifacts/faults
mkdir -p "$out"
: >"$out/log.txt"

# keep COMMAND...: its output is shown and kept.
keep() { "$@" 2>&1 | tee -a "$out/log.txt"; }

rows() { keep scripts/with-db.sh go -C integration_test test -tags faults -count=1 -timeout=40m -v "$@" ./faults; }
# The rows of RevokeSoon; those of the package that are no rows `make test` runs.
revoked() { keep scripts/with-db.sh go -C integration_test test -tags faults -count=1 -timeout=40m -v "$@" ./revoked; }
histories() { SESSIONKIT_HISTORIES=$1 keep scripts/with-db.sh go -C integration_test test -count=1 -timeout=12h -v ./histories; }

rc=0
case ${1:-} in
quick)
  rows -run '^TestF(01|03|05|14|23|27|34|43|44|56)_' || rc=$?
  revoked -run '^TestF(46|48|49|50)_' || rc=$?
  ;;
'')
  rows || rc=$?
  revoked -run '^TestF' || rc=$?
  histories "${SESSIONKIT_HISTORIES:-1000}" || rc=$?
  ;;
*)
  rows "$@" || rc=$?
  revoked -run '^TestF' "$@" || rc=$?
  ;;
esac

printf '\n=== rows (%s, %s cores, %s)\n' "$(date -u +%F)" "$(nproc)" "$(mariadbd --no-defaults --version | sed 's/.*Ver //')"
grep '^ROW' "$out/log.txt" | tee "$out/rows.txt" || true
exit "$rc"
