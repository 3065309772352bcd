#!/usr/bin/env bash
# Runs the kit on a sharded Vitess and on TiDB, and prints what came of it as the
# Markdown table of docs/guarantees.md.
#
# Usage: distributed.sh [vitess | tidb | outages]...
#
# vitess:  conformance, plans, a storm of RevokeAll and the stories, sharded by user
#          and by home (scripts/vitess.sh)
# tidb:    the same, and the migrations (scripts/tidb.sh)
# outages: a crowd of browsers while servers are killed and frozen; a table of its own
#
# Without argument: all of them. The first run builds the servers: a quarter of an hour
# of CPU. Logs and tables are kept in artifacts/distributed.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

have go || die "go is missing: install Go 1.26 or newer"
here=${self%/*}
cd "$here/.."
out=$PWD/artifacts/distributed
mkdir -p "$out"
: >"$out/rows.md"
failed=''

work=$(mktemp -d "$(temp_root)/sessionkit-distributed.XXXXXX")
((EUID != 0)) || chmod 711 "$work"
cleanup() {
  local layout
  for layout in user home; do "$here/vitess.sh" stop --dir "$work/vitess-$layout" || true; done
  "$here/tidb.sh" stop --dir "$work/tidb" || true
  rm -rf "$work"
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
  tee -a "$out/rows.md" <<<"$table" >&2
}

verbose=(-count=1 -timeout=60m -v)

store_steps() { step "$1" "$2" 'tests of the store' test -tags distributed "${verbose[@]}" -run '^TestDistributed' ./models/gormstore; }

# The stories that use a database, on it alone.
story_steps() {
  step "$1" "$2" 'stories over HTTPS' -C integration_test test "${verbose[@]}" \
    -run '^Test(Life|Loss|Race|Theft|Window|Strict|Young|Users|Replace|Limit|Pages|RevokeWhere)_/^mysql$' .
}

vitess() {
  local layout
  for layout in user home; do
    SESSIONKIT_TEST_MYSQL_DSN=$("$here/vitess.sh" start --layout "$layout" --dir "$work/vitess-$layout" --owner $$ | tail -n 1)
    SESSIONKIT_TEST_SHARDED=$([[ $layout != home ]] || echo 1)
    export SESSIONKIT_TEST_MYSQL_DSN SESSIONKIT_TEST_SHARDED SESSIONKIT_TEST_MYSQL_ONE=1
    store_steps Vitess "by $layout"
    story_steps Vitess "by $layout"
    step Vitess "by $layout" 'a batch over two keyspaces' -C integration_test test -tags distributed "${verbose[@]}" -run '^TestDistributedBatch$' .
    "$here/vitess.sh" stop --dir "$work/vitess-$layout"
  done
  unset SESSIONKIT_TEST_MYSQL_ONE
}

tidb() {
  local layout
  SESSIONKIT_TEST_MYSQL_DSN=$("$here/tidb.sh" start --dir "$work/tidb" --owner $$ | tail -n 1)
  export SESSIONKIT_TEST_MYSQL_DSN
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
  "$here/tidb.sh" stop --dir "$work/tidb"
}

outages() {
  local rc=0 log=$out/outages.txt
  "$here/vitess.sh" build
  "$here/vitess-cluster.sh" build
  "$here/tidb.sh" build
  go -C integration_test test -tags distributed -p 1 "${verbose[@]}" -run '^TestF' ./distributed >"$log" 2>&1 || rc=$?
  ((rc == 0)) || failed="$failed $log"
  "$here/fault-table.sh" "$log" >"$out/outages.md"
}

(($#)) || set -- vitess tidb outages
for part; do
  case $part in
    vitess | tidb | outages) "$part" ;;
    *) usage && exit 2 ;;
  esac
done
{
  printf '%s, %s cores\n\n| engine | sessions | row | result |\n|---|---|---|---|\n' "$(date -u +%F)" "$(nproc)"
  cat "$out/rows.md"
  [[ ! -e $out/outages.md ]] || { echo && cat "$out/outages.md"; }
} | tee "$out/table.md"
[[ -z $failed ]] || die "failed, see$failed"
