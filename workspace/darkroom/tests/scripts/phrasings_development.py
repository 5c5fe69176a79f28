"""The phrasings that the reward and the reader of instructions may be tuned on: (instruction, signed strength or parameter)."""

SLIGHT, PLAIN, MUCH = 0.5, 1.0, 1.8
FIRST = 0

GLOBAL = {
    "exposure": ("exposure_", [
        ("Could you brighten this up a touch?", SLIGHT), ("please make the whole shot darker", -PLAIN), ("way brighter", MUCH),
        ("it came out underexposed, fix that", PLAIN), ("lighten the picture", PLAIN), ("dim it slightly", -SLIGHT),
        ("raise the brightness", PLAIN), ("the photo is too bright", -PLAIN), ("a bit more exposure", SLIGHT), ("I want it a lot darker", -MUCH),
        ("can we get it a little lighter", SLIGHT), ("bring the brightness down", -PLAIN)]),
    "contrast": ("contrast", [
        ("add some contrast", PLAIN), ("way more contrast", MUCH), ("the contrast should be lower", -PLAIN), ("give it a bit more contrast", SLIGHT),
        ("make it punchier", PLAIN), ("it looks too flat", PLAIN), ("crank up the contrast", PLAIN), ("less contrasty please", -PLAIN),
        ("increase contrast by 30%", PLAIN), ("soften the contrast slightly", -SLIGHT), ("boost contrast a lot", MUCH), ("I'd like stronger contrast", PLAIN)]),
    "highlights": ("highlights", [
        ("pull down the highlights", -PLAIN), ("recover the highlights", PLAIN), ("lower highlights", -PLAIN), ("brighter highlights", PLAIN),
        ("tame the highlights a bit", -SLIGHT), ("reduce the highlights a lot", -MUCH), ("lift the highlights", PLAIN), ("darken the highlights", -PLAIN),
        ("boost the highlights slightly", SLIGHT), ("highlights down", -PLAIN), ("raise highlights", PLAIN), ("make the highlights less bright", -PLAIN)]),
    "shadows": ("shadows", [
        ("open the shadows", PLAIN), ("deeper shadows", -PLAIN), ("brighten up the shadows a little", SLIGHT), ("lift shadows a lot", MUCH),
        ("raise the shadows please", PLAIN), ("darken the shadows", -PLAIN), ("make the shadows lighter", PLAIN), ("bring up the shadows", PLAIN),
        ("shadows +40", PLAIN), ("crush the shadows", -PLAIN), ("lower the shadows slightly", -SLIGHT), ("lighten shadows", PLAIN)]),
    "warmth": ("warmth", [
        ("warm it up", PLAIN), ("a colder look please", -PLAIN), ("slightly warmer tones", SLIGHT), ("make this much warmer", MUCH),
        ("cool the photo down", -PLAIN), ("raise the colour temperature", PLAIN), ("a tad cooler", -SLIGHT), ("give it a golden hour feel", PLAIN),
        ("it feels too cold", PLAIN), ("it's too warm", -PLAIN), ("more warmth", PLAIN), ("shift the white balance cooler", -PLAIN)]),
    "tint": ("tint", [
        ("add a slight magenta tint", SLIGHT), ("shift the tint towards green", -PLAIN), ("more magenta", PLAIN), ("make it greener", -PLAIN),
        ("get rid of the green cast", PLAIN), ("take out the magenta cast", -PLAIN), ("give it a green tint", -PLAIN), ("a little pinker overall", SLIGHT),
        ("less green", PLAIN), ("reduce the magenta", -PLAIN), ("tint it magenta", PLAIN), ("add a strong green tint", -MUCH)]),
    "saturation": ("saturation", [
        ("boost the saturation", PLAIN), ("desaturate slightly", -SLIGHT), ("richer colors", PLAIN), ("mute the colours", -PLAIN),
        ("+40% saturation", 0.8), ("much more saturated", MUCH), ("turn down the colour saturation", -PLAIN), ("more colourful", PLAIN),
        ("the colors are too intense", -PLAIN), ("pump up the colours", PLAIN), ("lower the saturation by 30 percent", -0.7), ("make the colours a bit stronger", SLIGHT)]),
    "vibrance": ("vibrance", [
        ("add vibrance", PLAIN), ("increase the vibrance a lot", MUCH), ("make the colours pop", PLAIN), ("more vibrant please", PLAIN),
        ("reduce vibrance", -PLAIN), ("boost vibrance slightly", SLIGHT), ("a more lively look", PLAIN), ("less vibrant", -PLAIN),
        ("make everything pop more", PLAIN), ("vibrance up", PLAIN), ("lower the vibrancy", -PLAIN), ("give the colours more vibrancy", PLAIN)]),
    "fade": ("fade", [
        ("give it a faded look", PLAIN), ("matte finish", PLAIN), ("a slightly faded film look", SLIGHT), ("make it look washed out", PLAIN),
        ("vintage fade", PLAIN), ("fade it a bit", SLIGHT), ("I want a retro faded style", PLAIN), ("add fade", PLAIN),
        ("make this photo look old and faded", PLAIN), ("strong fade", MUCH), ("a subtle matte look", SLIGHT), ("faded colours please", PLAIN)]),
    "sepia": ("sepia", [
        ("sepia please", PLAIN), ("apply a sepia tone", PLAIN), ("turn this into a sepia photograph", PLAIN), ("old sepia look", PLAIN),
        ("convert to sepia", PLAIN), ("make it sepia toned", PLAIN), ("add a sepia effect", PLAIN), ("tone it sepia", PLAIN),
        ("could you give this a sepia finish", PLAIN), ("full sepia", PLAIN), ("make the image sepia", PLAIN), ("sepia style", PLAIN)]),
    "black_and_white": ("black_and_white", [
        ("black and white please", 1), ("convert this to grayscale", 1), ("make it b&w", 1), ("I'd like it in monochrome", 1), ("remove all the colours", 1),
        ("turn the photo black & white", 1), ("greyscale version", 1), ("strip the colour out", 1), ("make everything black and white", 1),
        ("drain all colour from it", 1), ("a monochrome look", 1), ("can I have this in black and white?", 1)]),
    "invert": ("invert", [
        ("invert the colours", 1), ("make a negative of it", 1), ("invert it", 1), ("colour inversion", 1), ("turn it into a photo negative", 1),
        ("negative please", 1), ("give me the inverted image", 1), ("invert all colors", 1), ("show it as a negative", 1), ("invert this picture", 1),
        ("apply an invert effect", 1), ("make it look like a film negative", 1)]),
    "posterise": ("posterise", [
        ("posterize it", 4), ("posterise to 4 levels", 4), ("posterize with 3 levels", 3), ("apply a posterise effect", 5), ("reduce it to 5 levels", 5),
        ("posterised look", 4), ("posterize the photo to 6 levels", 6), ("posterise please", 4), ("strong posterisation", 3), ("give it a posterized style", 5),
        ("posterise using 8 levels", 8), ("make it posterized", 4)]),
    "sharpen": ("sharpen", [
        ("sharpen it up", PLAIN), ("crisper please", PLAIN), ("a little more sharpness", SLIGHT), ("bring out more detail", PLAIN), ("make it much sharper", MUCH),
        ("it looks too soft", PLAIN), ("increase sharpness", PLAIN), ("sharpen the details", PLAIN), ("more definition", PLAIN), ("sharpen slightly", SLIGHT),
        ("can you make it look sharper?", PLAIN), ("add sharpness", PLAIN)]),
    "blur": ("blur", [
        ("blur it", PLAIN), ("make it a bit blurry", SLIGHT), ("soften the photo", PLAIN), ("add some blur", PLAIN), ("strong blur", MUCH), ("out of focus please", PLAIN),
        ("apply a gaussian blur", PLAIN), ("a dreamy soft look", PLAIN), ("blur the whole image a lot", MUCH), ("make everything blurrier", PLAIN), ("slight blur", SLIGHT),
        ("defocus it", PLAIN)]),
    "denoise": ("denoise", [
        ("reduce the noise", PLAIN), ("denoise this", PLAIN), ("get rid of the grain", PLAIN), ("clean up the noise", PLAIN), ("remove noise", PLAIN), ("less grainy please", PLAIN),
        ("it's too noisy", PLAIN), ("smooth out the noise", PLAIN), ("apply noise reduction", PLAIN), ("take away the digital noise", PLAIN), ("less noise", PLAIN), ("noise removal", PLAIN)]),
    "grain": ("grain", [
        ("add film grain", PLAIN), ("make it grainy", PLAIN), ("a little bit of grain", SLIGHT), ("heavy film grain", MUCH), ("add some noise", PLAIN), ("give it a gritty grainy look", PLAIN),
        ("grain please", PLAIN), ("more grain", PLAIN), ("subtle grain", SLIGHT), ("strong grain", MUCH), ("put some film grain on it", PLAIN), ("increase the grain", PLAIN)]),
    "vignette": ("vignette", [
        ("add a vignette", PLAIN), ("a subtle vignette", SLIGHT), ("darken the corners", PLAIN), ("strong vignette please", MUCH), ("vignette the edges", PLAIN), ("dark vignette", PLAIN),
        ("darker edges", PLAIN), ("put a light vignette on it", SLIGHT), ("apply vignetting", PLAIN), ("make the corners darker", PLAIN), ("heavy vignetting", MUCH), ("gentle vignette", SLIGHT)]),
}

