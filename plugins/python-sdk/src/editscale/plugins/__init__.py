'''Rewards and editors for editscale in Python.

A plugin is one class in one file:

>>> from editscale.plugins import Call, Config, Reward, RewardCard, RewardItem, serve
>>> class Brightness(Reward):
...     """How bright the picture is."""
...     def load(self, config: Config) -> RewardCard:
...         return RewardCard(revision="brightness/1", range=(0.0, 1.0))
...     def score_one(self, item: RewardItem, call: Call) -> float:
...         from PIL import ImageStat
...         return ImageStat.Stat(item.candidate.open("L")).mean[0] / 255.0
>>> if __name__ == "__main__":
...     serve(Brightness)

Under a host, standard output is the protocol's. Importing this package moves it away, so that what a library prints becomes a line of
the log: import it before anything heavy.
'''

from . import _streams

_streams.protect_under_host()

from ._serve import serve
from .base import Editor, Reward
from .call import Call
from .cards import Cost, EditorCard, Knob, RewardCard
from .config import Config, ConfigError
from .failures import Failure, Unready
from .paused import PausedStates
from .pictures import Picture
from .trajectories import Trajectory
from .work import Edited, EditItem, Judged, Part, Proposal, RewardItem, Weights

__all__ = [
    "Call",
    "Config",
    "ConfigError",
    "Cost",
    "EditItem",
    "Edited",
    "Editor",
    "EditorCard",
    "Failure",
    "Judged",
    "Knob",
    "Part",
    "PausedStates",
    "Picture",
    "Proposal",
    "Reward",
    "RewardCard",
    "RewardItem",
    "Trajectory",
    "Unready",
    "Weights",
    "serve",
]
