//! Strict ranking accuracy: a group of candidates counts only where its whole order is right.

use super::{HumanOrder, Preference, PublishedOrder, StrictOrder};
use crate::order::ascending;
use crate::{Share, StudyError, check};

/// The candidates of one source: their scores, and what people said in whatever form.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredGroup<H> {
    /// One score a candidate.
    pub scores: Vec<f64>,
    /// The order of people.
    pub human: H,
}

/// Strict accuracy: the share of groups in which the judge says of every pair what people say, a margin of at most
/// `threshold` being a tie.
///
/// With people's ties and a threshold it is what the published scripts ask of language models that judge pairs: all
/// verdicts of a group right (`inference_{2,3,4}pair_hf.py`). Without them, equal scores are no order, so such a group
/// is wrong. Fails on a group whose numbers of scores and candidates differ, on one without candidates and on scores
/// that are not finite.
pub fn strict_accuracy(groups: &[ScoredGroup<HumanOrder>], threshold: f64) -> Result<Share, StudyError> {
    let mut share = Share::default();
    for group in groups {
        check_group(&group.scores, group.human.candidates())?;
        share.count(is_right(group, threshold));
    }
    Ok(share)
}

fn is_right(group: &ScoredGroup<HumanOrder>, threshold: f64) -> bool {
    let scores = &group.scores;
    let mut pairs = (0..scores.len()).flat_map(|i| (i + 1..scores.len()).map(move |j| (i, j)));
    pairs.all(|(i, j)| group.human.preference(i, j) == Some(Preference::of_margin(scores[i] - scores[j], threshold)))
}

/// Strict accuracy as published (`evaluate_edit_reward_bench`), whose `threshold` is the one that
/// `best_threshold` tunes on the pairs of the same file for two candidates, and 0 for more.
///
/// Its quirks: the threshold makes a tie of people right, and never makes a preference wrong, so that scores within it
/// count as both; equal scores are put in an order of their own (`strict_order_as_published`), so that a constant judge
/// is right wherever the last candidates are best; rankings are read as `PublishedOrder` says. Fails as
/// `strict_accuracy` does.
pub fn strict_accuracy_as_published(
    groups: &[ScoredGroup<PublishedOrder>],
    threshold: f64,
) -> Result<Share, StudyError> {
    let mut share = Share::default();
    for group in groups {
        check_group(&group.scores, group.human.candidates())?;
        share.count(match group.human.strict() {
            StrictOrder::Never => false,
            StrictOrder::Tie => (group.scores[0] - group.scores.get(1).unwrap_or(&f64::NAN)).abs() <= threshold,
            StrictOrder::Best(order) => order == strict_order_as_published(&group.scores),
        });
    }
    Ok(share)
}

/// The numbers of the candidates, best first, as `numpy.argsort(scores)[::-1]` gives them: of equal scores the later
/// candidate comes first. That holds for numpy's insertion sort, which it uses for up to 16 numbers; its vector sorts
/// promise no order of equals.
pub fn strict_order_as_published(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| ascending(scores[*a], scores[*b]));
    order.reverse();
    order
}

fn check_group(scores: &[f64], candidates: usize) -> Result<(), StudyError> {
    check(scores)?;
    if scores.len() == candidates {
        return Ok(());
    }
    Err(StudyError::Unequal { left: scores.len(), right: candidates })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rightly(list: &[(&[f64], &str)]) -> Vec<ScoredGroup<HumanOrder>> {
        let group = |(scores, text): &(&[f64], &str)| ScoredGroup {
            scores: scores.to_vec(),
            human: HumanOrder::parse(text, scores.len()).unwrap(),
        };
        list.iter().map(group).collect()
    }

    fn published(list: &[(&[f64], &str)]) -> Vec<ScoredGroup<PublishedOrder>> {
        let group = |(scores, text): &(&[f64], &str)| ScoredGroup {
            scores: scores.to_vec(),
            human: PublishedOrder::new(*text, scores.len()),
        };
        list.iter().map(group).collect()
    }

    const GROUPS: [(&[f64], &str); 8] = [
        (&[2.0, 1.0], "A>B"),
        // Within a threshold of 0.5, yet right as published.
        (&[1.0, 1.25], "B>A"),
        // Equal scores: the later candidate comes first as published.
        (&[1.0, 1.0], "B>A"),
        (&[1.0, 1.0], "A>B"),
        (&[1.0, 1.5], "A=B=Good"),
        (&[1.0, 1.0], "A=B"),
        (&[1.0, 3.0, 2.0], "B>C>A"),
        (&[1.0, 3.0, 2.0], "B>A>C"),
    ];

    #[test]
    fn values_worked_out_by_hand() {
        let right = rightly(&GROUPS);
        // At 0: groups 1, 2, 6 and 7. At 0.5: groups 1, 5, 6 and 7.
        assert_eq!(strict_accuracy(&right, 0.0), Ok(Share { hits: 4, of: 8 }));
        assert_eq!(strict_accuracy(&right, 0.5), Ok(Share { hits: 4, of: 8 }));
        let quirky = published(&GROUPS);
        // At 0: 1, 2, 3 and 7; at 0.5 the tie of group 5 too. `A=B` is never right.
        assert_eq!(strict_accuracy_as_published(&quirky, 0.0), Ok(Share { hits: 4, of: 8 }));
        assert_eq!(strict_accuracy_as_published(&quirky, 0.5), Ok(Share { hits: 5, of: 8 }));
    }

    #[test]
    fn equal_scores_are_turned_around() {
        assert_eq!(strict_order_as_published(&[1.0, 2.0, 1.0, 2.0]), [3, 1, 2, 0]);
        assert_eq!(strict_order_as_published(&[0.0, -0.0]), [1, 0]);
    }

    #[test]
    fn bad_groups_are_named() {
        let group = ScoredGroup { scores: vec![1.0], human: HumanOrder::parse("A>B", 2).unwrap() };
        assert_eq!(strict_accuracy(&[group], 0.0), Err(StudyError::Unequal { left: 1, right: 2 }));
        let group = ScoredGroup { scores: vec![], human: PublishedOrder::new("", 0) };
        assert_eq!(strict_accuracy_as_published(&[group], 0.0), Err(StudyError::Empty));
    }

    proptest! {
        #[test]
        fn without_ties_both_say_the_same(
            order in Just(vec![0, 1, 2, 3]).prop_shuffle(), scores in Just(vec![-2.0, 0.1, 3.0, 9.0]).prop_shuffle()
        ) {
            let letters: Vec<String> = order.iter().map(|index| char::from(b'A' + *index).to_string()).collect();
            let text = letters.join(">");
            let human = HumanOrder::parse(&text, 4).unwrap();
            let right = strict_accuracy(&[ScoredGroup { scores: scores.clone(), human }], 0.0).unwrap();
            let human = PublishedOrder::new(text, 4);
            let quirky = strict_accuracy_as_published(&[ScoredGroup { scores: scores.clone(), human }], 0.0).unwrap();
            prop_assert_eq!(right, quirky);
            // What is monotone in the scores changes nothing.
            let bent: Vec<f64> = scores.iter().map(|score| score.exp()).collect();
            let human = HumanOrder::from_ratings(&bent).unwrap();
            prop_assert_eq!(strict_accuracy(&[ScoredGroup { scores, human }], 0.0).unwrap(), Share { hits: 1, of: 1 });
        }
    }
}
