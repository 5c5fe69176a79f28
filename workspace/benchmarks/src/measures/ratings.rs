//! Metrics of single ratings: rank correlations within editing models and within instructions, and their averages.

use std::sync::Arc;

use editscale_study::judges::{
    GroupRho, Rated, fisher_average, fisher_average_as_published, plain_average, plain_average_as_published,
    pooled_spearman, pooled_tau_b, spearman_by_group, weighted_fisher_average, z_scored_spearman_as_published,
};
use editscale_study::{Clusters, Folds, StudyError, kendall_tau_b, spearman};

use super::evaluate::{Definition, Ready, Rule, Unjudged, Way};
use super::orders::NOT_PUBLISHED;
use super::rated::{RatedEdit, with_worst};

/// The metrics of `ImagenHub`.
pub(super) fn imagenhub() -> Vec<Definition<RatedEdit>> {
    let average = Definition {
        published: Some(tanh_of_mean),
        differs: "The published code takes tanh of the mean ρ and leaves out the atanh before it, so that values are pulled \
                  towards 0, and gives NaN where a model has one distinct score (eval_bench.py, evaluate_imagenhub_from_json).",
        ..average()
    };
    let mut all = vec![average];
    all.extend(more_averages());
    all.extend(per_instruction());
    all
}

/// The metrics of AURORA's single ratings.
pub(super) fn aurora_pointwise() -> Vec<Definition<RatedEdit>> {
    let average = Definition {
        published: Some(plain_mean_as_published),
        differs: "The published code takes the plain mean of ρ, which is pulled towards 0 for few items, and gives NaN where a \
                  model has one distinct score (eval_bench.py, evaluate_aurora_from_json_pointwise).",
        ..average()
    };
    std::iter::once(average).chain(more_averages()).collect()
}

/// The metrics of ratings that no published code was made for.
pub(super) fn right_ones() -> Vec<Definition<RatedEdit>> {
    let all = [
        definition("spearman", "Spearman's ρ of scores and ratings, all edits together.", spearman_of_all),
        definition("kendall_tau_b", "Kendall's τ-b of scores and ratings, all edits together.", tau_of_all),
        average(),
    ];
    all.into_iter().chain(more_averages()).collect()
}

/// The metrics of one model's edits.
pub(super) fn of_model() -> Vec<Definition<RatedEdit>> {
    vec![
        definition("spearman", "Spearman's ρ of scores and ratings of this model's edits.", spearman_of_all),
        definition("kendall_tau_b", "Kendall's τ-b of scores and ratings of this model's edits.", tau_of_all),
    ]
}

fn average() -> Definition<RatedEdit> {
    definition(
        "average_spearman",
        "Spearman's ρ of each editing model's edits, averaged through Fisher's z, each model counting the same.",
        fisher,
    )
}

fn more_averages() -> Vec<Definition<RatedEdit>> {
    vec![
        definition(
            "plain_average_spearman",
            "Spearman's ρ of each editing model's edits, their plain mean; models without one are left out.",
            plain_mean,
        ),
        definition(
            "weighted_average_spearman",
            "Spearman's ρ of each editing model's edits, averaged through Fisher's z, n - 3 being the weight of n edits.",
            weighted_fisher,
        ),
        definition(
            "pooled_spearman",
            "Correlation of ranks within editing models, all edits together: larger models weigh more.",
            pooled_within_models,
        ),
        definition("pooled_tau_b", "Kendall's τ-b over all pairs of edits of one model.", tau_within_models),
    ]
}

fn per_instruction() -> Vec<Definition<RatedEdit>> {
    let mean = Definition {
        published: Some(mean_per_instruction_as_published),
        differs: "The published code answers 0 where no instruction has a ρ (eval_bench.py, evaluate_imagenhub_from_json_v2, \
                  metric 1); rightly there is none.",
        ..definition(
            "per_instruction_spearman",
            "Spearman's ρ of the edits of each instruction, their plain mean; instructions without one are left out.",
            mean_per_instruction,
        )
    };
    let standardised = Definition {
        published: Some(standardised_per_instruction),
        differs: "The published code standardises scores per instruction and ratings not at all, so that a judge that orders \
                  every instruction's edits rightly stays below 1 (eval_bench.py, evaluate_imagenhub_from_json_v2, metric 2); \
                  rightly both are ranked within the instruction.",
        ..definition(
            "standardised_spearman",
            "Rank correlation where what differs between instructions has no part in it.",
            pooled_within_instructions,
        )
    };
    vec![mean, standardised]
}

