//! The rules of a choice in words, for its report.

use editscale_config::Curate;
use editscale_config::curate::{CurateGate, Diversity, GroupBy, PerRow, ShareOut, Split, Strata, WithoutSigma};

/// What each rule is about, and what it says; rules that say nothing are left out.
pub(super) fn in_words(curate: &Curate) -> Vec<(String, String)> {
    let mut words = vec![("compared by", compared(curate))];
    words.extend(curate.gates.iter().map(|gate| ("gate", of_gate(gate))));
    words.extend(curate.keep.at_least.map(|least| ("at least", format!("{least}"))));
    let per_row = match curate.per_row {
        PerRow::Best => "the best one",
        PerRow::All => "all of them",
    };
    words.push(("of several edited pictures of a row", per_row.to_owned()));
    words.extend(curate.near_duplicates.map(|radius| {
        ("near duplicates", format!("of those whose pictures differ in at most {radius} of 64 bits, the best stays"))
    }));
    words.extend(curate.diversity.as_ref().map(|diversity| ("diversity", of_diversity(diversity))));
    words.push(("strata", of_strata(&curate.strata)));
    words.push(("kept", kept(curate)));
    words.extend(curate.split.as_ref().map(|split| ("split", of_split(split))));
    words.into_iter().map(|(what, how)| (what.to_owned(), how)).collect()
}

fn compared(curate: &Curate) -> String {
    if curate.kappa == 0.0 {
        return "the score".to_owned();
    }
    let without = match curate.without_sigma {
        WithoutSigma::Drop => "dropped",
        WithoutSigma::Certain => "taken as certain",
    };
    format!("the score less {} standard deviations; scores without one are {without}", curate.kappa)
}

fn of_gate(gate: &CurateGate) -> String {
    let what = match (&gate.reward, &gate.part) {
        (None, _) => "the score".to_owned(),
        (Some(reward), None) => reward.to_string(),
        (Some(reward), Some(part)) => format!("{reward}.{part}"),
    };
    let least = gate.at_least.map(|least| format!("at least {least}"));
    let most = gate.at_most.map(|most| format!("at most {most}"));
    format!("{what}: {}", least.into_iter().chain(most).collect::<Vec<_>>().join(", "))
}

fn group(by: GroupBy) -> &'static str {
    match by {
        GroupBy::Source => "source picture",
        GroupBy::Instruction => "group of like instructions",
        GroupBy::EditCategory => "kind of edit",
        GroupBy::Category => "value of the category column",
    }
}

fn of_diversity(diversity: &Diversity) -> String {
    format!("at most {} of one {}", diversity.most, group(diversity.by))
}

fn of_strata(strata: &Strata) -> String {
    let how = match &strata.share_out {
        ShareOut::Freely => "told of, without a quota".to_owned(),
        ShareOut::Proportional => "each in proportion to its size".to_owned(),
        ShareOut::Equal => "as many of each".to_owned(),
        ShareOut::AtLeast(least) => format!("at least {least} of each"),
        ShareOut::Named(shares) => {
            shares.iter().map(|(name, share)| format!("{name} {share}")).collect::<Vec<_>>().join(", ")
        }
    };
    format!("by {}: {how}", group(strata.by))
}

fn kept(curate: &Curate) -> String {
    match (curate.keep.top, curate.keep.share) {
        (Some(count), _) => format!("the best {count}"),
        (None, Some(share)) => format!("the best {share} of what is left"),
        (None, None) => "all that is left".to_owned(),
    }
}

fn of_split(split: &Split) -> String {
    format!("{} of the sources to measure on, by the salt {}", split.validation, split.salt)
}
