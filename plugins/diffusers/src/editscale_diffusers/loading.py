"""From a recipe to a loaded pipeline, with messages that say what to do."""

from __future__ import annotations

import importlib
import json
import logging
import sys
from pathlib import Path
from typing import Any

from editscale.plugins import Unready

from .settings import Settings
from .signature import suggestion

INDEX = "model_index.json"
log = logging.getLogger("editscale_diffusers")


def pipeline_class(settings: Settings) -> type:
    """The class that the recipe names: of diffusers, or `module:Class` of anything that can be imported."""
    for path in reversed(settings.paths):
        folder = Path(path).expanduser()
        if not folder.is_dir():
            raise Unready(f"`config.paths`: there is no folder {folder.absolute()}")
        sys.path.insert(0, str(folder))
    module_name, _, class_name = settings.pipeline.rpartition(":")
    import diffusers

    module = _imported(module_name) if module_name else diffusers
    found = getattr(module, class_name, None)
    if found is None:
        known = [name for name in dir(module) if name.endswith("Pipeline")]
        place = module_name or f"diffusers {diffusers.__version__}"
        raise Unready(f"`config.pipeline`: {place} has no class `{class_name}`{suggestion(class_name, known)}")
    if not isinstance(found, type) or not issubclass(found, diffusers.DiffusionPipeline):
        if callable(getattr(found, "from_pretrained", None)) and getattr(found, "__module__", "").startswith("diffusers.utils"):
            return _dummy(found)
        raise Unready(f"`config.pipeline`: `{settings.pipeline}` is {found!r:.80}: expected a class that derives from DiffusionPipeline")
    return found


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception as error:  # a user's module may raise anything
        raise Unready(
            f"`config.pipeline`: the module `{name}` cannot be imported: {type(error).__name__}: {error}; "
            "`config.paths` names folders that are looked in"
        ) from error


def _dummy(found: type) -> type:
    """A class that diffusers stands in for one whose needs are not installed: it says itself what is missing."""
    try:
        found.from_pretrained("")  # type: ignore[attr-defined]
    except Exception as error:
        raise Unready(f"`config.pipeline`: `{found.__name__}` cannot be used here: {str(error).strip()}") from error
    return found


def load(settings: Settings, cls: Any) -> Any:
    """The pipeline with its weights, on its device."""
    device = device_of(settings)
    options = _options(settings, device)
    source = _source(settings)
    log.info("loading %s from %s (%s)", cls.__name__, source, options["torch_dtype"])
    try:
        pipeline = cls.from_pretrained(source, **options)
    except Unready:
        raise
    except Exception as error:
        raise Unready(_loading_problem(settings, cls, error)) from error
    pipeline.set_progress_bar_config(disable=True)
    _use_scheduler(pipeline, settings)
    if settings.tiling:
        _tile(pipeline)
    return pipeline


def device_of(settings: Settings) -> str:
    """Where it is computed."""
    import torch

    if settings.device != "auto":
        try:
            torch.empty(1, device=settings.device)
        except Exception as error:
            raise Unready(f"`config.device`: `{settings.device}` cannot be used here: {str(error).splitlines()[0]}") from error
        return settings.device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _options(settings: Settings, device: str) -> dict[str, Any]:
    import torch

    dtype = settings.dtype if settings.dtype != "auto" else ("float32" if device == "cpu" else "bfloat16")
    options: dict[str, Any] = {"torch_dtype": getattr(torch, dtype), "local_files_only": settings.local_files_only}
    if settings.revision is not None:
        options["revision"] = settings.revision
    if settings.variant is not None:
        options["variant"] = settings.variant
    if settings.quantize:
        options["quantization_config"] = _quantization(settings)
    return options


def _quantization(settings: Settings) -> Any:
    import diffusers

    made = getattr(diffusers, "PipelineQuantizationConfig", None) or getattr(
        getattr(diffusers, "quantizers", None), "PipelineQuantizationConfig", None
    )
    if made is None:
        raise Unready(f"`config.quantize`: diffusers {diffusers.__version__} cannot quantize pipelines: expected 0.34 or later")
    chosen = dict(settings.quantize)
    if "backend" not in chosen:
        raise Unready("`config.quantize.backend` is missing: expected a text such as `bitsandbytes_4bit`")
    backend, components = chosen.pop("backend"), chosen.pop("components", None)
    try:
        return made(quant_backend=backend, quant_kwargs=chosen, components_to_quantize=components)
    except Exception as error:
        raise Unready(f"`config.quantize`: {error}") from error


