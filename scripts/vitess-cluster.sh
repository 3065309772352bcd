#!/usr/bin/env bash
# A private, throw-away Vitess of many processes on 127.0.0.1, whose primaries change.
#
# Usage: vitess-cluster.sh build
#        vitess-cluster.sh start --layout user|home [--buffer on|off] [--dir DIR] [--owner PID]
#        vitess-cluster.sh stop         [--dir DIR]
#        vitess-cluster.sh planned      [--dir DIR]
#        vitess-cluster.sh kill-primary [--dir DIR]
#        vitess-cluster.sh emergency    [--dir DIR]
#
#   --layout L    as in vitess.sh
#   --buffer B    off (default): vtgate hands the errors of a change of primary on;
#                 on: it holds the statements back meanwhile (--enable-buffer)
#   --dir DIR     where it lives; must not exist yet. Default: one fixed directory
#                 per user under the temporary directory
#   --owner PID   end it when this process ends, however it ends
#
# start prints the DSN for the Go driver as its last line. stop ends everything and
# removes DIR with all data.
#
# It is etcd, vtctld, vtgate, and a vttablet with a MySQL of its own for each of six
# tablets: three of the shard -80 of the keyspace app, two of 80-, one of the keyspace
# main. A commit in app waits for one replica (durability policy semi_sync), so that no
# acknowledged one is lost with a primary.
#
# planned makes another tablet the primary, in both shards of app, one after the other
# (PlannedReparentShard). kill-primary ends the server and the tablet of the primary of
# -80 with SIGKILL; emergency makes another one the primary (EmergencyReparentShard),
# as VTOrc or an operator does.
#
# build takes vitess.io/vitess from the Go module proxy: four programs, some five
# minutes of CPU, kept in /var/cache/sessionkit by root and in ~/.cache/sessionkit by
# others. 2 GB of memory.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "${self%/*}/mysql-tree.sh"
. "${self%/*}/vitess-build.sh"

programs=(vtctld vtctldclient vttablet vtgate)
texts=$(readlink -f "${self%/*}/../docs/vitess")
layout='' buffer=off

# The number of a tablet tells its ports; the first of each shard is the primary at
# first.
declare -A shards=([101]=app/-80 [102]=app/-80 [103]=app/-80 [201]=app/80- [202]=app/80- [301]=main/0)
tablets=(101 102 103 201 202 301)

opt_layout() { layout=$1; }
opt_buffer() { buffer=$1; }

# at OFFSET: a port. They lie together, above the one that was chosen.
at() { printf '%s\n' "$((port + $1))"; }

tablet_alias() { printf 'zone1-%010d\n' "$1"; }

topo() {
  printf '%s\n' --topo-implementation etcd2 --topo-global-server-address "127.0.0.1:$(at 1)" --topo-global-root /vitess/global
}

ctl() { "$(vitess_program vtctldclient)" --server "127.0.0.1:$(at 4)" --action-timeout 60s "$@"; }

# --- MySQL --------------------------------------------------------------------

mysqld_options() {
  opts=(--no-defaults "--basedir=$tree/usr" "--lc-messages-dir=$tree/usr/share/mysql"
    "--character-sets-dir=$tree/usr/share/mysql/charsets" "--plugin-dir=$tree/usr/lib/mysql/plugin"
    "--datadir=$dir/data/$1/mysql" "--tmpdir=$dir/data/$1" "--socket=$dir/data/$1/s" "--pid-file=$dir/data/$1/pid"
    --mysqlx=OFF --secure-file-priv=NULL --skip-name-resolve --character-set-server=utf8mb4 --max-connections=300
    --performance-schema=OFF --innodb-buffer-pool-size=32M --innodb-redo-log-capacity=16M
    --innodb-flush-log-at-trx-commit=2 --sync-binlog=0)
}

# mysqld_template: one initialised server, which the others are copies of. The account
# is in no binary log, so that the servers agree from the start.
mysqld_template() {
  local run opts
  "${as[@]}" mkdir -p "$dir/data/template"
  mysqld_options template
  printf "create user 'vt'@'127.0.0.1' identified by 'vt';\ngrant all privileges on *.* to 'vt'@'127.0.0.1' with grant option;\n" |
    "${as[@]}" tee "$dir/data/template/init.sql" >/dev/null
  tree_run sbin/mysqld "${opts[@]}" --initialize-insecure --skip-log-bin "--init-file=$dir/data/template/init.sql"
  to_end template "${run[@]}" || { tail -n 10 "$dir/template.log" >>"$dir/server.log" && return 1; }
  "${as[@]}" rm "$dir/data/template/mysql/auto.cnf"
}

