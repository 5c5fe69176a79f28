"""States that edits were left in half way."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from .work import EditItem


class PausedStates:
    """Keeps states under run and candidate until the host releases them. May be used from any thread."""

    def __init__(self) -> None:
        """Without any."""
        self._lock = threading.Lock()
        self._states: dict[tuple[str, int], Any] = {}

    def keep(self, item: EditItem, state: Any) -> None:
        """Keeps the state that this item is left in."""
        with self._lock:
            self._states[item.key] = state

    def of(self, item: EditItem) -> Any | None:
        """The state that this item goes on from, or none.

        There is none where the item starts from a picture, nor where the state is not held any more: it is made again by way of
        `item.path` then.
        """
        with self._lock:
            return None if item.paused_key is None else self._states.get(item.paused_key)

    def release(self, keys: Iterable[tuple[str, int]]) -> None:
        """Forgets these; unknown ones are nobody's business."""
        with self._lock:
            for key in keys:
                self._states.pop(key, None)

    def clear(self) -> None:
        """Forgets all, as when other weights were taken up."""
        with self._lock:
            self._states.clear()

    def __len__(self) -> int:
        with self._lock:
            return len(self._states)
