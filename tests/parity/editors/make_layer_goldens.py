#!/usr/bin/env python3
"""Write tiny random autoencoders and UNets with what diffusers computes with them, for the tests of the Rust layers.

Weights are stored in half precision; the reference computes in single precision from what is stored. `--check` computes
everything anew in double precision and says how far the committed values are off.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file

FIXTURES = Path(__file__).parents[3] / "workspace/models/tests/fixtures/layers"
WEIGHTS = "diffusion_pytorch_model.safetensors"

# Name: settings, how the attention's tensors are called, sizes of pictures.
AUTOENCODERS = {
    "plain": (
        dict(block_out_channels=(8, 16), norm_num_groups=4, layers_per_block=1, sample_size=16),
        "new",
        [(2, 12, 20)],
    ),
    "old_names": (
        dict(block_out_channels=(8, 8, 16), norm_num_groups=8, layers_per_block=2, scaling_factor=0.3, act_fn="swish"),
        "old",
        [(1, 16, 8)],
    ),
    "old_convolutions": (
        dict(
            block_out_channels=(16, 8),
            norm_num_groups=4,
            latent_channels=6,
            use_quant_conv=False,
            use_post_quant_conv=False,
            scaling_factor=0.3611,
            shift_factor=0.1159,
        ),
        "old, as convolutions",
        [(3, 6, 10)],
    ),
    "one_block": (
        dict(block_out_channels=(8,), norm_num_groups=2, use_quant_conv=False, mid_block_add_attention=False),
        "new",
        [(1, 5, 7)],
    ),
}

# Those of which pictures are decoded in tiles as well.
TILED = ("plain", "old_convolutions")

# Name: settings, sizes of latents, tokens of texts.
UNETS = {
    "heads": (
        dict(
            in_channels=8,
            block_out_channels=(8, 16, 16),
            down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
            layers_per_block=1,
            attention_head_dim=(2, 4, 2),
            cross_attention_dim=12,
            norm_num_groups=4,
            sample_size=8,
        ),
        [(3, 8, 12), (2, 7, 9)],
        5,
    ),
    "linear": (
        dict(
            in_channels=4,
            out_channels=3,
            block_out_channels=(8, 16),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
            layers_per_block=(2, 1),
            transformer_layers_per_block=(1, 2),
            attention_head_dim=(1, 2),
            cross_attention_dim=(10, 10),
            norm_num_groups=8,
            norm_eps=1e-3,
            use_linear_projection=True,
            flip_sin_to_cos=False,
            freq_shift=1,
            downsample_padding=0,
            center_input_sample=True,
            mid_block_scale_factor=1.25,
            upcast_attention=True,
            act_fn="swish",
        ),
        [(2, 6, 4), (1, 5, 5)],
        3,
    ),
    "odd": (
        dict(
            in_channels=8,
            block_out_channels=(12, 20, 12),
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "CrossAttnUpBlock2D"),
            layers_per_block=1,
            attention_head_dim=4,
            cross_attention_dim=7,
            norm_num_groups=4,
        ),
        [(1, 1, 1), (2, 5, 11)],
        4,
    ),
}


def gain(name):
    """How much louder than 1/sqrt(inputs) a weight is, so that every part matters in the end."""
    if ".to_q." in name or ".to_k." in name:
        return 2.0
    return 1.4 if "conv2" in name or ".to_out." in name or ".net.2." in name else 1.2


def randomise(model, seed):
    """Give a model random weights of half precision: matrices, biases and norms alike."""
    draw = torch.Generator().manual_seed(seed)
    for name, tensor in sorted(model.state_dict().items()):
        values = torch.randn(tensor.shape, generator=draw)
        if tensor.ndim > 1:
            values = values * gain(name) / tensor[0].numel() ** 0.5
        elif "norm" in name and name.endswith("weight"):
            values = 1 + 0.3 * values
        else:
            values = 0.3 * values
        tensor.copy_(values.half())


def save(model, folder, names):
    """Write a model in half precision, its attention named as older checkpoints do where that is asked for."""
    with tempfile.TemporaryDirectory() as fresh:
        model.save_pretrained(fresh)
        config = json.loads((Path(fresh) / "config.json").read_text())
        tensors = load_file(str(Path(fresh) / WEIGHTS))
    renamed = {}
    for name, tensor in tensors.items():
        if names != "new" and ".attentions." in name:
            for new, old in [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")]:
                name = name.replace(f".{new}.", f".{old}.")
            if "convolutions" in names and tensor.ndim == 2:
                tensor = tensor[:, :, None, None]
        renamed[name] = tensor.half().contiguous()
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file(renamed, str(folder / WEIGHTS), metadata={"format": "pt"})


def autoencoder_case(model, sizes, seed):
    """What an autoencoder makes of pictures and of latents."""
    draw = torch.Generator().manual_seed(seed)
    case = {}
    factor = 2 ** (len(model.config.block_out_channels) - 1)
    for at, (batch, height, width) in enumerate(sizes):
        pictures = torch.rand((batch, 3, height, width), generator=draw) * 2 - 1
        shape = (batch, model.config.latent_channels, height // factor, width // factor)
        latents = torch.randn(shape, generator=draw)
        case[f"{at}.pictures"], case[f"{at}.latents"] = pictures, latents
    return case


def unet_case(model, sizes, tokens, seed):
    """Latents, timesteps and texts for a UNet; pictures of a batch look at texts in another order than theirs."""
    draw = torch.Generator().manual_seed(seed)
    width = model.config.cross_attention_dim
    width = width if isinstance(width, int) else width[0]
    case = {}
    for at, (batch, height, size) in enumerate(sizes):
        case[f"{at}.latents"] = torch.randn((batch, model.config.in_channels, height, size), generator=draw)
        case[f"{at}.timesteps"] = torch.rand(batch, generator=draw) * 999
        case[f"{at}.texts"] = torch.randn((2, tokens, width), generator=draw)
        case[f"{at}.of"] = torch.tensor([float((row + 1) % 2) for row in range(batch)])
    return case


def answers(model, case, dtype):
    """What a model answers to a case, computed in a type."""
    model = model.to(dtype)
    found = {}
    for key in sorted({name.split(".")[0] for name in case}):
        given = {name.split(".")[1]: value.to(dtype) for name, value in case.items() if name.startswith(key + ".")}
        if isinstance(model, AutoencoderKL):
            found[f"{key}.means"] = model.encode(given["pictures"]).latent_dist.mean
            found[f"{key}.decoded"] = model.decode(given["latents"]).sample
        else:
            texts = given["texts"][given["of"].long()]
            timesteps = given["timesteps"].float()
            found[f"{key}.noise"] = model(given["latents"], timesteps, encoder_hidden_states=texts).sample
    return {name: value.contiguous() for name, value in found.items()}


def tiled_case(model, seed, dtype):
    """What an autoencoder makes of latents at once and in tiles of 4 and of 8 latents a side."""
    draw = torch.Generator().manual_seed(seed)
    model = model.to(dtype)
    factor = 2 ** (len(model.config.block_out_channels) - 1)
    case = {}
    for at, side in enumerate((4, 8)):
        latents = torch.randn((1, model.config.latent_channels, 11, 9), generator=draw)
        model.tile_latent_min_size, model.tile_sample_min_size = side, side * factor
        case[f"{at}.latents"] = latents
        case[f"{at}.decoded"] = model.decode(latents.to(dtype)).sample
        case[f"{at}.tiled"] = model.tiled_decode(latents.to(dtype)).sample
    return {name: value.contiguous() for name, value in case.items()}


def models():
    """All models with their folders, the scheme of their names, and their cases' inputs."""
    for seed, (name, (settings, names, sizes)) in enumerate(AUTOENCODERS.items()):
        count = len(settings["block_out_channels"])
        kinds = dict(down_block_types=("DownEncoderBlock2D",) * count, up_block_types=("UpDecoderBlock2D",) * count)
        model = AutoencoderKL(**kinds, **settings).eval()
        randomise(model, seed)
        yield model, FIXTURES / "autoencoder_kl" / name, names, autoencoder_case(model, sizes, 100 + seed)
    for seed, (name, (settings, sizes, tokens)) in enumerate(UNETS.items()):
        model = UNet2DConditionModel(**settings).eval()
        randomise(model, 50 + seed)
        yield model, FIXTURES / "unet" / name, "new", unet_case(model, sizes, tokens, 150 + seed)


