//! The forms in which benchmarks are published: which columns tell each, and which column is which part.

use std::path::Path;

use editscale_rollout::{Columns, Edited};

use super::part::{Named, Part};
use super::{LayoutError, Preset};

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A whole case of two edits.
    Pair,
    /// A whole case of two edits, of which the first is preferred.
    Chosen,
    /// Two edits of a group that other rows belong to.
    PairOfGroup,
    /// A whole case of several edits in people's order.
    Ranked,
    /// One edit with a rating.
    Rated,
}

type Columned = (Part, &'static [&'static str]);

/// One form: its parts, each with the usual names of its column, the most exact first.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) shape: Shape,
    /// What cases are called a part of, where the place of the file does not say it.
    pub(super) part: &'static str,
    needed: &'static [Columned],
    perhaps: &'static [Columned],
}

const PAIR_ROWS: Form = Form {
    shape: Shape::PairOfGroup,
    part: "groups",
    needed: &[
        (Part::Source, &["source_image"]),
        (Part::Instruction, &["instruction"]),
        (Part::EditedA, &["candidate_1"]),
        (Part::EditedB, &["candidate_2"]),
        (Part::Ranking, &["ranking"]),
        (Part::Id, &["id"]),
    ],
    perhaps: &[
        (Part::Comparison, &["comparison_type"]),
        (Part::Dataset, &["dataset"]),
        (Part::RatingA, &["score_1"]),
        (Part::RatingB, &["score_2"]),
        (Part::ModelA, &["model_1"]),
        (Part::ModelB, &["model_2"]),
    ],
};

const RANKED: Form = Form {
    shape: Shape::Ranked,
    part: "groups",
    needed: &[
        (Part::Source, &["path_src"]),
        (Part::Instruction, &["prompt"]),
        (Part::Edited, &["paths_generated"]),
        (Part::Ranking, &["human_vote", "ranking"]),
    ],
    perhaps: &[(Part::Id, &["id"]), (Part::Dataset, &["dataset"]), (Part::Models, &["models"])],
};

/// The JSON files of pairs that `eval_bench.py` of EditReward reads.
const SCORED_PAIRS: Form = Form {
    shape: Shape::Pair,
    part: "pairwise",
    needed: &[
        (Part::Source, &["path_src"]),
        (Part::Instruction, &["prompt"]),
        (Part::EditedA, &["path1"]),
        (Part::EditedB, &["path2"]),
        (Part::RatingA, &["model1_dim1_score"]),
        (Part::RatingB, &["model2_dim1_score"]),
    ],
    perhaps: &[(Part::ModelA, &["model1"]), (Part::ModelB, &["model2"]), (Part::Id, &["id"])],
};

const VOTES: Form = Form {
    shape: Shape::Pair,
    part: "pairwise",
    needed: &[
        (Part::Source, &["source_image"]),
        (Part::Instruction, &["instruct_prompt"]),
        (Part::EditedA, &["left_output_image"]),
        (Part::EditedB, &["right_output_image"]),
        (Part::Preference, &["vote_type"]),
    ],
    perhaps: &[(Part::ModelA, &["left_model"]), (Part::ModelB, &["right_model"])],
};

/// AURORA-Bench's own file of pairs.
const WINNERS: Form = Form {
    shape: Shape::Pair,
    part: "pairwise",
    needed: &[
        (Part::Source, &["input"]),
        (Part::Instruction, &["prompt"]),
        (Part::Edited, &["gens"]),
        (Part::Preference, &["winner"]),
        (Part::Models, &["models"]),
    ],
    perhaps: &[(Part::Dataset, &["task"])],
};

const AURORA_RATED: Form = Form {
    shape: Shape::Rated,
    part: "pointwise",
    needed: &[
        (Part::Source, &["input"]),
        (Part::Instruction, &["prompt"]),
        (Part::Edited, &["gen"]),
        (Part::Rating, &["score"]),
    ],
    perhaps: &[(Part::Model, &["model"]), (Part::Dataset, &["task"]), (Part::Id, &["id"])],
};

const IMAGENHUB_RATED: Form = Form {
    shape: Shape::Rated,
    part: "pointwise",
    needed: &[
        (Part::Source, &["input_path"]),
        (Part::Instruction, &["instruction"]),
        (Part::Edited, &["output_path"]),
        (Part::Rating, &["score"]),
    ],
    perhaps: &[(Part::Model, &["model"]), (Part::Id, &["id"])],
};

