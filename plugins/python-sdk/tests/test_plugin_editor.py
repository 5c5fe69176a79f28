"""Editors under a host: pictures, progress, paused states, weights, trajectories."""

import hashlib
import struct
from pathlib import Path

import pytest
from plugin_host import PEERS, Host, edit, item, proposal

ODD = PEERS / "odd_editor.py"
HEAD = b"\x89PNG\r\n\x1a\n"
KNOBS = "{'strength': 0.5, 'guidance': 2.0}"


@pytest.fixture
def odd(tmp_path):
    """The odd editor, ready."""
    with Host(ODD, tmp_path / "spool", kind="editor") as host:
        host.ready()
        yield host


def texts(outcomes):
    return [outcome["done"]["image"]["body"]["inline"].removeprefix(HEAD).decode() for outcome in outcomes]


def test_the_card_says_what_it_can(tmp_path):
    with Host(ODD, tmp_path, kind="editor") as host:
        card = host.ready()["editor"]
    assert set(host.hello["features"]) == {"spool", "cancel", "progress", "preview", "pause", "trajectories", "adopt"}
    assert (card["seed_bits"], card["pause"], card["sampler"], card["cancel"]) == (53, "fork", "stochastic", "within_step")
    assert card["adopts"] == {"adapters": True, "checkpoints": False}
    assert card["cost"]["nfe"] == 4
    assert card["knobs"][1] == {"name": "guidance", "low": 1.0, "high": 8.0, "default": 2.0, "scale": "logarithmic"}


def test_an_edit_tells_its_progress_and_what_it_cost(odd):
    kind, answer, told = odd.answer(edit(item(seed=2**53 - 1, knobs={"strength": 1})))
    assert kind == "edited"
    [outcome] = answer["items"]
    assert texts([outcome]) == [f"{[2**53 - 1] * 4} {{'strength': 1.0, 'guidance': 2.0}} base 0"]
    done = outcome["done"]
    assert done["image"]["media"] == "image/png"
    assert (done["cost"]["nfe"], done["effective_seed"], done["notes"], done["trajectory"]) == (4, 2**53 - 1, [], None)
    assert done["counters"] == {"text_encodes": 1, "image_encodes": 2, "denoiser_passes": 3, "image_decodes": 4}
    steps = [value for name, value in told if name == "progress"]
    assert [(step["id"], step["item"], step["step"], step["steps"]) for step in steps] == [(1, 0, number, 4) for number in (1, 2, 3, 4)]
    shown = [value["image"]["body"]["inline"] for name, value in told if name == "preview"]
    assert shown == [HEAD + f"preview {number}".encode() for number in (1, 2, 3, 4)]


def test_nothing_is_told_of_a_call_that_was_answered(odd):
    odd.items(edit(item()))
    _, _, told = odd.answer(edit(item(instruction="late")))
    assert {value["id"] for _, value in told} == {2}


def test_what_is_no_picture_is_a_failure(odd):
    _, answer, told = odd.answer(edit(item(0, "none"), item(1, "no picture"), item(2, "bare")))
    none, garbage, bare = answer["items"]
    assert "expected a picture as encoded bytes, an image of Pillow or a `Path`, found builtins.NoneType" in none["failed"]["message"]
    assert "expected PNG, JPEG, WebP, TIFF, BMP or GIF" in garbage["failed"]["message"]
    assert texts([bare]) == ["bare"]
    assert told[-1] == ("progress", {"id": 1, "item": 2, "step": 1, "steps": 1})


def test_paused_edits_go_on_where_they_stopped(odd):
    assert texts(odd.items(edit(item(0, seed=1, until=2)))) == [f"[1, 1] {KNOBS} base 1"]
    onward = [proposal(0, seed=1, until=2)]
    forks = [item(number, seed=number, start={"paused": 0}, path=onward) for number in (7, 8)]
    outcomes = odd.items(edit(*forks))
    assert texts(outcomes) == [f"[1, 1, {number}, {number}] {KNOBS} base 1" for number in (7, 8)]
    assert [outcome["done"]["notes"] for outcome in outcomes] == [[], []]


def test_a_state_that_was_released_is_made_again_and_others_are_kept(odd):
    odd.items(edit(item(0, seed=1, until=2), item(1, seed=2, until=2), item(0, seed=3, until=1, run="other")))
    odd.send("release", [{"run": "r", "candidate": 0}, {"run": "nobody", "candidate": 4}])
    path = [proposal(0, seed=1, until=2)]
    [again] = odd.items(edit(item(5, seed=9, start={"paused": 0}, path=path)))
    assert texts([again]) == [f"[1, 1, 9, 9] {KNOBS} base 2"]
    assert again["done"]["notes"] == ["made again"]
    [held] = odd.items(edit(item(6, seed=9, start={"paused": 1}, path=[proposal(1, seed=2, until=2)])))
    assert (texts([held]), held["done"]["notes"]) == ([f"[2, 2, 9, 9] {KNOBS} base 2"], [])


