//! Recipes put to work. Two recipes that name the same editor or reward share it: a model is loaded once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use editscale_core::{Blind, Critic, EditBackend, RewardModel, Silent};
use editscale_engine::Ports;
use editscale_schema::House;
use editscale_server::Offer;

use super::pulse::{Body, Organ};
use crate::args::Served;
use crate::failure::Misuse;
use crate::recipes::{self, Loaded, built_in_names};
use crate::world::{Working, calibrated, check_needs, working_critic, working_editor, working_reward};

/// The recipes that are to be served, at work.
pub(crate) fn offers(served: &Served) -> Result<Vec<Offer>> {
    let mut workshop = Workshop::default();
    let mut offers: Vec<Offer> = Vec::new();
    for (name, loaded) in named(served)? {
        if offers.iter().any(|offer| offer.name == name) {
            bail!(Misuse::new(format!("two recipes are called `{name}`")).hint("rename one of the files"));
        }
        let context = format!("recipe `{name}` cannot be served");
        offers.push(workshop.offer(name, loaded).context(context)?);
    }
    if offers.is_empty() {
        bail!(Misuse::new("there is no recipe to serve").hint("give --recipe, or a folder with *.yaml as --recipes"));
    }
    Ok(offers)
}

/// Recipes by the names that callers use.
fn named(served: &Served) -> Result<Vec<(String, Loaded)>> {
    let mut files: Vec<String> = served.recipe.clone();
    if let Some(folder) = &served.recipes {
        files.extend(files_of(folder)?);
    }
    if files.is_empty() && served.recipes.is_none() {
        files.extend(built_in_names().map(str::to_owned));
    }
    let load = |file: &String| {
        let mut loaded = recipes::load(file, "serving")?;
        if served.partial {
            loaded.recipe = loaded.recipe.doing_parts();
        }
        Ok((name_of(file)?, loaded))
    };
    files.iter().map(load).collect()
}

/// The recipes of a folder, in the order of their names.
fn files_of(folder: &Path) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(folder).map_err(|error| Misuse::new(format!("--recipes {}: {error}", folder.display())))?;
    let is_recipe = |path: &Path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("--recipes {}", folder.display()))?.path();
        if is_recipe(&path) {
            let text = path.to_str().with_context(|| format!("{}: the name is not UTF-8", path.display()))?;
            files.push(text.to_owned());
        }
    }
    files.sort();
    Ok(files)
}

/// What callers call a recipe: its file's name without the ending.
fn name_of(file: &str) -> Result<String> {
    let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if stem.is_empty() || stem.chars().any(char::is_control) {
        bail!(Misuse::new(format!("--recipe {file}: the file's name cannot name a recipe")));
    }
    Ok(stem.to_owned())
}

/// Whatever was put to work already, by its name and all of its options.
#[derive(Default)]
struct Workshop {
    house: House,
    editors: BTreeMap<String, Working<dyn EditBackend>>,
    rewards: BTreeMap<String, Working<dyn RewardModel>>,
    critics: BTreeMap<String, Arc<dyn Critic>>,
}

impl Workshop {
    fn offer(&mut self, name: String, loaded: Loaded) -> Result<Offer> {
        let (mut editors, mut rewards, mut organs) = (Vec::new(), Vec::new(), Vec::new());
        for editor in loaded.recipe.editors() {
            let key = format!("{} {}", editor.name, editor.model.write());
            let working = once(&mut self.editors, key, || working_editor(editor, &self.house))?;
            editors.push(Arc::clone(&working.port));
            let (model, trouble) = (&editor.model, Arc::clone(&working.trouble));
            organs.push(Organ::new(editor.name.to_string(), trouble, model.remote(), model.free_question()));
        }
        for reward in loaded.recipe.rewards() {
            let key = format!("{} {}", reward.name, reward.model.write());
            let working = once(&mut self.rewards, key, || working_reward(reward, &self.house))?;
            rewards.push(calibrated(reward, Arc::clone(&working.port))?);
            let (model, trouble) = (&reward.model, Arc::clone(&working.trouble));
            organs.push(Organ::new(reward.name.to_string(), trouble, model.remote(), model.free_question()));
        }
        let mut critics = Vec::new();
        for critic in loaded.recipe.critics() {
            let key = format!("{} {}", critic.name, critic.model.write());
            let port = once(&mut self.critics, key, || working_critic(critic, &self.house))?;
            critics.push(Arc::clone(port));
            let (model, asked) = (&critic.model, Arc::clone(port));
            let trouble = Arc::new(move || asked.trouble());
            organs.push(Organ::new(critic.name.to_string(), trouble, model.remote(), model.free_question()));
        }
        let ports = Ports { editors, rewards, critics, look: Arc::new(Blind), observer: Arc::new(Silent) };
        check_needs(&loaded, &ports)?;
        let Ports { editors, rewards, critics, .. } = ports;
        let about = about(&loaded.text);
        let pulse = Arc::new(Body(organs));
        Ok(Offer { name, about, recipe: loaded.recipe, text: loaded.text, editors, rewards, critics, pulse })
    }
}

/// What stands under a key, made where nothing does.
fn once<T>(all: &mut BTreeMap<String, T>, key: String, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    Ok(match all.entry(key) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(free) => free.insert(make()?),
    })
}

/// The first sentence of a recipe's first comment: what its author says of it.
fn about(text: &str) -> String {
    let comment = text.lines().take_while(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let words: Vec<&str> = comment.take_while(|line| !line.is_empty()).collect();
    let words = words.join(" ");
    let sentence = words.split_once(". ").map_or(words.as_str(), |(first, _)| first);
    sentence.trim_end_matches('.').chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_comment_says_what_a_recipe_is() {
        assert_eq!(about("# Best of eight,\n# quickly. Or so.\n#\n# More.\nversion: 1\n"), "Best of eight, quickly");
        assert_eq!(about("version: 1\n# later\n"), "");
    }

    #[test]
    fn recipes_are_called_as_their_files() {
        assert_eq!(name_of("configs/best-of-n.yaml").unwrap(), "best-of-n");
        assert_eq!(name_of("beam").unwrap(), "beam");
        assert!(name_of("").is_err() && name_of("/").is_err());
    }
}
