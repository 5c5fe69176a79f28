"""Batches in the forms of trainers, and views without trajectories."""

import numpy as np
import pytest
from writing import group, trajectory

from editscale.rollouts import (
    RolloutError,
    Rollouts,
    black_box,
    dance_grpo,
    diffusion_nft,
    flow_grpo,
    flow_step,
    pairs,
    use_schedule,
    verl_omni,
    view,
    weighted,
)


def ways(row, count, **options):
    return [trajectory(10 * row + number, **options) for number in range(count)]


def test_flow_grpo(kontext):
    batches = list(flow_grpo(Rollouts(kontext.root), groups_at_once=2, rewards=True, tensors="numpy"))
    assert len(batches) == 1
    batch = batches[0]
    shapes = {name: values.shape for name, values in batch.items() if name != "rewards"}
    assert shapes == {
        "timesteps": (5, 4), "latents": (5, 4, 6, 16), "next_latents": (5, 4, 6, 16), "log_probs": (5, 4), "advantages": (5, 4),
    }  # fmt: skip
    assert {values.dtype for name, values in batch.items() if name != "rewards"} == {np.dtype(np.float32)}
    assert batch.groups.tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_array_equal(batch["timesteps"][0], [1000, 750, 500, 250])
    np.testing.assert_array_equal(batch["latents"][:, 1:], batch["next_latents"][:, :-1])
    way = trajectory(1)
    np.testing.assert_array_equal(batch["latents"][1], way["latents"][:-1])
    np.testing.assert_array_equal(batch["log_probs"][1], way["log_probabilities"])
    np.testing.assert_allclose(batch["advantages"][3:, 0], [-1, 1])
    np.testing.assert_allclose(batch["rewards"]["avg"], [0.1, 0.5, 0.9, 1, 3])
    np.testing.assert_allclose(batch["rewards"]["judge"], [0.1, 0.5, 0.9, 1, 3])


def test_dance_grpo_refuses_to_train_on_nothing(writer):
    writer.shard(group(0, [0.1, 0.9], ways=ways(0, 2, noisy=[3])))
    with pytest.raises(RolloutError, match="no step but the last"):
        next(dance_grpo(Rollouts(writer.root), tensors="numpy"))
    assert next(dance_grpo(Rollouts(writer.root), last_step=True, tensors="numpy"))["log_probs"].shape == (2, 1)


def test_dance_grpo_leaves_the_last_step_out(kontext):
    batch = next(dance_grpo(Rollouts(kontext.root), tensors="numpy"))
    assert batch["latents"].shape == batch["next_latents"].shape == (3, 3, 6, 16)
    assert batch["timesteps"].shape == batch["log_probs"].shape == (3, 3)
    assert batch["advantages"].shape == batch["rewards"].shape == (3,)
    np.testing.assert_array_equal(batch.sigmas, [1, 0.75, 0.5, 0.25, 0])
    whole = next(dance_grpo(Rollouts(kontext.root), last_step=True, integer_timesteps=True, tensors="numpy"))
    assert (whole["latents"].shape, whole["timesteps"].dtype) == ((3, 4, 6, 16), np.int64)


def test_verl_omni(kontext):
    one = next(verl_omni(Rollouts(kontext.root), meta_info={"height": 512}, tensors="numpy"))
    shapes = {name: values.shape for name, values in one.batch.items()}
    assert shapes == {
        "all_latents": (3, 5, 6, 16), "all_timesteps": (3, 4), "rollout_log_probs": (3, 4), "old_log_probs": (3, 4),
        "rm_scores": (3, 1), "sample_level_scores": (3, 1), "sample_level_rewards": (3, 4), "advantages": (3, 4),
    }  # fmt: skip
    assert len(set(one.non_tensor_batch["uid"])) == 1
    assert one.non_tensor_batch["raw_prompt"].tolist() == ["instruction 0"] * 3
    assert one.meta_info == {"height": 512}


