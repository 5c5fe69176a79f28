"""Reads what the program itself writes, in the directory that `EDITSCALE_SAMPLE_ROLLOUTS` names.

`cargo run --release -p editscale-rollout --example sample_rollouts DIR` makes it. CI does; elsewhere these tests are skipped.
"""

import os

import numpy as np
import pytest

from editscale.rollouts import Rollouts, Selection, flow_grpo, pairs, summary, verl_omni, view, weighted

ALL = Selection(flat=True, finished_only=False, unscored=True, min_candidates=1)


@pytest.fixture(scope="module")
def sample():
    """The directory."""
    directory = os.environ.get("EDITSCALE_SAMPLE_ROLLOUTS")
    if not directory:
        pytest.skip("EDITSCALE_SAMPLE_ROLLOUTS names no directory")
    return directory


def test_every_row_is_read(sample):
    found = summary(sample)
    groups = list(Rollouts(sample, selection=ALL))
    assert found["groups"] == len(groups) > 5
    assert found["candidates"] == sum(len(group.candidates) for group in groups)
    assert set(found["statuses"]) == {"failed", "scored", "unscored"}
    assert 0 < found["flat_groups"] < found["groups"]
    assert found["skipped_rows"] > 0
    assert found["policy_versions"] == {"step-12": found["groups"]}
    assert all(group.first["extra"] and group.candidates[0].extra["category"] == "colour" for group in groups)


def test_advantages_computed_again_are_those_that_the_program_wrote(sample):
    written, again = (list(Rollouts(sample, selection=ALL, advantage=how).candidates()) for how in ("as_written", "grpo"))
    known = [(one.advantage, other.advantage) for one, other in zip(written, again, strict=True)]
    assert [one is None for one, _ in known] == [other is None for _, other in known]
    np.testing.assert_allclose(*zip(*(pair for pair in known if pair[0] is not None), strict=True), atol=1e-12)


def test_pictures_open_and_parents_are_found(sample):
    for candidate in Rollouts(sample, selection=Selection(flat=True, unscored=True), pictures=True).candidates():
        assert candidate.image().size == candidate.source().size == candidate.input_image().size == (24, 24)
        assert (candidate.parent is None) == (not candidate.row["parents"])
        assert candidate.mask() is None or candidate.mask().size == (24, 24)


def test_trajectories_become_batches(sample):
    for batch in flow_grpo(Rollouts(sample), groups_at_once=2, tensors="numpy"):
        rows, steps = batch["log_probs"].shape
        assert batch["latents"].shape[:2] == batch["next_latents"].shape[:2] == (rows, steps)
        assert np.isfinite(batch["log_probs"]).all()
        np.testing.assert_array_equal(batch["latents"][:, 1:], batch["next_latents"][:, :-1])
    assert sum(1 for _ in verl_omni(Rollouts(sample), tensors="numpy")) > 0


def test_views_are_those_that_can_be_made_of_the_rows(sample):
    every = Rollouts(sample, selection=Selection(flat=True, min_candidates=1))
    key = lambda row: (row["rollout_id"], row["chosen_candidate"], row["rejected_candidate"])  # noqa: E731
    made = {(pair.chosen.row["rollout_id"], pair.chosen.number, pair.rejected.number) for pair in pairs(every, "all", margin=0.05)}
    assert {key(row) for row in view(sample, "pairs")} == made
    weights = {(each.candidate.row["rollout_id"], each.candidate.number): each.weight for each in weighted(every, 0.2)}
    found = {(row["rollout_id"], row["candidate"]): row["weight"] for row in view(sample, "sft")}
    assert found.keys() == weights.keys()
    np.testing.assert_allclose([found[each] for each in found], [weights[each] for each in found])
    assert {row["side"] for row in view(sample, "best_worst")} == {"best", "worst"}
    assert next(view(sample, "pairs"))["chosen"].size == (24, 24)
