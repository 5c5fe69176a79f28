#!/usr/bin/env python3
"""Make the small autoencoders and transformers of Qwen-Image and what diffusers computes with them, which are committed.

Writes anew `autoencoder_qwen` and `qwen_image` of workspace/models/tests/fixtures/layers. With --check it writes to a
temporary folder and compares: weights and inputs must be the same, what is computed may differ by 1e-5 of the greatest.

It takes diffusers 0.37.1: 0.36 does not know `zero_cond_t`.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel
from safetensors.torch import load_file, save_file

import checking

HOME = Path(__file__).resolve().parents[3] / "workspace/models/tests/fixtures/layers"
WEIGHTS = "diffusion_pytorch_model.safetensors"
MOST_BYTES = 540_000
COMPUTED = ("modes", "normalised", "restored", "decoded", "tiled", "velocity", "time")
SHARES = dict.fromkeys(COMPUTED, 1e-5)

# Each with a seed, the shape, rows and columns of a picture in latents, and of one that is decoded in tiles.
AUTOENCODERS = {
    "released_levels": (11, dict(
        base_dim=2, z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=2, temperal_downsample=[False, True, True],
    ), (2, 3), (7, 5)),
    "two_levels": (12, dict(
        base_dim=4, z_dim=4, dim_mult=[1, 1], num_res_blocks=1, temperal_downsample=[True],
    ), (6, 4), (6, 9)),
}  # fmt: skip

# Each with a seed, the shape, and items: rows and columns of the latent picture and of every reference, text tokens, time.
TRANSFORMERS = {
    "two_blocks": (21, dict(
        in_channels=16, out_channels=4, num_layers=2, attention_head_dim=12, num_attention_heads=2,
        joint_attention_dim=32, axes_dims_rope=(4, 2, 6),
    ), [
        ([(3, 5), (4, 2), (5, 3)], 7, 0.875),
        ([(4, 4), (4, 4)], 3, 0.123),
        ([(2, 6), (7, 3)], 5, 1.0),
        ([(1, 1), (1, 2), (2, 1), (1, 1)], 1, 0.02),
    ]),
    # Another shape in everything that a shape has.
    "three_heads": (22, dict(
        in_channels=12, out_channels=3, num_layers=1, attention_head_dim=8, num_attention_heads=3,
        joint_attention_dim=20, axes_dims_rope=(2, 4, 2),
    ), [
        ([(5, 2), (3, 3)], 4, 0.6),
        ([(2, 3), (1, 4), (6, 2)], 6, 0.3),
    ]),
}  # fmt: skip


def draw(name, shape, generator):
    """Weights under which every part of a model matters, rounded to half precision."""
    noise = torch.randn(shape, generator=generator)
    if name.endswith("gamma") or ("norm" in name and name.endswith("weight") and len(shape) == 1):
        value = 0.5 + torch.rand(shape, generator=generator)
    elif len(shape) == 1:
        value = 0.1 * noise
    else:
        # Of kernels over time one tap counts.
        inputs = shape[1:].numel() / (shape[2] if len(shape) == 5 else 1)
        value = (1.6 if "to_q" in name or "_mod" in name else 1.1) * noise / inputs**0.5
    return value.half().float()


@torch.no_grad()
def randomise(model, generator):
    """Give a model such weights."""
    for name, parameter in model.named_parameters():
        parameter.copy_(draw(name, parameter.shape, generator))
    return model.eval()


def write_model(model, folder):
    """Write a model in half precision, as a pipeline's folder has it."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half() for name, value in model.state_dict().items()}, folder / WEIGHTS)
    model.save_config(folder)


