"""Groups with trajectories as the batches that trainers take: flow_grpo, DanceGRPO and verl-omni.

Names, shapes and types are those of the trainers' own code; where each comes from stands at its function. What a trainer makes itself
of texts and pictures (embeddings, latents of the source) comes from `encode`, which is given the batch's candidates, in order.
Everything stays f32: latents that were rounded give log-probabilities of other latents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import RolloutError
from .rows import Candidate, Group
from .trajectories import Trajectory

Encode = Callable[[Sequence[Candidate]], Mapping[str, Any]]


class Batch(dict[str, Any]):
    """Tensors by the trainer's names, and what they were made of."""

    candidates: list[Candidate]
    """The candidates, a row each, in the order of the tensors."""
    sigmas: Any
    """[steps + 1]: the noise levels, the same for all rows; nothing where there are no trajectories."""
    groups: NDArray[np.int64]
    """For each row the number of its group in the batch, from 0."""


@dataclass
class Stacked:
    """The trajectories of some whole groups, stacked: all have one shape and one schedule."""

    candidates: list[Candidate]
    groups: NDArray[np.int64]
    latents: NDArray[np.float32]
    timesteps: NDArray[np.float32]
    sigmas: NDArray[np.float32]
    log_probs: NDArray[np.float32]
    steps: NDArray[np.intp] = field(repr=False)

    @property
    def rewards(self) -> NDArray[np.float32]:
        """[rows]."""
        return np.array([each.reward for each in self.candidates], dtype=np.float32)

    @property
    def advantages(self) -> NDArray[np.float32]:
        """[rows]; a candidate of a group without any advantages has 0: nothing to learn."""
        return np.array([each.advantage or 0.0 for each in self.candidates], dtype=np.float32)


def stacked(groups: Iterable[Group], groups_at_once: int, *, starts: Sequence[str] | None = ("source",)) -> Iterator[Stacked]:
    """Whole groups, so many at once, those of one shape and schedule together; what is left over at the end comes last.

    Only candidates with a trajectory count. `starts` leaves out those that did not start from the source, as trainers encode the source
    for all rows; with `None` they are taken, and `encode` has to look at `Candidate.input_image`.
    """
    if groups_at_once < 1:
        raise RolloutError(f"expected at least one group at once, found {groups_at_once}")
    waiting: dict[tuple[Any, ...], list[list[tuple[Candidate, Trajectory]]]] = {}
    seen = used = 0
    for group in groups:
        seen += 1
        ways = [
            (each, each.trajectory())
            for each in group.candidates
            if each.has_trajectory and each.reward is not None and (starts is None or each.row.get("start", "source") in starts)
        ]
        if not ways:
            continue
        used += 1
        kinds = {kind(way) for _, way in ways}
        if len(kinds) > 1:
            raise RolloutError(
                f"group {group.rollout_id}: its trajectories differ in shape, schedule or noisy steps; use `where` to leave it out"
            )
        found = kinds.pop()
        waiting.setdefault(found, []).append(ways)
        if len(waiting[found]) == groups_at_once:
            yield stack(waiting.pop(found))
    for left in waiting.values():
        yield stack(left)
    if seen and not used:
        raise RolloutError(
            f"none of {seen} groups has a trajectory to train on: the editor kept none (set its `trajectory: true`, and `eta` above 0); "
            "use diffusion_nft, pairs or weighted for rollouts without trajectories"
        )


def kind(way: Trajectory) -> tuple[Any, ...]:
    """What has to be equal for trajectories to be stacked."""
    return way.latents.shape, way.sigmas.tobytes(), way.stochastic.tobytes()


def stack(groups: list[list[tuple[Candidate, Trajectory]]]) -> Stacked:
    """Groups whose trajectories can be stacked."""
    pairs = [pair for ways in groups for pair in ways]
    ways = [way for _, way in pairs]
    steps = ways[0].stochastic
    if not len(steps):
        named = pairs[0][0].row["rollout_id"]
        raise RolloutError(f"group {named}: no step added noise, so there is no policy to take gradients of; set the editor's eta above 0")
    return Stacked(
        candidates=[candidate for candidate, _ in pairs],
        groups=np.repeat(np.arange(len(groups)), [len(ways) for ways in groups]),
        latents=np.stack([way.latents for way in ways]),
        timesteps=np.stack([way.thousandths for way in ways]),
        sigmas=ways[0].sigmas,
        log_probs=np.stack([way.log_probabilities for way in ways]),
        steps=steps,
    )


