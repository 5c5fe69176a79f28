#!/usr/bin/env python3
"""Time PyTorch's attention and matrix product on demand.

Each line of standard input is one JSON object, and is answered by one line {"seconds": ...}: the mean of `repeats`
runs in f32 after one that does not count.

{"attention": {"sequences": 16, "rows": 64, "heads": 16, "key_heads": 16, "width": 80, "causal": false}, "repeats": 9}
{"product": {"rows": 1024, "inner": 1024, "columns": 1024}, "repeats": 9}
"""

import argparse
import json
import sys
import time

import torch
from torch.nn.functional import linear, scaled_dot_product_attention


def attention(sequences, rows, heads, key_heads, width, causal):
    """Attention of all sequences as one batch, from packed rows to packed rows.

    Keys and values that several heads share are repeated beforehand, at no cost: PyTorch is slower otherwise.
    """
    packed = [torch.randn(sequences, rows, count, width) for count in (heads, key_heads, key_heads)]
    shares = (1, heads // key_heads, heads // key_heads)
    queries, keys, values = (
        part.repeat_interleave(share, 2).transpose(1, 2) for part, share in zip(packed, shares)
    )

    def run():
        attended = scaled_dot_product_attention(queries, keys, values, is_causal=causal)
        return attended.transpose(1, 2).reshape(sequences * rows, heads * width)

    return run


def product(rows, inner, columns):
    """A product with a weight as affine maps have it, [columns, inner]."""
    left, weight = torch.randn(rows, inner), torch.randn(columns, inner)
    return lambda: linear(left, weight)


WORK = {"attention": attention, "product": product}


@torch.no_grad()
def timed(run, repeats):
    """Mean seconds of a run."""
    run()
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats


def main():
    """Read the command line, then answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for line in sys.stdin:
        asked = json.loads(line)
        repeats = asked.pop("repeats")
        ((kind, sizes),) = asked.items()
        print(json.dumps({"seconds": timed(WORK[kind](**sizes), repeats)}), flush=True)


if __name__ == "__main__":
    main()
