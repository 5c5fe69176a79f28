"""`python -m editscale.rollouts DIR`: what lies in a directory of rollouts."""

from __future__ import annotations

import argparse
import sys

from .errors import RolloutError
from .summary import as_json, summary, table


def main() -> int:
    """Reads the command line and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m editscale.rollouts", description="What lies in a directory of rollouts.")
    parser.add_argument("directory", metavar="DIR", help="written by `editscale run --out DIR`")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of a table")
    arguments = parser.parse_args()
    try:
        found = summary(arguments.directory)
    except RolloutError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(as_json(found) if arguments.json else table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
