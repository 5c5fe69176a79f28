#!/usr/bin/env python3
"""Make the token lists that the code of Step1X-Edit's authors has for instructions, which are committed.

Writes `prompts.json`, `encoder/tokenizer.json` and `ids.json` in workspace/models/tests/fixtures/step1x. The second is an excerpt
of Qwen's vocabulary, as much as these texts need, with its ids closed up, and the third has the ids that they were. Needs the vocabulary (`qwen.tiktoken`, for example that
of the package `dashscope` 1.20.11) and the two pipelines of the authors' fork of diffusers
(github.com/Peyton-Chen/diffusers: `pipeline_step1x_edit.py` at 4ca7aed and `pipeline_step1x_edit_v1p2.py` at c69df6b,
src/diffusers/pipelines/step1x_edit), whose functions are run and not copied.
"""

import argparse
import ast
import base64
import functools
import hashlib
import json
import operator
import re
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

HOME = Path(__file__).resolve().parents[3] / "workspace/models/tests/fixtures/step1x"
DIGESTS = {
    "v1": "40882ddca94ca6971c8d5713d42464afa31dad09236dfacafe3ee26b4b44aa82",
    "v1p2": "2d7e7837b2aacef89f7ebf5d3241e0ca3e16a130e9f59805f3a6ede207822a72",
}
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIALS = (
    "<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|> <|box_end|> "
    "<|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|> <|image_pad|> <|video_pad|>"
).split()
FIRST_SPECIAL = 151643
# The first five are those of the specification; the empty one is the negative prompt.
INSTRUCTIONS = [
    "Add a red hat.",
    "Replace 'TRAIN' with 'PLANE'",
    "Add pendant around this girl's neck.",
    'Change the text to "Ab 1"!',
    "把“TOFEL”改成“雅思”",
    "",
    'Write "a b" and "c"',
    "the sign “OPEN now” stays ‘as it is’",
    'an open "quote',
    "an open “quote to the end.",
    '"all of it"',
    "“all of it”",
    '""',
    "wow!!! it's 5 o'clock; isn't it?",
    '"a"“b”"c"',
    "line one\nline 'two'\n",
    "Ünïcödé “é😀” ok",
    "a 'quoted \"nest\" here' end",
]


def vocabulary(file):
    """The bytes of every token, by id."""
    lines = (line.split() for line in file.read_text(encoding="ascii").splitlines() if line)
    return {int(rank): base64.b64decode(token) for token, rank in lines}


def letters():
    """How byte-level tokenizers write bytes as letters (GPT-2)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + at) for at, byte in enumerate(others)}


LETTERS = letters()


def written(token):
    """A token's bytes as letters."""
    return "".join(LETTERS[byte] for byte in token)


