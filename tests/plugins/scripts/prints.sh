#!/bin/sh
# Prints to standard output, where only frames belong: the usual mistake of a script that loads a model.
echo "Loading checkpoint shards: 100%"
exec cat >/dev/null
