#!/usr/bin/env python3
"""Score pairs on a card by the published flow in brain floats, with transformers, and time it.

The model, its two passes a pair, its tables and its heads are those of `editreward/official.py`; weights go straight to the
card. It ends with one line of JSON.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
import transformers
from safetensors import safe_open

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "editreward"))

import official
from official import Official, RewardModel, Qwen2_5_VLConfig, load_processor, new_name, read_pairs
from words import PROMPT_NAMES, REWARD


DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def synchronize():
    """Wait for the card."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def load(folder, dtype):
    """The model on the card, in a type but for its heads."""
    fields = json.loads((folder / "config.json").read_text())
    fields.pop("torch_dtype", None), fields.pop("architectures", None)
    config = Qwen2_5_VLConfig(**fields)
    config._attn_implementation = "sdpa"
    tensors = {}
    with safe_open(folder / "model.safetensors", "pt", device=DEVICE) as file:
        for name in file.keys():
            if name != "lm_head.weight":
                tensors[new_name(name)] = file.get_tensor(name).to(dtype)
    config.text_config.vocab_size = len(tensors["model.language_model.embed_tokens.weight"])
    with torch.device("meta"):
        model = RewardModel(config)
    model.load_state_dict(tensors, strict=True, assign=True)
    # What is not stored has to be made: the frequencies.
    text, vision = model.model.language_model.rotary_emb, model.model.visual.rotary_pos_emb
    frequencies, text.attention_scaling = text.rope_init_fn(config.text_config, DEVICE)
    text.register_buffer("inv_freq", frequencies, persistent=False)
    text.original_inv_freq = text.inv_freq
    width = config.vision_config.hidden_size // config.vision_config.num_heads // 2
    steps = torch.arange(0, width, 2, dtype=torch.float, device=DEVICE) / width
    vision.register_buffer("inv_freq", 1.0 / (10000.0**steps), persistent=False)
    model.to(dtype).rm_heads.float()
    return model.eval()


class OnCard(Official):
    """A model directory on the card."""

    def __init__(self, folder, dtype):
        self.model = load(folder, dtype)
        self.processor, self.budget = load_processor(folder)
        read = lambda name: (folder / "prompts" / f"{name}.txt").read_bytes().decode()
        self.prompts = {name: read(name) + read("tail") for name in PROMPT_NAMES}
        self.reward = self.processor.tokenizer.convert_tokens_to_ids(REWARD)

    @property
    def rounded(self):
        """It is rounded from the start."""
        return self.model

    def batch(self, pairs, pictures, prompt):
        """A batch on the card."""
        batch = super().batch(pairs, pictures, prompt)
        for name in ("ids", "mask", "pixels", "grid"):
            setattr(batch, name, getattr(batch, name).to(DEVICE))
        return batch

    def answer(self, pairs):
        """Rows of pairs, and the seconds that they took: pictures read, two passes."""
        synchronize()
        started = time.monotonic()
        scores = self.score(self.batches(pairs, "/"), "bf16")
        synchronize()
        took = time.monotonic() - started
        first, second = (scores[name] for name in PROMPT_NAMES)
        rows = [[*a, *b, *official.fuse(a, b)["mean"]] for a, b in zip(first, second)]
        return rows, took


def main():
    """Read the command line and score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--pairs", required=True, type=Path)
    parser.add_argument("--seconds", type=float, default=60, help="when to stop scoring")
    arguments = parser.parse_args()
    pairs, started = read_pairs(arguments.pairs), time.monotonic()
    model = OnCard(arguments.model, torch.bfloat16)
    loaded = time.monotonic() - started
    first = model.answer(pairs[:1])[1]
    single = [model.answer([pair])[1] for pair in (pairs[8], pairs[16], pairs[24])]
    eight = [model.answer(pairs[at : at + 8])[1] for at in (0, 8, 16, 24)]
    rows = []
    while len(rows) < len(pairs) and time.monotonic() - started < arguments.seconds:
        rows += model.answer([pairs[len(rows)]])[0]
    said = {
        "secs_loading": loaded, "secs_first": first, "single": single, "batches_of_eight": eight, "rows": rows,
    }  # fmt: skip
    if DEVICE == "cuda":
        said |= {"most_mib": torch.cuda.max_memory_allocated() >> 20, "kept_mib": torch.cuda.max_memory_reserved() >> 20}
    said |= {"torch": torch.__version__, "transformers": transformers.__version__}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
