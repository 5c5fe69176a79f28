#!/usr/bin/env python3
"""Make small pipelines of Step1X-Edit and whole edits with them, which are committed.

Writes `encoder`, `vae` and `cases` in workspace/models/tests/fixtures/step1x; the denoisers and the tokenizer are those of the
other two scripts. Needs what they need, `--upstream` with all three files. The loop is our own; networks are those of
transformers, diffusers and the authors' fork.
"""

import argparse
import json
import math
import re
import functools
import operator
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessor
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

import make_step1x_goldens as goldens
import make_step1x_prompts as prompts
import weights

HOME = goldens.HOME
CELL = 28 * 28
STEPS = 4
SCHEDULER = {
    "_class_name": "FlowMatchEulerDiscreteScheduler", "base_image_seq_len": 256, "base_shift": 0.5,
    "max_image_seq_len": 4096, "max_shift": 1.15, "num_train_timesteps": 1000, "shift": 3.0,
    "use_dynamic_shifting": True,
}  # fmt: skip
VAE = dict(
    in_channels=3, out_channels=3, down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    block_out_channels=(4, 4, 4, 6), layers_per_block=1, latent_channels=2, norm_num_groups=2, scaling_factor=2.5,
    shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False, mid_block_add_attention=True,
)  # fmt: skip
# By name: transformer, instruction, negative, the source's size, rule, guidance, whether a draw is used.
CASES = {
    "v1_0": ("v1_0", "Add a 'red' hat! " * 5 + "Add a red hat!", "", (64, 48), "plain", 3.0),
    "v1_1": ("v1_1", "Change the text to \"Ab 1\"!", "", (40, 66), "damped", 6.0),
    "v1_1_early": ("v1_1", "Add a red hat.", "Add pendant around this girl's neck.", (64, 64), "damped_early", 4.0),
    "v1_1_unguided": ("v1_1", "Replace 'TRAIN' with 'PLANE'", None, (64, 48), "damped", 1.0),
    "v1_2": ("v1_2", "Change the text to \"Ab 1\"!", "", (64, 48), "damped", 5.0),
}
LEVEL = 48
SEED = 31


def encoder(tokenizer, rows):
    """A small Qwen2.5-VL."""
    id_of = tokenizer.token_to_id
    config = Qwen2_5_VLConfig(
        text_config=dict(
            hidden_size=goldens.IN, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=1, vocab_size=rows, rms_norm_eps=1e-6, rope_theta=1000000.0,
            rope_scaling={"type": "mrope", "mrope_section": [1, 1, 1]}, max_position_embeddings=32768,
            tie_word_embeddings=False,
        ),
        vision_config=dict(
            depth=2, hidden_size=8, intermediate_size=12, num_heads=2, in_channels=3, patch_size=14,
            spatial_merge_size=2, temporal_patch_size=2, window_size=112, fullatt_block_indexes=[1],
            out_hidden_size=goldens.IN, hidden_act="silu",
        ),
        image_token_id=id_of("<|image_pad|>"), video_token_id=id_of("<|video_pad|>"),
        vision_start_token_id=id_of("<|vision_start|>"), vision_end_token_id=id_of("<|vision_end|>"),
    )  # fmt: skip
    model = Qwen2_5_VLForConditionalGeneration(config)
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name or "ln_q" in name:
                value = 1 + 0.3 * noise
            elif "embed_tokens" in name:
                value = noise
            elif parameter.dim() > 1:
                value = 1.5 * noise / math.sqrt(parameter[0].numel())
            else:
                value = 0.2 * noise
            parameter.copy_(value.half().float())
    return model.eval()


def write_encoder(model, folder):
    """Configuration, weights without the way to the next token, and how pictures are prepared."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.half() for name, value in model.state_dict().items() if not name.startswith("lm_head")}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(model.config.to_dict(), indent=1) + "\n")
    processor = {
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
        "image_processor_type": "Qwen2VLImageProcessor", "max_pixels": 12845056, "merge_size": 2, "min_pixels": 3136,
        "patch_size": 14, "temporal_patch_size": 2,
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=1) + "\n")


def original_vae(name):
    """A tensor's name in the files of Black Forest Labs."""
    found = re.fullmatch(r"(encoder|decoder)\.(down|up)_blocks\.(\d)\.(resnets|downsamplers|upsamplers)\.(\d)\.(.*)", name)
    if found:
        side, way, at, kind, number, rest = found.groups()
        at = int(at) if way == "down" else 3 - int(at)
        if kind == "resnets":
            return f"{side}.{way}.{at}.block.{number}.{rest.replace('conv_shortcut', 'nin_shortcut')}"
        return f"{side}.{way}.{at}.{kind.removesuffix('rs').replace('downsample', 'downsample')}.{rest}"
    name = re.sub(r"mid_block\.resnets\.0", "mid.block_1", name)
    name = re.sub(r"mid_block\.resnets\.1", "mid.block_2", name)
    found = re.fullmatch(r"(.*)mid_block\.attentions\.0\.(.*)\.(weight|bias)", name)
    if found:
        layer = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}[found[2]]
        return f"{found[1]}mid.attn_1.{layer}.{found[3]}"
    return name.replace("conv_norm_out", "norm_out")