def wan_name(name, levels):
    """What Wan's files call a tensor of the autoencoder: levels of the decoder in one row."""
    layers = {"norm1": "residual.0", "conv1": "residual.2", "norm2": "residual.3", "conv2": "residual.6"}
    layers |= {"conv_shortcut": "shortcut"}
    half, _, rest = name.partition(".")
    if half in ("quant_conv", "post_quant_conv"):
        return name.replace("post_quant_conv", "conv2").replace("quant_conv", "conv1")
    parts = rest.split(".")
    flat = {"conv_in": "conv1", "norm_out": "head.0", "conv_out": "head.2"}
    if parts[0] in flat:
        return ".".join([half, flat[parts[0]], *parts[1:]])
    if parts[0] == "mid_block":
        number = 1 if parts[1] == "attentions" else 2 * int(parts[2])
        return ".".join([half, f"middle.{number}", layers.get(parts[3], parts[3]), *parts[4:]])
    if parts[0] == "down_blocks":
        return ".".join([half, f"downsamples.{parts[1]}", layers.get(parts[2], parts[2]), *parts[3:]])
    number = int(parts[1]) * levels + (levels - 1 if parts[2] == "upsamplers" else int(parts[3]))
    return ".".join([half, f"upsamples.{number}", layers.get(parts[4], parts[4]), *parts[5:]])


@torch.no_grad()
def make_autoencoder(folder, seed, shape, size, tiled):
    """Write one autoencoder, and what it makes of a picture, of latents, and of latents in tiles."""
    generator = torch.Generator().manual_seed(seed)
    normal = lambda *size: torch.randn(size, generator=generator).half().float()  # noqa: E731
    channels = shape["z_dim"]
    means = (0.6 * normal(channels)).tolist()
    deviations = (0.5 + torch.rand(channels, generator=generator)).half().float().tolist()
    model = AutoencoderKLQwenImage(**shape, latents_mean=means, latents_std=deviations)
    randomise(model, generator)
    write_model(model, folder)
    names = {name: wan_name(name, shape["num_res_blocks"] + 2) for name in model.state_dict()}
    if folder.name == "released_levels":
        # In the order of diffusers' names.
        (folder / "wan_names.json").write_text(json.dumps([names[name] for name in sorted(names)], indent=0) + "\n")

    mean, deviation = (torch.tensor(each).view(1, -1, 1, 1, 1) for each in (means, deviations))
    factor = 2 ** (len(shape["dim_mult"]) - 1)
    pictures = normal(1, 3, 1, factor * size[0], factor * size[1]).clamp(-1, 1)
    modes = model.encode(pictures).latent_dist.mode()
    latents, large = normal(1, channels, 1, *size), normal(1, channels, 1, *tiled)
    restored, large = (each * deviation + mean for each in (latents, large))
    decode = lambda latents: model.decoder(model.post_quant_conv(latents))  # noqa: E731
    model.enable_tiling(4 * factor, 4 * factor, 3 * factor, 3 * factor)
    assert model.decode(restored).sample.sub(decode(restored).clamp(-1, 1)).abs().max() < 1e-5 or max(size) > 4
    tensors = {
        "0.pictures": pictures, "0.modes": modes, "0.normalised": (modes - mean) / deviation, "0.latents": latents,
        "0.restored": restored, "0.decoded": decode(restored), "1.restored": large, "1.tiled": model.decode(large).sample,
    }  # fmt: skip
    save_file({name: value[:, :, 0].contiguous() for name, value in tensors.items()}, folder / "case.safetensors")
    print(folder.name, {name: round(value.std().item(), 2) for name, value in tensors.items()})


