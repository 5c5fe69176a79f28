"""What cannot work is said before the first edit, in words that say what to do."""

import json
import shutil
from pathlib import Path

import pytest
from editscale.plugins import Config, ConfigError, Unready
from hosting import item, picture

from editscale_diffusers.plugin import DiffusersEditor

KONTEXT = "FluxKontextPipeline"


CASES = {
    "a class that is not there": ({"pipeline": "FluxContextPipeline"}, ["no class `FluxContextPipeline`", "FluxKontextPipeline"]),
    "a module that is not there": ({"pipeline": "nowhere:Pipeline"}, ["`nowhere` cannot be imported", "config.paths"]),
    "no pipeline at all": ({"pipeline": "AutoencoderKL"}, ["expected a class that derives from DiffusionPipeline"]),
    "a pipeline from text alone": ({"pipeline": "FluxPipeline"}, ["takes no picture", "`prompt`"]),
    "a folder that is not there": ({"model": "/nowhere/at/all"}, ["there is no folder /nowhere/at/all"]),
    "a checkpoint that was not downloaded": ({"model": "nobody/no-such-model"}, ["hf download nobody/no-such-model"]),
    "an argument that is not there": ({"arguments": {"guidence_scale": 2.0}}, ["no argument `guidence_scale`", "`guidance_scale`"]),
    "an argument that is ours": ({"arguments": {"generator": 1}}, ["given by the plugin itself"]),
    "a setting that is not there": ({"modle": "x"}, ["`config.modle` is not a setting"]),
    "a size that is none": ({"size": "large"}, ["`config.size`", "found 'large'"]),
    "a knob that is none": ({"knobs": {"height": [1, 2]}}, ["`config.knobs.height`"]),
    "a scheduler that is not there": ({"scheduler": {"class": "EulerScheduler"}}, ["no `EulerScheduler`"]),
    "an adapter that is not there": ({"lora": "/nowhere/lora.safetensors"}, ["/nowhere/lora.safetensors"]),
    "offload without an accelerator": ({"offload": "model", "device": "cpu"}, ["needs an accelerator"]),
    "a device that is none": ({"device": "cuda:77"}, ["`cuda:77` cannot be used here"]),
}


def told(config):
    """What the plugin says where it cannot get ready with these settings."""
    with pytest.raises((ConfigError, Unready)) as raised:
        DiffusersEditor().load(Config(config))
    return str(raised.value)


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_work_is_told(case, tiny):
    changes, expected = CASES[case]
    said = told({**tiny(KONTEXT), **changes})
    assert all(words in said for words in expected), said


def test_it_is_told_to_the_host(tiny, host_for):
    host = host_for({**tiny(KONTEXT), "pipeline": "FluxContextPipeline"})
    assert "FluxKontextPipeline" in host.unready()


def test_a_checkpoint_without_parts(tiny, tmp_path):
    config = tiny(KONTEXT)
    copy = tmp_path / "copy"
    shutil.copytree(config["model"], copy)
    next((copy / "transformer").glob("*.safetensors")).unlink()
    assert "cannot be loaded" in told({**config, "model": str(copy)})


def test_a_single_model_is_no_pipeline(tiny):
    config = tiny(KONTEXT)
    said = told({**config, "model": str(Path(config["model"]) / "text_encoder")})
    assert "CLIPTextModel" in said
    assert "whole pipeline" in said


def test_weights_for_texts_alone_are_found_out_by_trying(tiny, tmp_path):
    """A denoiser without the channels of the picture: what Stable Diffusion itself has."""
    from diffusers import UNet2DConditionModel

    config = tiny("StableDiffusionInstructPix2PixPipeline")
    copy = tmp_path / "copy"
    shutil.copytree(config["model"], copy)
    shape = json.loads((copy / "unet" / "config.json").read_text())
    made = UNet2DConditionModel.from_config({**shape, "in_channels": 4})
    made.save_pretrained(copy / "unet")
    said = told({**config, "model": str(copy)})
    assert "cannot edit with this checkpoint" in said
    assert "channels" in said


def test_memory_that_runs_out_is_a_failure(tiny, host_for):
    """A picture far too large for the address space that this process may have."""
    import resource

    host = host_for({**tiny("StableDiffusionInstructPix2PixPipeline"), "size": "source", "check": False})
    host.ready()
    status = Path(f"/proc/{host.child.pid}/status").read_text().splitlines()
    in_use = next(int(line.split()[1]) for line in status if line.startswith("VmSize")) << 10
    limit = in_use + (600 << 20)
    resource.prlimit(host.child.pid, resource.RLIMIT_AS, (limit, limit))
    outcomes, _ = host.edit(item(0), images=[picture(size=(6000, 6000))])
    failed = outcomes[0]["failed"]
    assert failed["class"] == "internal"
    assert "memory ran out" in failed["message"]
    assert "done" in host.edit(item(1))[0][0]
