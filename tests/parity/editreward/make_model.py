#!/usr/bin/env python3
"""Write a complete random EditReward model directory of any shape."""

import argparse
import json
from pathlib import Path

import shape as shapes
import weights
import words


def write_json(path, value):
    """Write `value` as readable JSON."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_words(shape, folder):
    """Write tokenizer, chat template and prompts; tell the tokenizer."""
    tokenizer = words.train_tokenizer(shape.merges)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    write_json(folder / "tokenizer_config.json", words.tokenizer_config(words.special_ids(tokenizer), shape.system))
    (folder / "prompts").mkdir(exist_ok=True)
    for name, text in words.WORDINGS[shape.wording].items():
        (folder / "prompts" / f"{name}.txt").write_bytes(text.encode())
    return tokenizer


def clear(folder):
    """Remove weights of an earlier run, lest two sets lie side by side."""
    for file in folder.glob("model*.safetensors*"):
        file.unlink()


def make_model(shape, folder, seed):
    """Write the model of `shape` and `seed` into `folder`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    clear(folder)
    tokenizer = write_words(shape, folder)
    rows = tokenizer.get_vocab_size() + shape.extra_rows
    write_json(folder / "config.json", shapes.model_config(shape, rows, words.special_ids(tokenizer)))
    write_json(folder / "preprocessor_config.json", shapes.preprocessor_config(shape))
    weights.store(weights.make(shape, rows, seed), folder, shape.shards)


def main():
    """Read the command line and write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, type=Path, help="the folder to write")
    parser.add_argument("--seed", required=True, type=int, help="what the weights are drawn from")
    shapes.add_arguments(parser)
    arguments = parser.parse_args()
    try:
        make_model(shapes.from_arguments(arguments), arguments.out, arguments.seed)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
