"""The published code of EditReward as a reward of editscale: a checkout of it scores, so that both can be compared."""

# First, since it moves standard output away from what libraries print.
from editscale.plugins import serve

from .plugin import EditRewardReference

__all__ = ["EditRewardReference", "serve"]
