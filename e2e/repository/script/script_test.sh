#!/bin/sh
# Starts the program three times: once it returns, once it is killed, once it outlives this script.
set -eu
program=$1
"$program" return </dev/null >/dev/null

mkfifo "$TEST_TMPDIR/in" "$TEST_TMPDIR/out"
# Opened for both, so that the end of one program is no end of file for the next.
exec 3<>"$TEST_TMPDIR/in" 4<>"$TEST_TMPDIR/out"
"$program" signal <"$TEST_TMPDIR/in" >"$TEST_TMPDIR/out" 3>&- 4<&- &
child=$!
while read -r line <&4; do
  [ "$line" = ready ] && break
done
kill -KILL $child
status=0
wait $child || status=$?
[ $status = 137 ]

# Left running: only this shell holds its input open, so that it ends after it.
"$program" signal <"$TEST_TMPDIR/in" >"$TEST_TMPDIR/out" 3>&- 4<&- &
while read -r line <&4; do
  [ "$line" = ready ] && break
done
printf '%s\n' "$*" >"$TEST_UNDECLARED_OUTPUTS_DIR/arguments"
