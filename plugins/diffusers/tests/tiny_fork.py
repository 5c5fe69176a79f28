"""Pipelines as a user's fork has them: Qwen-Image-Edit, which insists on a million pixels, on small pictures."""

from diffusers import QwenImageEditPipeline, QwenImageEditPlusPipeline
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit, pipeline_qwenimage_edit_plus

AREA = 64 * 64


def _sides(ratio):
    width = (AREA * ratio) ** 0.5
    return max(32, round(width / 32) * 32), max(32, round(width / ratio / 32) * 32)


pipeline_qwenimage_edit.calculate_dimensions = lambda area, ratio: (*_sides(ratio), None)
pipeline_qwenimage_edit_plus.calculate_dimensions = lambda area, ratio: _sides(ratio)


class TinyQwenImageEditPipeline(QwenImageEditPipeline):
    """On small pictures."""


class TinyQwenImageEditPlusPipeline(QwenImageEditPlusPipeline):
    """On small pictures."""
