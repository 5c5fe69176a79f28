#!/usr/bin/env python3
"""Time PyTorch's convolution, group normalisation and upsampling on demand.

Each line of standard input is one JSON object, and is answered by one line {"seconds": ...}: the mean of `repeats`
runs in f32 after one that does not count.

{"convolution": {"batch": 1, "inputs": 320, "outputs": 320, "side": 64, "kernel": 3, "stride": 1}, "repeats": 9}
{"group_norm_silu": {"batch": 1, "channels": 320, "side": 64}, "repeats": 9}
{"upsample": {"batch": 1, "channels": 320, "side": 64}, "repeats": 9}
"""

import argparse
import json
import sys
import time

import torch
from torch.nn import Conv2d, GroupNorm
from torch.nn.functional import interpolate, silu


def convolution(batch, inputs, outputs, side, kernel, stride):
    """A convolution with a bias that keeps the size but for the stride."""
    layer = Conv2d(inputs, outputs, kernel, stride, kernel // 2)
    pictures = torch.randn(batch, inputs, side, side)
    return lambda: layer(pictures)


def group_norm_silu(batch, channels, side):
    """Normalisation over 32 groups, then the sigmoid-weighted linear unit."""
    layer = GroupNorm(32, channels)
    pictures = torch.randn(batch, channels, side, side)
    return lambda: silu(layer(pictures))


def upsample(batch, channels, side):
    """Twice the size, every pixel as a square."""
    pictures = torch.randn(batch, channels, side, side)
    return lambda: interpolate(pictures, scale_factor=2.0, mode="nearest")


WORK = {"convolution": convolution, "group_norm_silu": group_norm_silu, "upsample": upsample}


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
