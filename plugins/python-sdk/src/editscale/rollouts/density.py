"""The density of a stochastic step of a flow, as the sampler of `flux_kontext` takes it and as a trainer has to take it again.

The step is that of Flow-GRPO (Liu et al. 2025, arXiv 2505.05470, equation 9): with the denoiser's velocity v at noise level σ and the next
level σ', the result is normal around `of_latents · x + of_velocity · v` with one standard deviation for all numbers. Functions take
NumPy arrays and PyTorch tensors alike; gradients flow through the velocity.

The levels are those that lie in the trajectory. A trainer that works out a schedule of its own gets other densities.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FlowStep:
    """One step: `mean = of_latents · latents + of_velocity · velocity`, and the standard deviation around it."""

    of_latents: float
    of_velocity: float
    std: float

    def mean(self, latents: Any, velocity: Any) -> Any:
        """Where the step's result is in the mean."""
        return latents * self.of_latents + velocity * self.of_velocity

    def log_probability(self, latents: Any, velocity: Any, next_latents: Any) -> Any:
        """The logarithm of the density of `next_latents`, as a mean over all dimensions but the first: one value a sample."""
        if self.std <= 0.0:
            raise ValueError("the step adds no noise: it has no density (was the editor's eta above 0?)")
        distance = next_latents - self.mean(latents, velocity)
        squares = (distance**2).reshape(distance.shape[0], -1).mean(1)
        return -squares / (2.0 * self.std**2) - math.log(self.std) - 0.5 * math.log(2.0 * math.pi)


def flow_step(sigmas: Sequence[float], step: int, eta: float) -> FlowStep:
    """The step from `sigmas[step]` to `sigmas[step + 1]` with the editor's `eta`.

    At σ = 1 the noise's level has no end; the next level stands in there, as in the published code.
    """
    sigma, following = float(sigmas[step]), float(sigmas[step + 1])
    below = following if sigma >= 1.0 else sigma
    level = 0.0 if below >= 1.0 else eta * math.sqrt(sigma / (1.0 - below))
    along = following - sigma
    drift = level * level / (2.0 * sigma)
    of_latents, of_velocity = 1.0 + drift * along, (1.0 + drift * (1.0 - sigma)) * along
    return FlowStep(of_latents, of_velocity, level * math.sqrt(max(-along, 0.0)))


def use_schedule(scheduler: Any, sigmas: Sequence[float]) -> None:
    """Gives a flow-matching scheduler of diffusers the recorded noise levels in place of its own.

    Trainers look a step up by its timestep (`index_for_timestep`), which fails, or finds another step, when the scheduler's own levels
    differ in the last bit. Needs PyTorch.
    """
    import torch

    levels = torch.as_tensor(list(map(float, sigmas)), dtype=torch.float32)
    scheduler.sigmas = levels
    scheduler.timesteps = levels[:-1] * scheduler.config.num_train_timesteps
    scheduler.num_inference_steps = len(levels) - 1
    scheduler._step_index = None
    scheduler._begin_index = None
