#!/usr/bin/env bash
# From an empty server to a journaled command, with curl. Wants SETUP_TOKEN_FILE and the target in SSH_*.
set -euo pipefail
api=${KROWN_URL:-http://127.0.0.1:8080}/api
post() { curl -sS --fail-with-body -H 'content-type: application/json' -H "authorization: Bearer ${token-}" -d @- "$api/$1"; }
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# The setup token makes whoever registers with it the first administrator. Passwords go through standard input:
# arguments of a program can be seen by everybody on the machine.
password=$(head -c 12 /dev/urandom | base64)
post auth/register <<<"{\"username\": \"admin\", \"password\": \"$password\", \"setupToken\": \"$(<"$SETUP_TOKEN_FILE")\"}"
echo

token=$(post auth/login <<<"{\"username\": \"admin\", \"password\": \"$password\"}" | field accessToken)

session=$(post sessions <<EOS | field id
{
  "host": "$SSH_HOST", "port": ${SSH_PORT:-22}, "username": "$SSH_USER",
  "auth": {"method": "password", "password": "$SSH_PASSWORD"}
}
EOS
)
post "sessions/$session/execute" <<<'{"command": "uname -s", "timeoutMs": 10000}'
echo

# What is read needs no body; the journal answers with the newest entry first.
get() { curl -sS --fail-with-body -H "authorization: Bearer $token" "$@"; }
get "$api/journal?limit=2"
echo
get -X DELETE "$api/sessions/$session" | field statusReason