mysqld_spawn() {
  local run opts
  "${as[@]}" mkdir -p "$dir/data/$1"
  "${as[@]}" cp -r "$dir/data/template/mysql" "$dir/data/$1/mysql"
  mysqld_options "$1"
  tree_run sbin/mysqld "${opts[@]}" "--port=$(at $((1000 + $1)))" --bind-address=127.0.0.1 "--server-id=$1" \
    --gtid-mode=ON --enforce-gtid-consistency=ON --log-bin=binlog --relay-log=relay \
    '--plugin-load-add=semisync_source.so;semisync_replica.so'
  spawn "mysqld-$1" "${run[@]}"
}

mysqld_answers() {
  local run
  tree_run bin/mysql --no-defaults --connect-timeout=5 --protocol=tcp --host=127.0.0.1 "--port=$(at $((1000 + $1)))" \
    --user=vt --password=vt --execute='select 1'
  "${run[@]}" >/dev/null 2>&1
}

# --- Vitess -------------------------------------------------------------------

etcd_spawn() {
  local client peer
  client=http://127.0.0.1:$(at 1) peer=http://127.0.0.1:$(at 2)
  spawn etcd etcd --data-dir "$dir/data/etcd" --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer" --log-level error
}

vtctld_spawn() {
  local flags
  mapfile -t flags < <(topo)
  spawn vtctld env VTDATAROOT="$dir/run" "$(vitess_program vtctld)" "${flags[@]}" --cell zone1 --service-map grpc-vtctl,grpc-vtctld \
    --bind-address 127.0.0.1 --port "$(at 3)" --grpc-bind-address 127.0.0.1 --grpc-port "$(at 4)" --log-format text
}

vttablet_spawn() {
  local flags user n=$1 opts=()
  mapfile -t flags < <(topo)
  for user in app dba allprivs filtered repl appdebug; do
    opts+=("--db-$user-user" vt "--db-$user-password" vt)
  done
  spawn "vttablet-$n" env VTDATAROOT="$dir/run" "$(vitess_program vttablet)" "${flags[@]}" "${opts[@]}" \
    --tablet-path "$(tablet_alias "$n")" --init-keyspace "${shards[$n]%/*}" --init-shard "${shards[$n]#*/}" \
    --init-tablet-type replica --db-host 127.0.0.1 --db-port "$(at $((1000 + n)))" --db-charset utf8mb4 \
    --tablet-hostname 127.0.0.1 --bind-address 127.0.0.1 --port "$(at "$n")" --grpc-bind-address 127.0.0.1 \
    --grpc-port "$(at $((n + 500)))" --service-map grpc-queryservice,grpc-tabletmanager,grpc-updatestream \
    --health-check-interval 1s --queryserver-config-pool-size 32 --queryserver-config-transaction-cap 32 --log-format text
}

vtgate_spawn() {
  local flags opts=()
  mapfile -t flags < <(topo)
  [[ $buffer != on ]] || opts=(--enable-buffer)
  server_spawn env VTDATAROOT="$dir/run" "$(vitess_program vtgate)" "${flags[@]}" --cell zone1 --cells-to-watch zone1 \
    --tablet-types-to-wait PRIMARY --mysql-auth-server-impl none --mysql-server-bind-address 127.0.0.1 \
    --mysql-server-port "$port" --bind-address 127.0.0.1 --port "$(at 5)" --grpc-bind-address 127.0.0.1 --grpc-port "$(at 6)" \
    --service-map grpc-vtgateservice "${opts[@]}" --log-format text
}

client() {
  mariadb --no-defaults --protocol=tcp --host=127.0.0.1 --port="$port" --connect-timeout=5 --skip-ssl \
    --user=app --password=app --batch --skip-column-names "$@" 2>/dev/null
}

# serving: three primaries, one for each shard.
serving() { (($(client --execute='show vitess_tablets' | grep -c 'PRIMARY.*SERVING') == 3)); }

topo_answers() { ctl GetKeyspaces >/dev/null 2>&1; }

# known N: N tablets have told the topology of themselves.
known() { (($(ctl GetTablets | wc -l) == $1)); }

