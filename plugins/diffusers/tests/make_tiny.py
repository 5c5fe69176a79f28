"""Write a complete random pipeline folder of a class, small enough for two cores: `python make_tiny.py CLASS OUT`."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

SEED = 20
WORDS = ("make", "turn", "add", "remove", "the", "a", "sky", "car", "red", "blue", "green", "dark", "bright", "dog", "cat", "snow", "night")
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QWEN_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip


def letters() -> list[str]:
    """The letters that stand for bytes in vocabularies at the level of bytes."""
    plain = [*range(33, 127), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return [chr(byte) for byte in plain] + [chr(256 + place) for place in range(256 - len(plain))]


def filled(module: Any, seed: int = SEED) -> Any:
    """The same module with weights that are large enough for everything to matter."""
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            noise = torch.randn(weight.shape, generator=source, dtype=torch.float32)
            if weight.ndim >= 2:
                weight.copy_(noise * 1.4 / math.sqrt(weight[0].numel()))
            elif name.endswith("bias"):
                weight.copy_(noise * 0.1)
            else:
                weight.copy_(1 + noise * 0.2)
        for name, buffer in module.named_buffers():
            if name.endswith("running_var"):
                buffer.copy_(torch.rand(buffer.shape, generator=source) + 0.5)
    return module.eval()


def clip_tokenizer(folder: Path) -> Any:
    """CLIP's tokenizer over single letters, and how many tokens it has."""
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    tokens = [*letters(), *(letter + "</w>" for letter in letters()), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: place for place, token in enumerate(tokens)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    return CLIPTokenizer.from_pretrained(str(folder), model_max_length=77, pad_token="<|endoftext|>")


def clip(tokenizer: Any) -> Any:
    """A text encoder for it."""
    from transformers import CLIPTextConfig, CLIPTextModel

    count = len(tokenizer)
    named = {"bos_token_id": count - 2, "eos_token_id": count - 1, "pad_token_id": count - 1, "vocab_size": count}
    shape = {"hidden_size": 32, "intermediate_size": 37, "num_attention_heads": 4, "num_hidden_layers": 2, "projection_dim": 32}
    return filled(CLIPTextModel(CLIPTextConfig(**named, **shape)))


def word_tokenizer(special: Mapping[str, str], single: str) -> Any:
    """A tokenizer of whole words and single letters."""
    from transformers import PreTrainedTokenizerFast

    tokens = [*special.values(), *(f"▁{word}" for word in WORDS), *map(chr, range(33, 127)), "▁"]
    pieces = [(token, 0.0 if place < len(special) else -2.0 - 0.01 * place) for place, token in enumerate(dict.fromkeys(tokens))]
    made = Tokenizer(models.Unigram(pieces, unk_id=[token for token, _ in pieces].index(special["unk_token"])))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    ids = [(token, place) for place, (token, _) in enumerate(pieces) if token in single]
    made.post_processor = processors.TemplateProcessing(single=single, special_tokens=ids)
    return PreTrainedTokenizerFast(tokenizer_object=made, **special)


def qwen_tokenizer(folder: Path) -> Any:
    """Qwen's tokenizer over single bytes, with its special tokens."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    made = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(letters())}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in QWEN_TOKENS])
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = CHAT
    fast.save_pretrained(folder)
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": "Qwen2Tokenizer"}), encoding="utf-8")
    (folder / "vocab.json").write_text(json.dumps({letter: place for place, letter in enumerate(letters())}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    return AutoTokenizer.from_pretrained(str(folder))


def plain_vae(blocks: int = 2, **changes: Any) -> Any:
    """The autoencoder that most pipelines have; each block but one halves the sides."""
    from diffusers import AutoencoderKL

    shape = {"block_out_channels": [8] * (blocks - 1) + [16], "latent_channels": 4, "norm_num_groups": 4, "sample_size": 32}
    types = {"down_block_types": ["DownEncoderBlock2D"] * blocks, "up_block_types": ["UpDecoderBlock2D"] * blocks}
    return filled(AutoencoderKL(in_channels=3, out_channels=3, layers_per_block=1, **shape, **types, **changes))


def instruct_pix2pix(cls: Any, folder: Path) -> Any:
    """Of Stable Diffusion 1, conditioned on a picture by further channels."""
    from diffusers import EulerAncestralDiscreteScheduler, UNet2DConditionModel

    tokenizer = clip_tokenizer(folder)
    unet = UNet2DConditionModel(
        block_out_channels=(8, 16), layers_per_block=1, sample_size=32, in_channels=8, out_channels=4, norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32, attention_head_dim=4,
    )  # fmt: skip
    schedule = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "num_train_timesteps": 1000}
    return cls(
        unet=filled(unet), vae=plain_vae(), text_encoder=clip(tokenizer), tokenizer=tokenizer, safety_checker=None, feature_extractor=None,
        scheduler=EulerAncestralDiscreteScheduler(**schedule), requires_safety_checker=False,
    )  # fmt: skip


def flux(cls: Any, folder: Path) -> Any:
    """Of FLUX.1, with two text encoders."""
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    tokenizer = clip_tokenizer(folder)
    second = word_tokenizer({"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}, "$A </s>")
    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=(4, 4, 8), guidance_embeds=True,
    )  # fmt: skip
    t5 = T5EncoderModel(T5Config(vocab_size=len(second), d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4))
    vae = plain_vae(use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1159, scaling_factor=0.3611)
    return cls(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0), vae=vae, text_encoder=clip(tokenizer),
        tokenizer=tokenizer, text_encoder_2=filled(t5), tokenizer_2=second, transformer=filled(transformer),
    )  # fmt: skip


def qwen(cls: Any, folder: Path) -> Any:
    """Of Qwen-Image, with a vision-language model for a text encoder."""
    from diffusers import AutoencoderKLQwenImage, FlowMatchEulerDiscreteScheduler, QwenImageTransformer2DModel
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    tokenizer = qwen_tokenizer(folder)
    transformer = QwenImageTransformer2DModel(
        patch_size=2, in_channels=16, out_channels=4, num_layers=2, attention_head_dim=16, num_attention_heads=3, joint_attention_dim=16,
        axes_dims_rope=(8, 4, 4),
    )  # fmt: skip
    vae = AutoencoderKLQwenImage(
        base_dim=24, z_dim=4, dim_mult=[1, 2, 4], num_res_blocks=1, temperal_downsample=[False, True],
        latents_mean=[0.1, -0.2, 0.0, 0.3], latents_std=[1.1, 0.9, 1.3, 0.8],
    )  # fmt: skip
    encoder = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**qwen_config(tokenizer)))
    schedule = {"base_shift": 0.5, "max_shift": 0.9, "max_image_seq_len": 8192, "shift_terminal": 0.02}
    return cls(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, **schedule), vae=filled(vae), text_encoder=filled(encoder),
        tokenizer=tokenizer, processor=qwen_processor(tokenizer), transformer=filled(transformer),
    )  # fmt: skip


def qwen_config(tokenizer: Any) -> dict[str, Any]:
    """The shape of its vision-language model."""
    rope = {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1e6}
    text = {
        "vocab_size": len(tokenizer), "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 2, "rope_parameters": rope, "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]},
        "rope_theta": 1e6, "max_position_embeddings": 4096,
    }  # fmt: skip
    vision = {
        "depth": 2, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16, "patch_size": 14,
        "window_size": 56, "fullatt_block_indexes": [1],
    }  # fmt: skip
    names = {"image_token_id": "<|image_pad|>", "video_token_id": "<|video_pad|>", "vision_start_token_id": "<|vision_start|>"}
    names |= {"vision_end_token_id": "<|vision_end|>", "vision_token_id": "<|vision_pad|>"}
    ids = {name: tokenizer.convert_tokens_to_ids(token) for name, token in names.items()}
    return {"text_config": text, "vision_config": vision, **ids}


def qwen_processor(tokenizer: Any) -> Any:
    """What makes tokens and patches for it."""
    from transformers import Qwen2VLProcessor
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

    images = Qwen2VLImageProcessor(size={"shortest_edge": 28 * 28 * 4, "longest_edge": 28 * 28 * 16})
    return Qwen2VLProcessor(image_processor=images, tokenizer=tokenizer, video_processor=Qwen2VLVideoProcessor(), chat_template=CHAT)


def omnigen(cls: Any, folder: Path) -> Any:
    """Of OmniGen, where one transformer reads the prompt and denoises."""
    from diffusers import FlowMatchEulerDiscreteScheduler, OmniGenTransformer2DModel

    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    tokenizer = word_tokenizer(dict(special), "<s> $A")
    factors = {"long_factor": [1.0] * 4, "short_factor": [1.0] * 4}
    transformer = OmniGenTransformer2DModel(
        hidden_size=32, num_attention_heads=4, num_key_value_heads=4, intermediate_size=32, num_layers=2, in_channels=4, time_step_dim=4,
        rope_scaling=factors, vocab_size=len(tokenizer) + 8, pad_token_id=3, pos_embed_max_size=64,
    )  # fmt: skip
    scheduler = FlowMatchEulerDiscreteScheduler(invert_sigmas=True, num_train_timesteps=1)
    return cls(transformer=filled(transformer), vae=plain_vae(blocks=4), scheduler=scheduler, tokenizer=tokenizer)


def flux2_klein(cls: Any, folder: Path) -> Any:
    """Of FLUX.2, the small one."""
    from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2Transformer2DModel
    from transformers import Qwen3Config, Qwen3ForCausalLM

    tokenizer = qwen_tokenizer(folder)
    transformer = Flux2Transformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, timestep_guidance_channels=32, axes_dims_rope=(4, 4, 4, 4),
    )  # fmt: skip
    vae = AutoencoderKLFlux2(
        sample_size=32, block_out_channels=(8, 16), layers_per_block=1, latent_channels=4, norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip
    encoder = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=1,
        head_dim=8,
    )  # fmt: skip
    return cls(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0), vae=filled(vae), tokenizer=tokenizer,
        text_encoder=filled(Qwen3ForCausalLM(encoder)), transformer=filled(transformer), is_distilled=False,
    )  # fmt: skip


MAKERS: Mapping[str, Callable[[Any, Path], Any]] = {
    "StableDiffusionInstructPix2PixPipeline": instruct_pix2pix,
    "FluxKontextPipeline": flux,
    "FluxKontextInpaintPipeline": flux,
    "FluxPipeline": flux,
    "QwenImageEditPipeline": qwen,
    "QwenImageEditPlusPipeline": qwen,
    "OmniGenPipeline": omnigen,
    "Flux2KleinPipeline": flux2_klein,
}
QWEN_FORK = "tiny_fork"
"""The module that makes Qwen's pipelines work on small pictures; the folder of this file is where it lies."""


def config_for(name: str, folder: Path) -> dict[str, Any]:
    """What a recipe sets to use a folder that this file wrote."""
    config: dict[str, Any] = {"pipeline": name, "model": str(folder), "steps": 4}
    if name.startswith("Qwen"):
        return config | {"pipeline": f"{QWEN_FORK}:Tiny{name}", "paths": [str(Path(__file__).parent)]}
    if name.startswith("FluxKontext"):
        return config | {"size": {"pixels": 64 * 64}, "arguments": {"_auto_resize": False, "max_sequence_length": 32}}
    if name.startswith("Flux2"):
        return config | {"size": {"pixels": 64 * 64}, "arguments": {"text_encoder_out_layers": [1, 2], "max_sequence_length": 64}}
    if name.startswith("OmniGen"):
        return config | {"arguments": {"max_input_image_size": 64}}
    return config | {"size": {"pixels": 64 * 64}}


def make(name: str, folder: Path) -> dict[str, Any]:
    """Write the pipeline; what a recipe sets to use it."""
    import diffusers

    folder.mkdir(parents=True, exist_ok=True)
    cls = getattr(diffusers, name)
    MAKERS[name](cls, folder / "tokenizer").save_pretrained(folder)
    return config_for(name, folder)


def make_adapter(name: str, model: str, folder: Path, seed: int) -> Path:
    """Write a low-rank adapter for the denoiser of a pipeline."""
    import diffusers
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    cls = getattr(diffusers, name)
    pipeline = cls.from_pretrained(model)
    part = "unet" if hasattr(pipeline, "unet") else "transformer"
    module = getattr(pipeline, part)
    module.add_adapter(LoraConfig(r=2, lora_alpha=2, init_lora_weights=False, target_modules=["to_k", "to_q", "to_v", "to_out.0"]))
    source = torch.Generator().manual_seed(seed)
    layers = {key: torch.randn(weight.shape, generator=source) * 0.3 for key, weight in get_peft_model_state_dict(module).items()}
    cls.save_lora_weights(str(folder), **{f"{part}_lora_layers": layers})
    return folder


def main() -> None:
    """Read the command line and write the folder; the configuration goes to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", metavar="CLASS", choices=sorted(MAKERS), help=", ".join(sorted(MAKERS)))
    parser.add_argument("folder", metavar="OUT", type=Path)
    arguments = parser.parse_args()
    print(json.dumps(make(arguments.name, arguments.folder.absolute())))


if __name__ == "__main__":
    main()
