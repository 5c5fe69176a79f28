#!/usr/bin/env python3
"""Make the reference values for the text encoders and tokenizers of editors, or check them.

Without options this writes them anew. With --check it writes to a temporary folder and compares: weights, ids and
tokenizers must be the same, states may differ by 1e-5 of the greatest.

They lie in `workspace/models/tests/fixtures/layers`: `clip_text`, `t5` and `tokens`. Weights are stored in f16; the reference
computes in f32 from what is stored.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPTokenizerFast,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)

import checking
from vocabularies import write_clip_tokenizer, write_t5_tokenizer

SHARES = {"hidden": 1e-5, "pooled": 1e-5}
FIXTURES = Path(__file__).parents[3] / "workspace/models/tests/fixtures/layers"

LONG = (
    "Turn the picture into a watercolour painting of a small harbour at dusk, with fishing boats, lanterns along the pier, "
    "reflections in the water, a lighthouse on the cliff, gulls in the air, clouds lit from below, and people with umbrellas"
)
TEXTS = [
    "",
    " ",
    "Make the sky bluer.",
    "MAKE THE SKY BLUER!!!",
    "a",
    "it's what they've said: I'm sure we'll stay, she'd know, don't you're",
    "IT'S THE DOG'S",
    "caf\u00e9 cafe\u0301 \u00c5ngstro\u0308m \u00fc u\u0308",
    "Za\u017c\u00f3\u0142\u0107 g\u0119\u015bl\u0105 ja\u017a\u0144",
    "\u0421\u0434\u0435\u043b\u0430\u0439 \u043d\u0435\u0431\u043e \u0433\u043e\u043b\u0443\u0431\u044b\u043c",
    "\u628a\u5929\u7a7a\u53d8\u6210\u84dd\u8272\uff0c\u80cc\u666f\u53d8\u6210\u767d\u8272\u3002",
    "\u7a7a\u3092\u9752\u304f\u3057\u3066",
    "add a \U0001f600 and a \U0001f469\u200d\U0001f680 to it \u2764\ufe0f",
    "crop it to 16:9, rotate by 90\u00b0, add 20 % contrast, 1234567890",
    "two\nlines\r\nand\ta tab \u00a0 and  many   blanks   ",
    "quotes \u201ccurly\u201d \u2018single\u2019 \u2014 dash \u2026 dots",
    "#ffeedd <b>bold</b> a_b-c/d\\e",
    "\u0130stanbul \u1e9e \ufb01ne \u00bd \u2167 \u0e52 \u01c5",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u0928\u092e\u0938\u094d\u0924\u0947",
    "wow! <|endoftext|> stop <|StartOfText|> </s> <pad> <extra_id_1> go!",
    "a\u0000b\u0007c \ufeffd\u200be",
    LONG,
    "blue " * 200,
    "\u7a7a" * 120,
    "Pneumonoultramicroscopicsilicovolcanoconiosis" * 8,
]


def shake(model, seed, scale):
    """Random weights rounded to f16, none of them trivial: norms near one, biases near zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if "norm" in name and name.endswith("weight"):
                value = 1 + 0.2 * noise
            elif name.endswith("bias"):
                value = 0.2 * noise
            elif "relative_attention_bias" in name:
                value = noise
            elif "embed" in name or "shared" in name:
                value = 0.5 * noise
            else:
                value = scale * noise / weight.shape[-1] ** 0.5
            weight.copy_(value.to(torch.float16).float())


def random_ids(generator, texts, tokens, most):
    """Token ids from 3 up to `most`: [texts, tokens]."""
    return torch.randint(3, most, (texts, tokens), generator=generator)


