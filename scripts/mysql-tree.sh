# shellcheck shell=bash
# MySQL of Debian's suite sid, for the scripts that need it: sourced after lib.sh.
#
# SESSIONKIT_MYSQL_TREE names the tree that it is unpacked into.

tree=${SESSIONKIT_MYSQL_TREE:-/var/cache/sessionkit/mysql}

tree_works() { compgen -G "$tree/usr/lib/*/ld-linux*.so.*" >/dev/null && [[ -x $tree/usr/sbin/mysqld ]]; }

# mirror: where apt gets this release's packages from.
mirror() {
  # shellcheck disable=SC2016 # apt expands these
  apt-get indextargets --format '$(COMPONENT) $(REPO_URI)' 'Created-By: Packages' | awk '$1 == "main" { print $2; exit }'
}

# make_tree LOG: unpacks the packages; no maintainer script runs, nothing is mounted.
make_tree() {
  local new deb log=$1
  tree_works && return
  may_install || die "no MySQL in $tree; root on Debian can make it"
  need debootstrap debootstrap
  mkdir -p "${tree%/*}"
  new=$(mktemp -d "$tree.new.XXXXXX")
  # shellcheck disable=SC2064 # the value of now
  trap "rm -rf --one-file-system -- '$new'" EXIT
  chmod 755 "$new"
  say "unpacking MySQL into $tree ..."
  debootstrap --foreign --variant=minbase --include=mysql-server-core,mysql-client-core sid "$new" "$(mirror)" >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2 && die "cannot unpack MySQL; the whole output is in $log"; }
  for deb in "$new"/var/cache/apt/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -C "$new" -xf - --keep-directory-symlink
  done
  rm -rf "$new/var/cache/apt/archives" "$new/usr/share/doc" "$new/debootstrap"
  mv -T "$new" "$tree"
  trap - EXIT
  tree_works || die "the MySQL in $tree does not run on this machine"
}

# tree_run PROGRAM ARGUMENT...: sets run, a command line that starts a program of the
# tree through the tree's own loader.
tree_run() {
  local loader
  loader=$(compgen -G "$tree/usr/lib/*/ld-linux*.so.*" | head -n 1)
  # shellcheck disable=SC2034 # for the caller
  run=(env "OPENSSL_CONF=$tree/etc/ssl/openssl.cnf" "OPENSSL_MODULES=${loader%/*}/ossl-modules"
    "$loader" --library-path "${loader%/*}" "$tree/usr/$1" "${@:2}")
}
