#!/usr/bin/env python3
"""Time one step of a denoiser in diffusers, on demand.

Loads the denoiser of a pipeline folder (make one with `make_pipelines.py --mid`) in f32 and runs one step to warm
up. Then each line `run` on standard input makes it run one step anew, on random inputs, and print one JSON line:
{"seconds": ..., "batch": rows in the batch, "tokens": tokens of a row (0 for a UNet), "parameters": ...}.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from diffusers import FluxKontextPipeline, FluxTransformer2DModel, UNet2DConditionModel
from diffusers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()
CLIP_TOKENS = 77


def random(*size):
    """Unit-normal values."""
    return torch.randn(size, generator=torch.Generator().manual_seed(0))


class Pix2PixStep:
    """A step of InstructPix2Pix's UNet on square latents."""

    def __init__(self, folder, arguments):
        """Load the UNet and draw its inputs."""
        self.model = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32)
        config, side = self.model.config, arguments.latents
        self.tokens = 0
        self.inputs = {
            "sample": random(arguments.batch, config.in_channels, side, side),
            "timestep": torch.tensor(501.0),
            "encoder_hidden_states": random(arguments.batch, CLIP_TOKENS, config.cross_attention_dim),
        }


class KontextStep:
    """A step of Kontext's transformer with a square output, a square reference and a text."""

    def __init__(self, folder, arguments):
        """Load the transformer and draw its inputs."""
        self.model = FluxTransformer2DModel.from_pretrained(folder / "transformer", torch_dtype=torch.float32)
        config, side, batch = self.model.config, arguments.side, arguments.batch
        output = FluxKontextPipeline._prepare_latent_image_ids(batch, side, side, "cpu", torch.float32)
        reference = output.clone()
        reference[:, 0] = 1
        self.tokens = 2 * side * side + arguments.text
        self.inputs = {
            "hidden_states": random(batch, 2 * side * side, config.in_channels),
            "encoder_hidden_states": random(batch, arguments.text, config.joint_attention_dim),
            "pooled_projections": random(batch, config.pooled_projection_dim),
            "timestep": torch.full((batch,), 0.5),
            "guidance": torch.full((batch,), 2.5) if config.guidance_embeds else None,
            "img_ids": torch.cat([output, reference]),
            "txt_ids": torch.zeros(arguments.text, 3),
        }


@torch.no_grad()
def run(step, batch):
    """One step."""
    start = time.perf_counter()
    step.model(**step.inputs, return_dict=False)
    seconds = time.perf_counter() - start
    parameters = sum(each.numel() for each in step.model.parameters())
    return {"seconds": seconds, "batch": batch, "tokens": step.tokens, "parameters": parameters}


def main():
    """Read the command line, warm up, then answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path, help="a pipeline folder")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=1, help="rows in the batch (default: %(default)s)")
    parser.add_argument("--latents", type=int, default=32, help="side of the UNet's latents (default: %(default)s)")
    parser.add_argument("--side", type=int, default=32, help="side of Kontext's grids of tokens (default: %(default)s)")
    parser.add_argument("--text", type=int, default=128, help="tokens of Kontext's text (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    kind = Pix2PixStep if (arguments.model / "unet").is_dir() else KontextStep
    step = kind(arguments.model, arguments)
    step.model.eval()
    run(step, arguments.batch)
    print("ready", file=sys.stderr, flush=True)
    for line in sys.stdin:
        if line.strip() == "run":
            print(json.dumps(run(step, arguments.batch)), flush=True)


if __name__ == "__main__":
    main()
