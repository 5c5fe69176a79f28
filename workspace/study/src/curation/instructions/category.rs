//! The usual kinds of edits, by the words of English instructions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use super::normalise::normalised;

/// What kind of edit an instruction asks for: the kinds that GEdit-Bench and `ImgEdit` count by, and what is none of
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EditCategory {
    /// Something new in the picture.
    Add,
    /// Something taken out.
    Remove,
    /// One thing for another.
    Replace,
    /// What is behind the subject.
    Background,
    /// The colour of a thing.
    Colour,
    /// What a thing is made of.
    Material,
    /// How a picture is made: painted, drawn, as another artist would.
    Style,
    /// Written words.
    Text,
    /// Pose, expression and movement.
    Motion,
    /// Faces, skin and hair.
    Portrait,
    /// Light, weather, season, and values of the whole picture.
    Tone,
    /// Size, place, crop and view.
    Layout,
    /// None of them, or not in English.
    Other,
}

use EditCategory::{
    Add, Background, Colour, Layout, Material, Motion, Other, Portrait, Remove, Replace, Style, Text, Tone,
};

/// A place, not a thing that is edited.
const PLACES: &str = "in the background, in background, from the background, on the background, to the background";

/// Words that decide, parted by commas, in the order in which they are looked for: what is said outright before what is
/// only hinted at.
const RULES: [(EditCategory, &str); 10] = [
    (
        Text,
        "quoted, text, texts, word, words, letter, letters, lettering, caption, slogan, headline, font, spelling, \
         typography",
    ),
    (Background, "background, backdrop, scenery behind, behind the subject"),
    (
        Remove,
        "remove, removing, delete, erase, eliminate, get rid of, take away, take out, take off, wipe out, \
         clear away, clean up",
    ),
    (
        Add,
        "add, adding, insert, put, place, include, draw, attach, introduce, have it wear, let him wear, \
         let her wear",
    ),
    (Replace, "replace, swap, substitute, exchange"),
    (
        Style,
        "style, stylize, stylise, painting, watercolor, watercolour, sketch, drawing, cartoon, anime, manga, \
         comic, ghibli, pixel art, impressionist, cubist, origami, lego, claymation, illustration, van gogh, \
         ukiyo, line art, 0d render, render as",
    ),
    (
        Portrait,
        "skin, face, wrinkles, acne, freckles, makeup, lipstick, hair, hairstyle, haircut, beard, moustache, \
         mustache, teeth, older, younger, retouch, slimmer, thinner, bald",
    ),
    (
        Motion,
        "pose, posture, jump, jumping, raise, raising, wave, waving, smile, smiling, sit, sitting, stand, \
         standing, walk, walking, run, running, dance, dancing, lie down, lying, look at, looking at, \
         turn his head, turn her head, wink, hug, open its, open his, open her, close its, close his, close her, \
         fly, flying, action, gesture, expression, crying, laugh, laughing",
    ),
    (
        Layout,
        "crop, zoom, rotate, flip, mirror, move, resize, enlarge, shrink, bigger, larger, smaller, taller, \
         shorter, shift, expand, outpaint, uncrop, viewpoint, perspective, angle, center, centre, closer, camera",
    ),
    (
        Tone,
        "brightness, brighter, brighten, darker, darken, contrast, exposure, saturation, lighting, backlight, \
         sunset, sunrise, dusk, dawn, night, nighttime, daytime, golden hour, winter, summer, autumn, spring, \
         snow, snowy, snowing, rain, rainy, raining, fog, foggy, cloudy, sunny, weather, season, tone, tones, \
         warmer, cooler, vintage, sepia, black and white, grayscale, monochrome, hdr, sharpen, sharper, blur, \
         dehaze, denoise, filter",
    ),
];

/// What a thing can be made of.
const MATERIALS: &str = "wood, wooden, metal, metallic, marble, glass, leather, gold, silver, stone, plastic, velvet, \
    wool, knitted, ceramic, porcelain, crystal, ice, bronze, copper, concrete, brick, paper, fur";

const COLOURS: &str = "red, green, blue, yellow, orange, purple, violet, pink, brown, black, white, grey, gray, \
    cyan, magenta, turquoise, teal, beige, maroon, navy, golden, lavender";

impl EditCategory {
    /// All of them, in order.
    pub const ALL: [EditCategory; 13] =
        [Add, Remove, Replace, Background, Colour, Material, Style, Text, Motion, Portrait, Tone, Layout, Other];

    /// What an instruction asks for: the first rule that its words meet. Rules know words and no grammar, so that a
    /// category is good for strata of many rows and not for one row; instructions in other languages are `Other`.
    pub fn of(instruction: &str) -> EditCategory {
        let mut text = format!(" {} ", normalised(instruction));
        for place in PLACES.split(", ") {
            if says(&text, place) {
                text = text.replace(&format!(" {place} "), " ");
            }
        }
        let met = first_rule(&text).and_then(|rule| RULES.get(rule));
        met.map_or_else(|| EditCategory::of_change(&text), |(category, _)| *category)
    }

