#!/usr/bin/env python3
"""Make the committed adapters of the tiny FLUX.1 Kontext and what diffusers makes with them, or check them.

Without options this writes anew all of workspace/models/tests/fixtures/adapters. With --check it writes to a temporary
folder and compares. The pipelines and the requests are those of make_goldens.py; nothing of them is written here.
"""

import argparse
import json
import shutil
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import torch
from diffusers import FluxKontextPipeline
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save, save_file

import pictures
import recording
from make_goldens import CASES, TOLERANCE, settings_of, use_scheduler, write_compact
from make_goldens import HOME as EDITORS
from recording import Noise

HOME = EDITORS.parent / "adapters"
MOST_BYTES = 500_000
ATTENTION = [
    "attn.to_q", "attn.to_k", "attn.to_v", "attn.to_out.0",
    "attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj", "attn.to_add_out",
]  # fmt: skip
OTHERS = [
    "ff.net.0.proj", "ff.net.2", "ff_context.net.0.proj", "ff_context.net.2", "norm1.linear", "norm1_context.linear",
    "norm.linear", "proj_mlp", "proj_out", "x_embedder", "context_embedder", "norm_out.linear",
    "timestep_embedder.linear_1", "timestep_embedder.linear_2", "text_embedder.linear_1", "text_embedder.linear_2",
]  # fmt: skip

# Name: the case of make_goldens.py, who wrote the file, its configuration, and how strongly it counts.
ADAPTERS = {
    "diffusers_all": ("kontext", "diffusers", 1.0, LoraConfig(
        r=3, lora_alpha=6, target_modules=ATTENTION + OTHERS,
        rank_pattern={"attn.to_q": 2, "ff.net.0.proj": 4}, alpha_pattern={"attn.to_q": 1, "norm1.linear": 2},
    )),
    "diffusers_rooted": ("no_guidance", "diffusers", 1.0, LoraConfig(
        r=4, lora_alpha=4, use_rslora=True, target_modules=ATTENTION,
    )),
    "diffusers_bare": ("kontext", "bare", 1.0, LoraConfig(r=2, lora_alpha=2, target_modules=["attn.to_v", "ff.net.2"])),
    "alphas_halved": ("no_guidance", "alphas", 0.5, LoraConfig(r=3, lora_alpha=3, target_modules=ATTENTION + OTHERS)),
    "peft": ("no_guidance", "peft", 1.0, LoraConfig(r=4, lora_alpha=8, target_modules=ATTENTION + ["proj_out"])),
}  # fmt: skip


def fill(transformer, name):
    """Give the adapter's matrices random values: as they begin, the second ones are zero."""
    with torch.no_grad():
        for key, parameter in transformer.named_parameters():
            if "lora_" in key:
                source = np.random.default_rng(zlib.crc32(f"{name} {key}".encode()))
                width = 0.25 if "lora_B" in key else 1.0
                values = source.normal(0.0, width / np.sqrt(parameter.shape[1]), tuple(parameter.shape))
                parameter.copy_(torch.from_numpy(values))


def write(name, folder):
    """Write the adapter's files: what a training script of diffusers or PEFT leaves."""
    case, writer, _, config = ADAPTERS[name]
    pipeline = recording.load(EDITORS / "pipelines" / CASES[case].pipeline)
    transformer = pipeline.transformer
    if writer == "peft":
        model = get_peft_model(transformer, config)
        fill(model, name)
        model.save_pretrained(folder)
        (folder / "README.md").unlink()
        # Sets are written in an order that changes from run to run.
        config = json.loads((folder / "adapter_config.json").read_text())
        config["target_modules"].sort()
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
        return
    transformer.add_adapter(config)
    fill(transformer, name)
    layers = get_peft_model_state_dict(transformer)
    layers = {key: value.to(torch.bfloat16) if writer == "alphas" else value for key, value in layers.items()}
    metadata = transformer.peft_config["default"].to_dict() if writer == "diffusers" else None
    if metadata:
        metadata = {key: sorted(value) if isinstance(value, set) else value for key, value in metadata.items()}
    FluxKontextPipeline.save_lora_weights(
        folder, transformer_lora_layers=layers, transformer_lora_adapter_metadata=metadata
    )
    if writer == "alphas":
        add_alphas(folder / "pytorch_lora_weights.safetensors")


