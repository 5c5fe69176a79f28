#!/usr/bin/env bash
# The client suites: official clients, an agent, a fuzzer and a browser against the program as it is served, and a trainer that reads rollouts. Each suite closes with
# `N passed, M failed`.
#
# usage: tests/clients/run.sh FOLDER
# FOLDER holds the program and `examples/`, as `cargo test --release` leaves them in target/release. Needs python3 with venv, node and chromium; prepare.sh fetches what they need.
set -euo pipefail
cd "$(dirname "$0")/../.."
programs="$(realpath "${1:-target/release}")"
program="$programs/editscale"
desk="$(mktemp -d)"
lane=
# What stands in the lane is a group of processes of its own.
trap '[ -z "$lane" ] || kill -- "-$lane" 2>/dev/null || true; kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$desk"' EXIT
say() { printf '\n== %s\n' "$*"; }
venv="$(tests/clients/prepare.sh)"

# Starts a server and leaves its address in `address`.
serve() {
  : > "$desk/address"
  "$program" serve --listen 127.0.0.1:0 --recipe quickstart --recipe best-of-n --recipe quickstart-judge "$@" > "$desk/address" 2>> "$desk/log" &
  wait_for_address
}

# Waits until the server that was started last has said where it is.
wait_for_address() {
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
serve --runs "$desk/fuzzed"
fuzzed="$address"

# What waits for servers, leases and time goes its way beside the others.
waiting() {
  say NATS
  nats_server="$(find "$venv" -type f -name 'nats-server*' -size +1M | head -n 1)"
  tests/clients/nats.sh "$programs/examples" "$nats_server"
  say rollouts under kills
  for queue in sqlite nats; do
    "$venv/bin/python" -B tests/clients/rollout_kills.py "$program" "$desk/kills" --requests 60 --workers 3 --kills 5 --size 240x180 \
      --groups-per-shard 10 --lease-secs 10 --queue "$queue" --nats-server "$nats_server"
  done
  say schemathesis
  PATH="$venv/bin:$PATH" tests/clients/schemathesis.sh "$fuzzed"
}
set -m
waiting > "$desk/waiting" 2>&1 &
lane=$!
set +m

say openai for Python
"$venv/bin/python" tests/clients/openai_images.py "$open"
"$venv/bin/python" tests/clients/openai_images.py "$closed" "$key"
"$venv/bin/python" tests/clients/readme.py "$open"
say days of users
"$venv/bin/python" tests/clients/days.py "$programs" 2>> "$desk/log"
say openai for Node
node tests/clients/openai_images.mjs "$open"
node tests/clients/openai_images.mjs "$closed" "$key"
say a trainer
"$program" run examples/edits.jsonl --recipe configs/rollouts.yaml --out "$desk/rollouts" 2>> "$desk/log"
# The package as it is built and installed.
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --target "$desk/sdk" ./plugins/python-sdk
PYTHONPATH="$desk/sdk" "$venv/bin/python" tests/clients/trainer.py "$desk/rollouts"
say readers of rollouts
"$programs/examples/sample_rollouts" "$desk/sample"
EDITSCALE_SAMPLE_ROLLOUTS="$desk/sample" "$venv/bin/python" -m pytest -q -p no:cacheprovider plugins/python-sdk deploy/ray
say plugins
# The SDK's examples, README's, a skeleton as it is written, and a command, each under the conformance suite.
checked() {
  "$program" plugin check "$@" > "$desk/checked" || { cat "$desk/checked"; exit 1; }
  tail -n 1 "$desk/checked" | sed 's/ ok,/ passed,/'
}
sed -n '/^from editscale.plugins/,/^```/p' README.md | sed '$d' > "$desk/readme.py"
for example in plugins/python-sdk/examples/{brightness,warmer}.py "$desk/readme.py"; do
  PYTHONPATH="$desk/sdk" checked -- "$venv/bin/python" "$example"
done
for kind in reward editor; do
  (cd "$desk" && "$program" plugin new --lang python --kind "$kind" "my_$kind" > /dev/null)
  (cd "$desk/my_$kind" && "$venv/bin/python" -m unittest --quiet)
  checked -- "$venv/bin/python" "$desk/my_$kind/my_$kind.py"
done
checked --kind reward --config '{"run": "sh plugins/command/examples/smaller_file.sh {source} {edited}"}' -- "$program" plugin command
say datasets and webdataset
"$venv/bin/python" tests/clients/rollouts_read.py "$desk/sample"
"$venv/bin/python" tests/clients/datasets_write.py "$desk/written"
"$venv/bin/python" tests/clients/datasets_read.py "$desk/written" "$programs/examples/list_dataset"
"$venv/bin/python" tests/clients/datasets_subset.py "$desk/written" "$programs/examples/list_dataset"
say ten thousand requests
"$programs/examples/simulate" "$desk/many" --requests 10000 --candidates 2 > "$desk/figures"
"$venv/bin/python" - "$desk/figures" <<'END'
import json, sys
figures = json.load(open(sys.argv[1]))
good = [figures["candidates"] == 20000, figures["memory_mib"] < 300]
print(figures)
print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
sys.exit(not all(good))
END
rm -rf "$desk/many"
say mcp for Python
mkdir "$desk/pictures"
cp examples/photos/coffee.jpg "$desk/pictures/"
agent=("$program" mcp --recipe quickstart --runs "$desk/agent" --root "$desk/pictures" --session-edits 60 --log json)
"$venv/bin/python" tests/clients/mcp_tools.py stdio "${agent[@]}" 2>> "$desk/log"
"$venv/bin/python" tests/clients/mcp_tools.py http "$closed/mcp" "$key"
say an agent
"$programs/examples/agent" "$desk/pictures/coffee.jpg" "$desk/pictures/kept" "${agent[@]}" 2>> "$desk/log"
test -s "$desk/pictures/kept/final.png" -a -s "$desk/pictures/kept/trace.jsonl"
wait "$lane" || { cat "$desk/waiting"; exit 1; }
lane=
cat "$desk/waiting"
# By itself: it watches runs under way.
say the page in Chromium
: > "$desk/address"
"$programs/examples/darkroom" 127.0.0.1:0 "$desk/page" > "$desk/address" 2>> "$desk/log" &
wait_for_address
node tests/browser/page.mjs "$address" --program "$programs/examples/darkroom"
