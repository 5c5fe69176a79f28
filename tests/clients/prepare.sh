#!/usr/bin/env bash
# Fetches what the client suites and the browser's need, by lists with fixed versions and only where it is not there: an environment of Python, and packages of Node.
# Prints the environment's folder.
set -euo pipefail
cd "$(dirname "$0")"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/editscale-ci"
# One environment for each state of the list.
venv="$cache/clients-$(sha256sum requirements.txt | cut -c1-12)"
if [ ! -e "$venv/ready" ]; then
  rm -rf "$cache"/clients-*
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt >&2
  touch "$venv/ready"
fi
for folder in . ../browser; do
  # npm leaves its own copy of the list behind.
  if [ ! "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ]; then
    (cd "$folder" && npm ci --no-audit --no-fund --silent >&2)
  fi
done
echo "$venv"