def halves(token, ranks):
    """The two tokens that a token was merged from: what the merges of lower rank leave of its bytes."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        pairs = [(ranks.get(parts[at] + parts[at + 1], 1 << 30), at) for at in range(len(parts) - 1)]
        rank, at = min(pairs)
        assert rank < ranks[token], token
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def tokenizer_of(vocab, merges):
    """Qwen's tokenizer over a vocabulary."""
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, fuse_unk=False))
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(SPLIT), behavior="isolated")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def functions(file, names, **given):
    """Some functions and constants of a Python file, made without importing it."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    wanted = [
        node
        for node in ast.walk(tree)
        if (isinstance(node, ast.FunctionDef) and node.name in names)
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).split(".")[-1] in names)
    ]
    for node in wanted:
        if isinstance(node, ast.Assign):
            node.targets = [ast.Name(ast.unparse(node.targets[0]).split(".")[-1], ast.Store())]
            ast.fix_missing_locations(node)
    space = dict(given)
    exec(compile(ast.Module(wanted, []), str(file), "exec"), space)  # noqa: S102
    return [space[name] for name in names]


SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
PICTURE = "Picture 1: <|vision_start|><|image_pad|><|vision_end|>"
END = "<|im_end|>\n<|im_start|>assistant\n"


def main():
    """Read the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vocabulary", required=True, type=Path)
    parser.add_argument("--upstream", required=True, type=Path, help="a folder with the two files")
    arguments = parser.parse_args()
    tokens = vocabulary(arguments.vocabulary)
    assert len(tokens) == FIRST_SPECIAL
    ranks = {token: rank for rank, token in tokens.items()}
    pairs = {rank: tuple(halves(token, ranks)) for rank, token in tokens.items() if len(token) > 1}
    vocab = {written(token): rank for rank, token in tokens.items()}
    merges = [tuple(map(written, pairs[rank])) for rank in sorted(pairs)]
    # Special tokens take the next ids, in order.
    full = tokenizer_of(vocab, merges)
    full.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIALS])
    assert full.token_to_id("<|image_pad|>") == 151655

    first, second = (arguments.upstream / f"pipeline_step1x_edit{end}.py" for end in ("", "_v1p2"))
    quoted, prefix = functions(first, ["_split_string", "QWEN25VL_PREFIX"])
    marked, _, prefix_marked = functions(
        second,
        ["split_string_in_quotation_and_special_tokens", "split_string_in_quotation", "EDIT_PREFIX"],
        np=np, functools=functools, operator=operator, re=re,
    )  # fmt: skip
    for name, text in (("v1", prefix), ("v1p2", prefix_marked)):
        assert hashlib.sha256(text.encode()).hexdigest() == DIGESTS[name], name

    seen = []

    def ids(text):
        seen.append(text)
        return full.encode(text, add_special_tokens=False).ids

    cases = {"v1": [], "v1p2": []}
    for instruction in INSTRUCTIONS:
        text = SYSTEM + prefix + PICTURE + instruction + END
        pieces = quoted(None, text)
        lists = [ids(piece) for piece in pieces]
        lists = [one[1:-1] if one[0] == 2073 and one[-1] == 854 else one for one in lists]
        tail = functools.reduce(operator.iadd, lists, [])
        whole = ids(text)
        whole = whole[: whole.index(151653)] + tail[tail.index(151653) :]
        cases["v1"].append(
            {"instruction": instruction, "pieces": [piece.replace(prefix, "{P}") for piece in pieces], "ids": whole}
        )
        text = f"{SYSTEM}{prefix_marked} {instruction}{PICTURE}{END}"
        pieces, flags = marked(text, len(prefix_marked), [re.escape(token) for token in SPECIALS])
        lists = [ids(piece) for piece in pieces]
        cases["v1p2"].append({
            "instruction": instruction,
            "pieces": [piece.replace(prefix_marked, "{P}") for piece in pieces],
            "marked": [at for at, flag in enumerate(flags) if flag],
            "ids": functools.reduce(operator.iadd, map(list, lists), []),
            "marked_tokens": list(np.flatnonzero(np.repeat(flags, [len(one) for one in lists])).tolist()),
        })
    # The beginnings are all the same: once is enough.
    for of in cases.values():
        start = of[0]["ids"]
        common = next(at for at in range(len(start)) if any(case["ids"][: at + 1] != start[: at + 1] for case in of))
        for case in of[1:]:
            case["ids"] = case["ids"][common:]
    HOME.mkdir(parents=True, exist_ok=True)
    (HOME / "prompts.json").write_text(json.dumps(cases, ensure_ascii=False) + "\n", encoding="utf-8")
    order = write_words(HOME, seen, tokens, pairs)
    small = Tokenizer.from_file(str(HOME / "encoder/tokenizer.json"))
    for text in seen:
        found = [order[at] for at in small.encode(text, add_special_tokens=False).ids]
        assert found == full.encode(text, add_special_tokens=False).ids, text
    print(sum(path.stat().st_size for path in HOME.rglob("*.json")), "bytes")
    for name, of in cases.items():
        for case in of[:5]:
            print(name, case["instruction"], case["ids"][-30:])


def write_words(folder, texts, tokens, pairs):
    """The tokens and merges that can come up in texts, and the answer is the ids that they were."""
    corpus = "\n".join(texts).encode()
    kept = {rank for rank, token in tokens.items() if len(token) == 1 or token in corpus}
    order = sorted(kept) + [FIRST_SPECIAL + at for at in range(len(SPECIALS))]
    vocab = {written(tokens[rank]): at for at, rank in enumerate(sorted(kept))}
    # Added tokens take the next free ids unless the vocabulary has them.
    vocab |= {token: len(kept) + at for at, token in enumerate(SPECIALS)}
    merges = [" ".join(map(written, pairs[rank])) for rank in sorted(kept) if rank in pairs]
    (folder / "encoder").mkdir(parents=True, exist_ok=True)
    (folder / "ids.json").write_text(json.dumps(order, separators=(",", ":")) + "\n")
    added = [
        {"id": len(kept) + at, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for at, token in enumerate(SPECIALS)
    ]  # fmt: skip
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Isolated", "invert": False}
    whole = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]}, "post_processor": level,
        "decoder": level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": vocab, "merges": merges},
    }  # fmt: skip
    (folder / "encoder/tokenizer.json").write_text(json.dumps(whole, ensure_ascii=False) + "\n", encoding="utf-8")
    return order


if __name__ == "__main__":
    main()