def test_a_cancelled_edit_answers_within_a_step(odd):
    number = odd.call(edit(item(0, "fine", until=1), item(1, "wait"), item(2)))
    assert odd.expect("progress")["item"] == 0
    assert odd.expect("preview")["item"] == 0
    odd.send("cancel", number)
    items = odd.expect("answer")["edited"]["items"]
    assert [next(iter(outcome)) for outcome in items] == ["done", "failed", "failed"]
    assert {outcome["failed"]["class"] for outcome in items[1:]} == {"cancelled"}


def test_weights_are_taken_up(odd):
    adopt = lambda kind: {"adopt": {"version": "step-8", "kind": kind, "scale": 0.5}}  # noqa: E731
    kind, answer, _ = odd.answer(adopt({"adapter": "/weights/a.safetensors"}))
    assert (kind, answer["weights"]) == ("adopted", {"version": "step-8", "checksum": "sum of step-8"})
    assert texts(odd.items(edit(item()))) == [f"[5, 5, 5, 5] {KNOBS} step-8 adapter /weights/a.safetensors 0.5 0"]
    kind, answer, _ = odd.answer(adopt({"adapter": "/broken"}))
    assert (kind, answer["why"]["class"], answer["why"]["message"]) == ("failed", "invalid", "the adapter /broken is broken")
    assert odd.answer(adopt("base"))[0] == "adopted"
    kind, answer, _ = odd.answer(adopt({"pickle": "/x"}))
    assert "`adopt.kind`: expected one of base, adapter, checkpoint, found {'pickle'" in answer["why"]["message"]


def test_trajectories_are_told(odd):
    plain, packed, short = odd.items(edit(item(0, "plain way"), item(1, "bytes way"), item(2, "short way")))
    way = plain["done"]["trajectory"]
    assert (way["shape"], way["timesteps"], way["sigmas"], way["log_probabilities"]) == ([1, 3], [1.0], [1.0, 0.0], [-0.5])
    assert struct.unpack("<6f", way["latents"]["inline"]) == (0.5,) * 6
    assert packed["done"]["trajectory"]["latents"] == {"inline": bytes(24)}
    assert "holds 20 bytes of latents: expected 24 for the shape [1, 3] at each of 2 instants" in short["failed"]["message"]


def test_arrays_of_numpy_are_taken(odd):
    pytest.importorskip("numpy")
    [outcome] = odd.items(edit(item(0, "numpy way")))
    way = outcome["done"]["trajectory"]
    assert (way["shape"], way["log_probabilities"]) == ([1, 3], [None])
    assert struct.unpack("<6f", way["latents"]["inline"]) == (0, 1, 2, 3, 4, 5)


def test_large_pictures_go_through_the_spool(tmp_path):
    with Host(ODD, tmp_path, kind="editor", config={"filling": 5000}, inline_bytes=1000) as host:
        host.ready()
        body = host.items(edit(item()))[0]["done"]["image"]["body"]
        place = body["file"]
        path = Path(place["path"])
        assert path.parent == tmp_path / "plugin"
        assert path.suffix == ".png"
        data = path.read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (place["length"], place["sha256"])
        assert [found for found in path.parent.iterdir() if found.name.startswith(".")] == []


def test_a_plugin_that_sees_no_spool_says_so(tmp_path):
    options = {"config": {"filling": 5000}, "inline_bytes": 1000, "environment": {"EDITSCALE_SPOOL": "off"}}
    with Host(ODD, tmp_path, kind="editor", **options) as host:
        host.ready()
        assert "spool" not in host.hello["features"]
        assert list(host.items(edit(item()))[0]["done"]["image"]["body"]) == ["inline"]


def test_pictures_that_would_make_a_frame_too_long_go_through_the_spool(tmp_path):
    options = {"config": {"filling": 5000}, "inline_bytes": 1 << 20, "frame_bytes": 24_000}
    with Host(ODD, tmp_path, kind="editor", **options) as host:
        host.ready()
        items = host.items(edit(*(item(number) for number in range(8))))
        assert [next(iter(outcome["done"]["image"]["body"])) for outcome in items] == ["inline"] * 2 + ["file"] * 6


def test_items_are_checked(odd):
    wrong = [
        ({"start": {"elsewhere": 1}}, "`edit.items[0].proposal.start`: expected one of source, candidate, paused"),
        ({"seed": None}, "`edit.items[0].proposal.seed` is missing: expected a whole number"),
        ({"knobs": {"strength": float("nan")}}, "`edit.items[0].proposal.knobs.strength`: expected a finite number, found nan"),
    ]
    for changes, words in wrong:
        broken = item()
        broken["proposal"] = {**broken["proposal"], **changes}
        kind, answer, _ = odd.answer(edit(broken))
        assert (kind, answer["why"]["class"]) == ("failed", "invalid")
        assert words in answer["why"]["message"]
