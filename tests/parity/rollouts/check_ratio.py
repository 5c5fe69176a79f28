#!/usr/bin/env python3
"""Take the log-probabilities of recorded trajectories again, in PyTorch with diffusers, and see that training starts at ratio 1.

For each case the program edits a picture with a tiny FLUX.1 Kontext pipeline and a stochastic sampler, and keeps the trajectories:
`editscale run`, read by `flow_grpo` of `editscale.rollouts`; or with `--through edit` a single edit, read from its folder. Then diffusers'
transformer is asked for the velocity at each recorded latent, with the recorded timestep, and the density of the recorded next latent is
taken, once by the formulas of `editscale.rollouts` and once by those that flow_grpo publishes. It prints the largest distance of
`exp(new - old)` from 1 and ends with 1 if that is above the tolerance. So that the check can be seen to bite, it also prints
the distance where latents are rounded to brain floats first, as some trainers store them.
"""

import argparse
import dataclasses
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "plugins/python-sdk/src"), str(ROOT / "tests/parity/editors")]

import recording  # noqa: E402
from editscale.rollouts.density import flow_step  # noqa: E402

FIXTURES = ROOT / "workspace/models/tests/fixtures/editors"


@dataclasses.dataclass(frozen=True)
class Case:
    """One run of the program."""

    pipeline: str
    source: str
    width: int
    height: int
    instruction: str
    steps: int
    eta: float
    guidance: float
    text_tokens: int = 32


CASES = [
    Case("kontext_f16", "kontext", 48, 32, "Let it snow, and make it night", 6, 0.7, 2.5),
    Case("kontext_f16", "kontext", 32, 48, "Turn the red car into a blue car", 10, 1.0, 4.0),
    Case("kontext_f16", "kontext", 64, 64, "Ajoute un café et 20 % de lumière", 28, 0.3, 1.0),
    Case("kontext_no_guidance_bf16", "no_guidance", 32, 32, "make the sky blue", 8, 0.7, 2.5),
]


def recipe(case, folder):
    """Writes the recipe of a case."""
    editor = {
        "dir": str(FIXTURES / "pipelines" / case.pipeline), "steps": case.steps, "eta": case.eta,
        "guidance": case.guidance, "text_tokens": case.text_tokens, "fit_source": False,
        "max_pixels": case.width * case.height, "trajectory": True,
    }  # fmt: skip
    said = {
        "version": 1,
        "editor": {"flux_kontext": editor},
        "rewards": [{"model": {"editreward": {"dir": "builtin"}}}],
        "search": {"best_of_n": {"samples": 3}},
    }
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(said), encoding="utf-8")
    return str(path)


