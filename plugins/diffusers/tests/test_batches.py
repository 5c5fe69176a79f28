"""Batches, schedulers and trajectories, within this process."""

import io

import pytest
import torch
from editscale.plugins import Call, Config, EditItem, Picture, Proposal, Unready
from hosting import picture
from PIL import Image, ImageChops

from editscale_diffusers.plugin import DiffusersEditor

KONTEXT, PIX2PIX = "FluxKontextPipeline", "StableDiffusionInstructPix2PixPipeline"


def loaded(config):
    editor = DiffusersEditor()
    card = editor.load(Config(config))
    return editor, card


def items(editor, *seeds, **told):
    source = Picture(picture()["body"]["inline"])
    knobs = {knob.name: knob.default for knob in editor._engine.knobs}
    made = [Proposal(place, seed, "make the sky blue", **told) for place, seed in enumerate(seeds)]
    return [EditItem(source, source, proposal, knobs=knobs, run="r", index=place) for place, proposal in enumerate(made)]


def distance(first, second):
    return max(high for _, high in ImageChops.difference(first, second).getextrema())


@pytest.mark.parametrize("name", [KONTEXT, PIX2PIX])
def test_close_is_together_and_promises_no_seeds_unless_it_is_exact(name, tiny):
    editor, card = loaded({**tiny(name), "batch": "close", "largest_batch": 3})
    found = editor._engine.findings
    assert found.can_batch
    assert card.seed_bits == (53 if found.is_reproducible else None)
    together = editor.edit(items(editor, 1, 2, 3), Call())
    alone = [editor.edit(items(editor, seed), Call())[0] for seed in (1, 2, 3)]
    assert [each.denoiser_passes for each in together] == [alone[0].denoiser_passes, 0, 0]
    assert [each.cost.nfe for each in together] == [each.cost.nfe for each in alone]
    assert all(distance(one.image, other.image) <= 16 for one, other in zip(together, alone, strict=True))
    assert distance(alone[0].image, alone[1].image) > 16


def test_memory_that_runs_out_halves_what_is_made_together(tiny, monkeypatch):
    editor, _ = loaded({**tiny(KONTEXT), "batch": "close", "largest_batch": 4})
    engine, seen = editor._engine, []
    forward = engine.pipeline.transformer.forward

    def hungry(*arguments, **named):
        seen.append(named["hidden_states"].shape[0])
        if seen[-1] > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return forward(*arguments, **named)

    monkeypatch.setattr(engine.pipeline.transformer, "forward", hungry)
    made = editor.edit(items(editor, 1, 2, 3, 4), Call())
    assert all(isinstance(each.image, Image.Image) for each in made)
    assert seen[:3] == [4, 2, 1]


@pytest.mark.parametrize("scheduler", ["DPMSolverMultistepScheduler", "HeunDiscreteScheduler", "DDIMScheduler", "LCMScheduler"])
def test_other_schedulers_pause_or_say_that_they_do_not(scheduler, tiny):
    """Multistep memory, two evaluations a step, noise without a generator: what is promised holds to the bit."""
    editor, card = loaded({**tiny(PIX2PIX), "scheduler": {"class": scheduler}, "steps": 5})
    whole = editor.edit(items(editor, 4), Call())[0]
    assert whole.cost.nfe <= card.cost.nfe
    assert editor.edit(items(editor, 4), Call())[0].image.tobytes() == whole.image.tobytes()
    if card.pause == "none":
        return
    first = editor.edit(items(editor, 4, until_step=2), Call())[0]
    [resumed] = items(editor, 4, start="paused", parent=0)
    second = editor.edit([resumed], Call())[0]
    assert second.image.tobytes() == whole.image.tobytes()
    assert first.cost.nfe + second.cost.nfe == whole.cost.nfe


def test_trajectories_are_told_where_no_noise_is_added(tiny):
    editor, _ = loaded({**tiny(KONTEXT), "trajectory": True})
    path = editor.edit(items(editor, 4), Call())[0].trajectory
    shape, numbers = path.packed()
    assert len(path.timesteps) == 4
    assert len(numbers) == 4 * 5 * shape[0] * shape[1]
    sigmas, latents = torch.tensor(path.sigmas), path.latents
    assert sigmas[0] == 1
    assert sigmas[-1] == 0
    # Steps of Euler along the flow: each goes as far as the noise level falls.
    assert (latents[1:] - latents[:-1]).abs().amax() > 0
    with pytest.raises(Unready, match="adds noise"):
        loaded({**tiny(PIX2PIX), "trajectory": True})


def test_png_of_a_picture_with_transparency_is_put_on_white(tiny):
    from editscale_diffusers.engine import upright

    buffer = io.BytesIO()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(buffer, "PNG")
    assert upright(Picture(buffer.getvalue())).getpixel((0, 0)) == (255, 255, 255)
