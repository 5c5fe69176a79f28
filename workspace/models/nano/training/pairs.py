"""Pairs from a `pairs.jsonl`, in batches."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from model import fitted


@dataclass
class Batch:
    """Some sources with all that is asked of them. All pictures hold as many pixels; `turned` ones are width x height."""

    pixels: torch.Tensor  # u8 [pictures, height * width * 3]
    turned: torch.Tensor  # bool [pictures]
    height: int
    width: int
    sources: torch.Tensor  # [sources] -> picture
    edited: torch.Tensor  # [edited] -> picture
    edited_source: torch.Tensor  # [edited] -> place in `sources`
    pair_edited: torch.Tensor  # [pairs] -> place in `edited`
    pair_text: torch.Tensor  # [pairs] -> place in `texts`
    texts: list
    gold: torch.Tensor  # f32 [pairs, 2], 0..1
    asked: torch.Tensor  # f32 [pairs, names]
    done: torch.Tensor  # f32 [edited, names]
    lines: list


class Pairs:
    """The pairs of a folder, by source; `names` are the numbers that say what was asked and done."""

    def __init__(self, folder, budget):
        self.folder, self.budget = Path(folder), budget
        lines = [json.loads(line) for line in (self.folder / "pairs.jsonl").open(encoding="utf-8")]
        self.names = sorted({name for line in lines for name in (*line["asked"], *line["done"])})
        self.sources = {}
        for line in lines:
            self.sources.setdefault(line["source"], []).append(line)
        self.pixels = self.read_pictures(lines)

    def read_pictures(self, lines):
        """Every picture at the judge's size, as bytes on disk, by path. Made once; anew when the pairs are newer."""
        paths = list(dict.fromkeys(path for line in lines for path in (line["source"], line["candidate"])))
        table, data = self.folder / "pictures.json", self.folder / "pictures.u8"
        if not table.exists() or table.stat().st_mtime < (self.folder / "pairs.jsonl").stat().st_mtime:
            places, end = {}, 0
            with data.open("wb") as file:
                for path in paths:
                    pixels = self.picture(path)
                    places[path] = (end, *pixels.shape[:2])
                    end += file.write(pixels.tobytes())
            table.write_text(json.dumps(places))
        places, memory = json.loads(table.read_text()), np.memmap(data, np.uint8, "r")
        return {path: (memory[start : start + h * w * 3], h, w) for path, (start, h, w) in places.items()}

    def picture(self, path):
        image = Image.open(self.folder / path).convert("RGB")
        height, width = fitted(image.height, image.width, self.budget)
        return np.asarray(image.resize((width, height), Image.BICUBIC))

    def split(self, held_out):
        return [source for source, lines in self.sources.items() if lines[0]["held_out"] == held_out]

    def batches(self, sources, size, draw=None):
        """Batches of sources of one shape each; in random order with a `draw`."""
        shapes = {}
        for source in draw.permutation(sources) if draw else sources:
            shapes.setdefault(self.pixels[source][1:], []).append(str(source))
        chunks = [each[start : start + size] for each in shapes.values() for start in range(0, len(each), size)]
        for number in draw.permutation(len(chunks)) if draw else range(len(chunks)):
            yield self.batch(chunks[number])

    def batch(self, sources):
        lines = [line for source in sources for line in self.sources[source]]
        edited = list(dict.fromkeys(line["candidate"] for line in lines))
        texts = list(dict.fromkeys((line["source"], line["instruction"]) for line in lines))
        made = {line["candidate"]: line for line in lines}
        pictures = [self.pixels[path] for path in (*sources, *edited)]
        height, width = pictures[0][1:]
        if any(sorted(each[1:]) != sorted((height, width)) for each in pictures):
            raise ValueError(f"a candidate of {sources} has another shape than its source")
        number = lambda things, all_of: torch.tensor([all_of.index(thing) for thing in things])
        return Batch(
            pixels=torch.from_numpy(np.stack([each[0] for each in pictures])),
            turned=torch.tensor([each[1] != height for each in pictures]),
            height=height,
            width=width,
            sources=torch.arange(len(sources)),
            edited=torch.arange(len(edited)) + len(sources),
            edited_source=number((made[path]["source"] for path in edited), sources),
            pair_edited=number((line["candidate"] for line in lines), edited),
            pair_text=number(((line["source"], line["instruction"]) for line in lines), texts),
            texts=[text for _, text in texts],
            gold=torch.tensor([[line["following"], line["quality"]] for line in lines]),
            asked=self.numbers(line["asked"] for line in lines),
            done=self.numbers(made[path]["done"] for path in edited),
            lines=lines,
        )

    def numbers(self, all_named):
        rows = [[named.get(name, 0.0) for name in self.names] for named in all_named]
        return torch.tensor(rows, dtype=torch.float32).clamp(-2.5, 2.5)
