//! What is said about an edit, by how much of it was done.
//!
//! Of a quantity the measured change is held against the expected one; their ratio is what was done of it. A repair asks for
//! the difference. A new instruction for the source asks for as much more or less as would have made the ratio 1, if the
//! editor does alike with like seeds. A number is kept more nearly than a word, and a word leaves the editor more to chance:
//! where the attempt was made by a word, only a part of the way is asked for by the first number.
//!
//! Before there is an attempt, nothing is measured: words of amount become the numbers that they stand for.

use editscale_core::Canvas;

use crate::language::{instruct, is_same, read};
use crate::operations::{multiple_of_plain, share_of_plain};
use crate::photometric::{Assessment, EditAssessment};
use crate::plan::{Amount, Change, Direction, Edit, Plan, Quantity};

/// A quantity is as asked for within this factor.
const TOLERANCE: f64 = 1.12;

/// Anything but a quantity is done from this on.
const DONE: f64 = 0.7;

/// The power of the luck that the darkroom leaves to a number, where a word has all of it.
const LUCK_OF_NUMBERS: f64 = 0.4;

/// The most and the least by which an amount is changed at once.
const STEPS: (f64, f64) = (0.35, 2.5);

/// The amounts that are asked for, as multiples of the plain one.
const MULTIPLES: (f32, f32) = (0.06, 4.0);

/// What an attempt is judged by.
pub(super) struct Case<'a> {
    /// The request's instruction.
    pub(super) request: &'a str,
    /// Its reading.
    pub(super) asked: &'a Plan,
    /// The reading of what the editor was told.
    pub(super) told: &'a Plan,
    /// What was measured.
    pub(super) assessment: &'a Assessment,
}

/// What is written.
pub(super) struct Written {
    pub(super) text: String,
    pub(super) instruction: Option<String>,
    pub(super) satisfied: bool,
}

impl Case<'_> {
    pub(super) fn write(&self, canvas: Canvas) -> Written {
        let pairs = || self.asked.edits.iter().zip(&self.assessment.edits);
        let text = pairs().map(|(edit, found)| remark(edit, found)).collect::<Vec<_>>().join(" ");
        let satisfied = pairs().all(|(_, found)| is_met(found));
        let instruction = match canvas {
            _ if satisfied => None,
            Canvas::Source => Some(self.again()),
            Canvas::Candidate => self.repair(),
        };
        Written { text, instruction, satisfied }
    }

    /// All that was asked for, with other amounts; as it was where some of it cannot be put into words.
    fn again(&self) -> String {
        let pairs = self.asked.edits.iter().zip(&self.assessment.edits);
        let edits: Vec<Edit> = pairs.map(|(edit, found)| self.changed(edit, found)).collect();
        self.in_words(&edits).unwrap_or_else(|| self.request.to_owned())
    }

    /// An edit with the amount that would have done.
    fn changed(&self, edit: &Edit, found: &EditAssessment) -> Edit {
        let (Change::Adjust { quantity, direction, .. }, Some(ratio)) = (edit.change, ratio(found)) else {
            return edit.clone();
        };
        let amount = self.told_amount(edit);
        if is_met(found) {
            return Edit { change: Change::Adjust { quantity, direction, amount }, ..edit.clone() };
        }
        let is_word = !matches!(amount, Amount::Share(_) | Amount::Stops(_));
        let wanted = if ratio > 0.05 { 1.0 / ratio } else { f64::INFINITY };
        let factor = wanted.powf(if is_word { LUCK_OF_NUMBERS } else { 1.0 }).clamp(STEPS.0, STEPS.1);
        let multiple = multiple_of_plain(quantity, amount) * factor as f32;
        Edit { change: in_percent(quantity, direction, multiple), ..edit.clone() }
    }

    /// The amount of an edit that the editor was told of.
    fn told_amount(&self, edit: &Edit) -> Amount {
        let amount_of = |other: &Edit| match (edit.change, other.change) {
            (
                Change::Adjust { quantity, direction, .. },
                Change::Adjust { quantity: as_quantity, direction: as_direction, amount },
            ) if (quantity, direction) == (as_quantity, as_direction) && edit.region == other.region => Some(amount),
            _ => None,
        };
        let own = amount_of(edit).unwrap_or(Amount::Plain);
        self.told.edits.iter().find_map(amount_of).unwrap_or(own)
    }

    /// What is left to be done to the picture; nothing where all that is left cannot be.
    fn repair(&self) -> Option<String> {
        let pairs = self.asked.edits.iter().zip(&self.assessment.edits);
        let edits: Vec<Edit> = pairs.filter_map(|(edit, found)| repaired(edit, found)).collect();
        if edits.is_empty() { None } else { self.in_words(&edits) }
    }

    fn in_words(&self, edits: &[Edit]) -> Option<String> {
        in_words(self.request, edits)
    }
}