def flow_grpo(
    groups: Iterable[Group],
    groups_at_once: int = 1,
    *,
    encode: Encode | None = None,
    rewards: bool = False,
    starts: Sequence[str] | None = ("source",),
    tensors: str | None = None,
) -> Iterator[Batch]:
    """The dictionary `samples` of flow_grpo, as it is when training begins (advantages computed, `rewards` and `prompt_ids` gone).

    github.com/yifan123/flow_grpo, scripts/train_flux_kontext.py at 74db691 (train_sd3.py is alike), B rows and S noisy steps:
    `timesteps` [B, S] in thousandths, `latents` [B, S, …] before each step, `next_latents` [B, S, …] after it, `log_probs` [B, S],
    `advantages` [B, S]. With `rewards=True` the dictionary `rewards` as it is after sampling: `avg` [B], and each reward by its name.
    From `encode` that trainer wants `prompt_embeds`, `pooled_prompt_embeds`, `text_ids`, `latent_ids` and `image_latents`.

    Its `sde_step_with_logprob` looks a step up by its timestep: give its scheduler the recorded levels with `use_schedule`.
    """
    for rows in stacked(groups, groups_at_once, starts=starts):
        made: dict[str, Any] = {
            "timesteps": rows.timesteps[:, rows.steps],
            "latents": rows.latents[:, rows.steps],
            "next_latents": rows.latents[:, rows.steps + 1],
            "log_probs": rows.log_probs[:, rows.steps],
            "advantages": np.repeat(rows.advantages[:, None], len(rows.steps), 1),
        }
        if rewards:
            made["rewards"] = rewards_by_name(rows)
        yield finish(made, rows, encode, tensors)


def dance_grpo(
    groups: Iterable[Group],
    groups_at_once: int = 1,
    *,
    encode: Encode | None = None,
    last_step: bool = False,
    integer_timesteps: bool = False,
    starts: Sequence[str] | None = ("source",),
    tensors: str | None = None,
) -> Iterator[Batch]:
    """The dictionary `samples` of DanceGRPO before its steps are shuffled; the noise levels are the batch's `sigmas`.

    github.com/XueZeyue/DanceGRPO, fastvideo/train_grpo_flux.py and train_grpo_qwenimage_edit.py at 15cc71d: `timesteps` [B, S],
    `latents` and `next_latents` [B, S, …], `log_probs` [B, S], `rewards` [B], `advantages` [B]. The trainer leaves the last step out;
    `last_step=True` keeps it. From `encode` it wants `encoder_hidden_states`, and by the model `pooled_prompt_embeds`, `text_ids`,
    `image_ids`, or `prompt_attention_masks`, `txt_seq_lens`, `original_length`, `image_latents`.

    Two things differ from what that trainer samples itself. Its timesteps are whole numbers, cut off; a network that was told the exact
    time has to be told it again, so they are f32 here unless `integer_timesteps`. And its step (`flux_step`) is another stochastic
    equation than the one these rollouts were drawn from: use `editscale.rollouts.flow_step`, or flow_grpo's, or ratios are not 1.
    """
    for rows in stacked(groups, groups_at_once, starts=starts):
        count = rows.log_probs.shape[1]
        steps = rows.steps if last_step else rows.steps[rows.steps != count - 1]
        if not len(steps):
            raise RolloutError(f"{rows.candidates[0]!r}: no step but the last added noise; use `last_step=True` to train on that")
        times = rows.timesteps[:, steps]
        made = {
            "timesteps": times.astype(np.int64) if integer_timesteps else times,
            "latents": rows.latents[:, steps],
            "next_latents": rows.latents[:, steps + 1],
            "log_probs": rows.log_probs[:, steps],
            "rewards": rows.rewards,
            "advantages": rows.advantages,
        }
        yield finish(made, rows, encode, tensors)


def diffusion_nft(
    groups: Iterable[Group],
    groups_at_once: int = 1,
    *,
    encode: Encode | None = None,
    clip: float = 5.0,
    tensors: str | None = None,
) -> Iterator[Batch]:
    """Batches for training that encodes finished pictures again, of any editor: DiffusionNFT (arXiv 2509.16117) and its kin.

    `rewards`, `advantages` and `optimality` [B]; the last is the advantage, within ± `clip`, brought to 0..1, where 0.5 is the mean of
    the group. The trainer's latents of `Candidate.image()` and `Candidate.input_image()`, and its texts, come from `encode`.
    """
    if groups_at_once < 1:
        raise RolloutError(f"expected at least one group at once, found {groups_at_once}")
    waiting: list[list[Candidate]] = []
    for group in groups:
        usable = [each for each in group.candidates if each.is_finished and each.advantage is not None and each.reward is not None]
        waiting += [usable] if usable else []
        if len(waiting) == groups_at_once:
            yield nft_batch(waiting, encode, clip, tensors)
            waiting = []
    if waiting:
        yield nft_batch(waiting, encode, clip, tensors)


def nft_batch(groups: list[list[Candidate]], encode: Encode | None, clip: float, tensors: str | None) -> Batch:
    """The batch of some groups."""
    convert, candidates = converter(tensors), [each for group in groups for each in group]
    advantages = np.array([each.advantage for each in candidates], dtype=np.float32)
    batch = Batch(
        rewards=convert(np.array([each.reward for each in candidates], dtype=np.float32)),
        advantages=convert(advantages),
        optimality=convert((0.5 + 0.5 * (advantages / clip).clip(-1.0, 1.0)).astype(np.float32)),
    )
    batch.candidates, batch.sigmas = candidates, None
    batch.groups = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return with_encoded(batch, encode)


