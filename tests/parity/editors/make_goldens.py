#!/usr/bin/env python3
"""Make the reference values that are committed, or check them.

Without options this writes anew all of workspace/models/tests/fixtures/editors. With --check it writes to a
temporary folder and compares: pipelines, pictures that went in, and token ids must be the same bytes, numbers may
differ by 1e-4, pictures that came out by 1.
"""

import argparse
import dataclasses
import json
import shutil
import sys
import tempfile
from pathlib import Path

import diffusers
import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save

import checking
import pictures
import recording
import tables
from make_pipelines import make_pipeline
from recording import Noise, Request
from shape import FLUX_KONTEXT, INSTRUCT_PIX2PIX, SCHEDULERS, published

HOME = Path(__file__).resolve().parents[3] / "workspace/models/tests/fixtures/editors"
MOST_BYTES = 2_400_000
TOLERANCE = 1e-4

PIPELINES = {
    "pix2pix_f16": (5, published(
        INSTRUCT_PIX2PIX, vae_channels=(4, 8, 8, 8), vae_old_names=True, clip_width=16, clip_inner=32,
    )),
    "pix2pix_deep_bf16": (4, published(
        INSTRUCT_PIX2PIX, dtype="bf16", shard_bytes=40_000, scheduler="ddim",
        scheduler_changes='{"prediction_type": "v_prediction", "timestep_spacing": "trailing"}',
        unet_channels=(8, 8, 16), unet_cross=(True, True, False), unet_heads=(1, 2, 4), linear_projection=True,
        vae_channels=(8, 8, 8), clip_width=12, clip_layers=3, clip_inner=24, clip_act="gelu", clip_legacy_end=False,
        clip_pad="!", clip_style="plain",
    )),
    "kontext_f16": (2, published(
        FLUX_KONTEXT, vae_channels=(4, 8, 8, 8), clip_width=16, clip_inner=32, axes=(2, 6, 4),
    )),
    "kontext_no_guidance_bf16": (3, published(
        FLUX_KONTEXT, dtype="bf16", shard_bytes=50_000, scheduler="flow_static", guidance_embeds=False,
        vae_channels=(8, 8), vae_layers=2, clip_width=12, clip_inner=24, clip_layers=1, clip_legacy_end=False,
        t5_layers=3, t5_heads=3, t5_head=4, t5_buckets=8, t5_distance=20, axes=(2, 4, 2), heads=3, double=2, single=1,
    )),
}  # fmt: skip

LONG = "Turn the red car into a blue car, and don't touch the people; " * 6
SNOW = "Let it snow, and make it night"


@dataclasses.dataclass
class Case:
    """A request to a pipeline about a picture of (width, height), with the scheduler's settings changed."""

    pipeline: str
    size: tuple
    request: Request
    scheduler: str = ""
    changes: dict = dataclasses.field(default_factory=dict)
    # Whether to store the larger tensors, too.
    full: bool = False


def pix2pix(size, scheduler="", changes=None, full=False, pipeline="pix2pix_f16", instruction=SNOW, **request):
    """A case of InstructPix2Pix."""
    return Case(pipeline, size, Request(instruction, **request), scheduler, changes or {}, full)


def kontext(size, output, changes=None, full=False, pipeline="kontext_f16", instruction=SNOW, **request):
    """A case of Kontext whose output is `output` (width, height)."""
    usual = {"guidance": 2.5, "width": output[0], "height": output[1]}
    return Case(pipeline, size, Request(instruction, **(usual | request)), "", changes or {}, full)


