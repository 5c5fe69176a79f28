//! Two judges of the same benchmark: how far they agree, where they differ most, and which is nearer to people.

use std::collections::BTreeMap;
use std::sync::Arc;

use editscale_curate::PictureFacts;
use editscale_study::judges::{Pair, Preference, Rated, pooled_spearman, pooled_tau_b, sign_agreement};
use editscale_study::{Clusters, Share, StudyError, average_ranks, kendall_tau_b, sign_test, spearman};
use serde::{Deserialize, Serialize};

use super::comparison::{Comparison, compared, places};
use super::intervals::interval;
use super::measured::Range;
use super::sources::sources;
use super::{MeasureError, MeasureRules, Said};
use crate::{JudgedCase, word_of_preference};

/// How many of the greatest differences are named.
pub const NAMED_DIFFERENCES: usize = 20;

/// What two judges say of the same benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The version of this form, 1.
    pub version: u32,
    /// How intervals were made.
    pub rules: MeasureRules,
    /// Cases that both were asked about.
    pub cases: usize,
    /// Cases that only one of them was asked about, or that have other pictures, another instruction or another number of edits;
    /// they are left out.
    pub left_out: usize,
    /// Agreement on pairs of edits of one source; nothing where no source has two.
    pub pairs: Option<PairAgreement>,
    /// Agreement of the scores.
    pub scores: Option<ScoreAgreement>,
    /// Which is nearer to people: on pairs, and on ratings.
    pub contests: Vec<Contest>,
    /// Where they differ most, the greatest difference first.
    pub differences: Vec<Difference>,
}

/// Agreement on pairs: equal scores are a tie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairAgreement {
    /// How many pairs.
    pub pairs: u64,
    /// How many sources they come from.
    pub sources: usize,
    /// How often the first judge said the row and the second the column: first, tie, second.
    pub counts: [[u64; 3]; 3],
    /// The share on which both say the same.
    pub observed: f64,
    /// Its interval.
    pub interval: Option<Range>,
    /// Cohen's κ; nothing where both always say the same one thing.
    pub kappa: Option<f64>,
    /// Cohen's κ where a tie against a preference is half an agreement.
    pub weighted_kappa: Option<f64>,
}

/// Agreement of scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreAgreement {
    /// How many edits both scored.
    pub edits: usize,
    /// How many sources they come from.
    #[serde(default)]
    pub sources: usize,
    /// Spearman's ρ, all edits together.
    pub spearman: Option<f64>,
    /// Its interval.
    pub interval: Option<Range>,
    /// Kendall's τ-b, all edits together.
    pub kendall_tau_b: Option<f64>,
    /// Correlation of the ranks within each source.
    pub spearman_within: Option<f64>,
    /// Kendall's τ-b of pairs of one source.
    pub tau_within: Option<f64>,
}

/// Which of the two is nearer to people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contest {
    /// By which metric.
    pub metric: ContestMetric,
    /// How many pairs or edits.
    pub n: usize,
    /// How many sources they come from.
    #[serde(default)]
    pub sources: usize,
    /// The metric of the first judge.
    pub first: f64,
    /// The metric of the second judge.
    pub second: f64,
    /// The first less the second.
    pub difference: f64,
    /// Its interval; both judges are resampled together.
    pub interval: Option<Range>,
    /// Sources on which the first, and on which the second is nearer; only of pairs.
    pub nearer: Option<[u64; 2]>,
    /// The exact two-sided sign test over these sources.
    pub p_value: Option<f64>,
}

/// What two judges are held against people by. As JSON: the name of the metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContestMetric {
    /// How often the judge prefers the edit that people prefer, of the pairs that they decided.
    AccuracyWithoutTies,
    /// Spearman's ρ of scores and ratings.
    Spearman,
}

impl ContestMetric {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::AccuracyWithoutTies => "accuracy without ties",
            Self::Spearman => "spearman",
        }
    }
}

/// A pair, or an edit where sources have one each, of which the judges think differently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The part of the benchmark.
    pub part: String,
    /// The case.
    pub id: String,
    /// What was asked for.
    pub instruction: String,
    /// Which edits, from 0: two, or one.
    pub candidates: Vec<usize>,
    /// What the first judge says: the margin, or the score.
    pub first: f64,
    /// What the second judge says.
    pub second: f64,
    /// How far they are apart: of margins, the signed places of their sizes among all (from 0 to 2), of scores their places
    /// (from 0 to 1).
    pub apart: f64,
    /// What people said: `a`, `tie`, `b`, or the rating.
    pub people: Option<String>,
}

