"""The phrasings that nothing was tuned on: (instruction, signed strength or parameter). They were written after the reader of instructions
was finished and before it had seen any of them."""

SLIGHT, PLAIN, MUCH = 0.5, 1.0, 1.8
FIRST = 5

GLOBAL = {
    "exposure": ("exposure_", [
        ("can you brighten the photo?", PLAIN), ("darken everything a bit", -SLIGHT), ("significantly brighter", MUCH), ("the picture looks too dark to me", PLAIN), ("reduce the brightness slightly", -SLIGHT), ("brightness +20%", PLAIN * 0.8),
        ("lighten up the whole image", PLAIN), ("one stop darker", -PLAIN), ("make this shot brighter please", PLAIN), ("lower exposure a lot", -MUCH), ("it's overexposed, darken it", -PLAIN), ("increase brightness by 10 percent", SLIGHT)]),
    "contrast": ("contrast", [
        ("contrast up", PLAIN), ("boost the contrast a bit", SLIGHT), ("I would like more contrast here", PLAIN), ("flatter contrast", -PLAIN), ("decrease the contrast", -PLAIN), ("much higher contrast please", MUCH), ("raise contrast by 20%", PLAIN),
        ("a more contrasty version", PLAIN), ("cut the contrast", -PLAIN), ("push the contrast", PLAIN), ("slightly more punch", SLIGHT), ("strengthen the contrast", PLAIN)]),
    "highlights": ("highlights", [
        ("darker highlights", -PLAIN), ("cut the highlights", -PLAIN), ("make the highlights darker", -PLAIN), ("brighten the highlights", PLAIN), ("lower the highlights by 40%", -PLAIN), ("less highlights", -PLAIN), ("highlights up a bit", SLIGHT),
        ("drop the highlights a lot", -MUCH), ("add more highlights", PLAIN), ("knock back the highlights", -PLAIN), ("make highlights brighter", PLAIN), ("recover highlights slightly", SLIGHT)]),
    "shadows": ("shadows", [
        ("lift shadows", PLAIN), ("shadows up", PLAIN), ("lighter shadows please", PLAIN), ("make the shadows much brighter", MUCH), ("bring the shadows up a touch", SLIGHT), ("darken the shadows a bit", -SLIGHT), ("increase the shadows", PLAIN),
        ("more light in the shadows", PLAIN), ("make shadows darker", -PLAIN), ("raise shadows strongly", MUCH), ("lighten the shadows", PLAIN), ("deepen the shadows", -PLAIN)]),
    "warmth": ("warmth", [
        ("a bit warmer", SLIGHT), ("make it cold", -PLAIN), ("I want warmer colours", PLAIN), ("cooler tones please", -PLAIN), ("considerably warmer", MUCH), ("turn up the warmth", PLAIN), ("lower the temperature", -PLAIN), ("warmer white balance please", PLAIN),
        ("make it slightly cooler", -SLIGHT), ("the image is too blue", PLAIN), ("warm tones", PLAIN), ("cool it a bit", -SLIGHT)]),
    "tint": ("tint", [
        ("give it a magenta tint", PLAIN), ("more green tint", -PLAIN), ("slightly greener", -SLIGHT), ("remove the green tint", PLAIN), ("a touch more magenta", SLIGHT), ("get rid of the magenta cast", -PLAIN), ("pinker", PLAIN), ("add a magenta cast", PLAIN),
        ("reduce the green", PLAIN), ("tint it green", -PLAIN), ("make it more magenta", PLAIN), ("strongly greener", -MUCH)]),
    "saturation": ("saturation", [
        ("raise the saturation", PLAIN), ("reduce saturation", -PLAIN), ("more saturated please", PLAIN), ("boost the colours", PLAIN), ("slightly less saturated", -SLIGHT), ("saturate it", PLAIN), ("stronger colors", PLAIN), ("saturation down", -PLAIN),
        ("add 30% saturation", PLAIN * 0.7), ("deeper colours", PLAIN), ("duller colours", -PLAIN), ("very saturated", MUCH)]),
    "vibrance": ("vibrance", [
        ("make it more vibrant", PLAIN), ("give it more vibrance", PLAIN), ("boost the vibrance", PLAIN), ("vibrance +30", PLAIN), ("the colours should pop", PLAIN), ("a bit more vibrance", SLIGHT), ("drop the vibrance", -PLAIN), ("much more vibrance", MUCH),
        ("vibrant look", PLAIN), ("less vibrance please", -PLAIN), ("a lively picture", PLAIN), ("increase vibrancy", PLAIN)]),
    "fade": ("fade", [
        ("faded please", PLAIN), ("a vintage faded photo", PLAIN), ("matte look", PLAIN), ("apply a fade", PLAIN), ("more faded", PLAIN), ("washed out look", PLAIN), ("give it a retro look", PLAIN), ("a little fade", SLIGHT), ("make it vintage", PLAIN), ("fade the colours a bit", SLIGHT),
        ("heavily faded", MUCH), ("subtle fade please", SLIGHT)]),
    "sepia": ("sepia", [
        ("sepia", PLAIN), ("a sepia version", PLAIN), ("sepia toning please", PLAIN), ("put it in sepia", PLAIN), ("make a sepia print of it", PLAIN), ("sepia photo please", PLAIN), ("I'd love it in sepia", PLAIN), ("add sepia", PLAIN), ("apply the sepia effect", PLAIN), ("convert the image to sepia tones", PLAIN),
        ("transform it to sepia", PLAIN), ("give it sepia tones", PLAIN)]),
    "black_and_white": ("black_and_white", [
        ("black and white", 1), ("turn this photo black and white", 1), ("grayscale it", 1), ("make the image monochrome", 1), ("B&W conversion", 1), ("please remove all color", 1), ("in black and white please", 1), ("a grayscale picture", 1), ("turn it to black & white", 1), ("monochrome please", 1),
        ("convert the photo to black and white", 1), ("get rid of all the colour", 1)]),
    "invert": ("invert", [
        ("invert", 1), ("invert the picture's colours", 1), ("make it negative", 1), ("negative effect", 1), ("show the negative", 1), ("invert all the colours", 1), ("turn it into a negative please", 1), ("an inverted picture", 1), ("create a negative of the photo", 1), ("inverting the colors please", 1),
        ("apply color inversion", 1), ("photo negative", 1)]),
    "posterise": ("posterise", [
        ("posterise", 4), ("posterize the picture", 4), ("posterise it to 5 levels", 5), ("make it look posterised", 4), ("posterize to six levels", 6), ("apply posterization", 5), ("a posterised version", 4), ("posterise to 3 tones levels", 3), ("strongly posterised", 3), ("posterize with 4 levels", 4),
        ("give it a posterise effect", 5), ("posterized style please", 4)]),
    "sharpen": ("sharpen", [
        ("sharper", PLAIN), ("sharpen the image please", PLAIN), ("make the details crisper", PLAIN), ("a bit crisper", SLIGHT), ("raise the sharpness", PLAIN), ("it's too blurry", PLAIN), ("significantly sharper", MUCH), ("more sharpness please", PLAIN), ("add some sharpening", PLAIN), ("a crisp look", PLAIN), ("boost the detail", PLAIN),
        ("sharpen it a little", SLIGHT)]),
    "blur": ("blur", [
        ("blurry", PLAIN), ("blur this", PLAIN), ("make it softer", PLAIN), ("a light blur", SLIGHT), ("blur the image strongly", MUCH), ("soften everything", PLAIN), ("add blur", PLAIN), ("more blur", PLAIN), ("a dreamy look", PLAIN), ("make the photo blurred", PLAIN), ("gaussian blur please", PLAIN), ("slightly softer", SLIGHT)]),
    "denoise": ("denoise", [
        ("denoise please", PLAIN), ("noise reduction", PLAIN), ("reduce grain", PLAIN), ("remove the grain", PLAIN), ("make it less noisy", PLAIN), ("clean the noise up", PLAIN), ("less noise please", PLAIN), ("get rid of the noise", PLAIN), ("remove all noise", PLAIN), ("strip out the noise", PLAIN), ("it's too grainy, clean it up", PLAIN), ("suppress noise", PLAIN)]),
    "grain": ("grain", [
        ("grainy", PLAIN), ("add a bit of film grain", SLIGHT), ("more film grain", PLAIN), ("give it grain", PLAIN), ("add strong grain", MUCH), ("make the picture grainy", PLAIN), ("film grain", PLAIN), ("noisier", PLAIN), ("some grain please", PLAIN), ("light grain", SLIGHT), ("add a lot of film grain", MUCH), ("with a little grain", SLIGHT)]),
    "vignette": ("vignette", [
        ("vignette", PLAIN), ("add a soft vignette", SLIGHT), ("a dark vignette please", PLAIN), ("darken the edges of the photo", PLAIN), ("more vignette", PLAIN), ("strong vignetting", MUCH), ("make the corners of the picture darker", PLAIN), ("subtle vignetting", SLIGHT), ("add some vignette", PLAIN), ("darker corners please", PLAIN),
        ("apply a heavy vignette", MUCH), ("a slight vignette effect", SLIGHT)]),
}

