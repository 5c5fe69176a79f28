#!/usr/bin/env python3
"""Run diffusers' pipelines of Qwen-Image-Edit on small random networks, and write down what flows through them.

Writes anew workspace/models/tests/fixtures/qwen_image_edit. With --check it writes to a temporary folder and compares. The networks
are those that `make_qwen_goldens.py` and `editreward/make_goldens.py` made; of large tensors some numbers are kept, evenly
spaced.

It takes diffusers 0.37.1 beside transformers 4.57.1. From 5 on, transformers wants `mm_token_type_ids` for the three positions
of a token, which these pipelines do not hand over: the encoder is watched for having had three.
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
from diffusers import (
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    QwenImageEditPipeline,
    QwenImageEditPlusPipeline,
    QwenImageTransformer2DModel,
)
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit, pipeline_qwenimage_edit_plus
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    AutoTokenizer,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

import checking
import pictures
from recording import replaced
from tables import QWEN_FLOWS

FIXTURES = Path(__file__).resolve().parents[3] / "workspace/models/tests/fixtures"
HOME = FIXTURES / "qwen_image_edit"
TRANSFORMER = FIXTURES / "layers/qwen_image/two_blocks"
AUTOENCODER = FIXTURES / "layers/autoencoder_qwen/two_levels"
ENCODER = FIXTURES / "editreward/models/shards_bf16"
VOCABULARY = 458
MOST_BYTES = 125_000
# Pixels of pictures as the autoencoder, and for the two later releases as the encoder, is to see them.
AREA, CONDITION_AREA = 2048, 3136
BOUNDS = {"min_pixels": 4 * 784, "max_pixels": 9 * 784}
# Of a tensor every so many numbers are kept.
STRIDE = 37
SHARES = {}
SNOW, SIGN = "Let it snow, and make it night", 'Change the sign to "Ab 1"!'


@dataclasses.dataclass
class Case:
    """A request about pictures of (width, height)."""

    release: str
    sizes: list
    instruction: str = SNOW
    negative: str | None = " "
    guidance: float = 4.0
    steps: int = 3
    scheduler: str = "flow_terminal"


CASES = {
    "first": Case("first", [(96, 50)]),
    "first_tall": Case("first", [(41, 90)], instruction=SIGN, steps=4),
    "first_square": Case("first", [(64, 64)], negative="blurry, dull", guidance=2.5, steps=2),
    "first_no_negative": Case("first", [(96, 50)], negative=None, steps=2),
    "first_lightning": Case("first", [(60, 60)], negative=None, guidance=1.0, steps=4, scheduler="flow_lightning"),
    "first_static": Case("first", [(96, 50)], steps=3, scheduler="flow_terminal_static"),
    "later": Case("2509", [(96, 50)]),
    "later_two": Case("2509", [(96, 50), (40, 90)], steps=2),
    "later_three": Case("2509", [(41, 90), (64, 64), (96, 50)], steps=2, instruction=SIGN),
    "clean": Case("2511", [(64, 64)], steps=2),
    "clean_two": Case("2511", [(40, 90), (96, 50)]),
    "clean_lightning": Case("2511", [(96, 50), (64, 64)], negative=None, guidance=1.0, steps=4, scheduler="flow_lightning"),
}  # fmt: skip
CLASSES = {"first": QwenImageEditPipeline, "2509": QwenImageEditPlusPipeline, "2511": QwenImageEditPlusPipeline}


def noise(count):
    """Numbers with the mean and the deviation of noise that any language makes alike."""
    mixed = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(40503)) % np.uint64(2**32)
    return torch.from_numpy(((mixed / 2.0**32 - 0.5) * 3.4641016151377544).astype(np.float32))


def load(release, scheduler):
    """The pipeline of a release, in f32."""
    # The judge's checkpoint has another number of words than its configuration says, and no matrix that leads to the next
    # word, which nobody looks at here.
    config = AutoConfig.from_pretrained(ENCODER, local_files_only=True)
    config.text_config.vocab_size = VOCABULARY
    encoder = Qwen2_5_VLForConditionalGeneration.from_pretrained(ENCODER, config=config, local_files_only=True).float()
    tokenizer = AutoTokenizer.from_pretrained(ENCODER, local_files_only=True)
    seen = json.loads((ENCODER / "preprocessor_config.json").read_text()) | BOUNDS
    processor = Qwen2VLProcessor(Qwen2VLImageProcessor(**seen), tokenizer, Qwen2VLVideoProcessor())
    transformer = QwenImageTransformer2DModel.from_config(TRANSFORMER, zero_cond_t=release == "2511").eval()
    weights = "diffusion_pytorch_model.safetensors"
    transformer.load_state_dict({name: value.float() for name, value in load_file(TRANSFORMER / weights).items()})
    autoencoder = AutoencoderKLQwenImage.from_config(AUTOENCODER).eval()
    autoencoder.load_state_dict({name: value.float() for name, value in load_file(AUTOENCODER / weights).items()})
    settings = {key: value for key, value in QWEN_FLOWS[scheduler].items() if key != "_class_name"}
    pipeline = CLASSES[release](
        FlowMatchEulerDiscreteScheduler(**settings), autoencoder, encoder.eval(), tokenizer, processor, transformer
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


class Recorder:
    """Stands at the doors of a pipeline's parts and writes down what passes."""

    def __init__(self, pipeline):
        """Nothing is recorded before `watching`."""
        self.pipeline, self.tensors, self.facts, self.prompts, self.step = pipeline, {}, {}, 0, 0

    def keep(self, name, value):
        """Write down some numbers of a tensor."""
        self.tensors[name] = value.detach().float().flatten()[::STRIDE].clone()

    def watching(self):
        """A context in which the pipeline is watched, and works on small pictures."""
        pipeline, encoder = self.pipeline, self.pipeline.text_encoder
        module = pipeline_qwenimage_edit
        if isinstance(pipeline, QwenImageEditPlusPipeline):
            module = pipeline_qwenimage_edit_plus
        usual = module.calculate_dimensions
        small = lambda area, ratio: usual(AREA if area == 1024 * 1024 else area, ratio)  # noqa: E731
        places = [
            (module, "calculate_dimensions", small),
            (encoder, "forward", self.watch_encoder(encoder.forward)),
            (encoder.model.language_model, "forward", self.watch_positions(encoder.model.language_model.forward)),
            (pipeline.transformer, "forward", self.watch_transformer(pipeline.transformer.forward)),
            (pipeline.scheduler, "step", self.watch_step(pipeline.scheduler.step)),
            (module, "randn_tensor", lambda shape, **_: self.noise(shape)),
        ]
        if module is pipeline_qwenimage_edit_plus:
            places += [(module, "CONDITION_IMAGE_SIZE", CONDITION_AREA), (module, "VAE_IMAGE_SIZE", AREA)]
        return replaced(places)

    def noise(self, shape):
        """The initial latents, in the order of the diffusers' [batch, 1, channels, rows, columns]."""
        self.facts["latents"] = list(shape[2:])
        return noise(int(np.prod(shape))).reshape(shape)

    def watch_positions(self, forward):
        """The decoder has to be given three positions a token."""

        def watched(*rest, **options):
            positions = options["position_ids"]
            assert positions is not None and positions.shape[0] in (3, 4), "the encoder had one position a token"
            self.facts.setdefault("positions", []).append(positions[-3:, 0].T.tolist()[-1])
            rows = positions[-3:, 0]
            assert (rows[1] != rows[2]).any() and (rows[0] != rows[1]).any()
            return forward(*rest, **options)

        return watched

    def watch_encoder(self, forward):
        """The tokens of the positive prompt, then of the negative one, and their states."""

        def watched(**options):
            answer = forward(**options)
            self.facts.setdefault("tokens", []).append(options["input_ids"].shape[1])
            self.facts.setdefault("tail", []).append(options["input_ids"][0, -12:].tolist())
            self.facts["grids"] = options["image_grid_thw"][:, 1:].tolist()
            self.keep(f"states.{self.prompts}", answer.hidden_states[-1][0, 64:])
            self.prompts += 1
            return answer

        return watched

    def watch_transformer(self, forward):
        """The pictures' tokens, and the velocities."""

        def watched(**options):
            answer = forward(**options)
            grids = options["img_shapes"][0]
            self.facts["grids_of_tokens"] = [list(grid[1:]) for grid in grids]
            count = grids[0][1] * grids[0][2]
            name = f"velocity.{self.step}"
            self.keep("references", options["hidden_states"][0, count:])
            self.keep(name if name not in self.tensors else f"negative.{self.step}", answer[0][0, :count])
            return answer

        return watched

    def watch_step(self, step):
        """What the scheduler makes of the velocity after guidance."""

        def watched(output, timestep, sample, **options):
            answer = step(output, timestep, sample, **options)
            if self.step == 0:
                self.keep("initial", sample[0])
            self.keep(f"guided.{self.step}", output[0])
            self.keep(f"latents.{self.step}", answer[0][0])
            self.step += 1
            return answer

        return watched


