"""A call under way: whether it is still wanted, and how far it is."""

from __future__ import annotations

import copy
import threading
import time
from typing import Any, Protocol

from .failures import Failure

ONLY_STEP = (1, 1)


class HasIndex(Protocol):
    """An item of a call."""

    @property
    def index(self) -> int:
        """Its place in the call."""


class Watcher(Protocol):
    """Whoever is told how far a call is."""

    def progress(self, call: int, item: int, step: int, steps: int) -> None:
        """So many steps of an item are done."""

    def preview(self, call: int, item: int, image: Any) -> None:
        """What an item looks like so far."""


class Call:
    """Given to user code with its items. Its methods may be called from any thread."""

    def __init__(self, number: int = 0, seconds: float = 3600.0, watcher: Watcher | None = None, items: int = 2**31) -> None:
        """For trying a plugin by hand, `Call()` is one that nobody cancels or watches."""
        self.items = items
        """How many items it has."""
        self.number = number
        """Its number, for logs."""
        self._end = time.monotonic() + min(seconds, threading.TIMEOUT_MAX)
        self._watcher = watcher
        self._cancelled = threading.Event()
        self._told: dict[int, int] = {}
        self._first = 0

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the answer any more. An editor looks at least once a denoising step."""
        return self._cancelled.is_set() or self.seconds_left <= 0

    @property
    def seconds_left(self) -> float:
        """Seconds until nobody waits any more."""
        return max(0.0, self._end - time.monotonic())

    def check_cancelled(self) -> None:
        """Raises a `Failure` of kind `cancelled` or `timed_out` where the call is not wanted any more."""
        if self._cancelled.is_set():
            raise Failure("the call was cancelled", kind="cancelled")
        if self.seconds_left <= 0:
            raise Failure("the time for the call is over", kind="timed_out")

    def progress(self, item: HasIndex | int, step: int, steps: int) -> None:
        """Step `step` of `steps`, from 1 on, is done for this item. What goes back, or beyond the last step, is not told."""
        place, step, steps = self._place(item), int(step), int(steps)
        if self._watcher is not None and self._told.get(place, 0) < step <= steps:
            self._told[place] = step
            self._watcher.progress(self.number, place, step, steps)

    def preview(self, item: HasIndex | int, image: Any) -> None:
        """What this item looks like so far: whatever `Edited` takes for an image."""
        if self._watcher is not None:
            self._watcher.preview(self.number, self._place(item), image)

    def cancel(self) -> None:
        """Marks it as not wanted any more."""
        self._cancelled.set()

    def done(self, item: HasIndex | int) -> None:
        """An item is done. The SDK calls it: where nothing was told of its steps, it had one."""
        if self._place(item) not in self._told:
            self.progress(item, *ONLY_STEP)

    def alone(self, item: HasIndex | int) -> Call:
        """The same call as one of this item alone, whose place is then 0. The SDK calls it."""
        part = copy.copy(self)
        part._first = self._place(item)
        return part

    def _place(self, item: HasIndex | int) -> int:
        place = self._first + (item if isinstance(item, int) else item.index)
        if not 0 <= place < self.items:
            raise IndexError(f"the call has {self.items} items: there is none at {place}")
        return place
