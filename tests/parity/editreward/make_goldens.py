#!/usr/bin/env python3
"""Make the reference values that are committed, or check them.

Without options this writes anew all of workspace/models/tests/fixtures/editreward. With --check it writes to a
temporary folder and compares: models, pictures and token ids must be the same bytes, numbers may differ by 5e-5.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file

import pictures
from make_model import make_model
from official import Official, Report
from shape import Shape

HOME = Path(__file__).resolve().parents[3] / "workspace/models/tests/fixtures/editreward"
MOST_BYTES = 3_500_000
TOLERANCE = 5e-5
# The bf16 run depends on how a processor multiplies such numbers; it is there to be looked at.
LOOSE_TOLERANCE = 0.2

# Each with a seed under which the heads say different things about different pairs.
MODELS = {
    "plain_f32": (1, Shape(
        hidden=24, layers=2, heads=3, kv_heads=3, intermediate=40,
        vision_hidden=16, vision_depth=2, vision_heads=2, vision_intermediate=24,
    )),
    "groups_of_seven_bf16": (8, Shape(
        hidden=112, layers=2, heads=14, kv_heads=2, intermediate=48,
        vision_hidden=16, vision_depth=3, vision_heads=1, vision_intermediate=24, fullatt=[0, 2],
        dtype="bf16", names="legacy", config="flat", rope_theta=10_000.0,
    )),
    "small_windows_f16": (8, Shape(
        hidden=48, layers=4, heads=4, kv_heads=2, intermediate=48,
        vision_hidden=24, vision_depth=4, vision_heads=2, vision_intermediate=32, window=56, fullatt=[2],
        dtype="f16", wording=1,
    )),
    "shards_bf16": (1, Shape(
        hidden=32, layers=5, heads=2, kv_heads=1, intermediate=40, rms_eps=1e-5, rope_theta=640_000.0,
        vision_hidden=16, vision_depth=5, vision_heads=2, vision_intermediate=24, fullatt=[1, 3],
        dtype="bf16", shards=3, lm_head=True, config="flat", declared_extra_rows=64,
        system="You are a judge of pictures.",
    )),
    "small_budget_f16": (4, Shape(
        hidden=32, layers=3, heads=4, kv_heads=4, intermediate=48,
        vision_hidden=24, vision_depth=3, vision_heads=3, vision_intermediate=32,
        dtype="f16", names="legacy", max_pixels=12600, extra_rows=6, wording=1,
    )),
}  # fmt: skip


def square(folder):
    """768x768, which becomes 420x420 and not 448x448."""
    base = pictures.scene(768, 768, 1, 32)
    pictures.save(folder / "source.png", base)
    pictures.save(folder / "warm.png", pictures.tinted(base, 0, 60))
    pictures.save(folder / "small.png", pictures.scene(256, 256, 2))
    return [("source.png", "warm.png", "Make it warmer"), ("source.png", "small.png", "Make it 256x256")]


def odd_sizes(folder):
    """One source with three candidates of different sizes, none a multiple of anything."""
    base = pictures.scene(641, 427, 3)
    pictures.save(folder / "source.png", base)
    pictures.save(folder / "negative.png", pictures.inverted(base))
    pictures.save(folder / "narrow.png", pictures.scene(333, 517, 4))
    pictures.save(folder / "tiny.png", pictures.scene(31, 47, 5, 4))
    asked = "Turn the red car into a blue car, and don't touch the people."
    return [("source.png", name, asked) for name in ("negative.png", "narrow.png", "tiny.png")]


def strips(folder):
    """The most elongated pictures that are allowed; their grids are longer than bf16 counts exactly."""
    pictures.save(folder / "tall.png", pictures.scene(28, 5600, 6))
    pictures.save(folder / "wide.png", pictures.scene(5600, 28, 7, 8))
    return [("tall.png", "wide.png", "Lay it on its side")]


def halves(folder):
    """Sizes at which rounding halves away from zero would lead to other target sizes."""
    pictures.save(folder / "source.png", pictures.scene(448, 462, 8))
    pictures.save(folder / "edited.png", pictures.scene(462, 448, 9))
    return [("source.png", "edited.png", "rotate the picture by 90 degrees")]


def groups(folder):
    """Seven queries to a key, and one picture that is its own edit."""
    base = pictures.scene(300, 200, 10)
    pictures.save(folder / "source.png", base)
    pictures.save(folder / "edited.png", pictures.tinted(base, 2, -90))
    asked = "Remove the lamp on the left."
    return [("source.png", "edited.png", asked), ("source.png", "source.png", asked)]


def kinds_of_png(folder):
    """Pictures with opacity, with one channel, with a palette."""
    base = pictures.scene(213, 160, 11)
    pictures.save(folder / "alpha.png", pictures.with_alpha(base))
    pictures.save(folder / "grey.png", pictures.grey(base))
    pictures.save_palette(folder / "palette.png", base)
    asked = "Make the background transparent"
    return [("alpha.png", "grey.png", asked), ("grey.png", "palette.png", asked), ("palette.png", "alpha.png", asked)]


def instructions(folder):
    """Instructions that trip up tokenizers and templates."""
    base = pictures.scene(120, 90, 12, 8)
    pictures.save(folder / "source.png", base)
    pictures.save(folder / "edited.png", pictures.tinted(base, 1, 70))
    asked = [
        "Ajoute un cafe\u0301 pre\u0300s de la fore\u0302t",
        "Write {text_prompt} and {} and {0!r} at 100 %s, %d%% wide, with \\n and {{ braces }}",
        "  two blanks before, a tab\tinside,\r\nthree   inside and two after  ",
        "把天空变成蓝色，加一只🐈‍⬛。SHE'S OK, they'Ll see; \u212b\ufb01 12345",
        "",
    ]
    return [("source.png", "edited.png", text) for text in asked]


def shards(folder):
    """Five layers and five blocks from three files, with a larger vocabulary declared than stored."""
    pictures.save(folder / "source.png", pictures.scene(200, 355, 13))
    pictures.save(folder / "edited.png", pictures.scene(355, 200, 14))
    return [("source.png", "edited.png", "Crop it to 16:9"), ("edited.png", "source.png", "Crop it to 9:16")]


def budget(folder):
    """Another pixel budget, with pictures above it, below it and on it."""
    base = pictures.scene(240, 161, 15)
    pictures.save(folder / "source.png", base)
    pictures.save(folder / "negative.png", pictures.inverted(base))
    pictures.save(folder / "square.png", pictures.scene(112, 112, 16, 8))
    pictures.save(folder / "small.png", pictures.scene(50, 40, 17, 4))
    asked = "Make it brighter, as if it were noon"
    return [("source.png", name, asked) for name in ("negative.png", "square.png", "small.png")]


CASES = {
    "square": ("plain_f32", square),
    "strips": ("plain_f32", strips),
    "odd_sizes": ("small_windows_f16", odd_sizes),
    "halves": ("small_windows_f16", halves),
    "groups": ("groups_of_seven_bf16", groups),
    "kinds_of_png": ("shards_bf16", kinds_of_png),
    "shards": ("shards_bf16", shards),
    "budget": ("small_budget_f16", budget),
    "instructions": ("small_budget_f16", instructions),
}


def make_case(home, case, official):
    """Write one case and tell its scores."""
    name, draw = CASES[case]
    folder = home / "cases" / case
    folder.mkdir(parents=True)
    pairs = [dict(zip(("source", "edited", "instruction"), pair)) for pair in draw(folder)]
    report = Report(official, pairs, folder)
    report.write(folder, name)
    for index in range(len(pairs)):
        tell(case, report, index)


def tell(case, report, index):
    """Print a pair's scores, and how far the modes are from the official one."""
    scores = {mode: report.vectors(mode, index) for mode in report.scores}
    rounded = [[round(value, 3) for value in scores["official"][prompt]] for prompt in report.batches]
    away = {mode: f"{distance(scores['official'], scores[mode]):.1e}" for mode in scores if mode != "official"}
    print(case, index, rounded, away, flush=True)


