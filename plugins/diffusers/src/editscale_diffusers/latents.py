"""From latents to pictures, outside a pipeline's own end: for previews."""

from __future__ import annotations

from typing import Any

from PIL import Image

Size = tuple[int, int]


class Decoder:
    """Brings latents of one pipeline back to pictures."""

    def __init__(self, pipeline: Any) -> None:
        """For a loaded pipeline."""
        self._pipeline = pipeline
        self._vae: Any = getattr(pipeline, "vae", None)

    @property
    def can(self) -> bool:
        """Whether there is something to decode with."""
        return self._vae is not None and callable(getattr(self._vae, "decode", None))

    def pictures(self, latents: Any, size: Size) -> list[Image.Image]:
        """The pictures of this size, width first, that latents stand for."""
        import torch

        with torch.no_grad():
            ready = self._scaled(self._unpacked(latents, size)).to(self._vae.dtype)
            decoded = self._vae.decode(ready, return_dict=False)[0]
        if decoded.ndim == 5:
            decoded = decoded[:, :, 0]
        processor = getattr(self._pipeline, "image_processor", None)
        return list(processor.postprocess(decoded, output_type="pil")) if processor is not None else _pictures(decoded)

    def _unpacked(self, latents: Any, size: Size) -> Any:
        width, height = size
        factor = self._pipeline.vae_scale_factor
        if latents.ndim != 3:
            return latents
        if hasattr(self._pipeline, "_unpack_latents_with_ids"):
            import torch

            grid = torch.empty(latents.shape[0], 1, height // (factor * 2), width // (factor * 2))
            ids = self._pipeline._prepare_latent_ids(grid).to(latents.device)
            return self._pipeline._unpack_latents_with_ids(latents, ids)
        return self._pipeline._unpack_latents(latents, height, width, factor)

    def _scaled(self, latents: Any) -> Any:
        import torch

        config = self._vae.config
        normal = getattr(self._vae, "bn", None)
        if normal is not None and hasattr(self._pipeline, "_unpatchify_latents"):
            spread = torch.sqrt(normal.running_var.view(1, -1, 1, 1) + config.batch_norm_eps)
            latents = latents * spread.to(latents) + normal.running_mean.view(1, -1, 1, 1).to(latents)
            return self._pipeline._unpatchify_latents(latents)
        mean, spread = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
        if mean is not None and spread is not None:
            dims = (1, -1, *[1] * (latents.ndim - 2))
            return latents * torch.tensor(spread).view(dims).to(latents) + torch.tensor(mean).view(dims).to(latents)
        return latents / (getattr(config, "scaling_factor", None) or 1.0) + (getattr(config, "shift_factor", None) or 0.0)


def _pictures(decoded: Any) -> list[Image.Image]:
    pixels = ((decoded.float() / 2 + 0.5).clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(each) for each in pixels]


def estimate(scheduler: Any, index: int | None, velocity: Any, sample: Any, made: Any) -> Any | None:
    """What a step thinks the finished latents are; none where the scheduler does not let on."""
    told = getattr(made, "pred_original_sample", None)
    if told is not None:
        return told
    sigmas = getattr(scheduler, "sigmas", None)
    is_flow = type(scheduler).__name__.startswith("FlowMatchEuler") and getattr(velocity, "shape", None) == sample.shape
    if not is_flow or sigmas is None or index is None or index >= len(sigmas) - 1:
        return None
    # A flow is a straight line: from here to the noise level at its end.
    return sample + (sigmas[-1] - sigmas[index]).to(sample.device) * velocity.to(sample.dtype)
