"""Makes the eight test crops in tests/fixtures/photos from pictures inside PyPI packages.

usage: python make_photos.py SKIMAGE_DATA SKLEARN_IMAGES MATPLOTLIB_SAMPLE_DATA OUT
Needs Pillow. The folders are `skimage/data`, `sklearn/datasets/images` and `matplotlib/mpl-data/sample_data` of unpacked wheels.
"""
import os
import sys

from PIL import Image

skimage, sklearn, matplotlib, out = sys.argv[1:5]
CROPS = {
    "astronaut": (skimage, "astronaut.png", (0, 0, 512, 512)),
    "cat": (skimage, "chelsea.png", (60, 0, 451, 300)),
    "coffee": (skimage, "coffee.png", (60, 0, 560, 400)),
    "rocket": (skimage, "rocket.jpg", (100, 0, 600, 427)),
    "galaxies": (skimage, "hubble_deep_field.jpg", (300, 200, 812, 600)),
    "pagoda": (sklearn, "china.jpg", (0, 0, 560, 427)),
    "dahlia": (sklearn, "flower.jpg", (90, 0, 560, 427)),
    "officer": (matplotlib, "grace_hopper.jpg", (0, 0, 512, 600)),
}
for name, (folder, file, box) in CROPS.items():
    picture = Image.open(os.path.join(folder, file)).convert("RGB").crop(box)
    picture.thumbnail((480, 480), Image.LANCZOS)
    path = os.path.join(out, name + ".jpg")
    for quality in range(92, 60, -4):
        picture.save(path, quality=quality, optimize=True, subsampling=0)
        if os.path.getsize(path) <= 60_000:
            break
    print(name, picture.size, os.path.getsize(path))