/// Compares two judges of the same benchmark. Fails where they have no case in common.
pub fn agreement(first: &[JudgedCase], second: &[JudgedCase], rules: &MeasureRules) -> Result<Agreement, MeasureError> {
    let key = |case: &JudgedCase| (case.part.clone(), case.id.clone());
    let others: BTreeMap<_, &JudgedCase> = second.iter().map(|case| (key(case), case)).collect();
    let common = first.iter().zip(sources(first)).filter_map(|(case, source)| {
        let other = *others.get(&key(case))?;
        Some(Common { case, other, source })
    });
    let common: Vec<_> = common.filter(Common::is_same).collect();
    if common.is_empty() {
        return Err(MeasureError::NothingInCommon { first: first.len(), second: second.len() });
    }
    let (pairs, edits) = (pairs(&common), edits(&common));
    let differences = if pairs.is_empty() { edits_apart(&edits)? } else { pairs_apart(&pairs)? };
    let contests = [contest_of_pairs(&pairs, rules)?, contest_of_ratings(&edits, rules)?];
    Ok(Agreement {
        version: 1,
        rules: *rules,
        cases: common.len(),
        left_out: first.len() + second.len() - 2 * common.len(),
        pairs: pair_agreement(&pairs, rules)?,
        scores: score_agreement(&edits, rules)?,
        contests: contests.into_iter().flatten().collect(),
        differences,
    })
}

/// A case that both judges were asked about.
struct Common<'a> {
    case: &'a JudgedCase,
    other: &'a JudgedCase,
    source: Arc<str>,
}

impl Common<'_> {
    /// Whether both were asked about the same, as far as they could read it: rows of two data sets may have the same number.
    fn is_same(&self) -> bool {
        let (one, other) = (&self.case.candidates, &self.other.candidates);
        let mut edits = one.iter().zip(other).map(|(one, other)| (one.picture.as_ref(), other.picture.as_ref()));
        self.case.instruction == self.other.instruction
            && one.len() == other.len()
            && may_be_same(self.case.source.as_ref(), self.other.source.as_ref())
            && edits.all(|(one, other)| may_be_same(one, other))
    }
}

/// Whether nothing says that two pictures differ.
fn may_be_same(one: Option<&PictureFacts>, other: Option<&PictureFacts>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one.digest == other.digest)
}

/// Two edits of one source that both judges scored.
struct JudgedPair<'a> {
    case: &'a JudgedCase,
    source: Arc<str>,
    at: (usize, usize),
    margins: [f64; 2],
    human: Option<Preference>,
}

/// One edit that both judges scored.
struct JudgedEdit<'a> {
    case: &'a JudgedCase,
    source: Arc<str>,
    at: usize,
    scores: [f64; 2],
    rating: Option<f64>,
}

fn pairs<'a>(common: &[Common<'a>]) -> Vec<JudgedPair<'a>> {
    let mut found = Vec::new();
    for Common { case, other, source } in common {
        let [one, two] =
            [case, other].map(|case| compared(case).iter().map(|edit| Said::Score.of(edit)).collect::<Vec<_>>());
        let order = Comparison::of(case, &Said::Score).and_then(|(comparison, _)| comparison.order);
        for (i, j) in places(one.len()) {
            let margin = |scores: &[Option<f64>]| Some((*scores.get(i)?)? - (*scores.get(j)?)?);
            let (Some(first), Some(second)) = (margin(&one), margin(&two)) else { continue };
            let human = order.as_ref().and_then(|order| order.preference(i, j));
            found.push(JudgedPair { case, source: source.clone(), at: (i, j), margins: [first, second], human });
        }
    }
    found
}

fn edits<'a>(common: &[Common<'a>]) -> Vec<JudgedEdit<'a>> {
    let of_case = |Common { case, other, source }: &Common<'a>| {
        let (case, both) = (*case, case.candidates.iter().zip(&other.candidates).enumerate());
        let edits = both.filter_map(move |(at, (one, two))| {
            let scores = [Said::Score.of(one)?, Said::Score.of(two)?];
            Some(JudgedEdit { case, source: source.clone(), at, scores, rating: one.rating })
        });
        edits.collect::<Vec<_>>()
    };
    common.iter().flat_map(of_case).collect()
}

