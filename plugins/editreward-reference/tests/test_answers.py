"""What is made of the heads' numbers. Needs neither the checkout nor PyTorch."""

import math

import pytest
from editscale.plugins import Failure, Unready

from editscale_editreward_reference import checkout
from editscale_editreward_reference.answers import fuse, judged

HEADS = [(1.5, -0.5), (-0.25, 0.75)]


@pytest.mark.parametrize(
    ("fusion", "expected"),
    [
        ("mean", (0.625, 0.125)),
        ("min", (-0.25, -0.5)),
        ("sum", (1.25, math.log(math.sqrt(math.exp(-0.5) ** 2 + math.exp(0.75) ** 2)))),
    ],
)
def test_heads_become_one_score(fusion, expected):
    assert fuse(HEADS, fusion) == pytest.approx(expected)
    score = judged(HEADS, fusion, 4, 100)
    assert score.mean == pytest.approx(expected[0])
    assert score.sigma == pytest.approx(math.exp(expected[1]))
    assert [part.name for part in score.parts] == ["instruction_following", "visual_quality"]
    assert [(part.mean, part.sigma) for part in score.parts] == [(mean, math.exp(log_sigma)) for mean, log_sigma in HEADS]


def test_a_sum_stays_within_the_range_of_numbers():
    assert math.isfinite(fuse([(0.0, 700.0), (0.0, 699.0)], "sum")[1])


@pytest.mark.parametrize("heads", [[(math.nan, 0.0), (0.0, 0.0)], [(0.0, math.inf), (0.0, 0.0)], [(0.0, 800.0), (0.0, 800.0)]])
def test_what_is_no_number_is_a_failure(heads):
    assert isinstance(judged(heads, "mean", 4, 1), Failure)


def test_a_folder_that_is_no_checkout_is_told(tmp_path):
    with pytest.raises(Unready, match="no checkout of TIGER-AI-Lab/EditReward"):
        checkout.check(tmp_path)


def test_a_checkout_of_another_make_is_told(tmp_path):
    (tmp_path / "EditReward").mkdir()
    file = tmp_path / "EditReward" / "inference_edit.py"
    file.write_text("class Other:\n    pass\n")
    with pytest.raises(Unready, match="expected a class EditRewardInferencer, found Other"):
        checkout.check(tmp_path)
    file.write_text("class EditRewardInferencer:\n    def __init__(self): pass\n    def reward(self): pass\n")
    with pytest.raises(Unready, match="has no prepare_batch"):
        checkout.check(tmp_path)


def test_weights_in_shards_are_told(tmp_path):
    (tmp_path / "model-00001-of-00002.safetensors").touch()
    with pytest.raises(Unready, match=r"expected model\.pth or model\.safetensors, found model-00001"):
        checkout.check_checkpoint(tmp_path)
