"""M-RoPE: that a vision-language encoder knows where in the picture its tokens lie, whatever the versions."""

import os

import pytest
from editscale.plugins import Config, Unready
from hosting import item

from editscale_diffusers.plugin import DiffusersEditor

NAME = "QwenImageEditPipeline"


def load(config):
    import sys

    sys.path[:0] = config["paths"]
    import tiny_fork

    return getattr(tiny_fork, config["pipeline"].partition(":")[2]).from_pretrained(config["model"])


def positions(pipeline):
    """Rows of positions of the picture's tokens, as the attention got them; none where it got none."""
    from PIL import Image

    from editscale_diffusers import mrope

    encoder = pipeline.text_encoder
    image = Image.linear_gradient("L").convert("RGB").resize((64, 64))
    seen = mrope.watch(encoder, lambda: pipeline.encode_prompt(prompt="make it blue", image=image))
    return mrope.differs(seen.tokens[0], seen.positions[0], encoder.config.image_token_id)


def test_what_is_lost_is_seen_and_repaired(tiny):
    """With transformers 5 a pipeline that does not hand on the kinds of tokens loses rows and columns: without an error."""
    from editscale_diffusers import mrope

    pipeline = load(tiny(NAME))
    takes_kinds = mrope.NEEDED in mrope.inspect.signature(pipeline.text_encoder.forward).parameters
    hands_on = mrope.NEEDED in mrope.inspect.getsource(type(pipeline).__mro__[1])
    assert positions(pipeline) == (hands_on or not takes_kinds)
    if takes_kinds:
        assert mrope.repair(pipeline.text_encoder)
        assert positions(pipeline)


def test_positions_change_the_picture(tiny):
    """The trap is no trifle: the text encoder's states are others."""
    from PIL import Image

    from editscale_diffusers import mrope

    pipeline = load(tiny(NAME))
    if positions(pipeline):
        pytest.skip("nothing is lost with these versions")
    image = Image.linear_gradient("L").convert("RGB").resize((64, 64))
    lost, _ = pipeline.encode_prompt(prompt="make it blue", image=image)
    mrope.repair(pipeline.text_encoder)
    kept, _ = pipeline.encode_prompt(prompt="make it blue", image=image)
    assert (lost - kept).abs().max() > 1e-3


def test_what_cannot_be_repaired_is_refused(tiny, tmp_path):
    """An encoder that is called without any positions and takes no kinds of tokens either."""
    (tmp_path / "deaf_fork.py").write_text(
        "import torch\n"
        "from tiny_fork import TinyQwenImageEditPipeline\n"
        "class DeafPipeline(TinyQwenImageEditPipeline):\n"
        "    def _get_qwen_prompt_embeds(self, *arguments, **named):\n"
        "        encoder = self.text_encoder\n"
        "        forward = type(encoder).forward\n"
        "        def deaf(input_ids=None, attention_mask=None, pixel_values=None, image_grid_thw=None, **rest):\n"
        "            rows = torch.arange(input_ids.shape[1]).expand(3, *input_ids.shape)\n"
        "            return forward(encoder, input_ids=input_ids, attention_mask=attention_mask, pixel_values=pixel_values,\n"
        "                image_grid_thw=image_grid_thw, position_ids=rows, output_hidden_states=True)\n"
        "        encoder.forward = deaf\n"
        "        return super()._get_qwen_prompt_embeds(*arguments, **named)\n"
    )
    config = tiny(NAME)
    with pytest.raises(Unready, match="M-RoPE") as raised:
        DiffusersEditor().load(Config({**config, "pipeline": "deaf_fork:DeafPipeline", "paths": [*config["paths"], str(tmp_path)]}))
    assert "`text_encoder`" in str(raised.value)


def test_the_plugin_says_what_it_did(hosts):
    host = hosts(NAME)
    host.made(item())
    repaired = b"M-RoPE" in host.log
    import transformers

    major = int(transformers.__version__.partition(".")[0])
    assert repaired == (major >= 5) or os.environ.get("EDITSCALE_QWEN_IS_MENDED") == "1"