/// What is asked for by words of amount, asked for by numbers; no instruction where some of it cannot be put into words, or nothing
/// is left to be said in numbers.
pub(super) fn in_numbers(request: &str, asked: &Plan) -> Written {
    let edits: Vec<Edit> = asked.edits.iter().map(by_number).collect();
    let is_news = edits.iter().zip(&asked.edits).any(|(new, old)| new.change != old.change);
    let instruction = is_news.then(|| in_words(request, &edits)).flatten();
    let read = asked.edits.iter().filter_map(|edit| request.get(edit.words.clone())).collect::<Vec<_>>().join("`, `");
    let missed: Vec<String> = asked.not_understood.iter().map(|part| format!(" Left out: `{}`.", part.text)).collect();
    Written { text: format!("Read: `{read}`.{}", missed.concat()), instruction, satisfied: false }
}

fn by_number(edit: &Edit) -> Edit {
    match edit.change {
        Change::Adjust { amount: Amount::Share(_) | Amount::Stops(_), .. } => edit.clone(),
        Change::Adjust { quantity, direction, amount } => {
            Edit { change: in_percent(quantity, direction, multiple_of_plain(quantity, amount)), ..edit.clone() }
        }
        _ => edit.clone(),
    }
}

/// Edits as one instruction that is read back as these; `request` is what they were read from.
fn in_words(request: &str, edits: &[Edit]) -> Option<String> {
    let phrase = |edit: &Edit| instruct(edit, request.get(edit.words.clone()));
    let phrases: Vec<String> = edits.iter().map(phrase).collect::<Option<_>>()?;
    [", ", ". "].into_iter().map(|between| phrases.join(between)).find(|text| {
        let plan = read(text);
        let is_whole = plan.not_understood.is_empty() && plan.edits.len() == edits.len();
        is_whole && plan.edits.iter().zip(edits).all(|(one, other)| is_same(one, other))
    })
}

/// The difference between what was asked for and what was done.
fn repaired(edit: &Edit, found: &EditAssessment) -> Option<Edit> {
    if is_met(found) {
        return None;
    }
    match (edit.change, ratio(found)) {
        (Change::Adjust { quantity, direction, amount }, Some(ratio)) => {
            let missing = 1.0 - ratio;
            if missing < 0.0 && !goes_both_ways(quantity) {
                return None;
            }
            let direction = if missing < 0.0 { direction.opposite() } else { direction };
            let multiple = multiple_of_plain(quantity, amount) * missing.abs() as f32;
            Some(Edit { change: in_percent(quantity, direction, multiple), ..edit.clone() })
        }
        // What moves the frame would move it once more.
        (change, _) if change.moves_the_frame() => None,
        _ => Some(edit.clone()),
    }
}

/// Whether too much of a quantity can be taken back.
fn goes_both_ways(quantity: Quantity) -> bool {
    !matches!(quantity, Quantity::Sharpness | Quantity::Blur | Quantity::Denoise | Quantity::Grain | Quantity::Sepia)
}

/// In whole percent, so that it is what it is written as.
fn in_percent(quantity: Quantity, direction: Direction, multiple: f32) -> Change {
    let share = share_of_plain(quantity, multiple.clamp(MULTIPLES.0, MULTIPLES.1));
    let amount = Amount::Share((share * 100.0).round().max(1.0) / 100.0);
    Change::Adjust { quantity, direction, amount }
}

/// What was done of a quantity: 1 is all of it, below 0 the opposite.
fn ratio(found: &EditAssessment) -> Option<f64> {
    let ratio = found.measured / found.expected?;
    ratio.is_finite().then_some(ratio)
}

fn is_met(found: &EditAssessment) -> bool {
    match ratio(found) {
        Some(ratio) => (1.0 / TOLERANCE..=TOLERANCE).contains(&ratio),
        None => found.score >= DONE,
    }
}

