"""Whether a vision-language text encoder is told where in the picture its tokens lie.

Qwen2.5-VL gives a token of a picture three positions: time, row and column. From transformers 5 on it needs `mm_token_type_ids` to
know which tokens those are. Pipelines of diffusers that do not hand them on silently get one position counted through, and make other
pictures. That is seen here from what the encoder really does, whatever the versions.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

NEEDED = "mm_token_type_ids"


@dataclass
class Seen:
    """What passed through an encoder."""

    tokens: list[Any] = field(default_factory=list)
    positions: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Finding:
    """What became of one encoder."""

    name: str
    is_right: bool
    was_repaired: bool = False


def encoders(pipeline: Any) -> dict[str, Any]:
    """The components that count positions in three rows and see pictures."""
    found = getattr(pipeline, "components", {})
    return {name: module for name, module in found.items() if _counts_in_three(module)}


def _counts_in_three(module: Any) -> bool:
    config = getattr(module, "config", None)
    if not callable(getattr(module, "modules", None)) or getattr(config, "image_token_id", None) is None:
        return False
    try:
        return "mrope_section" in json.dumps(config.to_dict(), default=str)  # type: ignore[union-attr]
    except AttributeError:
        return False


def settle(pipeline: Any, encode: Callable[[], None]) -> list[Finding]:
    """Looks at every such encoder while `encode` lets the pipeline read a prompt and a picture, and repairs what is wrong."""
    return [_settled(name, module, encode) for name, module in encoders(pipeline).items()]


def _settled(name: str, module: Any, encode: Callable[[], None]) -> Finding:
    if _is_right(module, encode):
        return Finding(name, True)
    if not repair(module):
        return Finding(name, False)
    return Finding(name, _is_right(module, encode), was_repaired=True)


def _is_right(module: Any, encode: Callable[[], None]) -> bool:
    seen = watch(module, encode)
    verdicts = [
        told
        for tokens, positions in zip(seen.tokens, seen.positions, strict=False)
        if (told := differs(tokens, positions, module.config.image_token_id)) is not None
    ]
    # Where no picture came along, there is nothing that could be told wrongly.
    return all(verdicts)


def watch(module: Any, encode: Callable[[], None]) -> Seen:
    """What goes into an encoder, and the positions that its attention turns by."""
    seen = Seen()
    handles = [module.register_forward_pre_hook(_noting_tokens(seen), with_kwargs=True)]
    handles += [each.register_forward_pre_hook(_noting_positions(seen), with_kwargs=True) for each in _turners(module)]
    try:
        encode()
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _turners(module: Any) -> list[Any]:
    """The module that makes rotations of positions, for texts: the vision tower's has none of the three rows."""
    named = {name: each for name, each in module.named_modules() if name.endswith("rotary_emb") and "visual" not in name}
    return [named[min(named, key=lambda name: name.count("."))]] if named else []


def _noting_tokens(seen: Seen) -> Callable[..., None]:
    def note(module: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        tokens = named.get("input_ids", arguments[0] if arguments else None)
        seen.tokens.append(tokens)

    return note


def _noting_positions(seen: Seen) -> Callable[..., None]:
    def note(module: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        seen.positions.append(named.get("position_ids", arguments[1] if len(arguments) > 1 else None))

    return note


def differs(tokens: Any, positions: Any, image: int) -> bool | None:
    """Whether the tokens of a picture have a row and a column; none where there is no picture to tell by."""
    if tokens is None or positions is None or positions.ndim != 3:
        return None if tokens is None or not bool((tokens == image).any()) else False
    is_picture = (tokens == image).to(positions.device)
    if int(is_picture.sum()) < 2:
        return None
    rows = positions[-3:, is_picture]
    return bool((rows[1] != rows[0]).any() or (rows[2] != rows[0]).any())


def repair(module: Any) -> bool:
    """Hands the encoder what it needs with every call; whether it takes it."""
    if NEEDED not in inspect.signature(module.forward).parameters:
        return False
    image, video = module.config.image_token_id, getattr(module.config, "video_token_id", None)

    def add(module: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any] | None:
        tokens = named.get("input_ids", arguments[0] if arguments else None)
        if tokens is None or named.get(NEEDED) is not None:
            return None
        kinds = (tokens == image).int()
        return arguments, {**named, NEEDED: kinds if video is None else kinds + 2 * (tokens == video).int()}

    module.register_forward_pre_hook(add, with_kwargs=True)
    return True
