#!/usr/bin/env python3
"""Write a complete random pipeline folder of any shape, and see that all of a request matters to it."""

import argparse
import dataclasses
import json
import random
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, FluxTransformer2DModel, UNet2DConditionModel, __version__
from safetensors.torch import load_file, save
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

import recording
import shape as shapes
import vocabularies
import weights
from shape import INSTRUCT_PIX2PIX, KINDS


def write_json(path, value):
    """Write `value` as readable JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def modules(shape, folder):
    """The modules with weights, by the names of their folders; writes the tokenizers on the way."""
    rows = vocabularies.write_clip_tokenizer(folder / "tokenizer", pad=shape.clip_pad, style=shape.clip_style)
    yield "text_encoder", CLIPTextModel(CLIPTextConfig(**shapes.clip_config(shape, rows)))
    if shape.kind == INSTRUCT_PIX2PIX:
        yield "unet", UNet2DConditionModel(**shapes.unet_config(shape))
    else:
        rows = vocabularies.write_t5_tokenizer(folder / "tokenizer_2")
        yield "text_encoder_2", T5EncoderModel(T5Config(**shapes.t5_config(shape, rows)))
        yield "transformer", FluxTransformer2DModel(**shapes.transformer_config(shape))
    yield "vae", AutoencoderKL(**shapes.vae_config(shape))


def model_index(shape):
    """All of model_index.json."""
    scheduler = shapes.scheduler_config(shape)["_class_name"]
    common = {
        "_diffusers_version": __version__,
        "feature_extractor": [None, None],
        "scheduler": ["diffusers", scheduler],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    if shape.kind == INSTRUCT_PIX2PIX:
        name = "StableDiffusionInstructPix2PixPipeline"
        rest = {"safety_checker": [None, None], "unet": ["diffusers", "UNet2DConditionModel"]}
        return {"_class_name": name} | common | rest | {"requires_safety_checker": False}
    rest = {
        "image_encoder": [None, None],
        "text_encoder_2": ["transformers", "T5EncoderModel"],
        "tokenizer_2": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", "FluxTransformer2DModel"],
    }
    return {"_class_name": "FluxKontextPipeline"} | common | rest


def make_pipeline(shape, folder, seed):
    """Write the pipeline of `shape` and `seed` into `folder`, in place of what an earlier run wrote there."""
    folder = Path(folder)
    if (folder / "model_index.json").exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    options = {"max_shard_size": shape.shard_bytes} if shape.shard_bytes else {}
    for part, module in modules(shape, folder):
        weights.fill(part, module, seed, shape.dtype).save_pretrained(folder / part, **options)
    if shape.vae_old_names:
        for file in (folder / "vae").glob("*.safetensors"):
            use_old_names(file)
    write_json(folder / "scheduler" / "scheduler_config.json", shapes.scheduler_config(shape))
    write_json(folder / "model_index.json", model_index(shape))


def use_old_names(file):
    """Name the tensors of the autoencoder's attention as they were named in 2022."""
    old = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    tensors = {}
    for name, tensor in load_file(file).items():
        new = next((new for new in old if new in name), None)
        tensors[name.replace(new, old[new]) if new else name] = tensor
    file.write_bytes(save(dict(sorted(tensors.items())), metadata={"format": "pt"}))


def draw_shape(kind, source):
    """A random shape that is valid."""
    draw = draw_instruct_pix2pix if kind == INSTRUCT_PIX2PIX else draw_kontext
    groups, heads = source.choice((2, 4, 8)), source.choice((1, 2, 4))
    common = {
        "dtype": source.choice(shapes.DTYPES),
        "shard_bytes": source.choice((0, 0, 60_000, 200_000)),
        "vae_channels": tuple(groups * source.randint(1, 3) for _ in range(source.choice((2, 3, 4)))),
        "vae_groups": groups,
        "vae_layers": source.choice((1, 2)),
        "clip_width": heads * source.choice((6, 8, 12)),
        "clip_heads": heads,
        "clip_layers": source.randint(1, 4),
        "clip_inner": source.randint(8, 90),
        "clip_act": source.choice(("quick_gelu", "gelu")),
        "clip_legacy_end": source.random() < 0.6,
        "clip_style": source.choice(("typed", "decoder", "plain")),
    }
    return shapes.published(kind, **(common | draw(source)))


