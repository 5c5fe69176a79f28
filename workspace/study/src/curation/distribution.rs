//! How scores are distributed, with examples.

use std::collections::BTreeMap;

use super::{Ranked, quantile};
use crate::StudyError;

/// Counts of scores in bins of equal width: streaming, 8 bytes a bin.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// The lower end of the first bin.
    pub low: f64,
    /// The upper end of the last bin.
    pub high: f64,
    /// How many scores each bin has; a bin has its lower end, and the last one its upper end too.
    pub counts: Vec<u64>,
    /// Scores below the first bin.
    pub below: u64,
    /// Scores above the last bin.
    pub above: u64,
}

impl Histogram {
    /// Empty bins; no bins are taken for one. Fails where an end is not finite, and where the upper is below the lower.
    /// Where they are the same, the first bin takes that score.
    pub fn new(low: f64, high: f64, bins: usize) -> Result<Histogram, StudyError> {
        crate::check(&[low, high])?;
        if high < low {
            return Err(StudyError::Range { low, high });
        }
        Ok(Histogram { low, high, counts: vec![0; bins.max(1)], below: 0, above: 0 })
    }

    /// Counts one more score; one that is no number is not counted.
    pub fn count(&mut self, score: f64) {
        let bins = self.counts.len();
        let share = (score - self.low) / (self.high - self.low);
        let bin = if score == self.low { 0 } else { ((share * bins as f64) as usize).min(bins - 1) };
        *match score {
            _ if score < self.low => &mut self.below,
            _ if score > self.high => &mut self.above,
            _ if score.is_nan() => return,
            _ => &mut self.counts[bin],
        } += 1;
    }
}

/// A tenth of the rows, in ascending order of score.
#[derive(Debug, Clone, PartialEq)]
pub struct Decile {
    /// Its lowest score.
    pub low: f64,
    /// Its highest score.
    pub high: f64,
    /// How many rows it has.
    pub rows: usize,
    /// Some of its rows, evenly spread from its lowest to its highest.
    pub examples: Vec<Ranked>,
}

/// How the scores of a set of rows are distributed.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// How many rows.
    pub rows: usize,
    /// Their mean score.
    pub mean: f64,
    /// The standard deviation, with n − 1; 0 for one row.
    pub deviation: f64,
    /// The lowest score, the quartiles and the highest, with lines between scores.
    pub quartiles: [f64; 5],
    /// Tenths of the rows, lowest first; fewer where there are fewer than ten rows.
    pub deciles: Vec<Decile>,
}

impl Distribution {
    /// Describes rows, with up to `examples` rows of each tenth. Needs all rows of the stratum at once, 16 bytes each,
    /// and sorts them. Fails without rows and on scores that are not finite.
    pub fn of(mut rows: Vec<Ranked>, examples: usize) -> Result<Distribution, StudyError> {
        rows.iter().try_for_each(Ranked::check)?;
        // Best first is how rows are ordered.
        rows.sort_unstable_by(|a, b| b.cmp(a));
        let scores: Vec<f64> = rows.iter().map(|ranked| ranked.score).collect();
        let (mean, deviation) = moments(&scores)?;
        let mut quartiles = [0.0; 5];
        for (quarter, at) in quartiles.iter_mut().enumerate() {
            *at = quantile(&scores, quarter as f64 / 4.0)?;
        }
        let deciles = (0..10).filter_map(|tenth| decile(&rows, tenth, examples)).collect();
        Ok(Distribution { rows: rows.len(), mean, deviation, quartiles, deciles })
    }

    /// The same rows' scores in `bins` bins from the lowest to the highest score.
    pub fn histogram(&self, scores: impl IntoIterator<Item = f64>, bins: usize) -> Result<Histogram, StudyError> {
        let [low, .., high] = self.quartiles;
        let mut histogram = Histogram::new(low, high, bins)?;
        scores.into_iter().for_each(|score| histogram.count(score));
        Ok(histogram)
    }
}

/// Describes the rows of each stratum. Keeps 16 bytes a row. Fails as `Distribution::of` does.
pub fn distributions<K: Ord>(
    rows: impl IntoIterator<Item = (K, Ranked)>,
    examples: usize,
) -> Result<BTreeMap<K, Distribution>, StudyError> {
    let mut strata: BTreeMap<K, Vec<Ranked>> = BTreeMap::new();
    rows.into_iter().for_each(|(stratum, ranked)| strata.entry(stratum).or_default().push(ranked));
    strata.into_iter().map(|(stratum, rows)| Ok((stratum, Distribution::of(rows, examples)?))).collect()
}

