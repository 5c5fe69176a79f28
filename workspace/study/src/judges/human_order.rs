//! The order in which people put the candidates of one source, ties included.

use crate::StudyError;

/// Which of two is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Preference {
    /// The first.
    First,
    /// Neither.
    Tie,
    /// The second.
    Second,
}

impl Preference {
    /// What two numbers say, of which the larger is better: equal numbers are a tie.
    pub fn of(first: f64, second: f64) -> Preference {
        Preference::of_margin(first - second, 0.0)
    }

    /// What the first number less the second says: within `threshold` on both sides it is a tie.
    pub fn of_margin(margin: f64, threshold: f64) -> Preference {
        match margin {
            _ if margin.abs() <= threshold => Preference::Tie,
            _ if margin > 0.0 => Preference::First,
            _ => Preference::Second,
        }
    }

    /// The same of the two in the other order.
    #[must_use]
    pub fn turned(self) -> Preference {
        match self {
            Preference::First => Preference::Second,
            Preference::Tie => Preference::Tie,
            Preference::Second => Preference::First,
        }
    }
}

/// An order of candidates with ties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HumanOrder {
    /// The level of each candidate: 0 is best, equal levels are tied.
    levels: Vec<usize>,
}

impl HumanOrder {
    /// Reads `A>B`, `C>A=B`, `B<A` or `A=B=Good` for as many candidates as there are, A being the first.
    ///
    /// A word `Good` or `Bad` after an `=` says how good a tie is and is left out. Fails, naming the text, where a
    /// letter is missing, twice there or unknown, and where `>` and `<` are mixed.
    pub fn parse(text: &str, candidates: usize) -> Result<HumanOrder, StudyError> {
        let wrong = || StudyError::Ranking { text: text.to_owned(), candidates };
        let is_reversed = text.contains('<');
        if is_reversed && text.contains('>') {
            return Err(wrong());
        }
        let mut levels: Vec<Option<usize>> = vec![None; candidates];
        let tiers: Vec<&str> = text.split(['>', '<']).collect();
        for (tier, words) in tiers.iter().enumerate() {
            let level = if is_reversed { tiers.len() - 1 - tier } else { tier };
            for (place, word) in words.split('=').map(str::trim).enumerate() {
                if place > 0 && matches!(word, "Good" | "Bad") {
                    continue;
                }
                let slot = candidate(word).and_then(|index| levels.get_mut(index)).ok_or_else(wrong)?;
                if slot.replace(level).is_some() {
                    return Err(wrong());
                }
            }
        }
        let levels: Option<Vec<usize>> = levels.into_iter().collect();
        levels.map(|levels| HumanOrder { levels }).ok_or_else(wrong)
    }

    /// The order that ratings make, of which the larger is better.
    pub fn from_ratings(ratings: &[f64]) -> Result<HumanOrder, StudyError> {
        crate::check(ratings)?;
        let above = |rating: f64| ratings.iter().filter(|other| **other > rating).count();
        Ok(HumanOrder { levels: ratings.iter().map(|rating| above(*rating)).collect() })
    }

    /// The order that verdicts on all pairs make, each `(i, j, what people said of i and j)`.
    ///
    /// Fails where a candidate is unknown, a pair is missing or judged twice over differently, and where the verdicts
    /// are no order, such as A>B, B>C, C>A or A=B, B=C, A>C.
    pub fn from_pairs(candidates: usize, verdicts: &[(usize, usize, Preference)]) -> Result<HumanOrder, StudyError> {
        let mut wins = vec![0.0; candidates];
        for (i, j, said) in verdicts {
            let [first, second] = match said {
                Preference::First => [1.0, 0.0],
                Preference::Tie => [0.5, 0.5],
                Preference::Second => [0.0, 1.0],
            };
            *wins.get_mut(*i).ok_or(StudyError::NoOrder { candidates })? += first;
            *wins.get_mut(*j).ok_or(StudyError::NoOrder { candidates })? += second;
        }
        let order = HumanOrder::from_ratings(&wins)?;
        let agrees = verdicts.iter().all(|(i, j, said)| i != j && order.preference(*i, *j) == Some(*said));
        let mut seen: Vec<(usize, usize)> = verdicts.iter().map(|(i, j, _)| (*i.min(j), *i.max(j))).collect();
        seen.sort_unstable();
        seen.dedup();
        // Once each: a pair counted twice would shift the wins of the two against the others.
        let is_whole = seen.len() == verdicts.len() && seen.len() == candidates * candidates.saturating_sub(1) / 2;
        if agrees && is_whole { Ok(order) } else { Err(StudyError::NoOrder { candidates }) }
    }

