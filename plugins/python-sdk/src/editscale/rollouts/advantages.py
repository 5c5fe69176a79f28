"""What a reward is worth within its group. Candidates without a reward have no advantage and do not count."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .errors import RolloutError

Advantages = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def centred(rewards: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances from the mean, which are exactly 0 where all are equal."""
    away = rewards - rewards[0]
    return away - away.mean()


def grpo(floor: float = 1e-4, clip: float | None = None) -> Advantages:
    """Distance from the mean in standard deviations, which count as no less than `floor`; within ± `clip` if there is one."""

    def of(rewards: NDArray[np.float64]) -> NDArray[np.float64]:
        away, unit = centred(rewards), max(float(rewards.std()), floor)
        worth = away / unit if unit > 0.0 else np.zeros_like(rewards)
        return worth if clip is None else worth.clip(-clip, clip)

    return of


def leave_one_out() -> Advantages:
    """Distance from the mean of the others (RLOO)."""

    def of(rewards: NDArray[np.float64]) -> NDArray[np.float64]:
        # r - (sum - r)/(n - 1) is (r - mean)·n/(n - 1).
        return centred(rewards) * (len(rewards) / max(len(rewards) - 1, 1))

    return of


def rank() -> Advantages:
    """The place among the rewards, evenly spread from -1 for the worst to 1 for the best; equal rewards share their mean."""

    def of(rewards: NDArray[np.float64]) -> NDArray[np.float64]:
        below = (rewards[:, None] > rewards[None, :]).sum(1)
        equal = (rewards[:, None] == rewards[None, :]).sum(1)
        places = below + (equal - 1) / 2.0
        return 2.0 * places / max(len(rewards) - 1, 1) - 1.0 if len(rewards) > 1 else np.zeros_like(rewards)

    return of


NAMED: dict[str, Callable[[], Advantages]] = {"grpo": grpo, "rloo": leave_one_out, "leave_one_out": leave_one_out, "rank": rank}


def chosen(advantage: str | Advantages) -> Advantages | None:
    """The function that is asked for; nothing for `as_written`, which takes what the run has computed."""
    if callable(advantage):
        return advantage
    if advantage == "as_written":
        return None
    if advantage in NAMED:
        return NAMED[advantage]()
    names = ", ".join(["as_written", *NAMED])
    raise RolloutError(f"expected an advantage out of {names}, or a function, found {advantage!r}")


def apply(advantage: Advantages, rewards: Sequence[float | None]) -> list[float | None]:
    """Advantages of some rewards, of which some may be absent."""
    known = np.array([each for each in rewards if each is not None], dtype=np.float64)
    if len(known) < 2:
        return [None] * len(rewards)
    computed = iter(advantage(known).tolist())
    return [None if each is None else next(computed) for each in rewards]
