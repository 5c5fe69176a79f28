"""What trainers without log-probabilities take: black-box samples (DiffusionNFT), preference pairs (DPO), weights (SFT).

They need no trajectories, so that any editor will do. Open the directory with `pictures=True`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from .directory import insist_on_directory
from .errors import RolloutError
from .pictures import upright
from .rows import Candidate, Group

if TYPE_CHECKING:
    from PIL.Image import Image

CHOICES = ("all", "best_worst", "adjacent")


@dataclass(frozen=True)
class Sample:
    """One finished picture, for training that encodes it again."""

    candidate: Candidate
    optimality: float
    """The advantage brought to 0..1, as DiffusionNFT takes it: 0.5 is the group's mean."""

    @property
    def instruction(self) -> str:
        """The instruction that the editor was given."""
        return self.candidate.instruction

    def source(self) -> Image:
        """The picture that the editor saw."""
        return self.candidate.input_image()

    def image(self) -> Image:
        """The picture that it made."""
        return self.candidate.image()


def black_box(groups: Iterable[Group], clip: float = 5.0) -> Iterator[Sample]:
    """Every finished candidate that has an advantage; advantages beyond ± `clip` count as `clip`."""
    for group in groups:
        for each in group.candidates:
            if each.is_finished and each.advantage is not None:
                yield Sample(each, 0.5 + 0.5 * max(-1.0, min(1.0, each.advantage / clip)))


@dataclass(frozen=True)
class Pair:
    """Two pictures of the same source and instruction, one better than the other."""

    chosen: Candidate
    rejected: Candidate

    @property
    def margin(self) -> float:
        """By how much the reward of the chosen one is higher."""
        return (self.chosen.reward or 0.0) - (self.rejected.reward or 0.0)

    @property
    def instruction(self) -> str:
        """What was asked for."""
        return self.chosen.row["instruction"]

    def source(self) -> Image:
        """The picture that was to be edited."""
        return self.chosen.source()


def pairs(groups: Iterable[Group], choice: str = "all", margin: float = 0.0, most: int | None = None) -> Iterator[Pair]:
    """Pairs whose rewards differ by at least `margin`: `all`, the `best_worst`, or `adjacent` ones; the `most` widest of a group.

    The run writes the same as `views/pairs`; this is for other margins than the recipe's.
    """
    if choice not in CHOICES:
        raise RolloutError(f"expected pairs out of {', '.join(CHOICES)}, found {choice!r}")
    for group in groups:
        found = [pair for pair in met(ranked(group), choice) if pair.margin > 0.0 and pair.margin >= margin and differ(pair)]
        if most is not None and most < len(found):
            found = sorted(found, key=lambda pair: -pair.margin)[:most]
        yield from found


def met(order: list[Candidate], choice: str) -> Iterator[Pair]:
    """Pairs of candidates that are ordered from the best on."""
    if choice == "best_worst":
        if len(order) > 1:
            yield Pair(order[0], order[-1])
    elif choice == "adjacent":
        yield from (Pair(better, worse) for better, worse in itertools.pairwise(order))
    else:
        yield from (Pair(better, worse) for at, better in enumerate(order) for worse in order[at + 1 :])


def differ(pair: Pair) -> bool:
    """Whether the pictures are not the same: nothing is better than itself, whatever a reward that wavers says."""
    chosen = pair.chosen.row.get("image_digest")
    return chosen is None or chosen != pair.rejected.row.get("image_digest")


def ranked(group: Group) -> list[Candidate]:
    """Its finished candidates with a reward, from the best on; equal ones in ask order."""
    rated = [each for each in group.candidates if each.is_finished and each.reward is not None]
    return sorted(rated, key=lambda each: (-(each.reward or 0.0), each.number))


@dataclass(frozen=True)
class Weighted:
    """A picture with its weight in reward-weighted fine-tuning."""

    candidate: Candidate
    weight: float
    """Weights of a group have mean 1."""

    @property
    def instruction(self) -> str:
        """What was asked for."""
        return self.candidate.row["instruction"]

    def source(self) -> Image:
        """The picture that was to be edited."""
        return self.candidate.source()

    def image(self) -> Image:
        """The picture that was made."""
        return self.candidate.image()


def weighted(groups: Iterable[Group], temperature: float) -> Iterator[Weighted]:
    """Candidates with weights in proportion to exp(reward / temperature) within their group. At 0 only the best count."""
    for group in groups:
        rated = ranked(group)
        if not rated:
            continue
        best = rated[0].reward or 0.0
        raw = [weight((each.reward or 0.0) - best, temperature) for each in rated]
        scale = len(raw) / sum(raw)
        yield from (Weighted(each, value * scale) for each, value in zip(rated, raw, strict=True))


def weight(below: float, temperature: float) -> float:
    """The weight of a candidate that is so far below the best, which has 1."""
    if below == 0.0:
        return 1.0
    return math.exp(below / temperature) if temperature > 0.0 else 0.0


def view(directory: str | Path, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a view that the run has written: `pairs`, `best_worst` or `sft`; pictures opened with Pillow, upright."""
    root = Path(directory)
    insist_on_directory(root)
    files = sorted((root / "views" / name).glob("*.parquet"))
    if not files:
        raise RolloutError(f"{root}/views/{name}: expected the Parquet files of the view, found none; does the recipe export it?")
    for file in files:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(batch_size=32):
                yield from ({key: picture(value) for key, value in row.items()} for row in batch.to_pylist())


def picture(value: Any) -> Any:
    """A picture where the value is the image struct of `datasets`, else the value."""
    if not isinstance(value, Mapping) or set(value) != {"bytes", "path"} or value["bytes"] is None:
        return value
    return upright(value["bytes"])
