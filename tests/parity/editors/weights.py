"""Random weights under which every part of a pipeline matters."""

import zlib

import numpy as np
import torch

TORCH = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}

# How much louder than 1/sqrt(inputs) a matrix or kernel is, by a part of its name; the first match counts. Latents at
# the decoder's door are some hundreds, so that its first kernels are quiet. What the first norms read is quiet, too,
# so that what they add to the variance shows; inner layers are loud, so that the form of GELU shows.
GAINS = {
    "vae": {
        "encoder.conv_out": 4.0, "decoder.conv_out": 0.35, "decoder.conv_in": 0.3, "post_quant_conv": 0.3, "": 1.0,
    },
    "unet": {
        "attn2.to_out": 0.7, "attn2.to_": 1.5, "conv_out": 1.2, "time_emb": 0.7, "conv_in": 0.3, "proj_in": 0.1,
        "conv2": 0.3, "ff.net.0": 1.4, "ff.net.2": 2.0, "": 1.0,
    },
    "transformer": {
        "to_q": 0.05, "to_k": 0.05, "add_q": 0.05, "add_k": 0.05, "attn.to_v": 2.0, "attn.to_out": 2.0,
        "x_embedder": 0.15, "context_embedder": 0.1, "net.0": 1.4, "net.2": 2.0, "proj_mlp": 1.4,
        "single_transformer_blocks.0.proj_out": 2.0, "": 1.0,
    },
    "text_encoder": {"_proj": 1.4, "": 1.2},
    "text_encoder_2": {".q.": 0.5, "wi_0": 1.6, "": 1.2},
}  # fmt: skip
QUIET_BIASES = ("conv_in.bias", "proj_in.bias", "conv2.bias", "embedder.bias", "to_q.bias", "to_k.bias", "_proj.bias")
EMBEDDINGS = {"position_embedding": 0.03, "relative_attention_bias": 0.8, "token_embedding": 0.06, "shared": 0.05}


def draw(part, name, size, seed):
    """Random values for one tensor; they depend on part, name, size and seed only."""
    source = np.random.default_rng([seed, zlib.crc32(f"{part}/{name}".encode())])
    if "norm_q" in name or "norm_k" in name or "norm_added" in name:
        return source.uniform(1.4, 2.2, size)
    if len(size) == 1 and name.endswith("weight"):
        return source.uniform(0.6, 1.4, size)
    if name.endswith("bias"):
        return source.normal(0.0, 0.03 if name.endswith(QUIET_BIASES) else 0.15, size)
    for inside, deviation in EMBEDDINGS.items():
        if inside in name:
            return source.normal(0.0, deviation, size)
    gain = next(gain for inside, gain in GAINS[part].items() if inside in name)
    return source.normal(0.0, gain / np.sqrt(np.prod(size[1:])), size)


@torch.no_grad()
def fill(part, module, seed, dtype):
    """Give a module's parameters random values as they will be stored."""
    for name, parameter in module.named_parameters():
        parameter.copy_(torch.from_numpy(draw(part, name, tuple(parameter.shape), seed)))
    return module.to(TORCH[dtype]).eval()