HUES = [("shift the hue by 60 degrees", 60), ("rotate the hue 90 degrees", 90), ("hue shift of 45°", 45), ("turn the hues by 120 degrees", 120), ("change the hue by 30 degrees", 30),
        ("rotate all hues by 75 degrees", 75), ("shift hues 50 degrees", 50), ("hue +40 degrees", 40), ("move the hue by 100 degrees", 100), ("hue rotation of 80 degrees", 80),
        ("shift the hue 65 degrees", 65), ("rotate hue by 110 degrees", 110)]
TURNS = [("rotate 90 degrees clockwise", 90), ("rotate it 90 degrees to the left", -90), ("turn it upside down", 180), ("rotate by 10 degrees clockwise", 10), ("rotate the picture 180 degrees", 180),
         ("a quarter turn counterclockwise", -90), ("rotate 15 degrees anticlockwise", -15), ("rotate right by 90 degrees", 90), ("turn it 20 degrees clockwise", 20), ("rotate 270 degrees clockwise", 270),
         ("rotate by 8° counter-clockwise", -8), ("give it a half turn", 180)]
LEVELLING = ["straighten it", "level the horizon", "fix the tilt", "the photo is crooked, straighten it please", "straighten the picture", "level it out, the horizon is tilted", "correct the tilt",
             "please straighten this", "make the horizon straight", "it's tilted, fix it", "straighten up the shot", "un-tilt: straighten the image"]
