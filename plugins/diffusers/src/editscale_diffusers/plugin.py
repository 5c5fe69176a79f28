"""The editor that editscale talks to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from editscale.plugins import Call, Config, Cost, Edited, EditItem, Editor, EditorCard, Failure, Unready, Weights

from . import __version__, checking, memory
from .adapters import Adapters
from .engine import Engine
from .families import family_of
from .knobs import STEPS_KNOB, default_steps, knobs_of
from .randomness import SEED_BITS
from .revision import revision_of
from .running import denoisers
from .settings import Settings
from .signature import STEPS, NoEditorError, Signature

log = logging.getLogger("editscale_diffusers")


class DiffusersEditor(Editor):
    """Any editing pipeline of diffusers, by the name of its class."""

    name = "diffusers"
    version = __version__

    _engine: Engine
    _adapters: Adapters

    def load(self, config: Config) -> EditorCard:
        """Loads the pipeline, tries it, and says what it can do."""
        settings = Settings.of(config)
        config.check_unused()
        _quieten()
        from . import loading

        cls = loading.pipeline_class(settings)
        signature = _signature(cls, settings)
        pipeline = loading.load(settings, cls)
        self._adapters = Adapters(pipeline, settings)
        device = loading.place(pipeline, settings)
        self._engine = Engine(pipeline, signature, family_of(cls, signature), settings)
        self._engine.knobs = knobs_of(settings, signature, pipeline)
        self._engine.noise_device = device if settings.noise == "device" and device != "mps" else "cpu"
        checking.check(self._engine)
        return self._card(device)

    def _card(self, device: str) -> EditorCard:
        engine = self._engine
        found, settings = engine.findings, engine.settings
        most = max([default_steps(settings, engine.signature), *(knob.high for knob in engine.knobs if knob.name == STEPS_KNOB)])
        decided = {"device": device.partition(":")[0], "dtype": str(getattr(engine.pipeline, "dtype", "")), "batched": found.can_batch}
        return EditorCard(
            revision=revision_of(settings, engine.pipeline, decided),
            seed_bits=SEED_BITS if found.is_reproducible else None,
            largest_batch=settings.largest_batch,
            edits_candidates=True,
            pause=("fork" if found.is_stochastic else "resume") if found.can_pause else "none",
            sampler="stochastic" if found.is_stochastic else "deterministic",
            cancel="within_step" if denoisers(engine.pipeline) else "when_done",
            masks=engine.signature.mask is not None,
            knobs=engine.knobs,
            cost=Cost(nfe=int(most) * found.rows_per_step),
            adopts_adapters=self._adapters.can_adopt,
        )

    def edit(self, items: Sequence[EditItem], call: Call) -> Sequence[Edited | Failure]:
        """Makes every item, together where that changes nothing."""
        return self._engine.edit(items, call)

    def release(self, keys: Sequence[tuple[str, int]]) -> None:
        """Forgets paused states."""
        self._engine.states.release(keys)

    def adopt(self, weights: Weights) -> str:
        """Takes up an adapter, or what it began with."""
        checksum = self._adapters.adopt(weights)
        self._engine.states.clear()
        return checksum

    def close(self) -> None:
        """Gives back what it holds."""
        self._engine.states.clear()
        memory.free(self._engine.pipeline)


def _signature(cls: type, settings: Settings) -> Signature:
    try:
        signature = Signature.of(cls)
    except NoEditorError as error:
        raise Unready(f"`config.pipeline`: {error}") from error
    for name in settings.arguments:
        problem = signature.problem(name)
        if problem is not None:
            raise Unready(f"`config.arguments.{name}`: {problem}")
    if settings.steps is not None and STEPS not in signature:
        raise Unready(f"`config.steps`: {signature.name} has no `{STEPS}`")
    return signature


def _quieten() -> None:
    """Warnings of libraries stay in the log; bars do not belong there."""
    import diffusers
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_warning()
        disable: Any = getattr(library.utils.logging, "disable_progress_bar", None)
        if callable(disable):
            disable()
