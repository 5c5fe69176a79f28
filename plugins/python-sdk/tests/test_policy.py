"""Announcing weights."""

import json

import pytest

from editscale.rollouts import RolloutError, announce


def test_an_announcement_replaces_the_one_before(tmp_path):
    file = tmp_path / "policy.json"
    (tmp_path / "step-8").mkdir()
    table = [
        ({}, {"version": "step-8"}),
        ({"adapter": "step-8"}, {"version": "step-8", "adapter": "step-8"}),
        ({"adapter": tmp_path / "step-8", "scale": 0.5}, {"version": "step-8", "adapter": str(tmp_path / "step-8"), "scale": 0.5}),
        ({"checkpoint": "org/model"}, {"version": "step-8", "checkpoint": "org/model"}),
    ]
    for options, said in table:
        announce(file, "step-8", **options)
        assert json.loads(file.read_text()) == said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["policy.json", "step-8"]


@pytest.mark.parametrize(
    ("version", "options", "said"),
    [
        (" ", {}, "a policy version is empty"),
        ("1", {"adapter": "a", "checkpoint": "b"}, "expected one of them"),
        ("1", {"adapter": "missing"}, "missing: expected the adapter to be there"),
    ],
)
def test_what_cannot_be_announced_is_refused(tmp_path, version, options, said):
    with pytest.raises(RolloutError, match=said):
        announce(tmp_path / "policy.json", version, **options)
    assert not list(tmp_path.iterdir())