@torch.no_grad()
def run(case, sources):
    """Run one case on PIL pictures."""
    pipeline = load(case.release, case.scheduler)
    recorder = Recorder(pipeline)
    module = pipeline_qwenimage_edit_plus if case.release != "first" else pipeline_qwenimage_edit
    # The output has the shape of the first picture here: with several, diffusers takes the last one's.
    width, height = module.calculate_dimensions(AREA, case.sizes[0][0] / case.sizes[0][1])[:2]
    with recorder.watching():
        images = pipeline(
            image=sources if case.release != "first" else sources[0], prompt=case.instruction,
            negative_prompt=case.negative, true_cfg_scale=case.guidance, num_inference_steps=case.steps,
            width=width, height=height,
        ).images  # fmt: skip
    picture = np.asarray(images[0])
    recorder.tensors["sigmas"] = pipeline.scheduler.sigmas.float()
    recorder.tensors["image"] = torch.from_numpy(picture.flatten()[::STRIDE].copy())
    return recorder, picture


def make_case(home, name):
    """Write one case."""
    case, folder = CASES[name], home / "cases" / name
    folder.mkdir(parents=True)
    seed = sorted(CASES).index(name)
    canvases = [pictures.smooth(*size, 40 + 7 * seed + at) for at, size in enumerate(case.sizes)]
    recorder, picture = run(case, [pictures.image(canvas) for canvas in canvases])
    for at, canvas in enumerate(canvases):
        pictures.save(folder / ("source.png" if at == 0 else f"reference_{at}.png"), canvas)
    save_file(dict(sorted(recorder.tensors.items())), folder / "tensors.safetensors")
    (folder / "scheduler_config.json").write_text(json.dumps(QWEN_FLOWS[case.scheduler]) + "\n")
    height, width, _ = picture.shape
    asked = {
        "instruction": case.instruction, "steps": case.steps, "guidance": case.guidance, "image_guidance": 1.0,
        "eta": 0.0, "candidates": 1,
    }  # fmt: skip
    facts = {
        "pipeline": case.release, "kind": "qwen_image_edit", "request": asked, "negative": case.negative,
        "references": len(case.sizes) - 1, "read": [width, height], "output": [width, height], "branches": 1,
        "steps_made": recorder.step,
    }  # fmt: skip
    rows = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in (facts | recorder.facts).items()]
    (folder / "case.json").write_text("{\n " + ",\n ".join(rows) + "\n}\n")
    print(name, f"contrast {picture.std():.0f}", recorder.facts, flush=True)


