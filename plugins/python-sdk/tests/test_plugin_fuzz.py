"""Messages and frames that were changed at random: what is wrong is said, and nothing else happens."""

import copy
import random

import pytest
from plugin_host import edit, item, judge, picture, proposal

from editscale.plugins import Failure, Knob
from editscale.plugins._frames import FrameError, Frames, decode, encode
from editscale.plugins._spool import Spool
from editscale.plugins._wire import Welcome, edit_items, paused_keys, reward_items, weights

ODD = [None, True, -1, 0, 7, 2**63, 1.5, float("nan"), "", "x", "source", b"", b"\0", [], [1], {}, {"x": 1}, {"paused": 1}, {"file": {}}]
PLACE = {"path": "/nowhere/\0", "length": 1, "sha256": "x"}


def places(value, path=()):
    """Every place in a message."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def changed(value, chance):
    """The message with something else in one place, or without what is there."""
    value = copy.deepcopy(value)
    path = chance.choice([path for path in places(value) if path])
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    if chance.random() < 0.2:
        del parent[path[-1]]
    else:
        parent[path[-1]] = copy.deepcopy(chance.choice(ODD))
    return value


@pytest.mark.parametrize("seed", range(4))
def test_changed_messages_are_failures_or_work(tmp_path, seed):
    chance = random.Random(seed)
    spool = Spool(str(tmp_path), 1000)
    score = judge("a", "b", images=[picture(), picture({"file": PLACE})])["score"]
    task = edit(item(1, start={"paused": 0}, path=[proposal(0, until=2)], knobs={"strength": 0.5}))["edit"]
    task["items"][0]["output_size"] = {"width": 4, "height": 3}
    adopt = {"version": "v", "kind": {"adapter": "/a"}, "scale": 1.0}
    welcome = {"version": "1.0", "kind": "reward", "name": "n", "session": "s", "spool": "/", "frame_bytes": 9, "inline_bytes": 9}
    readers = [
        (score, lambda value: reward_items(value, spool)),
        (task, lambda value: edit_items(value, spool, [Knob("strength", 0, 1, 0.5)])),
        (adopt, weights),
        (welcome, Welcome.of),
        ([{"run": "r", "candidate": 1}], paused_keys),
    ]
    said = []
    for _ in range(1000):
        value, read = chance.choice(readers)
        broken = changed(value, chance)
        for _ in range(chance.randrange(3)):
            broken = changed(broken, chance) if [path for path in places(broken) if path] else broken
        try:
            read(broken)
        except Failure as failure:
            said.append(failure.message)
    assert 300 < len(said) < 1000
    assert all(said)


@pytest.mark.parametrize("seed", range(4))
def test_changed_frames_are_errors_or_messages(seed):
    chance = random.Random(seed)
    stream = b"".join(encode(name, value) for name, value in [("call", {"id": 1, "method": judge("a")}), ("ping", 5), ("cancel", 1)])
    said = []
    for _ in range(500):
        broken = bytearray(stream)
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        frames = Frames(1 << 20)
        try:
            for body in frames.push(bytes(broken)):
                name, _ = decode(body)
                assert isinstance(name, str)
            frames.end()
        except FrameError as error:
            said.append(str(error))
    assert len(said) > 100
    assert all(said)