FLIPS = [("flip it horizontally", "h"), ("mirror the image", "h"), ("flip vertically", "v"), ("mirror it left to right", "h"), ("flip it upside down", "v"), ("make a mirror image", "h"),
         ("horizontal flip", "h"), ("vertical flip please", "v"), ("flip the photo left-right", "h"), ("reflect it horizontally", "h"), ("flip top to bottom", "v"), ("mirror this horizontally", "h")]
CROPS = [("crop to 16:9", 16 / 9), ("make it square", 1), ("crop to a 4:5 portrait", 0.8), ("crop it 1:1", 1), ("2:1 crop", 2), ("trim it to 3:2", 1.5), ("crop to widescreen", 16 / 9),
         ("crop to 21:9", 21 / 9), ("give me a square crop", 1), ("crop to 2:3", 2 / 3), ("9:16 crop please", 9 / 16), ("crop to an aspect ratio of 5:4", 1.25)]
RECOLOURS = [
    ("dahlia", "flower", "background", "make the orange flower blue", "blue", "orange"), ("pagoda", "sky", "greens", "turn the sky orange", "orange", "green"),
    ("astronaut", "suit", "background", "change the orange suit to green", "green", "red"), ("coffee", "red", "top", "make the red cup blue", "blue", "green"),
    ("rocket", "sky", "bottom", "make the sky purple", "purple", "yellow"), ("pagoda", "greens", "sky", "turn the trees red", "red", "blue"),
    ("dahlia", "flower", "background", "recolor the orange blossom to pink", "pink", "teal"), ("officer", "blue", "bottom", "change the blue parts to green", "green", "red"),
    ("astronaut", "suit", "background", "I want the orange suit in purple", "purple", "yellow"), ("coffee", "red", "top", "paint the red saucer green", "green", "purple"),
    ("rocket", "sky", "bottom", "turn the sky teal", "teal", "red"), ("pagoda", "sky", "greens", "could you make the sky pink", "pink", "green"),
    ("dahlia", "flower", "background", "change the orange flower to purple", "purple", "green"), ("pagoda", "greens", "sky", "make the foliage yellow", "yellow", "blue")]
