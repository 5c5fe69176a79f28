//! The policies under study, written as recipes have them.

use std::sync::Arc;

use anyhow::Context as _;
use editscale_config::{Catalogue, Recipe};
use editscale_core::{EditorName, RewardName, SearchFactory};
use editscale_schema::{
    EditorChoice, EditorKind, Fields, House, Keys, MadeEditor, MadeReward, MakeError, Options, RewardChoice,
    RewardKind, Yaml,
};

use crate::world::simulation::{EDITOR, JUDGE};

/// The policy that a recipe's sections set for the simulated world: `search`, and what else it needs of `stop`, `combine`, ….
pub fn simulated(sections: &str) -> anyhow::Result<Arc<dyn SearchFactory>> {
    judged_by(&[JUDGE], sections)
}

/// The policy that a recipe's sections set where rewards of these names judge.
pub fn judged_by(judges: &[&str], sections: &str) -> anyhow::Result<Arc<dyn SearchFactory>> {
    let (editors, rewards) = ([EditorKind::of::<SimulatedEditor>()], [RewardKind::of::<SimulatedJudge>()]);
    let named: Vec<String> = judges.iter().map(|name| format!("{{name: {name}, model: {{{JUDGE}: {{}}}}}}")).collect();
    let rewards_line = named.join(", ");
    let head = format!("version: 1\neditor: {{{EDITOR}: {{}}}}\nrewards: [{rewards_line}]\n");
    read(&format!("{head}{sections}\n"), &Catalogue::new(&[&editors], &[&rewards]))
}

/// The policy of a whole recipe.
pub fn read(recipe: &str, catalogue: &Catalogue) -> anyhow::Result<Arc<dyn SearchFactory>> {
    let parsed = Recipe::parse(recipe.as_bytes(), catalogue);
    let (recipe, _) = parsed.map_err(|report| anyhow::anyhow!(report.render("recipe", recipe.as_bytes())))?;
    Ok(recipe.search_factory())
}

/// A policy under the name that tables have for it.
#[derive(Debug, Clone)]
pub struct Named {
    /// What tables call it.
    pub name: String,
    /// What the recipe says.
    pub sections: String,
    /// The policy at work.
    pub factory: Arc<dyn SearchFactory>,
}

impl Named {
    /// One for the simulated world.
    pub fn simulated(name: &str, sections: &str) -> anyhow::Result<Self> {
        let factory = simulated(sections).with_context(|| name.to_owned())?;
        Ok(Self { name: name.to_owned(), sections: sections.to_owned(), factory })
    }
}

/// The simulated editor, as recipes name it. It works in studies alone.
#[derive(Debug, Clone)]
struct SimulatedEditor;

/// The simulated judge, as recipes name it.
#[derive(Debug, Clone)]
struct SimulatedJudge;

impl Options for SimulatedEditor {
    const NAME: &'static str = EDITOR;
    const ABOUT: &'static str = "An editor of which the truth is known.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self)
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}

impl Options for SimulatedJudge {
    const NAME: &'static str = JUDGE;
    const ABOUT: &'static str = "A judge whose errors are known.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self)
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}

impl EditorChoice for SimulatedEditor {
    fn make(&self, _: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        Err("the simulated editor works in studies alone".into())
    }
}

impl RewardChoice for SimulatedJudge {
    fn make(&self, _: &RewardName, _: &House) -> Result<MadeReward, MakeError> {
        Err("the simulated judge works in studies alone".into())
    }
}
