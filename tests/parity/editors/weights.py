"""Random weights under which every part of a pipeline matters."""

import zlib

import numpy as np
import torch

TORCH = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}

# How much louder than 1/sqrt(inputs) a matrix or kernel is, by a part of its name; the first match counts. Latents at
# the decoder's door are some hundreds, so that its first kernels are quiet.
GAINS = {
    "vae": {"encoder.conv_out": 3.0, "decoder.conv_out": 0.35, "decoder.conv_in": 0.3, "post_quant_conv": 0.3, "quant_conv": 1.0, "": 1.0},
    "unet": {"attn2.to_out": 2.0, "attn2.to_": 1.5, "conv_out": 1.2, "time_emb": 0.7, "conv_in": 1.5, "": 1.0},
    "transformer": {"attn.to_v": 2.0, "attn.to_out": 2.0, "x_embedder": 1.5, "": 1.0},
    "text_encoder": {"_proj": 1.4, "": 1.2},
    "text_encoder_2": {".q.": 0.5, "": 1.2},
}  # fmt: skip


def draw(part, name, size, seed):
    """Random values for one tensor; they depend on part, name, size and seed only."""
    source = np.random.default_rng([seed, zlib.crc32(f"{part}/{name}".encode())])
    if "norm_q" in name or "norm_k" in name or "norm_added" in name:
        return source.uniform(1.4, 2.2, size)
    if len(size) == 1 and name.endswith("weight"):
        return source.uniform(0.6, 1.4, size)
    if name.endswith("bias"):
        return source.normal(0.0, 0.15, size)
    if "position_embedding" in name:
        return source.normal(0.0, 0.4, size)
    if "relative_attention_bias" in name:
        return source.normal(0.0, 0.8, size)
    if "token_embedding" in name or "shared" in name or "embed_tokens" in name:
        return source.normal(0.0, 1.0, size)
    gain = next(gain for inside, gain in GAINS[part].items() if inside in name)
    return source.normal(0.0, gain / np.sqrt(np.prod(size[1:])), size)


@torch.no_grad()
def fill(part, module, seed, dtype):
    """Give a module's parameters random values as they will be stored."""
    for name, parameter in module.named_parameters():
        parameter.copy_(torch.from_numpy(draw(part, name, tuple(parameter.shape), seed)))
    return module.to(TORCH[dtype]).eval()
