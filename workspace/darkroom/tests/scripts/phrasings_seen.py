"""The first held-out phrasings, which the reader of instructions has since been mended with: (instruction, signed strength or parameter)."""

SLIGHT, PLAIN, MUCH = 0.5, 1.0, 1.8
FIRST = 3

GLOBAL = {
    "exposure": ("exposure_", [
        ("this is far too dark, lighten it", PLAIN), ("turn the brightness down a notch", -PLAIN), ("please brighten my photo", PLAIN), ("could the image be a lot brighter?", MUCH),
        ("decrease exposure", -PLAIN), ("slightly darker please", -SLIGHT), ("increase the light in this picture", PLAIN), ("make the photo less bright", -PLAIN),
        ("bump up the exposure a little", SLIGHT), ("+0.5 EV", PLAIN), ("I need it brighter", PLAIN), ("15% darker", -PLAIN * 0.7)]),
    "contrast": ("contrast", [
        ("higher contrast", PLAIN), ("the image needs more contrast", PLAIN), ("drop the contrast", -PLAIN), ("contrast way up", MUCH), ("a tad more contrast please", SLIGHT),
        ("make it more dramatic", PLAIN), ("tone down the contrast", -PLAIN), ("add a little contrast", SLIGHT), ("less contrast", -PLAIN), ("25% more contrast", PLAIN),
        ("increase the contrast considerably", MUCH), ("enhance the contrast", PLAIN)]),
    "highlights": ("highlights", [
        ("reduce highlights", -PLAIN), ("bring the highlights down a bit", -SLIGHT), ("highlights are too bright", -PLAIN), ("increase the highlights", PLAIN), ("push the highlights up", PLAIN),
        ("dial back the highlights", -PLAIN), ("much lower highlights", -MUCH), ("lighter highlights please", PLAIN), ("decrease the highlights", -PLAIN), ("boost highlights", PLAIN),
        ("turn down the highlights", -PLAIN), ("soften the highlights", -PLAIN)]),
    "shadows": ("shadows", [
        ("boost the shadows", PLAIN), ("make shadows brighter", PLAIN), ("increase shadows a bit", SLIGHT), ("the shadows are too dark", PLAIN), ("darker shadows please", -PLAIN),
        ("reduce the shadows", -PLAIN), ("lift up the shadows", PLAIN), ("a lot more light in the shadows", MUCH), ("raise shadows by 30%", PLAIN), ("drop the shadows", -PLAIN),
        ("brighter shadows", PLAIN), ("pull up the shadows slightly", SLIGHT)]),
    "warmth": ("warmth", [
        ("make the picture warmer please", PLAIN), ("add warmth", PLAIN), ("cooler white balance", -PLAIN), ("a warmer feel", PLAIN), ("reduce the warmth a little", -SLIGHT), ("much cooler", -MUCH),
        ("give it a cosy warm look", PLAIN), ("make it look colder", -PLAIN), ("increase temperature", PLAIN), ("less blue please", PLAIN), ("the colours are too cool", PLAIN), ("bluer overall", -PLAIN)]),
    "tint": ("tint", [
        ("slightly more magenta", SLIGHT), ("add a green tint", -PLAIN), ("remove the magenta tint", -PLAIN), ("shift it to magenta", PLAIN), ("a greener look", -PLAIN), ("neutralise the green cast", PLAIN),
        ("magenta tint please", PLAIN), ("push the tint to green", -PLAIN), ("more green overall", -PLAIN), ("there is a green cast, remove it", PLAIN), ("tint towards magenta", PLAIN), ("less magenta", -PLAIN)]),
    "saturation": ("saturation", [
        ("more saturation", PLAIN), ("increase saturation by 25%", PLAIN), ("desaturate the image", -PLAIN), ("less saturated colours", -PLAIN), ("make the colours richer", PLAIN), ("a lot more colourful", MUCH),
        ("tone down the colors a bit", -SLIGHT), ("intensify the colours", PLAIN), ("muted colours please", -PLAIN), ("bring up the saturation", PLAIN), ("colours should be more vivid", PLAIN), ("-25% saturation", -PLAIN * 0.6)]),
    "vibrance": ("vibrance", [
        ("bump the vibrance", PLAIN), ("vibrant colours please", PLAIN), ("more vibrance", PLAIN), ("lower vibrance", -PLAIN), ("slightly more vibrant", SLIGHT), ("make the colors really pop", PLAIN),
        ("turn up the vibrance", PLAIN), ("much more vibrant colours", MUCH), ("decrease the vibrance", -PLAIN), ("add some vibrancy", PLAIN), ("raise the vibrance a little", SLIGHT), ("livelier colours", PLAIN)]),
    "fade": ("fade", [
        ("add a fade effect", PLAIN), ("make it faded", PLAIN), ("vintage look please", PLAIN), ("a matte look", PLAIN), ("retro style", PLAIN), ("slightly faded", SLIGHT), ("fade the picture", PLAIN),
        ("I'd like it washed out", PLAIN), ("increase the fade", PLAIN), ("a faded vintage feel", PLAIN), ("give it a matte fade", PLAIN), ("very faded", MUCH)]),
    "sepia": ("sepia", [
        ("make it sepia", PLAIN), ("sepia tone it", PLAIN), ("give the photo a sepia look", PLAIN), ("a classic sepia photo", PLAIN), ("apply sepia", PLAIN), ("sepia filter", PLAIN), ("turn the picture sepia", PLAIN),
        ("use a sepia tone", PLAIN), ("sepia effect please", PLAIN), ("change it to sepia", PLAIN), ("I want a sepia print", PLAIN), ("sepia everything", PLAIN)]),
    "black_and_white": ("black_and_white", [
        ("make this black and white", 1), ("b/w", 1), ("convert to monochrome", 1), ("take the colour out", 1), ("a black-and-white version please", 1), ("go monochrome", 1), ("turn it grayscale", 1),
        ("remove the color", 1), ("render it in black and white", 1), ("BW please", 1), ("no colour at all", 1), ("change the picture to greyscale", 1)]),
    "invert": ("invert", [
        ("invert the image", 1), ("invert colors", 1), ("make the photo a negative", 1), ("inverted colours please", 1), ("please invert", 1), ("convert it to a negative", 1), ("a colour negative", 1),
        ("flip the colours to their negative", 1), ("apply inversion", 1), ("inverted version", 1), ("turn this into a negative image", 1), ("invert everything", 1)]),
    "posterise": ("posterise", [
        ("posterise the image", 4), ("posterize to 5 levels", 5), ("add a posterize effect", 4), ("4 level posterisation", 4), ("posterise with six levels", 6), ("make it posterised", 5), ("posterize this", 4),
        ("heavily posterised", 3), ("posterise it to 3 levels", 3), ("a posterized look please", 4), ("posterization with 4 steps", 4), ("apply posterisation", 5)]),
    "sharpen": ("sharpen", [
        ("sharpen this photo", PLAIN), ("make it crisp", PLAIN), ("increase the sharpness a bit", SLIGHT), ("sharper details please", PLAIN), ("more crispness", PLAIN), ("enhance the detail", PLAIN), ("a lot sharper", MUCH),
        ("it's a bit blurry, sharpen it", PLAIN), ("boost sharpness", PLAIN), ("crisp it up", PLAIN), ("sharpen everything slightly", SLIGHT), ("add definition", PLAIN)]),
    "blur": ("blur", [
        ("blur the photo", PLAIN), ("softer please", PLAIN), ("slightly blurred", SLIGHT), ("apply a strong blur", MUCH), ("make it soft", PLAIN), ("a blurry version", PLAIN), ("add a soft blur", SLIGHT), ("increase blur", PLAIN),
        ("heavily blurred", MUCH), ("throw it out of focus", PLAIN), ("blur everything", PLAIN), ("a gentle blur", SLIGHT)]),
    "denoise": ("denoise", [
        ("remove the noise", PLAIN), ("noise reduction please", PLAIN), ("clean up the grain", PLAIN), ("less grain", PLAIN), ("denoise the picture", PLAIN), ("reduce graininess", PLAIN), ("take out the noise", PLAIN), ("smooth the noise", PLAIN),
        ("lower the noise", PLAIN), ("the shot is too grainy", PLAIN), ("eliminate the noise", PLAIN), ("decrease noise", PLAIN)]),
    "grain": ("grain", [
        ("add grain", PLAIN), ("film grain please", PLAIN), ("some subtle film grain", SLIGHT), ("make this grainier", PLAIN), ("a lot of grain", MUCH), ("increase the noise", PLAIN), ("gritty film grain", PLAIN), ("add noise", PLAIN),
        ("grainy look", PLAIN), ("apply film grain effect", PLAIN), ("with heavy grain", MUCH), ("a touch of film grain", SLIGHT)]),
    "vignette": ("vignette", [
        ("vignette please", PLAIN), ("apply a vignette", PLAIN), ("slight vignette", SLIGHT), ("make the edges darker", PLAIN), ("a strong dark vignette", MUCH), ("darken the edges", PLAIN), ("give it a vignette effect", PLAIN),
        ("with a soft vignette", SLIGHT), ("dark corners", PLAIN), ("increase the vignette", PLAIN), ("darken the borders", PLAIN), ("a heavy vignette", MUCH)]),
}

