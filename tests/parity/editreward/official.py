#!/usr/bin/env python3
"""Score pairs with stock HF Qwen2.5-VL, driven the way the published EditReward code drives it.

Two prompts per pair, one flat right-padded batch per prompt, each with its own run of the vision tower. The
decoder gets embeddings and no token ids, so positions count up by one. The state after the final norm at the
reward token goes through that prompt's head, in f32.
"""

import argparse
import contextlib
import copy
import hashlib
import json
import math
import os
from pathlib import Path

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor, Qwen2TokenizerFast
from transformers.models.qwen2_vl.image_processing_qwen2_vl_fast import Qwen2VLImageProcessorFast
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

from words import PROMPT_NAMES, REWARD

CELL = 28
OFFICIAL_BUDGET = 256 * CELL * CELL
PROCESSOR_LIMITS = (3136, 12845056)
MOST_ELONGATED = 200
MODES = ("official", "exact", "mrope", "unrounded_text", "bf16")
STAGED = ("official", "exact")
ROWS = 8


# Sizes and pictures


def half_to_even(value):
    """Round as Python does."""
    return round(value)


def half_away(value):
    """Round as most languages do; only for comparison."""
    return math.floor(value + 0.5)


def target_size(height, width, budget, rounding=half_to_even):
    """The size to which a picture is brought, with both limits at `budget`."""
    if max(height, width) / min(height, width) > MOST_ELONGATED:
        raise ValueError(f"a picture of {width}x{height} is more elongated than {MOST_ELONGATED}:1")
    sides = [max(CELL, rounding(side / CELL) * CELL) for side in (height, width)]
    if sides[0] * sides[1] > budget:
        shrink = math.sqrt((height * width) / budget)
        sides = [math.floor(side / shrink / CELL) * CELL for side in (height, width)]
    elif sides[0] * sides[1] < budget:
        grow = math.sqrt(budget / (height * width))
        sides = [math.ceil(side * grow / CELL) * CELL for side in (height, width)]
    if 0 in sides:
        raise ValueError(f"a budget of {budget} pixels leaves nothing of a picture of {width}x{height}")
    return tuple(sides)


def fit_picture(path, budget):
    """Read a picture and bring it to its target size."""
    picture = Image.open(path).convert("RGB")
    height, width = target_size(picture.height, picture.width, budget)
    return picture.resize((width, height), Image.BICUBIC)


# The model


class RewardModel(Qwen2_5_VLForConditionalGeneration):
    """HF's model with two reward heads and without the head for words."""

    def __init__(self, config):
        super().__init__(config)
        self.lm_head = nn.Identity()
        self.rm_heads = nn.ModuleDict({f"head_{index}": make_head(config.text_config.hidden_size) for index in (0, 1)})


def make_head(width):
    """One reward head; the dropout of training does nothing here, but takes a number in the names."""
    return nn.Sequential(
        nn.Linear(width, 1024), nn.ReLU(), nn.Dropout(0.05), nn.Linear(1024, 16), nn.ReLU(), nn.Linear(16, 2)
    )


def new_name(name):
    """The name a tensor has in transformers >= 4.52, whichever it has in the file."""
    if name.startswith("visual."):
        return "model." + name
    if name.startswith("model.") and not name.startswith(("model.visual.", "model.language_model.")):
        return "model.language_model." + name.removeprefix("model.")
    return name


def load_tensors(folder):
    """All stored tensors but the head for words, in f32, by their new names."""
    index = folder / "model.safetensors.index.json"
    files = {"model.safetensors"}
    if index.exists():
        files = set(json.loads(index.read_text())["weight_map"].values())
    stored = {name: tensor for file in sorted(files) for name, tensor in load_file(folder / file).items()}
    return {new_name(name): tensor.float() for name, tensor in stored.items() if name != "lm_head.weight"}


def load_model(folder):
    """The model of a directory, in f32 with exact tables."""
    tensors = load_tensors(folder)
    fields = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for unused in ("torch_dtype", "architectures"):
        fields.pop(unused, None)
    config = Qwen2_5_VLConfig(**fields)
    # The official code shrinks the embedding to what is in the file.
    config.text_config.vocab_size = len(tensors["model.language_model.embed_tokens.weight"])
    config._attn_implementation = "sdpa"
    model = RewardModel(config).float().eval()
    model.load_state_dict(tensors, strict=True)
    return model