def test_only_steps_that_added_noise_are_trained_on(writer):
    writer.shard(group(0, [0.1, 0.9], ways=ways(0, 2, noisy=(1, 2))))
    batch = next(flow_grpo(Rollouts(writer.root), tensors="numpy"))
    np.testing.assert_array_equal(batch["timesteps"][0], [750, 500])
    assert np.isfinite(batch["log_probs"]).all()
    window = next(verl_omni(Rollouts(writer.root), tensors="numpy")).batch
    assert (window["all_latents"].shape, window["all_timesteps"].shape) == ((2, 3, 6, 16), (2, 2))


@pytest.mark.parametrize(
    ("noisy", "make", "said"),
    [((), flow_grpo, "set the editor's eta above 0"), ((0, 2), verl_omni, "follow each other"), (None, None, "at least one group")],
)
def test_what_cannot_be_trained_on_is_named(writer, noisy, make, said):
    writer.shard(group(0, [0.1, 0.9], ways=ways(0, 2, noisy=noisy)))
    with pytest.raises(RolloutError, match=said):
        next(make(Rollouts(writer.root)) if make else flow_grpo(Rollouts(writer.root), 0))


def test_shapes_are_batched_apart_and_groups_stay_whole(writer):
    wide = {"shape": (12, 16)}
    rows = [group(0, [1, 2], ways=ways(0, 2)), group(1, [1, 2], ways=ways(1, 2, **wide)), group(2, [1, 2], ways=ways(2, 2))]
    writer.shard(*rows, group(3, [1, 2]))
    found = [(batch["latents"].shape, len(batch.candidates)) for batch in flow_grpo(Rollouts(writer.root), 2, tensors="numpy")]
    assert found == [((4, 4, 6, 16), 4), ((2, 4, 12, 16), 2)]
    writer.shard(group(4, [1, 2], ways=[trajectory(1), trajectory(2, steps=5)]))
    with pytest.raises(RolloutError, match="differ in shape"):
        list(flow_grpo(Rollouts(writer.root), 2))


def test_edits_of_edits_are_left_out_unless_asked_for(writer):
    child = {"start": "candidate", "edge": "edit_of_edit", "parents": [0]}
    writer.shard(group(0, [1, 2, 3], ways=ways(0, 3), changes={2: child}))
    assert [each.number for each in next(flow_grpo(Rollouts(writer.root))).candidates] == [0, 1]
    assert len(next(flow_grpo(Rollouts(writer.root), starts=None)).candidates) == 3


def test_encode_adds_what_the_trainer_makes_itself(kontext):
    rollouts = Rollouts(kontext.root, pictures=True)

    def encode(candidates):
        assert all(each.source().size == (8, 8) for each in candidates)
        return {"prompt_embeds": np.stack([np.full((3, 2), len(each.instruction)) for each in candidates])}

    assert next(flow_grpo(rollouts, encode=encode))["prompt_embeds"].shape == (3, 3, 2)
    for made, said in [({"latents": [1, 2, 3]}, "comes from the rollouts"), ({"ids": [1]}, "made 1 rows of 'ids' for 3")]:
        with pytest.raises(RolloutError, match=said):
            next(flow_grpo(rollouts, encode=lambda _, made=made: made))


def test_torch_tensors_where_torch_is_there(kontext):
    torch = pytest.importorskip("torch")
    batch = next(flow_grpo(Rollouts(kontext.root)))
    assert {(type(values), values.dtype) for values in batch.values()} == {(torch.Tensor, torch.float32)}
    assert isinstance(batch.sigmas, torch.Tensor)


def test_gradients_flow_through_the_density():
    torch = pytest.importorskip("torch")
    velocity = torch.zeros(1, 6, 16, requires_grad=True)
    flow_step([0.5, 0.25], 0, 0.7).log_probability(torch.ones(1, 6, 16), velocity, torch.ones(1, 6, 16)).sum().backward()
    assert velocity.grad.abs().sum() > 0


def test_a_scheduler_finds_the_recorded_steps(kontext):
    diffusers = pytest.importorskip("diffusers")
    pytest.importorskip("torch")
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    batch = next(flow_grpo(Rollouts(kontext.root)))
    use_schedule(scheduler, batch.sigmas)
    for step in range(4):
        assert [scheduler.index_for_timestep(time) for time in batch["timesteps"][:, step]] == [step] * 3


