//! From numbers to what is kept: each rule takes records out of those that the rules before it left.

use editscale_study::StudyError;
use editscale_study::curation::near_duplicate_groups;

use super::allotment::{Claim, shared_out};
use super::reading::{Entry, NO_GATE, Pool};
use super::{Keep, Override, PerRow, Rules, ShareOut};

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Kept,
    Rejected,
    Unscored,
    Gate,
    Bound,
    NotBestOfRow,
    NearDuplicate,
    ClusterFull,
    StratumFull,
    BelowCut,
}

/// What records are compared by, and how many are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct By<'a> {
    /// One for each record; no number where it has none.
    pub(super) bounds: &'a [f64],
    pub(super) at_least: Option<f64>,
    pub(super) keep: Keep,
}

/// A record among others: by groups, and in a group the better first, of equal ones the earlier. Numbers that lie together sort
/// many times faster than records would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    group: u64,
    place: u64,
    number: u32,
}

/// A number that is the smaller the higher a score is, as `Ranked` orders them: −0 and 0 are one.
fn place_of(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    if bits >> 63 == 1 { bits } else { !(bits | 1 << 63) }
}

/// A choice under way.
struct Selection<'a> {
    pool: &'a Pool,
    by: By<'a>,
    codes: Vec<Code>,
    /// The records that are still kept, in order.
    left: Vec<u32>,
}

/// What each record is worth without looking at others: whether it is scored, passes the gates, and people's words.
pub(super) fn alone(entry: &Entry) -> Code {
    match entry.word {
        Some(Override::Drop) => Code::Rejected,
        Some(Override::Keep) => Code::Kept,
        None if entry.score.is_nan() => Code::Unscored,
        None if entry.gate != NO_GATE => Code::Gate,
        None => Code::Kept,
    }
}

/// For each record the earliest that is nearly the same, of those that are scored and pass the gates; itself for others. With
/// it, how many groups have more than one record.
pub(super) fn near_duplicates(pool: &Pool, radius: Option<u32>) -> Result<(Vec<u32>, u64), StudyError> {
    let mut labels: Vec<u32> = (0..pool.entries.len() as u32).collect();
    let Some(radius) = radius else { return Ok((Vec::new(), 0)) };
    let looked_at = |entry: &Entry| entry.has == [true, true] && alone(entry) == Code::Kept;
    let (numbers, hashes): (Vec<u32>, Vec<[u64; 3]>) = (0_u32..)
        .zip(&pool.entries)
        .filter(|(_, entry)| looked_at(entry))
        .map(|(number, entry)| (number, entry.hashes))
        .unzip();
    let groups = near_duplicate_groups(&hashes, radius)?;
    let mut sizes = vec![0_u32; groups.len()];
    for (number, group) in numbers.iter().zip(groups) {
        sizes[group as usize] += 1;
        labels[*number as usize] = numbers[group as usize];
    }
    Ok((labels, sizes.iter().filter(|size| **size > 1).count() as u64))
}

/// Chooses. `near` has what [`near_duplicates`] found.
pub(super) fn select(pool: &Pool, near: &[u32], rules: &Rules, by: By<'_>) -> Vec<Code> {
    let codes: Vec<Code> = pool.entries.iter().map(alone).collect();
    let left = (0_u32..).zip(&codes).filter(|(_, code)| **code == Code::Kept).map(|(number, _)| number).collect();
    let mut selection = Selection { pool, by, codes, left };
    selection.bound();
    if rules.per_row == PerRow::Best {
        selection.best_of(|_, entry| entry.row, |_| 1, Code::NotBestOfRow);
    }
    if rules.near_duplicates.is_some() {
        selection.best_of(|number, _| near[number as usize].into(), |_| 1, Code::NearDuplicate);
    }
    if let Some(diversity) = &rules.diversity {
        selection.best_of(|_, entry| entry.cluster, |_| diversity.most, Code::ClusterFull);
    }
    selection.strata(&rules.strata.share_out);
    selection.cut();
    selection.codes
}