@torch.no_grad()
def make_transformer(folder, seed, shape, items):
    """Write one transformer, its items' inputs, and the velocities predicted of them, with and without `zero_cond_t`."""
    generator = torch.Generator().manual_seed(seed)
    model = randomise(QwenImageTransformer2DModel(**shape), generator)
    write_model(model, folder)
    zero = QwenImageTransformer2DModel(**shape, zero_cond_t=True).eval()
    zero.load_state_dict(model.state_dict())
    tensors, described = {}, []
    for at, (grids, tokens, time) in enumerate(items):
        normal = lambda *size: torch.randn(size, generator=generator).half().float()  # noqa: E731
        pictures = [normal(rows * columns, shape["in_channels"]) for rows, columns in grids]
        text = normal(tokens, shape["joint_attention_dim"])
        inputs = dict(
            hidden_states=torch.cat(pictures)[None], encoder_hidden_states=text[None], timestep=torch.tensor([time]),
            img_shapes=[[(1, *grid) for grid in grids]], txt_seq_lens=[tokens], return_dict=False,
        )  # fmt: skip
        count = grids[0][0] * grids[0][1]
        velocities = [each(**inputs)[0][0, :count].contiguous() for each in (model, zero)]
        tensors |= {f"{at}.picture.{number}": value for number, value in enumerate(pictures)}
        tensors |= {f"{at}.text": text, f"{at}.velocity": velocities[0], f"{at}.velocity.zero": velocities[1]}
        described.append(dict(grids=grids, timestep=time))
        apart = (velocities[0] - velocities[1]).abs().max() / velocities[0].abs().max()
        print(folder.name, at, f"velocity {velocities[0].std():.2f}, zero_cond_t moves it by {apart:.2f}")
    save_file(tensors, folder / "items.safetensors")
    (folder / "items.json").write_text(json.dumps(described, indent=1) + "\n")


def narrowed(name, value, scaled):
    """A tensor in eight bits: cast, or, of matrices, scaled to the whole range first."""
    if not scaled:
        return {name: value.to(torch.float8_e4m3fn)}, value.to(torch.float8_e4m3fn).float()
    if value.ndim != 2:
        return {name: value.half()}, value.half().float()
    factor = value.abs().max() / 448
    weight = (value / factor).to(torch.float8_e4m3fn)
    return {name: weight, name.replace(".weight", ".scale_weight"): factor}, weight.float() * factor


@torch.no_grad()
def make_narrow(folder, seed, shape, items):
    """Write the same transformer in eight bits, cast and scaled as files for ComfyUI are, and what is predicted with what is left of it."""
    inputs, velocities = load_file(folder / "items.safetensors"), {}
    for kind in ("cast", "scaled"):
        stored, left = {}, {}
        for name, value in load_file(folder / WEIGHTS).items():
            tensors, left[name] = narrowed(name, value.float(), kind == "scaled")
            stored |= {f"model.diffusion_model.{name}": it.contiguous() for name, it in tensors.items()}
        if kind == "scaled":
            stored["model.diffusion_model.scaled_fp8"] = torch.zeros(2).to(torch.float8_e4m3fn)
        save_file(stored, folder / f"{kind}_fp8.safetensors")
        model = QwenImageTransformer2DModel(**shape).eval()
        model.load_state_dict(left)
        for at, (grids, tokens, time) in enumerate(items):
            pictures = [inputs[f"{at}.picture.{number}"] for number in range(len(grids))]
            velocity = model(
                hidden_states=torch.cat(pictures)[None], encoder_hidden_states=inputs[f"{at}.text"][None],
                timestep=torch.tensor([time]), img_shapes=[[(1, *grid) for grid in grids]], txt_seq_lens=[tokens],
                return_dict=False,
            )[0]  # fmt: skip
            velocities[f"{kind}.{at}.velocity"] = velocity[0, : grids[0][0] * grids[0][1]].contiguous()
    save_file(velocities, folder / "narrow.safetensors")


def main():
    """Read the command line, then write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    assert diffusers.__version__ == "0.37.1", diffusers.__version__
    torch.set_num_threads(1)
    found, total = [], 0
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary) if check else HOME
        for name, parts in AUTOENCODERS.items():
            make_autoencoder(home / "autoencoder_qwen" / name, *parts)
        for name, parts in TRANSFORMERS.items():
            make_transformer(home / "qwen_image" / name, *parts)
        make_narrow(home / "qwen_image" / "three_heads", *TRANSFORMERS["three_heads"])
        for network in ("autoencoder_qwen", "qwen_image"):
            # What wrote the configuration stands in it.
            is_passed_over = lambda name: name.endswith("config.json")  # noqa: E731
            if check:
                found += checking.differences(home / network, HOME / network, SHARES, is_passed_over)
            total += sum(path.stat().st_size for path in (HOME / network).rglob("*") if path.is_file())
    if total > MOST_BYTES:
        found.append(f"{total} bytes are too many")
    print("\n".join(found) or f"fine, {total} bytes")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
