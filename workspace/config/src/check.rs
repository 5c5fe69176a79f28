//! From bytes to a checked recipe: limits, then the tree, then the sections, then what the sections are to each other.

mod futile;
mod scarce;

use std::sync::Arc;

use editscale_core::{Objective, Scale, SearchFactory};
use editscale_schema::{Map, Mistake, Mistakes, Report, Span, Value, quote};
use editscale_search::{
    Clash, Concluding, Conclusion, Gate, Gated, ObjectiveChoice, Rules, Selection, StopRule, Surroundings,
};

use crate::Catalogue;
use crate::document::reader;
use crate::judging::{JudgeRecipe, JudgeSettings};
use crate::places::Places;
use crate::recipe::{Recipe, Reward, Settings};
use crate::sections::{self, Purpose, Sections};
use crate::unknown::unknown;

/// A recipe to edit by.
pub(crate) fn parse(bytes: &[u8], catalogue: &Catalogue) -> Result<(Recipe, Report), Report> {
    parsed(bytes, |text, mistakes| read(text, Asked { catalogue, purpose: Purpose::Editing }, mistakes)?.assemble())
}

/// A recipe to judge by.
pub(crate) fn parse_for_judging(bytes: &[u8], catalogue: &Catalogue) -> Result<(JudgeRecipe, Report), Report> {
    let asked = Asked { catalogue, purpose: Purpose::Judging };
    parsed(bytes, |text, mistakes| read(text, asked, mistakes)?.assemble_for_judging())
}

/// What texts are read for, and against.
#[derive(Clone, Copy)]
struct Asked<'c> {
    catalogue: &'c Catalogue,
    purpose: Purpose,
}

fn parsed<T>(bytes: &[u8], read: impl FnOnce(&str, &Mistakes<'_>) -> Option<T>) -> Result<(T, Report), Report> {
    if bytes.len() > Recipe::LARGEST {
        let message = format!("the file has {} bytes: a recipe has at most {}", bytes.len(), Recipe::LARGEST);
        return Err(refuse("", 0, Mistake::new(message).hint("is this the right file?")));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| not_text(bytes, error.valid_up_to()))?;
    let mistakes = Mistakes::new(text);
    let recipe = read(text, &mistakes);
    let failed = mistakes.errors() > 0;
    let report = mistakes.into_report();
    match recipe {
        Some(recipe) if !failed => Ok((recipe, report)),
        _ => Err(report),
    }
}

fn not_text(bytes: &[u8], from: usize) -> Report {
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let found = if utf16 { "UTF-16" } else { "another encoding, or no text at all" };
    let mistake = Mistake::new(format!("the file is not UTF-8 text but {found}")).hint("save it as UTF-8");
    refuse(&String::from_utf8_lossy(bytes), from, mistake)
}

fn refuse(text: &str, at: usize, mistake: Mistake) -> Report {
    let mistakes = Mistakes::new(text);
    mistakes.error(&(at..at + 1), mistake);
    mistakes.into_report()
}

fn read<'t>(text: &str, asked: Asked<'_>, mistakes: &'t Mistakes<'t>) -> Option<Check<'t>> {
    let root = reader::read(text, mistakes)?;
    let Value::Map(entries) = &root.value else {
        if root.value != Value::Refused {
            let hint = "begin with the line `version: 1`";
            mistakes.error(&root.span, Mistake::new("a recipe is a map of keys and values").hint(hint));
        }
        return None;
    };
    let at = entries.first().map_or(root.span.clone(), |first| first.key_span.clone());
    let top = Map { owner: "the recipe".into(), node: &root, at }.read(sections::KEYS, mistakes)?;
    if !sections::is_our_version(&top) {
        return None;
    }
    let sections = Sections::read(&top, asked.catalogue, asked.purpose);
    let check = Check { sections, places: Places::of(&root, mistakes.lines()), mistakes };
    check.ranks();
    check.weights();
    check.budget();
    check.money();
    check.policy();
    check.critic();
    check.selection();
    check.clashes();
    check.routing();
    // What is wrong is to be mended first.
    if mistakes.errors() == 0 {
        check.features();
        check.last_round();
    }
    Some(check)
}

/// What sections are to each other.
struct Check<'t> {
    sections: Sections,
    places: Places,
    mistakes: &'t Mistakes<'t>,
}

