//! Two sides, held against each other.

use std::collections::BTreeSet;

use anyhow::Result;
use editscale_core::Score;
use editscale_study::{Distance, Order, distance, kendall_tau_b, order_within, pearson, spearman};

use crate::commands::bench::sides::{Named, Said, Side};
use crate::failure::Misuse;

/// All that was found.
pub(super) struct Comparison<'a> {
    pub(super) pairs: usize,
    /// Pairs that cannot be read, and why.
    pub(super) unreadable: Vec<(&'a str, &'a str)>,
    pub(super) rewards: Vec<RewardComparison<'a>>,
    pub(super) load_secs: [f64; 2],
}

impl Comparison<'_> {
    /// The largest difference of any score or part; none where nothing was compared.
    pub(super) fn largest(&self) -> Option<f64> {
        let measures = self.rewards.iter().flat_map(|reward| &reward.measures);
        measures.map(|measure| measure.distance.largest).reduce(f64::max)
    }

    /// How often one side scored a pair and the other could not.
    pub(super) fn one_sided(&self) -> usize {
        let unscored = self.rewards.iter().flat_map(|reward| &reward.unscored);
        unscored.filter(|unscored| unscored.why.iter().flatten().count() == 1).count()
    }

    /// Whether something was compared. Where a limit is given: nothing is further apart, and whatever one side scored, the other
    /// scored too.
    pub(super) fn is_passed(&self, at_most: Option<f64>) -> bool {
        let is_within = |largest: f64| at_most.is_none_or(|most| largest <= most && self.one_sided() == 0);
        self.largest().is_some_and(is_within)
    }
}

/// One reward of both sides.
pub(super) struct RewardComparison<'a> {
    /// The reference, and what is held against it.
    pub(super) sides: [&'a Said; 2],
    /// Pairs that only one or neither could score: the pair, and why each did not.
    pub(super) unscored: Vec<Unscored<'a>>,
    /// The score itself first, then each part that both have.
    pub(super) measures: Vec<Measure>,
    /// Names of parts that only the reference, or only the other, has.
    pub(super) lone_parts: [Vec<String>; 2],
    pub(super) sigma: Option<Sigma>,
    /// The pairs that are furthest apart.
    pub(super) worst: Vec<Worst<'a>>,
}

impl RewardComparison<'_> {
    /// Whether both sides call themselves the same and do not say the same.
    pub(super) fn is_same_and_differs(&self) -> bool {
        let [one, other] = self.sides;
        one.revision == other.revision && self.measures.iter().any(|measure| measure.distance.largest > 0.0)
    }
}

/// A pair without two scores.
pub(super) struct Unscored<'a> {
    pub(super) names: &'a str,
    pub(super) why: [Option<&'a str>; 2],
}

/// A score or part, over all pairs that both scored.
pub(super) struct Measure {
    /// The part's name; none for the score itself.
    pub(super) part: Option<String>,
    pub(super) count: usize,
    pub(super) distance: Distance,
    pub(super) pearson: Option<f64>,
    pub(super) spearman: Option<f64>,
    pub(super) kendall: Option<f64>,
    pub(super) order: Order,
}

/// How standard deviations differ where both give one.
pub(super) struct Sigma {
    pub(super) count: usize,
    pub(super) distance: Distance,
}

/// A pair far apart.
pub(super) struct Worst<'a> {
    pub(super) names: &'a str,
    pub(super) scores: [f64; 2],
}

/// Holds the second side against the first.
pub(super) fn compare<'a>(reference: &'a Side, native: &'a Side, worst: usize) -> Result<Comparison<'a>> {
    let same = reference.pairs.len() == native.pairs.len();
    if !same {
        return Err(Misuse::new("the pairs changed while they were scored: expected the same for both recipes").into());
    }
    let unreadable = |pair: &'a Named| Some((pair.names.as_str(), pair.unreadable.as_deref()?));
    let mut rewards = Vec::new();
    for sides in matched(reference, native)? {
        rewards.push(compare_reward(&reference.pairs, sides, worst)?);
    }
    Ok(Comparison {
        pairs: reference.pairs.len(),
        unreadable: reference.pairs.iter().filter_map(unreadable).collect(),
        rewards,
        load_secs: [reference.load_secs, native.load_secs],
    })
}

