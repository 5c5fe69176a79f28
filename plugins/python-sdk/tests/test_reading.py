"""Reading groups: conditions, shares, advantages, errors."""

import io
import json
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from PIL import ExifTags, Image
from writing import Writer, group

from editscale.rollouts import RolloutError, Rollouts, grpo, leave_one_out, rank, summary


def rows_of(rollouts):
    return [each.row_id for each in rollouts]


def test_groups_come_whole_and_in_order_without_the_flat_ones(kontext):
    assert rows_of(Rollouts(kontext.root)) == ["row-0", "row-2"]
    first = next(iter(Rollouts(kontext.root)))
    assert [each.reward for each in first.candidates] == [0.1, 0.5, 0.9]
    assert first.candidates[0].advantage == pytest.approx(-np.sqrt(1.5))
    assert first.best() is first.candidates[2]
    assert first.candidates[1].scores["judge"].parts == {"sharpness": 0.5}
    assert first.candidates[1].extra == {"topic": 0}


def test_conditions(writer):
    dead = {"status": "failed", "reward": None, "image": None, "failure": "refused"}
    writer.shard(
        group(0, [0.1, 0.9], version="1"),
        group(1, [0.1, None, 0.5], version="2"),
        group(2, [0.1, 0.9, 0.2], version="2", changes={1: dead, 2: {"until_step": 3}}),
        group(3, [0.5, 0.5], version="1"),
    )
    every = {"flat": True, "finished_only": False, "unscored": True, "min_candidates": 1}
    table = [
        ({}, ["row-0", "row-1"], [2, 2]),
        ({"flat": True}, ["row-0", "row-1", "row-3"], [2, 2, 2]),
        ({"min_candidates": 1}, ["row-0", "row-1", "row-2"], [2, 2, 1]),
        ({"policy_versions": frozenset({"2"})}, ["row-1"], [2]),
        ({"unscored": True, "min_candidates": 3}, ["row-1"], [3]),
        ({"where": lambda each: each.row_id != "row-0"}, ["row-1"], [2]),
        (every, ["row-0", "row-1", "row-2", "row-3"], [2, 3, 3, 2]),
    ]
    for conditions, names, sizes in table:
        found = list(Rollouts(writer.root).with_selection(**conditions))
        assert [each.row_id for each in found] == names, conditions
        assert [len(each.candidates) for each in found] == sizes, conditions


def test_pictures_are_upright(writer):
    lying, tags, file = Image.new("RGB", (8, 4)), Image.Exif(), io.BytesIO()
    tags[ExifTags.Base.Orientation] = 6
    lying.save(file, "JPEG", exif=tags)
    source = {"source": {"bytes": file.getvalue(), "path": "camera.jpg"}}
    writer.shard(group(0, [0.1, 0.9], changes={0: source, 1: source}))
    first = next(Rollouts(writer.root, pictures=True).candidates())
    assert (first.source().size, first.input_image().size) == ((4, 8), (4, 8))
    assert first.image_bytes("source") == file.getvalue()


def test_shares_are_whole_groups_and_cover_everything(writer):
    for shard in range(3):
        writer.shard(*(group(4 * shard + row, [0.1, 0.9]) for row in range(4)))
    for count in (1, 2, 5):
        shares = [rows_of(Rollouts(writer.root, part=(index, count))) for index in range(count)]
        assert sorted((name for share in shares for name in share), key=lambda name: int(name[4:])) == [f"row-{row}" for row in range(12)]


def test_repeats_of_a_row_are_one_group_wherever_they_lie(writer):
    writer.shard(group(0, [0.0, 1.0]), group(1, [0.0, 4.0]))
    writer.shard(group(1, [8.0, 12.0], repeat=1), group(0, [1.0, 1.0], repeat=1))
    found = list(Rollouts(writer.root, by="group_id", advantage="rloo"))
    assert [(each.row_id, each.rewards) for each in found] == [("row-1", [0.0, 4.0, 8.0, 12.0]), ("row-0", [0.0, 1.0, 1.0, 1.0])]
    assert [each.advantage for each in found[0].candidates] == pytest.approx([-8.0, -8.0 / 3, 8.0 / 3, 8.0])
    with pytest.raises(RolloutError, match="advantages are written for each run"):
        Rollouts(writer.root, by="group_id")


def test_advantages():
    rewards = np.array([1.0, 2.0, 2.0, 7.0])
    table = [
        (grpo(), (rewards - 3.0) / rewards.std()),
        (grpo(floor=100.0), (rewards - 3.0) / 100.0),
        (grpo(floor=1e-9, clip=1.0), [-2.0 / rewards.std(), -1.0 / rewards.std(), -1.0 / rewards.std(), 1.0]),
        (leave_one_out(), [1 - 11 / 3, 2 - 10 / 3, 2 - 10 / 3, 7 - 5 / 3]),
        (rank(), [-1.0, 0.0, 0.0, 1.0]),
    ]
    for advantage, expected in table:
        np.testing.assert_allclose(advantage(rewards), expected)
    for advantage in (grpo(), leave_one_out(), rank()):
        np.testing.assert_array_equal(advantage(np.full(3, 0.3)), np.zeros(3))


