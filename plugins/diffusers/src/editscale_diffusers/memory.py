"""Memory that runs out is a failure of one call, never the end of the plugin."""

from __future__ import annotations

import gc
from typing import Any

WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "alloc_failed")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this says that memory ran out, of the card or of the machine."""
    if isinstance(error, MemoryError) or (type(error).__name__ in ("OutOfMemoryError", "AcceleratorError") and _says_so(error)):
        return True
    return isinstance(error, RuntimeError) and _says_so(error)


def _says_so(error: BaseException) -> bool:
    text = str(error).lower()
    return any(words in text for words in WORDS)


def free(pipeline: Any) -> None:
    """Gives back what an edit that broke off still held."""
    import torch

    hooks = getattr(pipeline, "maybe_free_model_hooks", None)
    if callable(hooks):
        hooks()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