    /// How many candidates it orders.
    pub fn candidates(&self) -> usize {
        self.levels.len()
    }

    /// What people said of candidates i and j, from 0; `None` where one of them is not there.
    pub fn preference(&self, i: usize, j: usize) -> Option<Preference> {
        let (first, second) = (self.levels.get(i)?, self.levels.get(j)?);
        Some(match first.cmp(second) {
            std::cmp::Ordering::Less => Preference::First,
            std::cmp::Ordering::Equal => Preference::Tie,
            std::cmp::Ordering::Greater => Preference::Second,
        })
    }

    /// Whether some candidates are tied.
    pub fn has_ties(&self) -> bool {
        let mut levels = self.levels.clone();
        levels.sort_unstable();
        levels.windows(2).any(|two| two[0] == two[1])
    }
}

/// The place of a letter in the alphabet, from 0.
pub(super) fn candidate(word: &str) -> Option<usize> {
    match word.as_bytes() {
        [letter @ b'A'..=b'Z'] => Some(usize::from(letter - b'A')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Preference::{First, Second, Tie};

    fn signs(text: &str, candidates: usize) -> Option<Vec<Preference>> {
        let order = HumanOrder::parse(text, candidates).ok()?;
        let pairs = (0..candidates).flat_map(|i| (i + 1..candidates).map(move |j| (i, j)));
        pairs.map(|(i, j)| order.preference(i, j)).collect()
    }

    #[test]
    fn orders_are_read() {
        for (text, candidates, expected) in [
            ("A>B", 2, Some(vec![First])),
            ("A<B", 2, Some(vec![Second])),
            ("B>A", 2, Some(vec![Second])),
            ("A=B", 2, Some(vec![Tie])),
            ("A=B=Good", 2, Some(vec![Tie])),
            ("A = B = Bad", 2, Some(vec![Tie])),
            ("C>A>B", 3, Some(vec![First, Second, Second])),
            ("A<B<C", 3, Some(vec![Second, Second, Second])),
            ("A>B=C", 3, Some(vec![First, First, Tie])),
            ("A>B", 3, None),
            ("A>A", 2, None),
            ("A>B<C", 3, None),
            ("A>D>B", 3, None),
            ("Good=A>B", 2, None),
            ("", 0, None),
        ] {
            assert_eq!(signs(text, candidates), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_name_the_text() {
        let mistake = HumanOrder::parse("A>Z", 2).unwrap_err();
        assert_eq!(
            mistake.to_string(),
            "the ranking \"A>Z\": expected each of the letters A to B once, with > and = or < and = between"
        );
    }

    #[test]
    fn verdicts_on_pairs_make_an_order() {
        let order = HumanOrder::from_pairs(3, &[(0, 1, Second), (2, 0, Tie), (1, 2, First)]).unwrap();
        assert_eq!(order, HumanOrder::from_ratings(&[1.0, 2.0, 1.0]).unwrap());
        let wrong = Err(StudyError::NoOrder { candidates: 3 });
        for verdicts in [
            vec![(0, 1, First), (1, 2, First), (2, 0, First)],
            vec![(0, 1, Tie), (1, 2, Tie), (0, 2, First)],
            vec![(0, 1, First), (1, 2, First)],
            vec![(0, 1, First), (0, 1, First), (1, 2, First), (0, 2, First)],
            vec![(0, 1, First), (1, 2, First), (0, 3, First)],
            vec![(0, 1, First), (1, 2, First), (0, 2, First), (0, 0, Tie)],
        ] {
            assert_eq!(HumanOrder::from_pairs(3, &verdicts), wrong, "{verdicts:?}");
        }
    }

    #[test]
    fn ties_are_known() {
        assert!(HumanOrder::parse("A>B=C", 3).unwrap().has_ties());
        assert!(!HumanOrder::parse("A>C>B", 3).unwrap().has_ties());
    }
}
