# shellcheck shell=bash
# Shared by the scripts of this folder: sourced, never run.

set -euo pipefail

# Database servers live in sbin or libexec, which an ordinary user's PATH lacks.
PATH=$PATH:/usr/sbin:/usr/local/sbin:/usr/libexec

self=$(readlink -f "$0")

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$*"
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# usage: the comment at the top of the running script.
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$self" >&2; }

# --- packages ---------------------------------------------------------------

# may_install: root on Debian, or on one of its children such as Ubuntu.
may_install() {
  ((EUID == 0)) && have apt-get || return 1
  # shellcheck source=/dev/null
  (. /etc/os-release && [[ " ${ID:-} ${ID_LIKE:-} " == *" debian "* ]]) 2>/dev/null
}

# need PROGRAM PACKAGE...: installs PACKAGE... when PROGRAM is missing and we
# may; otherwise says what is missing and fails.
need() {
  local program=$1
  shift
  ! have "$program" || return 0
  may_install || die "$program is missing. Install it, on Debian and Ubuntu with: sudo apt-get install $*"
  apt_install "$@"
  have "$program" || die "$program is still missing after installing $*"
}

# apt_install PACKAGE...: runs in a subshell of its own, for the traps.
apt_install() (
  local policy=/usr/sbin/policy-rc.d mark='written by sessionkit, may be removed' rc=0
  local apt=(apt-get --quiet --yes --no-install-recommends -o DPkg::Lock::Timeout=600)
  export DEBIAN_FRONTEND=noninteractive
  umask 022

  # Debian starts a freshly installed server unless this file forbids it. One
  # that somebody else wrote is only trusted when it does forbid.
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\n# %s\nexit 101\n' "$mark" >"$policy"
    chmod 755 "$policy"
  fi
  "$policy" "$1" start >/dev/null 2>&1 || rc=$?
  ((rc == 101)) || die "$policy lets services start; install $* by hand: apt-get install $*"
  trap 'if grep -qsF "$mark" "$policy"; then rm -f "$policy"; fi' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP

  say "installing $* ..."
  log=$(mktemp)
  if ! { "${apt[@]}" update && "${apt[@]}" install "$@"; } </dev/null >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "cannot install $*; the whole output is in $log"
  fi
  rm -f "$log"
)

# need_npm DIR: what the lockfile of DIR says, if that is not what is there.
need_npm() {
  local installed=$1/node_modules/.package-lock.json
  [[ ! -f $installed || $1/package-lock.json -nt $installed ]] || return 0
  say "installing what $1 needs from npm ..."
  npm ci --prefix "$1" --no-progress >&2
  touch "$installed"
}

# need_cc: go test -race needs cgo, and cgo a C compiler.
need_cc() {
  local cc
  cc=$(go env CC)
  have "${cc%% *}" || need gcc gcc libc6-dev
}

# --- processes --------------------------------------------------------------

# proc_id PID: prints "PID START-TIME", which no later process shares; false
# when the process is gone or only waits to be collected.
proc_id() {
  local line stat
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -ra stat <<<"${line##*) }"
  [[ ${stat[0]} != [ZX] ]] || return 1
  printf '%s %s\n' "$1" "${stat[19]}"
}

# lives FILE: whether the process whose proc_id FILE holds still runs.
lives() {
  local pid start
  { read -r pid start <"$1"; } 2>/dev/null && [[ $(proc_id "$pid") == "$pid $start" ]]
}

# --- programs that take minutes to build ------------------------------------

# cache_dir: where they are kept. Other accounts can reach root's.
cache_dir() {
  local cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sessionkit
  ((EUID != 0)) || cache=/var/cache/sessionkit
  (umask 022 && mkdir -p "$cache")
  printf '%s\n' "$cache"
}

# go_version: this toolchain's, for a go.mod that is written on the way.
go_version() { go env GOVERSION | sed 's/^go\([0-9.]*\).*/\1/'; }

# --- temporary directories and ports ----------------------------------------

# temp_root: a directory that other accounts can reach, because root hands its
# servers over to one.
temp_root() {
  local root=${TMPDIR:-/tmp}
  if ((EUID == 0)) && ! as_account nobody test -x "$root"; then
    root=/tmp
  fi
  printf '%s\n' "${root%/}"
}

# as_account ACCOUNT COMMAND...: COMMAND with the rights of ACCOUNT alone.
as_account() {
  set_as "$1"
  shift
  "${as[@]}" "$@"
}

