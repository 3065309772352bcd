#!/usr/bin/env bash
# A private, throw-away TiDB on 127.0.0.1 for tests.
#
# Usage: tidb.sh build
#        tidb.sh start [--dir DIR] [--owner PID]
#        tidb.sh stop  [--dir DIR]
#        tidb.sh kill  [--dir DIR]
#
#   --dir DIR    where it lives; must not exist yet, but after kill. Default: one
#                fixed directory per user under the temporary directory
#   --owner PID  end it when this process ends, however it ends
#
# start prints the DSN for the Go driver as its last line; the account owns the
# database app and all those named app_*. DIR/admin-dsn holds one that may do
# everything. kill sends SIGKILL and leaves the data; the start after it goes on with
# them, at the same port. stop removes DIR with all data.
#
# It is one process: TiDB's SQL layer on its embedded storage (unistore), which stands
# in for PD and TiKV. Planner, transactions, error numbers and DDL are TiDB's own;
# there are no replicas and no second node.
#
# build takes the exact versions below from the Go module proxy: eight minutes of CPU,
# 2 GB of memory, a program of 175 MB, kept in /var/cache/sessionkit by root and in
# ~/.cache/sessionkit by others. SESSIONKIT_TIDB_SERVER names another one.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# Of the line 8.5; both modules at one commit.
tidb=v1.1.0-beta.0.20251126154744-e4e814fdc0af
parser=v0.0.0-20251126154744-e4e814fdc0af

# find_tidb: sets server, and builds it if need be.
find_tidb() {
  server=${SESSIONKIT_TIDB_SERVER:-$(cache_dir)/tidb-server-$tidb}
  [[ -x $server ]] || build_tidb
}

build_tidb() (
  have go || die "go is missing: install Go 1.26 or newer"
  umask 022
  work=$(mktemp -d "$(cache_dir)/build.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  printf 'module probe\n' >go.mod
  module=$(go mod download -json "github.com/pingcap/tidb@$tidb" | sed -n 's/^\t"Dir": "\(.*\)",\?$/\1/p')
  [[ -d $module ]] || die "the module proxy does not serve github.com/pingcap/tidb@$tidb"
  # The replace lines of a dependency do not count, so its whole go.mod is taken over.
  sed -e 's,^module .*,module tidbbuild,' -e "s,^go 1\..*,go $(go_version)," -e '/pkg\/parser => /d' "$module/go.mod" >go.mod
  install -m 644 "$module/go.sum" go.sum
  go mod edit -require="github.com/pingcap/tidb@$tidb" -require="github.com/pingcap/tidb/pkg/parser@$parser"
  say "building tidb-server, a quarter of an hour ..."
  nice go build -mod=mod -p 1 -trimpath -ldflags '-s -w' -o tidb-server github.com/pingcap/tidb/cmd/tidb-server >build.log 2>&1 ||
    { tail -n 20 build.log >&2 && die "cannot build tidb-server"; }
  mv tidb-server "$server"
)

client() {
  mariadb --no-defaults --protocol=tcp --host=127.0.0.1 --port="$port" --connect-timeout=5 --skip-ssl --user=root "$@"
}

answers() { client --execute='select 1' >/dev/null 2>&1; }

accounts() {
  client <<SQL
create database if not exists app;
create user if not exists 'app'@'%' identified by '$password';
grant all privileges on \`app\`.* to 'app'@'%';
grant all privileges on \`app\\_%\`.* to 'app'@'%';
SQL
}

launch() {
  cd /
  server_spawn "$server" -store unistore -path "$dir/data" -host 127.0.0.1 -advertise-address 127.0.0.1 -P "$port" \
    -status-host 127.0.0.1 -status "$(free_port)" -socket "$dir/run/s" -temp-dir "$dir/run" \
    -log-slow-query "$dir/run/slow.log" -L error
  server_wait 60 answers || return 1
  if [[ ! -s $dir/dsn ]]; then
    password=$(random_hex)
    accounts || return 1
    printf 'root@tcp(127.0.0.1:%s)/\n' "$port" >"$dir/admin-dsn"
    printf 'app:%s@tcp(127.0.0.1:%s)/app\n' "$password" "$port" >"$dir/dsn"
  fi
  say "TiDB $tidb, pid $(cut -d' ' -f1 "$dir/server.pid")"
}

cmd_build() { find_tidb; }

cmd_kill() {
  server_kill server
  touch "$dir/killed"
}

ready_to_start() {
  find_tidb
  need mariadb mariadb-client
}

[[ ${1:-} != start ]] || ready_to_start
server_main mysql KILL "$@" # KILL, as the data go away anyway
