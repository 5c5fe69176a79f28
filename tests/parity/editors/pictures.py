"""Small synthetic pictures: smooth slopes with a few shapes."""

import numpy as np
from PIL import Image


def smooth(width, height, seed):
    """Slopes between four colours, a soft disc and a bar, all from `seed`; bytes [height, width, 3]."""
    source = np.random.default_rng(seed)
    corners, disc, bar = source.integers(0, 256, (4, 3)), *source.integers(0, 256, (2, 3))
    x = np.arange(width)[None, :, None] / max(width - 1, 1)
    y = np.arange(height)[:, None, None] / max(height - 1, 1)
    top, bottom = (corners[i] * (1 - x) + corners[i + 1] * x for i in (0, 2))
    canvas = top * (1 - y) + bottom * y
    centre, radius = source.uniform(0.25, 0.75, 2), source.uniform(0.15, 0.3)
    away = np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2)
    cover = np.clip((radius - away) * 12 + 0.5, 0, 1)
    canvas = canvas * (1 - cover) + disc * cover
    place = source.uniform(0.1, 0.8)
    canvas = np.where((y > place) & (y < place + 0.12) & (x > 0.1), bar, canvas)
    return np.rint(canvas).astype(np.uint8)


def chequered(width, height):
    """Black and white fields of one to three pixels, after which filters overshoot."""
    x, y = np.arange(width)[None, :, None], np.arange(height)[:, None, None]
    size = np.array([1, 2, 3])
    return (((x // size + y // size) % 2) * 255).astype(np.uint8)


def image(canvas):
    """Bytes as a picture."""
    return Image.fromarray(canvas)


def save(path, canvas):
    """Write bytes as PNG."""
    Image.fromarray(canvas).save(path, optimize=True)
