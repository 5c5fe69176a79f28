"""The checkout of the published code: whether it is one, which, and its class that scores."""

from __future__ import annotations

import ast
import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from editscale.plugins import Unready

from .settings import Settings

PACKAGE = "EditReward"
SCORING = "inference_edit"
CLASS = "EditRewardInferencer"
METHODS = ("__init__", "prepare_batch", "reward")
HEADS = "ranknet_multi_head"
PROMPT_NAMES = {
    "instruction_following": "INSTRUCTION_EDIT_FOLLOWING",
    "visual_quality": "INSTRUCTION_EDIT_QUALITY",
    "tail": "prompt_with_special_token",
}


def check(repository: Path) -> None:
    """Raises `Unready` where the folder is no checkout, or one of another make."""
    file = repository / PACKAGE / f"{SCORING}.py"
    if not file.is_file():
        raise Unready(f"{repository.absolute()} is no checkout of TIGER-AI-Lab/EditReward: expected the file {PACKAGE}/{SCORING}.py in it")
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise Unready(f"{file} cannot be read as Python: {error}") from error
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if CLASS not in classes:
        found = ", ".join(classes) or "none"
        raise Unready(f"{file} does not fit: expected a class {CLASS}, found {found}; commit edb027e is known to fit")
    methods = [node.name for node in classes[CLASS].body if isinstance(node, ast.FunctionDef)]
    missing = [name for name in METHODS if name not in methods]
    if missing:
        raise Unready(f"{file} does not fit: {CLASS} has no {', '.join(missing)}; commit edb027e is known to fit")


def commit(repository: Path) -> str:
    """The commit that is checked out, where git says it."""
    try:
        head = (repository / ".git" / "HEAD").read_text(encoding="utf-8").strip()
        if head.startswith("ref: "):
            head = (repository / ".git" / head.removeprefix("ref: ")).read_text(encoding="utf-8").strip()
    except OSError:
        return "unknown"
    return head[:12]


def check_checkpoint(folder: Path) -> Path:
    """The file of weights that the published code will read."""
    for name in ("model.pth", "model.safetensors"):
        if (folder / name).is_file():
            return folder / name
    found = ", ".join(sorted(path.name for path in folder.glob("*"))[:8]) if folder.is_dir() else "no folder"
    raise Unready(
        f"{folder.absolute()} holds no weights that the published code reads: expected model.pth or model.safetensors, found {found}"
    )


def settings_of(settings: Settings, device: str, dtype: str) -> dict[str, Any]:
    """The checkout's file of settings with what the recipe sets instead."""
    from omegaconf import OmegaConf

    if not settings.yaml.is_file():
        known = ", ".join(sorted(f"{PACKAGE}/config/{path.name}" for path in (settings.repository / PACKAGE / "config").glob("*.yaml")))
        raise Unready(f"`config.config`: there is no file {settings.yaml}; the checkout has {known or 'none'}")
    values: Any = OmegaConf.to_container(OmegaConf.load(settings.yaml))
    if not isinstance(values, dict) or values.get("rm_head_type") != HEADS:
        found = values.get("rm_head_type") if isinstance(values, dict) else type(values).__name__
        raise Unready(f"{settings.yaml}: expected `rm_head_type: {HEADS}`, found {found!r}: other heads have no two parts")
    values["bf16"] = dtype == "bf16" and device != "cpu"
    values["fp16"] = False
    values["torch_dtype"] = "bfloat16" if dtype == "bf16" else "float32"
    values["use_cpu"] = device == "cpu"
    if settings.attention != "auto":
        values["disable_flash_attn2"] = settings.attention == "sdpa"
    if settings.base:
        values["model_name_or_path"] = settings.base
    return values


@contextmanager
def written(values: dict[str, Any]) -> Iterator[Path]:
    """A file of settings for as long as it is read."""
    from omegaconf import OmegaConf

    with tempfile.TemporaryDirectory(prefix="editscale-editreward-") as folder:
        values = values | {"output_dir": folder}
        OmegaConf.save(OmegaConf.create(values), Path(folder) / "settings.yaml")
        yield Path(folder) / "settings.yaml"


def module_of(repository: Path) -> ModuleType:
    """The module of the checkout that scores."""
    folder = str(repository.absolute())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(f"{PACKAGE}.{SCORING}")
    except Exception as error:  # it may fail with anything
        raise Unready(f"{folder}: {PACKAGE}.{SCORING} cannot be imported: {type(error).__name__}: {error}") from error


def use_prompts(module: ModuleType, folder: Path) -> None:
    """Puts other prompts in the place of the checkout's, for a model that was not trained with them."""
    for name, place in PROMPT_NAMES.items():
        file = folder / f"{name}.txt"
        if not file.is_file() or not hasattr(module, place):
            raise Unready(f"`config.prompts`: expected the file {file}, and {place} in the checkout")
        setattr(module, place, file.read_bytes().decode())
