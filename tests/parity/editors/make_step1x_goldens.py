#!/usr/bin/env python3
"""Make a small connector and transformers of Step1X-Edit with what the authors' code makes of inputs, which are committed.

Writes `connector.safetensors` and the folders `transformers/NAME` in workspace/models/tests/fixtures/step1x. Needs
`transformer_step1x_edit.py` of the authors' fork of diffusers (github.com/Peyton-Chen/diffusers at c69df6b,
src/diffusers/models/transformers), which is run and not copied. With --check it writes elsewhere and compares.
"""

import argparse
import importlib.util
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

import checking

HOME = Path(__file__).resolve().parents[3] / "workspace/models/tests/fixtures/step1x"
IN, WIDTH, HEADS, BLOCKS, POOLED = 12, 16, 2, 2, 10
# Tokens, length with what fills up, noise level.
TEXTS = [(7, 12, 0.9), (5, 5, 0.13), (1, 4, 1.0), (9, 14, 0.4567)]
FACTOR = -0.91


def module(file):
    """The fork's file as a module of diffusers."""
    name = "diffusers.models.transformers.transformer_step1x_edit"
    spec = importlib.util.spec_from_file_location(name, file)
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


@torch.no_grad()
def randomise(model, generator):
    """Weights under which every part of the model matters, rounded to half precision."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 2:
            # Answers with and without the instruction have to differ by more than 1, from where on they are damped.
            value = (20 if name == "proj_out.weight" else 1.3) * noise / parameter.shape[1] ** 0.5
        elif "norm" in name and name.endswith("weight"):
            value = 1 + 0.3 * noise
        else:
            value = 0.2 * noise
        parameter.copy_(value.half().float())
    return model.eval()


def tiny_connector(code):
    """The fork's connector, small all over."""
    connector = code.Step1XEditConnector(IN, WIDTH, HEADS, BLOCKS)
    connector.global_proj_out = torch.nn.Linear(IN, POOLED)
    return connector


def padded(states, length):
    """States and their mask, filled up: [1, length, width] and [1, length]."""
    tokens = states.shape[0]
    filled = torch.zeros(1, length, states.shape[1])
    filled[0, :tokens] = states
    return filled, (torch.arange(length) < tokens).long()[None]


@torch.no_grad()
def make_connector(code, folder):
    """One connector, and what it answers for texts of several lengths; also with the factor of v1.0."""
    generator = torch.Generator().manual_seed(11)
    connector = randomise(tiny_connector(code), generator)
    tensors = {f"connector.{name}": value.half() for name, value in connector.state_dict().items()}
    tensors["factor"] = torch.tensor([FACTOR])
    for at, (tokens, length, sigma) in enumerate(TEXTS):
        states = torch.randn(tokens, IN, generator=generator) + 0.5
        filled, mask = padded(states, length)
        rows, pooled = connector(filled, torch.tensor([sigma]), mask)
        # In v1.0 the mean is multiplied before it is mapped.
        mapped = connector.global_proj_out
        scaled = torch.nn.functional.linear(states.mean(0) * (1 + FACTOR), mapped.weight, mapped.bias)
        tensors |= {f"{at}.states": states, f"{at}.rows": rows[0], f"{at}.pooled": pooled[0], f"{at}.scaled": scaled}
        tensors[f"{at}.sigma"] = torch.tensor([sigma])
        tensors[f"{at}.length"] = torch.tensor([length], dtype=torch.uint32)
    save_file({name: value.contiguous() for name, value in tensors.items()}, folder / "connector.safetensors")