TONED = [
    ("pagoda", "sky", "greens", "darken the sky", "exposure_", -PLAIN), ("dahlia", "background", "flower", "darken the background", "exposure_", -PLAIN),
    ("rocket", "sky", "bottom", "brighten the sky", "exposure_", PLAIN), ("pagoda", "greens", "sky", "make the trees brighter", "exposure_", PLAIN),
    ("dahlia", "background", "flower", "desaturate the background", "saturation", -PLAIN * 1.6), ("dahlia", "background", "flower", "make the background black and white", "black_and_white", 1),
    ("officer", "left", "right", "brighten the left side", "exposure_", PLAIN), ("coffee", "right", "left", "darken the right half", "exposure_", -PLAIN),
    ("astronaut", "top", "bottom", "make the top half darker", "exposure_", -PLAIN), ("cat", "bottom", "top", "brighten the lower half", "exposure_", PLAIN),
    ("dahlia", "flower", "background", "make the orange flower brighter", "exposure_", PLAIN * 0.8), ("officer", "blue", "bottom", "desaturate the blues", "saturation", -PLAIN * 1.4),
    ("dahlia", "background", "flower", "blur the background", "blur", MUCH), ("pagoda", "sky", "greens", "more saturation in the sky", "saturation", MUCH)]
COMPOUND = [
    ("slightly warmer, much more contrast, and black and white", [("contrast", MUCH), ("black_and_white", 1)]), ("+20% saturation and a soft vignette", [("saturation", 0.5), ("vignette", SLIGHT)]),
    ("brighter and cooler", [("exposure_", PLAIN), ("warmth", -PLAIN)]), ("make it darker, warmer and grainy", [("exposure_", -PLAIN), ("warmth", PLAIN), ("grain", PLAIN)]),
    ("less saturated but with more contrast", [("saturation", -PLAIN), ("contrast", PLAIN)]), ("sepia with a strong vignette", [("sepia", PLAIN), ("vignette", MUCH)]),
    ("lighten it a little, then mirror it", [("exposure_", SLIGHT), ("flip", 0)]), ("warm it up, add a vignette", [("warmth", PLAIN), ("vignette", PLAIN)]),
    ("faded and a bit cooler", [("fade", PLAIN), ("warmth", -SLIGHT)]), ("crisper and more vivid", [("sharpen", PLAIN), ("saturation", PLAIN)]),
    ("black and white with film grain", [("black_and_white", 1), ("grain", PLAIN)]), ("lift the shadows and add contrast", [("shadows", PLAIN), ("contrast", PLAIN)]),
    ("rotate it 90 degrees clockwise and make it brighter", [("rotate", 90), ("exposure_", PLAIN)]), ("make it warmer; also increase the saturation", [("warmth", PLAIN), ("saturation", PLAIN)])]
