"""Shapes of random pipelines, and the configurations they come to."""

import argparse
import dataclasses
import json

INSTRUCT_PIX2PIX, FLUX_KONTEXT = KINDS = ("instruct_pix2pix", "flux_kontext")
DTYPES = ("f16", "bf16", "f32")

# What the published pipelines have in their scheduler_config.json, keys that the class passes over among them.
PUBLISHED_DIFFUSION = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
}
SCHEDULERS = {
    "euler_ancestral": {"_class_name": "EulerAncestralDiscreteScheduler"} | PUBLISHED_DIFFUSION,
    "ddim": {"_class_name": "DDIMScheduler"} | PUBLISHED_DIFFUSION,
    "flow_dynamic": {
        "_class_name": "FlowMatchEulerDiscreteScheduler",
        "base_image_seq_len": 256,
        "base_shift": 0.5,
        "max_image_seq_len": 4096,
        "max_shift": 1.15,
        "num_train_timesteps": 1000,
        "shift": 3.0,
        "use_dynamic_shifting": True,
    },
    "flow_static": {
        "_class_name": "FlowMatchEulerDiscreteScheduler",
        "num_train_timesteps": 1000,
        "shift": 3.0,
        "use_dynamic_shifting": False,
    },
}


@dataclasses.dataclass
class Shape:
    """All that can be chosen about a random pipeline; each kind passes over what it has no use for."""

    kind: str = INSTRUCT_PIX2PIX
    dtype: str = "f16"
    shard_bytes: int = 0
    scheduler: str = "euler_ancestral"
    scheduler_changes: str = "{}"
    vae_channels: tuple = (8, 8, 8, 16)
    vae_layers: int = 1
    vae_groups: int = 4
    latent_channels: int = 4
    vae_quant: bool = True
    vae_old_names: bool = False
    scaling: float = 0.18215
    shift: float = 0.0
    clip_width: int = 24
    clip_layers: int = 2
    clip_heads: int = 2
    clip_inner: int = 40
    clip_act: str = "quick_gelu"
    clip_legacy_end: bool = True
    clip_pad: str = "<|endoftext|>"
    clip_style: str = "typed"
    unet_channels: tuple = (8, 16)
    unet_cross: tuple = (True, False)
    unet_layers: int = 1
    unet_heads: tuple = (2,)
    unet_groups: int = 4
    unet_depth: int = 1
    linear_projection: bool = False
    t5_width: int = 16
    t5_layers: int = 2
    t5_heads: int = 2
    t5_head: int = 8
    t5_inner: int = 32
    t5_buckets: int = 32
    t5_distance: int = 128
    axes: tuple = (4, 6, 6)
    heads: int = 2
    double: int = 1
    single: int = 2
    guidance_embeds: bool = True

    def __post_init__(self):
        """Refuse what cannot be."""
        for problem in problems(self):
            raise ValueError(problem)

    @property
    def vae_factor(self):
        """How many pixels of a side make one latent."""
        return 2 ** (len(self.vae_channels) - 1)

    @property
    def packed_channels(self):
        """Channels of a token of 2x2 latents."""
        return self.latent_channels * 4


def problems(shape):
    """What is wrong with a shape."""
    if shape.kind not in KINDS or shape.dtype not in DTYPES:
        yield f"--kind is one of {', '.join(KINDS)}, --dtype one of {', '.join(DTYPES)}"
    if any(width % shape.vae_groups for width in shape.vae_channels):
        yield "--vae-channels must be multiples of --vae-groups"
    if any(width % shape.unet_groups for width in shape.unet_channels):
        yield "--unet-channels must be multiples of --unet-groups"
    if len(shape.unet_cross) != len(shape.unet_channels) or len(shape.unet_heads) not in (1, len(shape.unet_channels)):
        yield "--unet-cross needs one value for each of --unet-channels, --unet-heads one or as many"
    if any(width % heads for width, heads in zip(shape.unet_channels, unet_heads(shape))):
        yield "--unet-channels must be multiples of --unet-heads"
    if shape.clip_width % shape.clip_heads:
        yield "--clip-width must be a multiple of --clip-heads"
    if any(axis % 2 for axis in shape.axes) or len(shape.axes) != 3:
        yield "--axes are three even numbers"
    if shape.scheduler not in SCHEDULERS or shape.scheduler.startswith("flow") != (shape.kind == FLUX_KONTEXT):
        yield f"--scheduler is one of {', '.join(SCHEDULERS)}, flow_… for {FLUX_KONTEXT} only"


def unet_heads(shape):
    """Heads of each block."""
    return shape.unet_heads * (len(shape.unet_channels) if len(shape.unet_heads) == 1 else 1)


def published(kind, **changes):
    """The shape of a kind as its published pipeline has it in all but sizes."""
    if kind == INSTRUCT_PIX2PIX:
        return Shape(**changes)
    usual = {
        "scheduler": "flow_dynamic", "vae_quant": False, "scaling": 0.3611, "shift": 0.1159, "clip_style": "decoder",
    }  # fmt: skip
    return Shape(kind=kind, **(usual | changes))


def middle(kind):
    """A pipeline of middle size, to be timed."""
    if kind == INSTRUCT_PIX2PIX:
        return published(
            kind, unet_channels=(160, 320, 640, 640), unet_cross=(True, True, True, False), unet_layers=2,
            unet_heads=(8,), unet_groups=32, clip_width=768, clip_layers=2, clip_heads=12, clip_inner=3072,
            vae_channels=(64, 128, 256, 256), vae_layers=2, vae_groups=32,
        )  # fmt: skip
    return published(
        kind, latent_channels=16, heads=8, axes=(8, 28, 28), double=4, single=8, clip_width=256, clip_heads=4,
        clip_inner=1024, t5_width=512, t5_heads=8, t5_head=64, t5_inner=1024,
        vae_channels=(64, 128, 256, 256), vae_layers=2, vae_groups=32,
    )  # fmt: skip


