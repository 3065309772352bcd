#!/usr/bin/env bash
# Runs one go command on packages of this module and of integration_test, which is a
# module of its own: what only its tests need shall not be in the library's go.mod.
#
# Usage: go.sh ARGUMENT... -- PACKAGE...
#
# PACKAGE is named from the repository's root; ./... means those of both modules. The
# command runs in each module that has one, and fails when one of the runs does.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
cd "${self%/*}/.."

arguments=() library=() integration=() rc=0
while (($#)) && [[ $1 != -- ]]; do
  arguments+=("$1")
  shift
done
(($# > 1)) || { usage && exit 2; }
shift
for package; do
  case $package in
  ./...) library+=(./...) integration+=(./...) ;;
  ./integration_test | ./integration_test/*) integration+=(".${package#./integration_test}") ;;
  *) library+=("$package") ;;
  esac
done
((${#library[@]} == 0)) || go "${arguments[@]}" "${library[@]}" || rc=$?
((${#integration[@]} == 0)) || go -C integration_test "${arguments[@]}" "${integration[@]}" || rc=$?
exit "$rc"