def vae():
    """A small autoencoder."""
    return weights.fill("vae", AutoencoderKL(**VAE), SEED, "f16").float()


def write_vae(model, folder):
    """The autoencoder as one original file, in which the attention's maps are kernels, and its configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {}
    for name, value in model.state_dict().items():
        name, value = original_vae(name), value.half()
        state[name] = value[:, :, None, None].contiguous() if ".attn_1." in name and value.dim() == 2 else value
    save_file(dict(sorted(state.items())), folder / "ae.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKL"} | VAE, indent=1) + "\n")


def picture(size, seed):
    """A source of blocks and ramps, which takes little room."""
    width, height = size
    source = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    blocks = source.integers(0, 12, (height // 7 + 1, width // 9 + 1, 3))[rows // 7, columns // 9] * 20
    return Image.fromarray((blocks + (rows // 3 + columns // 5)[..., None] % 35).astype(np.uint8))


def worked_size(size):
    """Width and height that a picture is worked on in."""
    width, height = size
    ratio = width / height
    if width > height:
        new_width = math.ceil(math.sqrt(LEVEL * LEVEL * ratio))
        new_height = math.ceil(new_width / ratio)
    else:
        new_height = math.ceil(math.sqrt(LEVEL * LEVEL / ratio))
        new_width = math.ceil(new_height * ratio)
    return new_width // 16 * 16, new_height // 16 * 16


class Reader:
    """What the encoder makes of prompts."""

    def __init__(self, upstream):
        self.tokenizer = Tokenizer.from_file(str(HOME / "encoder/tokenizer.json"))
        self.model = encoder(self.tokenizer, self.tokenizer.get_vocab_size())
        first, second = (upstream / f"pipeline_step1x_edit{end}.py" for end in ("", "_v1p2"))
        self.quoted, self.prefix = prompts.functions(first, ["_split_string", "QWEN25VL_PREFIX"])
        self.marked, _, self.prefix_marked = prompts.functions(
            second,
            ["split_string_in_quotation_and_special_tokens", "split_string_in_quotation", "EDIT_PREFIX"],
            np=np, functools=functools, operator=operator, re=re,
        )  # fmt: skip

    def ids(self, text):
        """The ids of a text."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def seen(self, image, is_marked):
        """The patches and the grid of a picture that is worked on."""
        if not is_marked:
            height, width = smart_resize(image.size[1], image.size[0], 28, 4 * CELL, 16384 * CELL)
            image = image.resize((width, height))
        processor = Qwen2VLImageProcessor(min_pixels=256 * CELL, max_pixels=(400 if is_marked else 324) * CELL)
        out = processor(images=[image], return_tensors="pt")
        return out.pixel_values, out.image_grid_thw

    @torch.no_grad()
    def read(self, instruction, image, is_marked):
        """States and more of all tokens that are kept."""
        pixels, grid = self.seen(image, is_marked)
        end, pad = (self.tokenizer.token_to_id(token) for token in ("<|vision_end|>", "<|image_pad|>"))
        cells = int(grid.prod()) // 4
        if is_marked:
            text = f"{prompts.SYSTEM}{self.prefix_marked} {instruction}{prompts.PICTURE}{prompts.END}"
            pieces, flags = self.marked(text, len(self.prefix_marked), [re.escape(word) for word in prompts.SPECIALS])
            lists = [self.ids(piece) for piece in pieces]
            marks = np.repeat(flags, [len(one) for one in lists]).tolist()
            ids = functools.reduce(operator.iadd, lists, [])
            dropped, most = 90, 2048
        else:
            text = prompts.SYSTEM + self.prefix + prompts.PICTURE + instruction + prompts.END
            curly = self.ids("“") + self.ids("”")
            lists = [self.ids(piece) for piece in self.quoted(None, text)]
            lists = [one[1:-1] if [one[0], one[-1]] == curly else one for one in lists]
            tail, whole = functools.reduce(operator.iadd, lists, []), self.ids(text)
            ids = whole[: whole.index(end)] + tail[tail.index(end) :]
            marks, dropped, most = [False] * len(ids), 217, 640
        at = ids.index(pad)
        ids = ids[:at] + [pad] * cells + ids[at + 1 :]
        marks = marks[:at] + [False] * cells + marks[at + 1 :]
        ids = torch.tensor([ids])
        mask = (ids > 0).long()
        places, _ = self.model.model.get_rope_index(ids, grid, None, None, mask)
        states = self.model(
            input_ids=ids, attention_mask=None if is_marked else mask, position_ids=places, pixel_values=pixels,
            image_grid_thw=grid, output_hidden_states=True,
        ).hidden_states[-1][0]  # fmt: skip
        embeddings = self.model.model.language_model.embed_tokens(ids)[0]
        features = torch.cat(self.model.model.get_image_features(pixels, grid))
        embeddings[ids[0] == pad] = features
        kept = slice(dropped, dropped + most)
        moments = places[0, 0, kept].float()
        text_places = torch.zeros(len(moments), 3)
        if is_marked:
            text_places[:, 0] = moments - moments.max() - 1
            seen = (grid[0, 1:] // 2 * 28).tolist()
            is_cell = ids[0, kept] == pad
            height, width = (int(side) // 28 for side in seen)
            corner = [(image.size[1] - 1) / (seen[0] - 1), (image.size[0] - 1) / (seen[1] - 1)]
            rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
            for axis, (cells_at, stretch) in enumerate(((rows, corner[0]), (columns, corner[1]))):
                text_places[is_cell, axis + 1] = (((28 * cells_at.flatten() + 13.5) * stretch - 11) / 16).float()
        return {
            "ids": ids[0], "states": states[kept], "embeddings": embeddings[kept],
            "marks": torch.tensor(marks)[kept], "places": text_places, "grid": grid[0],
        }  # fmt: skip


def combined(rule, sigma, scale, told, untold):
    """Both answers together."""
    difference = told - untold
    length = difference.norm(dim=-1, keepdim=True)
    damping = torch.where(length > 1, length**0.4, torch.ones_like(length))
    is_damped = {"plain": False, "damped_early": sigma > 0.93, "damped": sigma * 1000 > 0.93}[rule]
    return untold + scale * (difference / damping if is_damped else difference)


def packed(latents):
    """[1, channels, rows, columns] as tokens [1, tokens, channels * 4]."""
    _, channels, rows, columns = latents.shape
    latents = latents.view(1, channels, rows // 2, 2, columns // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return latents.reshape(1, -1, channels * 4)


def unpacked(tokens, rows, columns):
    """The other way round."""
    channels = tokens.shape[-1] // 4
    tokens = tokens.view(1, rows // 2, columns // 2, channels, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return tokens.reshape(1, channels, rows, columns)


@torch.no_grad()
def edit(reader, code, autoencoder, folder, case):
    """One edit, stage by stage."""
    name, instruction, negative, size, rule, scale = case
    is_marked, first, _ = goldens.TRANSFORMERS[name]
    generator = torch.Generator().manual_seed(21 if is_marked else 22)
    model = goldens.tiny_transformer(code, is_marked, generator)
    if name == "v1_0":
        model.connector.global_proj_out.weight.mul_(1 + goldens.FACTOR)
    source = picture(size, len(instruction))
    width, height = worked_size(size)
    worked = source.resize((width, height), Image.BICUBIC if name == "v1_0" else Image.LANCZOS)
    as_tensor = lambda image: torch.from_numpy(np.array(image)).float().permute(2, 0, 1)[None] / 255  # noqa: E731
    if is_marked:
        resized = torch.nn.functional.interpolate(as_tensor(source), (height, width), mode="bilinear", antialias=True)
        unit = resized * 2 - 1
    else:
        unit = as_tensor(worked) * 2 - 1
    moments = autoencoder.encode(unit).latent_dist
    reference = packed((moments.mean - VAE["shift_factor"]) * VAE["scaling_factor"])
    rows, columns = height // 8, width // 8
    grid = (rows // 2, columns // 2)
    noise = torch.randn(1, 2, rows, columns, generator=torch.Generator().manual_seed(7))
    latents = packed(noise)
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(SCHEDULER)
    slope = (1.15 - 0.5) / (4096 - 256)
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / STEPS, STEPS), mu=slope * (latents.shape[1] - 256) + 0.5)
    tensors = {
        "initial_latents": latents, "initial_latents.unpacked": noise, "sigmas": scheduler.sigmas.clone(),
        "source.latents": reference[0],
    }  # fmt: skip
    texts = [reader.read(text, worked, is_marked) for text in (instruction, negative) if text is not None]
    for at, text in enumerate(texts):
        for part in ("states", "embeddings", "places"):
            tensors[f"{at}.{part}"] = torch.cat([text[part][:12], text[part][-24:]])
        # The picture's cells are told by the grid: of those one is enough.
        pad = reader.tokenizer.token_to_id("<|image_pad|>")
        is_again = (text["ids"] == pad) & (text["ids"].roll(1) == pad)
        tensors[f"{at}.ids"] = text["ids"][~is_again].to(torch.uint32)
        tensors[f"{at}.cells"] = (text["ids"] == pad).sum()[None].to(torch.uint32)

    def velocity(text, latents, sigma):
        states = text["states"]
        if is_marked:
            filled, mask = states[None], torch.ones(1, len(states), dtype=torch.long)
        else:
            filled, mask = goldens.padded(states, 640)
        places = text["places"] if is_marked else torch.zeros(640, 3)
        return model(
            hidden_states=torch.cat([latents, reference], 1), encoder_hidden_states=filled, prompt_embeds_mask=mask,
            timestep=torch.tensor([sigma]), txt_ids=places,
            img_ids=torch.cat([goldens.ids(grid, (0, 0, 0)), goldens.ids(grid, first)]),
            text_embeddings=text["embeddings"][None], text_mask=text["marks"].long()[None], return_dict=False,
        )[0][:, : latents.shape[1]]  # fmt: skip

    for step, moment in enumerate(scheduler.timesteps):
        sigma = scheduler.sigmas[step].item()
        told = guided = velocity(texts[0], latents, sigma)
        if len(texts) > 1:
            untold = velocity(texts[1], latents, sigma)
            lengths = (told - untold).norm(dim=-1)
            print(f"{sigma:.3f}: {(lengths > 1).sum()} of {lengths.numel()} tokens are damped, {lengths.max():.2f}")
            guided = combined(rule, sigma, scale, told, untold)
        tensors |= {f"guided.{step}": guided.clone(), f"clean.{step}": latents - sigma * guided}
        latents = scheduler.step(guided, moment, latents, return_dict=False)[0]
        tensors[f"latents.{step}"] = latents.clone()
    tensors["final.latents"] = latents
    decoded = autoencoder.decode(unpacked(latents, rows, columns) / VAE["scaling_factor"] + VAE["shift_factor"]).sample
    image = ((decoded / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    tensors["image"] = image
    print(folder.name, (width, height), [len(text["ids"]) for text in texts], texts[0]["grid"].tolist(), "range",
          [round(latents.min().item(), 2), round(latents.max().item(), 2)], image.float().std().item())  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    source.save(folder / "source.png")
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "tensors.safetensors")
    described = {
        "pipeline": name, "kind": "step1x_edit", "read": [width, height], "output": [width, height],
        "latents": [2, rows, columns], "branches": len(texts), "steps_made": STEPS, "rule": rule, "negative": negative,
        "size_level": LEVEL,
        "request": {
            "instruction": instruction, "steps": STEPS, "guidance": scale, "image_guidance": 0.0, "eta": 0.0,
            "candidates": 1,
        },
    }  # fmt: skip
    (folder / "case.json").write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main():
    """Read the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", required=True, type=Path, help="a folder with the three files")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    code = goldens.module(arguments.upstream / "transformer_step1x_edit.py")
    reader = Reader(arguments.upstream)
    write_encoder(reader.model, HOME / "encoder")
    autoencoder = vae()
    write_vae(autoencoder, HOME / "vae")
    (HOME / "scheduler_config.json").write_text(json.dumps(SCHEDULER, indent=1) + "\n")
    for name, case in CASES.items():
        edit(reader, code, autoencoder, HOME / "cases" / name, case)
    print(sum(path.stat().st_size for path in HOME.rglob("*") if path.is_file()), "bytes")


if __name__ == "__main__":
    main()