def _source(settings: Settings) -> str:
    """The folder or the name on the hub."""
    folder = Path(settings.model).expanduser()
    if folder.is_dir():
        if not (folder / INDEX).is_file():
            raise Unready(f"`config.model`: the folder {folder.absolute()} has no {INDEX}{_what_instead(folder)}")
        return str(folder)
    if folder.exists():
        raise Unready(f"`config.model`: {folder.absolute()} is a file: expected the folder of a pipeline, or a name on the hub")
    if folder.is_absolute() or settings.model.startswith((".", "~")) or settings.model.count("/") != 1:
        raise Unready(f"`config.model`: there is no folder {folder.absolute()}: expected one, or a name on the hub (OWNER/NAME)")
    return settings.model


def _what_instead(folder: Path) -> str:
    """What a folder seems to be that is no pipeline."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        names = config.get("architectures") or [config.get("_class_name")]
        return f": it holds a single model ({', '.join(map(str, names))}), expected a whole pipeline of diffusers"
    except (OSError, ValueError, AttributeError):
        files = sorted(path.name for path in folder.glob("*.safetensors"))[:3]
        held = f": it holds {', '.join(files)}" if files else ""
        return f"{held}, expected a whole pipeline as diffusers saves it"


def _loading_problem(settings: Settings, cls: Any, error: Exception) -> str:
    name, text = type(error).__name__, str(error).strip()
    is_missing = name in ("LocalEntryNotFoundError", "OfflineModeIsEnabled") or "local_files_only" in text or "cached" in text
    if not Path(settings.model).expanduser().is_dir() and (is_missing or name in ("OSError", "EnvironmentError")):
        of = f" --revision {settings.revision}" if settings.revision else ""
        return (
            f"`config.model`: {settings.model} is not in the cache of the hub on this machine. To download it: hf download "
            f"{settings.model}{of}; or set `local_files_only: false` to have it downloaded at the start ({name}: {text:.300})"
        )
    return f"`config.model`: {cls.__name__} cannot be loaded from {settings.model}: {name}: {text:.600}"


def _use_scheduler(pipeline: Any, settings: Settings) -> None:
    """Another scheduler, or the checkpoint's own with other settings."""
    if not settings.scheduler:
        return
    import diffusers

    changes = dict(settings.scheduler)
    name = changes.pop("class", type(pipeline.scheduler).__name__)
    found = getattr(diffusers, str(name), None)
    if not callable(getattr(found, "from_config", None)):
        known = [each for each in dir(diffusers) if each.endswith("Scheduler")]
        raise Unready(f"`config.scheduler.class`: diffusers {diffusers.__version__} has no `{name}`{suggestion(str(name), known)}")
    try:
        pipeline.scheduler = found.from_config({**pipeline.scheduler.config, **changes})  # type: ignore[union-attr]
    except Exception as error:
        raise Unready(f"`config.scheduler`: {type(error).__name__}: {error}") from error


def _tile(pipeline: Any) -> None:
    tile = getattr(getattr(pipeline, "vae", None), "enable_tiling", None)
    if not callable(tile):
        raise Unready(f"`config.tiling`: the autoencoder of {type(pipeline).__name__} cannot work in tiles")
    tile()


def place(pipeline: Any, settings: Settings) -> str:
    """Moves a pipeline to its device, or lets its parts go there in turn. The device."""
    device = device_of(settings)
    try:
        if settings.offload == "none":
            pipeline.to(device)
        else:
            _offload(pipeline, settings.offload, device)
    except Unready:
        raise
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        raise Unready(f"the pipeline cannot be brought to `{device}` (offload: {settings.offload}): {told}") from error
    return device


def _offload(pipeline: Any, how: str, device: str) -> None:
    import torch

    if device == "cpu":
        raise Unready(f"`config.offload: {how}` needs an accelerator to bring parts to, found `cpu`: expected `offload: none`")
    if how == "model":
        pipeline.enable_model_cpu_offload(device=device)
    elif how == "sequential":
        pipeline.enable_sequential_cpu_offload(device=device)
    elif callable(getattr(pipeline, "enable_group_offload", None)):
        pipeline.enable_group_offload(
            onload_device=torch.device(device), offload_type="leaf_level", use_stream=torch.cuda.is_available(), low_cpu_mem_usage=True
        )
    else:
        raise Unready("`config.offload: group`: this diffusers has no group offload for whole pipelines: expected 0.36 or later")
