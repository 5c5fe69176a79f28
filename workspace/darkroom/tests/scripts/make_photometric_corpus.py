"""Makes the pictures that the reward `photometric` is tested on, with Pillow, numpy and scikit-image: an implementation that shares nothing
with the program's own editor.

usage: python make_photometric_corpus.py PHOTOS OUT [--all] [--development | --seen]

Pinned: Pillow 13.0.0, numpy 2.4.6, scikit-image 0.26.0. Without --all, every third case is made, which is what is committed; with it, all of
them. The phrasings are the held-out ones, or with --development or --seen those that were tuned on. Each line of OUT/cases.jsonl is one case: the instruction, the source, the right edit, and what must rank
below it (`wrong_direction`, `over_edit`, `wrong_region`, `copy`, `destroyed`; absent where a family has no such thing).
"""
import importlib
import json
import os
import sys

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from skimage import color, filters, restoration

EDGE = 120
SLIGHT, PLAIN, MUCH = 0.5, 1.0, 1.8
PHOTOS = ["astronaut", "cat", "coffee", "dahlia", "galaxies", "officer", "pagoda", "rocket"]


def floats(picture):
    return np.asarray(picture, dtype=np.float64) / 255.0


def picture(values):
    return Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))


def load(folder, name):
    image = Image.open(os.path.join(folder, name + ".jpg")).convert("RGB")
    image.thumbnail((EDGE, EDGE), Image.LANCZOS)
    return image


# ---- one operation a family: f(picture, signed strength, rng) -> picture; strength 1 is what the plain words ask for


def exposure_(p, s, rng):
    return ImageEnhance.Brightness(p).enhance(1 + 0.3 * s) if s > 0 else picture(floats(p) ** (1 - 0.6 * s))


def contrast(p, s, rng):
    return ImageEnhance.Contrast(p).enhance(max(0.1, 1 + 0.35 * s if s > 0 else 1 + 0.3 * s))


def highlights(p, s, rng):
    v = floats(p)
    w = np.clip((v.mean(2, keepdims=True) - 0.45) / 0.4, 0, 1)
    return picture(v + s * 0.16 * w * (1.15 - v if s > 0 else v))


def shadows(p, s, rng):
    v = floats(p)
    w = np.clip((0.5 - v.mean(2, keepdims=True)) / 0.4, 0, 1)
    return picture(v + s * w * (0.13 if s > 0 else 0.5 * v))


def warmth(p, s, rng):
    return picture(floats(p) * np.array([1 + 0.09 * s, 1 + 0.01 * s, 1 - 0.12 * s]))


def tint(p, s, rng):  # positive is magenta
    return picture(floats(p) * np.array([1 + 0.05 * s, 1 - 0.09 * s, 1 + 0.05 * s]))


def saturation(p, s, rng):
    return ImageEnhance.Color(p).enhance(max(0.0, 1 + (0.5 if s > 0 else 0.45) * s))


def vibrance(p, s, rng):
    hsv = color.rgb2hsv(floats(p))
    hsv[..., 1] = np.clip(hsv[..., 1] * (1 + 0.7 * s * (1 - hsv[..., 1])), 0, 1)
    return picture(color.hsv2rgb(hsv))


def hue(p, degrees, rng):
    lch = color.lab2lch(color.rgb2lab(floats(p)))
    lch[..., 2] = np.mod(lch[..., 2] + np.radians(degrees), 2 * np.pi)
    return picture(color.lab2rgb(color.lch2lab(lch)))


def fade(p, s, rng):
    v = floats(p)
    grey = v.mean(2, keepdims=True)
    v = v + (grey - v) * 0.25 * s
    return picture(0.13 * s + v * (1 - 0.2 * s))


def black_and_white(p, s, rng):
    return ImageOps.grayscale(p).convert("RGB") if s > 0 else saturation(p, 0.8, rng)


def sepia(p, s, rng):
    grey = floats(ImageOps.grayscale(p))[..., None]
    toned = np.clip(grey * np.array([1.08, 0.95, 0.76]) + np.array([0.03, 0.01, -0.02]), 0, 1)
    if s < 0:
        toned = np.clip(grey * np.array([0.78, 0.95, 1.12]), 0, 1)
    share = min(1.0, abs(s))
    return picture(floats(p) * (1 - share) + toned * share)


def invert(p, s, rng):
    return ImageOps.invert(p)


def posterise(p, levels, rng):
    v = floats(p)
    return picture(np.round(v * (levels - 1)) / (levels - 1))


