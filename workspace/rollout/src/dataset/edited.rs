//! Which columns hold edited pictures, and which their source, by names that belong together.

use super::columns::{CLEAR_SOURCE, spelt};

/// Usual names that say of a picture that it was edited, the most exact first.
const IMAGES: [&str; 12] = [
    "edited_image",
    "edited_img",
    "target_image",
    "target_img",
    "output_image",
    "output_img",
    "after_image",
    "after_img",
    "result_image",
    "generated_image",
    "candidate_image",
    "edited_picture",
];
/// Usual names that may say it of other things too.
const WORDS: [&str; 7] = ["edited", "target", "output", "after", "result", "candidate", "generated"];
/// What such a name may end in.
const ENDINGS: [&str; 6] = ["", "_path", "_file", "_file_name", "_filename", "_url"];
/// Lists whose names are no plurals of those above.
const LISTS: [&str; 5] = ["paths_generated", "images_generated", "images_edited", "edited_paths", "output_paths"];
/// Two edited pictures, the first of them preferred or on the left.
const PAIRS: [(&str, &str); 14] = [
    ("edited_a", "edited_b"),
    ("edited_image_a", "edited_image_b"),
    ("winner_image", "loser_image"),
    ("winner_img", "loser_img"),
    ("win_image", "lose_image"),
    ("chosen_image", "rejected_image"),
    ("preferred_image", "rejected_image"),
    ("better_image", "worse_image"),
    ("left_output_image", "right_output_image"),
    ("winner", "loser"),
    ("chosen", "rejected"),
    ("preferred", "rejected"),
    ("better", "worse"),
    ("win", "lose"),
];
/// Names of a picture that is the edited one where another is said to be the one before.
const PLAIN: [&str; 3] = ["image", "img", "picture"];
/// Whole names of the picture before, where a plain one is the edited one: these beside [`CLEAR_SOURCE`].
const BEFORE: [&str; 5] = ["before_img", "before", "original", "input", "source"];
/// Whole names that stand for the two sides of an edit.
const SIDES: [(&str, &str); 4] =
    [("edited", "original"), ("target", "source"), ("output", "input"), ("after", "before")];
/// How names of an edited picture begin, and those of its source.
const EDITED: [&str; 6] = ["edited_", "target_", "output_", "after_", "result_", "generated_"];
const SOURCES: [&str; 5] = ["source_", "src_", "input_", "original_", "before_"];

/// The columns among these that hold edited pictures by their names: one, a list, a pair, or a numbered family.
pub(super) fn usual(names: &[String]) -> Option<Vec<String>> {
    let image = || IMAGES.iter().find_map(|stem| by_stem(names, stem));
    let list = || LISTS.iter().find_map(|name| spelt(names, name)).map(|name| vec![name]);
    let pair = || PAIRS.iter().find_map(|(first, second)| Some(vec![spelt(names, first)?, spelt(names, second)?]));
    // Beside two pictures that say what they are, a number is called so: in the tables that `run` writes, for one.
    let both = before(names).is_some() && plain(names).is_some();
    let is_number = |stem: &str| stem == "candidate" && both && spelt(names, stem).is_some();
    let word = || WORDS.iter().filter(|stem| !is_number(stem)).find_map(|stem| by_stem(names, stem));
    image().or_else(list).or_else(pair).or_else(word)
}

/// The picture before, by a name that says so.
pub(super) fn before(names: &[String]) -> Option<String> {
    CLEAR_SOURCE.iter().chain(&BEFORE).find_map(|name| spelt(names, name))
}

/// A plain picture, which is the edited one where another is said to be the one before.
pub(super) fn plain(names: &[String]) -> Option<Vec<String>> {
    PLAIN.iter().find_map(|stem| by_stem(names, stem))
}

/// The name of the picture before that is spelt as this one of the edited picture is, such as `input_path` beside
/// `output_path`.
pub(super) fn counterpart(names: &[String], edited: &str) -> Option<String> {
    let edited = edited.to_ascii_lowercase();
    if let Some((_, before)) = SIDES.iter().find(|(after, _)| *after == edited) {
        return spelt(names, before);
    }
    let rest = EDITED.iter().find_map(|start| edited.strip_prefix(start))?;
    SOURCES.iter().find_map(|start| spelt(names, &format!("{start}{rest}")))
}

/// One picture, numbered ones, or a list of them, of one stem.
fn by_stem(names: &[String], stem: &str) -> Option<Vec<String>> {
    let one = |ending: &str| spelt(names, &format!("{stem}{ending}"));
    let of_ending = |ending: &&str| {
        let (bare, numbered) = (one(ending), family(names, stem, ending));
        let from_start = numbered.len() > 1 && numbered.first().is_some_and(|(number, _)| *number < 2);
        // `output` beside `output_2` is the first; beside `output_1` and `output_2` it is something else.
        let bare = bare.filter(|_| !from_start);
        let all: Vec<String> = bare.into_iter().chain(numbered.into_iter().map(|(_, name)| name)).collect();
        (!all.is_empty()).then_some(all)
    };
    let list = |ending: &&str| spelt(names, &format!("{stem}{ending}s")).map(|name| vec![name]);
    ENDINGS.iter().find_map(of_ending).or_else(|| ENDINGS.iter().find_map(list))
}

/// Names of a stem with numbers, in the order of these: `candidate_1`, `candidate2`, `candidate_10_path`.
fn family(names: &[String], stem: &str, ending: &str) -> Vec<(u64, String)> {
    let numbered = names.iter().filter_map(|name| Some((number(name, stem, ending)?, name.clone())));
    let mut found: Vec<(u64, String)> = numbered.collect();
    found.sort();
    found
}

/// The number in `output_1_path` or `output_path_1`.
fn number(name: &str, stem: &str, ending: &str) -> Option<u64> {
    let name = name.to_ascii_lowercase();
    let rest = name.strip_prefix(stem)?;
    let digits = |rest: &str| {
        let digits = rest.strip_prefix(['_', '-', '.']).unwrap_or(rest);
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    };
    [rest.strip_suffix(ending), rest.strip_prefix(ending)].into_iter().flatten().find_map(digits)
}
