"""What a plugin says when something was not, or cannot be, done."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path
from typing import Any, Literal, get_args

from .cards import Cost

FailureKind = Literal["refused", "invalid", "unavailable", "timed_out", "cancelled", "internal", "ambiguous"]
"""The kinds of failure. `unavailable` and `timed_out` are worth another attempt, the others fail again or must not be repeated."""
LONGEST_MESSAGE = 2000


class Failure(Exception):  # noqa: N818 - it is also returned, as the outcome of one item
    """Why something was not done: raised, or returned as the outcome of one item.

    >>> raise Failure("the picture has no face: expected at least one", kind="refused")
    """

    def __init__(self, message: str, *, kind: FailureKind = "internal", cost: Cost | None = None) -> None:
        """`message` is a sentence for people; `cost` is what was spent in vain."""
        if kind not in get_args(FailureKind):
            raise ValueError(f"expected one of {', '.join(get_args(FailureKind))} as the kind of a failure, found {kind!r}")
        self.message = str(message).strip() or "no reason given"
        super().__init__(self.message)
        self.kind: FailureKind = kind
        self.cost = cost or Cost()

    def to_wire(self) -> dict[str, Any]:
        """As the protocol has it."""
        return {"class": self.kind, "message": self.message[:LONGEST_MESSAGE], "cost": self.cost.to_wire()}

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """What became of an item whose code raised this."""
        if isinstance(error, Failure):
            return error
        reason = str(error).strip() or "no reason given"
        return cls(f"{type(error).__name__}: {reason[:LONGEST_MESSAGE]}{_place(error)}{_advice(error)}")


class Unready(Failure):
    """Raised by `load`: it cannot get ready, ever. Weights are not there, a setting is wrong."""

    def __init__(self, message: str, *, kind: FailureKind = "invalid") -> None:
        """`message` is a sentence for people: the thing, what was expected, what was found."""
        super().__init__(message, kind=kind)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = Path(__file__).parent
    raised = [frame for frame in frames if Path(frame.filename).parent != ours]
    if not raised:
        return ""
    # The last line of the plugin itself says more than one deep in a library.
    libraries = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]
    own = [frame for frame in raised if not any(library in Path(frame.filename).parents for library in libraries)]
    last, place = raised[-1], (own or raised)[-1]
    through = f", by way of {Path(last.filename).parent.name}/{Path(last.filename).name}" if place is not last else ""
    return f" ({Path(place.filename).name}, line {place.lineno}{through})"


def _advice(error: BaseException) -> str:
    is_memory = isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__
    return "; a smaller `largest_batch` in the card needs less memory" if is_memory else ""