HUES = [("hue shift 45 degrees", 45), ("rotate the hue by 60°", 60), ("shift the hue 90 degrees", 90), ("turn the hue by 35 degrees", 35), ("change the hues by 70 degrees", 70), ("rotate hues 100 degrees", 100), ("hue +55", 55),
        ("shift all hues by 40 degrees", 40), ("a hue rotation of 120 degrees", 120), ("move hues 80 degrees", 80), ("increase the hue by 50 degrees", 50), ("rotate the colours' hue by 65 degrees", 65)]
TURNS = [("rotate it clockwise by 90 degrees", 90), ("rotate left", -90), ("upside down please", 180), ("rotate 12 degrees to the right", 12), ("turn the image 180 degrees", 180), ("rotate counterclockwise 90 degrees", -90),
         ("rotate it 25 degrees counterclockwise", -25), ("quarter turn clockwise", 90), ("tilt it 10 degrees to the left", -10), ("rotate by 90°", 90), ("put it upside down", 180), ("rotate 18 degrees clockwise", 18)]
LEVELLING = ["straighten the horizon", "straighten", "please level the picture", "fix the crooked horizon", "make it level", "the picture is tilted, please straighten it", "auto straighten", "correct the horizon", "straighten my photo",
             "level the photo", "could you straighten it", "fix the slanted horizon"]
