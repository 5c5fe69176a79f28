"""Runs of diffusers' own pipelines with noise that is given, with all that flows through them written down."""

import contextlib
import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import torch
from diffusers import FluxKontextPipeline, StableDiffusionInstructPix2PixPipeline
from diffusers.pipelines.flux import pipeline_flux_kontext
from diffusers.pipelines.stable_diffusion import pipeline_stable_diffusion_instruct_pix2pix as pipeline_pix2pix
from diffusers.schedulers import scheduling_ddim, scheduling_euler_ancestral_discrete
from diffusers.utils import logging
from transformers.utils import logging as transformers_logging

import pictures

logging.set_verbosity_error()
logging.disable_progress_bar()
transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()

PIPELINES = {each.__name__: each for each in (StableDiffusionInstructPix2PixPipeline, FluxKontextPipeline)}
DRAWING_MODULES = (
    pipeline_pix2pix,
    pipeline_flux_kontext,
    scheduling_ddim,
    scheduling_euler_ancestral_discrete,
)
# How much the final picture must change, in parts of 255, when one thing about a request does.
LEAST_INFLUENCE = 2.0


def load(folder):
    """The pipeline in `folder`, to be run in f32."""
    index = json.loads((Path(folder) / "model_index.json").read_text())
    options = {"torch_dtype": torch.float32, "local_files_only": True}
    pipeline = PIPELINES[index["_class_name"]].from_pretrained(folder, **options)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def is_kontext(pipeline):
    """Whether it is FLUX.1 Kontext; else it is InstructPix2Pix."""
    return isinstance(pipeline, FluxKontextPipeline)


@dataclasses.dataclass
class Request:
    """One request. `height`, `width`, `max_area`, `auto_resize` and `max_sequence_length` are Kontext's only."""

    instruction: str
    steps: int = 3
    guidance: float = 7.5
    image_guidance: float = 1.5
    eta: float = 0.0
    candidates: int = 1
    height: int = 0
    width: int = 0
    max_area: int = 0
    max_sequence_length: int = 32
    auto_resize: bool = False

    def options(self, pipeline):
        """Arguments of the pipeline."""
        common = {
            "prompt": self.instruction,
            "num_inference_steps": self.steps,
            "guidance_scale": self.guidance,
            "num_images_per_prompt": self.candidates,
        }
        if not is_kontext(pipeline):
            return common | {"image_guidance_scale": self.image_guidance, "eta": self.eta}
        sizes = {"height": self.height, "width": self.width, "max_area": self.max_area or self.height * self.width}
        text = {"max_sequence_length": self.max_sequence_length}
        return common | sizes | text | {"_auto_resize": self.auto_resize}


class Noise:
    """Hands out unit-normal noise from a seed, and keeps what it handed out."""

    def __init__(self, seed):
        """Nothing is drawn before it is asked for."""
        self.source, self.drawn = np.random.default_rng(seed), []

    def __call__(self, shape, generator=None, device=None, dtype=None, layout=None):
        """In place of diffusers' randn_tensor."""
        values = torch.from_numpy(self.source.standard_normal(tuple(shape), dtype=np.float32))
        self.drawn.append(values)
        return values.to(dtype)


@contextlib.contextmanager
def replaced(places):
    """Put other values at attributes, and the old ones back afterwards; `places` lists (owner, name, value)."""
    before = [(owner, name, owner.__dict__.get(name)) for owner, name, _ in places]
    for owner, name, value in places:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in before:
            delattr(owner, name) if value is None else setattr(owner, name, value)