def load_processor(folder):
    """HF's processor with the directory's tokenizer and template, and the pixel budget of the first resizing."""
    fields = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    limits, budget = (fields["min_pixels"], fields["max_pixels"]), OFFICIAL_BUDGET
    if limits[0] == limits[1]:
        limits, budget = PROCESSOR_LIMITS, limits[0]
    kept = ("patch_size", "temporal_patch_size", "merge_size", "image_mean", "image_std")
    fields = {name: fields[name] for name in kept if name in fields}
    pictures = Qwen2VLImageProcessorFast(min_pixels=limits[0], max_pixels=limits[1], **fields)
    tokenizer = Qwen2TokenizerFast.from_pretrained(folder, padding_side="right")
    template = tokenizer.chat_template
    processor = Qwen2_5_VLProcessor(pictures, tokenizer, Qwen2VLVideoProcessor(), chat_template=template)
    return processor, budget


@contextlib.contextmanager
def tables(model, text, vision):
    """Round the text's or the vision tower's rotary frequencies to bf16, as `model.to(bfloat16)` does.

    The vision tower then makes its angles and their cosines in bf16 too, before it goes on in f32.
    """
    rounded = {model.model.language_model.rotary_emb: text, model.model.visual.rotary_pos_emb: vision}
    kept = {module: module.inv_freq.clone() for module in rounded}
    try:
        for module, wanted in rounded.items():
            module.to(torch.bfloat16 if wanted else torch.float32)
        yield
    finally:
        for module, exact in kept.items():
            module.inv_freq = exact


# Looking inside


class Stages:
    """Collects what flows between the blocks, some rows of it, for the first pair of a batch."""

    def __init__(self, model):
        self.model, self.seen = model, {}

    @contextlib.contextmanager
    def watch(self):
        """Listen to `model` while it runs once."""
        visual, text = self.model.model.visual, self.model.model.language_model
        handles = [self.before(visual.blocks[0], "vision.0"), self.before(text.layers[0], "decoder.0")]
        handles += [self.after(block, f"vision.{index + 1}") for index, block in enumerate(visual.blocks)]
        handles += [self.after(layer, f"decoder.{index + 1}") for index, layer in enumerate(text.layers)]
        handles += [self.after(visual, "merger"), self.after(text.norm, "normed")]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def before(self, module, name):
        """Keep what goes into `module`."""
        return module.register_forward_pre_hook(lambda _, inputs: self.keep(name, inputs[0]))

    def after(self, module, name):
        """Keep what comes out of `module`."""
        return module.register_forward_hook(lambda _, inputs, output: self.keep(name, output))

    def keep(self, name, value):
        """Remember a value under its name."""
        value = value[0] if isinstance(value, tuple) else value
        # The decoder's values have a batch as their first axis, of which the first pair is the first.
        self.seen[name] = value[0] if name.startswith(("decoder", "normed")) else value


def spread(length, always=None):
    """Rows that lie evenly between the first and the last of `length`, and the row `always`."""
    rows = {round(index * (length - 1) / (ROWS - 1)) for index in range(ROWS)}
    if always is not None:
        rows.add(always)
    return sorted(rows)


# Scoring


class Batch:
    """What HF's processor makes of all pairs under one prompt."""

    def __init__(self, processor, texts, pictures):
        inputs = processor(text=texts, images=pictures, padding=True, return_tensors="pt")
        self.ids, self.mask = inputs["input_ids"], inputs["attention_mask"]
        self.pixels, self.grid = inputs["pixel_values"], inputs["image_grid_thw"]

    def sizes(self):
        """Height and width of each picture as the model sees it."""
        return [(14 * height, 14 * width) for _, height, width in self.grid.tolist()]

    def lengths(self):
        """Tokens of each pair."""
        return self.mask.sum(-1).tolist()


