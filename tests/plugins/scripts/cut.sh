#!/bin/sh
# Ends in the middle of its first frame: eight bytes are announced, three come.
printf '\010\000\000\000abc'
