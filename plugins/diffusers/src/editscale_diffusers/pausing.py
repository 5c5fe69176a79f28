"""Paused states, within a bound on memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

from .running import State

Key = tuple[str, int]


class States:
    """Keeps states under run and candidate. The longest unused goes first where they grow too large: it is made again when it is needed."""

    def __init__(self, bound: int) -> None:
        """With room for so many bytes."""
        self._bound, self._held = bound, 0
        self._states: OrderedDict[Key, State] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, key: Key, state: State) -> None:
        """Keeps a state."""
        with self._lock:
            self._remove(key)
            self._states[key] = state
            self._held += state.bytes
            while self._held > self._bound and len(self._states) > 1:
                self._remove(next(iter(self._states)))

    def get(self, key: Key) -> State | None:
        """A state, where it is held."""
        with self._lock:
            if key in self._states:
                self._states.move_to_end(key)
            return self._states.get(key)

    def release(self, keys: Iterable[Key]) -> None:
        """Forgets these."""
        with self._lock:
            for key in keys:
                self._remove(key)

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._states.clear()
            self._held = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._states)

    def _remove(self, key: Key) -> None:
        gone = self._states.pop(key, None)
        if gone is not None:
            self._held -= gone.bytes
