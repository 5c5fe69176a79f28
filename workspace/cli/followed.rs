//! Whether what was chosen follows the instruction, by what its own judges say of that alone.

use editscale_core::Score;
use editscale_engine::{Calibrated, CandidateRecord, RunRecord};

use crate::choice::Choice;

/// The part in which judges tell how far an instruction was followed.
const PART: &str = "instruction_following";

/// Of the range of a judge, the share from its low end that is hardly anything. `photometric` gives less than this to what cannot be
/// told from the source, and more to a change that can be seen, however timid.
const HARDLY: f64 = 0.125;

/// What is to be said of a choice that does hardly what was asked for; nothing of one that does, or where no judge tells.
pub(crate) fn hardly_followed(record: &RunRecord, choice: &Choice<'_>) -> Option<String> {
    let chosen = record.candidates.get(choice.chosen()?.id.0 as usize)?;
    let low: Vec<String> = low_parts(record, chosen).collect();
    (!low.is_empty()).then(|| {
        let low = low.join(", ");
        format!("the instruction was hardly followed ({low}): look at the picture before you use it")
    })
}

/// The measures of following that are low, with the names of their judges where there are several.
fn low_parts(record: &RunRecord, chosen: &CandidateRecord) -> impl Iterator<Item = String> {
    let rewards = &record.manifest.rewards;
    rewards.iter().filter_map(move |reward| {
        let said = chosen.card.iter().find(|(name, _)| name.as_str() == reward.name)?.1;
        let value = low_part(said.as_ref().ok()?, reward.range?)?;
        let of = if rewards.len() > 1 { format!("{}.", reward.name) } else { String::new() };
        Some(format!("{of}{PART} {value:.2}"))
    })
}

/// The measure, where it is low in the range of its score, which is also that of its parts. A calibrated score has another range than
/// its parts, so that nothing is known of these.
fn low_part(score: &Score, (low, high): (f64, f64)) -> Option<f64> {
    let value = score.part(PART).filter(|_| score.part(Calibrated::PART).is_none())?;
    let is_low = (low..low + HARDLY * (high - low)).contains(&value);
    is_low.then_some(value)
}

#[cfg(test)]
mod tests {
    use editscale_core::{Part, PartName};

    use super::*;

    #[test]
    fn what_is_low_goes_by_the_range_that_the_judge_declares() {
        let score = |part: &str, value: f64| {
            let part = Part::new(PartName::new(part).unwrap(), value, None).unwrap();
            Score::new(0.5).unwrap().with_parts(vec![part])
        };
        for (value, range, is_low) in [
            (0.0, (0.0, 1.0), true),
            (0.124, (0.0, 1.0), true),
            (0.125, (0.0, 1.0), false),
            (1.2, (0.0, 10.0), true),
            (2.0, (1.0, 5.0), false),
            (1.25, (1.0, 5.0), true),
            // Not of that range: on a scale of its own.
            (-2.0, (0.0, 1.0), false),
            (0.0, (f64::NEG_INFINITY, f64::INFINITY), false),
        ] {
            let found = low_part(&score(PART, value), range);
            assert_eq!(found, is_low.then_some(value), "{value} of {range:?}");
        }
        assert_eq!(low_part(&score("preservation", 0.0), (0.0, 1.0)), None);
    }

    #[test]
    fn a_calibrated_score_tells_nothing_of_its_parts() {
        let part = |name: &str| Part::new(PartName::new(name).unwrap(), 0.0, None).unwrap();
        let score = Score::new(3.0).unwrap().with_parts(vec![part(PART), part(Calibrated::PART)]);
        assert_eq!(low_part(&score, (0.0, 5.0)), None);
    }
}