HUES = [("rotate the hue by 50 degrees", 50), ("hue shift by 70 degrees", 70), ("shift the hues by 90°", 90), ("change the hue 40 degrees", 40), ("hue rotate 120 degrees", 120), ("turn all hues 60 degrees", 60), ("shift hue by 35 degrees", 35), ("rotate the hues 45 degrees", 45), ("a 100 degree hue shift", 100),
        ("hue 80 degrees", 80), ("move the hues by 55 degrees", 55), ("please shift the hue by 110 degrees", 110)]
TURNS = [("rotate right", 90), ("rotate the photo 90° left", -90), ("rotate 180", 180), ("rotate it by 10 degrees", 10), ("turn 90 degrees anticlockwise", -90), ("turn it upside-down", 180), ("rotate the image clockwise 15 degrees", 15), ("a quarter turn left", -90), ("rotate the picture to the right by 90 degrees", 90),
         ("rotate 20 degrees ccw", -20), ("turn the photo 90 degrees clockwise", 90), ("rotate by 14 degrees counterclockwise", -14)]
LEVELLING = ["straighten the photo", "level this", "fix the horizon", "straighten it out", "the horizon is crooked", "please fix the tilt", "make the picture straight", "level the horizon line please", "correct the tilted horizon", "straighten up", "it is crooked, straighten it", "straighten this image please"]
FLIPS = [("flip horizontally please", "h"), ("mirror it horizontally", "h"), ("flip the image vertically", "v"), ("mirror vertically", "v"), ("flip", "h"), ("a mirrored image", "h"), ("flip the picture upside down", "v"), ("flip it left-right", "h"), ("mirror the picture", "h"), ("reflect the image", "h"), ("flip this vertically", "v"), ("horizontally flip it", "h")]
CROPS = [("crop it to 4:3", 4 / 3), ("crop to a 16:9 ratio", 16 / 9), ("1:1 crop", 1), ("crop to square", 1), ("crop as 3:2", 1.5), ("crop the photo to 2:1", 2), ("aspect ratio 16:9", 16 / 9), ("crop to 4:5", 0.8), ("please crop to 5:4", 1.25), ("crop into a square", 1), ("9:16", 9 / 16), ("trim to 7:5", 1.4)]
RECOLOURS = [
    ("dahlia", "flower", "background", "colour the orange flower red", "red", "green"), ("pagoda", "sky", "greens", "sky to purple", "purple", "green"), ("astronaut", "suit", "background", "turn the orange suit green", "green", "purple"), ("coffee", "red", "top", "make the red mug purple", "purple", "green"),
    ("rocket", "sky", "bottom", "change the sky to teal", "teal", "red"), ("pagoda", "greens", "sky", "recolour the trees blue", "blue", "red"), ("dahlia", "flower", "background", "make the orange dahlia teal", "teal", "red"), ("officer", "blue", "bottom", "make the blue parts red", "red", "green"),
    ("astronaut", "suit", "background", "give the astronaut's orange suit a purple colour", "purple", "green"), ("coffee", "red", "top", "turn the red saucer blue", "blue", "green"), ("rocket", "sky", "bottom", "paint the sky orange", "orange", "green"), ("pagoda", "sky", "greens", "I'd like the sky yellow", "yellow", "purple"),
    ("dahlia", "flower", "background", "turn the orange petals green", "green", "purple"), ("pagoda", "greens", "sky", "make the plants purple", "purple", "yellow")]
