"""What a plugin is asked to do, and what comes of it."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .cards import Cost, check_name
from .failures import Failure
from .pictures import Picture
from .trajectories import Trajectory


@dataclass(frozen=True)
class RewardItem:
    """One candidate to judge."""

    source: Picture
    """The picture before."""
    candidate: Picture
    """The picture after."""
    instruction: str
    """What was asked for."""
    mask: Picture | None = None
    """Where editing was allowed: white."""
    index: int = 0
    """Its place in the call."""


@dataclass(frozen=True)
class Part:
    """A named part of a score."""

    name: str
    """Lower case, digits and `_`."""
    mean: float
    sigma: float | None = None
    """Its standard deviation."""

    def __post_init__(self) -> None:
        check_name("a part", self.name)
        _check_score(f"the part `{self.name}`", self.mean, self.sigma)

    def to_wire(self) -> dict[str, Any]:
        """As the protocol has it."""
        return {"name": self.name, "mean": float(self.mean), "sigma": None if self.sigma is None else float(self.sigma)}


@dataclass(frozen=True)
class Judged:
    """A score, and what it cost. Where there is only a number to tell, a plain number does."""

    mean: float
    """The score: finite, higher is better."""
    sigma: float | None = None
    """Its standard deviation."""
    parts: Sequence[Part] | Mapping[str, float] = ()
    """Named parts."""
    cost: Cost = field(default_factory=Cost)
    """What was spent."""
    image_encodes: int = 0
    """Pictures that went through a vision tower for it; shared work is counted once."""
    decoder_tokens: int = 0
    """Tokens that went through a decoder for it."""

    def __post_init__(self) -> None:
        _check_score("the score", self.mean, self.sigma)

    def to_wire(self) -> dict[str, Any]:
        """As the protocol has it."""
        parts = [Part(*part) for part in self.parts.items()] if isinstance(self.parts, Mapping) else self.parts
        return {
            "mean": float(self.mean),
            "sigma": None if self.sigma is None else float(self.sigma),
            "parts": [part.to_wire() for part in parts],
            "cost": self.cost.to_wire(),
            "counters": {"image_encodes": int(self.image_encodes), "decoder_tokens": int(self.decoder_tokens)},
        }

    @classmethod
    def of(cls, score: Any) -> Judged:
        """What a reward gave for one item: this, or a number of Python, NumPy or PyTorch."""
        if isinstance(score, cls):
            return score
        if isinstance(score, (str, bytes, bool)) or not hasattr(score, "__float__"):
            raise Failure(f"expected a number, `Judged` or `Failure` as the outcome of an item, found {score!r:.80}")
        return cls(float(score))


StartKind = Literal["source", "candidate", "paused"]
"""What an edit starts from: the source, the picture of an earlier candidate, or the state that one was left in."""


@dataclass(frozen=True)
class Proposal:
    """What to make."""

    candidate: int
    """The candidate's number in its run."""
    seed: int
    """What decides all that is left open; below 2^53."""
    instruction: str
    """What to do to the picture."""
    knobs: Mapping[str, float] = field(default_factory=dict)
    """The knobs that are turned."""
    start: StartKind = "source"
    """What it starts from."""
    parent: int | None = None
    """The candidate that it starts from, where that is not the source."""
    until_step: int | None = None
    """The denoising step to stop at, handing out a preview and keeping the state; none for the finished picture."""


@dataclass(frozen=True)
class EditItem:
    """One edit to make."""

    source: Picture
    """The picture that somebody asked to have edited."""
    start_picture: Picture
    """The picture that the proposal starts from. For a paused start it is the one that the first proposal of `path` started from."""
    proposal: Proposal
    """What to make."""
    path: Sequence[Proposal] = ()
    """For a paused start, the proposals that led to the state, the first from a picture. Empty otherwise."""
    run: str = ""
    """The run that it belongs to."""
    mask: Picture | None = None
    """Where editing is allowed: white."""
    request_instruction: str = ""
    """What that person wrote. The proposal's instruction is what counts."""
    output_size: tuple[int, int] | None = None
    """Width and height that the result should have; the editor's own choice where there are none."""
    knobs: Mapping[str, float] = field(default_factory=dict)
    """Every knob of the card, as it is turned or at its default."""
    index: int = 0
    """Its place in the call."""

    @property
    def instruction(self) -> str:
        """The proposal's instruction."""
        return self.proposal.instruction

    @property
    def seed(self) -> int:
        """The proposal's seed."""
        return self.proposal.seed

    @property
    def until_step(self) -> int | None:
        """The denoising step to stop at; none for the finished picture."""
        return self.proposal.until_step

    @property
    def key(self) -> tuple[str, int]:
        """Run and candidate: what a state that this item is left in is kept under."""
        return self.run, self.proposal.candidate

    @property
    def paused_key(self) -> tuple[str, int] | None:
        """Run and candidate of the state that it goes on from; none where it starts from a picture."""
        parent = self.proposal.parent
        return (self.run, parent) if self.proposal.start == "paused" and parent is not None else None


@dataclass(frozen=True)
class Edited:
    """A picture that was made. Where there is nothing else to tell, the picture alone does."""

    image: Any
    """Encoded bytes, an image of Pillow, a `Picture`, or the path of a file; a preview where the proposal stops half way."""
    cost: Cost = field(default_factory=Cost)
    """What was spent."""
    effective_seed: int | None = None
    """The seed that was used where it is not the proposal's."""
    notes: Sequence[str] = ()
    """What people should know."""
    text_encodes: int = 0
    """Texts that went through a text encoder for it; shared work is counted once."""
    image_encodes: int = 0
    """Pictures that were brought into the latent space."""
    denoiser_passes: int = 0
    """Calls of the denoiser."""
    image_decodes: int = 0
    """Pictures that were brought back."""
    trajectory: Trajectory | None = None
    """The way through the latent space, where it is kept."""

    @classmethod
    def of(cls, made: Any) -> Edited:
        """What an editor gave for one item: this, or a picture."""
        return made if isinstance(made, cls) else cls(made)


@dataclass(frozen=True)
class Weights:
    """Weights to take up."""

    version: str
    """What the trainer calls them."""
    kind: Literal["base", "adapter", "checkpoint"]
    """What the editor began with, low-rank additions, or a whole model."""
    path: Path | None = None
    """Where they are; none for what the editor began with."""
    scale: float = 1.0
    """How strongly an adapter counts."""


def outcomes(given: Any, count: int, method: str) -> list[Any]:
    """What user code gave for the items of a call, one each."""
    if isinstance(given, (str, bytes, Mapping)) or not hasattr(given, "__iter__"):
        raise Failure(f"`{method}` gave {type(given).__name__} {given!r:.80}: expected a list with one outcome an item")
    listed = list(given)
    if len(listed) != count:
        raise Failure(f"`{method}` gave {len(listed)} outcomes for {count} items: expected one each, in their order")
    return listed


def whole_of(value: Any) -> int:
    """A whole number of Python or NumPy as one of Python."""
    return operator.index(value)


def _check_score(what: str, mean: Any, sigma: Any) -> None:
    if not math.isfinite(float(mean)):
        raise Failure(f"{what} is {float(mean)}: expected a finite number")
    if sigma is not None and not (math.isfinite(float(sigma)) and float(sigma) >= 0):
        raise Failure(f"the standard deviation of {what} is {float(sigma)}: expected a finite number of at least 0")
