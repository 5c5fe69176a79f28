"""The directory that `editscale run --out` writes: which shards are finished, and how far the run is.

A shard counts once `shards/NAME.json` is there: it is written last, so that files without it are leftovers of a writer that was killed
and are not read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import RolloutError

COMMITS = "shards"
PROGRESS = "progress.json"


@dataclass(frozen=True)
class Shard:
    """A finished shard: its name, and its Parquet files in order."""

    name: str
    parquet: tuple[Path, ...]


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RolloutError(f"{path}: cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise RolloutError(f"{path}: expected a JSON object, found {type(found).__name__}")
    return found


def shard_names(root: Path) -> list[str]:
    """The names of the finished shards, in their order."""
    return sorted(path.stem for path in (root / COMMITS).glob("*.json"))


def read_shard(root: Path, name: str) -> Shard:
    """A finished shard by its name."""
    commit = root / COMMITS / f"{name}.json"
    named = sorted({file for file in strings(read_json(commit)) if file.endswith(".parquet")})
    files = tuple(root / file for file in named if not file.startswith("views/"))
    for file in files:
        if not file.is_file():
            raise RolloutError(f"{commit}: names {file.relative_to(root)}, which is not there")
    return Shard(name, files)


def strings(value: Any) -> list[str]:
    """All strings in a tree of JSON, in its order."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [found for each in value.values() for found in strings(each)]
    return [found for each in value for found in strings(each)] if isinstance(value, list) else []


def run_state(root: Path) -> str | None:
    """What the run says of itself, such as `running` or `finished`; nothing where it says nothing."""
    path = root / PROGRESS
    if not path.is_file():
        return None
    state = read_json(path).get("state")
    return state if isinstance(state, str) else None


def insist_on_directory(root: Path) -> None:
    """Refuses what is no directory of rollouts."""
    if not root.is_dir():
        raise RolloutError(f"{root}: expected a directory written by `editscale run --out`, found none")
    if not (root / COMMITS).is_dir() and not (root / PROGRESS).is_file():
        raise RolloutError(f"{root}: expected a directory written by `editscale run --out`: it has no {COMMITS}/")