impl Check<'_> {
    fn error(&self, path: &str, mistake: Mistake) {
        self.mistakes.error(&self.places.span(path), mistake);
    }

    /// Ranks are no scores: they reach no target.
    fn ranks(&self) {
        let Some(combine) = self.sections.combine.as_ref().filter(|combine| combine.scale() == Scale::Relative) else {
            return;
        };
        let name = quote(combine.kind());
        if self.sections.stop.is_some_and(|stop| stop.target_score.is_some()) {
            let mistake = Mistake::new(format!("`target_score` cannot be reached with {name}: ranks are not scores"))
                .hint("use `patience`, or write `combine: {weighted: {}}`");
            self.error("stop.target_score", mistake);
        }
        if self.sections.rewards.count() == 1 {
            let mistake = Mistake::new(format!("{name} of one reward orders candidates as that reward does"))
                .hint("leave `combine` out");
            self.mistakes.warn(&self.places.span(&format!("combine.{}", combine.kind())), mistake);
        }
    }

    /// Weights are for objectives that use them, and then at least one of them counts.
    fn weights(&self) {
        let Some(combine) = &self.sections.combine else { return };
        if !combine.uses_weights() {
            let name = quote(combine.kind());
            for weight in &self.sections.rewards.weights {
                let message = format!("`weight` has no meaning with {name}, which counts all rewards alike");
                let hint = "leave `weight` out, or write `combine: {weighted: {}}`";
                self.mistakes.error(weight, Mistake::new(message).hint(hint));
            }
            return;
        }
        let rewards = self.sections.rewards.all().unwrap_or_default();
        if !rewards.is_empty() && rewards.iter().all(|reward| reward.weight == 0.0) {
            let mistake = Mistake::new("every reward has the weight 0").hint("give one of them another weight");
            self.error("rewards", mistake);
        }
    }

    /// A budget of money that nothing is counted against limits nothing. What a program asks for, it says itself.
    fn money(&self) {
        let Sections { editors: Some(editors), rewards, critics: Some(critics), budget: Some(budget), .. } =
            &self.sections
        else {
            return;
        };
        let Some(rewards) = rewards.all() else { return };
        let is_program = editors.iter().any(|editor| editor.model.is_program())
            || rewards.iter().any(|reward| reward.model.is_program());
        if budget.usd.is_none() || is_program {
            return;
        }
        let remotes = (editors.iter().map(|editor| editor.model.remote()))
            .chain(rewards.iter().map(|reward| reward.model.remote()))
            .chain(critics.iter().map(|critic| critic.model.remote()));
        if remotes.flatten().all(|remote| remote.prices.are_nothing()) {
            let mistake = Mistake::new("`usd` limits nothing: no editor, reward or critic has `prices`")
                .hint("give `prices` to what is paid for, or leave `usd` out");
            self.mistakes.warn(&self.places.span("budget.usd"), mistake);
        }
    }

    /// The weights of a data set's rollouts are those of an editor that is there.
    fn policy(&self) {
        let Sections { editors: Some(editors), rollout: Ok(Some(rollout)), .. } = &self.sections else { return };
        let Some(meant) = rollout.policy.as_ref().and_then(|policy| policy.editor.as_ref()) else { return };
        // A recipe that only judges has no editors, and their weights are nothing to it.
        if editors.is_empty() || editors.iter().any(|editor| &editor.name == meant) {
            return;
        }
        let known = editors.iter().map(|editor| editor.name.as_str());
        self.error("rollout.policy.editor", unknown("editor", meant.as_str(), known));
    }

    /// A policy asks a critic that is there, and a recipe without any has no policy that asks one.
    fn critic(&self) {
        let Sections { critics: Some(critics), search: Some(search), .. } = &self.sections else { return };
        let policy = format!("search.{}", search.kind());
        let asks = search.critiques() > 0;
        if critics.is_empty() && asks {
            let mistake =
                Mistake::new(format!("policy {} asks a critic, and the recipe has none", quote(search.kind())))
                    .hint("a first one is `critics: [{model: {darkroom_critic: {}}}]`");
            self.error(&policy, mistake);
            return;
        }
        if !critics.is_empty() && !asks {
            let mistake = Mistake::new(format!("policy {} asks no critic", quote(search.kind())))
                .hint("leave `critics` out, or write `search: {reflection: …}`");
            self.mistakes.warn(&self.places.span("critics"), mistake);
        }
        let Some(meant) = search.critic() else { return };
        if critics.iter().all(|critic| critic.name != *meant) {
            let known = critics.iter().map(|critic| critic.name.as_str());
            self.error(&format!("{policy}.critic"), unknown("critic", meant.as_str(), known));
        }
    }

    /// What is drawn once is not drawn again.
    fn selection(&self) {
        let Sections { search: Some(search), select: Ok(Some(select)), finalists, .. } = &self.sections else { return };
        let Some(selection) = select.selection() else { return };
        let (path, policy) = (format!("select.{}", select.kind()), quote(search.kind()));
        if search.draws() {
            let message = format!("{} cannot follow {policy}, which draws already", quote(select.kind()));
            let hint = "write `search: {best_of_n: …}`, or leave `select` out";
            self.error(&path, Mistake::new(message).hint(hint));
        }
        if let (Selection::Soft { draw, .. }, Ok(Some(finalists))) = (selection, finalists)
            && draw > 1
        {
            let message = format!("`draw` cannot be {draw} with `finalists`: those who are drawn are judged again");
            let hint = format!("leave `draw` out; `count` of `finalists` says that {} are drawn", finalists.count);
            self.error(&format!("{path}.draw"), Mistake::new(message).hint(hint));
        }
    }

    /// What the search cannot be used with.
    fn clashes(&self) {
        let Sections { search: Some(search), combine: Some(combine), budget: Some(budget), .. } = &self.sections else {
            return;
        };
        let Some(rewards) = &self.sections.rewards.names else { return };
        let around = Surroundings { scale: combine.scale(), limits_time: budget.wall.is_some(), rewards };
        for Clash { setting, message, hint } in search.clashes(&around) {
            let path = setting.map_or_else(String::new, |setting| format!(".{setting}"));
            self.error(&format!("search.{}{path}", search.kind()), Mistake::new(message).hint(hint));
        }
    }

    /// A search that does not choose among editors leaves all but the first idle.
    fn routing(&self) {
        let Sections { editors: Some(editors), search: Some(search), .. } = &self.sections else { return };
        let [first, _, ..] = editors.as_slice() else { return };
        if !search.routes() {
            let (policy, first) = (quote(search.kind()), quote(first.name.as_str()));
            let mistake = Mistake::new(format!("{policy} uses the first editor only, {first}"))
                .hint("leave the others out, or write `search: {thompson: {samples: 16}}` to choose among them");
            self.mistakes.warn(&self.places.span("editors"), mistake);
        }
    }

    /// Puts the sections to work, if all is right so far.
    fn assemble(self) -> Option<Recipe> {
        let Self { sections, places, mistakes } = self;
        if mistakes.errors() > 0 {
            return None;
        }
        let told = |misfit: Misfit| mistakes.error(&misfit.span, Mistake::new(misfit.message));
        let recipe = recipe(sections.settings()?, places).map_err(told).ok()?;
        futile::budget_of_finalists(&recipe, mistakes);
        Some(recipe)
    }

    /// The same for judging alone.
    fn assemble_for_judging(self) -> Option<JudgeRecipe> {
        let Self { sections, places, mistakes } = self;
        if mistakes.errors() > 0 {
            return None;
        }
        let settings = sections.judge_settings()?;
        let JudgeSettings { combine, rewards, gates, .. } = &settings;
        match objective(&**combine, rewards, gates) {
            Ok(objective) => Some(JudgeRecipe { settings, objective, places }),
            Err(message) => {
                mistakes.error(&places.span("rewards"), Mistake::new(message));
                None
            }
        }
    }
}

