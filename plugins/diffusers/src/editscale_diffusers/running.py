"""One call of a pipeline, watched from inside: evaluations are counted, steps told, and it can be stopped and gone on with."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from . import randomness
from .latents import Size, estimate
from .signature import CALLBACK, COPIES, STEPS, Signature

DENOISERS = ("transformer", "unet", "transformer_2", "prior", "dit")


class Stopped(BaseException):
    """Raised inside a pipeline to leave it; not an `Exception`, so that nothing on the way holds on to it."""


class NotFiniteError(RuntimeError):
    """Latents that are no numbers any more."""


@dataclass
class State:
    """Where a candidate was paused."""

    step: int
    steps: int
    asked: int
    """Steps that were asked for; fewer are taken where the start is not pure noise."""
    size: Size | None
    latents: Any
    scheduler: dict[str, Any]
    draws: list[Any]
    template: Any
    seed: int
    origin: int
    """The seed of the first way to it: what was drawn before the first step is drawn with it again."""

    @property
    def bytes(self) -> int:
        """How much it holds, about."""
        return 4096 + sum(tensor.numel() * tensor.element_size() for tensor in _tensors([self.latents, self.scheduler, self.draws]))


@dataclass
class Counts:
    """What was computed."""

    rows: int = 0
    """Denoiser evaluations, each for one row of a batch."""
    passes: int = 0
    text_encodes: int = 0
    image_encodes: int = 0
    image_decodes: int = 0


@dataclass
class Order:
    """What one call of a pipeline is to do."""

    arguments: Mapping[str, Any]
    """What the pipeline is given besides generators and steps."""
    seeds: list[int]
    """One a picture; as many pictures are made of the one prompt."""
    steps: int
    stop_at: int | None = None
    """The step after which to stop and keep the states."""
    state: State | None = None
    """Where to go on."""
    only_texts: bool = False
    """Whether to stop before the denoiser is first asked."""
    trajectory: bool = False
    is_cancelled: Callable[[], bool] = lambda: False
    on_step: Callable[[int, int, Run], None] = lambda step, steps, run: None


@dataclass
class Path:
    """Latents and times of a call, for a trajectory."""

    latents: list[Any] = field(default_factory=list)
    timesteps: list[float] = field(default_factory=list)


class Run:
    """One call under way."""

    def __init__(self, pipeline: Any, signature: Signature, order: Order, noise_device: str) -> None:
        """Of a loaded pipeline."""
        self.pipeline, self._signature, self.order = pipeline, signature, order
        self.counts = Counts()
        self.path = Path()
        self.size: Size | None = None
        self.states: list[State] = []
        self.result: Any = None
        self.latents: Any = None
        self.estimate: Any = None
        self.draws_after_first_step: list[Any] | None = None
        self.draws_after_last_step: list[Any] | None = None
        self.steps_done = 0
        self.was_cancelled = False
        self._origins = order.seeds if order.state is None else [order.state.origin]
        self._generators = randomness.generators(self._origins, noise_device)
        self._template: Any = None
        self._is_skipping = order.state is not None
        self._rows_now = 1

    @property
    def count(self) -> int:
        """How many pictures are made."""
        return len(self.order.seeds)

    @property
    def steps(self) -> int:
        """How many steps the pipeline takes, as far as it is known."""
        return int(getattr(self.pipeline, "num_timesteps", 0) or getattr(self.pipeline, "_num_timesteps", 0) or self.order.steps)

    def go(self) -> bool:
        """Runs to the end, or to where the order says. Whether there are pictures."""
        randomness.seed_globally(self._origins[0])
        try:
            with self._watched():
                self.result = self.pipeline(**self._arguments())
        except Stopped:
            hooks = getattr(self.pipeline, "maybe_free_model_hooks", None)
            if callable(hooks):
                hooks()
            return False
        return True

    def _arguments(self) -> dict[str, Any]:
        given = dict(self.order.arguments)
        if STEPS in self._signature:
            given[STEPS] = self.order.steps
        if "generator" in self._signature:
            given["generator"] = self._generators if self.count > 1 else self._generators[0]
        if self.count > 1:
            given[COPIES] = self.count
        if CALLBACK in self._signature:
            given[CALLBACK] = self._on_callback
        return given

    # What is watched.

    @contextmanager
    def _watched(self) -> Iterator[None]:
        with ExitStack() as stack:
            for module in denoisers(self.pipeline).values():
                stack.enter_context(_hooked(module.register_forward_pre_hook(self._before_denoiser, with_kwargs=True)))
                stack.enter_context(_hooked(module.register_forward_hook(self._after_denoiser)))
                if self._is_skipping:
                    stack.enter_context(_replaced(module, "forward", self._skipped(module.forward)))
            for module in encoders(self.pipeline):
                stack.enter_context(_hooked(module.register_forward_pre_hook(self._before_encoder, with_kwargs=True)))
            self._watch_methods(stack)
            yield

    def _watch_methods(self, stack: ExitStack) -> None:
        vae: Any = getattr(self.pipeline, "vae", None)
        scheduler: Any = getattr(self.pipeline, "scheduler", None)
        if callable(getattr(vae, "encode", None)):
            stack.enter_context(_replaced(vae, "encode", self._counted(vae.encode, "image_encodes")))
        if callable(getattr(vae, "decode", None)):
            stack.enter_context(_replaced(vae, "decode", self._counted(vae.decode, "image_decodes")))
        if callable(getattr(scheduler, "step", None)):
            stack.enter_context(_replaced(scheduler, "step", self._stepped(scheduler)))
        if callable(getattr(self.pipeline, "prepare_latents", None)):
            stack.enter_context(_replaced(self.pipeline, "prepare_latents", self._sized(self.pipeline.prepare_latents)))

    def _before_denoiser(self, module: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        if self.order.only_texts:
            raise Stopped
        self._stop_if_cancelled()
        self._rows_now = _rows(arguments, named)
        if not self._is_skipping:
            self.counts.rows += self._rows_now
            self.counts.passes += 1

    def _after_denoiser(self, module: Any, arguments: tuple[Any, ...], made: Any) -> None:
        if not self._is_skipping and (self.order.stop_at is not None):
            self._template = _shape_of(made)

    def _skipped(self, forward: Callable[..., Any]) -> Callable[..., Any]:
        """Answers for steps that were gone before: of the right shape, at no cost. What comes of them is put aside afterwards."""

        @functools.wraps(forward)
        def instead(*arguments: Any, **named: Any) -> Any:
            state = self.order.state
            return _filled(state.template, self._rows_now) if self._is_skipping and state is not None else forward(*arguments, **named)

        return instead

    def _before_encoder(self, module: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        self._stop_if_cancelled()
        self.counts.text_encodes += _rows(arguments, named)

    def _counted(self, method: Callable[..., Any], counter: str) -> Callable[..., Any]:
        @functools.wraps(method)
        def counting(*arguments: Any, **named: Any) -> Any:
            setattr(self.counts, counter, getattr(self.counts, counter) + _rows(arguments, named))
            return method(*arguments, **named)

        return counting

    def _sized(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def noting(*arguments: Any, **named: Any) -> Any:
            bound = inspect.signature(method).bind_partial(*arguments, **named).arguments
            if isinstance(bound.get("width"), int) and isinstance(bound.get("height"), int):
                self.size = (bound["width"], bound["height"])
            return method(*arguments, **named)

        return noting

    def _stepped(self, scheduler: Any) -> Callable[..., Any]:
        """The scheduler's step, with an eye on what it makes of the latents."""
        step = scheduler.step

        @functools.wraps(step)
        def stepping(model_output: Any, timestep: Any, sample: Any, *arguments: Any, **named: Any) -> Any:
            if self.order.trajectory and not self.path.latents:
                self.path.latents.append(_kept(sample))
            is_wanted = named.pop("return_dict", True)
            made = step(model_output, timestep, sample, *arguments, **named, return_dict=True)
            if not self._is_skipping:
                index = getattr(scheduler, "step_index", None)
                self.estimate = estimate(scheduler, None if index is None else index - 1, model_output, sample, made)
                self.path.timesteps.append(float(timestep))
            if CALLBACK not in self._signature:
                replaced = self._stepped_to(self.steps_done, made.prev_sample)
                made.prev_sample = made.prev_sample if replaced is None else replaced
            return made if is_wanted else made.to_tuple()

        return stepping

    def _on_callback(self, pipeline: Any, index: int, timestep: Any, named: dict[str, Any]) -> dict[str, Any]:
        replaced = self._stepped_to(index, named.get("latents"))
        return {} if replaced is None else {"latents": replaced}

    def _stepped_to(self, index: int, latents: Any) -> Any | None:
        """A step is done. What the latents are to be from here on, where that is something else."""
        self.steps_done = index + 1
        state = self.order.state
        if self._is_skipping and state is not None:
            if self.steps_done < state.step:
                return None
            latents = self._take_up(state, latents)
            self._is_skipping = False
            self._pause_if_there(latents)
            return latents
        self._note(latents)
        self.order.on_step(self.steps_done, self.steps, self)
        self._stop_if_cancelled()
        self._pause_if_there(latents)
        return None

    def _note(self, latents: Any) -> None:
        self.latents = latents
        is_last = self.steps_done >= self.steps
        if self.order.trajectory:
            self.path.latents.append(_kept(latents))
        if self.steps_done == 1:
            self.draws_after_first_step = randomness.states(self._generators)
        if is_last:
            self.draws_after_last_step = randomness.states(self._generators)
            _check_finite(latents)

    def _stop_if_cancelled(self) -> None:
        if self.order.is_cancelled():
            self.was_cancelled = True
            raise Stopped

    # Stopping half way, and going on.

    def _pause_if_there(self, latents: Any) -> None:
        if self.order.stop_at != self.steps_done:
            return
        self.states = [self._state(row, latents) for row in range(self.count)]
        if self.steps_done < self.steps:
            raise Stopped

    def _state(self, row: int, latents: Any) -> State:
        scheduler = getattr(self.pipeline, "scheduler", None)
        kept = {name: value for name, value in vars(scheduler).items() if name != "step"}
        draws = randomness.states(self._generators)
        return State(
            step=self.steps_done,
            steps=self.steps,
            asked=self.order.steps,
            size=self.size,
            latents=latents[row : row + 1].detach().to("cpu", copy=True),
            scheduler=_of_row(copy.deepcopy(kept), row, tuple(latents.shape)),
            draws=[draws[row], *draws[self.count :]],
            template=self._template if self._template is not None else getattr(self.order.state, "template", None),
            seed=self.order.seeds[row],
            origin=self._origins[row],
        )

    def _take_up(self, state: State, latents: Any) -> Any:
        vars(self.pipeline.scheduler).update(copy.deepcopy(state.scheduler))
        if state.seed == self.order.seeds[0]:
            randomness.restore(self._generators, state.draws)
        else:
            # A path of its own: noise of its own seed, from here on.
            randomness.seed_globally(self.order.seeds[0])
            for generator, seed in zip(self._generators, self.order.seeds, strict=True):
                generator.manual_seed(seed)
        self.latents = state.latents.to(latents.device, latents.dtype, copy=True)
        return self.latents


