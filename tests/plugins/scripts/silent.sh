#!/bin/sh
# Never says hello, and reads all that it is told.
while read -r line; do :; done
