#!/usr/bin/env bash
# A private, throw-away MariaDB or MySQL server on 127.0.0.1 for tests.
#
# Usage: mariadb.sh start [--dir DIR] [--owner PID]
#        mariadb.sh stop  [--dir DIR]
#
#   --dir DIR    where the server lives; must not exist yet. Default: one fixed
#                directory per user under the temporary directory
#   --owner PID  end the server when this process ends, however it ends
#
# start prints the DSN for the Go driver as its last line; started twice it
# prints the same again. What a killed server or a killed start left in DIR is
# removed first. The account of the DSN owns the database app and all those
# named app_*, nothing else; DIR/admin-dsn holds one that may do everything.
# stop ends the server and removes DIR with all data. Nothing is ever flushed to
# disk: do not keep anything in it.
#
# SESSIONKIT_MYSQL_OPTIONS holds further options of the server, separated by
# blanks; they win over those below. Benchmarks set sizes and durability with it.
#
# mariadbd is taken if there is one, else mysqld; if neither is there, root on
# Debian or Ubuntu gets the package mariadb-server, without its system service.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# What the servers have in common. A commit reaches the kernel (2), so it
# outlives a kill of the server, though not a power cut.
options() {
  printf '%s\n' --no-defaults "--datadir=$dir/data" "--socket=$dir/run/s.sock" \
    "--pid-file=$dir/run/pid" --port="$port" --bind-address=127.0.0.1 --secure-file-priv="$dir/run" \
    --loose-mysqlx=OFF --skip-name-resolve --local-infile=0 --max-connections=500 \
    --character-set-server=utf8mb4 --performance-schema=OFF --skip-log-bin \
    --innodb-flush-log-at-trx-commit=2 --innodb-flush-method=nosync --innodb-doublewrite=0
  ((EUID != 0)) || printf '%s\n' --user="$account"
  local more
  read -ra more <<<"${SESSIONKIT_MYSQL_OPTIONS:-}"
  ((${#more[@]} == 0)) || printf '%s\n' "${more[@]}"
}

# find_server: sets server. mysqld may be MariaDB's too, under its old name.
find_server() {
  have mariadbd || have mysqld || install_server
  server=$(command -v mariadbd || command -v mysqld)
}

install_server() {
  may_install || die "no MariaDB or MySQL server on this machine. Do one of these:
  - sudo apt-get install mariadb-server   (Debian, Ubuntu)
  - set SESSIONKIT_TEST_MYSQL_DSN to a server of yours, such as
    'user:password@tcp(127.0.0.1:3306)/app'; the account must own app and app\\_%"
  apt_install mariadb-server
  # It must not come up at the next boot either.
  ! have update-rc.d || update-rc.d mariadb disable >/dev/null 2>&1 || true
  have mariadbd || die "mariadbd is still missing after installing mariadb-server"
}

# init_data: an empty data directory, once.
init_data() {
  local init=("$server" "${opts[@]}" --initialize-insecure)
  if [[ $("$server" --no-defaults --version) == *MariaDB* ]]; then
    init=(mariadb-install-db --no-defaults --force --skip-test-db --skip-name-resolve
      --datadir="$dir/data" --user="$account")
  fi
  "${init[@]}" </dev/null >>"$dir/server.log" 2>&1
}

# init_sql: accounts, created before the server accepts anybody. One statement
# per line is a rule of init files.
init_sql() {
  cat <<SQL
create database if not exists app;
create user if not exists 'app'@'%' identified by '$password';
grant all privileges on \`app\`.* to 'app'@'%';
grant all privileges on \`app\\_%\`.* to 'app'@'%';
create user if not exists 'admin'@'%' identified by '$admin';
grant all privileges on *.* to 'admin'@'%' with grant option;
alter user 'root'@'localhost' identified by '$admin';
SQL
}

# greets: the server sends the first byte, and does so only once it is ready.
greets() { (exec 3<>"/dev/tcp/127.0.0.1/$port" && read -r -t 5 -N 1 -u 3) 2>/dev/null; }

launch() {
  local opts
  mapfile -t opts < <(options)
  if [[ -z $(ls -A "$dir/data") ]]; then
    password=$(random_hex) admin=$(random_hex)
    init_data || return 1
  fi
  init_sql >"$dir/run/init.sql"
  ((EUID != 0)) || chown "$account" "$dir/run/init.sql"
  server_spawn "$server" "${opts[@]}" --init-file="$dir/run/init.sql"
  server_wait 60 greets || return 1
  printf 'admin:%s@tcp(127.0.0.1:%s)/\n' "$admin" "$port" >"$dir/admin-dsn"
  printf 'app:%s@tcp(127.0.0.1:%s)/app\n' "$password" "$port" >"$dir/dsn"
  say "$("$server" --no-defaults --version | sed 's/.*Ver //'), pid $(cut -d' ' -f1 "$dir/server.pid")"
}

[[ ${1:-} != start ]] || find_server
server_main mysql KILL "$@" # KILL, as the data go away anyway
