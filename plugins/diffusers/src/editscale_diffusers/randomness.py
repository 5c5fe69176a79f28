"""Seeds as generators, and whether a sampler draws from them."""

from __future__ import annotations

from typing import Any

SEED_BITS = 53


def generators(seeds: list[int], device: str) -> list[Any]:
    """A generator for each seed."""
    import torch

    return [torch.Generator(device=device).manual_seed(seed) for seed in seeds]


def seed_globally(seed: int) -> None:
    """For schedulers that are not handed a generator: they draw from PyTorch's own."""
    import torch

    torch.manual_seed(seed)


def states(given: list[Any]) -> list[Any]:
    """What generators would draw next: of each that is given, of the processor and of every card."""
    import torch

    shared = [torch.get_rng_state()]
    if torch.cuda.is_available():
        shared += torch.cuda.get_rng_state_all()
    return [*(each.get_state() for each in given), *shared]


def restore(given: list[Any], kept: list[Any]) -> None:
    """Lets generators draw what they would have drawn then."""
    import torch

    for generator, state in zip(given, kept, strict=False):
        generator.set_state(state)
    torch.set_rng_state(kept[len(given)])
    if torch.cuda.is_available():
        torch.cuda.set_rng_state_all(kept[len(given) + 1 :])


def are_equal(first: list[Any], second: list[Any]) -> bool:
    """Whether nothing was drawn between the two."""
    import torch

    return len(first) == len(second) and all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
