"""The settings of a pipeline that a search may turn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from editscale.plugins import ConfigError, Knob

from .settings import Range, Settings
from .signature import STEPS, Signature

STEPS_KNOB = "steps"
GUIDANCE = ("guidance_scale", "image_guidance_scale", "img_guidance_scale", "true_cfg_scale")
STRENGTH = "strength"
USUAL_STEPS = 50
NAME = re.compile(r"[a-z][a-z0-9_]*")


def default_steps(settings: Settings, signature: Signature) -> int:
    """How many steps are taken where nobody turns them."""
    return settings.steps or int(signature.number(STEPS) or USUAL_STEPS)


def knobs_of(settings: Settings, signature: Signature, pipeline: Any) -> list[Knob]:
    """Every knob: the usual ones, and those that the recipe gives a range for."""
    ranges: dict[str, Range | None] = {**_usual(settings, signature, pipeline), **settings.knobs}
    made = [_knob(name, bounds, settings, signature) for name, bounds in ranges.items() if bounds is not None]
    return sorted(made, key=lambda knob: knob.name)


def _usual(settings: Settings, signature: Signature, pipeline: Any) -> dict[str, Range | None]:
    steps = default_steps(settings, signature)
    found: dict[str, Range | None] = {}
    if STEPS in signature:
        found[STEPS_KNOB] = Range(max(1, round(steps / 4)), steps)
    for name in GUIDANCE:
        default = _default(name, settings, signature)
        # At 1 there is no guidance, and an argument that is off may be off for a reason.
        if default is not None and default > 1 and not (name == "guidance_scale" and _is_deaf(pipeline, signature)):
            found[name] = Range(1.0, max(2 * default, default + 2))
    strength = _default(STRENGTH, settings, signature)
    if strength is not None and 0 < strength <= 1:
        found[STRENGTH] = Range(min(0.3, strength), 1.0)
    return found


def _is_deaf(pipeline: Any, signature: Signature) -> bool:
    """Whether the denoiser was not made for a guidance that is told to it."""
    config = getattr(getattr(pipeline, "transformer", None), "config", None)
    return "true_cfg_scale" in signature and getattr(config, "guidance_embeds", None) is False


def _default(name: str, settings: Settings, signature: Signature) -> float | None:
    value = settings.arguments.get(name, signature.number(name))
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _knob(name: str, bounds: Range, settings: Settings, signature: Signature) -> Knob:
    place = f"`config.knobs.{name}`"
    if not NAME.fullmatch(name):
        raise ConfigError(f"{place}: expected lower-case letters, digits and `_`, a letter first")
    default: float | None = default_steps(settings, signature) if name == STEPS_KNOB else _default(name, settings, signature)
    problem = None if name == STEPS_KNOB else signature.problem(name)
    if problem is not None or default is None:
        raise ConfigError(f"{place}: {problem or f'`{name}` is no number where nobody turns it: give it a value in `arguments`'}")
    if name == STEPS_KNOB and bounds.low < 1:
        raise ConfigError(f"{place}: expected at least 1 step, found {bounds.low:g}")
    if not bounds.low <= default <= bounds.high:
        raise ConfigError(f"{place}: {default:g}, which it is where nobody turns it, is not from {bounds.low:g} to {bounds.high:g}")
    return Knob(name, bounds.low, bounds.high, default)


def turned(knobs: Mapping[str, float], settings: Settings, signature: Signature) -> tuple[int, dict[str, Any]]:
    """Steps and arguments for knobs as they are turned. What is a whole number by itself stays one."""
    rest = dict(knobs)
    steps = max(1, round(rest.pop(STEPS_KNOB, default_steps(settings, signature))))
    arguments: dict[str, Any] = dict(settings.arguments)
    for name, value in rest.items():
        usual = arguments.get(name, signature.default(name))
        arguments[name] = round(value) if isinstance(usual, int) and name not in GUIDANCE and name != STRENGTH else value
    return steps, arguments