FLIPS = [("mirror", "h"), ("flip it", "h"), ("flip the picture horizontally", "h"), ("vertical mirror", "v"), ("flip it top to bottom", "v"), ("mirror the photo horizontally", "h"), ("turn it into its mirror image", "h"), ("flip vertically please", "v"),
         ("flip left to right", "h"), ("mirrored version", "h"), ("upside-down flip", "v"), ("horizontally mirrored", "h")]
CROPS = [("crop to 3:2", 1.5), ("square crop", 1), ("crop this to 16:9", 16 / 9), ("make the aspect ratio 4:3", 4 / 3), ("crop to 1:1", 1), ("crop to portrait 4:5", 0.8), ("change the aspect ratio to 2:1", 2), ("crop it square please", 1), ("crop to 5:3", 5 / 3),
         ("a 16x9 crop", 16 / 9), ("crop to 3:4", 0.75), ("crop it to a widescreen format", 16 / 9)]
RECOLOURS = [
    ("dahlia", "flower", "background", "turn the orange flower purple", "purple", "green"), ("pagoda", "sky", "greens", "make the sky purple", "purple", "green"), ("astronaut", "suit", "background", "make the orange suit blue", "blue", "green"),
    ("coffee", "red", "top", "change the red cup to green", "green", "purple"), ("rocket", "sky", "bottom", "color the sky red", "red", "green"), ("pagoda", "greens", "sky", "make the trees orange", "orange", "blue"),
    ("dahlia", "flower", "background", "change the colour of the orange flower to red", "red", "teal"), ("officer", "blue", "bottom", "turn the blue areas purple", "purple", "green"), ("astronaut", "suit", "background", "paint the orange suit teal", "teal", "purple"),
    ("coffee", "red", "top", "please recolour the red plate to blue", "blue", "green"), ("rocket", "sky", "bottom", "make the sky green", "green", "red"), ("pagoda", "sky", "greens", "change the sky to yellow", "yellow", "purple"),
    ("dahlia", "flower", "background", "the orange flower should be pink", "pink", "blue"), ("pagoda", "greens", "sky", "turn the leaves purple", "purple", "orange")]
