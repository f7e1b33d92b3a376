#!/bin/sh
# An agent in forty lines: asks for work, does it, says what came of it. A shell, curl and sed are all that it needs.
#   AGENT=dev-e-node WORK='./do-it.sh' sh tests/agent.sh      (CONDUCTOR_URL, CONDUCTOR_TOKEN: where, and as whom)
# $WORK finds REPO, ISSUE, BRANCH and KIND (work or rework) in its environment. Its last line is the number of its pull request
# and the head commit; where it fails, the issue goes to another agent. ONCE=1 ends after one issue.
set -u
url=${CONDUCTOR_URL:-http://127.0.0.1:8080} agent=${AGENT:-dev-e-node} poll=${POLL:-10} beat=''

call() { # path, arguments of curl; a token is not for other people's process lists, so it comes by standard input
    path=$1; shift
    printf 'header = "Authorization: Bearer %s"\n' "${CONDUCTOR_TOKEN:-}" |
        curl -sSf --max-time 60 ${CONDUCTOR_TOKEN:+-K -} -H 'Content-Type: application/json' "$@" "$url$path"
}
report() { call /api/events -d "{\"type\":\"$1\",\"agentId\":\"$agent\"$2}" >/dev/null; } # type, more properties
field() { # of the answer; quotes inside of its texts are escaped, so no title can pass for a field
    printf '%s' "$answer" | sed -n -e 's/.*"'"$1"'":"\([^"]*\)".*/\1/p' -e 's/.*"'"$1"'":\([0-9][0-9]*\).*/\1/p'
}
trap '[ -z "$beat" ] || kill "$beat"' EXIT
trap 'exit 130' INT TERM

report HEARTBEAT ',"status":"idle","startup":true' # what an earlier life had begun goes back to the queue
while :; do
    answer=$(call "/api/assignments/next?agentId=$agent") || answer=''
    [ -n "$answer" ] || { report HEARTBEAT ',"status":"idle"'; sleep "$poll"; continue; }
    REPO=$(field repo) ISSUE=$(field number) BRANCH=$(field branchHint) KIND=$(field kind)
    export REPO ISSUE BRANCH KIND
    mine=",\"repo\":\"$REPO\",\"issueNumber\":$ISSUE,\"leaseToken\":\"$(field token)\""
    report WORK_STARTED "$mine" || { sleep "$poll"; continue; } # somebody else has it by now
    while report HEARTBEAT ',"status":"working"'; sleep 60; do :; done >/dev/null 2>&1 & beat=$!
    if made=$(sh -c "$WORK") && pull=$(printf '%s\n' "$made" | tail -n 1) && [ "${pull%% *}" -gt 0 ] 2>/dev/null; then
        report PR_CREATED "$mine,\"prRepo\":\"$REPO\",\"prNumber\":${pull%% *},\"headSha\":\"${pull##* }\",\"branch\":\"$BRANCH\""
    else
        report AGENT_STUCK "$mine,\"reason\":\"the work command failed\""
    fi
    kill "$beat"; beat=''
    [ -z "${ONCE:-}" ] || exit 0
done
