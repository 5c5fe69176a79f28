"""Low-rank adapters: those of the recipe, and one that a trainer hands over."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from editscale.plugins import Failure, Unready, Weights

from .settings import Lora, Settings

ADOPTED = "adopted"
log = logging.getLogger("editscale_diffusers")


class Adapters:
    """The adapters of one pipeline."""

    def __init__(self, pipeline: Any, settings: Settings) -> None:
        """For a loaded pipeline, before it is offloaded."""
        self._pipeline = pipeline
        self._base: list[tuple[str, float]] = []
        self._adopted: str | None = None
        self._count = 0
        self.can = callable(getattr(pipeline, "load_lora_weights", None)) and importlib.util.find_spec("peft") is not None
        self.can_adopt = self.can and settings.offload in ("none", "model")
        for lora in settings.loras:
            self._load_base(lora, settings.local_files_only)
        self._use(self._base)

    def _load_base(self, lora: Lora, local_files_only: bool) -> None:
        if not self.can:
            raise Unready(f"`config.lora`: {self._why_not()}")
        name = f"recipe_{len(self._base)}"
        named: dict[str, Any] = {} if lora.weight_name is None else {"weight_name": lora.weight_name}
        try:
            source, more = _place(lora.path, lora.weight_name)
            self._pipeline.load_lora_weights(source, adapter_name=name, local_files_only=local_files_only, **{**more, **named})
        except Exception as error:
            raise Unready(f"`config.lora`: {lora.path} cannot be loaded: {type(error).__name__}: {error}") from error
        if name not in self._names():
            raise Unready(f"`config.lora`: {lora.path} holds nothing for {type(self._pipeline).__name__}: no name in it fits")
        self._base.append((name, lora.scale))

    def _why_not(self) -> str:
        if not callable(getattr(self._pipeline, "load_lora_weights", None)):
            return f"{type(self._pipeline).__name__} takes no adapters"
        return "adapters need the package peft: pip install peft"

    def adopt(self, weights: Weights) -> str:
        """Takes up a trainer's adapter, or what it began with. After an exception the earlier ones are in force."""
        if weights.kind == "base":
            # In force first: where that fails, the adapter is still there.
            if self._base:
                self._use(self._base)
            self._drop(self._adopted)
            self._adopted = None
            return "base"
        if weights.kind != "adapter" or weights.path is None or not self.can_adopt:
            why = "only adapters" if self.can_adopt else self._why_not()
            raise Failure(f"this editor takes up no {weights.kind}: {why}", kind="refused")
        checksum = digest(weights.path)
        self._take(weights.path, weights.scale)
        return f"sha256:{checksum}@{weights.scale:g}"

    def _take(self, path: Path, scale: float) -> None:
        earlier, self._count = self._adopted, self._count + 1
        name = f"{ADOPTED}_{self._count}"
        try:
            source, named = _place(str(path), None)
            self._pipeline.load_lora_weights(source, adapter_name=name, local_files_only=True, **named)
            if name not in self._names():
                raise Failure(f"the adapter {path} holds nothing for {type(self._pipeline).__name__}: no name in it fits", kind="invalid")
            self._use([*self._base, (name, scale)])
        except Exception as error:
            self._back(name, earlier)
            if isinstance(error, Failure):
                raise
            raise Failure(f"the adapter {path} cannot be taken up: {type(error).__name__}: {error}", kind="invalid") from error
        self._drop(earlier)
        self._adopted, self._scale = name, scale

    def _back(self, name: str, earlier: str | None) -> None:
        try:
            self._drop(name)
            self._use([*self._base, *([(earlier, self._scale)] if earlier else [])])
        except Exception as error:
            raise Failure(f"the earlier adapters cannot be brought back: {error}", kind="ambiguous") from error

    def _drop(self, name: str | None) -> None:
        if name is not None and name in self._names():
            self._pipeline.delete_adapters(name)

    def _use(self, wanted: Sequence[tuple[str, float]]) -> None:
        if wanted:
            self._pipeline.set_adapters([name for name, _ in wanted], adapter_weights=[scale for _, scale in wanted])
        elif self.can and self._names():
            self._pipeline.unload_lora_weights()

    def _names(self) -> set[str]:
        return {name for names in self._pipeline.get_list_adapters().values() for name in names}


def _place(path: str, weight_name: str | None) -> tuple[str, dict[str, Any]]:
    """The folder and the file's name, as diffusers wants a file to be told."""
    found = Path(path)
    if found.is_file():
        return str(found.parent), {"weight_name": found.name}
    if found.is_dir() and weight_name is None:
        files = sorted(file.name for file in found.glob("*.safetensors"))
        if len(files) == 1:
            return str(found), {"weight_name": files[0]}
    if not found.exists() and (found.is_absolute() or path.count("/") != 1):
        raise FileNotFoundError(f"there is no file or folder {found.absolute()}")
    return path, {}


def digest(path: Path) -> str:
    """The digest of a file, or of all files in a folder."""
    if not path.exists():
        raise Failure(f"there is no adapter {path.absolute()}", kind="invalid")
    summed = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file()):
        summed.update(file.name.encode())
        with file.open("rb") as opened:
            while chunk := opened.read(1 << 20):
                summed.update(chunk)
    return summed.hexdigest()
