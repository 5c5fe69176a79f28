"""What exactly answers: weights, libraries and settings, in one line."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any

from . import __version__
from .adapters import digest
from .settings import Settings

WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".msgpack", ".h5", ".onnx")
HEAD = 1 << 16
"""Bytes at either end of a file of weights that are looked at: the names and shapes of its tensors, and some of the numbers."""


def revision_of(settings: Settings, pipeline: Any, more: dict[str, Any]) -> str:
    """The revision of a loaded pipeline. `more` is what was found out when it was loaded and decides pictures."""
    decided = {**settings.decides, **more}
    settled = hashlib.sha256(json.dumps(decided, sort_keys=True, default=str).encode()).hexdigest()[:12]
    adapters = "".join(f"+lora:{_adapter(lora.path)}" for lora in settings.loras)
    packages = " ".join(f"{name} {_version(name)}" for name in ("diffusers", "torch", "transformers"))
    weights = checkpoint(settings, pipeline)
    return f"{settings.pipeline} {weights}{adapters} settings:{settled} {packages} editscale-diffusers {__version__}"


def checkpoint(settings: Settings, pipeline: Any) -> str:
    """The commit on the hub, or the digest of a folder's files."""
    folder = Path(settings.model).expanduser()
    if not folder.is_dir():
        cached = _snapshot(settings, pipeline)
        if cached is None:
            return f"{settings.model}@{settings.revision or 'main'}"
        folder = cached
    if folder.parent.name == "snapshots":
        return f"commit:{folder.name[:12]}"
    return f"files:{folder_digest(folder)[:12]}"


def _snapshot(settings: Settings, pipeline: Any) -> Path | None:
    """The folder of the hub's cache that was loaded from."""
    try:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(settings.model, "model_index.json", revision=settings.revision)
        return Path(found).parent if isinstance(found, str) else None
    except Exception:  # the cache may be laid out as no version that is known does it
        return None


def folder_digest(folder: Path) -> str:
    """The digest of a checkpoint: all of its small files, and names, lengths and both ends of its weights."""
    summed = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        summed.update(f"{file.relative_to(folder).as_posix()}\0{file.stat().st_size}\0".encode())
        summed.update(_ends(file) if file.suffix in WEIGHTS else file.read_bytes())
    return summed.hexdigest()


def _ends(file: Path) -> bytes:
    with file.open("rb") as opened:
        first = opened.read(HEAD)
        opened.seek(max(0, file.stat().st_size - HEAD))
        return first + opened.read(HEAD)


def _adapter(path: str) -> str:
    return digest(Path(path))[:12] if Path(path).exists() else path


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        module = importlib.import_module(name)
        return str(getattr(module, "__version__", "unknown"))