/// A setting that passed its own rule, and yet not that of the policy or objective which it is for. What is read here
/// under stricter rules never gets so far; this is for rules that only the policy itself knows.
struct Misfit {
    span: Span,
    message: String,
}

fn recipe(settings: Settings, places: Places) -> Result<Recipe, Misfit> {
    let misfit = |path: &str, error: &dyn ToString| Misfit { span: places.span(path), message: error.to_string() };
    let Settings { combine, rewards, gates, search, stop, .. } = &settings;
    let objective = objective(&**combine, rewards, gates).map_err(|message| misfit("rewards", &message))?;
    let stop = StopRule::new(stop.target_score, stop.patience).map_err(|error| misfit("stop", &error))?;
    stop.check(objective.scale()).map_err(|error| misfit("stop", &error))?;
    let rules = Rules { objective: Arc::clone(&objective), stop };
    let factory = search
        .factory(rules.clone())
        .map_err(|error| misfit(&format!("search.{}.{}", search.kind(), error.setting), &error))?;
    let selection = settings.select.as_ref().and_then(|select| select.selection());
    // Where nothing is said, nothing is laid over the policy: its revision is that of runs that began before anything could be.
    let concluded = |finalists| -> Result<Arc<dyn SearchFactory>, Misfit> {
        let conclusion = Conclusion { selection, finalists };
        if conclusion == Conclusion::default() {
            return Ok(Arc::clone(&factory));
        }
        let concluding = Concluding::new(Arc::clone(&factory), &rules, conclusion);
        Ok(Arc::new(concluding.map_err(|error| misfit(&format!("select.{}", error.setting), &error))?))
    };
    let (before_finalists, factory) = (concluded(None)?, concluded(settings.finalists.clone())?);
    Ok(Recipe { settings, objective, factory, before_finalists, places })
}

/// What score cards are worth; or why the rewards and their weights make no objective.
fn objective(combine: &dyn ObjectiveChoice, rewards: &[Reward], gates: &[Gate]) -> Result<Arc<dyn Objective>, String> {
    let weights = rewards.iter().map(|reward| (reward.name.clone(), reward.weight)).collect();
    let inner = combine.objective(weights).map_err(|error| error.to_string())?;
    Ok(if gates.is_empty() { inner } else { Arc::new(Gated::new(inner, gates.to_vec())) })
}