SHAPE = dict(
    in_channels=8, num_layers=1, num_single_layers=1, attention_head_dim=6, num_attention_heads=2,
    joint_attention_dim=WIDTH, vector_in_dim=POOLED, connector_in_channels=IN, connector_hidden_size=WIDTH,
    connector_heads_num=HEADS, connector_depth=1, axes_dims_rope=(2, 2, 2),
)  # fmt: skip
# Whether text has places and marked tokens, where the reference begins, and the file's names.
TRANSFORMERS = {
    "v1_0": (False, (0, 0, 0), "original"),
    "v1_1": (False, (1, 1, 1), "folder"),
    "v1_2": (True, (1, 0, 0), "folder"),
}
# Rows and columns of the result, of the reference, text tokens, length, noise level.
ITEMS = [((3, 5), (3, 5), 6, 16, 0.95), ((4, 2), (2, 6), 9, 16, 0.31)]


def ids(grid, first):
    """The places of a picture's tokens: [rows * columns, 3]."""
    places = torch.zeros(*grid, 3) + torch.tensor(first, dtype=torch.float32)
    places[..., 1] += torch.arange(grid[0])[:, None]
    places[..., 2] += torch.arange(grid[1])[None, :]
    return places.reshape(-1, 3)


def tiny_transformer(code, is_marked, generator, shape=SHAPE):
    """The fork's transformer, small all over."""
    model = code.Step1XEditTransformer2DModel(**shape)
    model.connector.global_proj_out = torch.nn.Linear(shape["connector_in_channels"], shape["vector_in_dim"])
    if is_marked:
        model.text_token_mapping = torch.nn.Linear(shape["connector_in_channels"], shape["joint_attention_dim"])
    return randomise(model, generator)


def config_of(shape, is_marked):
    """All of `config.json`."""
    config = {"_class_name": "Step1XEditTransformer2DModel", "guidance_embeds": False, "out_channels": None}
    config |= {"patch_size": 1, "timestep_in_dim": 256}
    return config | shape | ({"enable_text_token_mapping": True} if is_marked else {})


RENAMED = {
    "x_embedder": "img_in", "context_embedder": "txt_in", "time_embed": "time_in", "vec_embed": "vector_in",
    "proj_out": "final_layer.linear",
}  # fmt: skip
DOUBLE = {
    "norm1.linear": "img_mod.lin", "norm1_context.linear": "txt_mod.lin", "attn.norm_q": "img_attn.norm.query_norm",
    "attn.norm_k": "img_attn.norm.key_norm", "attn.norm_added_q": "txt_attn.norm.query_norm",
    "attn.norm_added_k": "txt_attn.norm.key_norm", "attn.to_out.0": "img_attn.proj", "attn.to_add_out": "txt_attn.proj",
    "ff.net.0.proj": "img_mlp.0", "ff.net.2": "img_mlp.2", "ff_context.net.0.proj": "txt_mlp.0",
    "ff_context.net.2": "txt_mlp.2",
}  # fmt: skip
SINGLE = {
    "norm.linear": "modulation.lin", "proj_out": "linear2", "attn.norm_q": "norm.query_norm",
    "attn.norm_k": "norm.key_norm",
}  # fmt: skip
FUSED = {
    "transformer_blocks": {
        "img_attn.qkv": ["attn.to_q", "attn.to_k", "attn.to_v"],
        "txt_attn.qkv": ["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"],
    },
    "single_transformer_blocks": {"linear1": ["attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"]},
}


def original(state):
    """The same tensors under the names of the authors' single files."""
    out = {}
    for name, value in state.items():
        group, _, rest = name.partition(".")
        if group == "connector":
            out[name] = value
        elif group == "norm_out":
            scale, shift = value.chunk(2)
            out["final_layer.adaLN_modulation.1." + rest.split(".")[-1]] = torch.cat([shift, scale])
        elif group in FUSED:
            at, _, rest = rest.partition(".")
            layer, _, ending = rest.rpartition(".")
            names = DOUBLE if group == "transformer_blocks" else SINGLE
            home = "double_blocks" if group == "transformer_blocks" else "single_blocks"
            if layer in names:
                ending = "scale" if "norm_" in layer else ending
                out[f"{home}.{at}.{names[layer]}.{ending}"] = value
            for fused, parts in FUSED[group].items():
                if layer == parts[0]:
                    all_parts = [state[f"{group}.{at}.{part}.{ending}"] for part in parts]
                    out[f"{home}.{at}.{fused}.{ending}"] = torch.cat(all_parts)
        else:
            out[f"{RENAMED[group]}.{rest}"] = value
    return out