const SOURCES: &[&str] = &["source", "source_image", "input", "input_image", "original", "image", "path_src", "before"];
const INSTRUCTIONS: &[&str] = &["instruction", "edit_instruction", "edit_prompt", "prompt"];
const FIRSTS: &[&str] = &["edited_a", "edited_1", "candidate_a", "candidate_1", "image_a", "a", "path1"];
const SECONDS: &[&str] = &["edited_b", "edited_2", "candidate_b", "candidate_2", "image_b", "b", "path2"];
const OWN_PAIR_EXTRAS: &[Columned] = &[
    (Part::ModelA, &["model_a", "model_1", "model1"]),
    (Part::ModelB, &["model_b", "model_2", "model2"]),
    (Part::RatingA, &["rating_a", "score_a", "rating_1", "score_1"]),
    (Part::RatingB, &["rating_b", "score_b", "rating_2", "score_2"]),
    (Part::Group, &["group"]),
    (Part::Id, &["id"]),
    (Part::Dataset, &["dataset"]),
];

const OWN_PAIRS: Form = Form {
    shape: Shape::Pair,
    part: "pairwise",
    needed: &[
        (Part::Source, SOURCES),
        (Part::Instruction, INSTRUCTIONS),
        (Part::EditedA, FIRSTS),
        (Part::EditedB, SECONDS),
        (Part::Preference, &["preference", "preferred", "winner", "label", "vote"]),
    ],
    perhaps: OWN_PAIR_EXTRAS,
};

const OWN_RATED_PAIRS: Form = Form {
    shape: Shape::Pair,
    part: "pairwise",
    needed: &[
        (Part::Source, SOURCES),
        (Part::Instruction, INSTRUCTIONS),
        (Part::EditedA, FIRSTS),
        (Part::EditedB, SECONDS),
        (Part::RatingA, &["rating_a", "score_a", "rating_1", "score_1"]),
        (Part::RatingB, &["rating_b", "score_b", "rating_2", "score_2"]),
    ],
    perhaps: OWN_PAIR_EXTRAS,
};

/// Pairs as trainers keep them, the views of `run` among them.
const CHOSEN: Form = Form {
    shape: Shape::Chosen,
    part: "pairwise",
    needed: &[
        (Part::Source, SOURCES),
        (Part::Instruction, INSTRUCTIONS),
        (Part::EditedA, &["chosen", "chosen_image", "preferred", "preferred_image", "winner", "winner_image"]),
        (Part::EditedB, &["rejected", "rejected_image", "loser", "loser_image"]),
    ],
    perhaps: &[
        (Part::ModelA, &["chosen_model", "model_chosen"]),
        (Part::ModelB, &["rejected_model", "model_rejected"]),
        (Part::Group, &["group"]),
        (Part::Id, &["id"]),
        (Part::Dataset, &["dataset"]),
    ],
};

const OWN_RATINGS: Form = Form {
    shape: Shape::Rated,
    part: "pointwise",
    needed: &[
        (Part::Source, SOURCES),
        (Part::Instruction, INSTRUCTIONS),
        (Part::Edited, &["edited", "edited_image", "output", "output_image", "after", "gen"]),
        (Part::Rating, &["rating", "score", "human_score", "mos"]),
    ],
    perhaps: &[
        (Part::Model, &["model"]),
        (Part::Group, &["group"]),
        (Part::Id, &["id"]),
        (Part::Dataset, &["dataset"]),
    ],
};

/// The columns of EditScore/EditReward-Bench: a benchmark of the same name, where the first of two is always the better one.
const OTHER_EDITREWARD_BENCH: [&str; 4] = ["key", "input_image", "output_images", "dimension"];

/// The forms in which a benchmark is found, the most telling first.
pub(super) fn forms(preset: Preset) -> &'static [&'static Form] {
    match preset {
        Preset::EditRewardBench => &[&PAIR_ROWS, &RANKED],
        Preset::GenaiBench => &[&VOTES, &SCORED_PAIRS],
        Preset::AuroraBench => &[&SCORED_PAIRS, &WINNERS, &AURORA_RATED],
        Preset::Imagenhub => &[&IMAGENHUB_RATED],
        Preset::Pairs => &[&OWN_PAIRS, &OWN_RATED_PAIRS, &CHOSEN],
        Preset::Ratings => &[&OWN_RATINGS],
    }
}

impl Form {
    fn parts(&self) -> impl Iterator<Item = Part> {
        self.needed.iter().chain(self.perhaps).map(|(part, _)| *part)
    }

