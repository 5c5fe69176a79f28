"""What a random EditReward model looks like: its sizes, their rules, its configuration files."""

import argparse
import dataclasses

PATCH, MERGE, TEMPORAL = 14, 2, 2
CELL = PATCH * MERGE
# With less than eight cells, or more than this, HF's own limits (3136 and 12845056) would resize once more.
LEAST_BUDGET, MOST_BUDGET = 8 * CELL * CELL, 8192 * CELL * CELL
# Around the budget of the official code HF's own limits need this much room.
LOWEST_LIMIT, HIGHEST_LIMIT = 128 * CELL * CELL, 512 * CELL * CELL
DTYPES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}
MEAN = [0.48145466, 0.4578275, 0.40821073]
DEVIATION = [0.26862954, 0.26130258, 0.27577711]


class BadShape(ValueError):
    """The arguments do not make a model."""


@dataclasses.dataclass
class Shape:
    """All that can be chosen. `None` stands for "work it out from the rest"."""

    hidden: int = 64
    layers: int = 3
    heads: int = 4
    kv_heads: int = 2
    intermediate: int = 96
    rope_theta: float = 1_000_000.0
    rms_eps: float = 1e-6
    vision_hidden: int = 32
    vision_depth: int = 4
    vision_heads: int = 2
    vision_intermediate: int = 48
    window: int = 112
    fullatt: list | None = None
    min_pixels: int | None = None
    max_pixels: int = 256 * CELL * CELL
    dtype: str = "f32"
    names: str = "new"
    shards: int = 1
    lm_head: bool = False
    config: str = "nested"
    merges: int = 216
    extra_rows: int = 0
    declared_extra_rows: int = 0
    wording: int = 0
    system: str = "You are a helpful assistant."

    def __post_init__(self):
        """Fill in what was left out, then check everything."""
        if self.min_pixels is None:
            self.min_pixels = self.max_pixels
        if self.fullatt is None:
            self.fullatt = list(range(1, self.vision_depth, 2))
        for complaint in complaints(self):
            raise BadShape(complaint)

    @property
    def head_dim(self):
        """Width of one head of the decoder."""
        return self.hidden // self.heads

    @property
    def mrope_section(self):
        """Pairs of rotary channels for time, height and width; inert in EditReward."""
        half = self.head_dim // 2
        time = half // 4
        height = (half - time) // 2
        return [time, height, half - time - height]


def complaints(shape):
    """Every reason why `shape` is no model."""
    positive = (
        "hidden layers heads kv_heads intermediate rope_theta rms_eps vision_hidden vision_depth "
        "vision_heads vision_intermediate window min_pixels max_pixels shards"
    )
    for name in positive.split():
        if getattr(shape, name) <= 0:
            yield f"--{name.replace('_', '-')} must be greater than zero"
    for name in ("merges", "extra_rows", "declared_extra_rows"):
        if getattr(shape, name) < 0:
            yield f"--{name.replace('_', '-')} must not be negative"
    yield from decoder_complaints(shape)
    yield from vision_complaints(shape)
    yield from budget_complaints(shape)
    yield from choice_complaints(shape)


def decoder_complaints(shape):
    """What is wrong with the decoder's heads."""
    if shape.hidden % shape.heads:
        yield f"--hidden {shape.hidden} is no multiple of --heads {shape.heads}"
    if shape.head_dim % 2:
        yield f"a head is {shape.head_dim} wide; rotary positions need an even width"
    if shape.heads % shape.kv_heads:
        yield f"--heads {shape.heads} is no multiple of --kv-heads {shape.kv_heads}"


def vision_complaints(shape):
    """What is wrong with the vision tower."""
    if shape.vision_hidden % shape.vision_heads:
        yield f"--vision-hidden {shape.vision_hidden} is no multiple of --vision-heads {shape.vision_heads}"
    if shape.vision_hidden // shape.vision_heads % 4:
        yield "the width of a vision head must be a multiple of 4 (two axes, two halves)"
    if shape.window % CELL:
        yield f"--window {shape.window} is no multiple of {CELL} pixels"
    wrong = [index for index in shape.fullatt if not 0 <= index < shape.vision_depth]
    if wrong:
        yield f"--fullatt {wrong[0]} is not among the {shape.vision_depth} vision blocks"


def budget_complaints(shape):
    """What is wrong with the pixel budget."""
    if shape.min_pixels > shape.max_pixels:
        yield f"--min-pixels {shape.min_pixels} is greater than --max-pixels {shape.max_pixels}"
    if shape.min_pixels == shape.max_pixels:
        if not LEAST_BUDGET <= shape.max_pixels <= MOST_BUDGET:
            yield f"a budget of {shape.max_pixels} pixels is not within {LEAST_BUDGET} and {MOST_BUDGET}"
    elif shape.min_pixels > LOWEST_LIMIT or shape.max_pixels < HIGHEST_LIMIT:
        yield f"--min-pixels and --max-pixels must be the same, or leave {LOWEST_LIMIT} to {HIGHEST_LIMIT} alone"


