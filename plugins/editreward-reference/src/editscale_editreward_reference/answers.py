"""What the heads say, as scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

from editscale.plugins import Failure, Judged, Part

PARTS = ("instruction_following", "visual_quality")
"""What the first and the second head judge."""


def fuse(heads: Sequence[tuple[float, float]], fusion: str) -> tuple[float, float]:
    """Mean and logarithm of sigma of both heads in one, as the released code and the reward `editreward` do it."""
    means, logarithms = [mean for mean, _ in heads], [log_sigma for _, log_sigma in heads]
    if fusion == "min":
        return min(means), min(logarithms)
    if fusion == "sum":
        most = max(logarithms)
        # log sqrt(e^2a + e^2b), without leaving the range of numbers on the way.
        return sum(means), most + 0.5 * math.log(sum(math.exp(2 * (each - most)) for each in logarithms))
    return sum(means) / len(means), sum(logarithms) / len(logarithms)


def judged(heads: Sequence[tuple[float, float]], fusion: str, encodes: int, tokens: int) -> Judged | Failure:
    """The score of one pair; `heads` are mean and logarithm of sigma of each."""
    if not all(math.isfinite(value) for head in heads for value in head):
        return Failure(f"the heads gave {list(heads)}: expected finite numbers", kind="internal")
    mean, log_sigma = fuse(heads, fusion)
    try:
        parts = [Part(name, value, math.exp(logarithm)) for name, (value, logarithm) in zip(PARTS, heads, strict=True)]
        return Judged(mean, math.exp(log_sigma), parts, image_encodes=encodes, decoder_tokens=tokens)
    except OverflowError:
        return Failure(f"the heads gave logarithms of sigma beyond what a number holds: {list(heads)}", kind="internal")
