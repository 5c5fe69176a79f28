"""Trajectories, read from the safetensors shards beside the rows."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import RolloutError

OPEN_FILES = 4
PARTS = ("latents", "timesteps", "sigmas", "log_probabilities")


@dataclass(frozen=True)
class Trajectory:
    """A candidate's way through the latent space, all f32."""

    latents: NDArray[np.float32]
    """[steps + 1, …]: before the first step and after each."""
    timesteps: NDArray[np.float32]
    """[steps]: what the network was told of the time."""
    sigmas: NDArray[np.float32]
    """[steps + 1]: the noise level before the first step and after each."""
    log_probabilities: NDArray[np.float32]
    """[steps]: as a mean over the latents' numbers; NaN where a step added no noise."""

    @property
    def steps(self) -> int:
        """How many steps it has."""
        return len(self.timesteps)

    @property
    def thousandths(self) -> NDArray[np.float32]:
        """The timesteps as schedulers of diffusers count them, from 0 to 1000, also for flows that are told the noise level."""
        told = self.timesteps
        return told * np.float32(1000.0) if told.size and float(told.max()) <= 1.0 else told

    @property
    def stochastic(self) -> NDArray[np.intp]:
        """The steps that added noise: only these have a density."""
        return np.flatnonzero(np.isfinite(self.log_probabilities))


class TrajectoryReader:
    """Reads trajectories by the column `trajectory`, and keeps a few files open."""

    def __init__(self, root: Path) -> None:
        """For the directory of a run."""
        self.root = root
        self._open: OrderedDict[str, Any] = OrderedDict()

    def read(self, reference: str) -> Trajectory:
        """The trajectory at `FILE#KEY`."""
        file, hash_sign, key = reference.partition("#")
        if not hash_sign or not key:
            raise RolloutError(f"expected a trajectory as FILE#KEY, found {reference!r}")
        tensors = self._file(file)
        try:
            parts = {part: tensors.get_tensor(f"{key}/{part}") for part in PARTS}
        except Exception as error:  # safetensors has an exception type of its own without a common base
            raise RolloutError(f"{self.root / file}: cannot read {key}: {error}") from error
        way = Trajectory(**{part: np.asarray(values, dtype=np.float32) for part, values in parts.items()})
        if not len(way.latents) == len(way.sigmas) == way.steps + 1 == len(way.log_probabilities) + 1:
            raise RolloutError(f"{self.root / file}: the lists of {key} do not belong to the same steps")
        return way

    def _file(self, file: str) -> Any:
        if file in self._open:
            self._open.move_to_end(file)
            return self._open[file]
        try:
            from safetensors import safe_open
        except ImportError as error:
            raise RolloutError("trajectories need the package safetensors") from error
        try:
            opened = safe_open(str(self.root / file), framework="numpy")
        except Exception as error:  # as above
            raise RolloutError(f"{self.root / file}: cannot be read: {error}") from error
        self._open[file] = opened
        while len(self._open) > OPEN_FILES:
            self._open.popitem(last=False)
        return opened