def denoisers(pipeline: Any) -> dict[str, Any]:
    """The modules of a pipeline that denoise."""
    found = {name: getattr(pipeline, name, None) for name in DENOISERS}
    return {name: module for name, module in found.items() if callable(getattr(module, "register_forward_pre_hook", None))}


def encoders(pipeline: Any) -> list[Any]:
    """The modules of a pipeline that read texts."""
    components = getattr(pipeline, "components", {})
    return [
        module for name, module in components.items() if name.startswith("text_encoder") and hasattr(module, "register_forward_pre_hook")
    ]


@contextmanager
def _hooked(handle: Any) -> Iterator[None]:
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """An attribute that is another one for a while."""
    had, before = name in vars(owner), vars(owner).get(name)
    object.__setattr__(owner, name, value)
    try:
        yield
    finally:
        if had:
            object.__setattr__(owner, name, before)
        else:
            object.__delattr__(owner, name)


def _rows(arguments: tuple[Any, ...], named: Mapping[str, Any]) -> int:
    """How many rows the batch has that a module is called with."""
    for value in (*arguments, *named.values()):
        if hasattr(value, "shape") and getattr(value, "ndim", 0) >= 2:
            return int(value.shape[0])
    return 1


def _shape_of(made: Any) -> Any:
    """What a module answered, as shapes from which the like can be made."""
    if hasattr(made, "to_tuple"):
        return (type(made), {name: _shape_of(value) for name, value in made.items()})
    if isinstance(made, (tuple, list)):
        return tuple(_shape_of(each) for each in made)
    return (tuple(made.shape), made.dtype, made.device) if hasattr(made, "shape") else made


