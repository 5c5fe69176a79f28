"""What an editor or a reward says of itself once it is ready. Everything but the revision has a default that promises nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

NAME = re.compile(r"[a-z0-9_]+")
MOST_SEED_BITS = 53
MOST_AT_ONCE = 65536

Pause = Literal["none", "resume", "fork"]
"""Whether an editor can stop half way: `resume` goes on once from a state, `fork` several times with noise of their own."""
Sampler = Literal["deterministic", "stochastic"]
"""Whether a sampler adds noise after the start: with `deterministic`, equal states stay equal."""
CancelRule = Literal["promptly", "within_step", "when_done"]
"""When a slot is free again after cancelling."""
Recovery = Literal["repeat", "unknown"]
"""What may be done about an edit that was under way when the plugin died: `unknown` where it may be done and paid elsewhere."""
RewardKind = Literal["pointwise", "listwise"]
"""Whether each candidate is judged alone, or against the others of one call."""
KnobScale = Literal["linear", "logarithmic"]
"""Whether a knob is turned by equal amounts or by equal factors."""


@dataclass(frozen=True)
class Cost:
    """What a piece of work costs: the most, on a card; the actual, on a result."""

    nfe: int = 0
    """Denoiser evaluations."""
    tokens: int = 0
    """Language-model tokens, in and out."""
    usd_micros: int = 0
    """Money, in millionths of a US dollar."""

    def __post_init__(self) -> None:
        for name in ("nfe", "tokens", "usd_micros"):
            check_whole(f"cost.{name}", getattr(self, name), 0, 2**64 - 1)

    def to_wire(self) -> dict[str, Any]:
        """As the protocol has it."""
        return {"nfe": self.nfe, "tokens": self.tokens, "usd_micros": self.usd_micros}


@dataclass(frozen=True)
class Knob:
    """A setting that a search may turn."""

    name: str
    """Lower case, digits and `_`."""
    low: float
    high: float
    default: float
    scale: KnobScale = "linear"

    def __post_init__(self) -> None:
        check_name("a knob", self.name)
        check_choice(f"knob `{self.name}`: `scale`", self.scale, KnobScale)
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.default <= self.high and self.low < self.high):
            found = f"{self.low}, {self.default} and {self.high}"
            raise ValueError(f"knob `{self.name}`: expected a low below its high and a default between them, found {found}")
        if self.scale == "logarithmic" and self.low <= 0:
            raise ValueError(f"knob `{self.name}`: expected a low above 0 for a logarithmic scale, found {self.low}")

    def to_wire(self) -> dict[str, Any]:
        """As the protocol has it."""
        return {
            "name": self.name,
            "low": float(self.low),
            "high": float(self.high),
            "default": float(self.default),
            "scale": self.scale,
        }


@dataclass(frozen=True)
class RewardCard:
    """What a reward measures in."""

    revision: str
    """What exactly would answer: model, weights, prompts and version of the code. Change it whenever answers change: a run is
    not gone on with under another revision."""
    range: tuple[float, float] | None = None
    """The least and greatest score, where there is such a thing."""
    kind: RewardKind = "pointwise"
    """Whether a score depends on what else is judged with it."""
    gives_sigma: bool = False
    """Whether its scores carry a standard deviation."""
    pixel_budget: int | None = None
    """The pixels that it looks at, at most."""
    largest_batch: int = 1
    """The most items that one call may hold."""
    slots: int = 1
    """How many calls may be under way at a time, each in a thread of its own."""
    cost: Cost = field(default_factory=Cost)
    """The most that one judgement can cost."""

    def __post_init__(self) -> None:
        check_revision(self.revision)
        check_choice("`kind`", self.kind, RewardKind)
        check_whole("`largest_batch`", self.largest_batch, 1, MOST_AT_ONCE)
        check_whole("`slots`", self.slots, 1, MOST_AT_ONCE)
        if self.pixel_budget is not None:
            check_whole("`pixel_budget`", self.pixel_budget, 1)
        if self.range is not None:
            low, high = self.range
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ValueError(f"`range`: expected two finite numbers, the lower first, found {self.range}")

    def to_wire(self) -> dict[str, Any]:
        """As the protocol has it."""
        return {
            "revision": self.revision,
            "range": None if self.range is None else [float(self.range[0]), float(self.range[1])],
            "kind": self.kind,
            "gives_sigma": self.gives_sigma,
            "pixel_budget": self.pixel_budget,
            "largest_batch": self.largest_batch,
            "slots": self.slots,
            "cost": self.cost.to_wire(),
        }


@dataclass(frozen=True)
class EditorCard:
    """What an editor can do."""

    revision: str
    """What exactly would answer: model, weights and version of the code. Change it whenever pictures change: a run is not gone
    on with under another revision."""
    seed_bits: int | None = None
    """Bits of a seed that count, at most 53; none where seeds decide nothing."""
    largest_batch: int = 1
    """The most items that one call may hold."""
    slots: int = 1
    """How many calls may be under way at a time, each in a thread of its own."""
    edits_candidates: bool = False
    """Whether it can start from a candidate's picture."""
    pause: Pause = "none"
    """Whether it can stop half way."""
    sampler: Sampler = "deterministic"
    """Whether its sampler adds noise after the start."""
    cancel: CancelRule = "when_done"
    """When a slot is free again after cancelling."""
    masks: bool = False
    """Whether it honours a mask."""
    knobs: Sequence[Knob] = ()
    """The settings that a search may turn."""
    cost: Cost = field(default_factory=Cost)
    """The most that one edit can cost."""
    recovery: Recovery = "repeat"
    """What may be done about an edit that was under way when the plugin died."""
    adopts_adapters: bool = False
    """Whether it takes up low-rank adapters, and what it began with."""
    adopts_checkpoints: bool = False
    """Whether it takes up whole models, and what it began with."""

    def __post_init__(self) -> None:
        check_revision(self.revision)
        check_choice("`pause`", self.pause, Pause)
        check_choice("`sampler`", self.sampler, Sampler)
        check_choice("`cancel`", self.cancel, CancelRule)
        check_choice("`recovery`", self.recovery, Recovery)
        check_whole("`largest_batch`", self.largest_batch, 1, MOST_AT_ONCE)
        check_whole("`slots`", self.slots, 1, MOST_AT_ONCE)
        if self.seed_bits is not None:
            check_whole("`seed_bits`", self.seed_bits, 1, MOST_SEED_BITS)
        elif self.pause != "none":
            raise ValueError(f"`pause` is {self.pause} without `seed_bits`: a state could not be made again")
        names = [knob.name for knob in self.knobs]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"`knobs`: `{name}` is there {names.count(name)} times, expected once")

    def to_wire(self) -> dict[str, Any]:
        """As the protocol has it."""
        return {
            "revision": self.revision,
            "seed_bits": self.seed_bits,
            "largest_batch": self.largest_batch,
            "slots": self.slots,
            "edits_candidates": self.edits_candidates,
            "pause": self.pause,
            "sampler": self.sampler,
            "cancel": self.cancel,
            "masks": self.masks,
            "knobs": [knob.to_wire() for knob in self.knobs],
            "cost": self.cost.to_wire(),
            "recovery": self.recovery,
            "adopts": {"adapters": self.adopts_adapters, "checkpoints": self.adopts_checkpoints},
        }


def check_name(what: str, name: str) -> None:
    """Raises unless this is a name: lower case, digits and `_`."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"{what} is called {name!r:.80}: expected lower-case letters, digits and `_`")


def check_whole(what: str, value: int, low: int, high: int = 2**32 - 1) -> None:
    """Raises unless this is a whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{what}: expected a whole number from {low} to {high}, found {value!r:.80}")


def check_choice(what: str, value: str, choices: Any) -> None:
    """Raises unless this is one of a `Literal`'s words."""
    if value not in get_args(choices):
        raise ValueError(f"{what}: expected one of {', '.join(get_args(choices))}, found {value!r:.80}")


def check_revision(revision: str) -> None:
    """Raises unless this can be a revision."""
    if not isinstance(revision, str) or not revision.strip():
        raise ValueError(f"`revision`: expected a text such as `brightness/1`, found {revision!r:.80}")
