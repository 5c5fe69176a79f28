"""Settings, cards and versions: what is taken, and what is said of the rest."""

import math

import pytest

from editscale.plugins import Call, Config, ConfigError, Cost, EditorCard, Failure, Judged, Knob, RewardCard, Trajectory
from editscale.plugins._frames import FrameError, Frames, decode, encode
from editscale.plugins._version import VersionError, meet, parse

VALUES = {"model": "m", "steps": 28, "scale": 3, "fast": True, "names": ["a"], "deep": {"low": 0.5}, "odd": [1]}


def test_settings_are_given_by_their_type(tmp_path):
    config = Config({**VALUES, "file": str(tmp_path)})
    assert config.text("model", choices=("m", "n")) == "m"
    assert config.whole("steps", low=1, high=28) == 28
    assert config.number("scale") == 3.0
    assert type(config.number("scale")) is float
    assert config.flag("fast") is True
    assert config.texts("names") == ["a"]
    assert config.section("deep").number("low", high=0.5) == 0.5
    assert config.path("file") == tmp_path
    assert (config.text("other", None), config.whole("more", default=4), config.path("none", None)) == (None, 4, None)
    assert config.section("nothing").flag("x", False) is False
    assert "odd" in config
    assert config.rest() == {"odd": [1]}
    config.check_unused()


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda config: config.text("none"), "`config.none` is missing: expected a text"),
        (lambda config: config.text("steps"), "`config.steps`: expected a text, found 28"),
        (lambda config: config.text("model", choices=("a", "b")), "`config.model`: expected one of a, b, found 'm'"),
        (lambda config: config.whole("fast"), "`config.fast`: expected a whole number, found True"),
        (lambda config: config.whole("steps", low=1, high=20), "`config.steps`: expected a whole number from 1 to 20, found 28"),
        (lambda config: config.number("model"), "`config.model`: expected a number, found 'm'"),
        (lambda config: config.flag("steps"), "`config.steps`: expected `true` or `false`, found 28"),
        (lambda config: config.texts("odd"), "`config.odd`: expected a list of texts, found [1]"),
        (lambda config: config.section("model"), "`config.model`: expected a map of settings, found 'm'"),
        (lambda config: config.section("deep").text("low"), "`config.deep.low`: expected a text, found 0.5"),
        (lambda config: config.path("model"), "`config.model`: there is no file or folder "),
        (lambda config: config.value("none"), "`config.none` is missing: expected a value"),
        (lambda config: (config.text("model"), config.check_unused()), "`config.steps` is not a setting of this plugin: expected `model`"),
        (lambda config: config.check_unused(), "`config.model` is not a setting of this plugin: expected no keys at all"),
    ],
)
def test_what_is_wrong_with_a_setting_is_said(ask, said):
    with pytest.raises(ConfigError) as caught:
        ask(Config(VALUES))
    assert str(caught.value).startswith(said)


def test_a_section_may_be_asked_for_in_parts():
    config = Config({"deep": {"one": 1, "two": 2}})
    assert (config.section("deep").whole("one"), config.section("deep").whole("two")) == (1, 2)
    config.check_unused()