DEEP, STATIC = {"pipeline": "pix2pix_deep_bf16"}, {"pipeline": "kontext_no_guidance_bf16"}
CASES = {
    "euler": pix2pix((48, 32), full=True),
    "euler_resized": pix2pix((61, 43)),
    "euler_leading_v": pix2pix(
        (32, 48), "euler_ancestral", {"timestep_spacing": "leading", "prediction_type": "v_prediction"}, steps=4
    ),
    "euler_trailing_linear": pix2pix(
        (48, 32), "euler_ancestral", {"timestep_spacing": "trailing", "beta_schedule": "linear"}
    ),
    "euler_one_step": pix2pix((48, 32), steps=1),
    "euler_no_guidance": pix2pix((48, 32), guidance=1.0),
    "euler_no_image_guidance": pix2pix((48, 32), image_guidance=0.9, steps=2),
    "euler_three": pix2pix((48, 32), candidates=3),
    "euler_long": pix2pix((48, 32), instruction=LONG, steps=2),
    "euler_empty": pix2pix((48, 32), instruction="", steps=2),
    "ddim": pix2pix((64, 48), "ddim", steps=4),
    "ddim_tall": pix2pix((24, 56), "ddim", steps=2),
    "ddim_eta": pix2pix((32, 48), "ddim", eta=1.0),
    "ddim_eta_resized": pix2pix((46, 33), "ddim", {"clip_sample": True, "set_alpha_to_one": True}, eta=1.0),
    "ddim_linspace": pix2pix((48, 32), "ddim", {"timestep_spacing": "linspace"}, eta=0.5),
    "ddim_eta_three": pix2pix((48, 32), "ddim", eta=1.0, candidates=3, steps=2),
    "deep_v_trailing": pix2pix((44, 28), full=True, **DEEP),
    "deep_eta_three": pix2pix((34, 26), eta=1.0, candidates=3, steps=2, **DEEP),
    "deep_euler": pix2pix((24, 40), "euler_ancestral", {}, **DEEP),
    "kontext": kontext((48, 32), (48, 32), full=True),
    "kontext_other_size": kontext((40, 85), (64, 32), {"base_image_seq_len": 2, "max_image_seq_len": 24}, steps=4),
    "kontext_shift": kontext((48, 48), (48, 48), {"base_image_seq_len": 2, "max_image_seq_len": 24}),
    "kontext_area": kontext((64, 48), (1000, 730), max_area=2304, steps=2),
    "kontext_static": kontext((48, 32), (48, 32), {"use_dynamic_shifting": False}),
    "kontext_guidance_one": kontext((48, 32), (48, 32), guidance=1.0, steps=1),
    "kontext_three": kontext((48, 32), (32, 48), candidates=3, steps=2),
    "kontext_cut": kontext((48, 32), (48, 32), instruction=LONG, max_sequence_length=12, steps=2),
    "kontext_empty": kontext((48, 32), (48, 32), instruction="", steps=1),
    "no_guidance": kontext((27, 22), (24, 20), full=True, **STATIC),
    "no_guidance_three": kontext((20, 16), (20, 16), candidates=3, max_sequence_length=40, steps=2, **STATIC),
}  # fmt: skip
# Tensors that only cases in full have.
LARGE = {"decoded", "decoder.input", "text.hidden_empty", "scaled_initial_latents"}


def settings_of(case, folder):
    """All of the scheduler's settings for a case."""
    stored = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
    return (SCHEDULERS[case.scheduler] if case.scheduler else stored) | case.changes


def use_scheduler(pipeline, settings):
    """Give a pipeline the scheduler of these settings."""
    kind = getattr(diffusers, settings["_class_name"])
    pipeline.register_modules(scheduler=kind.from_config(settings))


def stored_tensors(case, found):
    """What of a recording is committed."""
    resized = found.tensors["source.pixels"].shape[-2:] != case.size[::-1]
    left_out = set() if case.full else LARGE | (set() if resized else {"source.pixels"})
    return {name: value for name, value in sorted(found.tensors.items()) if name not in left_out}


def described(name, case, pipeline, found):
    """All of case.json."""
    request, scheduler, tensors = dataclasses.asdict(case.request), pipeline.scheduler, found.tensors
    is_kontext = recording.is_kontext(pipeline)
    only = ("height", "width", "max_area", "auto_resize", "max_sequence_length")
    asked = {key: value for key, value in request.items() if is_kontext or key not in only}
    candidates, height, width, _ = found.pictures.shape
    first = tensors["initial_latents.unpacked" if is_kontext else "initial_latents"]
    facts = {
        "pipeline": case.pipeline,
        "kind": FLUX_KONTEXT if is_kontext else INSTRUCT_PIX2PIX,
        "scheduler": type(scheduler).__name__,
        "request": asked,
        "source": list(case.size),
        "read": [tensors["source.pixels"].shape[-1], tensors["source.pixels"].shape[-2]],
        "output": [width, height],
        "latents": list(first.shape[1:]),
        "branches": tensors["denoiser.0"].shape[0] // candidates,
        "steps_made": len(scheduler.timesteps),
        "init_noise_sigma": float(getattr(scheduler, "init_noise_sigma", 1.0)),
        "ids": found.ids,
    }
    return facts | ({"mu": mu_of(scheduler, tensors["initial_latents"].shape[1])} if is_kontext else {})


def mu_of(scheduler, tokens):
    """The shift that the pipeline works out from the number of tokens; null where it is not used."""
    config = scheduler.config
    places = (config.base_image_seq_len, config.max_image_seq_len, config.base_shift, config.max_shift)
    return tables.calculate_shift(tokens, *places) if config.use_dynamic_shifting else None


def make_case(home, name, pipeline):
    """Write one case."""
    case, folder = CASES[name], home / "cases" / name
    folder.mkdir(parents=True)
    settings = settings_of(case, home / "pipelines" / case.pipeline)
    use_scheduler(pipeline, settings)
    seed = sorted(CASES).index(name)
    canvas = pictures.smooth(*case.size, 20 + seed)
    found = recording.run(pipeline, case.request, pictures.image(canvas), Noise(1000 + seed))
    tensors = stored_tensors(case, found) | {"image": torch.from_numpy(found.pictures)}
    pictures.save(folder / "source.png", canvas)
    pictures.save(folder / "edited.png", found.pictures[0])
    (folder / "tensors.safetensors").write_bytes(save(tensors))
    write_compact(folder / "scheduler_config.json", settings)
    write_compact(folder / "case.json", described(name, case, pipeline, found))
    largest = max(value.abs().max().item() for value in found.tensors.values())
    print(f"{name}: contrast {found.pictures.std():.0f}, largest number {largest:.0f}", flush=True)


