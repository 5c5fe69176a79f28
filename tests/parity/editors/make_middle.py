#!/usr/bin/env python3
"""Write pipelines of middle size whose one step is profiled: Qwen-Image-Edit and Step1X-Edit, without the fork that has the latter.

The other two editors' are `make_pipelines.py --mid`. A step is that of the transformer: encoders are those of the tests, and
Step1X-Edit's autoencoder is Kontext's.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderKLQwenImage, FluxTransformer2DModel, QwenImageTransformer2DModel
from safetensors.torch import save_file

import shape as shapes
import weights
from tables import QWEN_FLOWS

FIXTURES = Path(__file__).resolve().parents[3] / "workspace/models/tests/fixtures"
HEADS, AXES, SEED = 8, (8, 28, 28), 1
WIDTH = HEADS * sum(AXES)
WEIGHTS = "diffusion_pytorch_model.safetensors"
COMMON = {"in_channels": 64, "attention_head_dim": sum(AXES), "num_attention_heads": HEADS, "axes_dims_rope": list(AXES)}


def write_json(path, value):
    """Write `value` as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def copy(folder, names, to):
    """Copy files of a folder."""
    to.mkdir(parents=True, exist_ok=True)
    for file in sorted(file for name in names for file in folder.glob(name)):
        shutil.copy(file, to)


def drawn(shape, name):
    """A tensor of Step1X-Edit's connector."""
    return torch.from_numpy(weights.draw("transformer", name, shape, SEED)).half()


def connector(inputs, pooled, depth=2):
    """What Step1X-Edit has beside a transformer of FLUX.1's shape, by name."""
    layers = {
        "S.input_embedder": (WIDTH, inputs), "S.t_embedder.mlp.0": (WIDTH, 256), "S.t_embedder.mlp.2": (WIDTH, WIDTH),
        "S.c_embedder.linear_1": (WIDTH, inputs), "S.c_embedder.linear_2": (WIDTH, WIDTH), "global_proj_out": (pooled, inputs),
    }  # fmt: skip
    for at in range(depth):
        block = f"S.individual_token_refiner.blocks.{at}"
        layers |= {
            f"{block}.norm1": (WIDTH,), f"{block}.norm2": (WIDTH,), f"{block}.self_attn_qkv": (3 * WIDTH, WIDTH),
            f"{block}.self_attn_proj": (WIDTH, WIDTH), f"{block}.mlp.fc1": (4 * WIDTH, WIDTH),
            f"{block}.mlp.fc2": (WIDTH, 4 * WIDTH), f"{block}.adaLN_modulation.1": (2 * WIDTH, WIDTH),
        }  # fmt: skip
    names = {f"connector.{name}": size for name, size in layers.items()}
    drawn_weights = {f"{name}.weight": drawn(size, f"{name}.weight") for name, size in names.items()}
    return drawn_weights | {f"{name}.bias": drawn(size[:1], f"{name}.bias") for name, size in names.items()}


def step1x(out):
    """Step1X-Edit v1.1 as the folder of its authors' fork."""
    encoder = FIXTURES / "step1x/encoder"
    inputs, pooled = json.loads((encoder / "config.json").read_text())["text_config"]["hidden_size"], 256
    flux = {"num_layers": 4, "num_single_layers": 8, "joint_attention_dim": WIDTH, "guidance_embeds": False} | COMMON
    plain = weights.fill("transformer", FluxTransformer2DModel(**flux, pooled_projection_dim=pooled), SEED, "f16")
    names = {"time_text_embed.timestep_embedder.linear_1": "time_embed.in_layer",
             "time_text_embed.timestep_embedder.linear_2": "time_embed.out_layer",
             "time_text_embed.text_embedder.linear_1": "vec_embed.in_layer",
             "time_text_embed.text_embedder.linear_2": "vec_embed.out_layer"}  # fmt: skip
    tensors = {}
    for name, value in plain.state_dict().items():
        layer, _, kind = name.rpartition(".")
        tensors[f"{names.get(layer, layer)}.{kind}"] = value.contiguous()
    tensors |= connector(inputs, pooled)
    (out / "transformer").mkdir(parents=True)
    save_file(tensors, out / "transformer" / WEIGHTS, metadata={"format": "pt"})
    own = {"connector_in_channels": inputs, "connector_hidden_size": WIDTH, "connector_heads_num": HEADS, "connector_depth": 2}
    fixed = {"_class_name": "Step1XEditTransformer2DModel", "out_channels": None, "patch_size": 1, "timestep_in_dim": 256}
    write_json(out / "transformer/config.json", fixed | flux | own | {"vector_in_dim": pooled})
    vae = AutoencoderKL(**shapes.vae_config(shapes.middle("flux_kontext")))
    weights.fill("vae", vae, SEED, "f16").save_pretrained(out / "vae")
    copy(encoder, ["config.json", "model.safetensors"], out / "text_encoder")
    copy(encoder, ["preprocessor_config.json", "tokenizer.json"], out / "processor")
    copy(FIXTURES / "step1x", ["scheduler_config.json"], out / "scheduler")
    write_json(out / "model_index.json", {"_class_name": "Step1XEditPipeline"})


def qwen(out):
    """Qwen-Image-Edit, the first release."""
    encoder = FIXTURES / "editreward/models/shards_bf16"
    inputs = json.loads((encoder / "config.json").read_text())["hidden_size"]
    transformer = QwenImageTransformer2DModel(**COMMON, num_layers=12, out_channels=16, joint_attention_dim=inputs)
    weights.fill("transformer", transformer, SEED, "f16").save_pretrained(out / "transformer")
    vae = AutoencoderKLQwenImage(base_dim=32, dim_mult=[1, 2, 4, 4])
    weights.fill("vae", vae, SEED, "f16").save_pretrained(out / "vae")
    copy(encoder, ["config.json", "model*"], out / "text_encoder")
    copy(encoder, ["tokenizer.json"], out / "processor")
    copy(FIXTURES / "qwen_image_edit", ["preprocessor_config.json"], out / "processor")
    write_json(out / "scheduler/scheduler_config.json", QWEN_FLOWS["flow_terminal"])
    write_json(out / "model_index.json", {"_class_name": "QwenImageEditPipeline"})


def main():
    """Read the command line and write one folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path, help="the folder to write, which is not there yet")
    parser.add_argument("--kind", required=True, choices=("step1x_edit", "qwen_image_edit"))
    arguments = parser.parse_args()
    {"step1x_edit": step1x, "qwen_image_edit": qwen}[arguments.kind](arguments.out)


if __name__ == "__main__":
    main()