def make_all(home):
    """Write what pipelines consist of beside their networks, and all cases."""
    for release, kind in CLASSES.items():
        folder = home / "pipelines" / release
        folder.mkdir(parents=True)
        (folder / "model_index.json").write_text(json.dumps({"_class_name": kind.__name__}) + "\n")
        config = json.loads((TRANSFORMER / "config.json").read_text())
        config["zero_cond_t"] = release == "2511"
        (folder / "transformer.json").write_text(json.dumps(config) + "\n")
    seen = json.loads((ENCODER / "preprocessor_config.json").read_text()) | BOUNDS
    (home / "preprocessor_config.json").write_text(json.dumps(seen) + "\n")
    for name in CASES:
        make_case(home, name)


def main():
    """Read the command line, then write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    assert diffusers.__version__ == "0.37.1", diffusers.__version__
    torch.set_num_threads(1)
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary) if check else HOME
        if not check:
            shutil.rmtree(HOME, ignore_errors=True)
        make_all(home)
        if check:
            shares = {name: 1e-4 for name in ("states", "references", "velocity", "negative", "guided", "latents", "sigmas")}
            found = list(checking.differences(home, HOME, shares | {"image": 0.02, "initial": 0.0}))
    total = sum(path.stat().st_size for path in HOME.rglob("*") if path.is_file())
    if total > MOST_BYTES:
        found.append(f"{total} bytes are too many")
    print("\n".join(found) or f"fine, {total} bytes")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
