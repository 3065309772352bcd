#!/usr/bin/env bash
# A private, throw-away Vitess on 127.0.0.1 for tests: a keyspace app of two shards,
# and an unsharded one, main.
#
# Usage: vitess.sh build
#        vitess.sh start --layout user|home [--dir DIR] [--owner PID]
#        vitess.sh stop  [--dir DIR]
#        vitess.sh kill-mysqld  [--dir DIR]
#        vitess.sh start-mysqld [--dir DIR]
#
#   --layout L   how auth_sessions lies on the shards, -80 and 80-:
#                user  by user_id, with a unique lookup vindex from the handle in
#                      the table auth_handles
#                home  by the column home, for gormstore.Config{Sharded: true}
#                In both, auth_signing_keys, auth_meta and auth_feed are in main,
#                by routing rules. The texts are those of docs/vitess.
#   --dir DIR    where it lives; must not exist yet. Default: one fixed directory
#                per user under the temporary directory
#   --owner PID  end it when this process ends, however it ends
#
# start prints the DSN for the Go driver as its last line. stop ends everything and
# removes DIR with all data.
#
# It is vtcombo: vtgate, the tablets and a topology in memory in one process, over
# one MySQL of Debian's suite sid (as scripts/cluster.sh has it). There is nothing to
# fail over to: kill-mysqld (SIGKILL) and start-mysqld show the errors of an outage.
# DIR/mysqld.pid and DIR/server.pid begin with the processes' ids.
#
# build takes vitess.io/vitess from the Go module proxy: four minutes of CPU, a
# program of 80 MB, kept in /var/cache/sessionkit by root and in ~/.cache/sessionkit
# by others. SESSIONKIT_VTCOMBO names another one.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "${self%/*}/mysql-tree.sh"
. "${self%/*}/vitess-build.sh"

texts=$(readlink -f "${self%/*}/../docs/vitess")
layout=''

opt_layout() { layout=$1; }

# init_sql: the databases of the tablets, whose account stays on this machine.
init_sql() {
  cat <<SQL
create database if not exists \`vt_app_-80\` character set utf8mb4;
create database if not exists \`vt_app_80-\` character set utf8mb4;
create database if not exists vt_main_0 character set utf8mb4;
create user if not exists 'vt'@'localhost' identified by 'vt';
grant all privileges on *.* to 'vt'@'localhost' with grant option;
SQL
}

mysqld_answers() {
  local run
  tree_run bin/mysql --no-defaults --connect-timeout=5 --socket="$dir/run/s" --user=vt --password=vt --execute='select 1'
  "${run[@]}" >/dev/null 2>&1
}

# mysqld: starts the server behind, which no port leads to.
mysqld() {
  local run opts=(--no-defaults "--basedir=$tree/usr" "--lc-messages-dir=$tree/usr/share/mysql"
    "--character-sets-dir=$tree/usr/share/mysql/charsets" "--plugin-dir=$tree/usr/lib/mysql/plugin"
    "--datadir=$dir/data/mysql" "--tmpdir=$dir/run" "--socket=$dir/run/s" "--pid-file=$dir/run/pid"
    --skip-networking --mysqlx=OFF --secure-file-priv=NULL --max-connections=2000 --character-set-server=utf8mb4
    --server-id=1 --gtid-mode=ON --enforce-gtid-consistency=ON --sync-binlog=0
    --innodb-flush-log-at-trx-commit=2 --innodb-buffer-pool-size=256M)
  if [[ ! -e $dir/data/mysql ]]; then
    tree_run sbin/mysqld "${opts[@]}" --initialize-insecure
    to_end mysqld "${run[@]}" || return 1
  fi
  init_sql >"$dir/run/init.sql"
  ((EUID != 0)) || chown "$account" "$dir/run/init.sql"
  tree_run sbin/mysqld "${opts[@]}" --init-file="$dir/run/init.sql"
  spawn mysqld "${run[@]}"
  await mysqld 60 mysqld_answers || {
    tail -n 10 "$dir/mysqld.log" >>"$dir/server.log"
    return 1
  }
}

client() {
  mariadb --no-defaults --protocol=tcp --host=127.0.0.1 --port="$port" --connect-timeout=5 --skip-ssl \
    --user=app --password=app --batch --skip-column-names "$@" 2>/dev/null
}

# serving: three primaries, one for each shard.
serving() { (($(client --execute='show vitess_tablets' | grep -c 'PRIMARY.*SERVING') == 3)); }

# topology: what vtctldclient would be told of keyspaces, shards and routing rules.
topology() {
  printf '{"keyspaces": [{"name": "app", "shards": [{"name": "-80"}, {"name": "80-"}]},
    {"name": "main", "shards": [{"name": "0"}]}], "routing_rules": %s}\n' "$(<"$texts/routing-rules.json")"
}

launch() {
  local user opts=()
  [[ -e $dir/data/mysql ]] || mysqld || return 1
  mkdir -p "$dir/run/schema/app" "$dir/run/schema/main" "$dir/run/vt/tmp"
  cp "$texts/by-$layout.json" "$dir/run/schema/app/vschema.json"
  cp "$texts/main.json" "$dir/run/schema/main/vschema.json"
  ((EUID != 0)) || chown -R "$account" "$dir/run/schema" "$dir/run/vt"
  # A tablet gives a transaction 1 s to get its connection to MySQL, then it is 1317 or
  # 1203. Where few cores serve all, fifty that begin at once may take longer.
  #
  # Through the socket: with host and port the replicas, which are the same server,
  # would try to replicate from it.
  for user in app dba allprivs filtered repl appdebug; do
    opts+=("--db-$user-user" vt "--db-$user-password" vt)
  done
  cd /
  server_spawn env VTDATAROOT="$dir/run/vt" "$(vitess_program vtcombo)" --port "$(free_port)" --bind-address 127.0.0.1 \
    --mysql-auth-server-impl none --mysql-server-port "$port" --mysql-server-bind-address 127.0.0.1 \
    --db-socket "$dir/run/s" --db-charset utf8mb4 "${opts[@]}" --mycnf-server-id 1 --mycnf-socket-file "$dir/run/s" \
    --json-topo "$(topology)" --schema-dir "$dir/run/schema" --foreign-key-mode disallow --enable-direct-ddl=true \
    --enable-system-settings=true --queryserver-config-pool-size 100 --queryserver-config-transaction-cap 200 \
    --queryserver-config-txpool-timeout 30s \
    --tablet-refresh-interval 10s --log-format text
  server_wait 60 serving || return 1
  [[ ! -e $texts/by-$layout.sql ]] || client app <"$texts/by-$layout.sql" || return 1
  printf 'app:app@tcp(127.0.0.1:%s)/app\n' "$port" >"$dir/dsn"
  say "Vitess $vitess, sessions by $layout, pid $(cut -d' ' -f1 "$dir/server.pid")"
}

cmd_build() { vitess_build vtcombo; }

cmd_kill_mysqld() { server_kill mysqld; }

cmd_start_mysqld() {
  server_owned || die "$dir is not a server directory of ours"
  ! lives "$dir/mysqld.pid" || die "the mysqld of $dir runs"
  server_as
  mysqld || { tail -n 10 "$dir/mysqld.log" >&2 && die "mysqld does not come back"; }
}

ready_to_start() {
  [[ " $* " == *" --layout "* ]] || { usage && exit 2; }
  vitess_build vtcombo
  need mariadb mariadb-client
  make_tree "$(cache_dir)/mysql-tree.log"
}

[[ ${1:-} != start ]] || ready_to_start "$@"
server_main mysql KILL "$@" # KILL, as the data go away anyway