    /// Which column is which part; or the needed parts for which there is none.
    fn find(&self, columns: &[String], given: &Named) -> Result<Named, Vec<Part>> {
        let (mut named, mut lacking) = (Named::new(), Vec::new());
        for (part, usual) in self.needed {
            match column(columns, given.get(part), usual) {
                Some(name) => drop(named.insert(*part, name)),
                None => lacking.push(*part),
            }
        }
        for (part, usual) in self.perhaps {
            let is_given = given.get(part).is_some_and(|name| !name.is_empty());
            match column(columns, given.get(part), usual) {
                Some(name) => drop(named.entry(*part).or_insert(name)),
                None if is_given && !lacking.contains(part) => lacking.push(*part),
                None => {}
            }
        }
        if lacking.is_empty() { Ok(named) } else { Err(lacking) }
    }

    /// What this form expects, for people.
    fn expected(&self, lacking: &[Part]) -> String {
        let of = |(part, usual): &Columned| match usual.first() {
            Some(name) if *name != part.name() => format!("{part} (`{name}`)"),
            _ => format!("{part}"),
        };
        let is_needed = |part: &Part| self.needed.iter().any(|(needed, _)| needed == part);
        let others = self.perhaps.iter().filter(|(part, _)| !is_needed(part));
        let lacking = self.needed.iter().chain(others).filter(|(part, _)| lacking.contains(part));
        lacking.map(of).collect::<Vec<_>>().join(", ")
    }
}

/// The column that was named for a part, or one with a usual name. An empty name says that there is none.
fn column(columns: &[String], given: Option<&String>, usual: &[&str]) -> Option<String> {
    let has = |name: &str| columns.iter().any(|column| column == name);
    match given {
        Some(name) => {
            let outer = name.split_once('.').map_or(name.as_str(), |(outer, _)| outer);
            (has(name) || has(outer)).then(|| name.clone())
        }
        None => usual.iter().find(|name| has(name)).map(|name| (*name).to_owned()),
    }
}

/// Finds out in which form a file is. Fails, naming what is lacking, where it is in none.
pub(super) fn recognise(
    preset: Preset,
    path: &Path,
    columns: &[String],
    given: &Named,
) -> Result<(&'static Form, Named), LayoutError> {
    let path = || path.to_owned();
    let is_other = OTHER_EDITREWARD_BENCH.iter().all(|name| columns.iter().any(|column| column == name));
    if preset == Preset::EditRewardBench && is_other {
        let reason = "this is EditScore/EditReward-Bench (columns key, input_image, output_images, dimension), another benchmark \
                      of the same name; expected TIGER-Lab/EditReward-Bench (columns id, source_image, candidate_1, candidate_2, \
                      ranking, comparison_type)";
        return Err(LayoutError::OtherBenchmark { path: path(), reason: reason.to_owned() });
    }
    let mut told = Vec::new();
    for form in forms(preset) {
        match form.find(columns, given) {
            Ok(named) => return Ok((form, named)),
            Err(lacking) => told.push((lacking.len(), form.expected(&lacking))),
        }
    }
    // The form that is nearest tells most; of equally near ones the first.
    told.sort_by_key(|(lacking, _)| *lacking);
    let lacking = told.first().map_or("", |(_, lacking)| lacking.as_str());
    let found = columns.iter().take(40).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let found = if found.is_empty() { "none".to_owned() } else { found };
    let reason = format!(
        "not in a layout of {preset}: no column for {lacking}; the columns are {found}. Say which is which with --column PART=NAME"
    );
    Err(LayoutError::Columns { path: path(), reason })
}

/// Refuses names for parts that no form of the benchmark has.
pub(super) fn check_given(preset: Preset, given: &Named) -> Result<(), LayoutError> {
    let mut known: Vec<Part> = forms(preset).iter().flat_map(|form| form.parts()).collect();
    known.sort_unstable();
    known.dedup();
    match given.iter().find(|(part, _)| !known.contains(part)) {
        None => Ok(()),
        Some((part, name)) => {
            let known = known.iter().map(|part| part.name()).collect::<Vec<_>>().join(", ");
            Err(LayoutError::Part { part: *part, name: name.clone(), preset, known })
        }
    }
}

/// What the data set reader is asked for.
pub(super) fn columns(named: &Named) -> Columns {
    let of = |part: Part| named.get(&part).cloned();
    let edited = [Part::Edited, Part::EditedA, Part::EditedB].into_iter().filter_map(of).collect();
    let keep = named.iter().filter(|(part, _)| !part.is_read()).map(|(_, name)| name.clone());
    Columns {
        source: of(Part::Source),
        instruction: of(Part::Instruction),
        edited: Edited::Named(edited),
        mask: Some(String::new()),
        id: Some(of(Part::Id).unwrap_or_default()),
        seed: Some(String::new()),
        keep: keep.collect(),
    }
}