fn moments(scores: &[f64]) -> Result<(f64, f64), StudyError> {
    crate::check(scores)?;
    let n = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let squares = scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>();
    Ok((mean, (squares / (n - 1.0).max(1.0)).sqrt()))
}

/// Tenth number `tenth` of rows in ascending order; `None` where it has none.
fn decile(ascending: &[Ranked], tenth: usize, examples: usize) -> Option<Decile> {
    let edge = |tenth: usize| ascending.len() * tenth / 10;
    let rows = ascending.get(edge(tenth)..edge(tenth + 1))?;
    let (first, last) = (rows.first()?, rows.last()?);
    let wanted = examples.min(rows.len());
    // One example is the middle one; more reach from end to end.
    let place = |index: usize| match wanted {
        1 => rows.len() / 2,
        _ => index * (rows.len() - 1) / (wanted - 1),
    };
    let examples = (0..wanted).map(|index| rows[place(index)]).collect();
    Some(Decile { low: first.score, high: last.score, rows: rows.len(), examples })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(scores: impl IntoIterator<Item = f64>) -> Vec<Ranked> {
        (0..).zip(scores).map(|(row, score)| Ranked { row, score }).collect()
    }

    #[test]
    fn a_small_set_worked_out_by_hand() {
        let found = Distribution::of(rows([4.0, 1.0, 3.0, 2.0]), 1).unwrap();
        assert_eq!((found.rows, found.mean, found.quartiles), (4, 2.5, [1.0, 1.75, 2.5, 3.25, 4.0]));
        assert!((found.deviation - (5.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        let tenths: Vec<(f64, u64)> = found.deciles.iter().map(|decile| (decile.low, decile.examples[0].row)).collect();
        assert_eq!(tenths, [(1.0, 1), (2.0, 3), (3.0, 2), (4.0, 0)]);
        let one = Distribution::of(rows([7.0]), 3).unwrap();
        assert_eq!((one.deviation, one.deciles.len(), one.deciles[0].examples.len()), (0.0, 1, 1));
        assert_eq!(Distribution::of(vec![], 1), Err(StudyError::Empty));
    }

    #[test]
    fn tenths_have_examples_from_end_to_end() {
        let found = Distribution::of(rows((0..100).map(f64::from)), 3).unwrap();
        let seventh = &found.deciles[6];
        assert_eq!((seventh.low, seventh.high, seventh.rows), (60.0, 69.0, 10));
        assert_eq!(seventh.examples.iter().map(|ranked| ranked.row).collect::<Vec<_>>(), [60, 64, 69]);
        assert_eq!(found.deciles.iter().map(|decile| decile.rows).sum::<usize>(), 100);
    }

    #[test]
    fn strata_are_described_apart() {
        let strata = rows([1.0, 2.0, 30.0]).into_iter().map(|ranked| (ranked.score > 9.0, ranked));
        let found = distributions(strata, 2).unwrap();
        assert_eq!(
            found.values().map(|stratum| (stratum.rows, stratum.mean)).collect::<Vec<_>>(),
            [(2, 1.5), (1, 30.0)]
        );
    }

    #[test]
    fn bins_have_their_lower_ends() {
        let mut histogram = Histogram::new(0.0, 1.0, 4).unwrap();
        for score in [0.0, 0.2, 0.25, 0.5, 0.99, 1.0, -0.1, 1.1, f64::NAN] {
            histogram.count(score);
        }
        assert_eq!((histogram.counts, histogram.below, histogram.above), (vec![2, 1, 1, 2], 1, 1));
        let same = Distribution::of(rows([2.0, 2.0]), 1).unwrap().histogram([2.0, 2.0], 3).unwrap();
        assert_eq!(same.counts, [2, 0, 0]);
        assert_eq!(Histogram::new(1.0, 0.0, 4), Err(StudyError::Range { low: 1.0, high: 0.0 }));
        assert_eq!(Histogram::new(0.0, 1.0, 0).unwrap().counts.len(), 1);
    }
}
