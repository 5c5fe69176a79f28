"""Tests of the plugin, without editscale: `python -m unittest`."""

import io
import unittest

from editscale.plugins import Call, Config, EditItem, Picture, Proposal
from {{module}} import {{class}}
from PIL import Image


def picture() -> Picture:
    """A PNG of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (8, 6), (120, 100, 80)).save(file, "PNG")
    return Picture(file.getvalue())


class Edits(unittest.TestCase):
    """What it makes of a picture."""

    def edit(self, seed: int) -> bytes:
        """The pixels that this seed gives."""
        editor = {{class}}()
        card = editor.load(Config({}))
        source, call = picture(), Call()
        knobs = {knob.name: knob.default for knob in card.knobs}
        made = editor.edit_one(EditItem(source, source, Proposal(0, seed, "make it warmer"), knobs=knobs), call)
        return made.image.tobytes()

    def test_equal_seeds_give_equal_pictures(self) -> None:
        """As the card promises."""
        self.assertEqual(self.edit(1), self.edit(1))
        self.assertNotEqual(self.edit(1), self.edit(2))


if __name__ == "__main__":
    unittest.main()
