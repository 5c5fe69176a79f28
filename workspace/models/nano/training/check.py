"""Whether this network, with the shipped weights, answers to the golden cases as their reference does.

    python check.py [MODEL_DIR GOLDEN_DIR]
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from model import HEADS, Judge, fitted
from pairs import Batch

HERE = Path(__file__).resolve().parent


def single(judge, source, edited, instruction):
    """A batch of one pair."""
    pictures = []
    for path in (source, edited):
        image = Image.open(path).convert("RGB")
        height, width = fitted(image.height, image.width, judge.budget)
        pictures.append(np.asarray(image.resize((width, height), Image.BICUBIC)))
    height, width = pictures[0].shape[:2]
    zero, nothing = torch.tensor([0]), torch.zeros(1, 0)
    return Batch(
        pixels=torch.from_numpy(np.stack([each.reshape(-1) for each in pictures])),
        turned=torch.tensor([each.shape[0] != height for each in pictures]),
        height=height, width=width, sources=zero, edited=torch.tensor([1]), edited_source=zero, pair_edited=zero, pair_text=zero,
        texts=[instruction], gold=torch.zeros(1, 2), asked=nothing, done=nothing, lines=[],
    )


def main():
    model, golden = (Path(path) for path in sys.argv[1:3] or (HERE.parent, HERE.parents[1] / "tests/fixtures/nano"))
    judge = Judge(model).read(model).eval()
    furthest = 0.0
    for case in json.loads((golden / "golden.json").read_text())["cases"]:
        with torch.no_grad():
            answer = judge(single(judge, golden / case["source"], golden / case["edited"], case["instruction"]))[0][:, 0]
        expected = torch.tensor([case["exact_inv_freq"][head] for head in HEADS])
        furthest = max(furthest, float((answer - expected).abs().max()))
    print(f"largest difference {furthest:.1e}")
    return 0 if furthest < 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
