//! Whether the standard deviations that a judge states say where it errs.

use editscale_study::judges::{Pair, Preference};
use editscale_study::{StudyError, average_ranks, normal_below, spearman};
use serde::{Deserialize, Serialize};

use super::Said;
use super::agreement::right;
use super::calibration::{Bin, ScoredEdit, binned};
use super::comparison::{Comparison, compared, places};
use crate::JudgedCase;

/// What stated standard deviations are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Doubt {
    /// On pairs that people decided; nothing where there is none with standard deviations.
    pub pairs: Option<PairDoubt>,
    /// Spearman's ρ of the stated deviation and the size of the held-out error of the calibrated score: above 0, edits of which
    /// the judge doubts are those of which it errs. Nothing where it is not defined.
    pub error_spearman: Option<f64>,
}

/// Confidence on pairs: Φ(|μ₁ − μ₂| / √(σ₁² + σ₂²)), the probability that the preferred edit is better if the judge's
/// distributions are true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairDoubt {
    /// How many pairs.
    pub pairs: usize,
    /// The mean confidence.
    pub confidence: f64,
    /// How often the judge is right; equal to the mean confidence where doubt is calibrated.
    pub accuracy: f64,
    /// Confidence side by side with accuracy.
    pub bins: Vec<Bin>,
    /// The mean distance of both over bins, weighed by count.
    pub expected_error: Option<f64>,
    /// The probability that a pair that it is right of has the higher confidence than one that it is wrong of: ½ for confidence
    /// that says nothing. Nothing where it is always right, or always wrong.
    pub confidence_auc: Option<f64>,
    /// The same of the margin alone, without standard deviations: what they add is the difference.
    pub margin_auc: Option<f64>,
    /// Accuracy of the most confident tenth, two tenths and so on up to all.
    pub most_confident: Vec<f64>,
}

/// What the deviations of one number of a judge are worth; nothing where it states none above 0.
pub(super) fn doubt(
    (cases, said): (&[JudgedCase], &Said),
    fitted: &[ScoredEdit],
    held_out: Option<&[f64]>,
) -> Result<Option<Doubt>, StudyError> {
    let states_one = |edit| said.sigma_of(edit).is_some_and(|sigma| sigma > 0.0);
    if !cases.iter().flat_map(|case| &case.candidates).any(states_one) {
        return Ok(None);
    }
    let with_sigma = fitted.iter().zip(held_out.unwrap_or_default());
    let (sigmas, errors): (Vec<f64>, Vec<f64>) =
        with_sigma.filter_map(|(edit, value)| Some((edit.sigma?, (value - edit.target).abs()))).unzip();
    let error_spearman = if sigmas.is_empty() { None } else { spearman(&sigmas, &errors)? };
    Ok(Some(Doubt { pairs: of_pairs(&doubted(cases, said))?, error_spearman }))
}

/// A pair that people decided.
struct Doubted {
    confidence: f64,
    margin: f64,
    right: f64,
}

fn doubted(cases: &[JudgedCase], said: &Said) -> Vec<Doubted> {
    let mut found = Vec::new();
    for case in cases {
        let Some(order) = Comparison::of(case, said).and_then(|(comparison, _)| comparison.order) else {
            continue;
        };
        let stated: Vec<_> = compared(case).iter().map(|edit| Some((said.of(edit)?, said.sigma_of(edit)?))).collect();
        for (i, j) in places(stated.len()) {
            let (Some(Some((first, one))), Some(Some((second, two)))) = (stated.get(i), stated.get(j)) else {
                continue;
            };
            let Some(human) = order.preference(i, j).filter(|human| *human != Preference::Tie) else { continue };
            let margin = first - second;
            let spread = one.hypot(*two);
            // Without doubt any margin is certain, and none says nothing.
            let z = if margin == 0.0 { 0.0 } else { margin.abs() / spread };
            found.push(Doubted {
                confidence: normal_below(z),
                margin: margin.abs(),
                right: right(&Pair { human, margin }),
            });
        }
    }
    found
}

fn of_pairs(pairs: &[Doubted]) -> Result<Option<PairDoubt>, StudyError> {
    if pairs.is_empty() {
        return Ok(None);
    }
    let column = |of: fn(&Doubted) -> f64| pairs.iter().map(of).collect::<Vec<f64>>();
    let (confidence, margin, right) =
        (column(|pair| pair.confidence), column(|pair| pair.margin), column(|pair| pair.right));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (bins, expected_error) = binned(&confidence, &right)?;
    Ok(Some(PairDoubt {
        pairs: pairs.len(),
        confidence: mean(&confidence),
        accuracy: mean(&right),
        bins,
        expected_error,
        confidence_auc: auc(&confidence, &right)?,
        margin_auc: auc(&margin, &right)?,
        most_confident: most_confident(&confidence, &right),
    }))
}

/// The area under the curve of receivers, by ranks (Mann and Whitney): pairs half right count half on both sides.
fn auc(values: &[f64], right: &[f64]) -> Result<Option<f64>, StudyError> {
    let ranks = average_ranks(values)?;
    let rights: f64 = right.iter().sum();
    let wrongs = right.len() as f64 - rights;
    let n = right.len() as f64;
    if rights == 0.0 || wrongs == 0.0 {
        return Ok(None);
    }
    // The mean rank of the right ones less that of the wrong ones is n/2 where all right ones are above.
    let sum: f64 = ranks.iter().zip(right).map(|(rank, right)| rank * right).sum();
    let all = n * (n + 1.0) / 2.0;
    Ok(Some(0.5 + (sum / rights - (all - sum) / wrongs) / n))
}

fn most_confident(confidence: &[f64], right: &[f64]) -> Vec<f64> {
    let mut order: Vec<(f64, f64)> = confidence.iter().copied().zip(right.iter().copied()).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let of_tenths = |tenths: usize| {
        let taken = (order.len() * tenths).div_ceil(10);
        order.iter().take(taken).map(|each| each.1).sum::<f64>() / taken as f64
    };
    (1..=10).map(of_tenths).collect()
}
