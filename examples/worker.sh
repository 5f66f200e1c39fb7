#!/usr/bin/env bash
# A worker in bash, with curl and jq. It counts the words of each message that it claims.
# Run it: SIGNALBOX_TOKEN=sbx_... ./worker.sh
set -euo pipefail

url=${SIGNALBOX_URL:-http://127.0.0.1:4747}
: "${SIGNALBOX_TOKEN:?Set SIGNALBOX_TOKEN to the token of an agent.}"
lease=60 # seconds
wait=5   # seconds the relay holds a question for work; a stop takes as long
stopping=
trap 'stopping=1' INT TERM

# attempt METHOD PATH [BODY]: makes one call; sets $status and $answer.
# The token goes by a file descriptor: other users can see a command line.
attempt() {
  answer=$(curl -sS -m $((wait + 30)) -w '\n%{http_code}' -X "$1" "$url$2" ${3:+--data-binary "$3"} \
    -H @<(printf 'Authorization: Bearer %s' "$SIGNALBOX_TOKEN") -H 'Content-Type: application/json') || true
  status=${answer##*$'\n'}
  answer=${answer%$'\n'*}
}

# call METHOD PATH [BODY]: sets $answer. Repeats the call while the relay is away or busy; fails when it refuses.
# Not for $(...): a subshell would neither see the stop nor end with the worker.
call() {
  local delay=1
  while true; do
    attempt "$@"
    case $status in
      2*) return ;;
      000 | 429 | 50[234]) echo "the relay is away; next try in $delay s" >&2 ;;
      *) echo "the relay refused $2: $answer" >&2; return 1 ;;
    esac
    [[ -z $stopping ]] || return 1
    sleep "$delay"
    delay=$((delay * 2 < wait ? delay * 2 : wait))
  done
}

# keep_lease PATH TOKEN: renews the lease at a third of its time, until it is killed.
keep_lease() {
  local nap body
  trap 'kill "$nap"; exit' TERM
  body=$(jq -nc --arg token "$2" --argjson lease "$lease" '{$token, leaseSeconds: $lease}')
  while true; do
    sleep $((lease / 3)) &
    nap=$!
    wait "$nap"
    attempt POST "$1/renew" "$body"
  done
}

# The work itself: message on stdin, result on stdout. The result goes to the sender; exit 1 fails the attempt.
count_words() {
  local count
  count=$(wc -w)
  ((count > 0)) || { echo "the message has no words"; return 1; }
  echo "$((count)) words"
}

# work_on ITEM
work_on() {
  local path token keeper said verb=complete outcome='{$token, result: $said}'
  path=/v1/messages/$(jq -r .message.id <<<"$1")
  token=$(jq -r .claim.token <<<"$1")
  keep_lease "$path" "$token" >/dev/null 2>&1 &
  keeper=$!
  # Failed work is open again after 2 s, until its attempts are used up.
  said=$(jq -r .message.body <<<"$1" | count_words) || { verb=fail; outcome='{$token, error: $said, retryAfterSeconds: 2}'; }
  kill "$keeper"
  wait "$keeper" || true
  call POST "$path/$verb" "$(jq -nc --arg token "$token" --arg said "$said" "$outcome")" || return 0
  echo "$verb ${path##*/}"
}

# work_through ANSWER: works on every item of an answer.
work_through() {
  local item
  while read -r item; do work_on "$item"; done < <(jq -c '.items[]' <<<"$1")
}

call GET /v1/whoami
claims=/v1/agents/$(jq -r .agentId <<<"$answer")/claims
# Work that an earlier run of this worker still holds comes first.
call GET "$claims"
work_through "$answer"
while [[ -z $stopping ]]; do
  call POST "$claims" "{\"waitSeconds\": $wait, \"leaseSeconds\": $lease}"
  work_through "$answer"
done
