"""Edits by one loaded pipeline: in batches where that changes nothing, else one by one."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from editscale.plugins import Call, Cost, Edited, EditItem, Failure, Knob, Picture, Proposal, Trajectory
from PIL import Image

from . import memory
from .families import INSTRUCTION, Family, is_guided_unseen
from .knobs import turned
from .latents import Decoder
from .pausing import States
from .running import NotFiniteError, Order, Run, State
from .settings import Settings
from .signature import Signature
from .sizes import Size, Sizes

log = logging.getLogger("editscale_diffusers")
NO_NEGATIVE = " "
"""What is given for a negative prompt that nobody named, where guidance would be left out without one."""


@dataclass
class Findings:
    """What was seen of a pipeline when it was tried."""

    can_batch: bool = False
    can_pause: bool = False
    can_preview: bool = False
    can_tell_path: bool = False
    is_stochastic: bool = False
    is_reproducible: bool = True
    rows_per_step: int = 4
    """Denoiser evaluations of a step, at most."""
    notes: list[str] = field(default_factory=list)


@dataclass
class Spent:
    """What making a state again has cost."""

    rows: int = 0
    passes: int = 0


@dataclass(frozen=True)
class Job:
    """One item, as the pipeline takes it."""

    item: EditItem
    arguments: Mapping[str, Any]
    steps: int
    size: Size | None


class Engine:
    """Makes pictures."""

    def __init__(self, pipeline: Any, signature: Signature, family: Family, settings: Settings) -> None:
        """With a loaded pipeline."""
        self.pipeline, self.signature, self.family, self.settings = pipeline, signature, family, settings
        self.sizes = Sizes(pipeline, signature, family, settings.size)
        self.decoder = Decoder(pipeline)
        self.findings = Findings()
        self.states = States(settings.paused_mib << 20)
        self.knobs: Sequence[Knob] = ()
        self.noise_device = "cpu"
        self._most = settings.largest_batch

    def edit(self, items: Sequence[EditItem], call: Call) -> list[Edited | Failure]:
        """One outcome an item, in their order."""
        made: dict[int, Edited | Failure] = {}
        for together in self._batches(items, made):
            self._edit_together(together, call, made)
        return [made[item.index] for item in items]

    # What goes together.

    def _batches(self, items: Sequence[EditItem], made: dict[int, Edited | Failure]) -> Iterable[list[Job]]:
        groups: dict[Any, list[Job]] = {}
        for item in items:
            try:
                groups.setdefault(self._key(item), []).append(self.job(item))
            except Failure as failure:
                made[item.index] = failure
        return list(groups.values())

    def _key(self, item: EditItem) -> Any:
        """Items of one key differ in nothing but their seeds."""
        if not self.findings.can_batch or item.proposal.start == "paused":
            return item.index
        mask = None if item.mask is None else item.mask.sha256
        knobs = tuple(sorted(item.knobs.items()))
        return (item.start_picture.sha256, mask, item.instruction, knobs, item.output_size, item.until_step)

    def _edit_together(self, jobs: list[Job], call: Call, made: dict[int, Edited | Failure]) -> None:
        most = self._most if self.findings.can_batch else 1
        while jobs:
            now, jobs = jobs[:most], jobs[most:]
            outcomes, problem = self._tried(now, call)
            if problem is not None and memory.is_out_of_memory(problem) and len(now) > 1:
                memory.free(self.pipeline)
                self._most = most = max(1, len(now) // 2)
                log.warning("memory ran out with %d pictures at a time: %d from here on", len(now), most)
                jobs = now + jobs
                continue
            if problem is not None:
                outcomes = [self._failure(problem, row, job.item) for row, job in enumerate(now)]
            made.update({job.item.index: outcome for job, outcome in zip(now, outcomes, strict=True)})

    def _tried(self, jobs: list[Job], call: Call) -> tuple[list[Edited | Failure], BaseException | None]:
        """What came of jobs, or what went wrong; without the frames that would hold on to tensors."""
        try:
            return self._made(jobs, call), None
        except Exception as error:
            if not isinstance(error, Failure) and not memory.is_out_of_memory(error):
                log.exception("an edit failed")
            return [], error.with_traceback(None)

    def _failure(self, error: BaseException, row: int, item: EditItem) -> Failure:
        """What an item is told of what went wrong. The pipeline is left fit for the next."""
        if isinstance(error, Failure):
            return error if row == 0 else Failure(error.message, kind=error.kind)
        cost = getattr(error, "cost", Cost()) if row == 0 else Cost()
        memory.free(self.pipeline)
        if memory.is_out_of_memory(error):
            told = str(error).strip().partition("\n")[0]
            return Failure(f"memory ran out: {told:.300}; `offload: model`, `tiling: true` or a smaller `size` need less", cost=cost)
        told = f"{self.signature.name}: {type(error).__name__}: {str(error).strip():.600}"
        if odd := odd_shape(item.start_picture.size):
            told = f"{told} (the picture is {odd})"
        return Failure(told, kind="invalid" if odd or isinstance(error, ValueError) else "internal", cost=cost)

    # From an item to what a pipeline takes.

    def job(self, item: EditItem) -> Job:
        """An item, as the pipeline takes it."""
        steps, arguments = turned(item.knobs, self.settings, self.signature)
        for name, value in self.family.defaults.items():
            if name in self.signature:
                arguments.setdefault(name, value)
        frame = self.sizes.frame(upright(item.start_picture), item.output_size)
        arguments.update(frame.arguments)
        arguments[self.signature.image] = [frame.image] if self.family.as_list else frame.image
        arguments["prompt"] = self.prompt(item.instruction)
        if is_guided_unseen(self.signature, arguments):
            arguments["negative_prompt"] = NO_NEGATIVE
        if self.signature.mask is not None:
            arguments[self.signature.mask] = mask_of(item.mask, frame.image.size)
        elif item.mask is not None:
            raise Failure(f"{self.signature.name} takes no mask: expected a pipeline with `mask_image`", kind="invalid")
        return Job(item, arguments, steps, frame.size)

    def prompt(self, instruction: str) -> str:
        """The prompt for an instruction."""
        return (self.settings.prompt or self.family.prompt).replace(INSTRUCTION, instruction)

    # Making.

    def order(self, job: Job, seeds: list[int]) -> Order:
        """The order for a job, with nothing watched."""
        return Order(job.arguments, seeds, job.steps)

    def run(self, order: Order) -> Run:
        """A call of the pipeline, not yet begun."""
        return Run(self.pipeline, self.signature, order, self.noise_device)

    def _made(self, jobs: list[Job], call: Call) -> list[Edited | Failure]:
        first = jobs[0].item
        if call.cancelled:
            return [Failure("the call was cancelled", kind="cancelled")] * len(jobs)
        spent = Spent()
        state = self._state_for(first, call, spent)
        order = dataclasses.replace(
            self.order(jobs[0], [job.item.seed for job in jobs]),
            stop_at=first.until_step,
            state=state,
            trajectory=self.settings.trajectory and state is None and first.until_step is None,
            is_cancelled=lambda: call.cancelled,
            on_step=self._telling(jobs, call),
        )
        _check_way(order, self.findings)
        run = self.run(order)
        try:
            has_ended = run.go()
        except NotFiniteError as error:
            return [Failure(str(error), cost=self._cost(run, spent, row)) for row in range(len(jobs))]
        except Exception as error:
            error.cost = self._cost(run, spent, 0)  # type: ignore[attr-defined]
            raise
        if run.was_cancelled:
            return [Failure("the call was cancelled", kind="cancelled", cost=self._cost(run, spent, row)) for row in range(len(jobs))]
        return self._outcomes(jobs, run, has_ended, spent)

    def _outcomes(self, jobs: list[Job], run: Run, has_ended: bool, spent: Spent) -> list[Edited | Failure]:
        stop_at = run.order.stop_at
        if has_ended and stop_at is not None and stop_at > run.steps:
            told = f"`until_step` is {stop_at}: expected at most {run.steps}, the steps that there are"
            return [Failure(told, kind="invalid", cost=self._cost(run, spent, row)) for row in range(len(jobs))]
        pictures = pictures_of(run.result) if has_ended else self.preview(run)
        if len(pictures) != len(jobs):
            raise Failure(f"{self.signature.name} made {len(pictures)} pictures: expected {len(jobs)}")
        for job, state in zip(jobs, run.states, strict=False):
            self.states.keep(job.item.key, state)
        refused = refused_of(run.result)
        made: list[Edited | Failure] = []
        for row, (job, picture) in enumerate(zip(jobs, pictures, strict=True)):
            if row < len(refused) and refused[row]:
                told = "the pipeline's safety checker found the picture unsafe"
                made.append(Failure(told, kind="refused", cost=self._cost(run, spent, row)))
            else:
                made.append(self._edited(job, picture, run, row, spent))
        return made

    def _edited(self, job: Job, picture: Image.Image, run: Run, row: int, spent: Spent) -> Edited:
        wanted, notes = job.item.output_size, list(self.findings.notes)
        is_pasted = job.item.mask is not None and self.settings.paste
        if is_pasted and wanted is None:
            wanted = upright(job.item.start_picture).size
        if wanted is not None and picture.size != wanted:
            notes.append(f"made in {picture.width}x{picture.height} and brought to {wanted[0]}x{wanted[1]}")
            picture = picture.resize(wanted, Image.Resampling.LANCZOS)
        if is_pasted:
            picture = pasted(picture, job.item)
        is_first = row == 0
        return Edited(
            picture,
            cost=self._cost(run, spent, row),
            notes=notes,
            text_encodes=run.counts.text_encodes if is_first else 0,
            image_encodes=run.counts.image_encodes if is_first else 0,
            denoiser_passes=run.counts.passes + spent.passes if is_first else 0,
            image_decodes=run.counts.image_decodes if is_first else 0,
            trajectory=self._path(run, row),
        )

    def _cost(self, run: Run, spent: Spent, row: int) -> Cost:
        each, rest = divmod(run.counts.rows, run.count)
        return Cost(nfe=each + (1 if row < rest else 0) + (spent.rows if row == 0 else 0))

    def _path(self, run: Run, row: int) -> Trajectory | None:
        if not run.order.trajectory or not self.findings.can_tell_path:
            return None
        import torch

        sigmas = [float(sigma) for sigma in run.pipeline.scheduler.sigmas]
        latents = torch.stack([each[row] for each in run.path.latents])
        return Trajectory(latents, run.path.timesteps, sigmas, [None] * len(run.path.timesteps))

    def _telling(self, jobs: list[Job], call: Call) -> Callable[[int, int, Run], None]:
        every = self.settings.preview_every if self.findings.can_preview else 0

        def tell(step: int, steps: int, run: Run) -> None:
            for job in jobs:
                call.progress(job.item, step, steps)
            if every and step % every == 0 and step < steps:
                for job, picture in zip(jobs, self.preview(run), strict=False):
                    call.preview(job.item, picture)

        return tell

    def preview(self, run: Run) -> list[Image.Image]:
        """What the pictures of a run look like so far: what the last step thinks they become."""
        latents = run.latents if run.estimate is None else run.estimate.to(run.latents.dtype)
        size = run.size or (run.order.state.size if run.order.state is not None else None)
        if size is None:
            raise Failure(f"{self.signature.name} does not say in what size it works, so that there can be no preview")
        return self.decoder.pictures(latents, size)

    # Paused states.

    def _state_for(self, item: EditItem, call: Call, spent: Spent) -> State | None:
        """The state that an item goes on from, made again where it is not held."""
        key = item.paused_key
        if key is None:
            return None
        state = self.states.get(key)
        if state is None:
            state = self._made_again(item, call, spent)
        return state

    def _made_again(self, item: EditItem, call: Call, spent: Spent) -> State:
        legs = list(item.path)
        if not legs:
            raise Failure(f"candidate {item.proposal.parent} was never paused here, and there is no way back to it", kind="invalid")
        held = [(place, state) for place, leg in enumerate(legs) if (state := self.states.get((item.run, leg.candidate))) is not None]
        place, state = held[-1] if held else (-1, None)
        for leg in legs[place + 1 :]:
            state = self._leg(item, leg, state, call, spent)
        if state is None:
            raise Failure(f"candidate {item.proposal.parent} was never paused here", kind="invalid")
        return state

    def _leg(self, item: EditItem, leg: Proposal, state: State | None, call: Call, spent: Spent) -> State:
        knobs = {**{knob.name: knob.default for knob in self.knobs}, **leg.knobs}
        job = self.job(dataclasses.replace(item, proposal=leg, knobs=knobs))
        order = dataclasses.replace(self.order(job, [leg.seed]), stop_at=leg.until_step, state=state, is_cancelled=lambda: call.cancelled)
        _check_way(order, self.findings)
        run = self.run(order)
        run.go()
        spent.rows, spent.passes = spent.rows + run.counts.rows, spent.passes + run.counts.passes
        if run.was_cancelled or not run.states:
            why = "the call was cancelled" if run.was_cancelled else f"candidate {leg.candidate} was not paused: it cannot be gone on from"
            raise Failure(why, kind="cancelled" if run.was_cancelled else "invalid", cost=Cost(nfe=spent.rows))
        self.states.keep((item.run, leg.candidate), run.states[0])
        return run.states[0]


def _check_way(order: Order, findings: Findings) -> None:
    """Refuses what cannot be gone."""
    if order.stop_at is None and order.state is None:
        return
    if not findings.can_pause:
        raise Failure("this pipeline cannot stop half way: its card says so", kind="invalid")
    state = order.state
    if state is not None and order.stop_at is not None and order.stop_at < state.step:
        raise Failure(f"the state is paused at step {state.step}: it cannot go to step {order.stop_at}", kind="invalid")
    if state is not None and state.asked != order.steps:
        raise Failure(f"the state is one of {state.asked} steps: it cannot be gone on from with {order.steps}", kind="invalid")
    if order.stop_at is not None and order.stop_at < 1:
        raise Failure("`until_step` is 0: expected at least 1", kind="invalid")


def upright(picture: Picture) -> Image.Image:
    """A picture as pipelines take it: three channels, what is transparent on white."""
    image = picture.open(None)
    if image.mode.startswith("I"):
        # Pillow would cut what is above 255 off instead of scaling it.
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def mask_of(mask: Picture | None, size: Size) -> Image.Image:
    """White where editing is allowed: everywhere, where there is no mask."""
    if mask is None:
        return Image.new("L", size, 255)
    image = mask.open("L")
    return image if image.size == size else image.resize(size, Image.Resampling.NEAREST)


def pasted(picture: Image.Image, item: EditItem) -> Image.Image:
    """What was made where the mask allows it, and to the bit what there was elsewhere."""
    before = upright(item.start_picture)
    before = before if before.size == picture.size else before.resize(picture.size, Image.Resampling.LANCZOS)
    return Image.composite(picture, before, mask_of(item.mask, picture.size))


def pictures_of(result: Any) -> list[Image.Image]:
    """The pictures in what a pipeline gave."""
    images = getattr(result, "images", None)
    if images is None:
        images = result[0] if isinstance(result, (tuple, list)) else []
    return [image for image in images if isinstance(image, Image.Image)]


def refused_of(result: Any) -> list[bool]:
    """Which pictures a safety checker blackened."""
    found = getattr(result, "nsfw_content_detected", None)
    return [bool(each) for each in found] if isinstance(found, (list, tuple)) else []


def odd_shape(size: tuple[int, int]) -> str:
    """What is odd about a picture that a pipeline stumbled over: no class of diffusers looks at that itself. Empty where nothing is."""
    width, height = size
    if min(width, height) < 16:
        return f"{width}x{height} pixels: expected at least 16 a side"
    if max(width, height) > 20 * min(width, height):
        return f"{width}x{height} pixels: expected no side above 20 times the other"
    return ""
