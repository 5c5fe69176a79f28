#!/usr/bin/env python3
"""Compare a binary with the official flow on models of random shapes.

For each case it writes a random model and a few pairs to a temporary folder, scores them with HF in f32 with the
official tables and with `BINARY score SOURCE EDITED INSTRUCTION --reward editreward --model-dir DIR --json`, and
prints the largest differences. It ends with 1 if any is greater than the tolerance.
"""

import argparse
import dataclasses
import json
import math
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

import pictures
from make_model import make_model
from official import PROMPT_NAMES, Official, fuse
from shape import Shape

ORDERS = [
    "Make it warmer",
    "Ajoute un cafe\u0301 et 20 % de lumière",
    "Write {text_prompt} {} on the wall, 100% visible",
    "  keep   the blanks \n",
    "把天空变成蓝色 🐈",
    "?",
]
SIDES = (28, 47, 64, 100, 133, 224, 256, 301, 448, 462, 512, 640, 768)
# Of more elongated pictures the smallest budget leaves nothing.
MOST_ELONGATED = 12
WIDEST = 1024


def draw_shape(source):
    """A random shape that is valid."""
    kv_heads = source.choice((1, 2, 3))
    heads = kv_heads * source.choice((1, 2, 3, 7))
    head = source.choice([width for width in (6, 8, 10, 16, 24, 32, 64, 80, 128) if width * heads <= WIDEST])
    vision_head, vision_heads = source.choice((8, 12, 16, 20, 32, 80)), source.choice((1, 2, 3))
    depth = source.randint(1, 6)
    return Shape(
        hidden=head * heads,
        layers=source.randint(1, 5),
        heads=heads,
        kv_heads=kv_heads,
        intermediate=source.randint(8, 200),
        rope_theta=source.choice((10_000.0, 640_000.0, 1_000_000.0)),
        rms_eps=source.choice((1e-5, 1e-6)),
        vision_hidden=vision_head * vision_heads,
        vision_depth=depth,
        vision_heads=vision_heads,
        vision_intermediate=source.randint(8, 120),
        window=source.choice((28, 56, 112, 112, 140)),
        fullatt=sorted(source.sample(range(depth), source.randint(0, depth))),
        max_pixels=source.choice((12600, 50176, 200704, 200704)),
        dtype=source.choice(("f32", "f16", "bf16")),
        names=source.choice(("new", "legacy")),
        shards=source.choice((1, 1, 2, 5)),
        lm_head=source.random() < 0.5,
        config=source.choice(("nested", "flat")),
        merges=source.choice((0, 50, 400)),
        extra_rows=source.choice((0, 9)),
        declared_extra_rows=source.choice((0, 50)),
        wording=source.choice((0, 1)),
        system=source.choice(("You are a helpful assistant.", "You judge pictures; be brief.")),
    )


def draw_pairs(source, folder, count):
    """Some random pairs, their pictures in `folder`."""
    pairs = []
    for index in range(count):
        names = [f"{index}_{side}.png" for side in ("source", "edited")]
        for name in names:
            pictures.save(folder / name, draw_picture(source))
        pairs.append({"source": names[0], "edited": names[1], "instruction": source.choice(ORDERS)})
    return pairs


def draw_picture(source):
    """A random picture in colours, in grey or with opacity."""
    width = source.choice(SIDES)
    height = source.choice([side for side in SIDES if max(side, width) <= MOST_ELONGATED * min(side, width)])
    canvas = pictures.scene(width, height, source.randrange(1 << 30), source.randint(4, 40))
    return source.choice((lambda same: same, pictures.grey, pictures.with_alpha))(canvas)


def ask(binary, pair, pictures_at, model):
    """What the binary says about a pair: mean and logarithm of sigma, fused and by prompt."""
    files = [str(pictures_at / pair[side]) for side in ("source", "edited")]
    options = ["--reward", "editreward", "--model-dir", str(model), "--json"]
    command = [binary, "score", *files, pair["instruction"], *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the binary ended with {done.returncode}: {done.stderr.strip()}")
    said = json.loads(done.stdout)
    parts = {"fused": said} | {prompt: said["parts"][prompt] for prompt in PROMPT_NAMES}
    return {name: (part["mean"], math.log(part["sigma"])) for name, part in parts.items()}


def reference(official, pair, folder):
    """What the official flow says about a pair."""
    scores = official.score(official.batches([pair], folder))
    vectors = {prompt: scores[prompt][0] for prompt in PROMPT_NAMES}
    return vectors | {"fused": fuse(*vectors.values())["mean"]}


def compare(binary, source, folder, pair_count):
    """The largest differences of means and of logarithms of sigma for one random model."""
    shape, seed = draw_shape(source), source.randrange(1 << 30)
    print(json.dumps({"seed": seed} | dataclasses.asdict(shape)))
    make_model(shape, folder / "model", seed)
    official, worst = Official(folder / "model"), [0.0, 0.0]
    for pair in draw_pairs(source, folder, pair_count):
        wanted, said = reference(official, pair, folder), ask(binary, pair, folder, folder / "model")
        for name in wanted:
            # max() would pass over a NaN.
            away = [abs(a - b) if math.isfinite(b) else math.inf for a, b in zip(wanted[name], said[name])]
            worst = [max(old, new) for old, new in zip(worst, away)]
    return worst


def main():
    """Read the command line and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the binary to test")
    parser.add_argument("--seed", required=True, type=int, help="what shapes and pictures are drawn from")
    parser.add_argument("--count", type=int, default=5, help="how many models (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=3, help="pairs for each model (default: %(default)s)")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    failed = False
    for index in range(arguments.count):
        source = random.Random(f"{arguments.seed}/{index}")
        with tempfile.TemporaryDirectory() as folder:
            worst = compare(arguments.binary, source, Path(folder), arguments.pairs)
        good = max(worst) <= arguments.tolerance
        failed |= not good
        print(f"{index}: mean {worst[0]:.1e}, log sigma {worst[1]:.1e}, {'good' if good else 'TOO FAR'}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
