#!/usr/bin/env bash
# Measures how the cost of sessions grows with their number, on a MariaDB of its
# own that keeps what it commits as one in production does.
#
# Usage: bench-scale.sh [FLAG...]     flags of bench/scale, see -help
#
# Without flags: 10 k, 1 M and 10 M sessions; some 35 minutes and 16 GB on disk.
# SESSIONKIT_MYSQL_OPTIONS holds further server options, which win over those below.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
here=${self%/*}

have go || die "go is missing: install Go 1.26 or newer"
export SESSIONKIT_MYSQL_OPTIONS="--innodb-buffer-pool-size=4G --innodb-log-file-size=1G \
--innodb-flush-log-at-trx-commit=1 --innodb-flush-method=O_DIRECT --innodb-doublewrite=1 \
--innodb-io-capacity=2000 --innodb-io-capacity-max=10000 ${SESSIONKIT_MYSQL_OPTIONS:-}"

cleanup() {
  trap - EXIT
  "$here/mariadb.sh" stop --dir "$work/mariadb" || true
  rm -rf "$work"
}

work=$(mktemp -d "$(temp_root)/sessionkit-scale.XXXXXX")
((EUID != 0)) || chmod 711 "$work"
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The program runs as a child of this script, with flags relative to where it was called.
go -C "$here/../bench/scale" build -o "$work/scale" .
say "server options: $SESSIONKIT_MYSQL_OPTIONS"
SESSIONKIT_SCALE_DSN=$("$here/mariadb.sh" start --dir "$work/mariadb" --owner $$ | tail -n 1)
SESSIONKIT_SCALE_ADMIN_DSN=$(sed 's|/$|/app|' "$work/mariadb/admin-dsn")
export SESSIONKIT_SCALE_DSN SESSIONKIT_SCALE_ADMIN_DSN
rc=0
"$work/scale" -datadir "$work/mariadb/data" "$@" &
child=$!
# It prints what it has, and the server goes when it has gone.
trap 'kill -s TERM "$child" 2>/dev/null || true' INT TERM HUP
wait "$child" || rc=$?
while kill -0 "$child" 2>/dev/null; do
  rc=0
  wait "$child" || rc=$?
done
exit "$rc"
