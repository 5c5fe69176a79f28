#!/usr/bin/env python3
"""Score pairs by the plugin `editreward-reference`, that is, by the published code itself, and time it.

For each model it writes a copy in the layout that the published code reads, which wants a head for words in one file, and
asks the plugin's class. It prints one line of JSON a model.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path += [str(ROOT / "plugins/editreward-reference/src"), str(ROOT / "plugins/python-sdk/src"), str(ROOT / "tests/parity/editreward")]

from editscale.plugins import Call, Config, Picture, RewardItem
from editscale_editreward_reference.plugin import EditRewardReference


def laid_out(folder, out):
    """The folder, or a copy with the head for words, the names of today and the published pixel budget."""
    import shutil

    import torch
    from official import new_name
    from safetensors.torch import load_file, save_file

    if (folder / "filled").exists():
        return folder
    shutil.copytree(folder, out, dirs_exist_ok=True)
    tensors = {new_name(name): tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    table = tensors["model.language_model.embed_tokens.weight"]
    tensors.setdefault("lm_head.weight", torch.zeros_like(table))
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    fields = json.loads((out / "preprocessor_config.json").read_text())
    (out / "preprocessor_config.json").write_text(json.dumps(fields | {"min_pixels": 200704, "max_pixels": 200704}))
    return out


def items(pairs):
    """What the host would hand over."""
    return [RewardItem(Picture.read(p["source"]), Picture.read(p["edited"]), p["instruction"], index=at) for at, p in enumerate(pairs)]


def row(score):
    """Mean and logarithm of sigma of both parts and of the whole."""
    return [value for part in (*score.parts, score) for value in (part.mean, math.log(part.sigma))]


def answer(reward, pairs):
    """Rows of pairs in one call, and the seconds that it took."""
    started = time.monotonic()
    scores = reward.score(items(pairs), Call())
    return [row(score) for score in scores], time.monotonic() - started


def main():
    """Read the command line and score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repository", required=True, help="a checkout of TIGER-AI-Lab/EditReward")
    parser.add_argument("--pairs", required=True, type=Path)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--models", required=True, nargs="+", help="FOLDER=DTYPE, one or more")
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    pairs = [json.loads(line) for line in arguments.pairs.read_text().splitlines()]
    for named in arguments.models:
        folder, dtype = named.rsplit("=", 1)
        try:
            folder = laid_out(Path(folder), arguments.work / f"published_{Path(folder).name}")
            values = {
                "repository": arguments.repository, "checkpoint": str(folder), "base": str(folder), "device": arguments.device,
                "dtype": dtype, "attention": "sdpa", "batch": 8, "prompts": str(folder / "prompts"),
            }  # fmt: skip
            reward, started = EditRewardReference(), time.monotonic()
            card = reward.load(Config(values))
            loaded = time.monotonic() - started
            _, first = answer(reward, pairs[:1])
            single = [answer(reward, [pair]) for pair in pairs[::8]]
            eight = [answer(reward, pairs[at : at + 8]) for at in range(0, len(pairs), 8)]
            said = {
                "rows": [each for rows, _ in eight for each in rows], "revision": card.revision, "secs_loading": loaded,
                "secs_first": first, "single": [secs for _, secs in single], "batches_of_eight": [secs for _, secs in eight],
            }  # fmt: skip
            del reward
        except Exception as error:
            said = {"failed": f"{type(error).__name__}: {str(error)[-3000:]}"}
        print(json.dumps({"folder": str(folder), "dtype": dtype} | said), flush=True)


if __name__ == "__main__":
    main()
