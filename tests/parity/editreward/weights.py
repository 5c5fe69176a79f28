"""Random weights under which every part of the model matters."""

import json
import re
import zlib

import numpy as np
import torch
from safetensors.torch import save

from shape import MERGE, PATCH, TEMPORAL

TORCH = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
HEAD_SIZES = (1024, 16, 2)

# How much louder than 1/sqrt(inputs) a matrix is, by the end of its name; the first match counts.
GAINS = [
    ("q_proj.weight", 1.6),
    ("k_proj.weight", 1.6),
    ("o_proj.weight", 1.3),
    ("down_proj.weight", 1.6),
    ("attn.qkv.weight", 1.4),
    ("attn.proj.weight", 1.3),
    ("merger.mlp.0.weight", 1.4),
    ("merger.mlp.2.weight", 1.6),
    ("0.weight", 1.4),
    ("3.weight", 1.6),
    ("5.weight", 1.2),
]


def vision_tensors(shape):
    """Names and sizes of the vision tower's tensors."""
    width, inner = shape.vision_hidden, shape.vision_intermediate
    yield "model.visual.patch_embed.proj.weight", (width, 3, TEMPORAL, PATCH, PATCH)
    for index in range(shape.vision_depth):
        block = f"model.visual.blocks.{index}."
        yield block + "norm1.weight", (width,)
        yield block + "norm2.weight", (width,)
        yield from linear(block + "attn.qkv", 3 * width, width)
        yield from linear(block + "attn.proj", width, width)
        yield from linear(block + "mlp.gate_proj", inner, width)
        yield from linear(block + "mlp.up_proj", inner, width)
        yield from linear(block + "mlp.down_proj", width, inner)
    merged = width * MERGE * MERGE
    yield "model.visual.merger.ln_q.weight", (width,)
    yield from linear("model.visual.merger.mlp.0", merged, merged)
    yield from linear("model.visual.merger.mlp.2", shape.hidden, merged)


def decoder_tensors(shape, rows):
    """Names and sizes of the decoder's tensors."""
    width, inner, keys = shape.hidden, shape.intermediate, shape.kv_heads * shape.head_dim
    yield "model.language_model.embed_tokens.weight", (rows, width)
    for index in range(shape.layers):
        layer = f"model.language_model.layers.{index}."
        yield from linear(layer + "self_attn.q_proj", width, width)
        yield from linear(layer + "self_attn.k_proj", keys, width)
        yield from linear(layer + "self_attn.v_proj", keys, width)
        yield layer + "self_attn.o_proj.weight", (width, width)
        yield layer + "mlp.gate_proj.weight", (inner, width)
        yield layer + "mlp.up_proj.weight", (inner, width)
        yield layer + "mlp.down_proj.weight", (width, inner)
        yield layer + "input_layernorm.weight", (width,)
        yield layer + "post_attention_layernorm.weight", (width,)
    yield "model.language_model.norm.weight", (width,)


def head_tensors(shape):
    """Names and sizes of the two reward heads' tensors."""
    for head in (0, 1):
        inputs = shape.hidden
        for place, outputs in zip((0, 3, 5), HEAD_SIZES):
            yield from linear(f"rm_heads.head_{head}.{place}", outputs, inputs)
            inputs = outputs


def linear(name, outputs, inputs):
    """A matrix and its bias."""
    yield name + ".weight", (outputs, inputs)
    yield name + ".bias", (outputs,)


def draw(name, size, seed):
    """Random values for one tensor; they depend on its name, its size and the seed only."""
    source = np.random.default_rng([seed, zlib.crc32(name.encode())])
    if "norm" in name or name.endswith("ln_q.weight"):
        return source.uniform(0.5, 1.5, size)
    if name.endswith("bias"):
        return source.normal(0.0, 0.25, size)
    if name.endswith("embed_tokens.weight"):
        return source.normal(0.0, 0.8, size)
    gain = next((gain for end, gain in GAINS if name.endswith(end)), 1.0)
    return source.normal(0.0, gain / np.sqrt(np.prod(size[1:])), size)


def old_name(name):
    """The name that `save_pretrained` gives a tensor."""
    name = re.sub(r"^model\.language_model\.", "model.", name)
    return re.sub(r"^model\.visual\.", "visual.", name)


def make(shape, rows, seed):
    """All tensors of the model by name, as they will be stored."""
    sizes = [*vision_tensors(shape), *decoder_tensors(shape, rows), *head_tensors(shape)]
    if shape.lm_head:
        sizes.append(("lm_head.weight", (rows, shape.hidden)))
    rename = old_name if shape.names == "legacy" else str
    dtype = TORCH[shape.dtype]
    return {rename(name): torch.from_numpy(draw(name, size, seed)).to(torch.float32).to(dtype) for name, size in sizes}


def store(tensors, folder, shards):
    """Write `tensors` as one file, or as `shards` files and their index."""
    if shards > len(tensors):
        raise ValueError(f"--shards {shards} is more than the {len(tensors)} tensors")
    if shards == 1:
        (folder / "model.safetensors").write_bytes(save(tensors, metadata={"format": "pt"}))
        return
    names, places = list(tensors), {}
    for index in range(shards):
        file = f"model-{index + 1:05}-of-{shards:05}.safetensors"
        part = names[index * len(names) // shards : (index + 1) * len(names) // shards]
        (folder / file).write_bytes(save({name: tensors[name] for name in part}, metadata={"format": "pt"}))
        places |= dict.fromkeys(part, file)
    total = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")
