"""Rewards under a host: what they answer, whatever their code does."""

import hashlib
import os
import signal
import time

import pytest
from plugin_host import PEERS, PNG, Host, frame, judge, picture

ODD = PEERS / "odd_reward.py"


@pytest.fixture
def start(tmp_path):
    """Starts the odd reward."""
    hosts = []

    def begin(**options):
        hosts.append(Host(ODD, tmp_path / "spool", **options))
        return hosts[-1]

    yield begin
    for host in hosts:
        host.__exit__()


@pytest.fixture
def odd(start):
    """The odd reward, ready."""
    host = start()
    host.ready()
    return host


def failures(outcomes):
    return [(outcome["failed"]["class"], outcome["failed"]["message"]) for outcome in outcomes]


def test_the_handshake_says_what_it_is(start):
    host = start(version="1.9")
    card = host.ready()["reward"]
    assert host.hello["protocol"] == "editscale-plugin"
    assert host.hello["version"] == "1.0"
    assert (host.hello["name"], host.hello["plugin_version"], host.hello["kinds"]) == ("odd", "7", ["reward"])
    assert set(host.hello["features"]) == {"spool", "cancel"}
    assert (card["revision"], card["range"], card["largest_batch"], card["slots"]) == ("odd/1", [0.0, 100.0], 16, 1)
    assert card["kind"] == "pointwise"
    assert card["cost"] == {"nfe": 0, "tokens": 0, "usd_micros": 0}


@pytest.mark.parametrize(
    ("config", "kind", "words"),
    [
        ({"load": "unready"}, "invalid", "there are no weights in /nowhere"),
        ({"load": "missing"}, "invalid", "No module named 'a_package_that_nobody_has' (with "),
        ({"load": "value"}, "invalid", "expected a model, found none"),
        ({"load": "broken"}, "internal", "KeyError: 'deep inside' (odd_reward.py, line "),
        ({"load": "no card"}, "internal", "`load` gave None: expected a `RewardCard`"),
        ({"load": "nan card"}, "invalid", "`range`: expected two finite numbers, the lower first"),
        ({"load": "fin"}, "invalid", "`config.load`: expected one of fine, unready, "),
        ({"loads": "fine"}, "invalid", "`config.loads` is not a setting of this plugin: expected `load`, `slots`, `batch`"),
        ({"slots": 0}, "invalid", "`config.slots`: expected a whole number of at least 1, found 0"),
    ],
)
def test_what_cannot_get_ready_says_why(start, config, kind, words):
    host = start(config=config)
    failure = host.refused()
    assert failure["class"] == kind
    assert words in failure["message"]
    assert host.end() == 1


@pytest.mark.parametrize(
    ("welcome", "words"),
    [
        ({"version": "2.0"}, "this plugin speaks version 1.0 of the plugin protocol, editscale speaks 2.0: update this plugin's package"),
        ({"version": "0.9"}, "editscale speaks 0.9: update editscale, or use an earlier package"),
        ({"version": "one"}, "'one' is not a version: expected two numbers, as in `1.0`"),
        ({"kind": "editor"}, "`welcome.kind`: expected reward, found 'editor'"),
        ({"spool": None}, "`welcome.spool` is missing: expected a text"),
    ],
)
def test_a_host_that_does_not_fit_is_told(start, welcome, words):
    host = start()
    host.expect("hello")
    host.send("welcome", {**host.welcome, **welcome})
    assert host.end() == 1
    assert words in host.log.decode()
    assert host.receive() == ("end", b"")


def test_a_batch_is_answered_in_order(odd):
    images = [picture(), picture(PNG + b"12"), picture(PNG + b"1234")]
    items = [{"source": 0, "candidate": place, "instruction": "", "mask": 0} for place in (2, 1, 0)]
    outcomes = odd.items({"score": {"images": images, "items": items}})
    assert [outcome["done"]["mean"] for outcome in outcomes] == [len(PNG) + more for more in (4, 2, 0)]
    assert outcomes[0]["done"]["counters"] == {"image_encodes": 0, "decoder_tokens": 0}
    same = {"score": {"images": images, "items": [{"source": 1, "candidate": 1, "instruction": "same"}]}}
    assert odd.items(same)[0]["done"]["mean"] == 1.0


def test_what_is_printed_goes_into_the_log(odd):
    assert [outcome["done"]["mean"] for outcome in odd.score("print", "print")] == [float(len(PNG))] * 2
    odd.send("shutdown", 30.0)
    assert odd.end() == 0
    log = odd.log.decode()
    for line in [
        "printed while importing",
        "closed",
        *(f"{what} while {when}" for what in ("print", "C", "child", "error") for when in ("loading", "judging")),
    ]:
        assert f"{line}\n" in log, log
    assert odd.receive() == ("end", b"")


def test_standard_input_is_the_protocols(odd):
    assert odd.score("read")[0]["done"]["mean"] == 0.0
    assert odd.score("")[0]["done"]["mean"] == float(len(PNG))