    /// What is changed into what: a material, a colour, or another thing.
    fn of_change(text: &str) -> EditCategory {
        let last = text.split_whitespace().next_back().unwrap_or_default();
        let ends_with_any = |words: &str| words.split(", ").any(|word| word == last);
        if says_any(text, "material, made of, made from, texture") || ends_with_any(MATERIALS) {
            Material
        } else if says_any(text, "color, colour, colors, colours, recolor, paint, dye, tint") || ends_with_any(COLOURS)
        {
            Colour
        } else if says_any(text, "change, turn, transform, convert, make, modify") && says_any(text, "to, into") {
            Replace
        } else {
            Other
        }
    }

    /// The name, as columns and reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Add => "add",
            Remove => "remove",
            Replace => "replace",
            Background => "background",
            Colour => "colour",
            Material => "material",
            Style => "style",
            Text => "text",
            Motion => "motion",
            Portrait => "portrait",
            Tone => "tone",
            Layout => "layout",
            Other => "other",
        }
    }
}

impl fmt::Display for EditCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn says_any(text: &str, words: &str) -> bool {
    words.split(", ").any(|words| says(text, words))
}

/// The first rule of which any words stand in a text that begins and ends with a space. Words are looked up by their first
/// one, so that a text is read once, whatever the number of rules.
fn first_rule(text: &str) -> Option<usize> {
    static BY_FIRST_WORD: LazyLock<BTreeMap<&str, Vec<(usize, &str)>>> = LazyLock::new(|| {
        let mut by_first: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
        for (rule, words) in
            RULES.iter().enumerate().flat_map(|(rule, (_, all))| all.split(", ").map(move |words| (rule, words)))
        {
            by_first.entry(words.split(' ').next().unwrap_or(words)).or_default().push((rule, words));
        }
        by_first
    });
    let starts = text.match_indices(' ').filter_map(|(at, _)| text.get(at + 1..));
    let met = starts.filter_map(|rest| {
        let begun = BY_FIRST_WORD.get(rest.split(' ').next()?)?;
        let stands = |words: &str| rest.strip_prefix(words).is_some_and(|after| after.starts_with(' '));
        begun.iter().filter(|(_, words)| stands(words)).map(|(rule, _)| *rule).min()
    });
    met.min()
}

/// Whether these whole words stand in a text that begins and ends with a space.
fn says(text: &str, words: &str) -> bool {
    let is_space = |at: usize| text.as_bytes().get(at) == Some(&b' ');
    text.match_indices(words).any(|(at, _)| at.checked_sub(1).is_some_and(is_space) && is_space(at + words.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_of_every_kind() {
        for (instruction, expected) in [
            ("Add a green bowl on the branch", Add),
            ("Put a hat on the dog", Add),
            ("Add a tree in the background", Add),
            ("Remove the man on the left", Remove),
            ("Please get rid of the trash can in the background.", Remove),
            ("Replace the apple with a pear", Replace),
            ("Change the dog into a cat", Replace),
            ("Change the background to a beach", Background),
            ("Remove the background", Background),
            ("Make the car red", Colour),
            ("Change the color of the dress", Colour),
            ("Turn the statue into gold", Material),
            ("Make the table look like it is made of marble", Material),
            ("Turn it into a watercolor painting", Style),
            ("Convert this photo to Ghibli style", Style),
            ("Change \"OPEN\" to \"CLOSED\"", Text),
            ("Delete the word on the sign", Text),
            ("Make the woman smile", Motion),
            ("Let the cat look at the camera", Motion),
            ("Smooth her skin", Portrait),
            ("Give him a beard", Portrait),
            ("Make it a snowy winter day", Tone),
            ("Increase the brightness by 20%", Tone),
            ("Zoom out and show the whole house", Layout),
            ("Make the red car bigger", Layout),
            ("Surprise me", Other),
            ("把背景换成海滩", Other),
            ("", Other),
        ] {
            assert_eq!(EditCategory::of(instruction), expected, "{instruction}");
        }
    }

    #[test]
    fn names_are_distinct() {
        let mut names = EditCategory::ALL.map(EditCategory::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 13);
        assert_eq!(EditCategory::Colour.to_string(), "colour");
    }

    #[test]
    fn every_rule_can_be_met() {
        let lists = RULES.iter().map(|(_, words)| *words).chain([PLACES, MATERIALS, COLOURS]);
        for words in lists.flat_map(|words| words.split(", ")) {
            assert_eq!(words, normalised(words), "the text is looked at in this form");
        }
    }
}
