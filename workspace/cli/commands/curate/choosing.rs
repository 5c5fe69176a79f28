//! What is done once all is scored: the choice, the kept rows, preferences and the report, in one folder.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use editscale_config::JudgeRecipe;
use editscale_curate::choice::{
    ChoiceError, Chosen, Fate, Overrides, Preference, PreferredBy, Rules, choose, preferences,
};
use editscale_curate::report::{Facts, Judge, Tallies, Tally, gather, report, wanted};
use editscale_curate::results::{
    CHOICE_TABLE, ChoiceFolder, Kept, PairSource, write_fates, write_kept, write_kept_of_several, write_labels,
    write_pairs,
};
use editscale_curate::review::{self, Agreement, Known, Label, Log, OfDataset, Reviews};
use editscale_curate::table::{ScoreFiles, TableError};
use editscale_engine::write_whole;
use editscale_fetch::Patience;
use editscale_picture::Limits;
use editscale_rollout::dataset::{Dataset, Pictures};
use editscale_study::curation::Side;
use serde_json::{Value, json};

use super::{rules, told};
use crate::args::Curate;
use crate::failure::{Misuse, tell};
use crate::recipes::Loaded;
use crate::sharing::program;
use crate::shell::quoted;

/// What a choice is made of.
pub(super) struct Ready<'a> {
    pub(super) arguments: &'a Curate,
    pub(super) loaded: &'a Loaded<JudgeRecipe>,
    pub(super) dataset: Arc<Dataset>,
    pub(super) files: ScoreFiles,
    /// The rewards that scored, with their revisions, a line each.
    pub(super) revisions: Vec<String>,
}

/// A choice that has been made and written down.
pub(super) struct Told {
    /// The form of `choice.json`.
    pub(super) summary: Value,
    /// For people.
    pub(super) lines: Vec<String>,
}

/// What people said, and what follows from it.
struct People {
    reviews: Reviews,
    overrides: Overrides,
    known: Known,
    agreement: Option<Agreement>,
}

