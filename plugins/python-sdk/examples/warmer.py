"""An editor: makes pictures warmer, each seed in its own way. Needs Pillow."""

import random
from typing import Any

from editscale.plugins import Call, Config, Edited, EditItem, Editor, EditorCard, Knob, serve


class Warmer(Editor):
    """Raises red, lowers blue and changes the contrast a little; it does not read the instruction."""

    version = "1.0"

    def load(self, config: Config) -> EditorCard:
        """A pipeline would be loaded here."""
        from PIL import Image, ImageEnhance

        self.image, self.contrast = Image, ImageEnhance.Contrast
        self.size_limit = config.whole("size_limit", default=4096, low=16)
        return EditorCard(
            revision=f"warmer/1, size limit {self.size_limit}",
            seed_bits=53,
            edits_candidates=True,
            masks=True,
            knobs=[Knob("strength", low=0.0, high=1.0, default=0.5)],
            cancel="promptly",
        )

    def edit_one(self, item: EditItem, call: Call) -> Edited:
        """Equal seeds and knobs give equal pictures: nothing is drawn but from the seed."""
        chance = random.Random(item.seed)
        strength = item.knobs["strength"] * chance.uniform(0.4, 1.0)
        start = item.start_picture.open("RGB")
        notes = []
        if max(start.size) > self.size_limit:
            start.thumbnail((self.size_limit, self.size_limit))
            notes.append(f"made smaller, to {start.width}x{start.height}")

        red, green, blue = start.split()
        warm = self.image.merge("RGB", (scaled(red, 1.0 + 0.3 * strength), green, scaled(blue, 1.0 - 0.3 * strength)))
        call.progress(item, 1, 2)
        edited = self.contrast(warm).enhance(chance.uniform(0.95, 1.15))
        if item.mask is not None:
            edited = self.image.composite(edited, start, item.mask.open("L").resize(start.size))
        if item.output_size is not None:
            edited = edited.resize(item.output_size)
        call.progress(item, 2, 2)
        return Edited(edited, notes=notes)


def scaled(channel: Any, factor: float) -> Any:
    """A colour channel, times a factor."""
    return channel.point([min(255, round(value * factor)) for value in range(256)])


if __name__ == "__main__":
    serve(Warmer)
