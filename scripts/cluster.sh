#!/usr/bin/env bash
# Runs the crowd of browsers on clusters of three nodes whose nodes are killed,
# and prints one line of numbers for each row.
#
# Usage: cluster.sh [galera | group]
#
# galera: MariaDB with Galera (packages mariadb-server, galera-4, rsync, lsof).
# group:  MySQL Group Replication. MySQL is in Debian's suite sid only, so its
#         packages are unpacked, never installed, into a tree of their own, and
#         run through that tree's loader: root, once, about a minute, 0.5 GB.
#         SESSIONKIT_MYSQL_TREE names the tree (default
#         /var/cache/sessionkit/mysql). Needs 2 GB of memory.
# Without argument: both. The lines are kept in artifacts/cluster.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "${self%/*}/mysql-tree.sh"

have go || die "go is missing: install Go 1.26 or newer"
cd "${self%/*}/.."
out=artifacts/cluster
mkdir -p "$out"
: >"$out/log.txt"

# rows PATTERN: packages one after the other, as each starts servers.
rows() { go -C integration_test test -tags cluster -p 1 -count=1 -timeout=40m -v -run "^TestF.*$1" ./cluster ./revoked 2>&1 | tee -a "$out/log.txt"; }

galera() {
  need mariadbd mariadb-server
  compgen -G '/usr/lib/galera/libgalera_smm.so' >/dev/null || apt_install galera-4
  need rsync rsync
  need lsof lsof
  rows Galera
}

group() {
  make_tree "$out/tree.txt"
  id mysql >/dev/null 2>&1 || ((EUID != 0)) || need mariadbd mariadb-server # for the account
  SESSIONKIT_MYSQL_TREE=$tree rows Group
}

rc=0
case ${1:-all} in
galera) galera || rc=$? ;;
group) group || rc=$? ;;
all)
  galera || rc=$?
  group || rc=$?
  ;;
*) usage && exit 2 ;;
esac
printf '\n=== rows (%s, %s cores)\n' "$(date -u +%F)" "$(nproc)"
grep '^ROW' "$out/log.txt" | tee "$out/rows.txt" || true
exit "$rc"