fn definition(name: &'static str, says: &'static str, right: Rule<RatedEdit>) -> Definition<RatedEdit> {
    Definition {
        name,
        says,
        published: None,
        right: Some(right),
        differs: NOT_PUBLISHED,
        unit: "edits",
        weight: |_| 1,
        unjudged: Unjudged::Worst(with_worst),
        exact: symmetric,
        facts: None,
    }
}

/// A random order is as likely as its opposite, which has the opposite value: 0 on average, where there is a value at all.
#[expect(clippy::unnecessary_wraps, reason = "the signature of every definition")]
fn symmetric(_: &[RatedEdit], _: Way) -> Option<f64> {
    Some(0.0)
}

/// Edits of some rows, compared within what `key` says.
fn within(edits: &[RatedEdit], rows: &[usize], key: fn(&RatedEdit) -> &Arc<str>) -> Vec<Rated<Arc<str>>> {
    let edits = rows.iter().filter_map(|row| edits.get(*row));
    edits.map(|edit| Rated { group: key(edit).clone(), predicted: edit.predicted, human: edit.human }).collect()
}

fn model(edit: &RatedEdit) -> &Arc<str> {
    &edit.model
}

fn instruction(edit: &RatedEdit) -> &Arc<str> {
    &edit.instruction
}

fn rhos(edits: &[RatedEdit], rows: &[usize], key: fn(&RatedEdit) -> &Arc<str>) -> Vec<GroupRho> {
    spearman_by_group(&within(edits, rows, key)).map(|found| found.into_values().collect()).unwrap_or_default()
}

fn of_models(edits: &[RatedEdit], average: fn(&[GroupRho]) -> Option<f64>) -> Ready<'_> {
    Box::new(move |rows| average(&rhos(edits, rows, model)))
}

/// The rules, each with the signature of [`Rule`].
macro_rules! rules {
    ($($name:ident: |$edits:ident| $ready:expr;)*) => {$(
        fn $name<'a>($edits: &'a [RatedEdit], _: &Clusters, _: Folds) -> Result<Ready<'a>, StudyError> {
            Ok($ready)
        }
    )*};
}

rules! {
    tanh_of_mean: |edits| of_models(edits, fisher_average_as_published);
    plain_mean_as_published: |edits| of_models(edits, plain_average_as_published);
    plain_mean: |edits| of_models(edits, plain_average);
    fisher: |edits| of_models(edits, fisher_average);
    weighted_fisher: |edits| of_models(edits, weighted_fisher_average);
    pooled_within_models: |edits| Box::new(|rows| pooled_spearman(&within(edits, rows, model)).ok().flatten());
    tau_within_models: |edits| Box::new(|rows| pooled_tau_b(&within(edits, rows, model)).ok().flatten());
    pooled_within_instructions: |edits| Box::new(|rows| pooled_spearman(&within(edits, rows, instruction)).ok().flatten());
    standardised_per_instruction: |edits| Box::new(|rows| z_scored_spearman_as_published(&within(edits, rows, instruction)).ok());
    mean_per_instruction: |edits| Box::new(|rows| plain_average(&several(rhos(edits, rows, instruction))));
    mean_per_instruction_as_published: |edits| {
        Box::new(|rows| Some(plain_average(&several(rhos(edits, rows, instruction))).unwrap_or(0.0)))
    };
    spearman_of_all: |edits| Box::new(|rows| {
        let (predicted, human) = columns(edits, rows);
        spearman(&predicted, &human).ok().flatten()
    });
    tau_of_all: |edits| Box::new(|rows| {
        let (predicted, human) = columns(edits, rows);
        kendall_tau_b(&predicted, &human).ok().flatten()
    });
}

fn several(rhos: Vec<GroupRho>) -> Vec<GroupRho> {
    rhos.into_iter().filter(|group| group.items > 1).collect()
}

fn columns(edits: &[RatedEdit], rows: &[usize]) -> (Vec<f64>, Vec<f64>) {
    rows.iter().filter_map(|row| edits.get(*row)).map(|edit| (edit.predicted, edit.human)).unzip()
}
