"""What a pipeline takes, found from the parameters of its `__call__`."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

IMAGES = ("image", "input_images", "images", "input_image", "source_image", "reference_image", "reference_images", "condition_image")
"""What pipelines call the picture to edit, the usual name first."""
MASKS = ("mask_image", "mask", "user_mask")
"""What pipelines call the mask."""
STEPS = "num_inference_steps"
COPIES = "num_images_per_prompt"
CALLBACK = "callback_on_step_end"
OURS = frozenset((*IMAGES, *MASKS, "prompt", STEPS, COPIES, "generator", "latents", "output_type", "return_dict", CALLBACK))
"""What the plugin itself gives: no business of the recipe's `arguments`."""


class NoEditorError(ValueError):
    """A pipeline that is no editor."""


@dataclass(frozen=True)
class Signature:
    """What a pipeline takes."""

    name: str
    """The class."""
    defaults: Mapping[str, Any]
    """Every named parameter, with its default; `inspect.Parameter.empty` where there is none."""
    takes_others: bool
    """Whether it takes arguments under any name."""
    image: str
    """What it calls the picture to edit."""
    mask: str | None
    """What it calls the mask, where it takes one."""

    @classmethod
    def of(cls, pipeline: type) -> Signature:
        """Of a class of pipelines."""
        parameters = inspect.signature(pipeline.__call__).parameters.values()
        named = {each.name: each.default for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)}
        named.pop("self", None)
        image = next((name for name in IMAGES if name in named), None)
        if image is None or "prompt" not in named:
            missing = "instruction (`prompt`)" if image else f"picture (one of {', '.join(f'`{name}`' for name in IMAGES)})"
            taken = ", ".join(f"`{name}`" for name in named)
            raise NoEditorError(f"{pipeline.__name__} takes no {missing}, so it cannot edit by instruction: it takes {taken}")
        mask = next((name for name in MASKS if name in named), None)
        return cls(pipeline.__name__, named, any(each.kind is each.VAR_KEYWORD for each in parameters), image, mask)

    def __contains__(self, name: object) -> bool:
        return name in self.defaults

    def default(self, name: str) -> Any:
        """The default of a parameter; none where it has none."""
        value = self.defaults.get(name)
        return None if value is inspect.Parameter.empty else value

    def number(self, name: str) -> float | None:
        """The default of a parameter where it is a number."""
        value = self.default(name)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def problem(self, name: str) -> str | None:
        """Why a recipe cannot set an argument of this name."""
        if name in OURS:
            return f"`{name}` is given by the plugin itself"
        if name in self.defaults or self.takes_others:
            return None
        return f"{self.name} has no argument `{name}`{suggestion(name, self.defaults)}"

    @property
    def is_batched(self) -> bool:
        """Whether one call can make several pictures of one prompt, each with a generator of its own."""
        return COPIES in self.defaults and "generator" in self.defaults

    @property
    def has_size(self) -> bool:
        """Whether the size of the result is an argument."""
        return "height" in self.defaults and "width" in self.defaults


def suggestion(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: what may have been meant."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f": did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else ""
