#!/usr/bin/env bash
# From a folder of photographs to a model directory: train.sh PHOTOS OUT [arguments of train.py]
# Makes a Python environment beside the checkout's other build outputs on its first run. Needs cargo, Python 3.10 or newer, about 6 GB
# of disk and a package index.
set -euo pipefail
if [ $# -lt 2 ]; then
  echo "usage: train.sh PHOTOS OUT [arguments of train.py]" >&2
  exit 2
fi
here="$(cd "$(dirname "$0")" && pwd)"
environment="${NANO_VENV:-$here/../../../../target/nano-venv}"
if [ ! -x "$environment/bin/python" ]; then
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet -r "$here/requirements.txt"
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$environment/bin/python" "$here/train.py" --photos "$1" --out "$2" "${@:3}"
