"""What a recipe sets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from editscale.plugins import Config, ConfigError

from .sizes import SizeRule

DTYPES = ("auto", "float32", "bfloat16", "float16")
OFFLOADS = ("none", "model", "sequential", "group")
BATCHES = ("exact", "close", "never")


@dataclass(frozen=True)
class Lora:
    """A low-rank adapter."""

    path: str
    """A file, a folder, or what the hub calls it."""
    weight_name: str | None = None
    """The file in a folder or repository."""
    scale: float = 1.0


@dataclass(frozen=True)
class Range:
    """How far a knob goes, where the recipe says it."""

    low: float
    high: float


@dataclass(frozen=True)
class Settings:
    """All of `config`."""

    pipeline: str
    model: str
    paths: Sequence[str] = ()
    revision: str | None = None
    variant: str | None = None
    dtype: str = "auto"
    device: str = "auto"
    offload: str = "none"
    tiling: bool = False
    local_files_only: bool = True
    loras: Sequence[Lora] = ()
    quantize: Mapping[str, Any] = field(default_factory=dict)
    scheduler: Mapping[str, Any] = field(default_factory=dict)
    steps: int | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    knobs: Mapping[str, Range | None] = field(default_factory=dict)
    prompt: str | None = None
    size: SizeRule = field(default_factory=SizeRule)
    paste: bool = True
    noise: Literal["cpu", "device"] = "cpu"
    batch: str = "exact"
    largest_batch: int = 1
    check: bool = True
    pause: bool = True
    paused_mib: int = 1024
    preview_every: int = 0
    trajectory: bool = False

    @classmethod
    def of(cls, config: Config) -> Settings:
        """What stands in a recipe; `ConfigError` where it is not what it should be."""
        noise = config.text("noise", "cpu", choices=("cpu", "device"))
        settings = cls(
            pipeline=config.text("pipeline"),
            model=config.text("model"),
            paths=config.texts("paths", []),
            revision=config.text("revision", None),
            variant=config.text("variant", None),
            dtype=config.text("dtype", "auto", choices=DTYPES),
            device=config.text("device", "auto"),
            offload=config.text("offload", "none", choices=OFFLOADS),
            tiling=config.flag("tiling", False),
            local_files_only=config.flag("local_files_only", True),
            loras=_loras(config.value("lora", [])),
            quantize=_map("quantize", config.value("quantize", {})),
            scheduler=_map("scheduler", config.value("scheduler", {})),
            steps=config.whole("steps", None, low=1, high=10_000),
            arguments=_map("arguments", config.value("arguments", {})),
            knobs=_knobs(config.value("knobs", {})),
            prompt=_prompt(config.text("prompt", None)),
            size=_size(config.value("size", "auto")),
            paste=config.flag("paste", True),
            noise="cpu" if noise == "cpu" else "device",
            batch=config.text("batch", "exact", choices=BATCHES),
            largest_batch=config.whole("largest_batch", 1, low=1, high=1024),
            check=config.flag("check", True),
            pause=config.flag("pause", True),
            paused_mib=config.whole("paused_mib", 1024, low=1),
            preview_every=config.whole("preview_every", 0, low=0),
            trajectory=config.flag("trajectory", False),
        )
        if not settings.check and (settings.trajectory or (settings.batch == "exact" and settings.largest_batch > 1)):
            raise ConfigError("`config.check` is false: `trajectory` and `largest_batch` above 1 need the check at the start")
        return settings

    @property
    def decides(self) -> dict[str, Any]:
        """The settings that decide what a picture looks like, for the revision."""
        return {
            "variant": self.variant,
            "quantize": dict(self.quantize),
            "scheduler": dict(self.scheduler),
            "steps": self.steps,
            "arguments": dict(self.arguments),
            "prompt": self.prompt,
            "size": repr(self.size),
            "paste": self.paste,
            "noise": self.noise,
            "batch": self.batch,
            "tiling": self.tiling,
            "lora_scales": [lora.scale for lora in self.loras],
        }


def _map(key: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"`config.{key}`: expected a map of settings, found {value!r:.80}")
    return value


def _size(value: Any) -> SizeRule:
    try:
        return SizeRule.of(value)
    except ValueError as error:
        raise ConfigError(f"`config.size`: {str(error).removeprefix('`size`: ')}") from error


def _prompt(value: str | None) -> str | None:
    if value is not None and "{instruction}" not in value:
        raise ConfigError(f"`config.prompt`: expected a text with `{{instruction}}` in it, found {value!r:.80}")
    return value


def _loras(value: Any) -> list[Lora]:
    listed = value if isinstance(value, list) else [value]
    return [_lora(f"config.lora[{place}]", each) for place, each in enumerate(listed)]


def _lora(place: str, value: Any) -> Lora:
    if isinstance(value, str):
        value = {"path": value}
    known: dict[str, Any] = {"path": str, "weight_name": str, "scale": (int, float)}
    is_right = isinstance(value, dict) and isinstance(value.get("path"), str) and set(value) <= set(known)
    if not is_right or not all(isinstance(each, known[key]) and not isinstance(each, bool) for key, each in value.items()):
        raise ConfigError(f"`{place}`: expected a path, or {{path: …, weight_name: …, scale: …}}, found {json.dumps(value):.80}")
    path = str(Path(value["path"]).expanduser())
    return Lora(path, value.get("weight_name"), float(value.get("scale", 1.0)))


def _knobs(value: Any) -> dict[str, Range | None]:
    found: dict[str, Range | None] = {}
    for name, bounds in _map("knobs", value).items():
        if bounds is False:
            found[name] = None
        elif isinstance(bounds, list) and len(bounds) == 2 and all(_is_number(each) for each in bounds) and bounds[0] <= bounds[1]:
            found[name] = Range(float(bounds[0]), float(bounds[1]))
        else:
            raise ConfigError(f"`config.knobs.{name}`: expected [LEAST, GREATEST], or `false` for no such knob, found {bounds!r:.80}")
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
