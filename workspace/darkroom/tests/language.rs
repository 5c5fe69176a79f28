//! What instructions are read as, in a short notation: `quantity+` and `quantity-` for more and less, `!`/`~` for much and slightly,
//! `@` before the region, `?…?` around what is not understood.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

use editscale_darkroom::language::read;
use editscale_darkroom::plan::{Amount, Axis, Change, Direction, Edit, Plan, Region};

fn amount(amount: Amount) -> String {
    match amount {
        Amount::Slight => "~".to_owned(),
        Amount::Plain => String::new(),
        Amount::Strong => "!".to_owned(),
        Amount::Extreme => "!!".to_owned(),
        Amount::Share(share) => format!("{:.0}%", share * 100.0),
        Amount::Stops(stops) => format!("{stops:.1}ev"),
    }
}

fn region(region: &Region) -> String {
    if region.is_everywhere() {
        return String::new();
    }
    let mut parts = Vec::new();
    parts.extend(region.colour.map(|colour| format!("{colour:?}")));
    parts.extend(region.subject.map(|subject| format!("{subject:?}")));
    parts.extend(region.position.map(|position| format!("{position:?}")));
    parts.extend(region.tone.map(|tone| format!("{tone:?}")));
    format!("@{}{}", if region.inverted { "not:" } else { "" }, parts.join(".")).to_lowercase()
}

fn edit(edit: &Edit) -> String {
    let change = match edit.change {
        Change::Adjust { quantity, direction, amount: size } => {
            let sign = if direction == Direction::More { '+' } else { '-' };
            format!("{quantity:?}{sign}{}", amount(size))
        }
        Change::Hue { degrees } => format!("hue{degrees:?}").replace("Some", "").replace("None", ""),
        Change::BlackAndWhite => "bw".to_owned(),
        Change::Invert => "invert".to_owned(),
        Change::Posterise { levels } => format!("posterise{levels:?}").replace("Some", "").replace("None", ""),
        Change::Recolour { to, amount: size } => format!("to-{to:?}{}", amount(size)),
        Change::Rotate { degrees } => format!("rotate{degrees:.0}"),
        Change::Straighten => "straighten".to_owned(),
        Change::Flip(Axis::Horizontal) => "mirror".to_owned(),
        Change::Flip(Axis::Vertical) => "flip".to_owned(),
        Change::Crop { aspect } => format!("crop{}:{}", aspect.width, aspect.height),
    };
    change.to_lowercase() + &region(&edit.region)
}

fn told(plan: &Plan) -> String {
    let edits = plan.edits.iter().map(edit);
    let missed = plan.not_understood.iter().map(|fragment| format!("?{}?", fragment.text));
    edits.chain(missed).collect::<Vec<String>>().join(" ")
}

const CASES: &str = include_str!("language.txt");

#[test]
fn instructions_are_read_as_expected() {
    let cases = CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let split = |line: &'static str| line.rsplit_once(" => ").unwrap_or_else(|| panic!("no ` => ` in {line:?}"));
    let misses: Vec<String> = cases
        .map(split)
        .filter(|(instruction, expected)| told(&read(&instruction.replace("\\n", "\n"))) != expected.trim())
        .map(|(instruction, expected)| {
            format!("{instruction}\n  read {}\n  want {}", told(&read(instruction)), expected.trim())
        })
        .collect();
    assert!(misses.is_empty(), "{} misread:\n{}", misses.len(), misses.join("\n"));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,80}") {
        let plan = read(&text);
        for words in plan.edits.iter().map(|edit| &edit.words).chain(plan.not_understood.iter().map(|each| &each.words)) {
            proptest::prop_assert!(text.get(words.clone()).is_some(), "{:?} of {:?}", words, text);
        }
    }

    #[test]
    fn words_of_the_lexicon_in_any_order_are_read_without_panic(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "brighter", "the", "red", "flowers", "blue", "less", "20%", "and", "not", "crop", "4:5", "rotate", "90", "degrees",
                "left", "sky", "remove", "grain", "except", "it", "corners", "half", "a", "stop", "soft", "contrast", "hat", ",", "too",
                "add", "border", "1200x800", "dark", "around", "the rest", "landscape", "horizon", "to", "put", "keep", "colour", "mirror", "much", "no",
            ]),
            0..12,
        )
    ) {
        read(&words.join(" "));
    }
}

#[test]
fn long_texts_take_time_in_proportion() {
    let text = "a little warmer, not the background, ".repeat(3000);
    assert!(!read(&text).edits.is_empty());
}

#[test]
fn a_plan_is_bounded_and_says_what_it_leaves_out() {
    let many =
        |between: &str| (1..200).map(|share| format!("{share}% brighter")).collect::<Vec<String>>().join(between);
    for text in [many(", "), many(" ")] {
        let plan = read(&text);
        assert_eq!(plan.edits.len(), 32);
        assert!(!plan.not_understood.is_empty());
    }
}

#[test]
fn things_that_are_guessed_at_are_named() {
    let guessed = |text: &str| read(text).guessed.into_iter().map(|fragment| fragment.text).collect::<Vec<String>>();
    assert_eq!(guessed("warmer, and paint the wall green"), ["paint the wall green"]);
    assert!(guessed("make the red cup blue and the cat brighter, then mirror the building").is_empty());
}