class Official:
    """A loaded model directory."""

    def __init__(self, folder):
        folder = Path(folder)
        self.model = load_model(folder)
        self.processor, self.budget = load_processor(folder)
        read = lambda name: (folder / "prompts" / f"{name}.txt").read_bytes().decode()
        self.prompts = {name: read(name) + read("tail") for name in PROMPT_NAMES}
        self.reward = self.processor.tokenizer.convert_tokens_to_ids(REWARD)
        self._rounded = None

    @property
    def rounded(self):
        """The model as the official code has it: bf16 throughout, but for the heads."""
        if self._rounded is None:
            self._rounded = copy.deepcopy(self.model).to(torch.bfloat16)
            self._rounded.rm_heads.float()
        return self._rounded

    def pictures(self, pairs, folder):
        """The resized pictures of all pairs, source and edited in turn."""
        names = [name for pair in pairs for name in (pair["source"], pair["edited"])]
        return [fit_picture(Path(folder) / name, self.budget) for name in names]

    def batch(self, pairs, pictures, prompt):
        """Everything that the model reads for `pairs` under `prompt`."""
        texts = [self.prompts[prompt].format(text_prompt=pair["instruction"]) for pair in pairs]
        image = {"type": "image"}
        messages = [[{"role": "user", "content": [image, image, {"type": "text", "text": text}]}] for text in texts]
        texts = self.processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        batch = Batch(self.processor, texts, pictures)
        if not torch.equal((batch.ids == self.reward).sum(-1), torch.ones(len(pairs), dtype=torch.long)):
            raise ValueError("each pair must have one reward token; does an instruction hold one?")
        if batch.sizes() != [(picture.height, picture.width) for picture in pictures]:
            raise ValueError("HF's processor resized once more: its limits are too narrow for the budget")
        return batch

    def batches(self, pairs, folder):
        """One batch for each prompt; as in the official code each reads and resizes the pictures anew."""
        return {name: self.batch(pairs, self.pictures(pairs, folder), name) for name in PROMPT_NAMES}

    @torch.no_grad()
    def score(self, batches, mode="official", stages=None):
        """Mean and logarithm of sigma of every pair, by prompt."""
        model = self.rounded if mode == "bf16" else self.model
        text, vision = mode in ("official", "mrope"), mode in ("official", "mrope", "unrounded_text")
        # The bf16 model has its tables rounded from the start.
        chosen = contextlib.nullcontext() if mode == "bf16" else tables(model, text, vision)
        with chosen:
            return {
                prompt: self.run(model, batch, f"head_{index}", mode == "mrope", stages and stages[prompt])
                for index, (prompt, batch) in enumerate(batches.items())
            }

    def run(self, model, batch, head, mrope, stages):
        """One pass of the model, and the head at the reward token."""
        with stages.watch() if stages else contextlib.nullcontext():
            features = model.model.visual(batch.pixels, grid_thw=batch.grid)
            embeddings = model.get_input_embeddings()(batch.ids)
            places = (batch.ids == model.config.image_token_id)[..., None].expand_as(embeddings)
            embeddings = embeddings.masked_scatter(places, features.to(embeddings.dtype))
            positions = None
            if mrope:
                positions, _ = model.model.get_rope_index(batch.ids, batch.grid, None, attention_mask=batch.mask)
            hidden = model.model(
                input_ids=None,
                inputs_embeds=embeddings,
                attention_mask=batch.mask,
                position_ids=positions,
                use_cache=False,
                return_dict=True,
            )[0]
            outputs = model.rm_heads[head](hidden.float())
        pooled = outputs[batch.ids == self.reward].view(len(batch.ids), -1)
        if stages:
            stages.seen["head"] = pooled[0]
        return pooled.tolist()


def fuse(first, second):
    """The ways of the official code to make one vector of the two heads' vectors."""
    variance = math.exp(first[1]) ** 2 + math.exp(second[1]) ** 2
    return {
        "mean": [(a + b) / 2 for a, b in zip(first, second)],
        "min": [min(a, b) for a, b in zip(first, second)],
        "sum": [first[0] + second[0], math.log(math.sqrt(variance))],
    }


# Reports