def choice_complaints(shape):
    """What is wrong with the options that are words (the command line checks them too)."""
    allowed = {"dtype": DTYPES, "names": ("new", "legacy"), "config": ("nested", "flat"), "wording": (0, 1, 2)}
    for name, choices in allowed.items():
        if getattr(shape, name) not in choices:
            yield f"--{name} must be one of {', '.join(map(str, choices))}"
    if any(mark in shape.system for mark in ("<|", "{{", "{%", "{#")):
        yield "--system must hold neither special tokens nor marks of a template"


HELP = {
    "fullatt": "vision blocks with full attention (default: every second one); give none for windows only",
    "min_pixels": "default: --max-pixels. Differing limits mean: HF's own, and the budget is 200704",
    "names": "tensor names of transformers >= 4.52 (new) or of save_pretrained (legacy)",
    "config": "config.json with a text_config (nested) or as the published base models have it (flat)",
    "extra_rows": "rows of the embedding beyond the tokenizer's entries",
    "declared_extra_rows": "by how much vocab_size in config.json exceeds the rows in the file",
    "merges": "merges of the tokenizer, at most",
    "wording": "which set of prompts; 2 is about as long as the published ones",
    "system": "system text that the chat template puts in",
}
CHOICES = {"dtype": list(DTYPES), "names": ["new", "legacy"], "config": ["nested", "flat"], "wording": [0, 1, 2]}


def add_arguments(parser):
    """Give `parser` one option for each field of `Shape`."""
    for field in dataclasses.fields(Shape):
        options = {"default": field.default, "help": HELP.get(field.name, "default: %(default)s")}
        if field.name == "fullatt":
            options |= {"type": int, "nargs": "*"}
        elif field.name == "lm_head":
            options = {"action": "store_true", "help": "write lm_head.weight too, which no one reads"}
        else:
            kind = int if field.name == "min_pixels" else type(field.default)
            options |= {"type": kind, "choices": CHOICES.get(field.name)}
        parser.add_argument("--" + field.name.replace("_", "-"), **options)


def from_arguments(arguments: argparse.Namespace):
    """The shape that parsed `arguments` ask for."""
    return Shape(**{field.name: getattr(arguments, field.name) for field in dataclasses.fields(Shape)})


def text_config(shape, rows, ids):
    """The decoder's part of config.json."""
    return {
        "vocab_size": rows + shape.declared_extra_rows,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "hidden_act": "silu",
        "rms_norm_eps": shape.rms_eps,
        "rope_theta": shape.rope_theta,
        "rope_scaling": {"type": "mrope", "mrope_section": shape.mrope_section},
        "max_position_embeddings": 32768,
        "max_window_layers": shape.layers,
        "use_sliding_window": False,
        "sliding_window": 32768,
        "attention_dropout": 0.0,
        "tie_word_embeddings": False,
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
    }


def vision_config(shape):
    """The vision tower's part of config.json."""
    return {
        "depth": shape.vision_depth,
        "hidden_size": shape.vision_hidden,
        "intermediate_size": shape.vision_intermediate,
        "num_heads": shape.vision_heads,
        "out_hidden_size": shape.hidden,
        "hidden_act": "silu",
        "in_chans": 3,
        "patch_size": PATCH,
        "spatial_patch_size": PATCH,
        "temporal_patch_size": TEMPORAL,
        "spatial_merge_size": MERGE,
        "window_size": shape.window,
        "fullatt_block_indexes": shape.fullatt,
        "tokens_per_second": 2,
    }


def model_config(shape, rows, ids):
    """All of config.json, in the layout that was asked for."""
    text = text_config(shape, rows, ids)
    named = {
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
    }
    head = {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "torch_dtype": DTYPES[shape.dtype],
        "tie_word_embeddings": False,
    }
    body = {"text_config": {"model_type": "qwen2_5_vl_text"} | text} if shape.config == "nested" else text
    return head | body | named | {"vision_config": vision_config(shape)}


def preprocessor_config(shape):
    """All of preprocessor_config.json."""
    return {
        "min_pixels": shape.min_pixels,
        "max_pixels": shape.max_pixels,
        "patch_size": PATCH,
        "temporal_patch_size": TEMPORAL,
        "merge_size": MERGE,
        "image_mean": MEAN,
        "image_std": DEVIATION,
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2_5_VLProcessor",
    }
