//! Judges of pairs that were asked in both orders: whether a place is favoured.

use editscale_study::judges::{BothOrders, Preference, swap_tally};
use editscale_study::{Clusters, StudyError};
use serde::{Deserialize, Serialize};

use super::agreement::mean;
use super::intervals::interval;
use super::measured::Range;
use super::{MeasureError, MeasureRules};
use crate::TwoOrders;

/// What the order does to a judge of pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The version of this form, 1.
    pub version: u32,
    /// How intervals were made.
    pub rules: MeasureRules,
    /// Pairs that were answered in both orders.
    pub pairs: usize,
    /// How many cases they come from: what intervals resample.
    #[serde(default)]
    pub cases: usize,
    /// Pairs with an answer missing; they are left out.
    pub failed: usize,
    /// Pairs of which the same candidate won in both orders, or both times none.
    pub consistent: u64,
    /// Pairs of which the first place won both times.
    pub first_place: u64,
    /// Pairs of which the second place won both times.
    pub second_place: u64,
    /// Pairs with a tie in one order and a winner in the other.
    pub half_tied: u64,
    /// The share that is consistent.
    pub consistency: Option<f64>,
    /// Its interval, by resampling cases.
    pub consistency_interval: Option<Range>,
    /// The bias among pairs whose winner changed with the order; nothing where there is no such pair.
    pub bias: Option<PlaceBias>,
    /// How the answers agree with people on the pairs that they decided, a tie being right half the time.
    pub people: Option<OrdersAndPeople>,
}

/// How often the first place won, of the pairs whose winner changed with the order: quality cannot be the reason.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlaceBias {
    /// The share of the first place: ½ without bias.
    pub first: f64,
    /// The lower end of its exact interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The exact two-sided probability of a share so far from ½ without bias (`McNemar`).
    pub p_value: f64,
}

/// Agreement with people in one order, and in both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OrdersAndPeople {
    /// How many pairs people decided.
    pub pairs: usize,
    /// As they stand.
    pub forward: f64,
    /// The other way round.
    pub backward: f64,
    /// Both together: a verdict that changes with the order is a tie.
    pub both: f64,
}

/// Measures position bias. Fails on rules that are none; of no pairs it says nothing.
pub fn position(pairs: &[TwoOrders], rules: &MeasureRules) -> Result<Position, MeasureError> {
    let answered = pairs.iter().filter_map(|pair| {
        let both = BothOrders { forward: pair.forward?, backward: pair.backward? };
        Some((pair, both))
    });
    let answered: Vec<(&TwoOrders, BothOrders)> = answered.collect();
    let both: Vec<BothOrders> = answered.iter().map(|(_, both)| *both).collect();
    let tally = swap_tally(&both);
    let bias = tally.bias(rules.confidence)?.and_then(|bias| {
        let first = bias.first.value()?;
        Some(PlaceBias { first, low: bias.interval.low, high: bias.interval.high, p_value: bias.p_value })
    });
    let cases = cases(&answered);
    Ok(Position {
        version: 1,
        rules: *rules,
        pairs: both.len(),
        cases: cases.len(),
        failed: pairs.len() - both.len(),
        consistent: tally.consistent,
        first_place: tally.first_place,
        second_place: tally.second_place,
        half_tied: tally.half_tied,
        consistency: tally.consistency().value(),
        consistency_interval: consistency(&answered, &cases, rules)?,
        bias,
        people: people(&answered),
    })
}

/// Pairs by the case that they come from.
fn cases(answered: &[(&TwoOrders, BothOrders)]) -> Clusters {
    Clusters::by_key(answered.iter().map(|(pair, _)| (&pair.part, &pair.id)))
}

fn consistency(
    answered: &[(&TwoOrders, BothOrders)],
    cases: &Clusters,
    rules: &MeasureRules,
) -> Result<Option<Range>, StudyError> {
    if answered.is_empty() {
        return Ok(None);
    }
    let same = |both: &BothOrders| f64::from(u8::from(both.forward == both.backward.turned()));
    let same: Vec<f64> = answered.iter().map(|(_, both)| same(both)).collect();
    interval(cases, rules, |rows| mean(&same, rows))
}

fn people(answered: &[(&TwoOrders, BothOrders)]) -> Option<OrdersAndPeople> {
    let decided = answered.iter().filter_map(|(pair, both)| {
        let human = pair.human.filter(|human| *human != Preference::Tie)?;
        let (forward, backward) = (both.forward, both.backward.turned());
        let together = if forward == backward { forward } else { Preference::Tie };
        Some([forward, backward, together].map(|said| agreed(said, human)))
    });
    let decided: Vec<[f64; 3]> = decided.collect();
    let share = |of: fn(&[f64; 3]) -> f64| decided.iter().map(of).sum::<f64>() / decided.len() as f64;
    (!decided.is_empty()).then(|| OrdersAndPeople {
        pairs: decided.len(),
        forward: share(|each| each[0]),
        backward: share(|each| each[1]),
        both: share(|each| each[2]),
    })
}

fn agreed(said: Preference, human: Preference) -> f64 {
    match said {
        Preference::Tie => 0.5,
        said => f64::from(u8::from(said == human)),
    }
}