def _filled(template: Any, rows: int) -> Any:
    """An answer of this shape for so many rows. Ones, as norms are divided by."""
    import torch

    if isinstance(template, tuple) and len(template) == 2 and isinstance(template[1], dict):
        return template[0](**{name: _filled(value, rows) for name, value in template[1].items()})
    if isinstance(template, tuple) and len(template) == 3 and isinstance(template[1], torch.dtype):
        shape, dtype, device = template
        return torch.ones((rows, *shape[1:]), dtype=dtype, device=device)
    return tuple(_filled(each, rows) for each in template) if isinstance(template, tuple) else template


def _of_row(value: Any, row: int, shape: tuple[int, ...]) -> Any:
    """The scheduler's memory of one row of a batch: tensors that are shaped like the latents."""
    if hasattr(value, "shape") and tuple(value.shape) == shape:
        return value[row : row + 1].clone()
    if isinstance(value, list):
        return [_of_row(each, row, shape) for each in value]
    return {name: _of_row(each, row, shape) for name, each in value.items()} if type(value) is dict else value


def _tensors(value: Any) -> Iterator[Any]:
    if hasattr(value, "element_size"):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _kept(latents: Any) -> Any:
    return latents.detach().float().to("cpu", copy=True)


def _check_finite(latents: Any) -> None:
    if hasattr(latents, "isfinite") and not bool(latents.isfinite().all()):
        raise NotFiniteError(
            f"the latents are not finite after the last step (they are {latents.dtype}): another `dtype`, such as bfloat16, may help"
        )