TONED = [
    ("pagoda", "sky", "greens", "make the sky darker", "exposure_", -PLAIN * 1.3), ("dahlia", "background", "flower", "brighten the background", "exposure_", PLAIN), ("rocket", "sky", "bottom", "lighten the sky a bit", "exposure_", PLAIN * 0.7),
    ("pagoda", "greens", "sky", "darken the greenery", "exposure_", -PLAIN), ("dahlia", "background", "flower", "make the background less saturated", "saturation", -PLAIN * 1.4), ("dahlia", "background", "flower", "turn the background black and white", "black_and_white", 1),
    ("officer", "right", "left", "darken the right side", "exposure_", -PLAIN), ("coffee", "left", "right", "brighten the left half", "exposure_", PLAIN), ("astronaut", "bottom", "top", "darken the bottom half", "exposure_", -PLAIN),
    ("cat", "top", "bottom", "make the upper half brighter", "exposure_", PLAIN), ("dahlia", "flower", "background", "darken the orange flower", "exposure_", -PLAIN), ("officer", "blue", "bottom", "boost the blues", "saturation", PLAIN),
    ("dahlia", "background", "flower", "strongly blur the background", "blur", MUCH), ("rocket", "sky", "bottom", "desaturate the sky", "saturation", -PLAIN * 1.5)]
COMPOUND = [
    ("brighter, warmer and a bit more contrast", [("exposure_", PLAIN), ("warmth", PLAIN), ("contrast", SLIGHT)]), ("darker with a vignette", [("exposure_", -PLAIN), ("vignette", PLAIN)]), ("more contrast and less saturation", [("contrast", PLAIN), ("saturation", -PLAIN)]),
    ("black and white, high contrast", [("contrast", PLAIN), ("black_and_white", 1)]), ("cooler, then add grain", [("warmth", -PLAIN), ("grain", PLAIN)]), ("sharpen and brighten", [("sharpen", PLAIN), ("exposure_", PLAIN)]),
    ("mirror it and make it warmer", [("flip", 0), ("warmth", PLAIN)]), ("sepia, slightly darker", [("sepia", PLAIN), ("exposure_", -SLIGHT)]), ("faded, with a slight vignette", [("fade", PLAIN), ("vignette", SLIGHT)]),
    ("increase saturation and lift the shadows", [("saturation", PLAIN), ("shadows", PLAIN)]), ("a little warmer and much more saturated", [("warmth", SLIGHT), ("saturation", MUCH)]), ("make it brighter, please, and give it more contrast", [("exposure_", PLAIN), ("contrast", PLAIN)]),
    ("turn it 90 degrees to the right, and darken it", [("rotate", 90), ("exposure_", -PLAIN)]), ("monochrome with a strong vignette", [("black_and_white", 1), ("vignette", MUCH)])]