def clip_case(folder, seed, ids_of, prefix="text_model.", nested=False, buffers=False, **settings):
    """Write a CLIP text encoder with what it makes of ids; `prefix` is what its tensors' names begin with."""
    config = CLIPTextConfig(attn_implementation="eager", **settings)
    model = CLIPTextModel(config).eval()
    shake(model, seed, 1.5)
    generator = torch.Generator().manual_seed(seed + 1)
    cases = {}
    for index, ids in enumerate(ids_of(generator)):
        with torch.no_grad():
            out = model(input_ids=ids)
        cases[f"ids.{index}"] = ids.to(torch.int64).float()
        cases[f"hidden.{index}"] = out.last_hidden_state.reshape(-1, config.hidden_size).contiguous()
        cases[f"pooled.{index}"] = out.pooler_output.contiguous()
    tensors = {name.replace("text_model.", prefix, 1): value.half() for name, value in model.state_dict().items()}
    if buffers:
        ids = torch.arange(config.max_position_embeddings).expand((1, -1)).contiguous()
        tensors[f"{prefix}embeddings.position_ids"] = ids
    described = {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model"} | settings
    described = {"architectures": ["CLIPModel"], "model_type": "clip", "text_config": settings} if nested else described
    write(folder, described, tensors, cases)


def t5_case(folder, seed, lengths, shared="shared.weight", shards=0, **settings):
    """Write a T5 encoder with what it makes of random ids; `shared` is what its embeddings are called."""
    config = T5Config(**settings)
    model = T5EncoderModel(config).eval()
    shake(model, seed, 0.7)
    generator = torch.Generator().manual_seed(seed + 1)
    cases = {}
    for index, (texts, tokens) in enumerate(lengths):
        ids = random_ids(generator, texts, tokens, config.vocab_size)
        with torch.no_grad():
            out = model(input_ids=ids)
        cases[f"ids.{index}"] = ids.float()
        cases[f"hidden.{index}"] = out.last_hidden_state.reshape(-1, config.d_model).contiguous()
    tensors = {name: value.half() for name, value in model.state_dict().items()}
    embeddings = tensors.pop("shared.weight")
    tensors.pop("encoder.embed_tokens.weight", None)
    tensors[shared] = embeddings
    write(folder, {"architectures": ["T5EncoderModel"], "model_type": "t5"} | settings, tensors, cases, shards)


def write(folder, config, tensors, cases, shards=0):
    """Write a model's folder: its configuration, its weights in so many files, and its cases."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    if shards:
        names = sorted(tensors)
        files = {name: f"model-{index % shards + 1:05}-of-{shards:05}.safetensors" for index, name in enumerate(names)}
        for file in sorted(set(files.values())):
            save_file({name: tensors[name] for name in names if files[name] == file}, folder / file)
        index = {"metadata": {}, "weight_map": files}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")
    else:
        save_file(tensors, folder / "model.safetensors")
    save_file(cases, folder / "cases.safetensors")


def clip_models(folder):
    """Write all CLIP text encoders."""

    def with_ends(start, end, tokens, most):
        """Random texts between a start and an end, which lies at three different places."""

        def ids_of(generator):
            ids = random_ids(generator, 3, tokens, most)
            ids[:, 0] = start
            ids[0, 5:] = end
            ids[1, tokens - 1] = end
            ids[2, 2] = end
            return [ids, ids[:1, :6].contiguous()]

        return ids_of

    small = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2}
    # Legacy: the end of a text is its greatest id. Id 2 stands in some texts and means nothing.
    clip_case(
        folder / "legacy",
        11,
        with_ends(118, 119, 21, 118),
        buffers=True,
        **small,
        vocab_size=120,
        max_position_embeddings=21,
        layer_norm_eps=1e-5,
        hidden_act="quick_gelu",
        eos_token_id=2,
    )
    # The end of a text is named, and is not the greatest id; no prefix.
    clip_case(
        folder / "named",
        12,
        with_ends(119, 117, 77, 117),
        prefix="",
        hidden_size=48,
        intermediate_size=80,
        num_attention_heads=3,
        num_hidden_layers=3,
        vocab_size=120,
        max_position_embeddings=77,
        layer_norm_eps=1e-6,
        hidden_act="gelu",
        eos_token_id=117,
    )
    # Nested settings, and a text without its end: the first token is taken.
    clip_case(
        folder / "nested",
        13,
        lambda generator: [random_ids(generator, 2, 12, 90)],
        nested=True,
        **small,
        vocab_size=100,
        max_position_embeddings=16,
        layer_norm_eps=1e-5,
        hidden_act="quick_gelu",
        eos_token_id=99,
    )


def t5_models(folder):
    """Write all T5 encoders."""
    t5_case(
        folder / "relu",
        21,
        [(2, 9), (1, 1)],
        shared="encoder.embed_tokens.weight",
        vocab_size=90,
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=4,
        relative_attention_num_buckets=8,
        relative_attention_max_distance=16,
        layer_norm_epsilon=1e-6,
        feed_forward_proj="relu",
    )
    # Wider inside than outside, and texts longer than the greatest distance of the buckets.
    t5_case(
        folder / "gated",
        22,
        [(1, 300), (3, 20)],
        shards=3,
        vocab_size=120,
        d_model=24,
        d_kv=16,
        d_ff=40,
        num_layers=3,
        num_heads=3,
        relative_attention_num_buckets=32,
        relative_attention_max_distance=128,
        layer_norm_epsilon=1e-6,
        feed_forward_proj="gated-gelu",
    )


def record(tokenizer, length):
    """The ids of all texts, filled up to a length."""
    texts = []
    for text in TEXTS:
        out = tokenizer(text, padding="max_length", max_length=length, truncation=True)
        texts.append({"text": text, "ids": out.input_ids, "used": sum(out.attention_mask)})
    return texts


def tokenizers(folder):
    """Write all tokenizers with the ids of all texts."""
    shutil.rmtree(folder, ignore_errors=True)
    lengths = {"clip": 77, "clip_typed": 30, "clip_plain": 77}
    styles = {
        "clip": ("decoder", "<|endoftext|>"),
        "clip_typed": ("typed", "!"),
        "clip_plain": ("plain", "<|endoftext|>"),
    }
    for name, (style, pad) in styles.items():
        write_clip_tokenizer(folder / name, merges=320 if name == "clip" else 60, style=style, pad=pad)
        fast = CLIPTokenizerFast.from_pretrained(folder / name)
        slow = CLIPTokenizer.from_pretrained(folder / name)
        texts = record(fast, lengths[name])
        for text, other in zip(texts, record(slow, lengths[name]), strict=True):
            text["slow_agrees"] = text["ids"] == other["ids"]
        write_texts(folder / name, lengths[name], texts)
    # The same as one file, as transformers saves it.
    one = folder / "clip_one_file"
    CLIPTokenizerFast.from_pretrained(folder / "clip_typed").save_pretrained(one)
    for file in ("vocab.json", "merges.txt"):
        (one / file).unlink(missing_ok=True)
    write_texts(one, 30, record(CLIPTokenizerFast.from_pretrained(one), 30))
    write_t5_tokenizer(folder / "t5")
    write_texts(folder / "t5", 64, record(T5TokenizerFast.from_pretrained(folder / "t5"), 64))


def write_texts(folder, length, texts):
    """Write the ids of texts beside a tokenizer, one text a line."""
    lines = ",\n".join(json.dumps(text, ensure_ascii=True, separators=(",", ":")) for text in texts)
    (folder / "texts.json").write_text(f'{{"length":{length},"texts":[\n{lines}\n]}}\n')
    differ = [text["text"] for text in texts if not text.get("slow_agrees", True)]
    print(folder.name, "slow differs on", differ)


def make_all(home):
    """Write everything below `home`."""
    clip_models(home / "clip_text")
    t5_models(home / "t5")
    tokenizers(home / "tokens")


def main():
    """Read the command line, then write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    if not parser.parse_args().check:
        make_all(FIXTURES)
        return
    found = []
    with tempfile.TemporaryDirectory() as folder:
        make_all(Path(folder))
        for part in ("clip_text", "t5", "tokens"):
            found += checking.differences(Path(folder) / part, FIXTURES / part, SHARES)
    print(*(found or ["all is as committed"]), sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
