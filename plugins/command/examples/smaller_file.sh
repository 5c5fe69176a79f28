#!/bin/sh
# A reward without any library: how much smaller the file has become, from 0 (as large or larger) to 1 (nothing left).
# In a recipe: {command: {run: "sh smaller_file.sh {source} {edited}", range: [0, 1]}}
set -eu
before=$(wc -c < "$1")
after=$(wc -c < "$2")
awk -v before="$before" -v after="$after" 'BEGIN {
    score = after < before ? 1 - after / before : 0
    printf "{\"score\": %.6f, \"parts\": {\"before\": %d, \"after\": %d}}\n", score, before, after
}'