# tablet_of TYPE SHARD: the first of its tablets of this type. (awk reads to the end, else
# vtctldclient would die of a pipe that nobody reads.)
tablet_of() { ctl GetTablets --keyspace "${2%/*}" --shard "${2#*/}" | awk -v type="$1" '$4 == type && !n++ { print $1 }'; }

reparent() { ctl "$1" "$2" --new-primary "$3" "${@:4}" >>"$dir/reparent.log" 2>&1; }

# shards_up: the keyspaces, with a primary in each shard.
shards_up() {
  local n
  ctl CreateKeyspace --durability-policy=semi_sync app && ctl CreateKeyspace --durability-policy=none main || return 1
  for n in "${tablets[@]}"; do
    await "mysqld-$n" 60 mysqld_answers "$n" || { tail -n 10 "$dir/mysqld-$n.log" && return 1; }
    vttablet_spawn "$n"
  done
  await vtctld 60 known "${#tablets[@]}" || return 1
  for n in 101 201 301; do
    reparent PlannedReparentShard "${shards[$n]}" "$(tablet_alias "$n")" || { tail -n 5 "$dir/reparent.log" && return 1; }
  done
  ctl ApplyVSchema --vschema-file "$texts/by-$layout.json" app && ctl ApplyVSchema --vschema-file "$texts/main.json" main &&
    ctl ApplyRoutingRules --rules-file "$texts/routing-rules.json"
}

launch() {
  local n
  port=$(cluster_port)
  mysqld_template || return 1
  cd /
  etcd_spawn
  for n in "${tablets[@]}"; do mysqld_spawn "$n"; done
  ctl_up || return 1
  shards_up >>"$dir/server.log" 2>&1 || return 1
  vtgate_spawn
  server_wait 60 serving || return 1
  [[ ! -e $texts/by-$layout.sql ]] || client app <"$texts/by-$layout.sql" || return 1
  printf '%s\n' "$port" >"$dir/port"
  printf 'app:app@tcp(127.0.0.1:%s)/app\n' "$port" >"$dir/dsn"
  say "Vitess $vitess, sessions by $layout, buffer $buffer, ${#tablets[@]} tablets, pid $(cut -d' ' -f1 "$dir/server.pid")"
}

# ctl_up: vtctld on etcd, which may need a moment.
ctl_up() {
  local tries
  for tries in {1..100}; do
    ! (exec 3<>"/dev/tcp/127.0.0.1/$(at 1)") 2>/dev/null || break
    sleep 0.1
  done
  ((tries < 100)) || return 1
  vtctld_spawn
  await vtctld 60 topo_answers && ctl AddCellInfo --root /vitess/zone1 --server-address "127.0.0.1:$(at 1)" zone1 >>"$dir/server.log"
}

# cluster_port: the first of a stretch of 1,400, in which nobody listens when we look.
cluster_port() {
  local p
  for _ in {1..50}; do
    p=$((20000 + RANDOM % 10000))
    if ! ss -Htln "sport >= :$p and sport <= :$((p + 1400))" | grep -q .; then
      printf '%s\n' "$p"
      return
    fi
  done
  die "no free ports on 127.0.0.1"
}

# --- faults -------------------------------------------------------------------

# running: sets port, of a cluster that runs.
running() {
  server_owned || die "$dir is not a server directory of ours"
  read -r port <"$dir/port"
}

cmd_planned() {
  local shard
  running
  for shard in app/-80 app/80-; do
    reparent PlannedReparentShard "$shard" "$(tablet_of replica "$shard")" || { tail -n 5 "$dir/reparent.log" >&2 && die "$shard keeps its primary"; }
  done
}

cmd_kill_primary() {
  local n
  running
  n=$(tablet_of primary app/-80)
  n=$((10#${n#*-}))
  server_kill "mysqld-$n"
  server_kill "vttablet-$n"
}

cmd_emergency() {
  running
  ctl EmergencyReparentShard app/-80 --wait-replicas-timeout 5s >>"$dir/reparent.log" 2>&1 ||
    { tail -n 5 "$dir/reparent.log" >&2 && die "no new primary"; }
}

cmd_build() { vitess_build "${programs[@]}"; }

ready_to_start() {
  [[ " $* " == *" --layout "* ]] || { usage && exit 2; }
  vitess_build "${programs[@]}"
  need etcd etcd-server
  need mariadb mariadb-client
  need ss iproute2
  make_tree "$(cache_dir)/mysql-tree.log"
}

[[ ${1:-} != start ]] || ready_to_start "$@"
server_main mysql KILL "$@" # KILL, as the data go away anyway