def test_unknown_keys_of_a_section_are_found():
    config = Config({"deep": {"known": 1, "unknown": 2}})
    config.section("deep").whole("known")
    with pytest.raises(ConfigError, match=r"`config\.deep\.unknown` is not a setting of this plugin: expected `known`"):
        config.check_unused()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: RewardCard(revision=""), "`revision`: expected a text such as"),
        (lambda: RewardCard("r", range=(1.0, 1.0)), "`range`: expected two finite numbers"),
        (lambda: RewardCard("r", kind="pairwise"), "`kind`: expected one of pointwise, listwise, found 'pairwise'"),
        (lambda: RewardCard("r", largest_batch=0), "`largest_batch`: expected a whole number from 1"),
        (lambda: RewardCard("r", slots=True), "`slots`: expected a whole number from 1"),
        (lambda: EditorCard("r", seed_bits=64), "`seed_bits`: expected a whole number from 1 to 53, found 64"),
        (lambda: EditorCard("r", pause="fork"), "`pause` is fork without `seed_bits`"),
        (lambda: EditorCard("r", pause="yes"), "`pause`: expected one of none, resume, fork"),
        (lambda: EditorCard("r", knobs=[Knob("a", 0, 1, 0), Knob("a", 0, 1, 0)]), "`knobs`: `a` is there 2 times"),
        (lambda: Knob("A", 0, 1, 0), "a knob is called 'A'"),
        (lambda: Knob("a", 0, 1, 2), "knob `a`: expected a low below its high and a default between them, found 0, 2 and 1"),
        (lambda: Knob("a", 0, 1, 1, scale="logarithmic"), "knob `a`: expected a low above 0"),
        (lambda: Knob("a", 0, math.inf, 1), "knob `a`: expected a low below its high"),
        (lambda: Cost(nfe=-1), "cost.nfe: expected a whole number from 0"),
        (lambda: Failure("x", kind="broken"), "expected one of refused, invalid, "),
        (lambda: Judged(1.0, sigma=-1.0), "the standard deviation of the score is -1.0"),
        (lambda: Trajectory([0.0] * 4, [1.0], [1.0], [None], shape=[2]).packed(), "a trajectory has 1 timesteps, 1 sigmas"),
    ],
)
def test_what_is_wrong_with_a_card_or_an_outcome_is_said(make, said):
    with pytest.raises((ValueError, Failure)) as caught:
        make()
    assert str(caught.value).startswith(said)


def test_progress_goes_forward_only():
    told = []

    class Watcher:
        def progress(self, *values):
            told.append(values)

        def preview(self, *values):
            told.append(values)

    call = Call(7, watcher=Watcher(), items=3)
    for step in (0, 1, 1, 3, 2, 4, 5):
        call.progress(0, step, 4)
    part = call.alone(2)
    part.progress(0, 1, 2)
    part.preview(0, "picture")
    part.done(0)
    call.done(1)
    call.done(1)
    assert told == [(7, 0, 1, 4), (7, 0, 3, 4), (7, 0, 4, 4), (7, 2, 1, 2), (7, 2, "picture"), (7, 1, 1, 1)]
    for place in (3, -1):
        with pytest.raises(IndexError, match="the call has 3 items"):
            call.progress(place, 1, 1)
    call.cancel()
    assert part.cancelled
    with pytest.raises(Failure, match="the call was cancelled"):
        part.check_cancelled()


def test_an_equal_major_version_meets():
    meet(parse("1.9"))
    for theirs, advice in [("2.0", "update this plugin's package `editscale`"), ("0.9", "update editscale, or use an earlier package")]:
        with pytest.raises(VersionError, match=advice):
            meet(parse(theirs))
    for text in ["", "1", "1.", "1.x", "-1.0", "1.0.0", "70000.0", "1.0\n", "\u0661.0", 1.0, None]:
        with pytest.raises(VersionError):
            parse(text)


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 7, 1000])
def test_frames_survive_however_the_stream_is_cut(cut):
    messages = [("ping", 1), ("call", {"a": [1.5, None, b"\0\xff", "\u00e9"]}), ("x", "y" * 300)]
    stream = b"".join(encode(*message) for message in messages)
    frames = Frames()
    parts = [stream[place : place + cut] for place in range(0, len(stream), cut)]
    assert [decode(body) for part in parts for body in frames.push(part)] == messages
    frames.end()


def test_what_cannot_be_a_frame_is_said():
    for value, said in [(object(), "`x` cannot be sent: "), (2**70, "`x` cannot be sent: "), ("y" * 99, "it is 104 bytes long")]:
        with pytest.raises(FrameError, match=said):
            encode("x", value, 90)
