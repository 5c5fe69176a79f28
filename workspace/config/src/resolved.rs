//! A recipe written out with all its defaults: the same settings always in the same words.

use crate::budget;
use crate::critics::write_critics;
use crate::finalists::write_finalists;
use crate::gates::write_gate;
use crate::judging::{JudgeRecipe, JudgeSettings};
use crate::recipe::{Editor, Recipe, Reward, Settings};
use crate::rewards::{NAME, WEIGHT};
use crate::{Calibration, Catalogue};
use editscale_schema::{Report, Yaml};
use editscale_search::{Gate, ObjectiveChoice};

/// The keys that scores depend on.
const JUDGING: [&str; 4] = ["version", "rewards", "combine", "gates"];

impl Recipe {
    /// The resolved recipe: every default spelled out, no comments, keys in the order of their documentation. It reads
    /// back as an equal recipe.
    pub fn to_yaml(&self) -> String {
        self.settings.to_yaml().document()
    }

    /// What of it judges, written out likewise: rewards, how they combine, and gates. Scores depend on nothing else in it.
    pub fn judging_yaml(&self) -> String {
        what_judges(self.settings.to_yaml())
    }

    /// This recipe with other sections, each in JSON on one line, which YAML is too. What they get wrong is reported by its place in
    /// a text that nobody sees: its messages say all.
    pub fn with_sections(&self, sections: &[(&str, String)], catalogue: &Catalogue) -> Result<Self, Report> {
        let Yaml::Map(mut entries) = self.settings.to_yaml() else { return Ok(self.clone()) };
        for (name, value) in sections {
            entries.retain(|(key, _)| key != name);
            entries.push(((*name).to_owned(), Yaml::Scalar(value.clone())));
        }
        Self::parse(Yaml::Map(entries).document().as_bytes(), catalogue).map(|(recipe, _)| recipe)
    }
}

impl Settings {
    fn to_yaml(&self) -> Yaml {
        let rollout = self.rollout.as_ref().map(|rollout| ("rollout", rollout.write()));
        let curate = self.curate.as_ref().map(|curate| ("curate", curate.write()));
        let select = self.select.as_ref().map(|select| ("select", select.write()));
        let finalists = self.finalists.as_ref().map(|finalists| ("finalists", write_finalists(finalists)));
        let before = [
            ("version", Yaml::plain(Recipe::VERSION)),
            write_editors(&self.editors),
            write_rewards(&self.rewards, &*self.combine),
            ("combine", self.combine.write()),
            write_gates(&self.gates),
            ("search", self.search.write()),
        ];
        let after = [
            ("stop", self.stop.write()),
            ("budget", budget::write(&self.budget)),
            ("retain", self.retain.write()),
            ("retry", self.retry.write()),
            ("output", self.output.write()),
        ];
        // Recipes without critics read as they did before there were any.
        let all = before.into_iter().chain(select).chain(finalists).chain(after);
        let all = all.chain(write_critics(&self.critics)).chain(rollout).chain(curate);
        Yaml::Map(all.map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

impl JudgeRecipe {
    /// The resolved recipe, as [`Recipe::to_yaml`] writes it, of what is of use for judging.
    pub fn to_yaml(&self) -> String {
        self.settings.to_yaml().document()
    }

    /// What of it judges, as [`Recipe::judging_yaml`] writes it.
    pub fn judging_yaml(&self) -> String {
        what_judges(self.settings.to_yaml())
    }
}

/// The keys that scores depend on, of a resolved recipe.
fn what_judges(resolved: Yaml) -> String {
    let Yaml::Map(mut entries) = resolved else { return String::new() };
    entries.retain(|(key, _)| JUDGING.contains(&key.as_str()));
    Yaml::Map(entries).document()
}

impl JudgeSettings {
    fn to_yaml(&self) -> Yaml {
        let rollout = self.rollout.as_ref().map(|rollout| ("rollout", rollout.write()));
        let curate = self.curate.as_ref().map(|curate| ("curate", curate.write()));
        let entries = [
            ("version", Yaml::plain(Recipe::VERSION)),
            write_rewards(&self.rewards, &*self.combine),
            ("combine", self.combine.write()),
            write_gates(&self.gates),
            ("budget", budget::write(&self.budget)),
            ("retry", self.retry.write()),
        ];
        let all = entries.into_iter().chain(rollout).chain(curate);
        Yaml::Map(all.map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

fn write_rewards(rewards: &[Reward], combine: &dyn ObjectiveChoice) -> (&'static str, Yaml) {
    let with_weights = combine.uses_weights();
    ("rewards", Yaml::List(rewards.iter().map(|reward| write_reward(reward, with_weights)).collect()))
}

fn write_gates(gates: &[Gate]) -> (&'static str, Yaml) {
    ("gates", Yaml::List(gates.iter().map(write_gate).collect()))
}

/// In the short form where it says the same.
fn write_editors(editors: &[Editor]) -> (&'static str, Yaml) {
    match editors {
        [one] if one.name.as_str() == one.model.kind() => ("editor", one.model.write()),
        several => ("editors", Yaml::Map(several.iter().map(write_editor).collect())),
    }
}

fn write_editor(editor: &Editor) -> (String, Yaml) {
    (Yaml::text(editor.name.as_str()).to_string(), editor.model.write())
}

fn write_reward(reward: &Reward, with_weight: bool) -> Yaml {
    let keys = [
        Some(("model".to_owned(), reward.model.write())),
        WEIGHT.write(with_weight.then_some(&reward.weight)),
        NAME.write(Some(&reward.name)),
        reward.calibration.as_ref().map(Calibration::write),
    ];
    Yaml::Map(keys.into_iter().flatten().collect())
}
