#!/usr/bin/env python3
"""Time parts of both editing models in diffusers, on demand.

Loads the networks of two pipeline folders (make them with `make_pipelines.py --mid`) in f32. Then each line of standard
input, a JSON object, is answered with one line of JSON: the `seconds` that passed and, of all threads together, the
`processor_seconds`. What is asked for runs once untimed before it
is timed for the first time. Questions:

- `{"unet": {"rows": r, "side": s}}`: InstructPix2Pix's UNet once, r rows of latents of s x s;
- `{"transformer": {"rows": r, "side": s, "text": t}}`: Kontext's transformer once, r rows, each with s x s tokens of the
  result, as many of the source, and t of the text;
- `{"decode": {"model": "instruct_pix2pix" or "flux_kontext", "rows": r, "side": s}}`: the model's decoder, r latents of
  s x s.

Inputs are random and drawn beforehand.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL, FluxKontextPipeline, FluxTransformer2DModel, UNet2DConditionModel
from diffusers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()
CLIP_TOKENS = 77


def random(*size):
    """Unit-normal values."""
    return torch.randn(size, generator=torch.Generator().manual_seed(0))


class Networks:
    """The networks of both models, and what has been asked of them before."""

    def __init__(self, pix2pix, kontext):
        """Load the networks."""
        self.unet = load(UNet2DConditionModel, pix2pix / "unet")
        self.transformer = load(FluxTransformer2DModel, kontext / "transformer")
        self.decoders = {
            "instruct_pix2pix": load(AutoencoderKL, pix2pix / "vae"),
            "flux_kontext": load(AutoencoderKL, kontext / "vae"),
        }
        self.known = {}

    def unet_step(self, rows, side):
        """The UNet with inputs of its own."""
        config = self.unet.config
        latents, text = random(rows, config.in_channels, side, side), random(rows, CLIP_TOKENS, config.cross_attention_dim)
        return lambda: self.unet(latents, torch.tensor(501.0), text, return_dict=False)

    def transformer_step(self, rows, side, text):
        """The transformer with inputs of its own."""
        config = self.transformer.config
        output = FluxKontextPipeline._prepare_latent_image_ids(rows, side, side, "cpu", torch.float32)
        source = output.clone()
        source[:, 0] = 1
        inputs = {
            "hidden_states": random(rows, 2 * side * side, config.in_channels),
            "encoder_hidden_states": random(rows, text, config.joint_attention_dim),
            "pooled_projections": random(rows, config.pooled_projection_dim),
            "timestep": torch.full((rows,), 0.5),
            "guidance": torch.full((rows,), 2.5) if config.guidance_embeds else None,
            "img_ids": torch.cat([output, source]),
            "txt_ids": torch.zeros(text, 3),
        }
        return lambda: self.transformer(**inputs, return_dict=False)

    def decoding(self, model, rows, side):
        """A decoder with latents of its own."""
        autoencoder = self.decoders[model]
        latents = random(rows, autoencoder.config.latent_channels, side, side)
        return lambda: autoencoder.decode(latents, return_dict=False)

    def run(self, line):
        """What a question asks for, prepared and warm."""
        if line not in self.known:
            ((what, sizes),) = json.loads(line).items()
            kinds = {"unet": self.unet_step, "transformer": self.transformer_step, "decode": self.decoding}
            self.known[line] = kinds[what](**sizes)
            self.known[line]()
        return self.known[line]


def load(kind, folder):
    """A network in f32, ready for inference."""
    return kind.from_pretrained(folder, torch_dtype=torch.float32).eval()


@torch.no_grad()
def answer(networks, line):
    """The seconds that what is asked for takes."""
    run = networks.run(line)
    start, busy = time.perf_counter(), time.process_time()
    run()
    return {"seconds": time.perf_counter() - start, "processor_seconds": time.process_time() - busy}


def main():
    """Read the command line, then answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pix2pix", required=True, type=Path, help="a pipeline folder of InstructPix2Pix")
    parser.add_argument("--kontext", required=True, type=Path, help="a pipeline folder of Kontext")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    networks = Networks(arguments.pix2pix, arguments.kontext)
    for line in sys.stdin:
        print(json.dumps(answer(networks, line.strip())), flush=True)


if __name__ == "__main__":
    main()
