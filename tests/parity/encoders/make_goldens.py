#!/usr/bin/env python3
"""Make the reference values of Qwen2.5-VL as an encoder, or check them.

Without options this writes them anew. With --check it writes to a temporary folder and compares: models, tokenizers, ids and
positions must be the same, states may differ by 1e-5 of the greatest.

They lie in `workspace/models/tests/fixtures/encoders`: models in `models`, and for each model a folder in `cases`. Weights are
random and loud, so that a wrong port cannot pass; the script itself makes sure that positions of one axis, another order of the
sections and a mask that is ignored each change the states by a hundred times the tolerance.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "editreward"), str(HERE.parent / "editors")]

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2TokenizerFast
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor

import checking
import official
import shape as shapes
import weights
import words

FIXTURES = HERE.parents[2] / "workspace/models/tests/fixtures/encoders"
TOLERANCE = 1e-4
SHARES = {"states": 1e-5, "embeddings": 1e-5}

TRIPLE = "<|vision_start|><|image_pad|><|vision_end|>"
HEAD = "<|im_start|>user\n"
TAIL = "<|im_end|>\n<|im_start|>assistant\n"

# Each model: its shape, whether it is a pipeline, and how its processor's file names the limits of pixels.
MODELS = {
    "pipeline_f16": (
        {"hidden": 48, "heads": 3, "kv_heads": 1, "layers": 2, "intermediate": 64, "rope_theta": 10000.0, "vision_hidden": 12,
         "vision_depth": 2, "vision_heads": 1, "vision_intermediate": 24, "dtype": "f16", "names": "legacy", "merges": 60},
        True,
        {"min_pixels": 4 * 784, "max_pixels": 16 * 784},
    ),
    "plain_bf16": (
        {"hidden": 32, "heads": 2, "kv_heads": 2, "layers": 2, "intermediate": 40, "rope_theta": 1000000.0, "vision_hidden": 8,
         "vision_depth": 3, "vision_heads": 1, "vision_intermediate": 16, "window": 56, "dtype": "bf16", "names": "new",
         "merges": 20, "shards": 2},
        False,
        {"size": {"shortest_edge": 6 * 784, "longest_edge": 12 * 784}},
    ),
}

# Each case: its text, its pictures, and whether tokens of id 0, which is `!`, are hidden.
CASES = {
    "text": (HEAD + "Make the sky bluer." + TAIL, [], False),
    "one_picture": (HEAD + "Picture 1: " + TRIPLE + "Turn the red car into a blue car." + TAIL, ["wide"], False),
    "two_pictures": (HEAD + "Picture 1: " + TRIPLE + "Picture 2: " + TRIPLE + "Add the boat." + TAIL, ["wide", "tall"], False),
    "hidden": (HEAD + "Wow! Picture 1: " + TRIPLE + "Write OPEN! above the door!!" + TAIL, ["tall"], True),
}
PICTURES = {"wide": (150, 80), "tall": (40, 75)}


def write_json(path, value):
    """Write `value` as readable JSON."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_model(home, shape, is_pipeline, limits):
    """Write a model as a pipeline keeps it, or as transformers does; tell the folders of weights and of side files."""
    folder, side = (home / "text_encoder", home / "processor") if is_pipeline else (home, home)
    for path in (folder, side):
        path.mkdir(parents=True, exist_ok=True)
    tokenizer = words.train_tokenizer(shape.merges)
    ids = words.special_ids(tokenizer)
    tokenizer.save(str(side / "tokenizer.json"), pretty=False)
    write_json(side / "tokenizer_config.json", words.tokenizer_config(ids, shape.system))
    rows = tokenizer.get_vocab_size() + shape.extra_rows
    write_json(folder / "config.json", shapes.model_config(shape, rows, ids))
    kept = {name: value for name, value in shapes.preprocessor_config(shape).items() if not name.endswith("_pixels")}
    write_json(side / "preprocessor_config.json", kept | limits)
    tensors = weights.make(shape, rows, 5)
    weights.store({name: value for name, value in tensors.items() if not name.startswith("rm_heads")}, folder, shape.shards)
    return folder, side


def load_model(folder, sections=None):
    """The model of a folder in f32; with other sections where they are given."""
    tensors = official.load_tensors(folder)
    fields = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for unused in ("torch_dtype", "architectures"):
        fields.pop(unused, None)
    config = Qwen2_5_VLConfig(**fields)
    config._attn_implementation = "eager"
    if sections:
        config.text_config.rope_scaling = config.text_config.rope_scaling | {"mrope_section": sections}
        config.rope_scaling = config.text_config.rope_scaling
    model = Qwen2_5_VLForConditionalGeneration(config).float().eval()
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    assert missing == ["lm_head.weight"] and not unexpected, (missing, unexpected)
    return model


