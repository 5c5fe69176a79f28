"""The size that a picture is made in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image

from .families import Family
from .signature import Signature

Size = tuple[int, int]


@dataclass(frozen=True)
class SizeRule:
    """What the recipe says about sizes."""

    kind: Literal["auto", "source", "pipeline", "fixed", "pixels"] = "auto"
    """As the kind of pipeline has it; the picture's own; whatever the pipeline makes; always the same; or an area with its aspect."""
    fixed: Size | None = None
    pixels: int | None = None

    @classmethod
    def of(cls, value: Any) -> SizeRule:
        """What stands in a recipe."""
        if value in ("auto", "source", "pipeline"):
            return cls(value)
        if isinstance(value, dict) and set(value) == {"pixels"} and _is_side(value["pixels"]):
            return cls("pixels", pixels=value["pixels"])
        if isinstance(value, dict) and set(value) == {"width", "height"} and all(map(_is_side, value.values())):
            return cls("fixed", fixed=(value["width"], value["height"]))
        raise ValueError(f"`size`: expected `auto`, `source`, `pipeline`, {{width: …, height: …}} or {{pixels: …}}, found {value!r:.80}")


def _is_side(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


@dataclass(frozen=True)
class Frame:
    """In what size a picture is given, and what is said of the result's."""

    image: Image.Image
    size: Size | None
    """The size that is asked for; none where the pipeline decides."""
    arguments: dict[str, Any]


class Sizes:
    """Chooses sizes for one pipeline."""

    def __init__(self, pipeline: Any, signature: Signature, family: Family, rule: SizeRule) -> None:
        """For a loaded pipeline."""
        self._signature, self._family, self._rule = signature, family, rule
        factor = int(getattr(pipeline, "vae_scale_factor", 8) or 8)
        self.multiple = factor * 2 if signature.has_size else factor * 8
        self.native = native_area(pipeline, factor)

    def frame(self, image: Image.Image, asked: Size | None) -> Frame:
        """For a picture, and the size that somebody wants in the end."""
        source = "own" if self._rule.kind == "pipeline" else self._family.size
        if source == "own" and self._rule.kind in ("auto", "pipeline"):
            known = self._family.automatic if self._rule.kind == "auto" else {}
            return Frame(image, None, {name: value for name, value in known.items() if name in self._signature})
        size = self._size(image, asked)
        if not self._signature.has_size:
            return Frame(image if image.size == size else image.resize(size, Image.Resampling.LANCZOS), size, {})
        arguments: dict[str, Any] = {"width": size[0], "height": size[1]}
        if "max_area" in self._signature:
            arguments["max_area"] = size[0] * size[1]
        return Frame(image, size, arguments)

    def _size(self, image: Image.Image, asked: Size | None) -> Size:
        if self._rule.fixed is not None:
            return floor_to(self._rule.fixed, self.multiple)
        # Where the picture itself is brought to the size, its aspect stays.
        aspect = asked if asked is not None and self._signature.has_size else image.size
        if self._rule.kind == "source":
            return floor_to(aspect, self.multiple)
        area = self._rule.pixels or self.native
        if self._rule.kind == "auto" and not self._signature.has_size:
            area = min(area, image.width * image.height)
        return of_area(aspect, area, self.multiple)


def native_area(pipeline: Any, factor: int) -> int:
    """The pixels that a pipeline makes by itself."""
    config = getattr(getattr(pipeline, "unet", None), "config", None)
    sample = getattr(pipeline, "default_sample_size", None) or getattr(config, "sample_size", None) or 128
    return int((int(sample) * factor) ** 2) if isinstance(sample, int) else 1024**2


def of_area(aspect: Size, area: int, multiple: int) -> Size:
    """The size of about this area and aspect whose sides are multiples."""
    ratio = aspect[0] / aspect[1]
    wide = (math.sqrt(area * ratio), math.sqrt(area / ratio))
    width, height = (max(multiple, round(side / multiple) * multiple) for side in wide)
    return width, height


def floor_to(size: Size, multiple: int) -> Size:
    """The greatest size of multiples that is not larger; one multiple at least."""
    width, height = (max(multiple, side // multiple * multiple) for side in size)
    return width, height