TONED = [
    ("pagoda", "sky", "greens", "brighten the sky", "exposure_", PLAIN), ("dahlia", "background", "flower", "make the background brighter", "exposure_", PLAIN), ("rocket", "sky", "bottom", "darken the sky a lot", "exposure_", -MUCH), ("pagoda", "greens", "sky", "lighten the trees", "exposure_", PLAIN),
    ("dahlia", "background", "flower", "desaturate the backdrop", "saturation", -PLAIN * 1.6), ("dahlia", "background", "flower", "background in black and white", "black_and_white", 1), ("officer", "left", "right", "make the left half darker", "exposure_", -PLAIN), ("coffee", "right", "left", "lighten the right side", "exposure_", PLAIN),
    ("astronaut", "top", "bottom", "brighten the top", "exposure_", PLAIN), ("cat", "bottom", "top", "darken the bottom", "exposure_", -PLAIN), ("dahlia", "flower", "background", "brighten the orange flower", "exposure_", PLAIN), ("officer", "blue", "bottom", "make the blues more intense", "saturation", PLAIN),
    ("dahlia", "background", "flower", "make the background blurry", "blur", MUCH), ("rocket", "sky", "bottom", "less saturation in the sky", "saturation", -PLAIN * 1.5)]
COMPOUND = [
    ("warmer and brighter", [("warmth", PLAIN), ("exposure_", PLAIN)]), ("less contrast, more saturation", [("contrast", -PLAIN), ("saturation", PLAIN)]), ("make it cooler and darker", [("warmth", -PLAIN), ("exposure_", -PLAIN)]), ("sepia and grainy", [("sepia", PLAIN), ("grain", PLAIN)]),
    ("a bit brighter with a soft vignette", [("exposure_", SLIGHT), ("vignette", SLIGHT)]), ("more contrast, warmer, and sharper", [("contrast", PLAIN), ("warmth", PLAIN), ("sharpen", PLAIN)]), ("black and white and much more contrast", [("contrast", MUCH), ("black_and_white", 1)]),
    ("flip it horizontally and darken it", [("flip", 0), ("exposure_", -PLAIN)]), ("saturated and warm", [("saturation", PLAIN), ("warmth", PLAIN)]), ("faded, warmer", [("fade", PLAIN), ("warmth", PLAIN)]), ("increase the contrast; decrease the saturation", [("contrast", PLAIN), ("saturation", -PLAIN)]),
    ("brighten it, then sharpen it", [("exposure_", PLAIN), ("sharpen", PLAIN)]), ("rotate it 90 degrees clockwise and warm it up", [("rotate", 90), ("warmth", PLAIN)]), ("darker, with strong grain", [("exposure_", -PLAIN), ("grain", MUCH)])]