class Recorder:
    """Stands at the doors of a pipeline's parts and writes down what passes."""

    def __init__(self, pipeline, noise):
        """Nothing is recorded before `watching`."""
        self.pipeline, self.noise, self.tensors, self.ids = pipeline, noise, {}, {}
        self.step = 0

    def watching(self):
        """A context in which the pipeline is watched."""
        pipeline = self.pipeline
        denoiser = pipeline.transformer if is_kontext(pipeline) else pipeline.unet
        places = [(module, "randn_tensor", self.noise) for module in DRAWING_MODULES]
        places += [
            (pipeline.text_encoder, "forward", self.watch_clip(pipeline.text_encoder.forward)),
            (pipeline.vae, "encode", self.watch_encode(pipeline.vae.encode)),
            (pipeline.vae, "decode", self.watch_decode(pipeline.vae.decode)),
            (denoiser, "forward", self.watch_denoiser(denoiser.forward)),
            (pipeline.scheduler, "step", self.watch_step(pipeline.scheduler.step)),
        ]
        if is_kontext(pipeline):
            places.append((pipeline.text_encoder_2, "forward", self.watch_t5(pipeline.text_encoder_2.forward)))
        return replaced(places)

    def keep(self, name, value):
        """Write down a tensor, once."""
        if name not in self.tensors:
            self.tensors[name] = value.detach().clone().contiguous()

    def watch_clip(self, forward):
        """Token ids, hidden states and pooled state of CLIP; those of the empty text come second."""

        def watched(ids, *rest, **options):
            answer = forward(ids, *rest, **options)
            suffix = "" if "clip" not in self.ids else "_empty"
            self.ids["clip" + suffix] = ids[0].tolist()
            if is_kontext(self.pipeline):
                self.keep("text.pooled", answer.pooler_output[0])
            else:
                self.keep("text.hidden" + suffix, answer.last_hidden_state[0])
            return answer

        return watched

    def watch_t5(self, forward):
        """Token ids and states of T5."""

        def watched(ids, *rest, **options):
            answer = forward(ids, *rest, **options)
            self.ids["t5"] = ids[0].tolist()
            self.keep("text.t5", answer[0][0])
            return answer

        return watched

    def watch_encode(self, encode):
        """The picture as the autoencoder reads it."""

        def watched(pixels, *rest, **options):
            self.keep("source.pixels", pixels[0])
            return encode(pixels, *rest, **options)

        return watched

    def watch_decode(self, decode):
        """The latents as the autoencoder reads them, and the picture before it is rounded."""

        def watched(latents, *rest, **options):
            self.keep("decoder.input", latents)
            answer = decode(latents, *rest, **options)
            self.keep("decoded", answer[0])
            return answer

        return watched

    def watch_denoiser(self, forward):
        """What goes into the denoiser beside the latents, and what comes out."""

        def watched(*rest, **options):
            answer = forward(*rest, **options)
            if is_kontext(self.pipeline):
                self.tokens = self.latents_of(options["hidden_states"])
                self.keep("source.latents", options["hidden_states"][0, self.tokens :])
                self.output = answer[0][:, : self.tokens]
            else:
                self.keep("source.latents", rest[0][0, self.pipeline.vae.config.latent_channels :])
                self.output = answer[0]
            self.keep(f"denoiser.{self.step}", self.output)
            return answer

        return watched

    def latents_of(self, hidden):
        """How many of the tokens are to be denoised."""
        return self.noise.drawn[0].numel() // (self.noise.drawn[0].shape[0] * hidden.shape[-1])

    def watch_step(self, step):
        """What the scheduler reads and what it makes of it."""

        # Pipelines look at the parameters of a scheduler's step to see whether it takes an `eta`.
        @functools.wraps(step)
        def watched(output, timestep, sample, **options):
            if self.step == 0 and not is_kontext(self.pipeline):
                self.keep("scaled_initial_latents", sample)
            if output.shape != self.output.shape:
                self.keep(f"guided.{self.step}", output)
            answer = step(output, timestep, sample, **options)
            if is_kontext(self.pipeline):
                clean = sample - self.pipeline.scheduler.sigmas[self.step] * output
            else:
                clean = answer[1]
            self.keep(f"latents.{self.step}", answer[0])
            self.keep(f"clean.{self.step}", clean)
            self.step += 1
            return answer

        return watched

    def schedule(self):
        """The scheduler's timesteps and sigmas."""
        scheduler = self.pipeline.scheduler
        self.keep("timesteps", scheduler.timesteps.to(torch.float32))
        if hasattr(scheduler, "sigmas"):
            self.keep("sigmas", scheduler.sigmas)

    def noises(self):
        """The noise that was handed out: first the initial latents, then one for each step."""
        first, *steps = self.noise.drawn
        if is_kontext(self.pipeline):
            self.keep("initial_latents.unpacked", first)
            self.keep("initial_latents", self.pipeline._pack_latents(first, *first.shape))
        else:
            self.keep("initial_latents", first)
        for index, values in enumerate(steps):
            self.keep(f"noise.{index}", values)


@dataclasses.dataclass
class Recording:
    """What a run came to: tensors by name, token ids, and pictures [candidates, height, width, 3] of bytes."""

    tensors: dict
    ids: dict
    pictures: np.ndarray


@torch.no_grad()
def run(pipeline, request, source, noise):
    """Run a request on a PIL picture and record it."""
    recorder = Recorder(pipeline, noise)
    with recorder.watching():
        answer = pipeline(image=source, **request.options(pipeline))
    recorder.noises()
    # A pipeline that does not see that the sampler takes an `eta` would draw none.
    assert request.eta == 0 or len(noise.drawn) == 1 + recorder.step, "no noise was drawn in the steps"
    recorder.schedule()
    assert recorder.step == len(pipeline.scheduler.timesteps)
    recorder.keep("final.latents", recorder.tensors[f"latents.{recorder.step - 1}"])
    images = np.stack([np.asarray(image) for image in answer.images])
    return Recording(recorder.tensors, recorder.ids, images)


def usual_request(pipeline, side):
    """A request, and one that says something else."""
    if is_kontext(pipeline):
        return Request("make the sky blue", guidance=2.5, height=side, width=side)
    eta = 1.0 if type(pipeline.scheduler).__name__ == "DDIMScheduler" else 0.0
    return Request("make the sky blue", eta=eta)


def influences(pipeline):
    """By how much, in parts of 255, the picture changes in the mean when one thing about a request does."""
    side = 8 * 2 ** (len(pipeline.vae.config.block_out_channels) - 1)
    request, source = usual_request(pipeline, side), pictures.image(pictures.smooth(side, side, 1))
    changed = {
        "instruction": ({"instruction": "turn the red car into a green boat, 24 of them!"}, 1, 1),
        "source": ({}, 2, 1),
        "latents": ({}, 1, 2),
    }
    if not is_kontext(pipeline):
        changed |= {"guidance": ({"guidance": 3.0}, 1, 1), "image_guidance": ({"image_guidance": 4.5}, 1, 1)}
    elif pipeline.transformer.config.guidance_embeds:
        changed["guidance"] = ({"guidance": 7.0}, 1, 1)
    base = run(pipeline, request, source, Noise(1)).pictures.astype(float)
    found = {"contrast": float(base.std())}
    for name, (values, picture, seed) in changed.items():
        other = pictures.image(pictures.smooth(side, side, picture))
        again = run(pipeline, dataclasses.replace(request, **values), other, Noise(seed)).pictures
        found[name] = float(np.abs(again - base).mean())
    return found


def insist_on(found):
    """Refuse a pipeline to which something hardly matters."""
    weak = {name: value for name, value in found.items() if not value > LEAST_INFLUENCE}
    if weak:
        raise SystemExit(f"this changes the picture by too little: {weak}")