def off(found, right):
    """The greatest difference, relative to the greatest magnitude."""
    return ((found.double() - right.double()).abs().max() / right.double().abs().max()).item()


def main():
    """Write the fixtures, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare what is committed, write nothing")
    check = parser.parse_args().check
    tiled, exact = {}, {}
    with torch.no_grad():
        for at, (model, folder, names, case) in enumerate(models()):
            if folder.name in TILED:
                for dtype, found in ((torch.float32, tiled), (torch.float64, exact)):
                    found |= {f"{folder.name}.{name}": it for name, it in tiled_case(model, 200 + at, dtype).items()}
                model.to(torch.float32)
            if not check:
                shutil.rmtree(folder, ignore_errors=True)
                save(model, folder, names)
                save_file({**case, **answers(model, case, torch.float32)}, str(folder / "case.safetensors"))
            stored = load_file(str(folder / "case.safetensors"))
            for name, right in answers(model, case, torch.float64).items():
                size, spread = tuple(right.shape), right.std().item()
                print(f"{folder.name:18} {name:10} {size!s:18} spread {spread:.2f} off {off(stored[name], right):.1e}")
    file = FIXTURES / "autoencoder_kl" / "tiles.safetensors"
    if not check:
        save_file(tiled, str(file))
    stored = load_file(str(file))
    for name, right in exact.items():
        print(f"{name:35} off {off(stored[name], right):.1e}")


if __name__ == "__main__":
    main()
