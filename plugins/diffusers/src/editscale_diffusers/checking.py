"""A loaded pipeline is tried before the first edit: what it does is put down on the card, and what is broken is told at once."""

from __future__ import annotations

import dataclasses
import logging
import math
from typing import Any

from editscale.plugins import EditItem, Failure, Picture, Proposal, Unready
from PIL import Image

from . import memory, mrope, randomness
from .engine import Engine, Findings, Job, pictures_of
from .running import Order, Run, denoisers
from .sizes import SizeRule

STEPS = 3
SEEDS = (11,)
SIDE = 512
INSTRUCTION = "make the sky blue"
NEAR = 3
"""Levels of 255 by which a preview of a finished picture may differ from it: what rounding in half precision comes to."""
CLOSE = 16
"""Levels of 255 by which pictures in a batch may be off where the recipe puts up with that."""
log = logging.getLogger("editscale_diffusers")


def check(engine: Engine) -> None:
    """Fills in what was found; `Unready` where no edit could succeed."""
    _settle_positions(engine)
    if not engine.settings.check:
        log.info("the check at the start is switched off")
        return
    try:
        engine.findings = _found(engine)
    except Unready:
        raise
    except Exception as error:
        raise Unready(_problem(engine, error)) from error
    finally:
        memory.free(engine.pipeline)
    log.info("found: %s", engine.findings)


def _problem(engine: Engine, error: Exception) -> str:
    name = engine.signature.name
    if isinstance(error, Failure):
        return error.message
    if memory.is_out_of_memory(error):
        return f"{name} ran out of memory on its first picture: {str(error).strip():.300}; expected a smaller `size`, or `offload: model`"
    return f"{name} cannot edit with this checkpoint: {type(error).__name__}: {str(error).strip():.600}"


def _settle_positions(engine: Engine) -> None:
    """Sees that vision-language encoders know where in a picture its tokens lie."""

    def encode() -> None:
        run = engine.run(dataclasses.replace(_order(engine, 1, SEEDS), only_texts=True))
        try:
            run.go()
        except Exception as error:
            raise Unready(_problem(engine, error)) from error

    for finding in mrope.settle(engine.pipeline, encode):
        if not finding.is_right:
            raise Unready(
                f"the component `{finding.name}` of {engine.signature.name} is not told where in the picture its tokens lie (M-RoPE), and "
                "cannot be helped here: its pictures would silently be others. Expected transformers 4, or a diffusers that hands on "
                f"`{mrope.NEEDED}`"
            )
        if finding.was_repaired:
            log.warning("`%s` was not told where in the picture its tokens lie (M-RoPE): `%s` is added", finding.name, mrope.NEEDED)


def job_of(engine: Engine) -> Job:
    """An edit of a picture of our own."""
    picture = Picture(_png(_sample(engine.settings.size)))
    knobs = {knob.name: knob.default for knob in engine.knobs}
    return engine.job(EditItem(picture, picture, Proposal(0, SEEDS[0], INSTRUCTION), knobs=knobs))


def _order(engine: Engine, steps: int, seeds: tuple[int, ...]) -> Order:
    return dataclasses.replace(engine.order(job_of(engine), list(seeds)), steps=steps)


def _sample(rule: SizeRule) -> Image.Image:
    """A picture with something in it, of the size that is worked in, or one that pipelines know."""
    side = round(math.sqrt(rule.pixels)) if rule.pixels else SIDE
    ramp = Image.linear_gradient("L")
    picture = Image.merge("RGB", (ramp, ramp.transpose(Image.Transpose.ROTATE_90), Image.radial_gradient("L")))
    return picture.resize(rule.fixed or (side, side))


def _png(image: Image.Image) -> bytes:
    import io

    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _found(engine: Engine) -> Findings:
    if not denoisers(engine.pipeline):
        raise Unready(f"{engine.signature.name} has no denoiser under a name that is known here: evaluations could not be counted")
    whole = _whole(engine)
    found = Findings(is_stochastic=_is_stochastic(whole), rows_per_step=_rows_per_step(engine, whole))
    found.is_reproducible = _is_same(whole, _whole(engine))
    found.can_preview = _can_preview(engine, whole)
    found.can_pause = engine.settings.pause and found.can_preview and found.is_reproducible and _can_pause(engine, whole)
    found.can_batch = _can_batch(engine, whole, found)
    # A state that is let go is made again from its seed: without seeds there is no way back.
    found.can_pause = found.can_pause and found.is_reproducible
    found.can_tell_path = engine.settings.trajectory and _can_tell_path(engine, found)
    if engine.settings.preview_every and not found.can_preview:
        raise Unready(f"`config.preview_every`: the latents of {engine.signature.name} cannot be decoded here: expected 0")
    return found


def _whole(engine: Engine, **changes: Any) -> Run:
    run = engine.run(dataclasses.replace(_order(engine, STEPS, SEEDS), **changes))
    has_pictures = run.go()
    if has_pictures and not pictures_of(run.result):
        raise Unready(f"{engine.signature.name} gave no pictures: expected `images` in what it returns, found {type(run.result).__name__}")
    return run


