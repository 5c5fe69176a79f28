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

from ._serve import serve  # noqa: E402 - nothing is imported before the streams are protected
from .base import Editor, Reward  # noqa: E402
from .call import Call  # noqa: E402
from .cards import Cost, EditorCard, Knob, RewardCard  # noqa: E402
from .config import Config, ConfigError  # noqa: E402
from .failures import Failure, Unready  # noqa: E402
from .paused import PausedStates  # noqa: E402
from .pictures import Picture  # noqa: E402
from .trajectories import Trajectory  # noqa: E402
from .work import Edited, EditItem, Judged, Part, Proposal, RewardItem, Weights  # noqa: E402

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