def sharpen(p, s, rng):
    if s < 0:
        return p.filter(ImageFilter.GaussianBlur(0.9 * -s))
    return p.filter(ImageFilter.UnsharpMask(radius=1, percent=int(110 * s), threshold=0))


def blur(p, s, rng):
    return p.filter(ImageFilter.GaussianBlur(1.1 * s)) if s > 0 else sharpen(p, -s, rng)


def denoise(p, s, rng):
    if s < 0:
        return grain(p, -1.5 * s, rng)
    return picture(restoration.denoise_tv_chambolle(floats(p), weight=0.07 * s, channel_axis=-1))


def grain(p, s, rng):
    if s < 0:
        return denoise(p, -s, rng)
    noise = rng.normal(0, 0.035 * s, (p.height, p.width, 1))
    return picture(floats(p) + noise)


def vignette(p, s, rng):
    y, x = np.mgrid[-1 : 1 : p.height * 1j, -1 : 1 : p.width * 1j]
    r = np.sqrt(x * x + y * y) / np.sqrt(2)
    return picture(floats(p) * (1 - 0.55 * s * np.clip((r - 0.3) / 0.7, 0, 1) ** 1.5)[..., None])


def rotate(p, degrees, rng):  # clockwise
    if degrees % 90 == 0:
        return p.rotate(-degrees, expand=True)
    turned = p.rotate(-degrees, resample=Image.BICUBIC, expand=False)
    t, a = np.radians(abs(degrees)), max(p.width / p.height, p.height / p.width)
    share = 1 / (np.cos(t) + a * np.sin(t))
    w, h = int(p.width * share), int(p.height * share)
    return turned.crop(((p.width - w) // 2, (p.height - h) // 2, (p.width + w) // 2, (p.height + h) // 2))


def crop(p, ratio, rng, place=0.5):
    w, h = p.size
    cw, ch = (int(h * ratio), h) if w / h > ratio else (w, int(w / ratio))
    left, top = int((w - cw) * place), int((h - ch) * place)
    return p.crop((left, top, left + cw, top + ch))


def destroyed(p, rng):
    small = p.resize((6, 5)).resize(p.size, Image.NEAREST)
    return picture(0.5 * floats(small) + rng.uniform(0, 0.5, (p.height, p.width, 3)))


# ---- regions, by hand-set boxes and colour thresholds on the original


def region(p, name, photo):
    v = floats(p)
    r, g, b = v[..., 0], v[..., 1], v[..., 2]
    y, x = np.mgrid[0 : 1 : p.height * 1j, 0 : 1 : p.width * 1j]
    masks = {
        ("dahlia", "flower"): (r - b > 0.15) & (r > 0.35),
        ("dahlia", "background"): ~((r - b > 0.15) & (r > 0.35)),
        ("pagoda", "sky"): (b > r - 0.06) & (v.mean(2) > 0.55) & (y < 0.5),
        ("pagoda", "greens"): (g > b + 0.05) & (r < g + 0.12) & (y > 0.45),
        ("rocket", "sky"): (b > r) & (y < 0.86),
        ("officer", "background"): (b > r + 0.12) & (b > 0.35) & (x > 0.3),
        ("officer", "blue"): (b > r + 0.12) & (b > 0.35),
        ("astronaut", "suit"): (r > g + 0.2) & (g > b) & (y > 0.25) & (x < 0.75),
        ("astronaut", "background"): (np.abs(r - b) < 0.12) & (v.mean(2) > 0.55) & (y < 0.45) & ((x < 0.3) | (x > 0.58)),
        ("coffee", "red"): (r > 0.4) & (g < 0.3) & (r - g > 0.25) & ((x - 0.46) ** 2 + (y - 0.55) ** 2 < 0.2),
        ("cat", "subject"): (x < 0.72) & ~((x > 0.6) & (y > 0.55)),
        ("cat", "background"): ~((x < 0.72) & ~((x > 0.6) & (y > 0.55))),
    }
    if (photo, name) in masks:
        mask = masks[(photo, name)]
    else:
        mask = {
            "left": x < 0.5, "right": x > 0.5, "top": y < 0.5, "bottom": y > 0.5, "centre": (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.1,
            "dark": v.mean(2) < np.quantile(v.mean(2), 0.3), "bright": v.mean(2) > np.quantile(v.mean(2), 0.7),
        }[name]
    return filters.gaussian(mask.astype(float), 1.0)


def within(p, mask, edit):
    return picture(floats(p) * (1 - mask[..., None]) + floats(edit) * mask[..., None])


def recolour(p, target, share=0.95):
    lab = color.rgb2lab(floats(p))
    goal = color.rgb2lab(np.array(target, float)[None, None] / 255.0)[0, 0]
    chroma = np.hypot(goal[1], goal[2])
    texture = np.clip(np.hypot(lab[..., 1], lab[..., 2]) / max(8.0, np.median(np.hypot(lab[..., 1], lab[..., 2]))), 0.5, 1.3)
    new = lab.copy()
    new[..., 0] = lab[..., 0] + 0.25 * (goal[0] - np.median(lab[..., 0]))
    new[..., 1], new[..., 2] = goal[1] * texture, goal[2] * texture
    if chroma < 8:
        new[..., 1:] = 0
        new[..., 0] = lab[..., 0] + 0.7 * (goal[0] - np.median(lab[..., 0]))
    return picture(color.lab2rgb(lab + share * (new - lab)))


COLOURS = {
    "blue": (40, 85, 205), "orange": (240, 135, 30), "green": (50, 155, 60), "red": (214, 38, 38), "purple": (125, 60, 180),
    "yellow": (240, 210, 40), "pink": (240, 140, 175), "teal": (20, 140, 140), "white": (245, 245, 245),
}

def apply(p, steps, rng, sign=1, scale=1.0):
    for operation, strength in steps:
        if operation == "flip":
            p = ImageOps.mirror(p) if sign > 0 else ImageOps.flip(p)
        elif operation == "rotate":
            p = rotate(p, strength * sign, rng)
        elif operation in ("black_and_white", "sepia", "fade", "grain", "vignette") and sign < 0:
            p = saturation(p, 0.5, rng)
        else:
            p = globals()[operation](p, strength * sign * scale, rng)
    return p


def build(folder, words):
    """Yields (family, photo, instruction, {role: picture}, generator)."""
    counter = words.FIRST

    def pick():
        nonlocal counter
        counter += 1
        return PHOTOS[counter % len(PHOTOS)], np.random.default_rng(counter)

    for family, (operation, phrasings) in words.GLOBAL.items():
        operation = globals()[operation]
        for text, s in phrasings:
            photo, rng = pick()
            if family in ("tint", "warmth", "hue") and photo == "galaxies":
                photo = "cat"
            if family == "highlights" and photo in ("galaxies", "rocket"):
                photo = "officer"
            p = load(folder, photo)
            if family == "denoise":
                p = grain(p, 2.0, rng)
            roles = {"source": p, "right": operation(p, s, rng)}
            if family in ("fade", "vignette"):
                roles["wrong_direction"] = contrast(p, 1.5, rng) if family == "fade" else vignette(p, -0.9 * s, rng)
                roles["over_edit"] = operation(p, min(4.0, 4.5 * abs(s)) if family == "fade" else 1.9 * max(1.0, abs(s)), rng)
            elif family == "sepia":
                roles["wrong_direction"] = sepia(p, -1, rng)
                roles["over_edit"] = picture(floats(p).mean(2, keepdims=True) * np.array([1.0, 0.55, 0.0]))
            elif family == "black_and_white":
                roles["wrong_direction"] = black_and_white(p, -1, rng)
                roles["over_edit"] = ImageOps.grayscale(p).point(lambda v: 255 if v > 128 else 0).convert("RGB")
            elif family == "invert":
                roles["wrong_direction"] = contrast(p, 1, rng)
                roles["over_edit"] = ImageOps.invert(p).point(lambda v: 255 if v > 128 else 0)
            elif family == "posterise":
                roles["wrong_direction"] = blur(p, 1, rng)
                roles["over_edit"] = ImageOps.grayscale(p).point(lambda v: 255 if v > 128 else 0).convert("RGB")
            else:
                roles["wrong_direction"] = operation(p, -s, rng)
                if not (family in ("saturation", "vibrance", "contrast") and s < 0):
                    factor = {"exposure": 4.5, "contrast": 6, "denoise": 9, "blur": 6, "grain": 6, "sharpen": 9}.get(family, 6)
                    roles["over_edit"] = operation(p, s * factor, rng)
            yield family, photo, text, roles, rng
    for text, degrees in words.HUES:
        photo, rng = pick()
        p = load(folder, "dahlia" if photo == "galaxies" else photo)
        yield "hue", photo, text, {"source": p, "right": hue(p, degrees, rng), "wrong_direction": hue(p, -degrees, rng), "over_edit": hue(p, degrees + 140, rng)}, rng
    for text, degrees in words.TURNS:
        photo, rng = pick()
        p = load(folder, "officer" if photo == "galaxies" else photo)
        wrong = ImageOps.flip(p) if abs(degrees) == 180 else rotate(p, -degrees, rng)
        yield "rotate", photo, text, {"source": p, "right": rotate(p, degrees, rng), "wrong_direction": wrong}, rng
    for index, text in enumerate(words.LEVELLING):
        photo, rng = ["pagoda", "rocket", "astronaut", "officer"][index % 4], np.random.default_rng(5000 + index)
        tilt = [4, -5, 6, -3, 5, -6][index % 6]
        level = Image.open(os.path.join(folder, photo + ".jpg")).convert("RGB")
        tilted = rotate(level, tilt, rng)
        tilted.thumbnail((EDGE, EDGE), Image.LANCZOS)
        yield "straighten", photo, text, {"source": tilted, "right": rotate(tilted, -tilt, rng), "wrong_direction": rotate(tilted, tilt, rng)}, rng
    for text, axis in words.FLIPS:
        photo, rng = pick()
        p = load(folder, "officer" if photo == "galaxies" else photo)
        right, wrong = (ImageOps.mirror(p), ImageOps.flip(p)) if axis == "h" else (ImageOps.flip(p), ImageOps.mirror(p))
        yield "flip_mirror", photo, text, {"source": p, "right": right, "wrong_direction": wrong}, rng
    for text, ratio in words.CROPS:
        photo, rng = pick()
        p = load(folder, photo)
        if abs(p.width / p.height / ratio - 1) < 0.1:  # nothing to crop
            p = load(folder, "pagoda")
        yield "crop_aspect", photo, text, {"source": p, "right": crop(p, ratio, rng), "wrong_direction": crop(p, 1 / ratio if abs(ratio - 1) > 0.01 else 1.9, rng), "over_edit": crop(p, ratio, rng).resize(p.size)}, rng
    for photo, where, elsewhere, text, to, not_to in words.RECOLOURS:
        rng = np.random.default_rng(len(text))
        p = load(folder, photo)
        mask, other = region(p, where, photo), region(p, elsewhere, photo)
        painted = lambda target, share=0.95: recolour(p, COLOURS[target], share)
        yield "region_colour", photo, text, {
            "source": p, "right": within(p, mask, painted(to)), "wrong_direction": within(p, mask, painted(not_to)),
            "over_edit": painted(to), "wrong_region": within(p, other, painted(to))}, rng
    for photo, where, elsewhere, text, operation, s in words.TONED:
        rng, operation = np.random.default_rng(len(text)), globals()[operation]
        p = load(folder, photo)
        mask, other = region(p, where, photo), region(p, elsewhere, photo)
        roles = {"source": p, "right": within(p, mask, operation(p, s, rng)), "wrong_direction": within(p, mask, operation(p, -abs(s) if s > 0 else abs(s), rng)),
                 "wrong_region": within(p, other, operation(p, s, rng))}
        if operation is exposure_:
            roles["over_edit"] = within(p, mask, operation(p, 5 * s, rng))
        yield "region_tone", photo, text, roles, rng
    for text, steps in words.COMPOUND:
        photo, rng = pick()
        p = load(folder, "cat" if photo == "galaxies" else photo)
        yield "compound", photo, text, {"source": p, "right": apply(p, steps, rng), "wrong_direction": apply(p, steps, rng, sign=-1), "over_edit": apply(p, steps, rng, scale=5.0)}, rng


def main():
    photos, out = sys.argv[1], sys.argv[2]
    everything = "--all" in sys.argv
    sets = {"--development": "phrasings_development", "--seen": "phrasings_seen"}
    words = importlib.import_module(next((name for flag, name in sets.items() if flag in sys.argv), "phrasings_held_out"))
    os.makedirs(out, exist_ok=True)
    lines, written = [], {}
    for index, (family, photo, text, roles, rng) in enumerate(build(photos, words)):
        if not everything and index % 3:
            continue
        roles["destroyed"] = destroyed(roles["source"], rng)
        case = {"id": index, "family": family, "photo": photo, "instruction": text}
        for role, image in roles.items():
            key = image.convert("RGB").tobytes()
            name = written.get(key)
            if name is None:
                name = written[key] = f"{index:03}-{role}.jpg"
                image.convert("RGB").save(os.path.join(out, name), quality=91, subsampling=0, optimize=True)
            case[role] = name
        case["copy"] = case["source"]
        lines.append(json.dumps(case))
    with open(os.path.join(out, "cases.jsonl"), "w") as file:
        file.write("\n".join(lines) + "\n")
    total = sum(os.path.getsize(os.path.join(out, name)) for name in os.listdir(out))
    print(len(lines), "cases,", total // 1000, "kB")


main()
