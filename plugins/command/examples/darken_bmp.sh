#!/bin/bash
# An editor out of head, tail, od and awk: it makes a BMP of 24 or 32 bits a pixel darker, by an amount that the knob and
# the seed decide, and writes a BMP.
# In a recipe: {command: {run: "bash darken_bmp.sh {source} {output} {seed} {knob:strength}",
#               knobs: {strength: {low: 0, high: 1, default: 0.5}}}}
set -euo pipefail
source=$1 output=$2 seed=$3 strength=$4

# A number of 4 bytes, least significant first, at this place of the file.
number() { od -An -tu4 -j "$1" -N 4 "$source" | tr -d ' '; }

if [ "$(head -c 2 "$source")" != BM ]; then
    echo "expected a BMP, found something that begins otherwise" >&2
    exit 2
fi
pixels=$(number 10)
head -c "$pixels" "$source" > "$output"
LC_ALL=C
# Octal escapes of 16 bytes a line become bytes again in printf.
tail -c +"$((pixels + 1))" "$source" | od -An -v -tu1 -w4096 |
    awk -v seed="$seed" -v strength="$strength" '
        BEGIN { srand(seed % 2147483647); factor = 1 - strength * (0.5 + rand() / 2) }
        { for (i = 1; i <= NF; i++) printf "\\%03o", int($i * factor + 0.5); print "" }' |
    while IFS= read -r line; do printf '%b' "${line//\\/\\0}"; done >> "$output"