fn remark(edit: &Edit, found: &EditAssessment) -> String {
    let asked = &found.asked;
    match ratio(found) {
        Some(_) if is_met(found) => format!("As asked: {asked}."),
        Some(ratio) if ratio < -0.05 => format!("Went the wrong way: {asked}."),
        Some(ratio) if ratio < 1.0 => format!("Too little, {:.0}% of it: {asked}.", ratio.max(0.0) * 100.0),
        Some(ratio) => format!("Too much, {:.0}% of it: {asked}.", (ratio * 100.0).min(999.0)),
        None if is_met(found) => format!("Done: {asked}."),
        None if edit.change.moves_the_frame() => format!("The frame is not as asked: {asked}."),
        None => format!("Not done, or not there: {asked}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(measured: f64, expected: f64) -> EditAssessment {
        EditAssessment { asked: "more contrast".to_owned(), measured, expected: Some(expected), score: 0.5 }
    }

    fn write(request: &str, told: &str, edits: Vec<EditAssessment>, canvas: Canvas) -> Written {
        let assessment =
            Assessment { score: 0.5, instruction_following: 0.5, preservation: 1.0, visual_quality: 1.0, edits };
        let case = Case { request, asked: &read(request), told: &read(told), assessment: &assessment };
        case.write(canvas)
    }

    #[test]
    fn too_little_is_asked_for_again_as_more_and_too_much_as_less() {
        let again = |request: &str, told: &str, ratio: f64| {
            write(request, told, vec![found(0.2 * ratio, 0.2)], Canvas::Source).instruction
        };
        assert_eq!(again("more contrast", "more contrast", 1.05), None);
        // Plain contrast is 30%; of a word a part of the way is asked for, of a number all of it.
        assert_eq!(again("more contrast", "more contrast", 0.5).as_deref(), Some("increase the contrast by 40%"));
        let half = again("more contrast", "increase the contrast by 40%", 0.5);
        assert_eq!(half.as_deref(), Some("increase the contrast by 80%"));
        let twice = again("more contrast", "increase the contrast by 40%", 2.0);
        assert_eq!(twice.as_deref(), Some("increase the contrast by 20%"));
        assert_eq!(
            again("more contrast", "increase the contrast by 10%", -3.0).as_deref(),
            Some("increase the contrast by 25%")
        );
    }

    #[test]
    fn a_repair_asks_for_the_difference_or_for_nothing() {
        let repair = |request: &str, ratio: f64| {
            write(request, request, vec![found(0.2 * ratio, 0.2)], Canvas::Candidate).instruction
        };
        assert_eq!(repair("more contrast", 0.5).as_deref(), Some("increase the contrast by 15%"));
        assert_eq!(repair("more contrast", 1.5).as_deref(), Some("reduce the contrast by 15%"));
        assert_eq!(repair("add film grain", 2.0), None, "grain cannot be taken back");
    }

    #[test]
    fn words_of_amount_become_the_numbers_that_they_stand_for() {
        for (request, instruction) in [
            ("more contrast", Some("increase the contrast by 30%")),
            ("much more contrast", Some("increase the contrast by 54%")),
            ("increase the contrast by 20%", None),
            ("make it black and white", None),
        ] {
            let written = in_numbers(request, &read(request));
            assert_eq!((written.instruction.as_deref(), written.satisfied), (instruction, false), "{request}");
        }
        let request = "much more contrast and make it black and white, and remove the car";
        let written = in_numbers(request, &read(request));
        let plan = read(written.instruction.as_deref().unwrap());
        assert!(plan.not_understood.is_empty() && !read(request).not_understood.is_empty(), "{plan:?}");
        assert_eq!((plan.edits[1].change, plan.edits.len()), (Change::BlackAndWhite, 2));
        assert!(written.text.starts_with("Read: `") && written.text.contains("Left out: `"), "{}", written.text);
    }

    #[test]
    fn what_is_right_stays_as_it_was_said() {
        let request = "brighten the sky and make it black and white";
        let sky = found(0.2, 0.5);
        let colours = EditAssessment { expected: None, score: 1.0, ..found(0.0, 1.0) };
        let written = write(request, request, vec![sky.clone(), colours.clone()], Canvas::Source);
        let plan = read(written.instruction.as_deref().unwrap());
        assert_eq!((plan.edits.len(), plan.edits[1].change), (2, Change::BlackAndWhite));
        let repair = write(request, request, vec![sky, colours], Canvas::Candidate).instruction.unwrap();
        assert_eq!(read(&repair).edits.len(), 1, "{repair}");
    }
}