fn verdicts(pairs: &[JudgedPair<'_>], judge: fn(&[f64; 2]) -> f64) -> Vec<Preference> {
    pairs.iter().map(|pair| Preference::of_margin(judge(&pair.margins), 0.0)).collect()
}

fn pair_agreement(pairs: &[JudgedPair<'_>], rules: &MeasureRules) -> Result<Option<PairAgreement>, StudyError> {
    let (one, two) = (verdicts(pairs, |both| both[0]), verdicts(pairs, |both| both[1]));
    let found = sign_agreement(&one, &two)?;
    let Some(observed) = found.observed() else { return Ok(None) };
    let clusters = Clusters::by_key(pairs.iter().map(|pair| &pair.source));
    let same: Vec<f64> = one.iter().zip(&two).map(|(one, two)| f64::from(u8::from(one == two))).collect();
    let interval = interval(&clusters, rules, |rows| mean(&same, rows))?;
    Ok(Some(PairAgreement {
        pairs: found.all(),
        sources: clusters.len(),
        counts: found.counts,
        observed,
        interval,
        kappa: found.kappa(),
        weighted_kappa: found.weighted_kappa(),
    }))
}

fn score_agreement(edits: &[JudgedEdit<'_>], rules: &MeasureRules) -> Result<Option<ScoreAgreement>, StudyError> {
    if edits.is_empty() {
        return Ok(None);
    }
    let (one, two): (Vec<f64>, Vec<f64>) = edits.iter().map(|edit| (edit.scores[0], edit.scores[1])).unzip();
    let within: Vec<Rated<&str>> = edits
        .iter()
        .map(|edit| Rated { group: &*edit.source, predicted: edit.scores[0], human: edit.scores[1] })
        .collect();
    let clusters = Clusters::by_key(edits.iter().map(|edit| &edit.source));
    let of_rows = |rows: &[usize]| spearman(&taken(&one, rows), &taken(&two, rows)).ok().flatten();
    Ok(Some(ScoreAgreement {
        edits: edits.len(),
        sources: clusters.len(),
        spearman: spearman(&one, &two)?,
        interval: interval(&clusters, rules, of_rows)?,
        kendall_tau_b: kendall_tau_b(&one, &two)?,
        spearman_within: pooled_spearman(&within)?,
        tau_within: pooled_tau_b(&within)?,
    }))
}

/// How often each judge is right of the pairs that people decided, equal scores being right half the time.
fn contest_of_pairs(pairs: &[JudgedPair<'_>], rules: &MeasureRules) -> Result<Option<Contest>, StudyError> {
    let decided = pairs.iter().filter_map(|pair| Some((pair, pair.human.filter(|human| *human != Preference::Tie)?)));
    let decided: Vec<_> = decided.collect();
    let of_judge = |judge: fn(&[f64; 2]) -> f64| -> Vec<f64> {
        decided.iter().map(|(pair, human)| right(&Pair { human: *human, margin: judge(&pair.margins) })).collect()
    };
    let (one, two) = (of_judge(|both| both[0]), of_judge(|both| both[1]));
    let all: Vec<usize> = (0..decided.len()).collect();
    let (Some(first), Some(second)) = (mean(&one, &all), mean(&two, &all)) else { return Ok(None) };
    let gain: Vec<f64> = one.iter().zip(&two).map(|(one, two)| one - two).collect();
    let clusters = Clusters::by_key(decided.iter().map(|(pair, _)| &pair.source));
    let of_sources = (0..clusters.len()).map(|cluster| taken(&gain, clusters.members(cluster)).iter().sum::<f64>());
    let nearer = of_sources.fold([0, 0], |[one, two], gain| [one + u64::from(gain > 0.0), two + u64::from(gain < 0.0)]);
    let signs = Share { hits: nearer[0], of: nearer[0] + nearer[1] };
    Ok(Some(Contest {
        metric: ContestMetric::AccuracyWithoutTies,
        n: decided.len(),
        sources: clusters.len(),
        first,
        second,
        difference: first - second,
        interval: interval(&clusters, rules, |rows| mean(&gain, rows))?,
        nearer: Some(nearer),
        p_value: if signs.of == 0 { None } else { Some(sign_test(signs)?) },
    }))
}

fn contest_of_ratings(edits: &[JudgedEdit<'_>], rules: &MeasureRules) -> Result<Option<Contest>, StudyError> {
    let rated: Vec<_> =
        edits.iter().filter_map(|edit| Some((edit, edit.rating.filter(|rating| rating.is_finite())?))).collect();
    let ratings: Vec<f64> = rated.iter().map(|(_, rating)| *rating).collect();
    let (one, two): (Vec<f64>, Vec<f64>) = rated.iter().map(|(edit, _)| (edit.scores[0], edit.scores[1])).unzip();
    let rho = |scores: &[f64], rows: &[usize]| spearman(&taken(scores, rows), &taken(&ratings, rows)).ok().flatten();
    let all: Vec<usize> = (0..rated.len()).collect();
    let (Some(first), Some(second)) = (rho(&one, &all), rho(&two, &all)) else { return Ok(None) };
    let clusters = Clusters::by_key(rated.iter().map(|(edit, _)| &edit.source));
    Ok(Some(Contest {
        metric: ContestMetric::Spearman,
        n: rated.len(),
        sources: clusters.len(),
        first,
        second,
        difference: first - second,
        interval: interval(&clusters, rules, |rows| Some(rho(&one, rows)? - rho(&two, rows)?))?,
        nearer: None,
        p_value: None,
    }))
}

fn pairs_apart(pairs: &[JudgedPair<'_>]) -> Result<Vec<Difference>, StudyError> {
    let places = |judge: fn(&[f64; 2]) -> f64| -> Result<Vec<f64>, StudyError> {
        let margins: Vec<f64> = pairs.iter().map(|pair| judge(&pair.margins)).collect();
        let sizes = average_ranks(&margins.iter().map(|margin| margin.abs()).collect::<Vec<f64>>())?;
        let placed = margins.iter().zip(sizes);
        Ok(placed
            .map(|(margin, rank)| if *margin == 0.0 { 0.0 } else { margin.signum() * rank / margins.len() as f64 })
            .collect())
    };
    let (one, two) = (places(|both| both[0])?, places(|both| both[1])?);
    let differences = pairs.iter().zip(one.iter().zip(&two)).map(|(pair, (one, two))| Difference {
        part: pair.case.part.clone(),
        id: pair.case.id.clone(),
        instruction: pair.case.instruction.clone(),
        candidates: vec![pair.at.0, pair.at.1],
        first: pair.margins[0],
        second: pair.margins[1],
        apart: (one - two).abs(),
        people: pair.human.map(|human| word_of_preference(human).to_owned()),
    });
    Ok(greatest(differences.collect()))
}

fn edits_apart(edits: &[JudgedEdit<'_>]) -> Result<Vec<Difference>, StudyError> {
    if edits.is_empty() {
        return Ok(Vec::new());
    }
    let n = edits.len() as f64;
    let one = average_ranks(&edits.iter().map(|edit| edit.scores[0]).collect::<Vec<f64>>())?;
    let two = average_ranks(&edits.iter().map(|edit| edit.scores[1]).collect::<Vec<f64>>())?;
    let differences = edits.iter().zip(one.iter().zip(&two)).map(|(edit, (one, two))| Difference {
        part: edit.case.part.clone(),
        id: edit.case.id.clone(),
        instruction: edit.case.instruction.clone(),
        candidates: vec![edit.at],
        first: edit.scores[0],
        second: edit.scores[1],
        apart: (one - two).abs() / n,
        people: edit.rating.map(|rating| rating.to_string()),
    });
    Ok(greatest(differences.collect()))
}

fn greatest(mut differences: Vec<Difference>) -> Vec<Difference> {
    differences.sort_by(|a, b| b.apart.total_cmp(&a.apart));
    differences.truncate(NAMED_DIFFERENCES);
    differences.retain(|difference| difference.apart > 0.0);
    differences
}

/// 1 where the judge prefers the one that people prefer, ½ where it prefers neither.
pub(super) fn right(pair: &Pair) -> f64 {
    match Preference::of_margin(pair.margin, 0.0) {
        Preference::Tie => 0.5,
        said => f64::from(u8::from(said == pair.human)),
    }
}

pub(super) fn taken(values: &[f64], rows: &[usize]) -> Vec<f64> {
    rows.iter().filter_map(|row| values.get(*row).copied()).collect()
}

pub(super) fn mean(values: &[f64], rows: &[usize]) -> Option<f64> {
    let taken = taken(values, rows);
    (!taken.is_empty()).then(|| taken.iter().sum::<f64>() / taken.len() as f64)
}
