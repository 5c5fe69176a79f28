"""Following a directory while a run writes it."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .directory import FINISHED, read_shard, run_state, shard_names
from .errors import IdleError, RolloutError, StaleGroupError
from .reader import Rollouts
from .rows import Group


@dataclass
class Staleness:
    """How old the weights may be that made a group, counted in versions behind the trainer's own.

    `current` is the trainer's version, or a function that says it. Versions end in a whole number (`7`, `step-7`), which is then what is
    counted, or stand in `order`, oldest first, a list that the trainer may add to. Groups of newer weights than the trainer's are never
    stale.
    """

    limit: int
    current: Callable[[], str | int] | str | int
    order: Sequence[str] | None = None
    action: str = "drop"
    """`drop` leaves a stale group out, `raise` ends with a `StaleGroupError`."""

    def __post_init__(self) -> None:
        if self.action not in ("drop", "raise"):
            raise RolloutError(f"expected a stale group to drop or to raise, found {self.action!r}")
        if self.limit < 0:
            raise RolloutError(f"expected a limit of 0 or more versions, found {self.limit}")

    def behind(self, version: str) -> int:
        """How many versions a group's weights are behind the trainer's."""
        current = self.current() if callable(self.current) else self.current
        return max(0, self.place(str(current)) - self.place(version))

    def place(self, version: str) -> int:
        """The number of a version, from the oldest on."""
        if self.order is not None:
            if version in self.order:
                return list(self.order).index(version)
            raise RolloutError(f"the policy version {version!r} is not in the order of versions")
        number = re.search(r"[0-9]+$", version)
        if number is None:
            raise RolloutError(f"expected a policy version that ends in a whole number, found {version!r}; give the order of versions")
        return int(number.group())


@dataclass
class Position:
    """How far a stream has been read. `to_json` and `of_json` carry it over a restart of the trainer."""

    done: set[str] = field(default_factory=set)
    """Shards that were read to their end."""
    shard: str | None = None
    """The shard that is being read."""
    groups: int = 0
    """Runs of it that are behind us, wanted or not."""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"version": 1, "done": sorted(self.done), "shard": self.shard, "groups": self.groups}

    @classmethod
    def of_json(cls, found: dict[str, Any]) -> Position:
        """From plain data."""
        if found.get("version") != 1:
            raise RolloutError(f"expected a position of version 1, found {found.get('version')!r}")
        return cls(set(found["done"]), found["shard"], int(found["groups"]))


class Stream:
    """The groups of a directory as they come, until the run says that it is finished.

    Between looks it sleeps, from `poll_secs` on up to eight times that while nothing comes. A run that stopped with work left is waited
    for, as somebody will run it again. `idle_secs` bounds the waiting: then it ends with an `IdleError`. `stop` is an event that ends it
    from another thread. After each group `position` says where to go on.
    """

    def __init__(
        self,
        rollouts: Rollouts,
        *,
        staleness: Staleness | None = None,
        position: Position | None = None,
        poll_secs: float = 0.5,
        idle_secs: float | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        """Follows the directory that `rollouts` reads, with its conditions."""
        if rollouts.by != "rollout_id":
            raise RolloutError("a stream goes by rollout_id: the last repeat of a row may never come")
        self.rollouts, self.staleness = rollouts, staleness
        self.position = position or Position()
        self.poll_secs, self.idle_secs = poll_secs, idle_secs
        self.stop = stop or threading.Event()
        self.dropped: Counter[str] = Counter()
        """Stale groups that were left out, by their policy version."""

    def __iter__(self) -> Iterator[Group]:
        root, last_new, naps = self.rollouts.root, time.monotonic(), 0
        while not self.stop.is_set():
            # The state is read first: shards that were committed before a run ended are seen after it said so.
            state = run_state(root)
            new = [name for name in shard_names(root) if name not in self.position.done]
            # What was begun is gone on with, whatever sorts before it by now: another share may have written that meanwhile.
            new.sort(key=lambda name: name != self.position.shard)
            for name in new:
                yield from self._shard(name)
                if self.stop.is_set():
                    return
                last_new, naps = time.monotonic(), 0
            if not new:
                if state == FINISHED:
                    return
                idle = time.monotonic() - last_new
                if self.idle_secs is not None and idle >= self.idle_secs:
                    raise IdleError(f"{root}: no new shard for {idle:.0f} s; the run says {state or 'nothing'}")
                self.stop.wait(self.poll_secs * min(2**naps, 8))
                naps = min(naps + 1, 3)

    def _shard(self, name: str) -> Iterator[Group]:
        """The wanted groups of a shard from the position on."""
        skip = self.position.groups if self.position.shard == name else 0
        self.position.shard, self.position.groups = name, skip
        index, count = self.rollouts.part
        for number, run in enumerate(self.rollouts.runs([read_shard(self.rollouts.root, name)])):
            if number < skip:
                continue
            self.position.groups = number + 1
            # Shares go by the place in the shard: every process sees the same, whatever it drops.
            if number % count != index:
                continue
            group = self.rollouts.trimmed(run)
            if group is not None and self._is_fresh(group):
                yield group
        self.position.done.add(name)
        self.position.shard, self.position.groups = None, 0

    def _is_fresh(self, group: Group) -> bool:
        if self.staleness is None:
            return True
        behind = self.staleness.behind(group.policy_version)
        if behind <= self.staleness.limit:
            return True
        if self.staleness.action == "raise":
            raise StaleGroupError(f"group {group.rollout_id}: its policy {group.policy_version!r} is {behind} versions behind")
        self.dropped[group.policy_version] += 1
        return False