def distance(first, second):
    """The largest difference between two modes, over both prompts and both columns."""
    prompts = [name for name in first if name != "fused"]
    return max(abs(a - b) for name in prompts for a, b in zip(first[name], second[name]))


def make_all(home):
    """Write all models and cases."""
    for name, (seed, shape) in MODELS.items():
        make_model(shape, home / "models" / name, seed)
        official = Official(home / "models" / name)
        for case in (case for case in CASES if CASES[case][0] == name):
            make_case(home, case, official)


def weigh(home):
    """Bytes of all files below `home`."""
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())


def files(home):
    """All files below `home`, by their places in it."""
    return {str(path.relative_to(home)): path for path in sorted(home.rglob("*")) if path.is_file()}


def differences(first, second):
    """What the committed and the new files disagree about."""
    old, new = files(first), files(second)
    yield from (f"{name} is in one of the two only" for name in sorted(old.keys() ^ new.keys()))
    for name in sorted(old.keys() & new.keys()):
        if name.endswith("case.json"):
            yield from json_differences(name, json.loads(old[name].read_text()), json.loads(new[name].read_text()))
        elif name.endswith("stages.safetensors"):
            yield from tensor_differences(name, load_file(old[name]), load_file(new[name]))
        elif old[name].read_bytes() != new[name].read_bytes():
            yield f"{name} differs"


def json_differences(name, old, new):
    """Where two values differ; floating-point numbers may, a little."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key in old:
            yield from json_differences(f"{name}/{key}", old[key], new[key])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new)):
            yield from json_differences(f"{name}/{index}", *pair)
    elif isinstance(old, float) and isinstance(new, float):
        if abs(old - new) > (LOOSE_TOLERANCE if "/bf16/" in name else TOLERANCE):
            yield f"{name}: {old} and {new}"
    elif old != new:
        yield f"{name}: {old!r} and {new!r}"


def tensor_differences(name, old, new):
    """Which tensors of two files differ by more than their size allows."""
    yield from (f"{name}: {key} is in one of the two only" for key in sorted(old.keys() ^ new.keys()))
    for key in sorted(old.keys() & new.keys()):
        if not torch.allclose(old[key], new[key], rtol=TOLERANCE, atol=TOLERANCE):
            yield f"{name}: {key} differs by {(old[key] - new[key]).abs().max().item()}"


def check():
    """Make everything in a temporary folder and compare it with what is committed."""
    with tempfile.TemporaryDirectory() as folder:
        make_all(Path(folder))
        found = list(differences(HOME, Path(folder)))
    print(*(found or ["all is as committed"]), sep="\n")
    sys.exit(bool(found))


def main():
    """Read the command line, then write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.check:
        check()
    shutil.rmtree(HOME, ignore_errors=True)
    make_all(HOME)
    size = weigh(HOME)
    print(size, "bytes")
    if size > MOST_BYTES:
        sys.exit(f"more than {MOST_BYTES} bytes")


if __name__ == "__main__":
    main()
