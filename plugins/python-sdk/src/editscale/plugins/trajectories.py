"""The way of a candidate through the latent space. NumPy and PyTorch arrays are taken where they come, neither is needed."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .failures import Failure

WIDTH = 4


@dataclass(frozen=True)
class Trajectory:
    """Latents, times and probabilities of a candidate's steps, in single precision."""

    latents: Any
    """[steps + 1, …]: before the first step and after each. An array of NumPy, a tensor of PyTorch; or bytes (four a number, least
    significant first) or numbers in a row, with `shape`."""
    timesteps: Sequence[float]
    """[steps]: what the denoiser was told of the time."""
    sigmas: Sequence[float]
    """[steps + 1]: the noise level before the first step and after each."""
    log_probabilities: Sequence[float | None]
    """[steps]: as a mean over the latents' dimensions; none where the step added no noise."""
    shape: Sequence[int] | None = None
    """The dimensions of the latents at one instant; told by the array itself where there is one."""

    def packed(self) -> tuple[list[int], bytes]:
        """The dimensions at one instant, and all numbers as bytes."""
        data, found = _packed(self.latents)
        shape = [int(size) for size in (self.shape if self.shape is not None else (found or ())[1:])]
        numbers = WIDTH * (len(self.timesteps) + 1)
        for size in shape:
            numbers *= size
        if not shape or len(data) != numbers:
            raise Failure(
                f"a trajectory of {len(self.timesteps)} steps holds {len(data)} bytes of latents: "
                f"expected {numbers} for the shape {shape} at each of {len(self.timesteps) + 1} instants"
            )
        if not len(self.sigmas) == len(self.log_probabilities) + 1 == len(self.timesteps) + 1:
            raise Failure(
                f"a trajectory has {len(self.timesteps)} timesteps, {len(self.sigmas)} sigmas and {len(self.log_probabilities)} "
                "log-probabilities: expected one sigma more than there are steps, the others one a step"
            )
        return shape, data


def _packed(latents: Any) -> tuple[bytes, Sequence[int] | None]:
    if hasattr(latents, "detach"):
        latents = latents.detach().float().cpu().contiguous().numpy()
    if hasattr(latents, "__array__"):
        import numpy

        numbers = numpy.ascontiguousarray(latents, dtype="<f4")
        return numbers.tobytes(), numbers.shape
    if isinstance(latents, (bytes, bytearray, memoryview)):
        return bytes(latents), None
    row = array("f", latents)
    if sys.byteorder == "big":
        row.byteswap()
    return row.tobytes(), None
