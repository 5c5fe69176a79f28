//! What a recipe says of the choice, in the words of the crate that makes it.

use editscale_config::Curate;
use editscale_config::curate::{self, CurateColumns, CurateGate, Kept, Pairing, PerRow, WithoutSigma};
use editscale_curate::choice;
use editscale_study::curation::{self, Gate, Likeness, PairRule, Quota, WithoutDoubt};

/// The rules of a choice. What is checked when a recipe is read is not checked again.
pub(super) fn rules(curate: &Curate) -> choice::Rules {
    choice::Rules {
        gates: curate.gates.iter().map(gate).collect(),
        kappa: curate.kappa,
        without_sigma: match curate.without_sigma {
            WithoutSigma::Drop => WithoutDoubt::Unknown,
            WithoutSigma::Certain => WithoutDoubt::Certain,
        },
        at_least: curate.keep.at_least,
        per_row: match curate.per_row {
            PerRow::Best => choice::PerRow::Best,
            PerRow::All => choice::PerRow::All,
        },
        near_duplicates: curate.near_duplicates,
        diversity: curate
            .diversity
            .as_ref()
            .map(|diversity| choice::Diversity { by: group_by(diversity.by, &curate.columns), most: diversity.most }),
        strata: choice::Strata {
            by: group_by(curate.strata.by, &curate.columns),
            largest: curate.strata.largest as usize,
            share_out: share_out(&curate.strata.share_out),
        },
        keep: keep(curate.keep),
        split: curate.split.map_or_else(choice::SplitRule::default, |split| choice::SplitRule {
            validation: split.validation,
            salt: split.salt,
            radius: split.radius,
        }),
        likeness: Likeness { similarity: curate.instruction_similarity, ..Likeness::default() },
        examples: curate.examples as usize,
        ..choice::Rules::default()
    }
}

/// Which preference pairs are made.
pub(super) fn preference_rules(curate: &Curate) -> choice::PreferenceRules {
    let preferences = &curate.preferences;
    let pairing = match preferences.pairing {
        Pairing::BestAgainstWorst => curation::Pairing::BestAgainstWorst,
        Pairing::BestAgainstRest => curation::Pairing::BestAgainstRest,
        Pairing::All => curation::Pairing::All,
    };
    choice::PreferenceRules {
        pairs: PairRule { pairing, margin: preferences.margin, confidence: preferences.confidence },
        across_rows: preferences.across_rows,
    }
}

fn gate(gate: &CurateGate) -> Gate {
    let part = match (&gate.reward, &gate.part) {
        (None, _) => choice::THE_SCORE.to_owned(),
        (Some(reward), None) => reward.to_string(),
        (Some(reward), Some(part)) => format!("{reward}.{part}"),
    };
    Gate { part, at_least: gate.at_least, at_most: gate.at_most }
}

fn keep(kept: Kept) -> choice::Keep {
    match (kept.top, kept.share) {
        (Some(count), _) => choice::Keep::Top(count),
        (None, Some(share)) => choice::Keep::Share(share),
        (None, None) => choice::Keep::All,
    }
}

fn group_by(by: curate::GroupBy, columns: &CurateColumns) -> choice::GroupBy {
    match by {
        curate::GroupBy::Source => choice::GroupBy::Source,
        curate::GroupBy::Instruction => choice::GroupBy::Instruction,
        curate::GroupBy::EditCategory => choice::GroupBy::EditCategory,
        curate::GroupBy::Category => choice::GroupBy::Column(columns.category.clone().unwrap_or_default()),
    }
}

fn share_out(share_out: &curate::ShareOut) -> choice::ShareOut {
    match share_out {
        curate::ShareOut::Freely => choice::ShareOut::Freely,
        curate::ShareOut::Proportional => choice::ShareOut::By(Quota::Proportional),
        curate::ShareOut::Equal => choice::ShareOut::By(Quota::Equal),
        curate::ShareOut::AtLeast(minimum) => choice::ShareOut::By(Quota::AtLeast(*minimum)),
        curate::ShareOut::Named(shares) => choice::ShareOut::Named(shares.clone()),
    }
}
