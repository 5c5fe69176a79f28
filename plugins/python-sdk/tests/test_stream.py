"""Following a directory while it is written."""

import json
import threading

import pytest
from writing import group

from editscale.rollouts import IdleError, Position, RolloutError, Rollouts, StaleGroupError, Staleness, Stream
from editscale.rollouts.directory import run_state

FAST = {"poll_secs": 0.005, "idle_secs": 60}


def test_a_stream_ends_with_the_run(writer):
    writer.state("running")
    seen, wrote = [], threading.Event()

    def write():
        for row in range(5):
            writer.shard(group(row, [0.1, 0.9]))
            # The reader has taken the shard before the next one comes, so that it really waits.
            wrote.wait(60)
            wrote.clear()
        writer.state("finished")

    thread = threading.Thread(target=write)
    thread.start()
    for each in Stream(Rollouts(writer.root), **FAST):
        seen.append(each.row_id)
        wrote.set()
    thread.join()
    assert seen == [f"row-{row}" for row in range(5)]


def test_what_was_written_before_the_end_is_read_to_the_last(writer):
    writer.shard(group(0, [0.1, 0.9]))
    writer.state("finished")
    assert [each.row_id for each in Stream(Rollouts(writer.root))] == ["row-0"]


@pytest.mark.parametrize("cut", range(1, 7))
def test_a_position_goes_on_where_it_stopped(writer, cut):
    for shard in range(3):
        writer.shard(group(2 * shard, [0.1, 0.9]), group(2 * shard + 1, [0.1, 0.9]))
    writer.state("finished")
    seen, stream = [], Stream(Rollouts(writer.root), **FAST)
    for each in stream:
        seen.append(each.row_id)
        if len(seen) == cut:
            break
    position = Position.of_json(json.loads(json.dumps(stream.position.to_json())))
    seen += [each.row_id for each in Stream(Rollouts(writer.root), position=position, **FAST)]
    assert seen == [f"row-{row}" for row in range(6)]


def test_a_shard_that_was_begun_is_gone_on_with_first(writer):
    writer.shard(group(0, [0.1, 0.9]), group(1, [0.1, 0.9]), name="rollouts-1-of-2-00000")
    stream = Stream(Rollouts(writer.root), **FAST)
    seen = [next(iter(stream)).row_id]
    writer.shard(group(2, [0.1, 0.9]), name="rollouts-0-of-2-00000")
    writer.state("finished")
    seen += [each.row_id for each in Stream(Rollouts(writer.root), position=stream.position, **FAST)]
    assert seen == ["row-0", "row-1", "row-2"]


def test_shares_of_a_stream_cover_everything_once(writer):
    for shard in range(3):
        writer.shard(*(group(3 * shard + row, [0.1, 0.9]) for row in range(3)))
    writer.state("finished")
    shares = [[each.row_id for each in Stream(Rollouts(writer.root, part=(index, 2)))] for index in range(2)]
    assert sorted(shares[0] + shares[1]) == [f"row-{row}" for row in range(9)]


def test_stale_groups_are_dropped(writer):
    writer.shard(*(group(row, [0.1, 0.9], version=f"step-{row}") for row in range(5)))
    writer.state("finished")
    stream = Stream(Rollouts(writer.root), staleness=Staleness(limit=1, current="step-3"))
    assert [each.policy_version for each in stream] == ["step-2", "step-3", "step-4"]
    assert stream.dropped == {"step-0": 1, "step-1": 1}


def test_the_trainers_version_is_asked_for_each_group(writer):
    names = ["base", "warm", "hot"]
    writer.shard(*(group(row, [0.1, 0.9], version=name) for row, name in enumerate(names)))
    writer.state("finished")
    at = ["base"]
    seen = []
    for each in Stream(Rollouts(writer.root), staleness=Staleness(0, current=lambda: at[0], order=names)):
        seen.append(each.policy_version)
        at[0] = "hot"
    assert seen == ["base", "hot"]


@pytest.mark.parametrize(
    ("version", "staleness", "said"),
    [
        ("1", {"limit": 1, "current": 3, "action": "raise"}, "2 versions behind"),
        ("late", {"limit": 1, "current": 3}, "ends in a whole number, found 'late'"),
        ("late", {"limit": 1, "current": "a", "order": ["a"]}, "'late' is not in the order"),
    ],
)
def test_versions_that_do_not_do_are_named(writer, version, staleness, said):
    writer.shard(group(0, [0.1, 0.9], version=version))
    writer.state("finished")
    with pytest.raises(StaleGroupError if "action" in staleness else RolloutError, match=said):
        list(Stream(Rollouts(writer.root), staleness=Staleness(**staleness)))


def test_a_stream_does_not_wait_for_ever(writer):
    writer.shard(group(0, [0.1, 0.9]))
    writer.state("running")
    stream = Stream(Rollouts(writer.root), poll_secs=0.005, idle_secs=0.05)
    seen = []
    with pytest.raises(IdleError, match="the run says running"):
        seen.extend(each.row_id for each in stream)
    assert seen == ["row-0"]


def test_a_divided_run_is_finished_when_all_of_its_shares_are(writer):
    for share in (10, 2):
        writer.shard(group(share, [0.1, 0.9]), name=f"rollouts-{share}-of-11-00000")
    assert run_state(writer.root) is None
    for share in range(11):
        writer.state("finished" if share else "running", f"progress-{share}-of-11.json")
        assert run_state(writer.root) == "running"
    writer.state("finished", "progress-0-of-11.json")
    assert run_state(writer.root) == "finished"
    assert [each.row_id for each in Stream(Rollouts(writer.root), **FAST)] == ["row-2", "row-10"]
    writer.state(None, "progress-0-of-11.json")
    with pytest.raises(RolloutError, match="expected a `state`, found None"):
        run_state(writer.root)


def test_another_thread_can_stop_it(writer):
    writer.shard(group(0, [0.1, 0.9]), group(1, [0.1, 0.9]))
    writer.state("running")
    stop, seen = threading.Event(), []
    stream = Stream(Rollouts(writer.root), poll_secs=60, stop=stop)
    for each in stream:
        seen.append(each.row_id)
        threading.Timer(0.01, stop.set).start()
    assert seen == ["row-0", "row-1"]


def test_a_stream_goes_by_runs(writer):
    with pytest.raises(RolloutError, match="the last repeat of a row may never come"):
        Stream(Rollouts(writer.root, by="group_id", advantage="grpo"))
    with pytest.raises(RolloutError, match="position of version 1"):
        Position.of_json({"version": 2})