def add_alphas(file):
    """Add a number beside every pair, as some trainers do."""
    layers = load_file(file)
    names = sorted(key.removesuffix(".lora_A.weight") for key in layers if key.endswith(".lora_A.weight"))
    for at, name in enumerate(names):
        # Diffusers takes the alpha of the last layer, `proj_out`, for that of all layers whose names end so.
        layers[f"{name}.alpha"] = torch.tensor(2.0 if name.endswith("proj_out") else float(1 + at % 4))
    save_file(layers, file, {"format": "pt"})


def loaded(name, folder):
    """The case's pipeline with the adapter as it lies in the folder."""
    case, writer, scale, _ = ADAPTERS[name]
    pipeline = recording.load(EDITORS / "pipelines" / CASES[case].pipeline)
    if writer == "peft":
        model = PeftModel.from_pretrained(pipeline.transformer, folder)
        pipeline.transformer = model.get_base_model().eval()
        return pipeline
    pipeline.load_lora_weights(folder, adapter_name="policy")
    pipeline.set_adapters(["policy"], [scale])
    return pipeline


def make(home, name):
    """Write one adapter and what comes of it."""
    case_name, _, scale, _ = ADAPTERS[name]
    case, folder = CASES[case_name], home / name
    folder.mkdir(parents=True)
    write(name, folder)
    pipeline = loaded(name, folder)
    use_scheduler(pipeline, settings_of(case, EDITORS / "pipelines" / case.pipeline))
    seed = sorted(CASES).index(case_name)
    source = pictures.image(pictures.smooth(*case.size, 20 + seed))
    found = recording.run(pipeline, case.request, source, Noise(1000 + seed))
    kept = {key: value for key, value in found.tensors.items() if key.split(".")[0] in ("denoiser", "latents", "final")}
    (folder / "tensors.safetensors").write_bytes(save(kept | {"image": torch.from_numpy(found.pictures)}))
    write_compact(folder / "adapter.json", {"case": case_name, "scale": scale})
    before = load_file(EDITORS / "cases" / case_name / "tensors.safetensors")
    away = [(before[key] - kept[key]).abs().max().item() / before[key].abs().max().item() for key in ("denoiser.0",)]
    print(f"{name}: the first answer is {away[0]:.2f} of its size away from that without", flush=True)
    if away[0] < 0.05:
        sys.exit(f"{name} changes too little to be a test")


def make_all(home):
    """Write all adapters."""
    for name in ADAPTERS:
        make(home, name)


def files(home):
    """The files of a folder by their names within."""
    return {str(path.relative_to(home)): path for path in sorted(home.rglob("*")) if path.is_file()}


def differences(first, second):
    """What the committed and the new files disagree about."""
    old, new = files(first), files(second)
    yield from (f"{name} is in one of the two only" for name in sorted(old.keys() ^ new.keys()))
    for name in sorted(old.keys() & new.keys()):
        if name.endswith(".json"):
            if json.loads(old[name].read_text()) != json.loads(new[name].read_text()):
                yield f"{name} differs"
            continue
        was, now = load_file(old[name]), load_file(new[name])
        yield from (f"{name}: {key} is in one of the two only" for key in sorted(was.keys() ^ now.keys()))
        for key in sorted(was.keys() & now.keys()):
            most = 1 if key == "image" else TOLERANCE * max(1.0, was[key].abs().max().item())
            if (was[key].double() - now[key].double()).abs().max().item() > most:
                yield f"{name}: {key} differs"


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
    size = sum(path.stat().st_size for path in files(HOME).values())
    print(size, "bytes")
    if size > MOST_BYTES:
        sys.exit(f"more than {MOST_BYTES} bytes")


if __name__ == "__main__":
    main()
