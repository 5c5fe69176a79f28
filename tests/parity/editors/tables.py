"""Tables of numbers that need no model: schedules, sizes, single steps of samplers, and resizing."""

import math

import numpy as np
import torch
from diffusers import DDIMScheduler, EulerAncestralDiscreteScheduler, FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.flux.pipeline_flux_kontext import calculate_shift, retrieve_timesteps
from PIL import Image

import pictures
from recording import replaced
from shape import PUBLISHED_DIFFUSION, SCHEDULERS

STEPS = (1, 5, 20, 50, 100)
SPACINGS = ("linspace", "leading", "trailing")
FLOW_SIZES = ((1024, 1024), (1392, 752), (672, 1568), (512, 512), (256, 256), (2048, 2048), (64, 48))
FLOW_STEPS = (1, 4, 28)
# As published with Qwen-Image-Edit; the same with a shift that does not depend on the size; and with its few-step adapters.
QWEN_FLOWS = {
    "flow_terminal": {
        "_class_name": "FlowMatchEulerDiscreteScheduler", "base_image_seq_len": 256, "base_shift": 0.5,
        "max_image_seq_len": 8192, "max_shift": 0.9, "num_train_timesteps": 1000, "shift": 1.0, "shift_terminal": 0.02,
        "time_shift_type": "exponential", "use_dynamic_shifting": True,
    },
    "flow_terminal_static": {
        "_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": 3.0,
        "shift_terminal": 0.1, "use_dynamic_shifting": False,
    },
    "flow_lightning": {
        "_class_name": "FlowMatchEulerDiscreteScheduler", "base_image_seq_len": 256, "base_shift": math.log(3),
        "max_image_seq_len": 8192, "max_shift": math.log(3), "num_train_timesteps": 1000, "shift": 1.0,
        "shift_terminal": None, "time_shift_type": "exponential", "use_dynamic_shifting": True,
    },
}  # fmt: skip
FLOWS = {name: settings for name, settings in SCHEDULERS.items() if "flow" in name} | QWEN_FLOWS
ALPHAS_AT = (0, 1, 2, 10, 100, 333, 500, 666, 900, 998, 999)


def rounded(values):
    """Numbers with nine significant digits, by which an f32 is known exactly."""
    return [float(f"{float(value):.9g}") for value in values]


def diffusion_settings(kind, **changes):
    """Settings for a class of the diffusion kind, without the keys that it does not know."""
    known = set(kind().config)
    return {name: value for name, value in (PUBLISHED_DIFFUSION | changes).items() if name in known}


def euler_row(spacing, steps):
    """The schedule of Euler ancestral."""
    scheduler = EulerAncestralDiscreteScheduler(
        **diffusion_settings(EulerAncestralDiscreteScheduler, timestep_spacing=spacing)
    )
    scheduler.set_timesteps(steps)
    return {
        "timestep_spacing": spacing,
        "steps": steps,
        "init_noise_sigma": rounded([scheduler.init_noise_sigma])[0],
        "timesteps": rounded(scheduler.timesteps),
        "sigmas": rounded(scheduler.sigmas),
    }


def ddim_row(spacing, steps):
    """The schedule of DDIM: timesteps, and for each the cumulated alphas here and after the step, and the variance."""
    scheduler = DDIMScheduler(**diffusion_settings(DDIMScheduler, timestep_spacing=spacing))
    scheduler.set_timesteps(steps)
    before = [ddim_alphas(scheduler, int(step)) for step in scheduler.timesteps]
    return {
        "timestep_spacing": spacing,
        "steps": steps,
        "timesteps": scheduler.timesteps.tolist(),
        "alphas": rounded(pair[0] for pair in before),
        "previous_alphas": rounded(pair[1] for pair in before),
        "variances": rounded(pair[2] for pair in before),
    }


def ddim_alphas(scheduler, step):
    """Cumulated alphas at a timestep and at the one that DDIM steps to, and the variance between them."""
    previous = step - scheduler.config.num_train_timesteps // scheduler.num_inference_steps
    after = scheduler.alphas_cumprod[previous] if previous >= 0 else scheduler.final_alpha_cumprod
    return scheduler.alphas_cumprod[step], after, scheduler._get_variance(step, previous)


