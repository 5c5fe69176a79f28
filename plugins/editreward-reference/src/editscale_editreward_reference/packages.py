"""What the checkout imports: what it cannot do without, and what it needs for training alone."""

from __future__ import annotations

import importlib
import importlib.machinery
import logging
import sys
from importlib import metadata
from types import ModuleType
from typing import Any

from editscale.plugins import Unready

log = logging.getLogger("editscale.editreward_reference")

NEEDED = ("torch", "torchvision", "transformers", "accelerate", "safetensors", "omegaconf", "requests", "PIL")
OLDEST, NEXT = (4, 52), (5, 0)
"""The module tree of the checkpoints came with the first; the second takes away what the code calls."""
FOR_TRAINING = ("datasets", "fire", "matplotlib.pyplot", "matplotlib.patches", "pandas", "torch.utils.tensorboard", "peft", "trl")


def check() -> str:
    """Raises `Unready` where something that is needed is missing or does not fit; the version of transformers."""
    missing = [name for name in NEEDED if not _imports(name)]
    if missing:
        named = " ".join({"PIL": "pillow"}.get(name, name) for name in missing)
        raise Unready(f"the published code needs packages that cannot be imported here: {', '.join(missing)}; pip install {named}")
    found = metadata.version("transformers")
    numbers = tuple(int(part) for part in found.split(".")[:2])
    if not OLDEST <= numbers < NEXT:
        raise Unready(f"transformers {found} does not fit the published code: expected 4.52 to 4.57; pip install transformers==4.57.1")
    return found


def stand_in_for_training() -> list[str]:
    """Puts empty modules where packages are missing that scoring never calls; their names."""
    # It looks for packages when it is imported, which has to be before there are stand-ins.
    try:
        importlib.import_module("transformers.trainer")
    except Exception as error:  # a package that it looks for may fail with anything
        raise Unready(f"transformers cannot be imported with what is installed beside it: {type(error).__name__}: {error}") from error
    made = []
    for name in FOR_TRAINING:
        if _imports(name):
            continue
        made.append(name)
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            _put(".".join(parts[:end]), is_last=end == len(parts))
    if made:
        log.info("not installed, and not needed for scoring: %s", ", ".join(made))
    return made


class StandIn(ModuleType):
    """A module whose names are all there and none of which can be used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return {"get_quantization_config": _no_quantization, "get_kbit_device_map": _nothing}.get(name, Unused)


class Unused:
    """Stands for a class of a package that is not installed: it can be derived from, not made."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Says that it cannot be made."""
        raise Unready("the published code asked for a package that it needs for training alone: install what its README names")


def _no_quantization(model_config: Any) -> None:
    if getattr(model_config, "load_in_8bit", False) or getattr(model_config, "load_in_4bit", False):
        raise Unready("weights of 8 or 4 bits need the package trl: pip install trl==0.8.6 bitsandbytes")


def _nothing() -> None:
    return None


def _put(name: str, *, is_last: bool) -> None:
    if name in sys.modules and not is_last:
        return
    if not is_last and _imports(name):
        return
    module = StandIn(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
    module.__path__ = []
    sys.modules[name] = module


def _imports(name: str) -> bool:
    try:
        importlib.import_module(name)
    except Exception as error:  # a package of another version may fail with anything
        if not isinstance(error, ModuleNotFoundError):
            log.warning("`%s` is installed and cannot be imported: %s", name, error)
        return False
    return True
