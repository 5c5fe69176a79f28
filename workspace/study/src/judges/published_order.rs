//! How published code reads a ranking: its rules word by word, mistakes included.

use super::human_order::candidate;
use super::{HumanOrder, Preference};

/// What `get_gt_ranking` of the published code makes of a ranking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StrictOrder {
    /// The numbers of the candidates, best first.
    Best(Vec<usize>),
    /// A tie of two: right where the scores lie within the threshold.
    Tie,
    /// Not understood: such a group is never right, and counts all the same.
    Never,
}

/// One ranking as `get_pairwise_gt` and `get_gt_ranking` of `eval_bench.py` read it.
///
/// * Two candidates: `A>B`, `B>A`, `A<B`, `A=B=Good` and `A=B=Bad` are understood. `A=B`, which is how the shipped rows
///   write a tie, counts as A preferred in pairs and is never right as a group.
/// * More: letters count by their places in the text, whatever stands between, so `A<B<C` reads as `A>B>C`, and `A>B=C`
///   has B preferred to C in pairs and is never right as a group.
/// * A letter that is missing makes its pairs ties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedOrder {
    text: String,
    candidates: usize,
}

impl PublishedOrder {
    /// Takes any text: the published code refuses none.
    pub fn new(text: impl Into<String>, candidates: usize) -> PublishedOrder {
        PublishedOrder { text: text.into(), candidates }
    }

    /// What the code takes people to have said of candidates i and j, where i comes before j.
    pub fn preference(&self, i: usize, j: usize) -> Preference {
        match self.text.as_str() {
            "A>B" => Preference::First,
            "B>A" | "A<B" => Preference::Second,
            "A=B=Good" | "A=B=Bad" => Preference::Tie,
            text => match (place(text, i), place(text, j)) {
                (Some(first), Some(second)) if first < second => Preference::First,
                (Some(_), Some(_)) => Preference::Second,
                _ => Preference::Tie,
            },
        }
    }

    /// What the code holds the order of scores against.
    pub fn strict(&self) -> StrictOrder {
        match self.text.as_str() {
            "A=B=Good" | "A=B=Bad" => StrictOrder::Tie,
            "A>B" => StrictOrder::Best(vec![0, 1]),
            "B>A" | "A<B" => StrictOrder::Best(vec![1, 0]),
            text if text.contains('=') => StrictOrder::Never,
            text => self.letters(text).map_or(StrictOrder::Never, StrictOrder::Best),
        }
    }

    /// How many candidates the group has.
    pub fn candidates(&self) -> usize {
        self.candidates
    }

    /// The same ranking read rightly, where it can be.
    pub fn rightly(&self) -> Result<HumanOrder, crate::StudyError> {
        HumanOrder::parse(&self.text, self.candidates)
    }

    fn letters(&self, text: &str) -> Option<Vec<usize>> {
        let bare = text.replace(['>', '<'], "");
        let letters: Option<Vec<usize>> = bare.chars().map(|letter| candidate(&letter.to_string())).collect();
        letters.filter(|letters| letters.len() == self.candidates)
    }
}

fn place(text: &str, index: usize) -> Option<usize> {
    let letter = u8::try_from(index).ok().and_then(|index| b'A'.checked_add(index))?;
    text.find(char::from(letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Preference::{First, Second, Tie};

    #[test]
    fn two_candidates() {
        for (text, pair, strict) in [
            ("A>B", First, StrictOrder::Best(vec![0, 1])),
            ("A<B", Second, StrictOrder::Best(vec![1, 0])),
            ("A=B=Bad", Tie, StrictOrder::Tie),
            ("A=B", First, StrictOrder::Never),
            ("B=A", Second, StrictOrder::Never),
            ("", Tie, StrictOrder::Never),
        ] {
            let order = PublishedOrder::new(text, 2);
            assert_eq!((order.preference(0, 1), order.strict()), (pair, strict), "{text}");
        }
    }

    #[test]
    fn more_candidates_count_by_their_places() {
        let order = PublishedOrder::new("C>A>B", 3);
        assert_eq!([order.preference(0, 1), order.preference(0, 2), order.preference(1, 2)], [First, Second, Second]);
        assert_eq!(order.strict(), StrictOrder::Best(vec![2, 0, 1]));
        // Against its meaning.
        assert_eq!(PublishedOrder::new("A<B<C", 3).strict(), StrictOrder::Best(vec![0, 1, 2]));
        let tied = PublishedOrder::new("A>B=C", 3);
        assert_eq!((tied.preference(1, 2), tied.strict()), (First, StrictOrder::Never));
        assert_eq!(tied.rightly().unwrap().preference(1, 2), Some(Tie));
        assert_eq!(PublishedOrder::new("A>B", 3).preference(0, 2), First, "the two-way words come first");
        assert_eq!(PublishedOrder::new("A>C", 3).preference(0, 1), Tie);
    }
}
