"""Pictures of rows, as editors and rewards saw them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def upright(encoded: bytes) -> Image:
    """The picture in a file, turned as its EXIF says: cameras write many a picture lying on its side. Needs Pillow."""
    from PIL import Image, ImageOps

    picture = Image.open(io.BytesIO(encoded))
    ImageOps.exif_transpose(picture, in_place=True)
    return picture