impl Selection<'_> {
    fn is_forced(&self, number: u32) -> bool {
        self.pool.entries[number as usize].word == Some(Override::Keep)
    }

    /// What a record is compared by in a group.
    fn line(&self, group: u64, number: u32) -> Line {
        // What a person keeps comes before all else.
        let score = if self.is_forced(number) { f64::MAX } else { self.by.bounds[number as usize] };
        Line { group, place: place_of(score), number }
    }

    fn bound(&mut self) {
        let left = std::mem::take(&mut self.left);
        let passes = |number: u32| {
            let bound = self.by.bounds[number as usize];
            self.is_forced(number) || (!bound.is_nan() && self.by.at_least.is_none_or(|least| bound >= least))
        };
        let (kept, dropped): (Vec<u32>, Vec<u32>) = left.into_iter().partition(|number| passes(*number));
        dropped.into_iter().for_each(|number| self.codes[number as usize] = Code::Bound);
        self.left = kept;
    }

    /// Leaves the best of each group, and what a person keeps; the others get this code.
    fn best_of(&mut self, group: impl Fn(u32, &Entry) -> u64, most: impl Fn(u64) -> u64, code: Code) {
        let entry = |number: u32| &self.pool.entries[number as usize];
        let line = |number: &u32| self.line(group(*number, entry(*number)), *number);
        let mut lines: Vec<Line> = self.left.iter().map(line).collect();
        lines.sort_unstable();
        for group in lines.chunk_by(|a, b| a.group == b.group) {
            let most = group.first().map_or(0, |first| most(first.group));
            self.drop_lines(group.get(usize::try_from(most).unwrap_or(usize::MAX)..).unwrap_or_default(), code);
        }
        self.left.retain(|number| self.codes[*number as usize] == Code::Kept);
    }

    /// Leaves the best of all.
    fn cut(&mut self) {
        let wanted = usize::try_from(self.wanted()).unwrap_or(usize::MAX);
        if wanted >= self.left.len() {
            return;
        }
        let mut lines: Vec<Line> = self.left.iter().map(|number| self.line(0, *number)).collect();
        let (_, first, others) = lines.select_nth_unstable(wanted);
        let first = *first;
        self.drop_lines(&[first], Code::BelowCut);
        self.drop_lines(others, Code::BelowCut);
    }

    fn drop_lines(&mut self, lines: &[Line], code: Code) {
        for line in lines {
            if !self.is_forced(line.number) {
                self.codes[line.number as usize] = code;
            }
        }
    }

    /// How many are kept of those that are left.
    fn wanted(&self) -> u64 {
        let left = self.left.len() as u64;
        match self.by.keep {
            Keep::All => left,
            Keep::Top(count) => count.min(left),
            Keep::Share(share) => (left as f64 * share).round() as u64,
        }
    }

    fn strata(&mut self, share_out: &ShareOut) {
        if *share_out == ShareOut::Freely {
            return;
        }
        let share = |name: &String| match share_out {
            ShareOut::Named(shares) => shares.iter().find(|(named, _)| named == name).map(|(_, share)| *share),
            _ => None,
        };
        let strata = self.pool.strata.iter();
        let mut claims: Vec<Claim> = strata.map(|name| Claim { size: 0, kept: 0, share: share(name) }).collect();
        for number in &self.left {
            let claim = &mut claims[self.pool.entries[*number as usize].stratum as usize];
            claim.size += 1;
            claim.kept += u64::from(self.is_forced(*number));
        }
        let wanted = self.wanted();
        let allotted = shared_out(&claims, wanted, share_out);
        self.best_of(|_, entry| entry.stratum.into(), |stratum| allotted[stratum as usize], Code::StratumFull);
        // What is left is what was wanted: a share is not taken of it again.
        self.by.keep = Keep::Top(wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn places_are_in_the_order_of_scores() {
        let scores = [f64::MAX, 1e9, 1.5, 1.0, f64::MIN_POSITIVE, 0.0, -1e-300, -1.0, -7.5, f64::MIN];
        assert!(scores.windows(2).all(|pair| place_of(pair[0]) < place_of(pair[1])));
        assert_eq!(place_of(-0.0), place_of(0.0));
    }
}
