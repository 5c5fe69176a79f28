"""Announcing newer weights to the workers of a run."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .errors import RolloutError


def announce(
    file: str | Path, version: str, *, adapter: str | Path | None = None, checkpoint: str | None = None, scale: float | None = None
) -> None:
    """Replaces the file that the recipe's `rollout.policy.follow` names, at once and whole.

    Call it when the weights are completely written: workers take them up between groups. `adapter` is a LoRA file or folder, a relative
    one from the folder of the announcement on; `checkpoint` is what the editor's server is to load; with neither, the editor's own
    weights are meant.
    """
    path = Path(file)
    version = str(version)
    if not version.strip():
        raise RolloutError("a policy version is empty: expected what the trainer calls these weights")
    if adapter is not None and checkpoint is not None:
        raise RolloutError("an adapter is laid over the editor's own weights, a checkpoint replaces them: expected one of them")
    if adapter is not None and not (path.parent / adapter).exists():
        raise RolloutError(f"{path.parent / adapter}: expected the adapter to be there before it is announced")
    said = {"version": version, "adapter": None if adapter is None else str(adapter), "checkpoint": checkpoint, "scale": scale}
    passing = path.with_name(f".{path.name}.{os.getpid()}")
    with passing.open("w", encoding="utf-8") as opened:
        json.dump({name: value for name, value in said.items() if value is not None}, opened)
        opened.flush()
        os.fsync(opened.fileno())
    passing.replace(path)
