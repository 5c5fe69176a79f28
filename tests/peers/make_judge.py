#!/usr/bin/env python3
"""Write a tiny random Qwen2.5-VL that real servers load, as a judge that talks or as one that gives a number."""

import argparse
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "parity" / "editreward"))

import make_model  # noqa: E402
import shape as shapes  # noqa: E402

# Heads as wide as the attention of vLLM on the processor has them, and the names that its loader knows.
SHAPE = shapes.Shape(
    hidden=256,
    layers=2,
    intermediate=256,
    vision_hidden=256,
    vision_depth=2,
    vision_heads=4,
    vision_intermediate=256,
    min_pixels=3136,
    max_pixels=12845056,
    names="legacy",
    lm_head=True,
    config="flat",
)


def make_judge(folder, seed, labels):
    """Write the model into `folder`; with `labels`, it ends in so many numbers instead of words."""
    make_model.make_model(SHAPE, folder, seed)
    file = folder / "model.safetensors"
    tensors = {name: tensor for name, tensor in load_file(file).items() if not name.startswith("rm_heads.")}
    if labels:
        draw = torch.Generator().manual_seed(seed)
        tensors["language_model.score.weight"] = torch.randn(labels, SHAPE.hidden, generator=draw) / SHAPE.hidden**0.5
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        make_model.write_json(folder / "config.json", config | {"num_labels": labels})
    save_file(tensors, file, metadata={"format": "pt"})


def main():
    """Read the command line and write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, type=Path, help="the folder to write")
    parser.add_argument("--seed", default=7, type=int, help="what the weights are drawn from")
    parser.add_argument("--labels", default=0, type=int, help="numbers at the end, for a classifier")
    arguments = parser.parse_args()
    make_judge(arguments.out, arguments.seed, arguments.labels)


if __name__ == "__main__":
    main()
