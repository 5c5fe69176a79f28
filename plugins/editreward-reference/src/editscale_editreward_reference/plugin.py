"""The reward."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

from editscale.plugins import Call, Config, Failure, Judged, Reward, RewardCard, RewardItem, Unready

from . import checkout, packages
from .answers import judged
from .settings import Settings

log = logging.getLogger("editscale.editreward_reference")

PIXELS = 256 * 28 * 28
"""What the published code brings every picture to."""
LIMITS = (3136, 12845056)
"""The limits of the base model's processor, between which it changes no picture of that size."""
SAMPLE = 1 << 16


class EditRewardReference(Reward):
    """EditReward by its own published code."""

    name = "editreward-reference"
    version = "0.1.0"

    def load(self, config: Config) -> RewardCard:
        """Imports the checkout, has it load the model, and takes its class for scoring."""
        settings = Settings.read(config)
        checkout.check(settings.repository)
        weights = checkout.check_checkpoint(settings.checkpoint)
        version = packages.check()
        device, dtype = _place(settings)
        values = checkout.settings_of(settings, device, dtype)
        packages.stand_in_for_training()
        module = checkout.module_of(settings.repository)
        if settings.prompts:
            checkout.use_prompts(module, settings.prompts)
        self.fusion = settings.fusion or str(values.get("pooling_strategy") or "mean")
        self.inferencer = _made(module, values, settings, device)
        self._ready_model(settings, device, dtype)
        attention = str(self.inferencer.model.config._attn_implementation)
        log.info(
            "transformers %s, %s, %s, attention %s, commit %s", version, device, dtype, attention, checkout.commit(settings.repository)
        )
        told = [
            checkout.commit(settings.repository),
            version,
            device,
            dtype,
            attention,
            self.fusion,
            settings.rope_tables,
            _sampled(weights),
        ]
        told += [_digest(path.read_bytes()) for path in sorted(settings.prompts.glob("*.txt"))] if settings.prompts else []
        return RewardCard(
            revision=f"editreward-reference/{self.version} " + " ".join(told),
            gives_sigma=True,
            pixel_budget=PIXELS,
            largest_batch=settings.batch,
        )

    def _ready_model(self, settings: Settings, device: str, dtype: str) -> None:
        import torch

        model, processor = self.inferencer.model, self.inferencer.processor
        # With no strategy the model answers with both heads; they are fused here.
        model.pooling_strategy = None
        if dtype == "bf16" and device == "cpu":
            model.to(torch.bfloat16)
            for head in model.rm_heads.values():
                head.float()
        if dtype == "f32" and settings.rope_tables == "official":
            model.model.language_model.rotary_emb.to(torch.bfloat16)
            model.model.visual.rotary_pos_emb.to(torch.bfloat16)
        # Heads compute in single precision. The code leaves that to autocast, which not every version of PyTorch does.
        for head in model.rm_heads.values():
            head.register_forward_pre_hook(lambda _, inputs: (inputs[0].float(),))
        _widen_limits(processor.image_processor)
        tokenizer = processor.tokenizer
        if processor.chat_template is None:
            # A base whose template stands with its tokenizer alone.
            processor.chat_template = tokenizer.chat_template
        self.special = sorted(set(tokenizer.all_special_tokens) | set(tokenizer.get_added_vocab()))

    def score(self, items: Sequence[RewardItem], call: Call) -> Sequence[Judged | Failure | float]:
        """One pass of each prompt for all items that can be judged."""
        import torch

        refused = {item.index: self._refusal(item) for item in items}
        good = [item for item in items if refused[item.index] is None]
        call.check_cancelled()
        rows: dict[int, Judged | Failure] = {index: failure for index, failure in refused.items() if failure is not None}
        if good:
            sources, candidates = [item.source.open() for item in good], [item.candidate.open() for item in good]
            with torch.inference_mode():
                batch = self.inferencer.prepare_batch(sources, candidates, [item.instruction for item in good])
                heads = [head.float().tolist() for head in self.inferencer.model(return_dict=True, **batch)]
            tokens = sum(batch[name]["attention_mask"].sum(-1) for name in ("batch_dim1", "batch_dim2")).tolist()
            for at, item in enumerate(good):
                pair = [(float(head[at][0]), float(head[at][1])) for head in heads]
                rows[item.index] = judged(pair, self.fusion, 4, int(tokens[at]))
        return [rows[item.index] for item in items]

    def _refusal(self, item: RewardItem) -> Failure | None:
        for token in self.special:
            if token in item.instruction:
                return Failure(f"the instruction holds the special token {token}, which would steer the judge", kind="invalid")
        if not item.instruction:
            return Failure("the instruction is empty: expected a text", kind="invalid")
        return None


def _place(settings: Settings) -> tuple[str, str]:
    import torch

    has_card = torch.cuda.is_available()
    if settings.device == "cuda" and not has_card:
        raise Unready("`config.device` is cuda, and PyTorch sees no card here")
    device = ("cuda" if has_card else "cpu") if settings.device == "auto" else settings.device
    dtype = ("bf16" if device == "cuda" else "f32") if settings.dtype == "auto" else settings.dtype
    if settings.attention == "flash":
        try:
            import flash_attn  # noqa: F401
        except ImportError as error:
            raise Unready(f"`config.attention` is flash, and flash_attn cannot be imported: {error}") from error
    return device, dtype


def _made(module: Any, values: dict[str, Any], settings: Settings, device: str) -> Any:
    with checkout.written(values) as file:
        try:
            return module.EditRewardInferencer(str(file), str(settings.checkpoint), device=device, rm_head_type=checkout.HEADS)
        except Exception as error:
            base = values.get("model_name_or_path")
            raise Unready(
                f"the published code cannot load {settings.checkpoint} over the base {base}: {type(error).__name__}: {error}"
            ) from error


def _widen_limits(pictures: Any) -> None:
    """Sees that the processor does not resize what the code has brought to its size."""
    low, high = getattr(pictures, "min_pixels", None), getattr(pictures, "max_pixels", None)
    size = dict(getattr(pictures, "size", None) or {})
    low, high = low or size.get("shortest_edge"), high or size.get("longest_edge")
    if low is None or high is None or (low <= PIXELS // 2 and high >= PIXELS * 2):
        return
    log.warning(
        "the base's processor would resize pictures once more (%s to %s pixels); it is told %s to %s, as the released base says",
        low,
        high,
        *LIMITS,
    )
    pictures.min_pixels, pictures.max_pixels = LIMITS
    pictures.size = {"shortest_edge": LIMITS[0], "longest_edge": LIMITS[1]}


def _sampled(weights: Any) -> str:
    """What tells one file of weights from another, without reading all of it."""
    size = weights.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with weights.open("rb") as file:
        for at in (0, size // 2, max(0, size - SAMPLE)):
            file.seek(at)
            digest.update(file.read(SAMPLE))
    return digest.hexdigest()[:16]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
