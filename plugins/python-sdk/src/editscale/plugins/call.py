"""A call under way: whether it is still wanted, and how far it is."""

from __future__ import annotations

import threading
import time
from typing import Any, Protocol

from .failures import Failure


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

    def __init__(self, number: int = 0, seconds: float = 3600.0, watcher: Watcher | None = None) -> None:
        """For trying a plugin by hand, `Call()` is one that nobody cancels or watches."""
        self.number = number
        """Its number, for logs."""
        self._end = time.monotonic() + min(seconds, threading.TIMEOUT_MAX)
        self._watcher = watcher
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the answer any more. An editor looks at least once a denoising step."""
        return self._cancelled.is_set() or self.seconds_left <= 0

    @property
    def seconds_left(self) -> float:
        """Seconds until nobody waits any more."""
        return max(0.0, self._end - time.monotonic())

    def check_cancelled(self) -> None:
        """Raises a `Failure` of kind `cancelled` where the call is not wanted any more."""
        if self.cancelled:
            raise Failure("the call was cancelled", kind="cancelled")

    def progress(self, item: HasIndex | int, step: int, steps: int) -> None:
        """Step `step` of `steps` is done for this item."""
        if self._watcher is not None:
            self._watcher.progress(self.number, _place(item), int(step), int(steps))

    def preview(self, item: HasIndex | int, image: Any) -> None:
        """What this item looks like so far: whatever `Edited` takes for an image."""
        if self._watcher is not None:
            self._watcher.preview(self.number, _place(item), image)

    def cancel(self) -> None:
        """Marks it as not wanted any more."""
        self._cancelled.set()


def _place(item: HasIndex | int) -> int:
    return item if isinstance(item, int) else item.index