impl Ready<'_> {
    /// Chooses, and writes everything down.
    pub(super) async fn choose(&self) -> Result<Told> {
        let rules = rules::rules(&self.loaded.recipe.curate());
        let people = self.people(&rules)?;
        let chosen = choose(self.files.records(), &rules, &people.overrides).map_err(refused)?;
        let folder = ChoiceFolder::begin(&self.arguments.out)?;
        let path = folder.path();
        let is_split = rules.split.validation > 0.0;
        let kept = write_kept((&self.dataset, &self.files), (&chosen, is_split), &path)?;
        write_fates((&chosen, &self.files), &people.overrides, &path.join(CHOICE_TABLE))?;
        let pictures = Pictures::new(Limits::default(), Patience::default());
        let source = PairSource { dataset: &self.dataset, files: &self.files, chosen: &chosen, pictures: &pictures };
        let (pairs, labels) = self.preferences(&people)?;
        let pairs = write_pairs(source, &pairs, &path.join("preferences.parquet")).await?;
        write_kept_of_several(source, &path.join("kept.parquet")).await?;
        let labels = write_labels(source, &labels, &path.join("labels.parquet")).await?;
        let page = self.report(&rules, &people, &chosen).await?;
        write_whole(&path.join("report.html"), page.as_bytes())?;
        write_whole(&path.join("recipe.yaml"), self.loaded.recipe.to_yaml().as_bytes())?;
        let summary = self.summary(&chosen, &kept, [pairs, labels]);
        write_whole(&path.join("choice.json"), &serde_json::to_vec_pretty(&summary)?)?;
        let folder = folder.publish()?;
        Ok(Told { lines: lines(&chosen, &kept, [pairs, labels], &folder), summary })
    }

    fn people(&self, rules: &Rules) -> Result<People> {
        let path = self.arguments.out.join(review::FILE);
        let reviews = if path.exists() { Log::read(&path)? } else { Reviews::default() };
        let mut known = Known::new(&reviews);
        let mut overrides = reviews.overrides();
        if overrides.is_empty() && reviews.verdicts().is_empty() {
            return Ok(People { reviews, overrides, known, agreement: None });
        }
        let mut there = Overrides::new();
        for record in self.files.records() {
            let record = record?;
            known.see(&record);
            let at = (record.row, record.candidate);
            there.extend(overrides.get(&at).map(|word| (at, *word)));
        }
        if there.len() < overrides.len() {
            let strange = overrides.len() - there.len();
            tell(&format!("{strange} verdicts of {} are on records that are not there: left out", path.display()));
            overrides = there;
        }
        // How people agree with the rewards shows against what the rules say without them.
        let by_rules = choose(self.files.records(), rules, &Overrides::new())?;
        let agreement = Some(Agreement::of(&reviews, &known, &by_rules));
        Ok(People { reviews, overrides, known, agreement })
    }

    /// Pairs, people's first, each two edited pictures once; and labels.
    fn preferences(&self, people: &People) -> Result<(Vec<Preference>, Vec<Label>)> {
        let (mut pairs, mut labels) = (Vec::new(), Vec::new());
        for said in review::preferences(&people.reviews, &people.known) {
            match said {
                review::Preference::Pair(pair) => pairs.push(Preference {
                    chosen: pair.chosen,
                    rejected: pair.rejected,
                    margin: pair.margin,
                    confidence: None,
                    by: PreferredBy::Person,
                }),
                review::Preference::Label(label) => labels.push(label),
            }
        }
        let both = |pair: &Preference| [pair.chosen.min(pair.rejected), pair.chosen.max(pair.rejected)];
        let told: std::collections::BTreeSet<_> = pairs.iter().map(both).collect();
        let preferred = preferences(
            self.files.records(),
            &rules::preference_rules(&self.loaded.recipe.curate()),
            &people.overrides,
        )?;
        // What people say by keeping and rejecting is among theirs already.
        let by_rewards = preferred.filter(|pair| pair.by == PreferredBy::Rewards && !told.contains(&both(pair)));
        pairs.extend(by_rewards);
        Ok((pairs, labels))
    }

    async fn report(&self, rules: &Rules, people: &People, chosen: &Chosen) -> Result<String> {
        let pictures = OfDataset::new(Arc::clone(&self.dataset), Pictures::new(Limits::default(), Patience::default()));
        let mut tallies = Tallies::default();
        for (record, fated) in self.files.records().zip(&chosen.fated) {
            tallies.count(&record?, matches!(fated.fate, Fate::Kept(_)));
        }
        let examples = gather(self.files.records(), &wanted(chosen), &pictures).await?;
        let facts = self.facts(rules, people, tallies.finish());
        Ok(report(&facts, chosen, &examples))
    }

    fn facts(&self, rules: &Rules, people: &People, tallies: Vec<Tally>) -> Facts {
        let recipe = &self.loaded.recipe;
        let given = |what: &Path| what.display().to_string();
        let (dataset, out) = (quoted(&self.arguments.dataset), quoted(&self.arguments.out));
        let recipe_file = quoted(Path::new(&self.arguments.recipe));
        let again = format!("editscale curate {dataset} --recipe {recipe_file} --out {out}");
        Facts {
            dataset: given(&self.arguments.dataset),
            more: vec![
                ("data set".to_owned(), self.dataset.describe()),
                ("recipe".to_owned(), self.loaded.name.clone()),
                ("program".to_owned(), program()),
            ],
            judges: self.judges(),
            rules: told::in_words(&recipe.curate()),
            kappa: rules.kappa,
            tallies,
            agreement: people.agreement,
            commands: vec![again, format!("editscale curate review {out}")],
        }
    }

    /// The rewards, with the revisions that were written down when scoring began.
    fn judges(&self) -> Vec<Judge> {
        let judge = |reward: &editscale_config::Reward| {
            let recorded =
                self.revisions.iter().find_map(|line| line.strip_prefix(&format!("reward {}: ", reward.name)));
            Judge {
                name: reward.name.to_string(),
                revision: recorded.unwrap_or("not recorded").to_owned(),
                weight: reward.weight.to_string(),
            }
        };
        self.loaded.recipe.rewards().iter().map(judge).collect()
    }

    fn summary(&self, chosen: &Chosen, kept: &Kept, [pairs, labels]: [u64; 2]) -> Value {
        let subset = |summary: &editscale_rollout::dataset::SubsetSummary| {
            json!({
                "rows": summary.rows, "files": summary.files,
                "pictures": {"linked": summary.linked, "copied": summary.copied, "left": summary.left},
            })
        };
        let dropped = |(reason, (records, _)): (&editscale_study::curation::DropReason, &(u64, Vec<u64>))| {
            (reason.to_string(), json!(records))
        };
        json!({
            "version": 1,
            "dataset": self.arguments.dataset.display().to_string(),
            "fingerprint": self.dataset.fingerprint(),
            "records": chosen.fated.len(),
            "kept": kept_records(chosen),
            "lowest": chosen.lowest,
            "near_lowest": chosen.near_lowest,
            "near_duplicate_groups": chosen.near_duplicate_groups,
            "dropped": chosen.dropped.iter().map(dropped).collect::<serde_json::Map<_, _>>(),
            "train": subset(&kept.train),
            "validation": kept.validation.as_ref().map(subset),
            "preferences": pairs,
            "labels": labels,
        })
    }
}

/// Rules that do not fit the records are a mistake of the recipe, not of the machine.
fn refused(error: ChoiceError<TableError>) -> anyhow::Error {
    match error {
        ChoiceError::Record(error) => error.into(),
        error => Misuse::new(error.to_string()).hint("mend `curate:` in the recipe: nothing is scored again").into(),
    }
}

fn kept_records(chosen: &Chosen) -> Value {
    let count = |side: Side| chosen.fated.iter().filter(|fated| fated.fate == Fate::Kept(side)).count();
    json!({"train": count(Side::Train), "validation": count(Side::Validation)})
}

fn lines(chosen: &Chosen, kept: &Kept, [pairs, labels]: [u64; 2], folder: &Path) -> Vec<String> {
    let all = chosen.fated.len();
    let kept_records = chosen.fated.iter().filter(|fated| matches!(fated.fate, Fate::Kept(_))).count();
    let mut lines = vec![format!("kept {kept_records} of {all} edited pictures")];
    lines.extend(chosen.dropped.iter().map(|(reason, (records, _))| format!("  {records} {reason}")));
    if let Some(validation) = &kept.validation {
        lines.push(format!("{} rows to train on, {} to measure on", kept.train.rows, validation.rows));
    }
    let left = kept.train.left + kept.validation.map_or(0, |validation| validation.left);
    if left > 0 {
        lines.push(format!("{left} pictures of kept rows are not beside them: named by an absolute path or an address, outside the data set's folder, or not there"));
    }
    for (count, what) in [(pairs, "preference pairs"), (labels, "labels of people")] {
        if count > 0 {
            lines.push(format!("{count} {what}"));
        }
    }
    lines.push(format!("the report: {}", folder.join("report.html").display()));
    lines
}
