#!/usr/bin/env bash
# A private, throw-away PostgreSQL server on 127.0.0.1 for tests.
#
# Usage: postgres.sh start [--dir DIR] [--owner PID]
#        postgres.sh stop  [--dir DIR]
#
# Works like mariadb.sh, but uses what the machine has: without PostgreSQL's
# server programs, start prints nothing and exits with 3. The account of the DSN
# owns the database app and may create others.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# find_server: sets bin to the folder of the newest server programs.
find_server() {
  local found
  found=$({
    compgen -G '/usr/lib/postgresql/*/bin/postgres'
    compgen -G '/usr/pgsql-*/bin/postgres'
  } | sort -V | tail -n 1) || true
  [[ -n $found ]] || found=$(command -v postgres) || exit 3
  bin=${found%/*}
  [[ -x $bin/initdb ]] || exit 3
}

# init_data: the cluster, with accounts and database made before it listens.
# The single-user mode takes one statement per line.
init_data() {
  local sql="create role app login createdb password '$password';
create role admin login superuser password '$admin';
create database app owner app;"
  {
    "${as[@]}" "$bin/initdb" --pgdata="$dir/data" --username=postgres --encoding=UTF8 \
      --locale=C --auth=trust --no-sync &&
      "${as[@]}" "$bin/postgres" --single -D "$dir/data" -c fsync=off postgres <<<"$sql" &&
      printf 'host all all 127.0.0.1/32 scram-sha-256\n' >"$dir/data/pg_hba.conf"
  } >>"$dir/server.log" 2>&1
}

ready() { [[ $("${as[@]}" sed -n 8p "$dir/data/postmaster.pid" 2>/dev/null) == ready* ]]; }

launch() {
  cd /
  if [[ -z $(ls -A "$dir/data") ]]; then
    password=$(random_hex) admin=$(random_hex)
    init_data || return 1
  fi
  server_spawn "$bin/postgres" -D "$dir/data" -c port="$port" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c max_connections=300 -c fsync=off -c synchronous_commit=off \
    -c full_page_writes=off -c log_min_messages=warning
  server_wait 60 ready || return 1
  printf 'postgres://admin:%s@127.0.0.1:%s/postgres?sslmode=disable\n' "$admin" "$port" >"$dir/admin-dsn"
  printf 'postgres://app:%s@127.0.0.1:%s/app?sslmode=disable\n' "$password" "$port" >"$dir/dsn"
  say "$("$bin/postgres" --version), pid $(cut -d' ' -f1 "$dir/server.pid")"
}

[[ ${1:-} != start ]] || find_server
server_main postgres QUIT "$@" # QUIT: at once, but with its shared memory given back