def _picture(run: Run, place: int = 0) -> Image.Image:
    return pictures_of(run.result)[place]


def _is_same(first: Run, second: Run) -> bool:
    import torch

    return _picture(first).tobytes() == _picture(second).tobytes() and torch.equal(first.latents, second.latents)


def _is_stochastic(run: Run) -> bool:
    """Whether anything was drawn between the first step and the last."""
    first, last = run.draws_after_first_step, run.draws_after_last_step
    return first is not None and last is not None and not randomness.are_equal(first, last)


def _rows_per_step(engine: Engine, whole: Run) -> int:
    """The evaluations of a step, at most: also where guidance is turned all the way up."""
    most = _per_step(whole)
    high = {knob.name: knob.high for knob in engine.knobs}
    if high:
        job = job_of(engine)
        item = dataclasses.replace(job.item, knobs={**job.item.knobs, **high})
        turned = engine.job(item)
        run = engine.run(dataclasses.replace(engine.order(turned, list(SEEDS)), steps=STEPS))
        run.go()
        most = max(most, _per_step(run))
    return most


def _per_step(run: Run) -> int:
    if run.counts.rows == 0:
        raise Unready("the denoiser was not asked once: the pipeline does not edit, or in a way that is not known here")
    # A scheduler of second order asks nearly twice a step: what it comes to with many steps counts.
    passes = math.ceil(run.counts.passes / max(1, min(run.steps_done or STEPS, STEPS)))
    return passes * math.ceil(run.counts.rows / run.counts.passes)


def _can_preview(engine: Engine, whole: Run) -> bool:
    """Whether our own way from latents to a picture comes to the pipeline's."""
    if not engine.decoder.can or whole.size is None or whole.latents is None:
        return False
    try:
        ours = engine.decoder.pictures(whole.latents, whole.size)[0]
    except Exception as error:
        log.warning("no previews: latents cannot be decoded: %s: %s", type(error).__name__, error)
        return False
    theirs = _picture(whole)
    return ours.size == theirs.size and _distance(ours, theirs) <= NEAR


def _distance(first: Image.Image, second: Image.Image) -> int:
    from PIL import ImageChops

    return max(high for _, high in ImageChops.difference(first, second).convert("RGB").getextrema())  # type: ignore[misc]


def _can_pause(engine: Engine, whole: Run) -> bool:
    """Whether stopping half way and going on comes to the very same picture, and costs no more."""
    if whole.steps_done < 2:
        return False
    try:
        first = _whole(engine, stop_at=1)
        second = _whole(engine, state=first.states[0])
    except Exception as error:
        log.warning("no pausing: %s: %s", type(error).__name__, error)
        return False
    costs_the_same = first.counts.rows + second.counts.rows == whole.counts.rows
    return costs_the_same and _is_same(whole, second)


def _can_batch(engine: Engine, whole: Run, found: Findings) -> bool:
    """Whether a picture is the same in a batch as alone."""
    settings = engine.settings
    if settings.largest_batch < 2 or settings.batch == "never" or not engine.signature.is_batched:
        return False
    try:
        off = [_off_together(engine, whole, count) for count in sorted({2, settings.largest_batch})]
    except Exception as error:
        log.warning("made one by one, as several at a time fail: %s: %s", type(error).__name__, error)
        return False
    if all(each == 0 for each in off):
        return True
    if settings.batch == "close" and max(off) <= CLOSE:
        found.is_reproducible = False
        log.warning("pictures differ by up to %d of 255 levels in a batch: the card says that seeds decide nothing", max(off))
        return True
    log.warning("made one by one, as a picture differs in a batch (by up to %d of 255 levels)", max(off))
    return False


def _off_together(engine: Engine, whole: Run, count: int) -> int:
    """The levels by which a picture in a batch of this size is off; one at least where its latents are not the very same."""
    import torch

    run = engine.run(_order(engine, STEPS, tuple(range(100, 99 + count)) + SEEDS))
    run.go()
    together = pictures_of(run.result)
    if len(together) != count:
        raise Failure(f"{len(together)} pictures came, expected {count}")
    is_exact = torch.equal(run.latents[-1], whole.latents[0])
    return _distance(together[-1], _picture(whole)) or (0 if is_exact else 1)


def _can_tell_path(engine: Engine, found: Findings) -> bool:
    name = engine.signature.name
    if found.is_stochastic:
        raise Unready(f"`config.trajectory`: the sampler of {name} adds noise whose probabilities are not known here: expected `false`")
    run = _whole(engine, trajectory=True)
    sigmas = getattr(engine.pipeline.scheduler, "sigmas", None)
    steps = len(run.path.timesteps)
    if sigmas is None or len(sigmas) != steps + 1 or len(run.path.latents) != steps + 1:
        raise Unready(f"`config.trajectory`: the scheduler of {name} has no noise level for each step: expected `false`")
    return True
