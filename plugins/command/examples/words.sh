#!/bin/sh
# A reward that looks at the instruction: 1 where it names a colour, 0 where it does not. It reads the instruction from a
# file, so that it may be of any length and begin with a dash.
# In a recipe: {command: {run: "sh words.sh {instruction_file}", range: [0, 1]}}
set -eu
if grep -qiwE 'red|green|blue|yellow|orange|purple|black|white' "$1"; then echo 1; else echo 0; fi
