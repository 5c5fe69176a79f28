"""Reading a directory of rollouts, group by group. One batch of rows is in memory at a time."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from . import advantages
from .directory import Shard, insist_on_directory, read_shard, shard_names
from .errors import RolloutError
from .rows import PICTURES, Candidate, Group
from .trajectories import TrajectoryReader

ROWS_AT_ONCE = 1024
ROWS_WITH_PICTURES_AT_ONCE = 32
NEEDED = ("rollout_id", "group_id", "candidate", "status", "reward", "is_flat", "selected")


@dataclass(frozen=True)
class Selection:
    """Which groups and candidates are wanted."""

    flat: bool = False
    """Whether groups whose rewards do not differ are read as well."""
    finished_only: bool = True
    """Whether failures and previews are left out. Without a reward a candidate is left out all the same, unless `unscored`."""
    unscored: bool = False
    """Whether candidates without a reward are read as well."""
    min_candidates: int = 2
    """Groups with fewer candidates, after the above, are left out."""
    policy_versions: frozenset[str] | None = None
    """Only groups that these weights made."""
    where: Callable[[Group], bool] | None = None
    """Any other condition on a group."""

    def wants(self, candidate: Candidate) -> bool:
        """Whether the candidate is wanted."""
        return (candidate.is_finished or not self.finished_only) and (candidate.reward is not None or self.unscored)

    def takes(self, group: Group) -> bool:
        """Whether the group is wanted, once its unwanted candidates are out."""
        return (
            len(group.candidates) >= max(self.min_candidates, 1)
            and (self.flat or not group.is_flat)
            and (self.policy_versions is None or group.policy_version in self.policy_versions)
            and (self.where is None or self.where(group))
        )


class Rollouts:
    """The finished shards of a directory that `editscale run --out` writes.

    `by` says what a group is: one run (`rollout_id`), or all repeats of a row together (`group_id`). `advantage` is `as_written`, or
    `grpo`, `rloo`, `rank` or a function to compute advantages again, over the candidates that are left after `selection`.
    `part=(i, n)` reads every n-th group from the i-th on: a share for each process of a data-parallel trainer.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        selection: Selection | None = None,
        by: str = "rollout_id",
        advantage: str | advantages.Advantages = "as_written",
        pictures: bool = False,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        """Looks at the directory, and reads nothing yet."""
        self.root = Path(directory)
        insist_on_directory(self.root)
        if by not in ("rollout_id", "group_id"):
            raise RolloutError(f"groups go by rollout_id or group_id, not by {by!r}")
        if not 0 <= part[0] < part[1]:
            raise RolloutError(f"expected a part (i, n) with 0 <= i < n, found {part}")
        if by == "group_id" and advantage == "as_written":
            raise RolloutError("advantages are written for each run; over all repeats of a row say which to compute, such as 'grpo'")
        self.selection = selection or Selection()
        self.by, self.pictures, self.part = by, pictures, part
        self.advantage = advantages.chosen(advantage)
        self.trajectories = TrajectoryReader(self.root)

    def with_selection(self, **changes: Any) -> Rollouts:
        """The same directory with some conditions changed."""
        other = copy.copy(self)
        other.selection = replace(self.selection, **changes)
        return other

    def shards(self) -> list[Shard]:
        """The finished shards at this moment."""
        return [read_shard(self.root, name) for name in shard_names(self.root)]

    def __iter__(self) -> Iterator[Group]:
        return self.groups()

    def groups(self) -> Iterator[Group]:
        """The wanted groups of all finished shards, in the order of their files."""
        shards = self.shards()
        whole = self.merged(shards) if self.by == "group_id" else self.runs(shards)
        for number, group in enumerate(filter(None, map(self.trimmed, whole))):
            if number % self.part[1] == self.part[0]:
                yield group

    def candidates(self) -> Iterator[Candidate]:
        """The wanted candidates, group by group."""
        for group in self.groups():
            yield from group.candidates

    def trimmed(self, group: Group) -> Group | None:
        """The group without unwanted candidates and with its advantages, or nothing if it is not wanted."""
        group.candidates = [each for each in group.candidates if self.selection.wants(each)]
        if not group.candidates or not self.selection.takes(group):
            return None
        if self.advantage is not None:
            for candidate, value in zip(group.candidates, advantages.apply(self.advantage, group.rewards), strict=True):
                candidate.advantage = value
        return group

    def runs(self, shards: Iterable[Shard]) -> Iterator[Group]:
        """All groups of shards, each one run."""
        for shard in shards:
            if shard.parquet is not None:
                yield from self.runs_of_file(shard.parquet)

    def runs_of_file(self, file: Path) -> Iterator[Group]:
        """All groups of a file, each one run. The rows of a run lie together."""
        pending: list[dict[str, Any]] = []
        for row in self.rows(file):
            if pending and row["rollout_id"] != pending[0]["rollout_id"]:
                yield Group.of(pending, self.trajectories)
                pending = []
            pending.append(row)
        if pending:
            yield Group.of(pending, self.trajectories)

    def rows(self, file: Path) -> Iterator[dict[str, Any]]:
        """The rows of a file, a few at a time."""
        size = ROWS_WITH_PICTURES_AT_ONCE if self.pictures else ROWS_AT_ONCE
        try:
            with pq.ParquetFile(file) as opened:
                names = opened.schema_arrow.names
                missing = [name for name in NEEDED if name not in names]
                if missing:
                    raise RolloutError(f"{file}: expected the columns of rollouts, misses {', '.join(missing)}")
                wanted = [name for name in names if self.pictures or name not in PICTURES]
                for batch in opened.iter_batches(batch_size=size, columns=wanted):
                    yield from batch.to_pylist()
        except (OSError, ValueError) as error:
            if isinstance(error, RolloutError):
                raise
            raise RolloutError(f"{file}: cannot be read: {error}") from error

    def merged(self, shards: Sequence[Shard]) -> Iterator[Group]:
        """All groups of shards, the repeats of a row together. A group is held until its last repeat has been seen."""
        left: Counter[bytes] = Counter()
        lean = copy.copy(self)
        lean.pictures = False
        for run in lean.runs(shards):
            left[bytes.fromhex(run.group_id)] += 1
        waiting: dict[bytes, Group] = {}
        for run in self.runs(shards):
            key = bytes.fromhex(run.group_id)
            group = waiting.setdefault(key, run)
            if group is not run:
                group.candidates += run.candidates
            left[key] -= 1
            if left[key] == 0:
                del left[key]
                yield waiting.pop(key)
