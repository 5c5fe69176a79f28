#!/usr/bin/env python3
"""Make the small FLUX.1 transformers and the velocities that diffusers predicts with them, which are committed.

Writes anew all of workspace/models/tests/fixtures/layers/flux. With --check it writes to a temporary folder and compares:
weights and inputs must be the same, velocities may differ by 1e-5 of the greatest.
"""

import argparse
import copy
import json
import sys
import tempfile
from pathlib import Path

import torch
from diffusers import FluxTransformer2DModel
from safetensors.torch import save_file

import checking

HOME = Path(__file__).resolve().parents[3] / "workspace/models/tests/fixtures/layers/flux"
MOST_BYTES = 1_000_000
# By how much of the greatest number velocities may differ. Brain floats depend on how a processor multiplies them.
SHARES = {"velocity": 1e-5, "velocity_bf16": 0.1}

# Each with a seed, the shape, the number of shards, and items: rows and columns of the latent picture, of the reference
# or nothing, text tokens, time, guidance.
MODELS = {
    "two_heads_guided": (1, 1, dict(
        in_channels=8, num_layers=2, num_single_layers=3, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=12, pooled_projection_dim=10, guidance_embeds=True, axes_dims_rope=(4, 6, 6),
    ), [
        ((3, 5), (4, 2), 7, 0.875, 2.5),
        ((2, 2), None, 3, 0.123, 3.5),
        ((6, 4), (6, 4), 5, 1.0, 1.0),
        ((1, 1), (2, 7), 1, 0.0, 0.0),
    ]),
    "three_heads_plain": (2, 2, dict(
        in_channels=4, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=3,
        joint_attention_dim=20, pooled_projection_dim=6, guidance_embeds=False, axes_dims_rope=(2, 8, 6),
    ), [
        ((4, 3), (3, 4), 6, 0.61, None),
        ((5, 2), None, 9, 0.333, None),
    ]),
    "wide_heads_guided": (3, 1, dict(
        in_channels=12, out_channels=8, num_layers=1, num_single_layers=1, attention_head_dim=24, num_attention_heads=2,
        joint_attention_dim=9, pooled_projection_dim=5, guidance_embeds=True, axes_dims_rope=(4, 8, 12),
    ), [
        ((2, 6), (2, 6), 4, 0.45, 4.0),
        ((3, 3), (1, 3), 2, 0.987, 2.5),
    ]),
}  # fmt: skip


def randomise(model, generator):
    """Weights under which every part of the model matters, rounded to half precision."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() == 2:
                value = noise / parameter.shape[1] ** 0.5
            elif "norm_" in name and name.endswith("weight"):
                value = 1 + 0.3 * noise
            else:
                value = 0.2 * noise
            parameter.copy_(value.half().float())


def ids(grid, picture):
    """The places of a picture's tokens: which picture, row, column; [rows * columns, 3]."""
    rows, columns = grid
    places = torch.zeros(rows, columns, 3)
    places[..., 0] = picture
    places[..., 1] += torch.arange(rows)[:, None]
    places[..., 2] += torch.arange(columns)[None, :]
    return places.reshape(-1, 3)


def velocity(model, item, inputs, dtype=torch.float32):
    """What the model predicts of an item's latents, computed in a type: [rows * columns, channels], f32."""
    grid, reference, tokens, time, guidance = item
    inputs = {name: value.to(dtype) for name, value in inputs.items()}
    hidden, places = [inputs["latents"]], [ids(grid, 0)]
    if reference:
        hidden.append(inputs["reference"])
        places.append(ids(reference, 1))
    with torch.no_grad():
        all_tokens = model(
            hidden_states=torch.cat(hidden)[None],
            encoder_hidden_states=inputs["text"][None],
            pooled_projections=inputs["pooled"][None],
            timestep=torch.tensor([time]).to(dtype),
            img_ids=torch.cat(places),
            txt_ids=torch.zeros(tokens, 3),
            guidance=None if guidance is None else torch.tensor([guidance]),
            return_dict=False,
        )[0][0]
    return all_tokens[: grid[0] * grid[1]].float().contiguous()


def make(folder, seed, shards, shape, items):
    """Write one model, its items' inputs, and the velocities predicted of them."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(seed)
    model = FluxTransformer2DModel(**shape).eval()
    randomise(model, generator)
    state = {name: value.half() for name, value in model.state_dict().items()}
    total = sum(value.numel() * 2 for value in state.values())
    clone = FluxTransformer2DModel(**shape)
    clone.load_state_dict(state)
    limit = total * 2 if shards == 1 else total // shards + 4096
    clone.half().save_pretrained(folder, max_shard_size=limit)

    brain = copy.deepcopy(model).to(torch.bfloat16)
    tensors, described = {}, []
    for at, item in enumerate(items):
        grid, reference, tokens, time, guidance = item
        normal = lambda *size: torch.randn(size, generator=generator).half().float()  # noqa: E731
        inputs = {
            "latents": normal(grid[0] * grid[1], shape["in_channels"]),
            "text": normal(tokens, shape["joint_attention_dim"]),
            "pooled": normal(shape["pooled_projection_dim"]),
        }
        if reference:
            inputs["reference"] = normal(reference[0] * reference[1], shape["in_channels"])
        # In brain floats times and guidance are rounded, which is no small thing: to be compared apart.
        brief = velocity(brain, item, inputs, torch.bfloat16)
        inputs["velocity"] = velocity(model, item, inputs)
        inputs["velocity_bf16"] = brief
        tensors |= {f"{at}.{name}": value for name, value in inputs.items()}
        described.append(dict(grid=grid, reference=reference, timestep=time, guidance=guidance))
    save_file(tensors, folder / "items.safetensors")
    (folder / "items.json").write_text(json.dumps(described, indent=1) + "\n")


def main():
    """Read the command line, then write or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary) if check else HOME
        for name, (seed, shards, shape, items) in MODELS.items():
            make(home / name, seed, shards, shape, items)
        # What wrote the configuration stands in it.
        is_passed_over = lambda name: name.endswith("config.json")  # noqa: E731
        found = list(checking.differences(home, HOME, SHARES, is_passed_over)) if check else []
    total = sum(path.stat().st_size for path in HOME.rglob("*") if path.is_file())
    if total > MOST_BYTES:
        found.append(f"{total} bytes are too many")
    print("\n".join(found) or f"fine, {total} bytes")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
