#!/usr/bin/env python3
"""How long diffusers takes for one step of a middling Kontext transformer on this machine's processor.

To be compared with the ignored test `a_step_of_a_middling_model`. Options: --threads N.
"""

import argparse
import time

import torch
from diffusers import FluxTransformer2DModel

from make_flux_goldens import ids


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    model = FluxTransformer2DModel(num_layers=2, num_single_layers=4, num_attention_heads=8, guidance_embeds=True).eval()
    inputs = dict(
        hidden_states=torch.randn(1, 2048, 64),
        encoder_hidden_states=torch.randn(1, 256, 4096),
        pooled_projections=torch.randn(1, 768),
        timestep=torch.tensor([0.7]),
        img_ids=torch.cat([ids((32, 32), 0), ids((32, 32), 1)]),
        txt_ids=torch.zeros(256, 3),
        guidance=torch.tensor([2.5]),
    )
    for _ in range(4):
        start = time.perf_counter()
        with torch.no_grad():
            model(**inputs)
        print(f"{time.perf_counter() - start:.3f} s")


if __name__ == "__main__":
    main()