def test_an_exception_costs_one_item(odd):
    outcomes = odd.score("raise", "refuse", "memory", "fine")
    (internal, why), (refused, reason), (_, memory) = failures(outcomes[:3])
    assert (internal, refused) == ("internal", "refused")
    assert why.startswith("RuntimeError: this item is lost (odd_reward.py, line ")
    assert reason == "will not judge this"
    assert memory.endswith("a smaller `largest_batch` in the card needs less memory")
    assert outcomes[3]["done"]["mean"] == float(len(PNG))
    odd.wait_for("Traceback")


def test_a_batch_that_fails_is_tried_item_by_item(odd):
    first, second, third = odd.score("fine", "raise in batch", "fine")
    assert failures([second])[0][1].startswith("RuntimeError: the whole batch is lost")
    assert (first["done"]["mean"], third["done"]["mean"]) == (len(PNG), len(PNG))
    odd.wait_for("`score` of 3 items failed, each is tried alone: RuntimeError")


def test_a_list_of_mixed_outcomes_is_taken_item_by_item(odd):
    first, second, *rest = odd.score(*["mixed"] * 7)
    assert first["done"]["mean"] == 1.0
    assert (second["done"]["mean"], second["done"]["sigma"]) == (2.0, 0.5)
    assert second["done"]["parts"] == [{"name": "a", "mean": 0.1, "sigma": None}]
    assert failures(rest) == [
        ("refused", "no face"),
        ("internal", "the score is nan: expected a finite number"),
        ("internal", "expected a number, `Judged` or `Failure` as the outcome of an item, found 'x'"),
        ("internal", "expected a number, `Judged` or `Failure` as the outcome of an item, found None"),
        ("internal", "expected a number, `Judged` or `Failure` as the outcome of an item, found True"),
    ]
    (_, inf), (_, name) = failures(odd.score("nan part", "bad part"))
    assert inf == "the part `a` is inf: expected a finite number"
    assert "a part is called 'A b': expected lower-case letters" in name


def one_item(**changes):
    return {"score": {"images": [picture()], "items": [{"source": 0, "candidate": 0, "instruction": "", **changes}]}}


@pytest.mark.parametrize(
    ("method", "kind", "words"),
    [
        (judge("too few"), "internal", "`score` gave 0 outcomes for 1 items: expected one each"),
        (judge("text"), "internal", "`score` gave str '0.5': expected a list with one outcome an item"),
        (judge("raise in batch"), "internal", "RuntimeError: the whole batch is lost (odd_reward.py"),
        (judge("doubt", "fine"), "ambiguous", "it may be paid"),
        ({"score": {"images": [], "items": []}}, "invalid", "`score.items`: expected at least one item, found []"),
        (one_item(candidate=4), "invalid", "`score.items[0].candidate`: expected the place of one of 1 pictures, found 4"),
        (one_item(instruction=None), "invalid", "`score.items[0].instruction` is missing: expected a text"),
        (judge("", images=[picture({"url": "x"})]), "invalid", "expected a body that is `inline` or a `file`"),
        ({"score": 5}, "invalid", "`score`: expected a map, found 5"),
        ({"edit": {}}, "invalid", "`call.method`: 'edit' is not known here"),
        ("score", "invalid", "`call.method`: expected a map with one key, found 'score'"),
    ],
)
def test_a_call_that_cannot_be_done_fails_as_a_whole(odd, method, kind, words):
    name, answer, _ = odd.answer(method)
    assert name == "failed", answer
    assert answer["why"]["class"] == kind
    assert words in answer["why"]["message"]
    assert odd.score("")[0]["done"]["mean"] == float(len(PNG))


def test_pings_are_answered_and_calls_cancelled_while_code_runs(odd):
    number = odd.call(judge("wait", "later"))
    odd.wait_for("waits")
    odd.send("ping", 2**63)
    assert odd.expect("pong") == 2**63
    odd.send("cancel", 999)
    odd.send("cancel", number)
    answer = odd.expect("answer")["judged"]
    assert answer["id"] == number
    assert [kind for kind, _ in failures(answer["items"])] == ["cancelled", "cancelled"]


def test_a_call_that_waited_behind_another_is_not_begun_once_it_is_cancelled(odd):
    first, second = odd.call(judge("wait")), odd.call(judge("raise in batch"))
    odd.wait_for("waits")
    odd.send("cancel", second)
    odd.send("cancel", first)
    assert odd.expect("answer")["judged"]["id"] == first
    answer = odd.expect("answer")["failed"]
    assert (answer["id"], answer["why"]["class"]) == (second, "cancelled")


def test_a_deadline_that_is_over_cancels(odd):
    odd.call(judge("wait"), seconds=0.2)
    assert failures(odd.expect("answer")["judged"]["items"])[0][0] == "timed_out"


def test_pings_are_answered_while_it_loads(start):
    host = start(config={"load": "slow"})
    host.expect("hello")
    host.send("welcome", host.welcome)
    host.send("ping", 1)
    assert host.expect("pong") == 1
    host.expect("ready")


