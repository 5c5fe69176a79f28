"""Rollouts that `editscale run` has written, as training batches.

>>> from editscale.rollouts import Rollouts, flow_grpo
>>> for batch in flow_grpo(Rollouts("rollouts"), groups_at_once=4, encode=encode):
...     train(batch)

`Rollouts` reads a directory group by group; `Stream` follows one that is being written. `flow_grpo`, `dance_grpo` and `verl_omni` make
the batches of these trainers of groups with trajectories; `diffusion_nft`, `black_box`, `pairs` and `weighted` take groups
of any editor.
"""

from ._needs import check_packages

check_packages()

from .advantages import grpo, leave_one_out, rank
from .batches import Batch, VerlBatch, dance_grpo, diffusion_nft, flow_grpo, verl_omni
from .density import FlowStep, flow_step, use_schedule
from .errors import IdleError, RolloutError, StaleGroupError
from .policy import announce
from .reader import Rollouts, Selection
from .rows import Candidate, Group, Score
from .stream import Position, Staleness, Stream
from .summary import summary
from .trajectories import Trajectory
from .views import Pair, Sample, Weighted, black_box, pairs, view, weighted

__all__ = [
    "Batch",
    "Candidate",
    "FlowStep",
    "Group",
    "IdleError",
    "Pair",
    "Position",
    "RolloutError",
    "Rollouts",
    "Sample",
    "Score",
    "Selection",
    "StaleGroupError",
    "Staleness",
    "Stream",
    "Trajectory",
    "VerlBatch",
    "Weighted",
    "announce",
    "black_box",
    "dance_grpo",
    "diffusion_nft",
    "flow_grpo",
    "flow_step",
    "grpo",
    "leave_one_out",
    "pairs",
    "rank",
    "summary",
    "use_schedule",
    "verl_omni",
    "view",
    "weighted",
]
