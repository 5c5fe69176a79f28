"""A node for the tests: passes a picture on in steps, each with a preview, or raises an exception."""

import time

import comfy.utils
from PIL import Image


class EditscaleSteps:
    """Takes `steps` times `seconds`; raises an exception where there are no steps."""

    @classmethod
    def INPUT_TYPES(cls):
        """Declares what goes in."""
        return {
            "required": {
                "image": ("IMAGE",),
                "steps": ("INT", {"default": 4, "min": 0, "max": 1000}),
                "seconds": ("FLOAT", {"default": 0.0, "min": 0.0, "max": 10.0}),
                "seed": ("INT", {"default": 0, "min": 0, "max": 0xFFFFFFFFFFFFFFFF}),
            }
        }

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "work"
    CATEGORY = "editscale"

    def work(self, image, steps, seconds, seed):
        """Does nothing to the picture."""
        if steps == 0:
            raise ValueError("there are no steps")
        bar = comfy.utils.ProgressBar(steps)
        for step in range(1, steps + 1):
            time.sleep(seconds)
            preview = Image.new("RGB", (8, 8), (step % 256, seed % 256, 0))
            bar.update_absolute(step, steps, ("PNG", preview, None))
        return (image,)


NODE_CLASS_MAPPINGS = {"EditscaleSteps": EditscaleSteps}
