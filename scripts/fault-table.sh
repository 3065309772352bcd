#!/usr/bin/env bash
# Prints the rows of a log of `make faults` or `make cluster` as the Markdown
# table of docs/guarantees.md, and their sums below it.
#
# Usage: fault-table.sh [LOG]     default artifacts/faults/log.txt

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# shellcheck disable=SC2016 # awk's own variables, and Markdown
awk '
function value(key, otherwise) { return key in v ? v[key] : otherwise }
function thousands(n, text) {
  for (n = n ""; length(n) > 3; n = substr(n, 1, length(n) - 3)) text = "," substr(n, length(n) - 2) text
  return n text
}
function also(text) { beside = beside (beside == "" ? "" : ", ") text }
BEGIN {
  n = split("logouts false_thefts lost_acked timeouts stall slowest p99 requests refreshes unavailable promoted_503 stateless sessions thieves " \
    "left_with_user max_victim_refreshes polls naive parents db_behind", names)
  for (i = 1; i <= n; i++) usual[names[i]] = 1
  print "| row | test | fault | stall | slowest | p99 | 503 of requests | thieves found out | beside it |"
  print "|---|---|---|---|---|---|---|---|---|"
}
/^=== rows/ { exit } # they are repeated there
/^=== RUN/ { test = $3; sub("/.*", "", test) }
/^ROW/ {
  split("", v)
  what = beside = ""
  for (i = 3; i <= NF; i++) {
    if ($i ~ /^[a-zA-Z0-9_]+=/) {
      at = index($i, "=")
      v[key = substr($i, 1, at - 1)] = substr($i, at + 1)
      if (!(key in usual)) also(key " " v[key])
    } else if (!("logouts" in v) && !("rounds" in v)) what = what (what == "" ? "" : " ") $i
  }
  if (value("lost_acked", 0) > 0) also("acknowledged writes lost " v["lost_acked"])
  if (value("db_behind", 0) > 0) also("db_behind " v["db_behind"])
  of = "requests" in v ? thousands(v["unavailable"]) " of " thousands(v["requests"]) : "–"
  branches = split(value("thieves", ""), found, "/") ? found[1] " of " found[2] : "–"
  printf "| %s | `%s` | %s | %s | %s | %s | %s | %s | %s |\n", $2, test, what, value("stall", "–"), value("slowest", "–"),
    value("p99", "–"), of, branches, beside
  rows++
  for (key in v) sum[key] += v[key]
  caught += found[1]
  thieves += found[2]
  split("", found)
  if (value("max_victim_refreshes", 0) > most) most = v["max_victim_refreshes"]
}
END {
  printf "\n%d rows, %s requests, %s refreshes: %d honest users logged out, %d false thefts, %d acknowledged writes lost, %d requests that hung; " \
    "%s of %s thieves with a branch of their own found out, after %d refreshes of the victim at most, %d sessions having been ended by their own user before.\n",
    rows, thousands(sum["requests"]), thousands(sum["refreshes"]), sum["logouts"], sum["false_thefts"], sum["lost_acked"], sum["timeouts"],
    thousands(caught), thousands(thieves), most, sum["left_with_user"]
}' "${1:-${self%/*}/../artifacts/faults/log.txt}"