def test_advantages_again_are_those_of_the_run(kontext):
    written = [each.advantage for each in Rollouts(kontext.root).candidates()]
    assert written == pytest.approx([each.advantage for each in Rollouts(kontext.root, advantage="grpo").candidates()])


def test_pictures_are_read_only_when_asked_for(kontext):
    with pytest.raises(RolloutError, match="pictures=True"):
        next(Rollouts(kontext.root).candidates()).image()
    candidate = next(Rollouts(kontext.root, pictures=True).candidates())
    assert candidate.image().getpixel((0, 0)) == (100, 100, 100)
    assert candidate.input_image().getpixel((0, 0)) == (0, 0, 0)
    assert candidate.mask() is None


def test_a_picture_that_is_none_is_named(writer):
    writer.shard(group(7, [0.1, 0.9], changes={1: {"image": {"bytes": b"no picture", "path": "a.png"}}}))
    _, second = next(iter(Rollouts(writer.root, pictures=True))).candidates
    with pytest.raises(RolloutError, match="cannot open its image of 10 bytes"):
        second.image()


def test_an_edit_of_an_edit_saw_its_parent(writer):
    child = {"start": "candidate", "edge": "edit_of_edit", "parents": [0]}
    writer.shard(group(7, [0.1, 0.9], changes={1: child}))
    _, child = next(iter(Rollouts(writer.root, pictures=True))).candidates
    assert child.input_image().getpixel((0, 0)) == (100, 100, 100)
    assert child.source().getpixel((0, 0)) == (7, 7, 7)


def test_leftovers_without_a_commit_point_are_not_read(writer):
    writer.shard(group(0, [0.1, 0.9]))
    writer.shard(group(1, [0.1, 0.9]), commit=False)
    assert rows_of(Rollouts(writer.root)) == ["row-0"]


def test_errors_name_what_is_wrong(writer, tmp_path):
    with pytest.raises(RolloutError, match="expected a directory written by"):
        Rollouts(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RolloutError, match="it has no shards/"):
        Rollouts(tmp_path / "empty")
    for options, said in [({"by": "row"}, "by 'row'"), ({"part": (2, 2)}, r"\(2, 2\)"), ({"advantage": "best"}, "as_written, grpo")]:
        with pytest.raises(RolloutError, match=said):
            Rollouts(writer.root, **options)
    name = writer.shard(group(0, [0.1, 0.9]))
    rows, commit = writer.root / "parquet" / f"{name}.parquet", writer.root / "shards" / f"{name}.json"
    size = rows.stat().st_size
    table = [
        (lambda: rows.write_bytes(b"x" * size), f"{name}.parquet: cannot be read"),
        (lambda: rows.write_bytes(b"PAR1"), f"{name}.parquet: expected {size} bytes, found 4"),
        (rows.unlink, f"names parquet/{name}.parquet, which cannot be read"),
        (lambda: commit.write_text('{"format": "editscale-rollouts/1", "groups": 1, "files": []}'), "the run wrote no Parquet"),
        (lambda: commit.write_text('{"format": "editscale-rollouts/9"}'), "expected the format editscale-rollouts/1, found 'editscale"),
        (lambda: commit.write_text("[]"), "expected a JSON object, found list"),
    ]
    for damage, said in table:
        damage()
        with pytest.raises(RolloutError, match=said):
            list(Rollouts(writer.root))
    commit.write_text('{"format": "editscale-rollouts/1", "groups": 0, "files": []}')
    assert list(Rollouts(writer.root)) == []


def test_memory_is_flat(tmp_path):
    def peak(shards):
        writer = Writer(tmp_path / f"of-{shards}")
        for shard in range(shards):
            writer.shard(*(group(50 * shard + row, [0.1, 0.9]) for row in range(50)))
        tracemalloc.start()
        count = sum(1 for _ in Rollouts(writer.root))
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == 50 * shards
        return highest

    peak(1)
    assert peak(12) < 2 * peak(2)


def test_summary(kontext):
    (kontext.root / "skipped").mkdir()
    (kontext.root / "skipped" / "rows.jsonl").write_text('{"row": 9}\n{"row": 11}\n')
    found = summary(kontext.root)
    assert (found["groups"], found["flat_groups"], found["candidates"], found["with_trajectory"]) == (3, 1, 8, 8)
    assert found["reward_mean"] == pytest.approx((0.1 + 0.5 + 0.9 + 3 * 0.4 + 4.0) / 8)
    assert found["spent"] == {"edits": 8, "reward_calls": 8, "nfe": 32, "tokens": 0, "usd": 0.75}
    assert (found["state"], found["shards"], found["skipped_rows"], found["policy_versions"]) == ("finished", 2, 2, {"": 3})


def test_the_command(kontext, tmp_path):
    def said(*arguments):
        command = [sys.executable, "-m", "editscale.rollouts", *arguments]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(command, capture_output=True, text=True, env=environment)

    assert "3 (33.3% flat)" in said(str(kontext.root)).stdout
    assert json.loads(said("--json", str(kontext.root)).stdout)["groups"] == 3
    missing = said(str(tmp_path / "none"))
    assert missing.returncode == 1
    assert missing.stderr.startswith("error: ")