/// The rewards that belong together: by name, or the only ones.
fn matched<'a>(reference: &'a Side, native: &'a Side) -> Result<Vec<[&'a Said; 2]>> {
    if let ([one], [other]) = (reference.rewards.as_slice(), native.rewards.as_slice()) {
        return Ok(vec![[one, other]]);
    }
    let names = |side: &Side| side.rewards.iter().map(|said| said.name.clone()).collect::<BTreeSet<String>>();
    let (ours, theirs) = (names(reference), names(native));
    if ours != theirs {
        let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
        let message = format!(
            "the recipes have other rewards: {} in the reference, {} in the native one",
            list(ours),
            list(theirs)
        );
        return Err(Misuse::new(message).hint("give rewards that belong together the same name").into());
    }
    let pair = |one: &'a Said| Some([one, native.rewards.iter().find(|other| other.name == one.name)?]);
    Ok(reference.rewards.iter().filter_map(pair).collect())
}

/// A pair that both scored.
struct Both<'a> {
    pair: &'a Named,
    scores: [&'a Score; 2],
}

fn compare_reward<'a>(pairs: &'a [Named], sides: [&'a Said; 2], worst: usize) -> Result<RewardComparison<'a>> {
    let (mut both, mut unscored) = (Vec::new(), Vec::new());
    for ((pair, one), other) in pairs.iter().zip(&sides[0].scores).zip(&sides[1].scores) {
        match (one, other) {
            (Ok(one), Ok(other)) => both.push(Both { pair, scores: [one, other] }),
            _ if pair.unreadable.is_some() => {}
            (one, other) => {
                let why = [one, other].map(|said| said.as_ref().err().map(String::as_str));
                unscored.push(Unscored { names: &pair.names, why });
            }
        }
    }
    let mut measures = Vec::new();
    measures.extend(measure(&both, None)?);
    let parts = [0, 1].map(|side| part_names(&both, side));
    for part in parts[0].intersection(&parts[1]) {
        measures.extend(measure(&both, Some(part))?);
    }
    let lone = |side: usize| parts[side].difference(&parts[1 - side]).cloned().collect();
    Ok(RewardComparison {
        sides,
        unscored,
        measures,
        lone_parts: [lone(0), lone(1)],
        sigma: sigma(&both)?,
        worst: furthest(&both, worst),
    })
}

fn part_names(both: &[Both<'_>], side: usize) -> BTreeSet<String> {
    both.iter().flat_map(|both| both.scores[side].parts()).map(|part| part.name().to_string()).collect()
}

/// The score itself, or a part of it.
fn value(score: &Score, part: Option<&str>) -> Option<f64> {
    match part {
        None => Some(score.mean()),
        Some(name) => score.parts().iter().find(|part| part.name().as_str() == name).map(editscale_core::Part::mean),
    }
}

fn measure(both: &[Both<'_>], part: Option<&str>) -> Result<Option<Measure>> {
    let values = |both: &Both<'_>| {
        let [one, other] = both.scores;
        Some((both.pair.group, value(one, part)?, value(other, part)?))
    };
    let (mut groups, mut one, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for (group, a, b) in both.iter().filter_map(values) {
        groups.push(group);
        one.push(a);
        other.push(b);
    }
    if one.is_empty() {
        return Ok(None);
    }
    Ok(Some(Measure {
        part: part.map(ToOwned::to_owned),
        count: one.len(),
        distance: distance(&one, &other)?,
        pearson: pearson(&one, &other)?,
        spearman: spearman(&one, &other)?,
        kendall: kendall_tau_b(&one, &other)?,
        order: order_within(&groups, &one, &other)?,
    }))
}

fn sigma(both: &[Both<'_>]) -> Result<Option<Sigma>> {
    let sigmas = |both: &Both<'_>| Some((both.scores[0].sigma()?, both.scores[1].sigma()?));
    let (one, other): (Vec<f64>, Vec<f64>) = both.iter().filter_map(sigmas).unzip();
    if one.is_empty() {
        return Ok(None);
    }
    Ok(Some(Sigma { count: one.len(), distance: distance(&one, &other)? }))
}

fn furthest<'a>(both: &[Both<'a>], most: usize) -> Vec<Worst<'a>> {
    let worst = |both: &Both<'a>| Worst { names: &both.pair.names, scores: both.scores.map(Score::mean) };
    let mut all: Vec<Worst<'a>> = both.iter().map(worst).collect();
    let apart = |worst: &Worst<'_>| (worst.scores[1] - worst.scores[0]).abs();
    all.sort_by(|one, other| apart(other).total_cmp(&apart(one)));
    all.truncate(most);
    all.retain(|worst| apart(worst) > 0.0);
    all
}
