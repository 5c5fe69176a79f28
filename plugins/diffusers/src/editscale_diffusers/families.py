"""What no signature tells about pipelines that are known: by the name of a class or of what it is derived from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .signature import Signature

SizeSource = Literal["own", "aspect", "input"]
"""Where the size of a result comes from: the pipeline's own rule; arguments with the picture's aspect; or the picture itself."""
INSTRUCTION = "{instruction}"


@dataclass(frozen=True)
class Family:
    """What is peculiar to a kind of pipelines."""

    prompt: str = INSTRUCTION
    """The prompt around an instruction."""
    size: SizeSource = "aspect"
    """Where the size of a result comes from where nobody says."""
    as_list: bool = False
    """Whether the picture to edit goes into a list."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Arguments where the recipe does not give them."""
    automatic: Mapping[str, Any] = field(default_factory=dict)
    """Arguments for the pipeline's own rule of sizes."""


FAMILIES: Mapping[str, Family] = {
    # Without the placeholder OmniGen does not look at the picture at all.
    "OmniGenPipeline": Family(
        prompt="<img><|image_1|></img> {instruction}",
        size="own",
        as_list=True,
        automatic={"use_input_image_size_as_output": True},
    ),
    # References stay at their own size: another grid for the result would shift and zoom the picture.
    "QwenImageEditPipeline": Family(size="own"),
    "QwenImageEditPlusPipeline": Family(size="own", as_list=True),
    "QwenImageEditInpaintPipeline": Family(size="own"),
    "Flux2Pipeline": Family(size="own"),
    "Flux2KleinPipeline": Family(size="own"),
    # Their denoisers see the picture as further channels, so that it has the size of the result.
    "StableDiffusionInstructPix2PixPipeline": Family(size="input"),
    "LongCatImageEditPipeline": Family(size="own"),
    # It is guided by an empty prompt without being asked to.
    "Step1XEditPipeline": Family(size="own", defaults={"negative_prompt": ""}),
    # Its own rounds of thinking and judging would be a search within the search.
    "Step1XEditPipelineV1P2": Family(
        size="own",
        defaults={"negative_prompt": "", "enable_thinking_mode": False, "enable_reflection_mode": False},
    ),
}


def family_of(pipeline: type, signature: Signature) -> Family:
    """What is known of a class of pipelines."""
    for base in pipeline.__mro__:
        if base.__name__ in FAMILIES:
            return FAMILIES[base.__name__]
    return Family(size="aspect" if signature.has_size else "input")


def is_guided_unseen(signature: Signature, arguments: Mapping[str, Any]) -> bool:
    """Whether guidance by a negative prompt is asked for while there is none: such pipelines then leave guidance out silently."""
    scale = arguments.get("true_cfg_scale", signature.number("true_cfg_scale"))
    takes = "true_cfg_scale" in signature and "negative_prompt" in signature
    return takes and isinstance(scale, (int, float)) and scale > 1 and "negative_prompt" not in arguments
