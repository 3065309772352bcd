#!/usr/bin/env bash
# Runs the kit on a sharded Vitess and on TiDB, and prints what came of it as the
# Markdown tables of docs/guarantees.md.
#
# Usage: distributed.sh [-out PAGE] [vitess | tidb | outages]...
#
# vitess:  conformance, plans, a storm of RevokeAll and the stories, sharded by user
#          and by home (scripts/vitess.sh)
# tidb:    the same, and the migrations (scripts/tidb.sh)
# outages: a crowd of browsers while servers are killed and frozen
#
# Without a part: all of them. With -out the table of each part that ran is put into the
# page, between its marks, failed or not. The first run builds the servers: a quarter of
# an hour of CPU. Logs and tables are kept in artifacts/distributed, and where a part
# failed its servers' logs in artifacts/distributed/servers.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

have go || die "go is missing: install Go 1.26 or newer"
here=${self%/*}
cd "$here/.."
out=$PWD/artifacts/distributed
rm -rf "$out/servers"
mkdir -p "$out"
failed='' before=''
export SESSIONKIT_KEEP_LOGS=$out/servers # of what does not start, and of failed outages

work=$(mktemp -d "$(temp_root)/sessionkit-distributed.XXXXXX")
((EUID != 0)) || chmod 711 "$work"
cleanup() {
  local layout
  for layout in user home; do end_servers vitess.sh "vitess-$layout" || true; done
  end_servers tidb.sh tidb || true
  rm -rf "$work"
}

# end_servers SCRIPT NAME: their logs are kept if a step since begin_servers failed.
end_servers() {
  local logs=''
  [[ $failed == "$before" ]] || logs=$out/servers/$2
  SESSIONKIT_KEEP_LOGS=$logs "$here/$1" stop --dir "$work/$2"
}

# begin_servers SCRIPT NAME OPTION...: sets dsn.
begin_servers() {
  before=$failed
  dsn=$(SESSIONKIT_KEEP_LOGS=$out/servers/$2 "$here/$1" start --dir "$work/$2" --owner $$ "${@:3}" | tail -n 1)
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# rows LOG ENGINE LAYOUT WHAT: the rows of a step. A test says with ROW|…| what it is
# about, and gets the count of the tests in it; a step whose tests say nothing is a row
# itself.
rows() {
  awk -v engine="$2" -v layout="$3" -v what="$4" '
  /^ROW\|/ { row[++n] = substr($0, 5); next }
  /^ *--- (PASS|FAIL|SKIP): / {
    state[$3] = substr($2, 1, 4)
    for (name = $3; sub("/[^/]*$", "", name); ) parent[name] = 1
  }
  END {
    if (n == 0) row[++n] = engine "|" layout "|" what "||"
    for (i = 1; i <= n; i++) {
      split(row[i], r, "|")
      good = bad = 0
      for (name in state) {
        if (r[4] != "" && index(name "/", r[4] "/") != 1) continue
        if (state[name] == "FAIL") { if (!(name in parent)) bad++ }
        else if (state[name] == "PASS" && !(name in parent)) good++
      }
      wrong = r[4] == "" ? bad > 0 || good == 0 : state[r[4]] != "PASS"
      result = good + bad > 1 || r[4] == "" ? good " of " good + bad " passed" : "passed"
      if (wrong) result = "**failed**, " result
      else if (r[5] != "") result = result == "passed" ? r[5] : result ", " r[5]
      printf "| %s | %s | %s | %s |\n", r[1], r[2], r[3], result
    }
  }' "$1"
}

# step ENGINE LAYOUT WHAT GO-ARGUMENT...: runs tests and keeps their rows.
step() {
  local engine=$1 layout=$2 what=$3 log rc=0 table
  shift 3
  log="$out/$(tr -cs '[:lower:]' '-' <<<"${engine,,} $layout $what" | sed 's/-$//').txt"
  say "$engine, $layout: $what"
  go "$@" >"$log" 2>&1 || rc=$?
  table=$(rows "$log" "$engine" "$layout" "$what")
  if ((rc != 0)); then
    failed="$failed $log"
    [[ $table == *'**failed**'* ]] || table+=$'\n'"| $engine | $layout | $what | **failed** |"
    grep -E '^ *--- FAIL|panic:|^FAIL|Error:' "$log" | head -n 20 >&2 || true
  fi
  tee -a "$out/$part.md" <<<"$table" >&2
}

verbose=(-count=1 -timeout=60m -v)

store_steps() { step "$1" "$2" 'tests of the store' test -tags distributed "${verbose[@]}" -run '^TestDistributed' ./models/gormstore; }

# The stories that use a database, on it alone. The one that is left out says nothing of an
# engine: it shows that another one would see a mistake, if tabs meet in a certain order,
# which on a slow engine they may never do.
story_steps() {
  step "$1" "$2" 'stories over HTTPS' -C integration_test test "${verbose[@]}" -skip '^TestPages_TwentyTabs_Unseen$' \
    -run '^Test(Life|Loss|Race|Theft|Window|Strict|Young|Users|Replace|Limit|Pages|RevokeWhere)_/^mysql$' .
}

table_head() { printf '%s, %s cores:\n\n| engine | sessions | row | result |\n|---|---|---|---|\n' "$(date -u +%F)" "$(nproc)"; }

vitess() {
  local layout
  table_head >"$out/vitess.md"
  for layout in user home; do
    begin_servers vitess.sh "vitess-$layout" --layout "$layout"
    SESSIONKIT_TEST_SHARDED=$([[ $layout != home ]] || echo 1)
    export SESSIONKIT_TEST_MYSQL_DSN=$dsn SESSIONKIT_TEST_SHARDED SESSIONKIT_TEST_MYSQL_ONE=1
    store_steps Vitess "by $layout"
    story_steps Vitess "by $layout"
    step Vitess "by $layout" 'a batch over two keyspaces' -C integration_test test -tags distributed "${verbose[@]}" -run '^TestDistributedBatch$' .
    end_servers vitess.sh "vitess-$layout"
  done
  unset SESSIONKIT_TEST_MYSQL_ONE
}

tidb() {
  local layout
  table_head >"$out/tidb.md"
  begin_servers tidb.sh tidb
  export SESSIONKIT_TEST_MYSQL_DSN=$dsn
  unset SESSIONKIT_TEST_POSTGRES_DSN SESSIONKIT_TEST_MYSQL_ONE
  for layout in 'not sharded' 'by home'; do
    export SESSIONKIT_TEST_SHARDED=${layout/not sharded/}
    SESSIONKIT_TEST_SHARDED=${SESSIONKIT_TEST_SHARDED:+1}
    store_steps TiDB "$layout"
    story_steps TiDB "$layout"
  done
  SESSIONKIT_TEST_SHARDED='' step TiDB 'both' 'migrations' test "${verbose[@]}" \
    -run '^Test(Migrate.*|SchemaText|ShardedSchemaText|LayoutsDoNotMix)$' ./models/gormstore
  SESSIONKIT_TEST_SHARDED='' step TiDB 'not sharded' 'endings in a transaction of the application' -C integration_test test "${verbose[@]}" \
    -run '^TestBatch(|_killed)$/^mysql$' ./revoked
  end_servers tidb.sh tidb
}

outages() {
  local rc=0 log=$out/outages.txt
  "$here/vitess.sh" build
  "$here/vitess-cluster.sh" build
  "$here/tidb.sh" build
  go -C integration_test test -tags distributed -p 1 "${verbose[@]}" ./distributed >"$log" 2>&1 || rc=$?
  {
    printf '%s, %s cores:\n\n' "$(date -u +%F)" "$(nproc)"
    # Tables stay as they are, text is folded.
    "$here/fault-table.sh" "$log" | awk '/^\|/ { print; fflush(); next } { print | (fold = "fold -s -w 100"); close(fold) }' | sed 's/ $//'
    awk '/^ *--- FAIL: .*\// { print "\n**Failed**: `" $3 "`" }' "$log"
  } >"$out/outages.md"
  ((rc == 0)) || failed="$failed $log"
}

# put PART: its table, between the marks of the page.
put() {
  local begin="<!-- begin: make distributed ARGS=$1 -->" end='<!-- end -->'
  grep -qxF -- "$begin" "$page" || die "$page has no line $begin"
  awk -v begin="$begin" -v end="$end" -v table="$out/$1.md" '
    $0 == end { inside = 0 }
    !inside { print }
    $0 == begin { while ((getline line <table) > 0) print line; inside = 1 }
  ' "$page" >"$work/page"
  cat "$work/page" >"$page"
}

page=''
if [[ ${1:-} == -out ]]; then
  page=${2:-}
  [[ -w $page ]] || die "cannot write ${page:-a page without a name}"
  shift 2
fi
(($#)) || set -- vitess tidb outages
for part; do
  case $part in
    vitess | tidb | outages) "$part" ;;
    *) usage && exit 2 ;;
  esac
  [[ -z $page ]] || put "$part"
done
for part; do printf '\n' && cat "$out/$part.md"; done
[[ ! -d $out/servers ]] || say "the logs of the servers that something failed on are in $out/servers"
[[ -z $failed ]] || die "failed, see$failed"