# set_as ACCOUNT: sets as, a command prefix for programs that refuse root;
# empty when we are not root.
set_as() {
  as=()
  ((EUID == 0)) || return 0
  have setpriv || die "setpriv is missing (package util-linux); a server must not run as root"
  as=(setpriv --reuid="$1" --regid="$(id -g "$1")" --clear-groups)
}

free_port() {
  local port
  for _ in {1..200}; do
    # Below the ephemeral range, where no outgoing connection sits.
    port=$((20000 + RANDOM % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      printf '%s\n' "$port"
      return
    fi
  done
  die "no free port on 127.0.0.1"
}

random_hex() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# --- a private server in a directory ----------------------------------------
#
# dir/starter     proc_id of the script that started it; marks dir as ours
# dir/server.pid  proc_id of the server; of a second program another NAME.pid
# dir/server.log  its output
# dir/killed      there after cmd_kill: the next start goes on with the data
# dir/*.log       also of programs beside it: copied to SESSIONKIT_KEEP_LOGS, if that is
#                 set, by stop and by a start that gives up
# dir/dsn         the application's DSN, written when the server answers
# dir/admin-dsn   the same for an account that may do everything
# dir/data, dir/run  belong to the server's account

# server_main KIND SIGNAL ARGUMENT...: the command line that all servers share. The
# calling script defines launch: init once, spawn, true when it answers; and, as
# cmd_NAME and opt_NAME, commands and options that are its own. KIND is also the
# account that root hands the server to; SIGNAL ends it.
server_main() {
  kind=$1 stop_signal=$2 cmd=${3:-} dir='' owner=''
  shift $(($# < 3 ? $# : 3))
  while (($#)); do
    (($# > 1)) || { usage && exit 2; }
    case $1 in
      --dir) dir=$2 ;;
      --owner) owner=$2 ;;
      *)
        is_function "opt_${1#--}" || { usage && exit 2; }
        "opt_${1#--}" "$2"
        ;;
    esac
    shift 2
  done
  [[ -d /proc/self ]] || die "this script needs Linux; elsewhere start a server yourself and set its DSN (see make help)"
  dir=${dir:-$(temp_root)/sessionkit-$(basename "$self" .sh)-$EUID}
  umask 077 # logs and DSN files hold passwords
  case $cmd in
    start) server_start ;;
    stop) server_stop ;;
    watch) server_watch ;;
    *)
      is_function "cmd_${cmd//-/_}" || { usage && exit 2; }
      "cmd_${cmd//-/_}"
      ;;
  esac
}

is_function() { [[ $(type -t "$1") == function ]]; }

server_start() {
  if [[ -e $dir || -L $dir ]]; then
    server_owned || die "$dir is in the way and not a server directory of ours"
    if lives "$dir/server.pid" && [[ -s $dir/dsn ]]; then
      say "already running in $dir"
      cat "$dir/dsn"
      return
    fi
    ! lives "$dir/starter" || die "another start is at work in $dir"
    if [[ -e $dir/killed ]]; then
      server_again
      return
    fi
    server_stop
  fi
  mkdir "$dir"
  proc_id $$ >"$dir/starter"
  trap 'say "giving up"; server_stop' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  setsid "$BASH" "$self" watch --dir "$dir" ${owner:+--owner "$owner"} </dev/null >/dev/null 2>&1 &

  server_account
  local tries
  for tries in 1 2 3; do
    port=$(free_port)
    ! launch || break
    # Somebody took the port between the look and the start.
    if ((tries == 3)) || ! grep -qiE 'address already in use|another .* running on port' "$dir/server.log"; then
      tail -n 25 "$dir/server.log" >&2
      die "the $kind server did not start"
    fi
  done
  trap - EXIT
  cat "$dir/dsn"
}

# server_again: what cmd_kill has ended goes on at the same port.
server_again() {
  port=$(sed 's/.*:\([0-9]*\))\/.*/\1/' "$dir/dsn")
  server_as
  rm "$dir/killed"
  launch || { tail -n 25 "$dir/server.log" >&2 && die "the server of $dir does not come back"; }
  cat "$dir/dsn"
}

# server_as: picks the account of the server.
server_as() {
  account=$(id -un)
  if ((EUID == 0)); then
    account=nobody
    ! id "$kind" >/dev/null 2>&1 || account=$kind
  fi
  set_as "$account"
  export TMPDIR=$dir/run # the user's own may be out of the account's reach
}

# server_account: gives the server's account its folders.
server_account() {
  server_as
  ((EUID != 0)) || chmod 711 "$dir"
  ((EUID != 0)) || "${as[@]}" test -x "$dir" ||
    die "account $account cannot reach $dir; set TMPDIR to a directory it can reach, such as /tmp"
  mkdir "$dir/data" "$dir/run"
  ((EUID != 0)) || chown "$account" "$dir/data" "$dir/run"
}

# server_owned: dir is a directory of ours that a start made.
server_owned() { [[ -d $dir && ! -L $dir && -O $dir && -f $dir/starter ]]; }

# server_spawn COMMAND...: the server in a session of its own, so that no
# terminal's Ctrl-C reaches it before the tests have ended.
server_spawn() { spawn server "$@"; }

# spawn NAME COMMAND...: the same for a program beside it.
spawn() {
  launch_as "$@"
  disown
}

# to_end NAME COMMAND...: waits for a program that ends by itself.
to_end() {
  launch_as "$@"
  wait "$!"
}

# launch_as NAME COMMAND...: the process writes its pid file itself, before it becomes
# the program: whoever ends the servers finds it, however this script ends meanwhile.
launch_as() {
  local name=$1
  shift
  rm -f "$dir/$name.pid"
  {
    proc_id "$BASHPID" >"$dir/$name.pid" || exit
    exec setsid "${as[@]}" "$@" </dev/null >>"$dir/$name.log" 2>&1
  } &
  until [[ -s $dir/$name.pid ]] || ! proc_id "$!" >/dev/null; do sleep 0.01; done
}

# server_wait SECONDS COMMAND...: until COMMAND succeeds; false when the server
# has ended or the time is up.
server_wait() { await server "$@"; }

# await NAME SECONDS COMMAND...: the same for a program beside it.
await() {
  local name=$1 end=$((SECONDS + $2))
  shift 2
  until "$@"; do
    lives "$dir/$name.pid" && ((SECONDS < end)) || return 1
    sleep 0.05
  done
}

# server_stop: also takes away what a killed start left behind.
server_stop() {
  trap - EXIT
  [[ -e $dir || -L $dir ]] || return 0
  server_owned || die "$dir is not a server directory of ours"
  local file
  # A start that is at work would start more.
  [[ $(proc_id $$) == "$(<"$dir/starter")" ]] || ! lives "$dir/starter" ||
    signal "$dir/starter" KILL 200 || die "cannot end the start in $dir"
  for file in "$dir"/*.pid; do
    ! lives "$file" || signal "$file" "$stop_signal" 200 || signal "$file" KILL 200 || die "cannot end the server of $dir"
  done
  [[ -z ${SESSIONKIT_KEEP_LOGS:-} ]] || keep_logs "$SESSIONKIT_KEEP_LOGS"
  # A killed server's threads may hold a file for another instant.
  rm -rf "$dir" 2>/dev/null || { sleep 0.5 && rm -rf "$dir"; }
}

# keep_logs DIRECTORY: the servers' logs outlive them there.
keep_logs() {
  mkdir -p "$1" && cp "$dir"/*.log "$1" || return 0
  say "the logs of the servers are in $1"
}

# signal FILE SIGNAL TRIES: true once the process of a pid file has gone.
signal() {
  local pid
  read -r pid _ <"$1"
  kill -s "$2" "$pid" 2>/dev/null || true
  for ((i = 0; i < $3; i++)); do
    lives "$1" || return 0
    sleep 0.05
  done
  return 1
}

# server_kill NAME: SIGKILL, for tests of outages; all else of dir stays.
server_kill() {
  server_owned || die "$dir is not a server directory of ours"
  lives "$dir/$1.pid" || die "$1 of $dir does not run"
  signal "$dir/$1.pid" KILL 200 || die "cannot end $1 of $dir"
}

# server_watch: ends the servers when their start was killed half way, or when their
# owner has gone without doing so, which happens when it is killed.
server_watch() {
  local owner_id='' starter now
  [[ -z $owner ]] || owner_id=$(proc_id "$owner") || owner_id=gone
  read -r starter <"$dir/starter"
  while [[ -z $owner || $(proc_id "$owner") == "$owner_id" ]]; do
    sleep 1
    { read -r now <"$dir/starter"; } 2>/dev/null && [[ $now == "$starter" ]] || return 0
    if ! lives "$dir/starter"; then
      [[ -s $dir/dsn ]] || break
      [[ -n $owner ]] || return 0
    fi
  done
  server_stop
}
