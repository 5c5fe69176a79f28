"""The directory that `editscale run --out` writes: which shards are finished, and how far the run is.

A shard counts once `shards/NAME.json` is there: it is written last, so that files without it are leftovers of a writer that was killed
and are not read. Shares of a run that was divided with `--shard I/N` write into one directory; their names tell them apart.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import RolloutError

FORMAT = "editscale-rollouts/1"
COMMITS = "shards"
DEFINITION = "rollout.json"
SHARE = re.compile(r"progress(-[0-9]+-of-(?P<count>[0-9]+))?\.json")
RUNNING, FINISHED = "running", "finished"


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


def natural(name: str) -> list[Any]:
    """Names with numbers in the order of the numbers."""
    return [(int(word), "") if word.isdigit() else (-1, word) for word in re.split("([0-9]+)", name)]


def shard_names(root: Path) -> list[str]:
    """The names of the finished shards, in their order."""
    return sorted((path.stem for path in (root / COMMITS).glob("*.json")), key=natural)


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
    """`running` or `finished`; nothing where the run says nothing. A divided run is finished when all of its shares are."""
    shares = {path: SHARE.fullmatch(path.name) for path in root.glob("progress*.json")}
    states = [state_in(path) for path, share in shares.items() if share]
    if not states:
        return None
    counts = [int(share["count"] or 1) for share in shares.values() if share]
    return FINISHED if len(states) >= max(counts) and set(states) == {FINISHED} else RUNNING


def state_in(path: Path) -> str:
    """What a file of progress says."""
    state = read_json(path).get("state")
    if not isinstance(state, str):
        raise RolloutError(f"{path}: expected a `state`, found {state!r}")
    return state


def insist_on_directory(root: Path) -> None:
    """Refuses what is no directory of rollouts."""
    if not root.is_dir():
        raise RolloutError(f"{root}: expected a directory written by `editscale run --out`, found none")
    if not any((root / name).exists() for name in (COMMITS, DEFINITION)):
        raise RolloutError(f"{root}: expected a directory written by `editscale run --out`: it has no {COMMITS}/")