@dataclass
class VerlBatch:
    """What a `DataProto` is made of."""

    batch: Batch
    non_tensor_batch: dict[str, NDArray[Any]]
    meta_info: dict[str, Any]

    def to_data_proto(self) -> Any:
        """A `verl.DataProto`. Needs verl."""
        from verl import DataProto

        return DataProto.from_dict(tensors=dict(self.batch), non_tensors=self.non_tensor_batch, meta_info=self.meta_info)


def verl_omni(
    groups: Iterable[Group],
    groups_at_once: int = 1,
    *,
    encode: Encode | None = None,
    meta_info: Mapping[str, Any] | None = None,
    starts: Sequence[str] | None = ("source",),
    tensors: str | None = None,
) -> Iterator[VerlBatch]:
    """The batch of verl-omni's trainer in bypass mode, where the log-probabilities of the rollout are the old ones.

    github.com/verl-project/verl-omni at a1139ba, verl_omni/agent_loop/diffusion_agent_loop.py, trainer/diffusion/ray_diffusion_trainer.py
    and the training adapters: `all_latents` [B, W + 1, …], `all_timesteps` [B, W], `rollout_log_probs` and `old_log_probs` [B, W],
    `rm_scores` and `sample_level_scores` [B, 1], `sample_level_rewards` and `advantages` [B, W], for the W steps of the window that adds
    noise; beside the tensors `uid`, by which the trainer groups, and `raw_prompt`. From `encode` come `prompt_embeds`,
    `prompt_embeds_mask`, for Qwen-Image-Edit `condition_image_latents`, and what else the model's adapter reads; into `meta_info` go
    `height`, `width` and `vae_scale_factor`.
    """
    for rows in stacked(groups, groups_at_once, starts=starts):
        steps = rows.steps
        if len(steps) != steps[-1] - steps[0] + 1:
            raise RolloutError(f"{rows.candidates[0]!r}: expected noise in steps that follow each other, found it in {steps.tolist()}")
        window, scores = slice(int(steps[0]), int(steps[-1]) + 1), rows.rewards[:, None]
        made = {
            "all_latents": rows.latents[:, window.start : window.stop + 1],
            "all_timesteps": rows.timesteps[:, window],
            "rollout_log_probs": rows.log_probs[:, window],
            "old_log_probs": rows.log_probs[:, window],
            "rm_scores": scores,
            "sample_level_scores": scores,
            "sample_level_rewards": np.repeat(scores, len(steps), 1),
            "advantages": np.repeat(rows.advantages[:, None], len(steps), 1),
        }
        other = {"uid": texts(each.row["group_id"] for each in rows.candidates)}
        other["raw_prompt"] = texts(each.instruction for each in rows.candidates)
        yield VerlBatch(finish(made, rows, encode, tensors), other, dict(meta_info or {}))


def texts(values: Iterable[str]) -> NDArray[Any]:
    """Strings as verl keeps them."""
    return np.array(list(values), dtype=object)


def rewards_by_name(rows: Stacked) -> dict[str, NDArray[np.float32]]:
    """`avg`, and what each reward said of each row; NaN where it failed."""
    names = sorted({name for each in rows.candidates for name in each.scores})
    said = {name: [mean(each, name) for each in rows.candidates] for name in names}
    return {"avg": rows.rewards} | {name: np.array(values, dtype=np.float32) for name, values in said.items()}


def mean(candidate: Candidate, reward: str) -> float:
    """What a reward said of a candidate."""
    said = candidate.scores.get(reward)
    return float("nan") if said is None or said.mean is None else said.mean


def finish(made: dict[str, Any], rows: Stacked, encode: Encode | None, tensors: str | None) -> Batch:
    """Adds what `encode` makes, and turns arrays into tensors."""
    convert = converter(tensors)
    batch = Batch({name: tree(values, convert) for name, values in made.items()})
    batch.candidates, batch.groups, batch.sigmas = rows.candidates, rows.groups, convert(rows.sigmas)
    return with_encoded(batch, encode)


def with_encoded(batch: Batch, encode: Encode | None) -> Batch:
    """Adds what `encode` makes of the batch's candidates."""
    for name, values in (encode(batch.candidates) if encode else {}).items():
        if name in batch:
            raise RolloutError(f"encode made {name!r}, which comes from the rollouts")
        if len(values) != len(batch.candidates):
            raise RolloutError(f"encode made {len(values)} rows of {name!r} for {len(batch.candidates)} candidates")
        batch[name] = values
    return batch


def tree(values: Any, convert: Callable[[NDArray[Any]], Any]) -> Any:
    """An array or a dictionary of arrays, converted."""
    return {name: convert(each) for name, each in values.items()} if isinstance(values, dict) else convert(values)


def converter(tensors: str | None) -> Callable[[NDArray[Any]], Any]:
    """To `torch` or `numpy`; where nothing is asked for, to torch if it is installed."""
    if tensors not in (None, "torch", "numpy"):
        raise RolloutError(f"expected tensors of torch or numpy, found {tensors!r}")
    if tensors != "numpy":
        try:
            import torch
        except ImportError:
            if tensors == "torch":
                raise
        else:
            return lambda values: torch.from_numpy(np.ascontiguousarray(values))
    return np.ascontiguousarray