def write_weights(model, folder, shape, is_marked, names):
    """A transformer's configuration and weights in a folder or one file."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    if names == "original":
        save_file(original(state), folder / "step1x.safetensors", metadata={"format": "pt"})
    else:
        save_file(state, folder / "diffusion_pytorch_model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config_of(shape, is_marked), indent=1) + "\n")


@torch.no_grad()
def make_transformer(code, folder, is_marked, first, names):
    """One transformer, and the velocities that it predicts; with and without what a mistake would take for right."""
    generator = torch.Generator().manual_seed(21 if is_marked else 22)
    model = tiny_transformer(code, is_marked, generator)
    if first == (0, 0, 0):
        extra = {"connector.scale_factor": torch.tensor([FACTOR])}
    else:
        extra = {}
    write_weights(model, folder, SHAPE, is_marked, names)
    if extra:
        from safetensors.torch import load_file

        file = folder / "step1x.safetensors"
        save_file(load_file(file) | extra, file, metadata={"format": "pt"})
        model.connector.global_proj_out.weight.mul_(1 + FACTOR)
    tensors, described = {}, []
    for at, (grid, reference, tokens, length, sigma) in enumerate(ITEMS):
        normal = lambda *size: torch.randn(size, generator=generator)  # noqa: E731
        states, embeddings = normal(tokens, IN) + 0.5, normal(tokens, IN)
        marks = (torch.rand(tokens, generator=generator) < 0.5).long()
        latents, source = normal(grid[0] * grid[1], 8), normal(reference[0] * reference[1], 8)
        if is_marked:
            filled, mask = states[None], torch.ones(1, tokens, dtype=torch.long)
            places = torch.zeros(tokens, 3)
            places[:, 0] = torch.arange(tokens) - tokens
            places[2:4, 1:] = 3 * normal(2, 2)
        else:
            filled, mask = padded(states, length)
            places = torch.zeros(length, 3)
        velocity = model(
            hidden_states=torch.cat([latents, source])[None],
            encoder_hidden_states=filled,
            prompt_embeds_mask=mask,
            timestep=torch.tensor([sigma]),
            txt_ids=places,
            img_ids=torch.cat([ids(grid, (0, 0, 0)), ids(reference, first)]),
            text_embeddings=embeddings[None],
            text_mask=marks[None],
            return_dict=False,
        )[0][0]
        tensors |= {
            f"{at}.states": states, f"{at}.embeddings": embeddings, f"{at}.marks": marks.float(),
            f"{at}.latents": latents, f"{at}.source": source, f"{at}.places": places,
            f"{at}.velocity": velocity[: grid[0] * grid[1]].contiguous(),
        }  # fmt: skip
        described.append(dict(grid=grid, reference=reference, length=length, sigma=sigma))
    save_file(tensors, folder / "items.safetensors")
    (folder / "items.json").write_text(json.dumps(described, indent=1) + "\n")


def main():
    """Read the command line, then write or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", required=True, type=Path, help="the file of the fork's transformer")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    np.random.seed(0)
    torch.set_num_threads(1)
    code = module(arguments.upstream)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary) if arguments.check else HOME
        home.mkdir(parents=True, exist_ok=True)
        make_connector(code, home)
        for name, settings in TRANSFORMERS.items():
            make_transformer(code, home / "transformers" / name, *settings)
        shares = {"velocity": 1e-5, "rows": 1e-5, "pooled": 1e-5, "scaled": 1e-5}
        found = []
        if arguments.check:
            found = list(checking.differences(home / "transformers", HOME / "transformers", shares, lambda _: False))
    print("\n".join(found) or "fine")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