def sha256(data):
    """Hash in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


class Report:
    """All that a golden case tells about some pairs."""

    def __init__(self, official, pairs, folder):
        self.official, self.pairs = official, pairs
        self.originals = [Image.open(Path(folder) / pair[side]).size for pair in pairs for side in ("source", "edited")]
        self.pictures = official.pictures(pairs, folder)
        self.batches = official.batches(pairs, folder)
        self.stages = {mode: {prompt: Stages(official.model) for prompt in PROMPT_NAMES} for mode in STAGED}
        self.scores = {mode: official.score(self.batches, mode, self.stages.get(mode)) for mode in MODES}

    def entry(self, index):
        """What is known of the pair at `index`."""
        pair = self.pairs[index]
        both = slice(2 * index, 2 * index + 2)
        pictures = self.pictures[both]
        away = [target_size(h, w, self.official.budget, half_away) for w, h in self.originals[both]]
        return {
            "source": pair["source"],
            "edited": pair["edited"],
            "instruction": pair["instruction"],
            "sizes": [[picture.height, picture.width] for picture in pictures],
            "sizes_half_away": [list(size) for size in away],
            "resized_sha256": [sha256(picture.tobytes()) for picture in pictures],
            "pixel_values_sha256": sha256(self.patches(index)),
            "prompts": {prompt: self.tokens(prompt, index) for prompt in PROMPT_NAMES},
            "scores": {mode: self.vectors(mode, index) for mode in MODES},
        }

    def patches(self, index):
        """Bytes of the patches of both pictures of a pair."""
        batch = self.batches[PROMPT_NAMES[0]]
        counts = batch.grid.prod(-1).tolist()
        start = sum(counts[: 2 * index])
        rows = batch.pixels[start : start + sum(counts[2 * index : 2 * index + 2])]
        return np.ascontiguousarray(rows.numpy(), dtype="<f4").tobytes()

    def tokens(self, prompt, index):
        """Token ids of a pair under a prompt, and where the reward token is."""
        batch = self.batches[prompt]
        ids = batch.ids[index, : batch.lengths()[index]].tolist()
        return {"ids": ids, "reward_index": ids.index(self.official.reward)}

    def vectors(self, mode, index):
        """Scores of a pair in a mode."""
        first, second = (self.scores[mode][prompt][index] for prompt in PROMPT_NAMES)
        return dict(zip(PROMPT_NAMES, (first, second))) | {"fused": fuse(first, second)}

    def rows(self):
        """Which rows of the first pair are kept."""
        patches = int(self.batches[PROMPT_NAMES[0]].grid[:2].prod(-1).sum())
        tokens = {prompt: self.tokens(prompt, 0) for prompt in PROMPT_NAMES}
        decoder = {prompt: spread(len(seen["ids"]), seen["reward_index"]) for prompt, seen in tokens.items()}
        return {"vision_rows": spread(patches), "merger_rows": spread(patches // 4), "decoder_rows": decoder}

    def tensors(self):
        """The kept rows of all stages of the first pair."""
        rows, kept = self.rows(), {}
        for mode in STAGED:
            for prompt, stages in self.stages[mode].items():
                for name, value in stages.seen.items():
                    if name.startswith("vision"):
                        kept[f"{mode}.{name}"] = value[rows["vision_rows"]]
                    elif name == "merger":
                        kept[f"{mode}.{name}"] = value[rows["merger_rows"]]
                    else:
                        kind, _, stage = name.partition(".")
                        key = ".".join(filter(None, (mode, kind, prompt, stage)))
                        kept[key] = self.decoder_rows(name, value, rows["decoder_rows"][prompt], prompt)
        return {name: value.contiguous().clone() for name, value in kept.items()}

    def decoder_rows(self, name, value, rows, prompt):
        """The kept part of a value that comes from the decoder or after it."""
        if name == "head":
            return value
        return value[self.tokens(prompt, 0)["reward_index"] if name == "normed" else rows]

    def write(self, folder, model):
        """Write `case.json` and `stages.safetensors`."""
        folder.mkdir(parents=True, exist_ok=True)
        entries = [self.entry(index) for index in range(len(self.pairs))]
        case = {"model": model, "pairs": entries, "stages": self.rows()}
        text = json.dumps(case, ensure_ascii=False, separators=(",", ":")).replace('{"source"', '\n{"source"')
        (folder / "case.json").write_text(text + "\n", encoding="utf-8")
        save_file(self.tensors(), folder / "stages.safetensors")
        (folder / "stages.safetensors").chmod(0o644)


def read_pairs(path):
    """The pairs of a file with one JSON object on each line."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def main():
    """Read the command line, score, and write a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path, help="a model directory")
    parser.add_argument("--pairs", required=True, type=Path, help="lines of source, edited and instruction")
    parser.add_argument("--out", required=True, type=Path, help="the folder for case.json and stages.safetensors")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    report = Report(Official(arguments.model), read_pairs(arguments.pairs), arguments.pairs.parent)
    report.write(arguments.out, arguments.model.resolve().name)
    for pair, index in zip(report.pairs, range(len(report.pairs))):
        print(pair["edited"], *(f"{mode} {report.vectors(mode, index)['fused']['mean']}" for mode in MODES))


if __name__ == "__main__":
    main()
