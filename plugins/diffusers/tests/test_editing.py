"""What every class promises: the same seed gives the same picture, alone and in a batch; counted, told, stopped and gone on with."""

from conftest import BATCH
from hosting import edit_method, encoded, item, opened, picture, proposal
from PIL import Image


def test_the_card_says_what_was_found(host):
    card = host.card
    assert card["seed_bits"] == 53
    assert card["slots"] == 1
    assert card["largest_batch"] == BATCH
    assert card["edits_candidates"]
    assert card["cancel"] == "within_step"
    assert card["recovery"] == "repeat"
    assert "steps" in {knob["name"] for knob in card["knobs"]}
    assert "diffusers " in card["revision"]
    assert "files:" in card["revision"]


def test_seeds_decide(host):
    first, again, other = (host.pixels(item(seed=seed))[0] for seed in (5, 5, 2**53 - 1))
    is_same, is_other = first == again, first != other
    assert is_same
    assert is_other


def test_a_batch_changes_nothing(host):
    seeds = (5, 6, 7)
    together = host.pixels(*(item(place, seed=seed) for place, seed in enumerate(seeds)))
    alone = [host.pixels(item(seed=seed))[0] for seed in seeds]
    assert together == alone
    assert len(set(together)) == 3


def test_instruction_and_picture_matter(host):
    plain = host.pixels(item())[0]
    assert host.pixels(item(instruction="remove the red car"))[0] != plain
    assert host.pixels(item(), images=[picture(shift=40)])[0] != plain


def test_evaluations_are_counted_within_the_card(host):
    outcomes, told = host.edit(item(0, seed=1), item(1, seed=2))
    costs = [outcome["done"]["cost"]["nfe"] for outcome in outcomes]
    assert costs[0] == costs[1]
    assert 0 < costs[0] <= host.card["cost"]["nfe"]
    counters = outcomes[0]["done"]["counters"]
    assert counters["denoiser_passes"] > 0
    assert counters["image_encodes"] > 0
    assert counters["image_decodes"] > 0
    steps = [(value["item"], value["step"], value["steps"]) for name, value in told if name == "progress"]
    assert {(0, 4, 4), (1, 4, 4)} <= set(steps)


def test_fewer_steps_cost_less(host):
    whole, half = (host.made(item(knobs={"steps": steps}))[0]["cost"]["nfe"] for steps in (4.0, 2.0))
    assert half * 2 == whole


def test_previews_are_pictures(host):
    _, told = host.edit(item())
    shown = [opened(value) for name, value in told if name == "preview"]
    assert len(shown) == 1
    assert shown[0].size == opened(host.made(item())[0]).size


def test_the_asked_size_is_made(host):
    made = host.made(item(size={"width": 50, "height": 40}))[0]
    assert opened(made).size == (50, 40)
    assert "50x40" in made["notes"][0]


def test_pausing_comes_to_the_same(host):
    assert host.card["pause"] == ("fork" if host.card["sampler"] == "stochastic" else "resume")
    whole = host.made(item(0, seed=9))[0]
    paused, more = host.made(item(1, seed=9, until=2))[0], proposal(1, seed=9, until=2)
    resumed = host.made(item(2, seed=9, start={"paused": 1}, path=[more]))[0]
    assert opened(resumed).tobytes() == opened(whole).tobytes()
    assert opened(paused).tobytes() != opened(whole).tobytes()
    assert paused["cost"]["nfe"] + resumed["cost"]["nfe"] == whole["cost"]["nfe"]


def test_a_state_that_was_let_go_is_made_again(host):
    whole = host.made(item(0, seed=9))[0]
    host.made(item(1, seed=9, until=1))
    host.send("release", [{"run": "run", "candidate": 1}])
    path = [proposal(1, seed=9, until=1), proposal(2, seed=9, until=3, start={"paused": 1})]
    resumed = host.made(item(3, seed=9, start={"paused": 2}, path=path))[0]
    assert opened(resumed).tobytes() == opened(whole).tobytes()
    assert resumed["cost"] == whole["cost"]


def test_states_of_a_batch_part(host):
    host.made(item(0, seed=21, until=2), item(1, seed=22, until=2))
    resumed = host.pixels(*(item(2 + row, seed=21 + row, start={"paused": row}, path=[proposal(row, until=2)]) for row in (0, 1)))
    assert resumed == [host.pixels(item(seed=seed))[0] for seed in (21, 22)]


def test_a_fork_has_noise_of_its_own(host):
    host.made(item(0, seed=9, until=2))
    path = [proposal(0, seed=9, until=2)]
    same, other = (host.pixels(item(1, seed=seed, start={"paused": 0}, path=path))[0] for seed in (9, 10))
    differs = same != other
    assert differs == (host.card["sampler"] == "stochastic")


def test_bad_ways_are_refused(host):
    outcomes, _ = host.edit(
        item(0, until=99),
        item(1, start={"paused": 77}),
        item(2, knobs={"steps": 2.0}, start={"paused": 3}, path=[proposal(3, until=1)]),
        item(4),
    )
    told = [outcome["failed"]["message"] if "failed" in outcome else "" for outcome in outcomes]
    assert "expected at most 4" in told[0]
    assert "never paused" in told[1]
    assert "one of 4 steps" in told[2]
    assert not told[3]


def test_a_broken_picture_fails_alone(host):
    broken = {"media": "image/png", "width": 4, "height": 4, "body": {"inline": b"\x89PNG\r\n\x1a\nbroken"}}
    bad = {**item(0), "start_picture": 1}
    outcomes, _ = host.edit(bad, item(1), images=[picture(), broken])
    assert outcomes[0]["failed"]["class"] == "invalid"
    assert "done" in outcomes[1]


def test_other_kinds_of_pictures_are_taken(host):
    for mode in ("L", "RGBA", "1"):
        assert opened(host.made(item(), images=[picture(mode=mode)])[0]).mode == "RGB"


def test_masks_where_the_class_takes_one(host):
    takes = host.card["masks"]
    left = Image.new("L", (96, 80), 0)
    left.paste(255, (0, 0, 48, 80))
    outcomes, _ = host.edit(item(0, mask=1), item(1), images=[picture(), encoded(left)])
    if not takes:
        assert "no mask" in outcomes[0]["failed"]["message"]
        return
    masked, free = (opened(outcome["done"]) for outcome in outcomes)
    source = opened({"image": picture()})
    assert masked.size == source.size
    assert masked.crop((48, 0, 96, 80)).tobytes() == source.crop((48, 0, 96, 80)).tobytes()
    assert masked.crop((0, 0, 48, 80)).tobytes() != source.crop((0, 0, 48, 80)).tobytes()
    assert free.tobytes() != masked.tobytes()


def test_cancelling_frees_the_slot_within_a_step(host):
    number = host.begin(edit_method([item(knobs={"steps": 900.0})]))
    while host.receive()[0] != "progress":
        pass
    host.send("cancel", number)
    answer, told = host.until_answer()
    failed = answer["edited"]["items"][0]["failed"]
    assert failed["class"] == "cancelled"
    assert failed["cost"]["nfe"] > 0
    assert all(value["step"] < 900 for name, value in told if name == "progress")
    assert "done" in host.edit(item())[0][0]
