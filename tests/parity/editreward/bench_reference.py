#!/usr/bin/env python3
"""Time the official flow on demand.

Loads a model once and scores the pairs once to warm up. Then each line `run` on standard input makes it score all
pairs anew, from the files on disk, and print one JSON line:
{"seconds": ..., "scores": [[mean, log sigma], ...], "encodes": pictures encoded, "decoder_tokens": tokens read,
"lengths": [[tokens of a pair, ...] of each prompt], "read": the same, up to and including the reward token}.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch

from official import PROMPT_NAMES, Official, fuse, read_pairs


def score(official, pairs, folder):
    """One scoring of all pairs: two prompts, each with its own batch, its own decoding and resizing."""
    start = time.perf_counter()
    batches = official.batches(pairs, folder)
    scores = official.score(batches)
    seconds = time.perf_counter() - start
    vectors = zip(*(scores[prompt] for prompt in PROMPT_NAMES))
    return {
        "seconds": seconds,
        "scores": [fuse(first, second)["mean"] for first, second in vectors],
        "encodes": sum(len(batch.grid) for batch in batches.values()),
        "decoder_tokens": sum(sum(batch.lengths()) for batch in batches.values()),
        "lengths": [batch.lengths() for batch in batches.values()],
        "read": [((batch.ids == official.reward).int().argmax(-1) + 1).tolist() for batch in batches.values()],
    }


def main():
    """Read the command line, warm up, then answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path, help="a model directory")
    parser.add_argument("--pairs", required=True, type=Path, help="lines of source, edited and instruction")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    official, pairs = Official(arguments.model), read_pairs(arguments.pairs)
    score(official, pairs, arguments.pairs.parent)
    print("ready", file=sys.stderr, flush=True)
    for line in sys.stdin:
        if line.strip() == "run":
            print(json.dumps(score(official, pairs, arguments.pairs.parent)), flush=True)


if __name__ == "__main__":
    main()
