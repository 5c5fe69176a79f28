#!/usr/bin/env python3
"""Describe models of the published sizes: their side files, and the names and shapes of their tensors.

Nothing is filled here: `fill.py` draws the weights on the machine with the card, from what this writes. The words of the
judge are those of this project unless a tokenizer and prompts are given.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

PARITY = Path(__file__).resolve().parents[1]

# The rows of the published judge's embedding: the tokenizer's entries and one more.
ROWS = 151666


def write_json(path, value):
    """Write `value` as readable JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def judge_shape(shapes):
    """The published judge on Qwen2.5-VL 7B."""
    return shapes.Shape(
        hidden=3584, layers=28, heads=28, kv_heads=4, intermediate=18944, vision_hidden=1280, vision_depth=32,
        vision_heads=16, vision_intermediate=3420, fullatt=[7, 15, 23, 31], dtype="bf16", lm_head=True, wording=2,
    )  # fmt: skip


def describe_judge(out, words_from, prompts_from, rows):
    """EditReward in the size of its 7B checkpoint."""
    import make_model
    import shape as shapes
    import weights
    import words

    shape = judge_shape(shapes)
    out.mkdir(parents=True, exist_ok=True)
    if words_from:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(words_from / name, out / name)
        tokenizer = words.Tokenizer.from_file(str(out / "tokenizer.json"))
        (out / "prompts").mkdir(exist_ok=True)
        for name, text in words.WORDINGS[shape.wording].items():
            (out / "prompts" / f"{name}.txt").write_bytes(text.encode())
    else:
        tokenizer = make_model.write_words(shape, out)
    if prompts_from:
        shutil.copytree(prompts_from, out / "prompts", dirs_exist_ok=True)
    ids = words.special_ids(tokenizer)
    # The published code brings the embedding to the tokenizer's length.
    rows = rows or tokenizer.get_vocab_size()
    write_json(out / "config.json", shapes.model_config(shape, rows, ids))
    write_json(out / "preprocessor_config.json", shapes.preprocessor_config(shape))
    tensors = [*weights.vision_tensors(shape), *weights.decoder_tensors(shape, rows), *weights.head_tensors(shape)]
    tensors.append(("lm_head.weight", (rows, shape.hidden)))
    described = [{"name": name, "shape": list(size)} for name, size in tensors]
    write_json(out / "tensors.json", [{"file": "model.safetensors", "dtype": "BF16", "tensors": described}])


def kontext_shape(shapes):
    """FLUX.1 Kontext [dev]."""
    return shapes.published(
        "flux_kontext", dtype="bf16", latent_channels=16, heads=24, axes=(16, 56, 56), double=19, single=38,
        clip_width=768, clip_heads=12, clip_layers=12, clip_inner=3072, t5_width=4096, t5_heads=64, t5_head=64,
        t5_inner=10240, t5_layers=24, vae_channels=(128, 256, 512, 512), vae_layers=2, vae_groups=32,
    )  # fmt: skip


def pix2pix_shape(shapes):
    """InstructPix2Pix on Stable Diffusion 1.5."""
    return shapes.published(
        "instruct_pix2pix", dtype="f16", unet_channels=(320, 640, 1280, 1280), unet_cross=(True, True, True, False),
        unet_layers=2, unet_heads=(8,), unet_groups=32, clip_width=768, clip_heads=12, clip_layers=12, clip_inner=3072,
        vae_channels=(128, 256, 512, 512), vae_layers=2, vae_groups=32,
    )  # fmt: skip


def describe_pipeline(out, make_shape):
    """A pipeline of an editor in its published size."""
    import make_pipelines
    import shape as shapes
    import torch

    shape = make_shape(shapes)
    out.mkdir(parents=True, exist_ok=True)
    dtype = {"f16": "F16", "bf16": "BF16"}[shape.dtype]
    files = []
    with torch.device("meta"):
        parts = list(make_pipelines.modules(shape, out))
    for part, module in parts:
        if hasattr(module, "save_config"):
            module.save_config(out / part)
            file = f"{part}/diffusion_pytorch_model.safetensors"
        else:
            module.config.save_pretrained(out / part)
            file = f"{part}/model.safetensors"
        tensors = {name: list(tensor.shape) for name, tensor in module.named_parameters()}
        described = [{"name": name, "shape": size} for name, size in tensors.items()]
        files.append({"file": file, "part": part, "dtype": dtype, "tensors": described})
    make_pipelines.write_json(out / "scheduler" / "scheduler_config.json", shapes.scheduler_config(shape))
    make_pipelines.write_json(out / "model_index.json", make_pipelines.model_index(shape))
    write_json(out / "tensors.json", files)


def main():
    """Read the command line and describe one model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path, help="the folder to write")
    parser.add_argument("--kind", required=True, choices=("editreward", "flux_kontext", "instruct_pix2pix"))
    parser.add_argument("--words", type=Path, help="a folder with tokenizer.json and tokenizer_config.json (judge only)")
    parser.add_argument("--prompts", type=Path, help="a folder with the three prompts (judge only)")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the embedding; 0 for the tokenizer's entries (judge only)")
    arguments = parser.parse_args()
    # Both folders have a module `shape`.
    sys.path.append(str(PARITY / ("editreward" if arguments.kind == "editreward" else "editors")))
    if arguments.kind == "editreward":
        describe_judge(arguments.out, arguments.words, arguments.prompts, arguments.rows)
    else:
        describe_pipeline(arguments.out, {"flux_kontext": kontext_shape, "instruct_pix2pix": pix2pix_shape}[arguments.kind])


if __name__ == "__main__":
    main()
