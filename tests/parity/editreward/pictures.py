"""Synthetic pictures that compress well and still have edges, slopes and fine detail."""

import numpy as np
from PIL import Image


def grid(width, height):
    """Columns and rows of a picture, as integers."""
    return np.arange(width)[None, :], np.arange(height)[:, None]


def scene(width, height, seed, detail=16):
    """A backdrop that slopes across, a chequered band, a disc and a few bars; all from `seed`."""
    source = np.random.default_rng(seed)
    x, y = grid(width, height)
    first, second, disc, bars = source.integers(0, 256, (4, 3))
    slope = (first * (width - 1 - x)[..., None] + second * x[..., None]) // max(width - 1, 1)
    canvas = np.broadcast_to(slope, (height, width, 3)).copy()
    band = (y * 4 // height == source.integers(0, 4)) & ((x // detail + y // detail) % 2 == 0)
    canvas[band] = 255 - first
    centre = source.integers(0, [width, height])
    radius = max(4, min(width, height) // 3)
    canvas[(x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius * radius] = disc
    stripes = (x // max(1, detail // 4) % 7 == 0) & (y > height * 2 // 3)
    canvas[stripes] = bars
    return canvas.astype(np.uint8)


def tinted(canvas, channel, amount):
    """The same picture with one channel moved by `amount`."""
    moved = canvas.astype(np.int64)
    moved[..., channel] += amount
    return np.clip(moved, 0, 255).astype(np.uint8)


def inverted(canvas):
    """The negative of a picture."""
    return 255 - canvas


def with_alpha(canvas):
    """The same picture with an opacity that falls towards the right, with fully clear columns at the end."""
    height, width, _ = canvas.shape
    alpha = np.broadcast_to(255 - 255 * np.arange(width) // (width - 1), (height, width))
    return np.concatenate([canvas, alpha[..., None].astype(np.uint8)], -1)


def grey(canvas):
    """One channel instead of three."""
    return canvas[..., 1].copy()


def save(path, canvas):
    """Write a picture as PNG."""
    Image.fromarray(canvas).save(path, optimize=True)


def save_palette(path, canvas):
    """Write a picture as PNG with a palette whose first entry is clear."""
    indexed = Image.fromarray(canvas).quantize(16, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    indexed.save(path, optimize=True, transparency=0)