def write_compact(path, value):
    """Write `value` as JSON with one line for each entry of the outermost object or list."""
    marks, entries = "[]", value
    if isinstance(value, dict):
        marks, entries = "{}", [f"{json.dumps(key)}: {json.dumps(each)}" for key, each in value.items()]
    else:
        entries = map(json.dumps, value)
    path.write_text(f"{marks[0]}\n " + ",\n ".join(entries) + f"\n{marks[1]}\n", encoding="utf-8")


def make_tables(home, pipeline):
    """Write the tables that need no weights; the pipeline is a Kontext, which is asked for sizes."""
    write_json_rows(home / "schedules.json", tables.schedules())
    write_compact(home / "sizes.json", tables.sizes(pipeline))
    write_compact(home / "flow_sde.json", tables.flow_sde())
    write_compact(home / "ddim_eta.json", tables.ddim_eta())
    write_compact(home / "lanczos.json", tables.lanczos(home / "lanczos"))


def write_json_rows(path, value):
    """Write an object of lists with one line for each entry of each list."""
    parts = []
    for key, rows in value.items():
        inside = ",\n  ".join(map(json.dumps, rows)) if isinstance(rows, list) else None
        parts.append(f"{json.dumps(key)}: " + (json.dumps(rows) if inside is None else f"[\n  {inside}\n ]"))
    path.write_text("{\n " + ",\n ".join(parts) + "\n}\n", encoding="utf-8")


def make_all(home):
    """Write all pipelines, cases and tables."""
    for name, (seed, shape) in PIPELINES.items():
        make_pipeline(shape, home / "pipelines" / name, seed)
        pipeline = recording.load(home / "pipelines" / name)
        influences = recording.influences(pipeline)
        print(name, {key: round(value, 1) for key, value in influences.items()}, flush=True)
        recording.insist_on(influences)
        if name == "kontext_f16":
            make_tables(home, pipeline)
        for case in (case for case in CASES if CASES[case].pipeline == name):
            make_case(home, case, pipeline)


def differences(first, second):
    """What the committed and the new files disagree about."""
    old, new = checking.files(first), checking.files(second)
    yield from (f"{name} is in one of the two only" for name in sorted(old.keys() ^ new.keys()))
    for name in sorted(old.keys() & new.keys()):
        if old[name].read_bytes() == new[name].read_bytes():
            continue
        if name.startswith("cases/") and name.endswith("tensors.safetensors"):
            yield from tensor_differences(name, load_file(old[name]), load_file(new[name]))
        elif name.endswith("/edited.png"):
            yield from picture_differences(name, old[name], new[name])
        elif name.endswith(".json") and not name.startswith("pipelines/"):
            yield from json_differences(name, json.loads(old[name].read_text()), json.loads(new[name].read_text()))
        else:
            yield f"{name} differs"


def json_differences(name, old, new):
    """Where two values differ; floating-point numbers may, a little."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key in old:
            yield from json_differences(f"{name}/{key}", old[key], new[key])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new)):
            yield from json_differences(f"{name}/{index}", *pair)
    elif isinstance(old, float) and isinstance(new, float):
        if abs(old - new) > TOLERANCE * max(1.0, abs(old)):
            yield f"{name}: {old} and {new}"
    elif old != new:
        yield f"{name}: {old!r} and {new!r}"


def tensor_differences(name, old, new):
    """Which tensors of two files differ by more than their size allows."""
    yield from (f"{name}: {key} is in one of the two only" for key in sorted(old.keys() ^ new.keys()))
    for key in sorted(old.keys() & new.keys()):
        most = 1 if key == "image" else TOLERANCE * max(1.0, old[key].abs().max().item())
        away = (old[key].double() - new[key].double()).abs().max().item() if old[key].shape == new[key].shape else None
        if away is None or away > most:
            yield f"{name}: {key} differs by {away}"


def picture_differences(name, old, new):
    """Whether two pictures differ by more than rounding explains."""
    first, second = (np.asarray(Image.open(path)).astype(int) for path in (old, new))
    if first.shape != second.shape or np.abs(first - second).max() > 1:
        yield f"{name} differs"


def check():
    """Make everything in a temporary folder and compare it with what is committed."""
    with tempfile.TemporaryDirectory() as folder:
        make_all(Path(folder))
        found = list(differences(HOME, Path(folder)))
    print(*(found or ["all is as committed"]), sep="\n")
    sys.exit(bool(found))


def main():
    """Read the command line, then write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.check:
        check()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    make_all(HOME)
    size = sum(path.stat().st_size for path in checking.files(HOME).values())
    print(size, "bytes")
    if size > MOST_BYTES:
        sys.exit(f"more than {MOST_BYTES} bytes")


if __name__ == "__main__":
    main()