def test_a_wrong_kind_of_tensors_is_named(kontext):
    with pytest.raises(RolloutError, match="torch or numpy, found 'jax'"):
        next(flow_grpo(Rollouts(kontext.root), tensors="jax"))


def test_the_density_is_that_of_the_noise():
    sigmas, eta = [1.0, 0.75, 0.5, 0.0], 0.7
    source = np.random.default_rng(3)
    latents, velocity, noise = (source.standard_normal((2, 6, 16)) for _ in range(3))
    for number in range(3):
        step = flow_step(sigmas, number, eta)
        following = step.mean(latents, velocity) + step.std * noise
        expected = (-0.5 * noise**2 - np.log(step.std) - 0.5 * np.log(2 * np.pi)).mean((1, 2))
        np.testing.assert_allclose(step.log_probability(latents, velocity, following), expected)
    plain = flow_step(sigmas, 1, 0.0)
    np.testing.assert_allclose(plain.mean(latents, velocity), latents - 0.25 * velocity)
    with pytest.raises(ValueError, match="adds no noise"):
        plain.log_probability(latents, velocity, latents)


def test_black_box_samples(writer):
    writer.shard(group(0, [0.0, 1.0]), group(1, [0.0, 0.0, 6.0]))
    found = list(black_box(Rollouts(writer.root, pictures=True), clip=1.0))
    assert [sample.optimality for sample in found] == pytest.approx([0, 1, 0.5 - 0.5**1.5, 0.5 - 0.5**1.5, 1])
    assert found[1].image().size == found[1].source().size == (8, 8)


def test_diffusion_nft(writer):
    writer.shard(group(0, [0.0, 1.0]), group(1, [0.0, None, 6.0]), group(2, [1.0, 2.0]))
    rollouts = Rollouts(writer.root, pictures=True)

    def encode(candidates):
        return {"latents": [each.image().size for each in candidates]}

    first, last = diffusion_nft(rollouts, 2, encode=encode, clip=2.0, tensors="numpy")
    np.testing.assert_allclose(first["optimality"], [0.25, 0.75, 0.25, 0.75])
    np.testing.assert_allclose(first["rewards"], [0, 1, 0, 6])
    assert (first.groups.tolist(), len(first["latents"]), len(last.candidates)) == ([0, 0, 1, 1], 4, 2)
    with pytest.raises(RolloutError, match="at least one group"):
        next(diffusion_nft(rollouts, 0))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [(2, 0), (2, 1), (2, 3), (0, 1), (0, 3)]),
        ({"choice": "best_worst"}, [(2, 3)]),
        ({"choice": "adjacent"}, [(2, 0), (0, 1)]),
        ({"margin": 0.3}, [(2, 1), (2, 3), (0, 1), (0, 3)]),
        ({"most": 1}, [(2, 1)]),
    ],
)
def test_pairs(writer, options, expected):
    writer.shard(group(0, [0.75, 0.25, 1.0, 0.25]))
    found = list(pairs(Rollouts(writer.root, pictures=True), **options))
    assert [(pair.chosen.number, pair.rejected.number) for pair in found] == expected
    assert all(pair.margin > 0 and pair.source().size == (8, 8) for pair in found)


def test_equal_pictures_make_no_pair(writer):
    writer.shard(group(0, [0.1, 0.9], changes={number: {"image_digest": "same"} for number in range(2)}))
    assert list(pairs(Rollouts(writer.root))) == []


def test_a_wrong_choice_of_pairs_is_named(kontext):
    with pytest.raises(RolloutError, match="all, best_worst, adjacent"):
        next(pairs(Rollouts(kontext.root), "worst"))


def test_weights_have_mean_one(writer):
    writer.shard(group(0, [0.0, 1.0, 1.0]))
    for temperature, expected in [(0.0, [1.5, 1.5, 0.0]), (1.0, np.array([np.e, np.e, 1.0]) * 3 / (2 * np.e + 1)), (1e9, [1, 1, 1])]:
        found = [each.weight for each in weighted(Rollouts(writer.root), temperature)]
        assert found == pytest.approx(list(expected), abs=1e-6)


def test_views_that_are_not_there_are_named(kontext):
    with pytest.raises(RolloutError, match="does the recipe export it"):
        next(view(kontext.root, "pairs"))