def load_processor(side):
    """The processor of pictures, the one that resizes with Pillow."""
    fields = json.loads((side / "preprocessor_config.json").read_text(encoding="utf-8"))
    kept = ("patch_size", "temporal_patch_size", "merge_size", "image_mean", "image_std", "min_pixels", "max_pixels", "size")
    return Qwen2VLImageProcessor(**{name: fields[name] for name in kept if name in fields})


def picture(name):
    """A picture in which every place and channel differ."""
    width, height = PICTURES[name]
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = [np.sin(x / 19 + y / 37), np.cos(y / 17 - x / 43), np.sin((x * y) / 1700)]
    return Image.fromarray((127.5 + 120 * np.stack(waves, 2)).round().astype(np.uint8), "RGB")


class Seen:
    """What goes into the decoder."""

    def __init__(self, model):
        self.embeddings = self.positions = None
        model.model.language_model.register_forward_pre_hook(self.keep, with_kwargs=True)

    def keep(self, _, __, kwargs):
        """Remember embeddings and positions."""
        self.embeddings, self.positions = kwargs["inputs_embeds"], kwargs["position_ids"]


def expand(ids, grids, pad):
    """Ids in which a picture's token stands as often as it has tokens."""
    counts = iter([int(grid.prod()) // 4 for grid in grids])
    return [token for index in ids for token in ([index] * next(counts) if index == pad else [index])]


def run(model, inputs, **changes):
    """The last states, behind the final norm: [tokens, width]."""
    with torch.no_grad():
        return model(**(inputs | changes), output_hidden_states=True).hidden_states[-1][0]


def off(found, right):
    """The greatest difference as a share of the greatest magnitude."""
    return ((found - right).abs().max() / right.abs().max()).item()


def write_cases(home, folder, side):
    """Write what a model makes of all cases."""
    model, processor = load_model(folder), load_processor(side)
    tokenizer, seen = Qwen2TokenizerFast.from_pretrained(side), Seen(model)
    sections = model.config.text_config.rope_scaling["mrope_section"]
    other = load_model(folder, sections[::-1] if sections[::-1] != sections else sections[1:] + sections[:1])
    home.mkdir(parents=True)
    tensors, described = {}, {}
    for name, (text, pictures, hides) in CASES.items():
        images = [picture(part) for part in pictures]
        prepared = processor(images=images, return_tensors="pt") if images else {}
        ids = expand(tokenizer(text).input_ids, prepared.get("image_grid_thw", []), tokenizer.convert_tokens_to_ids("<|image_pad|>"))
        mask = [int(index != 0 or not hides) for index in ids]
        inputs = dict(prepared) | {"input_ids": torch.tensor([ids]), "attention_mask": torch.tensor([mask])}
        states = run(model, inputs)
        tensors[f"{name}.states"] = states
        if name == "one_picture":
            tensors[f"{name}.embeddings"] = seen.embeddings[0].contiguous()
        described[name] = {
            "text": text,
            "pictures": [f"{part}.png" for part in pictures],
            "grids": [grid[1:].tolist() for grid in prepared.get("image_grid_thw", [])],
            "resized_sha256": [resized(image, grid) for image, grid in zip(images, prepared.get("image_grid_thw", []))],
            "ids": ids,
            "visible": mask if hides else None,
            "positions": seen.positions[:, 0].T.tolist(),
        }
        assert (0 in mask) == hides
        controls = {}
        if images:
            line = torch.arange(len(ids)).expand(3, 1, -1)
            controls |= {"line": run(model, inputs, position_ids=line), "sections": run(other, inputs)}
        if hides:
            controls["mask"] = run(model, inputs, attention_mask=torch.ones_like(inputs["attention_mask"]))
        for control, wrong in controls.items():
            print(home.name, name, control, f"{off(wrong, states):.1e}")
            assert off(wrong, states) > 100 * TOLERANCE, control
    save_file(tensors, home / "cases.safetensors")
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(case)}" for name, case in described.items())
    (home / "cases.json").write_text("{\n" + lines + "\n}\n")


def resized(image, grid):
    """The hash of a picture's bytes in the size of its grid."""
    height, width = (int(edge) * 14 for edge in grid[1:])
    return hashlib.sha256(np.asarray(image.resize((width, height), Image.BICUBIC)).tobytes()).hexdigest()


def make_all(home):
    """Write everything below `home`."""
    for name, (fields, is_pipeline, limits) in MODELS.items():
        shape = shapes.Shape(**fields)
        folder, side = write_model(home / "models" / name, shape, is_pipeline, limits)
        write_cases(home / "cases" / name, folder, side)
    for name in PICTURES:
        picture(name).save(home / "cases" / f"{name}.png", optimize=True)


def main():
    """Read the command line, then write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    if not parser.parse_args().check:
        shutil.rmtree(FIXTURES, ignore_errors=True)
        make_all(FIXTURES)
        return
    with tempfile.TemporaryDirectory() as folder:
        make_all(Path(folder))
        found = list(checking.differences(Path(folder), FIXTURES, SHARES))
    print(*(found or ["all is as committed"]), sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
