"""Small tokenizers in the formats of CLIP and T5, made of our own text: any text can be written with them."""

import json
import math
from collections import Counter
from itertools import pairwise
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

START, END = "<|startoftext|>", "<|endoftext|>"
END_OF_WORD = "</w>"

# The expression by which CLIP cuts a text before merging.
CLIP_PIECES = r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""

TEXT = """
Make the sky bluer and the grass greener. Make it brighter, make it darker, make it warmer, make it colder.
Turn the red car into a blue car. Turn the picture into a black and white photograph from 1950.
Remove the lamp on the left, remove the people behind the house, remove the text in the upper right corner.
Add a green bowl on the table. Add a small boat on the lake, and add its reflection in the water.
Put the dog's ball under the chair; don't move the dog. Let it snow, let it rain, make it night.
They're playing, we've seen it, I'm sure, he'll stay, she'd know: that's what she'd said.
Raise the contrast by 20 % and lower the saturation by 5 %. Crop it to 16:9, then rotate it by 90 degrees.
Change the colour of the walls to #ffeedd. Write "OPEN 24/7" above the door, in white letters.
The original picture shows a street; the edited copy shows the same street at night, with rain on the stones.
What would it look like if it were summer? Give the woman a straw hat and the man a pair of sunglasses.
Replace the mountains with a city, as a watercolour painting, in the style of an old poster!!!
Une photo en noir et blanc, un café près de la forêt, s'il te plaît. Füge eine Brücke über den Fluss hinzu.
Añade un niño en el balcón. Zażółć gęślą jaźń. Сделай небо голубым. 把天空变成蓝色。 空を青くして。
"""


def _byte_letters():
    """The letter that stands for each byte in vocabularies at the level of bytes, in the order of CLIP's."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    other = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + index) for index in range(len(other))]


def _merges_of(words, count):
    """The usual training of byte-pair encoding on words as tuples of symbols; ties go to the lesser pair."""
    merges = []
    while len(merges) < count:
        pairs = Counter()
        for word, times in words.items():
            for pair in pairwise(word):
                pairs[pair] += times
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        merged = Counter()
        for word, times in words.items():
            symbols = []
            for symbol in word:
                if symbols and (symbols[-1], symbol) == best:
                    symbols[-1] += symbol
                else:
                    symbols.append(symbol)
            merged[tuple(symbols)] += times
        words = merged
    return merges


def clip_vocabulary(merges=320):
    """Ids by token and the list of merges: all bytes, all bytes that end a word, what merges make, two special ones."""
    letters = _byte_letters()
    split = pre_tokenizers.Split(Regex(CLIP_PIECES), behavior="removed", invert=True)
    pieces = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    text = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()]).normalize_str(TEXT)
    words = Counter()
    for piece, _ in pieces.pre_tokenize_str(text):
        words[(*piece[:-1], piece[-1] + END_OF_WORD)] += 1
    merges = _merges_of(words, merges)
    tokens = letters + [letter + END_OF_WORD for letter in letters]
    tokens += [first + second for first, second in merges]
    tokens = list(dict.fromkeys(tokens)) + [START, END]
    return {token: index for index, token in enumerate(tokens)}, merges


def _t5_pieces(count):
    """Pieces with the logarithms of their shares: all letters of the text, and its most frequent parts of words."""
    text = normalizers.NFKC().normalize_str(TEXT)
    parts = Counter()
    for word in text.split():
        word = "▁" + word
        for start in range(len(word)):
            for end in range(start + 1, min(start + 8, len(word)) + 1):
                parts[word[start:end]] += 1
    letters = sorted({chr(letter) for letter in range(33, 127)} | {part for part in parts if len(part) == 1})
    longer = sorted((part for part in parts if len(part) > 1), key=lambda part: (-parts[part] * len(part), part))
    # The square of a share makes a long piece cheaper than the letters it has, and a rare one dearer than a frequent one.
    total = sum(parts.values())
    chosen = letters + longer[: max(0, count - len(letters))]
    scored = [(piece, round(math.log(max(parts[piece], 0.5) * len(piece) ** 2 / total), 4)) for piece in chosen]
    return sorted(scored, key=lambda piece: (-piece[1], piece[0]))


def _write_json(file, value):
    file.write_text(json.dumps(value, ensure_ascii=False, indent=None, separators=(",", ":")) + "\n", encoding="utf-8")


def write_clip_tokenizer(folder, merges=320, pad=END, length=77, style="decoder"):
    """Writes the four files that repositories of pipelines have for CLIP; returns the number of tokens.

    The last two ids are those of the start and the end token. `style` tells how special tokens are declared: "decoder" as
    newer files do (FLUX), "typed" as older ones (Stable Diffusion), "plain" as text only.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, merges = clip_vocabulary(merges)
    _write_json(folder / "vocab.json", vocabulary)
    lines = ["#version: 0.2"] + [" ".join(merge) for merge in merges]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    flags = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    start, end = ({"content": token} | flags for token in (START, END))
    special = {"bos_token": start, "eos_token": end, "pad_token": pad, "unk_token": end}
    config = {
        "add_prefix_space": False,
        "bos_token": START,
        "do_lower_case": True,
        "eos_token": END,
        "errors": "replace",
        "model_max_length": length,
        "pad_token": pad,
        "tokenizer_class": "CLIPTokenizer",
        "unk_token": END,
    }
    if style == "decoder":
        config["added_tokens_decoder"] = {
            str(vocabulary[token["content"]]): token | {"special": True} for token in (start, end)
        }
    elif style == "typed":
        typed = {"bos_token": start, "eos_token": end, "unk_token": end}
        config |= {key: {"__type": "AddedToken"} | token for key, token in typed.items()}
    elif style == "plain":
        special = {"bos_token": START, "eos_token": END, "pad_token": pad, "unk_token": END}
    else:
        raise ValueError(style)
    _write_json(folder / "special_tokens_map.json", special)
    _write_json(folder / "tokenizer_config.json", config)
    return len(vocabulary)


def write_t5_tokenizer(folder, pieces=400, extra=4, length=512):
    """Writes `tokenizer.json` and `tokenizer_config.json` as T5's are; returns the number of tokens.

    `<pad>` is 0, `</s>` 1, `<unk>` 2; the last `extra` ids are `<extra_id_…>`. Where T5 has the normal form of its
    SentencePiece model, this has NFKC.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    start = ["<pad>", "</s>", "<unk>"]
    extras = [f"<extra_id_{index}>" for index in range(extra - 1, -1, -1)]
    vocabulary = [(token, 0.0) for token in start] + _t5_pieces(pieces) + [(token, 0.0) for token in extras]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in start + extras])
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["$A", "</s>"], pair=["$A", "</s>", "$B", "</s>"], special_tokens=[("</s>", 1)]
    )
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    _write_json(
        folder / "tokenizer_config.json",
        {
            "additional_special_tokens": extras[::-1],
            "clean_up_tokenization_spaces": True,
            "eos_token": "</s>",
            "extra_ids": extra,
            "model_max_length": length,
            "pad_token": "<pad>",
            "tokenizer_class": "T5Tokenizer",
            "unk_token": "<unk>",
        },
    )
    return len(vocabulary)
