#!/usr/bin/env bash
# The client suites: official clients, an agent, a fuzzer and a browser against the program as it is served. Each suite closes with
# `N passed, M failed`.
#
# usage: tests/clients/run.sh PROGRAM
# Needs python3 with venv, node and chromium; what they need is fetched once, by the pinned lists beside this file.
set -euo pipefail
cd "$(dirname "$0")/../.."
program="$(realpath "${1:-target/release/editscale}")"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/editscale-ci"
desk="$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$desk"' EXIT
say() { printf '\n== %s\n' "$*"; }

# One environment for each state of the list.
venv="$cache/clients-$(sha256sum tests/clients/requirements.txt | cut -c1-12)"
if [ ! -e "$venv/ready" ]; then
  rm -rf "$cache"/clients-*
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
  touch "$venv/ready"
fi
(cd tests/clients && npm ci --no-audit --no-fund --silent)
(cd tests/browser && npm ci --no-audit --no-fund --silent)

# Starts a server and leaves its address in `address`.
serve() {
  : > "$desk/address"
  "$program" serve --listen 127.0.0.1:0 --recipe quickstart --recipe best-of-n --recipe quickstart-judge "$@" > "$desk/address" 2>> "$desk/log" &
  for _ in $(seq 600); do
    [ -s "$desk/address" ] && break
    sleep 0.1
  done
  address="$(head -n 1 "$desk/address")"
  [ -n "$address" ] || { cat "$desk/log"; exit 1; }
}

"$program" keys add tester --file "$desk/keys" > "$desk/key" 2>/dev/null
key="$(cat "$desk/key")"
serve --runs "$desk/open" --alias gpt-image-1=quickstart
open="$address"
serve --runs "$desk/closed" --keys "$desk/keys"
closed="$address"

say openai for Python
"$venv/bin/python" tests/clients/openai_images.py "$open"
"$venv/bin/python" tests/clients/openai_images.py "$closed" "$key"
"$venv/bin/python" tests/clients/readme.py "$open"
say openai for Node
node tests/clients/openai_images.mjs "$open"
node tests/clients/openai_images.mjs "$closed" "$key"
say mcp for Python
"$venv/bin/python" tests/clients/mcp_tools.py stdio "$program" mcp --recipe quickstart --runs "$desk/agent" --root examples/photos
"$venv/bin/python" tests/clients/mcp_tools.py http "$closed" "$key"
say the page in Chromium
node tests/browser/page.mjs "$open"
say schemathesis
PATH="$venv/bin:$PATH" tests/clients/schemathesis.sh "$open"
