"""Encoded pictures: what comes from the host, and what a plugin makes."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .failures import Failure

if TYPE_CHECKING:
    from PIL.Image import Image

PNG_LEVEL = 3
"""Fast, and within a few percent of the smallest."""


@dataclass(frozen=True)
class FilePlace:
    """A file of the spool."""

    path: Path
    length: int
    sha256: str

    def read(self) -> bytes:
        """Its bytes, as they were when they were announced."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise Failure(f"the file {self.path} cannot be read: {error}", kind="invalid") from error
        if len(data) != self.length:
            raise Failure(f"the file {self.path} holds {len(data)} bytes: expected {self.length}", kind="invalid")
        found = hashlib.sha256(data).hexdigest()
        if found != self.sha256:
            raise Failure(f"the file {self.path} has the SHA-256 {found}: expected {self.sha256:.80}", kind="invalid")
        return data


class Picture:
    """An encoded picture. Its bytes are read when they are first asked for.

    Within one call, items that name the same picture hold the same object, so that what was computed for it can be kept by identity
    or, across calls, by `sha256`.
    """

    def __init__(self, data: bytes | FilePlace, media: str = "", width: int | None = None, height: int | None = None) -> None:
        """For bytes, or a file that holds them."""
        self._data = data
        self.media = media or media_of(self.bytes)
        """What it is encoded as, such as `image/png`."""
        self.width = width
        """Its width in pixels, upright as `open` has it. The host always says it."""
        self.height = height
        """Its height in pixels, likewise."""

    @classmethod
    def read(cls, path: str | Path) -> Picture:
        """The picture in a file, for trying a plugin by hand."""
        return cls(Path(path).read_bytes())

    @cached_property
    def bytes(self) -> bytes:
        """The encoded bytes."""
        return self._data.read() if isinstance(self._data, FilePlace) else self._data

    @cached_property
    def sha256(self) -> str:
        """The digest of the encoded bytes, 64 hexadecimal digits."""
        return self._data.sha256 if isinstance(self._data, FilePlace) else hashlib.sha256(self._data).hexdigest()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, upright."""
        if self.width is None or self.height is None:
            self.width, self.height = self.open(None).size
        return self.width, self.height

    def open(self, mode: str | None = "RGB") -> Image:
        """The decoded picture, upright, in this mode of Pillow; in its own for `None`."""
        from PIL import ImageOps

        upright = ImageOps.exif_transpose(self._decoded())
        if mode is None or upright.mode == mode:
            return upright
        if upright.mode.startswith("I"):  # 16 bits a pixel, which Pillow would cut off at 255
            upright = upright.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        return upright.convert(mode)

    def _decoded(self) -> Image:
        try:
            from PIL import Image
        except ImportError as error:
            raise Failure("pictures are opened by Pillow, which is not installed here: pip install pillow") from error
        try:
            image = Image.open(io.BytesIO(self.bytes))
            image.load()
        except Exception as error:  # decoders raise all sorts of exceptions for broken files
            raise Failure(f"a picture of {len(self.bytes)} bytes ({self.media}) cannot be decoded: {error}", kind="invalid") from error
        return image

    def __repr__(self) -> str:
        return f"Picture({self.media}, {self.width}x{self.height})"


def encoded(picture: Any) -> bytes:
    """The bytes of what an editor may give for a picture: encoded bytes, a `Picture`, an image of Pillow, or the path of a file."""
    if isinstance(picture, Picture):
        return picture.bytes
    if isinstance(picture, (bytes, bytearray, memoryview)):
        return bytes(picture)
    if isinstance(picture, Path):
        return picture.read_bytes()
    if callable(getattr(picture, "save", None)) and hasattr(picture, "mode"):
        buffer = io.BytesIO()
        keeps = picture.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
        (picture if keeps else picture.convert("RGB")).save(buffer, "PNG", compress_level=PNG_LEVEL)
        return buffer.getvalue()
    kind = type(picture)
    raise Failure(f"expected a picture as encoded bytes, an image of Pillow or a `Path`, found {kind.__module__}.{kind.__qualname__}")


def media_of(data: bytes) -> str:
    """What these bytes are encoded as, by how they begin."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    known = {
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"\xff\xd8\xff": "image/jpeg",
        b"II*\0": "image/tiff",
        b"MM\0*": "image/tiff",
        b"GIF8": "image/gif",
        b"BM": "image/bmp",
    }
    for start, media in known.items():
        if data.startswith(start):
            return media
    raise Failure(f"a picture begins with {bytes(data[:8])!r}: expected PNG, JPEG, WebP, TIFF, BMP or GIF", kind="invalid")
