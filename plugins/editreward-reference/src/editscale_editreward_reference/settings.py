"""What the recipe says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from editscale.plugins import Config

DEVICES = ("auto", "cuda", "cpu")
DTYPES = ("auto", "bf16", "f32")
ATTENTIONS = ("auto", "sdpa", "flash")
FUSIONS = ("mean", "min", "sum")
TABLES = ("official", "exact")
USUAL_YAML = "EditReward/config/EditReward-Qwen2.5-7B-VL.yaml"


@dataclass(frozen=True)
class Settings:
    """The settings of the plugin."""

    repository: Path
    """The checkout of TIGER-AI-Lab/EditReward."""
    checkpoint: Path
    """The folder with `model.pth` or `model.safetensors`."""
    yaml: Path
    """The checkout's file of settings."""
    base: str | None
    """The base model in place of the one that the file of settings names: a folder, or a name on the hub."""
    device: str
    dtype: str
    attention: str
    fusion: str | None
    """How both heads become one score; as the file of settings says where it is not given."""
    rope_tables: str
    prompts: Path | None
    """A folder with prompts in place of the checkout's."""
    batch: int
    """The most pairs of one pass."""

    @classmethod
    def read(cls, config: Config) -> Settings:
        """From the recipe."""
        repository = config.path("repository")
        named = config.text("config", USUAL_YAML)
        yaml = repository / named
        return cls(
            repository=repository,
            checkpoint=config.path("checkpoint"),
            yaml=yaml if yaml.exists() else Path(named).expanduser(),
            base=config.text("base", None),
            device=config.text("device", "auto", choices=DEVICES),
            dtype=config.text("dtype", "auto", choices=DTYPES),
            attention=config.text("attention", "auto", choices=ATTENTIONS),
            fusion=config.text("fusion", None, choices=FUSIONS),
            rope_tables=config.text("rope_tables", "official", choices=TABLES),
            prompts=config.path("prompts", None),
            batch=config.whole("batch", 4, low=1, high=256),
        )
