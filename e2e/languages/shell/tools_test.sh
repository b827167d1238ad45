#!/bin/sh
# tools_test.sh CONVERT TOOL: runs a Go program that is killed, and a C++ program.
set -eu
convert=$1
tool=$2

out=$(mktemp -u)
mkfifo "$out"
"$convert" 1609.344 >"$out" &
pid=$!
read -r miles <"$out"
kill -KILL "$pid"
rm "$out"
test "$miles" = 1.00

status=0
"$tool" -4 || status=$?
test "$status" = 0