def test_slots_work_beside_each_other(start):
    host = start(config={"slots": 2})
    host.ready()
    numbers = {host.call(judge("meet")), host.call(judge("meet"))}
    answers = [host.expect("answer")["judged"] for _ in numbers]
    assert {answer["id"] for answer in answers} == numbers
    assert all("done" in answer["items"][0] for answer in answers)
    host.send("shutdown", 30.0)
    assert host.end() == 0


def test_one_slot_works_in_the_main_thread(odd):
    assert odd.score("thread")[0]["done"]["mean"] == 1.0


def test_what_is_not_known_is_left_aside(odd):
    odd.send("a_message_of_a_later_version", {"x": 1})
    odd.send("cancel", "x")
    odd.send("call", {"no": "id"})
    odd.send("release", [{"run": "r", "candidate": 1}])
    assert odd.score("")[0]["done"]["mean"] == float(len(PNG))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xff\xff\xff", "a frame says that it is 4294967295 bytes long: expected at most 134217728"),
        (b"Hello, world", "(read as text it begins with 'Hell': something else writes to this stream)"),
        (b"\0\0\0\0", "a frame says that it is empty: expected a message"),
        (frame(b"\xc1"), "a frame of 1 bytes is no message"),
        (frame(b"\x80"), "expected a map with one key, found one with 0"),
        (frame(b"\x01"), "expected a map with one key, found int 1"),
        (frame(b"\x81\xa1x\x01\x01"), "a frame of 5 bytes is no message"),
        (frame(b"\x81\xa4\xff\xfe\xfd\xfc\x01"), "a frame of 7 bytes is no message"),
        (frame(b"\x91" * 5000), "a frame of 5000 bytes is no message"),
    ],
)
def test_a_bad_frame_ends_it_with_a_reason(odd, data, words):
    odd.raw(data)
    assert odd.end() == 1
    assert words in odd.log.decode()


def test_a_stream_that_is_cut_ends_it_with_a_reason(odd):
    odd.raw(b"\x09\0\0\0\x81")
    odd.child.stdin.close()
    assert odd.end() == 1
    assert "the stream ends within a frame: expected 13 bytes, found 5" in odd.log.decode()


@pytest.mark.parametrize("what", ["", "wait", "sleep"])
def test_the_end_of_standard_input_ends_it(odd, what):
    if what:
        odd.call(judge(what))
        odd.wait_for(f"{what}s\n")
    odd.child.stdin.close()
    assert odd.end() == (1 if what == "sleep" else 0)


def test_a_shutdown_lets_work_finish(odd):
    number = odd.call(judge("wait"))
    odd.wait_for("waits")
    odd.send("shutdown", 30.0)
    late = odd.call(judge(""))
    answer = odd.expect("answer")["failed"]
    assert (answer["id"], answer["why"]["class"]) == (late, "unavailable")
    odd.send("cancel", number)
    assert odd.expect("answer")["judged"]["id"] == number
    assert odd.end() == 0


def test_a_shutdown_waits_no_longer_than_it_says(odd):
    odd.call(judge("sleep"))
    odd.wait_for("sleeps\n")
    odd.send("shutdown", 0.2)
    begun = time.monotonic()
    assert odd.end() == 1
    assert time.monotonic() - begun < 25


def test_an_interrupt_does_not_end_it(odd):
    os.kill(odd.child.pid, signal.SIGINT)
    assert odd.score("interrupt")[0]["done"]["mean"] == float(len(PNG))


def test_code_that_exits_ends_it(odd):
    odd.call(judge("exit"))
    assert odd.end() == 3
    assert "the plugin's code called sys.exit(3)" in odd.log.decode()


def test_pictures_come_through_the_spool(odd):
    path = odd.spool / "host" / "a.png"
    path.write_bytes(PNG)
    place = {"path": str(path), "length": len(PNG), "sha256": hashlib.sha256(PNG).hexdigest()}
    outside = odd.spool.parent / "outside.png"
    outside.write_bytes(PNG)

    def told(**changes):
        kind, answer, _ = odd.answer(judge("", images=[picture(), picture({"file": {**place, **changes}})]))
        outcome = answer["items"][0] if kind == "judged" else {"failed": answer["why"]}
        return outcome["done"]["mean"] if "done" in outcome else outcome["failed"]["message"]

    assert told() == float(len(PNG))
    assert told(length=5) == f"the file {path} holds {len(PNG)} bytes: expected 5"
    assert f"has the SHA-256 {place['sha256']}: expected 00" in told(sha256="00")
    assert "is outside of the spool" in told(path=str(outside))
    assert "is outside of the spool" in told(path=str(odd.spool / "host" / ".." / ".." / "outside.png"))
    link = odd.spool / "host" / "link.png"
    link.symlink_to(outside)
    assert "is outside of the spool" in told(path=str(link))
    assert "cannot be read" in told(path=str(odd.spool / "host" / "none.png"))
    assert "expected a file with `path`, `length` and `sha256`" in told(path=7)