def draw_instruct_pix2pix(source):
    """What is peculiar to a random InstructPix2Pix."""
    groups, heads, depth = source.choice((2, 4)), source.choice((1, 2, 4)), source.choice((2, 2, 3, 4))
    step = groups * heads
    spacing = source.choice(("linspace", "leading", "trailing"))
    changes = {
        "timestep_spacing": spacing,
        "steps_offset": source.choice((0, 1)),
        "prediction_type": source.choice(("epsilon", "epsilon", "v_prediction")),
        "beta_schedule": source.choice(("scaled_linear", "linear")),
        "set_alpha_to_one": source.random() < 0.5,
        "clip_sample": source.random() < 0.3,
    }
    return {
        "unet_channels": tuple(step * source.randint(1, 3) for _ in range(depth)),
        "unet_cross": tuple([True] + [source.random() < 0.6 for _ in range(depth - 1)]),
        "unet_layers": source.choice((1, 2)),
        "unet_heads": (heads,) if source.random() < 0.5 else tuple(source.choice((1, heads)) for _ in range(depth)),
        "unet_groups": groups,
        "unet_depth": source.choice((1, 1, 2)),
        "linear_projection": source.random() < 0.4,
        "scaling": source.choice((0.18215, 0.5)),
        "vae_old_names": source.random() < 0.4,
        "scheduler": source.choice(("euler_ancestral", "ddim")),
        "scheduler_changes": json.dumps(changes),
    }


def draw_kontext(source):
    """What is peculiar to a random Kontext."""
    return {
        "latent_channels": source.choice((1, 4, 16)),
        "scaling": source.choice((0.3611, 1.5)),
        "shift": source.choice((0.1159, -0.2, 0.0609)),
        "t5_heads": source.choice((1, 2, 3)),
        "t5_head": source.choice((4, 8)),
        "t5_width": source.choice((8, 16, 24)),
        "t5_inner": source.randint(8, 60),
        "t5_layers": source.randint(1, 4),
        "t5_buckets": source.choice((32, 8)),
        "t5_distance": source.choice((128, 20)),
        "axes": source.choice(((4, 6, 6), (2, 4, 2), (8, 12, 12), (16, 8, 8))),
        "heads": source.choice((1, 2, 3)),
        "double": source.randint(1, 3),
        "single": source.randint(1, 3),
        "guidance_embeds": source.random() < 0.6,
        "scheduler": source.choice(("flow_dynamic", "flow_static")),
    }


def chosen_shape(arguments):
    """The shape that parsed `arguments` ask for."""
    changes = shapes.changes_from(arguments)
    if arguments.mid:
        return dataclasses.replace(shapes.middle(arguments.kind), **changes)
    if arguments.random:
        drawn = draw_shape(arguments.kind, random.Random(f"{arguments.kind}/{arguments.seed}"))
        return dataclasses.replace(drawn, **changes)
    return shapes.published(arguments.kind, **changes)


def main():
    """Read the command line and write the pipeline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, type=Path, help="the folder to write")
    parser.add_argument("--kind", required=True, choices=KINDS)
    parser.add_argument("--seed", required=True, type=int, help="what the weights are drawn from")
    parser.add_argument("--random", action="store_true", help="draw the shape from the seed, too")
    parser.add_argument("--mid", action="store_true", help="a pipeline of middle size, to be timed")
    shapes.add_arguments(parser)
    arguments = parser.parse_args()
    try:
        shape = chosen_shape(arguments)
    except ValueError as error:
        parser.error(str(error))
    make_pipeline(shape, arguments.out, arguments.seed)
    print(json.dumps(dataclasses.asdict(shape)))
    if not arguments.mid:
        torch.set_num_threads(1)
        found = recording.influences(recording.load(arguments.out))
        print(json.dumps(found))
        recording.insist_on(found)


if __name__ == "__main__":
    main()