def scheduler_config(shape):
    """All of scheduler_config.json."""
    return SCHEDULERS[shape.scheduler] | json.loads(shape.scheduler_changes)


def vae_config(shape):
    """Arguments of AutoencoderKL."""
    count = len(shape.vae_channels)
    return {
        "block_out_channels": list(shape.vae_channels),
        "down_block_types": ["DownEncoderBlock2D"] * count,
        "up_block_types": ["UpDecoderBlock2D"] * count,
        "layers_per_block": shape.vae_layers,
        "latent_channels": shape.latent_channels,
        "norm_num_groups": shape.vae_groups,
        "sample_size": 64,
        "scaling_factor": shape.scaling,
        "shift_factor": shape.shift or None,
        "use_quant_conv": shape.vae_quant,
        "use_post_quant_conv": shape.vae_quant,
    }


def clip_config(shape, rows):
    """Arguments of CLIPTextConfig; of the tokenizer's `rows` entries the last two start and end a text."""
    named = {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1}
    if not shape.clip_legacy_end:
        named = {"bos_token_id": rows - 2, "eos_token_id": rows - 1, "pad_token_id": rows - 1}
    return named | {
        "vocab_size": rows,
        "hidden_size": shape.clip_width,
        "intermediate_size": shape.clip_inner,
        "num_hidden_layers": shape.clip_layers,
        "num_attention_heads": shape.clip_heads,
        "projection_dim": shape.clip_width,
        "hidden_act": shape.clip_act,
        "max_position_embeddings": 77,
        "layer_norm_eps": 1e-5,
    }


def unet_config(shape):
    """Arguments of UNet2DConditionModel."""
    named = ("CrossAttnDownBlock2D", "DownBlock2D"), ("CrossAttnUpBlock2D", "UpBlock2D")
    down, up = ([pair[not cross] for cross in shape.unet_cross] for pair in named)
    return {
        "sample_size": 8,
        "in_channels": shape.latent_channels * 2,
        "out_channels": shape.latent_channels,
        "down_block_types": down,
        "up_block_types": up[::-1],
        "block_out_channels": list(shape.unet_channels),
        "layers_per_block": shape.unet_layers,
        "attention_head_dim": shape.unet_heads[0] if len(shape.unet_heads) == 1 else list(shape.unet_heads),
        "norm_num_groups": shape.unet_groups,
        "cross_attention_dim": shape.clip_width,
        "transformer_layers_per_block": shape.unet_depth,
        "use_linear_projection": shape.linear_projection,
    }


def t5_config(shape, rows):
    """Arguments of T5Config, in the manner of T5 1.1."""
    return {
        "vocab_size": rows,
        "d_model": shape.t5_width,
        "d_kv": shape.t5_head,
        "d_ff": shape.t5_inner,
        "num_layers": shape.t5_layers,
        "num_heads": shape.t5_heads,
        "relative_attention_num_buckets": shape.t5_buckets,
        "relative_attention_max_distance": shape.t5_distance,
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": False,
        "decoder_start_token_id": 0,
        "layer_norm_epsilon": 1e-6,
    }


def transformer_config(shape):
    """Arguments of FluxTransformer2DModel."""
    return {
        "patch_size": 1,
        "in_channels": shape.packed_channels,
        "num_layers": shape.double,
        "num_single_layers": shape.single,
        "attention_head_dim": sum(shape.axes),
        "num_attention_heads": shape.heads,
        "joint_attention_dim": shape.t5_width,
        "pooled_projection_dim": shape.clip_width,
        "guidance_embeds": shape.guidance_embeds,
        "axes_dims_rope": list(shape.axes),
    }


HELP = {
    "shard_bytes": "split weights into files of about this many bytes (0: one file each)",
    "scheduler_changes": "JSON with settings that replace those of the scheduler",
    "vae_quant": "whether the autoencoder has quant_conv and post_quant_conv",
    "vae_old_names": "name the attention's tensors as files of 2022 and the published InstructPix2Pix do",
    "clip_legacy_end": "end-of-text id 2 in the configuration, as published, so that the largest id is looked for",
    "unet_cross": "for each block, 1 if it has cross-attention",
    "unet_heads": "attention_head_dim, which counts heads: one for all blocks or one for each",
    "unet_depth": "transformer_layers_per_block",
}


def add_arguments(parser):
    """Give `parser` one option for each field of `Shape` but the kind; those not given are None."""
    for field in dataclasses.fields(Shape)[1:]:
        options = {"help": HELP.get(field.name, f"default: {field.default}, or as published")}
        if field.type is bool:
            options["action"] = argparse.BooleanOptionalAction
        elif field.type is tuple:
            options |= {"type": int, "nargs": "+"}
        else:
            options["type"] = field.type
        parser.add_argument("--" + field.name.replace("_", "-"), **options)


def changes_from(arguments):
    """What parsed `arguments` ask to be other than usual."""
    found = {}
    for field in dataclasses.fields(Shape)[1:]:
        value = getattr(arguments, field.name)
        if value is not None:
            found[field.name] = tuple(value) if field.type is tuple else value
    if "unet_cross" in found:
        found["unet_cross"] = tuple(map(bool, found["unet_cross"]))
    return found
