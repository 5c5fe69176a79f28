"""Tests of the plugin, without editscale: `python -m unittest`."""

import io
import math
import unittest

from editscale.plugins import Call, Config, Picture, RewardItem
from {{module}} import {{class}}
from PIL import Image


def grey(value: int) -> Picture:
    """A PNG of one grey."""
    file = io.BytesIO()
    Image.new("L", (4, 4), value).save(file, "PNG")
    return Picture(file.getvalue())


class Scores(unittest.TestCase):
    """What it gives to whom."""

    def test_scores_are_numbers_within_the_range(self) -> None:
        """And stay so at the ends."""
        reward = {{class}}()
        card = reward.load(Config({}))
        low, high = card.range or (-math.inf, math.inf)
        for value in (0, 128, 255):
            judged = reward.score_one(RewardItem(grey(100), grey(value), "make it brighter"), Call())
            self.assertTrue(low <= judged.mean <= high, judged)


if __name__ == "__main__":
    unittest.main()
