#!/usr/bin/env bash
# The service and its client from a shell script: covwrap_test covers what a test in any language starts.
set -euo pipefail

shortlinkd=$PWD/$SHORTLINKD shortlink=$PWD/$SHORTLINK
cd "$TEST_TMPDIR"

coproc service { exec "$shortlinkd" -addr 127.0.0.1:0 -data links; }
# Bash forgets the coprocess's variables once it has ended.
pid=$service_PID
exec {said}<&"${service[0]}"
read -r _ _ url <&"$said"

code=$("$shortlink" -server "$url" add https://go.dev/doc)
[[ $("$shortlink" -server "$url" get "$code") == https://go.dev/doc ]]

kill -KILL "$pid"
status=0
wait "$pid" || status=$?
[[ $status == 137 ]]
[[ $(<links) == "$code https://go.dev/doc" ]]