def flow_row(name, size, steps):
    """The schedule of the flow-matching Euler sampler for an output of `size` (width, height)."""
    settings = {key: value for key, value in FLOWS[name].items() if key != "_class_name"}
    scheduler = FlowMatchEulerDiscreteScheduler(**settings)
    tokens = (size[0] // 16) * (size[1] // 16)
    shifts = [settings.get(key) for key in ("base_image_seq_len", "max_image_seq_len", "base_shift", "max_shift")]
    mu = calculate_shift(tokens, *shifts) if settings["use_dynamic_shifting"] else None
    retrieve_timesteps(scheduler, steps, "cpu", sigmas=np.linspace(1.0, 1 / steps, steps), mu=mu)
    return {
        "scheduler": name,
        "width": size[0],
        "height": size[1],
        "tokens": tokens,
        "mu": mu,
        "steps": steps,
        "timesteps": rounded(scheduler.timesteps),
        "sigmas": rounded(scheduler.sigmas),
    }


def alphas_row(schedule):
    """Some of the cumulated alphas of a schedule of betas."""
    scheduler = DDIMScheduler(**diffusion_settings(DDIMScheduler, beta_schedule=schedule))
    return {"beta_schedule": schedule, "at": ALPHAS_AT, "alphas": rounded(scheduler.alphas_cumprod[list(ALPHAS_AT)])}


def schedules():
    """All schedules."""
    settings = {"diffusion": PUBLISHED_DIFFUSION} | FLOWS
    flow = [flow_row("flow_dynamic", size, steps) for size in FLOW_SIZES for steps in FLOW_STEPS]
    # One step has no level to stretch to: diffusers divides by zero there.
    terminal = [flow_row("flow_terminal", size, steps) for size in FLOW_SIZES[:4] for steps in (2, 4, 40, 50)]
    few = [flow_row("flow_lightning", size, steps) for size in FLOW_SIZES[:2] for steps in (1, 4, 8)]
    few += [flow_row("flow_terminal_static", (1024, 1024), steps) for steps in (4, 28)]
    return {
        "settings": settings,
        "alphas": [alphas_row(schedule) for schedule in ("scaled_linear", "linear")],
        "euler_ancestral": [euler_row(spacing, steps) for spacing in SPACINGS for steps in STEPS],
        "ddim": [ddim_row(spacing, steps) for spacing in SPACINGS for steps in STEPS],
        "flow": flow + [flow_row("flow_static", (1024, 1024), steps) for steps in FLOW_STEPS] + terminal + few,
    }


# Width and height of sources: usual photographs, published resolutions, ties, strips, and what is too small.
SOURCES = (
    (1024, 1024), (512, 512), (256, 256), (640, 480), (480, 640), (800, 600), (1920, 1080), (1080, 1920),
    (3840, 2160), (1280, 720), (4000, 3000), (3000, 2000), (2000, 3000), (1366, 768), (1000, 1000), (999, 1001),
    (1023, 1025), (1392, 752), (752, 1392), (672, 1568), (1568, 672), (1104, 944), (944, 1104), (1328, 800),
    (1248, 832), (832, 1248), (1184, 880), (1456, 720), (1504, 688), (64, 48), (75, 53), (31, 33), (16, 16),
    (17, 47), (16, 512), (512, 16), (300, 100), (100, 300), (2500, 500), (768, 1344), (1152, 896), (15, 64), (64, 15),
)  # fmt: skip


class Chosen(Exception):
    """Ends a run of the pipeline as soon as it has chosen its sizes."""


def sizes_of(pipeline, source, **options):
    """The sizes of output and reference that the pipeline's own code comes to, or the error."""
    found = {}

    def stop(image, batch_size, channels, height, width, *rest):
        found.update(output=[width, height], reference=[image.shape[-1], image.shape[-2]])
        raise Chosen

    text = (torch.zeros(1, 1, 1), torch.zeros(1, 1), torch.zeros(1, 3))
    places = [(pipeline, "prepare_latents", stop), (pipeline, "encode_prompt", lambda **rest: text)]
    try:
        with replaced(places):
            pipeline(image=Image.new("RGB", source), prompt="", **options)
    except Chosen:
        return found
    except (ZeroDivisionError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    raise AssertionError("the pipeline ran past its sizes")


def sizes(pipeline):
    """Sizes as [width, height] by source: as called without any, with the source's, and in smaller areas."""
    assert pipeline.vae_scale_factor == 8
    rows = []
    for source in SOURCES:
        own = {"width": source[0], "height": source[1]}
        rows.append({
            "source": source,
            "default": sizes_of(pipeline, source),
            "own": sizes_of(pipeline, source, **own),
            "own_quarter_area": sizes_of(pipeline, source, max_area=512 * 512, **own),
            "own_not_resized": sizes_of(pipeline, source, max_area=512 * 512, _auto_resize=False, **own),
        })  # fmt: skip
    return rows


def vectors(seed, count=6):
    """Three vectors of f32 from a seed."""
    return np.random.default_rng(seed).standard_normal((3, count)).astype(np.float32)


def density(values, mean, deviation):
    """Mean logarithm of a normal density, None where there is no density."""
    if deviation == 0:
        return None
    away = -((values - mean) ** 2) / (2 * deviation**2)
    return float(np.mean(away - math.log(deviation) - math.log(math.sqrt(2 * math.pi))))


def flow_sde_row(seed, eta, sigma, after):
    """A stochastic step of a flow in f64, by the formula of flow_grpo."""
    sample, velocity, noise = (vector.astype(np.float64) for vector in vectors(seed))
    deviation = math.sqrt(sigma / (1 - (after if sigma == 1 else sigma))) * eta
    step = after - sigma
    mean = sample * (1 + deviation**2 / (2 * sigma) * step)
    mean += velocity * (1 + deviation**2 * (1 - sigma) / (2 * sigma)) * step
    spread = deviation * math.sqrt(-step)
    moved = mean + spread * noise
    return {
        "eta": eta,
        "sigma": sigma,
        "next_sigma": after,
        "deviation": deviation,
        "spread": spread,
        "sample": sample.tolist(),
        "velocity": velocity.tolist(),
        "noise": noise.tolist(),
        "mean": mean.tolist(),
        "moved": moved.tolist(),
        "log_probability": density(moved, mean, spread),
    }


def flow_sde():
    """Stochastic flow steps: at the first, in the middle, before the last, and the last, which ends at zero."""
    sigmas = flow_row("flow_dynamic", (1024, 1024), 28)["sigmas"]
    places = [(eta, index) for eta in (0.3, 0.7, 1.0) for index in (0, 1, 14, 26, 27)]
    return [flow_sde_row(seed, eta, *sigmas[index : index + 2]) for seed, (eta, index) in enumerate(places)]


def ddim_row_of_step(seed, scheduler, eta, step):
    """A stochastic DDIM step in f64 on the scheduler's f32 alphas; the class's own step is asked to agree."""
    sample, output, noise = vectors(100 + seed)
    alpha, after = (float(value) for value in ddim_alphas(scheduler, step)[:2])
    deviation = eta * math.sqrt(max((1 - after) / (1 - alpha) * (1 - alpha / after), 0.0))
    clean = (sample.astype(np.float64) - math.sqrt(1 - alpha) * output) / math.sqrt(alpha)
    mean = math.sqrt(after) * clean + math.sqrt(1 - after - deviation**2) * output
    moved = mean + deviation * noise.astype(np.float64)
    tensors = [torch.from_numpy(each) for each in (output, sample, noise)]
    theirs = scheduler.step(tensors[0], step, tensors[1], eta=eta, variance_noise=tensors[2]).prev_sample.numpy()
    assert np.allclose(theirs, moved, rtol=2e-4, atol=2e-5), (theirs, moved)
    return {
        "eta": eta,
        "timestep": step,
        "alpha": alpha,
        "previous_alpha": after,
        "deviation": deviation,
        "sample": sample.tolist(),
        "output": output.tolist(),
        "noise": noise.tolist(),
        "clean": clean.tolist(),
        "mean": mean.tolist(),
        "moved": moved.tolist(),
        "log_probability": density(moved, mean, deviation),
    }


def ddim_eta():
    """Stochastic DDIM steps of a schedule with 20 steps, with and without set_alpha_to_one."""
    rows = []
    for to_one in (False, True):
        scheduler = DDIMScheduler(**diffusion_settings(DDIMScheduler, set_alpha_to_one=to_one))
        scheduler.set_timesteps(20)
        for eta in (0.5, 1.0):
            for step in (951, 501, 51, 1):
                row = ddim_row_of_step(len(rows), scheduler, eta, step)
                rows.append({"steps": 20, "set_alpha_to_one": to_one} | row)
    return rows


# Name, picture, and the (width, height) it is to have.
LANCZOS = (
    ("down", pictures.smooth(75, 53, 40), (48, 32)),
    ("slightly_down", pictures.smooth(75, 53, 41), (72, 48)),
    ("up", pictures.smooth(20, 13, 42), (48, 37)),
    ("one_side_only", pictures.smooth(40, 30, 43), (24, 30)),
    ("up_and_down", pictures.smooth(60, 9, 44), (16, 32)),
    ("overshoot_down", pictures.chequered(50, 40), (33, 27)),
    ("overshoot_up", pictures.chequered(12, 10), (41, 37)),
    ("from_one_pixel", pictures.smooth(1, 1, 45), (5, 4)),
    ("to_one_pixel", pictures.chequered(17, 11), (1, 1)),
    ("from_a_line", pictures.chequered(1, 23), (6, 16)),
    ("same", pictures.chequered(9, 7), (9, 7)),
    ("far_down", pictures.smooth(90, 70, 46), (7, 5)),
)


def lanczos(folder):
    """Write pictures and what Pillow resizes them to; tell the list of them."""
    folder.mkdir(parents=True)
    for name, canvas, size in LANCZOS:
        pictures.save(folder / f"{name}.source.png", canvas)
        resized = Image.fromarray(canvas).resize(size, resample=Image.Resampling.LANCZOS)
        pictures.save(folder / f"{name}.resized.png", np.asarray(resized))
    return [{"name": name, "width": size[0], "height": size[1]} for name, _, size in LANCZOS]
