"""The directory that `editscale run --out` writes: which shards are finished, and how far the run is.

A shard counts once `shards/NAME.json` is there: it is written last, so that files without it are leftovers of a writer that was killed
and are not read. Runs that were divided with `--shard I/N` leave N such directories; the folder that holds them is read as one.
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
PROGRESS = "progress.json"
DEFINITION = "rollout.json"
RUNNING, FINISHED = "running", "finished"


@dataclass(frozen=True)
class Shard:
    """A finished shard: its name, the directory that its rows refer to, and its file of rows, where it has one."""

    name: str
    root: Path
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


def is_part(folder: Path) -> bool:
    """Whether a run writes into the folder itself."""
    return any((folder / name).exists() for name in (COMMITS, PROGRESS, DEFINITION))


def parts(root: Path) -> list[Path]:
    """The directory itself, or those in it that the shares of a divided run have written."""
    if is_part(root):
        return [root]
    return sorted((each for each in root.iterdir() if each.is_dir() and is_part(each)), key=natural)


def natural(path: Path) -> list[Any]:
    """Names with numbers in the order of the numbers."""
    return [(int(word), "") if word.isdigit() else (-1, word) for word in re.split("([0-9]+)", path.name)]


def shard_names(root: Path) -> list[str]:
    """The names of the finished shards, in their order; those of a part begin with its name."""
    names = []
    for part in parts(root):
        prefix = "" if part == root else f"{part.name}/"
        names += [prefix + path.stem for path in sorted((part / COMMITS).glob("*.json"), key=natural)]
    return names


def read_shard(root: Path, name: str) -> Shard:
    """A finished shard by its name."""
    part, _, stem = name.rpartition("/")
    home = root / part
    commit = home / COMMITS / f"{stem}.json"
    found = read_json(commit)
    if found.get("format") != FORMAT:
        raise RolloutError(f"{commit}: expected the format {FORMAT}, found {found.get('format')!r}")
    sizes = {file["path"]: file["bytes"] for file in found["files"]}
    rows = next((path for path in sizes if path.startswith("parquet/")), None)
    if rows is None:
        if found["groups"]:
            raise RolloutError(f"{commit}: the run wrote no Parquet; set `rollout.export.parquet` in its recipe")
        return Shard(name, home, None)
    try:
        size = (home / rows).stat().st_size
    except OSError as error:
        raise RolloutError(f"{commit}: names {rows}, which cannot be read: {error}") from error
    if size != sizes[rows]:
        raise RolloutError(f"{home / rows}: expected {sizes[rows]} bytes, found {size}")
    return Shard(name, home, home / rows)


def run_state(root: Path) -> str | None:
    """`running` or `finished`; nothing where the run says nothing. A divided run is finished when all of its shares are."""
    mine = parts(root)
    states = [part_state(part) for part in mine]
    if not states or None in states:
        return None if not any(states) else RUNNING
    if any(state != FINISHED for state in states):
        return next(state for state in states if state != FINISHED)
    return FINISHED if len(mine) >= max(map(shares, mine)) or mine == [root] else RUNNING


def part_state(part: Path) -> str | None:
    """What the run of one directory says of itself."""
    path = part / PROGRESS
    if not path.is_file():
        return None
    state = read_json(path).get("state")
    return state if isinstance(state, str) else None


def shares(part: Path) -> int:
    """Into how many shares the run was divided."""
    path = part / DEFINITION
    divided = read_json(path).get("shard") if path.is_file() else None
    return int(divided[1]) if divided else 1


def insist_on_directory(root: Path) -> None:
    """Refuses what is no directory of rollouts."""
    if not root.is_dir():
        raise RolloutError(f"{root}: expected a directory written by `editscale run --out`, found none")
    if not parts(root):
        raise RolloutError(f"{root}: expected a directory written by `editscale run --out`: it has no {COMMITS}/")
