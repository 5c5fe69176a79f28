#!/usr/bin/env python3
"""Draw the weights of a model that `describe.py` described, on the card if there is one, and write them as safetensors.

It needs torch alone. Weights are small enough that activations stay in range, and large enough that every part counts.
"""

import argparse
import json
import math
import shutil
import struct
import time
import zlib
from pathlib import Path

import torch

DTYPES = {"BF16": torch.bfloat16, "F16": torch.float16}
# How much quieter than 1 / sqrt(inputs) the matrices are that add to what goes through all layers.
ADDED = ("o_proj", "down_proj", "attn.proj", "to_out", "to_add_out", "net.2", "proj_out", "wo.weight", ".o.weight", "fc2", "out_proj")


def draw(name, shape, generator, device):
    """Random values of a tensor, in single precision."""
    if len(shape) == 1:
        normal = torch.randn(shape, generator=generator, device=device)
        return normal * 0.02 if name.endswith("bias") else 1.0 + 0.1 * normal
    deviation = 1.0 / math.sqrt(math.prod(shape[1:]))
    if "embed_tokens" in name or "embedding" in name or "shared" in name or "relative_attention_bias" in name:
        deviation = 0.05
    if any(part in name for part in ADDED):
        deviation *= 0.3
    return torch.randn(shape, generator=generator, device=device) * deviation


def header_of(file):
    """The header of a safetensors file, padded, and the bytes behind it."""
    entries, at = {"__metadata__": {"format": "pt"}}, 0
    for tensor in file["tensors"]:
        size = 2 * math.prod(tensor["shape"])
        entries[tensor["name"]] = {"dtype": file["dtype"], "shape": tensor["shape"], "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, at


def write(file, out, seed, device):
    """Write one file; the bytes of its tensors."""
    header, size = header_of(file)
    path = out / file["file"]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.write(header)
        for tensor in file["tensors"]:
            seed_of = zlib.crc32(f"{seed}/{file['file']}/{tensor['name']}".encode())
            generator = torch.Generator(device=device).manual_seed(seed_of)
            values = draw(tensor["name"], tensor["shape"], generator, device).to(DTYPES[file["dtype"]])
            values.contiguous().view(torch.uint8).reshape(-1).cpu().numpy().tofile(stream)
    return size


def main():
    """Read the command line and write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("described", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    started = time.monotonic()
    shutil.copytree(arguments.described, arguments.out, dirs_exist_ok=True)
    files = json.loads((arguments.described / "tensors.json").read_text())
    total = sum(write(file, arguments.out, arguments.seed, device) for file in files)
    took = time.monotonic() - started
    print(json.dumps({"bytes": total, "secs": round(took, 2), "device": device}))


if __name__ == "__main__":
    main()
