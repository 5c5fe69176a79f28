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

FORMAT = "editscale-rollouts/1"
COMMITS = "shards"
PROGRESS = "progress.json"


@dataclass(frozen=True)
class Shard:
    """A finished shard: its name, and its file of rows, where it has one."""

    name: str
    parquet: Path | None


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
    found = read_json(commit)
    if found.get("format") != FORMAT:
        raise RolloutError(f"{commit}: expected the format {FORMAT}, found {found.get('format')!r}")
    sizes = {file["path"]: file["bytes"] for file in found["files"]}
    rows = next((path for path in sizes if path.startswith("parquet/")), None)
    if rows is None:
        if found["groups"]:
            raise RolloutError(f"{commit}: the run wrote no Parquet; set `rollout.export.parquet` in its recipe")
        return Shard(name, None)
    try:
        size = (root / rows).stat().st_size
    except OSError as error:
        raise RolloutError(f"{commit}: names {rows}, which cannot be read: {error}") from error
    if size != sizes[rows]:
        raise RolloutError(f"{root / rows}: expected {sizes[rows]} bytes, found {size}")
    return Shard(name, root / rows)


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