def ask(command):
    """Has the program do something."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the program ended with {done.returncode}: {done.stderr.strip()}")


def edit(program, case, folder):
    """A batch as flow_grpo takes it, of a single edit."""
    options = ["--recipe", recipe(case, folder), "--run-dir", str(folder / "run"), "--json"]
    ask([program, "edit", *options, "--", str(source(case, folder)), case.instruction])
    ways = [load_file(file) for file in sorted((folder / "run" / "trajectories").glob("*.safetensors"))]
    latents, times, old = (torch.stack([way[name] for way in ways]) for name in ("latents", "timesteps", "log_probabilities"))
    batch = {"latents": latents[:, :-1], "next_latents": latents[:, 1:], "timesteps": times * 1000, "log_probs": old}
    return batch, ways[0]["sigmas"]


def run(program, case, folder):
    """The same of a data set of one row, read by the SDK."""
    from editscale.rollouts import Rollouts, flow_grpo

    row = {"image": source(case, folder).name, "instruction": case.instruction}
    (folder / "rows.jsonl").write_text(json.dumps(row), encoding="utf-8")
    ask([program, "run", str(folder / "rows.jsonl"), "--recipe", recipe(case, folder), "--out", str(folder / "out")])
    (batch,) = flow_grpo(Rollouts(folder / "out").with_selection(flat=True))
    return batch, batch.sigmas


def source(case, folder):
    """Writes the picture of a case, in the size that its result has."""
    path = folder / "source.png"
    Image.open(FIXTURES / "cases" / case.source / "source.png").convert("RGB").resize((case.width, case.height)).save(path)
    return path


@torch.no_grad()
def condition(pipeline, case, picture, rows):
    """What the transformer is told beside latents and time: arguments, and the tokens of the source."""
    texts, pooled, text_ids = pipeline.encode_prompt(prompt=case.instruction, prompt_2=None, max_sequence_length=case.text_tokens)
    size = (case.height, case.width)
    pixels = pipeline.image_processor.preprocess(pipeline.image_processor.resize(picture, *size), *size)
    channels = pipeline.transformer.config.in_channels // 4
    _, tokens, latent_ids, image_ids = pipeline.prepare_latents(
        pixels, 1, channels, *size, torch.float32, torch.device("cpu"), torch.Generator().manual_seed(0)
    )
    guided = pipeline.transformer.config.guidance_embeds
    told = {
        "encoder_hidden_states": texts.repeat(rows, 1, 1), "pooled_projections": pooled.repeat(rows, 1),
        "txt_ids": text_ids, "img_ids": torch.cat([latent_ids, image_ids], 0), "return_dict": False,
        "guidance": torch.full([rows], case.guidance, dtype=torch.float32) if guided else None,
    }  # fmt: skip
    return told, tokens.repeat(rows, 1, 1)


def published(velocity, latents, following, sigmas, step, eta):
    """The log-probability by flow_grpo's formulas, in f32 tensors (flow_grpo/diffusers_patch/sd3_sde_with_logprob.py at 54809b5)."""
    sigma, after, first = sigmas[step], sigmas[step + 1], sigmas[1]
    dt = after - sigma
    deviation = torch.sqrt(sigma / (1 - torch.where(sigma == 1, first, sigma))) * eta
    mean = latents * (1 + deviation**2 / (2 * sigma) * dt)
    mean = mean + velocity * (1 + deviation**2 * (1 - sigma) / (2 * sigma)) * dt
    spread = deviation * torch.sqrt(-dt)
    density = -((following - mean) ** 2) / (2 * spread**2) - torch.log(spread) - 0.5 * math.log(2 * math.pi)
    return density.mean(dim=(1, 2))


@torch.no_grad()
def distances(pipeline, case, picture, batch, sigmas):
    """How far ratios are from 1 at each step: by our formulas, by the published ones, and with rounded latents."""
    rows, steps = batch["log_probs"].shape
    told, tokens = condition(pipeline, case, picture, rows)
    for step in range(steps):
        here, following, old = (batch[name][:, step] for name in ("latents", "next_latents", "log_probs"))
        answer = pipeline.transformer(hidden_states=torch.cat([here, tokens], 1), timestep=batch["timesteps"][:, step] / 1000, **told)[0]
        velocity, density = answer[:, : here.shape[1]], flow_step(sigmas.tolist(), step, case.eta)
        ours = density.log_probability(here, velocity, following)
        theirs = published(velocity, here, following, sigmas, step, case.eta)
        rounded = density.log_probability(here.bfloat16().float(), velocity, following.bfloat16().float())
        yield from torch.stack([(torch.exp(new - old) - 1).abs() for new in (ours, theirs, rounded)], 1).tolist()


def main():
    """Read the command line and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "target/release/editscale"), help="default: %(default)s")
    parser.add_argument("--through", choices=["run", "edit"], default="run", help="default: %(default)s")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="default: %(default)s")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    made = {"run": run, "edit": edit}[arguments.through]
    failed, steps = 0, 0
    for case in CASES:
        pipeline = recording.load(FIXTURES / "pipelines" / case.pipeline)
        with tempfile.TemporaryDirectory() as folder:
            batch, sigmas = made(arguments.binary, case, Path(folder))
            picture = Image.open(Path(folder) / "source.png").copy()
        found = list(distances(pipeline, case, picture, batch, sigmas))
        assert len(found) == 3 * case.steps, len(found)
        ours, theirs, rounded = (max(column) for column in zip(*found, strict=True))
        good = max(ours, theirs) <= arguments.tolerance
        failed, steps = failed + (not good), steps + len(found)
        shape = f"{case.pipeline}, {case.width}x{case.height}, {case.steps} steps, eta {case.eta}"
        print(f"{shape}: |ratio - 1| at most {ours:.1e}, by flow_grpo's formulas {theirs:.1e}", end="")
        print(f"; {rounded:.1e} from rounded latents{'' if good else '; TOO FAR'}", flush=True)
    print(f"{len(CASES) - failed} passed, {failed} failed ({steps} steps)")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
