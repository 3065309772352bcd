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

have go || die "go is missing: install Go 1.26 or newer"
cd "${self%/*}/.."
out=artifacts/cluster
tree=${SESSIONKIT_MYSQL_TREE:-/var/cache/sessionkit/mysql}
mkdir -p "$out"
: >"$out/log.txt"

tree_works() { compgen -G "$tree/usr/lib/*/ld-linux*.so.*" >/dev/null && [[ -x $tree/usr/sbin/mysqld ]]; }

# mirror: where apt gets this release's packages from.
mirror() {
  # shellcheck disable=SC2016 # apt expands these
  apt-get indextargets --format '$(COMPONENT) $(REPO_URI)' 'Created-By: Packages' | awk '$1 == "main" { print $2; exit }'
}

# make_tree: unpacks the packages; no maintainer script runs, nothing is mounted.
make_tree() {
  local new deb
  tree_works && return
  may_install || die "no MySQL in $tree; root on Debian can make it"
  need debootstrap debootstrap
  mkdir -p "${tree%/*}"
  new=$(mktemp -d "$tree.new.XXXXXX")
  # shellcheck disable=SC2064 # the value of now
  trap "rm -rf --one-file-system -- '$new'" EXIT
  chmod 755 "$new"
  say "unpacking MySQL into $tree ..."
  debootstrap --foreign --variant=minbase --include=mysql-server-core,mysql-client-core sid "$new" "$(mirror)" >"$out/tree.txt" 2>&1 ||
    { tail -n 20 "$out/tree.txt" >&2 && die "cannot unpack MySQL; the whole output is in $out/tree.txt"; }
  for deb in "$new"/var/cache/apt/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -C "$new" -xf - --keep-directory-symlink
  done
  rm -rf "$new/var/cache/apt/archives" "$new/usr/share/doc" "$new/debootstrap"
  mv -T "$new" "$tree"
  trap - EXIT
  tree_works || die "the MySQL in $tree does not run on this machine"
}

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
  make_tree
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
