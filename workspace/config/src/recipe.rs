//! A recipe: what a file says once everything in it is right.

use std::fmt;
use std::sync::Arc;

use editscale_core::{Budget, CriticName, EditorName, Objective, RewardName, SearchFactory};
use editscale_schema::remote::RemoteSettings;
use editscale_schema::{CriticChoice, Diagnostic, EditorChoice, Place, Report, RewardChoice, Severity, quote};
use editscale_search::{Finalists, Gate, ObjectiveChoice, PolicyChoice, SelectionChoice};

use crate::curate::Curate;
use crate::places::Places;
use crate::{Calibrated, Calibration, Catalogue, Output, Retain, Retry, Rollout, Stop, check};

/// An editor of a recipe.
#[derive(Debug, Clone)]
pub struct Editor {
    /// What the recipe calls it; the name of its kind where the recipe gives none.
    pub name: EditorName,
    /// What it is.
    pub model: Box<dyn EditorChoice>,
}

/// A reward of a recipe.
#[derive(Debug, Clone)]
pub struct Reward {
    /// What the recipe calls it; the name of its kind where the recipe gives none.
    pub name: RewardName,
    /// What it is.
    pub model: Box<dyn RewardChoice>,
    /// What its score counts in a weighted mean. Finite; not all of a recipe's weights are 0.
    pub weight: f64,
    /// How its scores become values on people's scale; nothing where they stay as they are.
    pub calibration: Option<Calibration>,
}

/// A critic of a recipe.
#[derive(Debug, Clone)]
pub struct Critic {
    /// What the recipe calls it; the name of its kind where the recipe gives none.
    pub name: CriticName,
    /// What it is.
    pub model: Box<dyn CriticChoice>,
}

/// What a file holds whose path a recipe names as `calibration`, or why it cannot be used.
pub type ReadCalibration<'r> = dyn Fn(&str) -> Result<Calibrated, String> + 'r;

/// Everything that a recipe sets, defaults included.
#[derive(Debug, Clone)]
pub struct Settings {
    /// At least one, with different names. The first is the one used unless a search routes.
    pub editors: Vec<Editor>,
    /// At least one, with different names.
    pub rewards: Vec<Reward>,
    /// With different names; none where the recipe has none.
    pub critics: Vec<Critic>,
    /// How the rewards' scores become one.
    pub combine: Box<dyn ObjectiveChoice>,
    /// What bars a candidate. Every gate names one of the rewards.
    pub gates: Vec<Gate>,
    /// What to try next and what to keep.
    pub search: Box<dyn PolicyChoice>,
    /// How the choice among the candidates is made in the end, where the recipe says it; else the policy's own order stands.
    pub select: Option<Box<dyn SelectionChoice>>,
    /// Who is judged again in the end, where the recipe says it. Every reward named is one of the recipe.
    pub finalists: Option<Finalists>,
    /// When to end early.
    pub stop: Stop,
    /// What a run may spend.
    pub budget: Budget,
    /// Which images are kept.
    pub retain: Retain,
    /// How patiently to try again.
    pub retry: Retry,
    /// How results are written.
    pub output: Output,
    /// What is done with whole data sets, where the recipe says it.
    pub rollout: Option<Rollout>,
    /// What is kept of whole data sets, where the recipe says it.
    pub curate: Option<Curate>,
}

/// A checked recipe.
///
/// It comes only from [`Recipe::parse`], so that whoever holds one need not check it again. Recipes are equal if they
/// set the same, wherever it stood in their files.
#[derive(Clone)]
pub struct Recipe {
    pub(crate) settings: Settings,
    pub(crate) objective: Arc<dyn Objective>,
    pub(crate) factory: Arc<dyn SearchFactory>,
    pub(crate) before_finalists: Arc<dyn SearchFactory>,
    pub(crate) places: Places,
}

impl Recipe {
    /// The version of the recipe format that this crate reads and writes.
    pub const VERSION: u64 = 1;

    /// The largest file that is read, in bytes.
    pub const LARGEST: usize = 1 << 20;

    /// Reads the bytes of a recipe file, which names things of a catalogue. With the recipe come the warnings; without one,
    /// all that is wrong.
    pub fn parse(bytes: &[u8], catalogue: &Catalogue) -> Result<(Self, Report), Report> {
        check::parse(bytes, catalogue)
    }

    /// This recipe with every editor that knows the difference doing the part of an instruction that it understands.
    #[must_use]
    pub fn doing_parts(mut self) -> Self {
        for editor in &mut self.settings.editors {
            editor.model.do_parts();
        }
        self
    }

    /// This recipe with a budget that is within another one too.
    #[must_use]
    pub fn within(mut self, limits: &Budget) -> Self {
        self.settings.budget = self.settings.budget.within(limits);
        self
    }

    /// What is done with whole data sets; the defaults where the recipe does not say it.
    pub fn rollout(&self) -> Rollout {
        self.settings.rollout.clone().unwrap_or_default()
    }

    /// What is kept of whole data sets; the defaults where the recipe does not say it.
    pub fn curate(&self) -> Curate {
        self.settings.curate.clone().unwrap_or_default()
    }

    /// The same without what it says of whole data sets: all that single runs depend on.
    #[must_use]
    pub fn for_single_runs(mut self) -> Self {
        self.settings.rollout = None;
        self.settings.curate = None;
        self
    }

    /// The same with the content of every file that a reward's `calibration` names in its place, as `read` has it: a
    /// resolved recipe then holds the knots themselves. What cannot be read is reported where the file is named.
    pub fn with_calibrations(mut self, read: &ReadCalibration<'_>) -> Result<Self, Report> {
        calibrate(&mut self.settings.rewards, &self.places, read)?;
        Ok(self)
    }

    /// The same without the secrets of servers: enough to know what its editors and rewards can do, and not to call them.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        let editors = self.settings.editors.iter_mut().filter_map(|editor| editor.model.remote_mut());
        let rewards = self.settings.rewards.iter_mut().filter_map(|reward| reward.model.remote_mut());
        let critics = self.settings.critics.iter_mut().filter_map(|critic| critic.model.remote_mut());
        drop_secrets(editors.chain(rewards).chain(critics));
        self
    }

    /// Where a key stands, such as `editor`, `editors.mine` or `rewards.0.model`; the nearest above it that is there,
    /// or the beginning of the file.
    pub fn place(&self, path: &str) -> Place {
        self.places.at(path)
    }

    /// Where an editor of this recipe stands, whether it has a name of its own or not.
    pub fn editor_place(&self, editor: &Editor) -> Place {
        let among_several = format!("editors.{}", editor.name);
        self.place(if self.places.has("editors") { &among_several } else { "editor" })
    }

    /// What the recipe sets.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The editors, at least one.
    pub fn editors(&self) -> &[Editor] {
        &self.settings.editors
    }

    /// The rewards, at least one.
    pub fn rewards(&self) -> &[Reward] {
        &self.settings.rewards
    }

    /// The critics; none where the recipe has none.
    pub fn critics(&self) -> &[Critic] {
        &self.settings.critics
    }

    /// What a run may spend.
    pub fn budget(&self) -> Budget {
        self.settings.budget
    }

    /// What the score cards are worth.
    pub fn objective(&self) -> Arc<dyn Objective> {
        Arc::clone(&self.objective)
    }

    /// The policy at work, its objective and stop rule included.
    pub fn search_factory(&self) -> Arc<dyn SearchFactory> {
        Arc::clone(&self.factory)
    }

    /// The same as far as its finalists, which nobody judges again: for a search that is to go on later. Where the recipe has no
    /// finalists it is the same to the end.
    pub fn search_before_finalists(&self) -> Arc<dyn SearchFactory> {
        Arc::clone(&self.before_finalists)
    }
}

/// Puts what is in files into rewards that name files, each error at the place of the path.
pub(crate) fn calibrate(rewards: &mut [Reward], places: &Places, read: &ReadCalibration<'_>) -> Result<(), Report> {
    let mut wrong = Vec::new();
    for (index, reward) in rewards.iter_mut().enumerate() {
        let Some(Calibration::File(path)) = &reward.calibration else { continue };
        match read(path) {
            Ok(calibrated) => reward.calibration = Some(Calibration::Here(calibrated)),
            Err(why) => wrong.push(Diagnostic {
                severity: Severity::Error,
                message: format!("cannot use the calibration {}: {why}", quote(path)),
                place: places.at(&format!("rewards.{index}.calibration")),
                hint: Some("`editscale bench calibrate` writes one; the path is from the recipe's folder".to_owned()),
            }),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Report::new(wrong)) }
}

/// Takes the secrets of servers out.
pub(crate) fn drop_secrets<'r>(remotes: impl Iterator<Item = &'r mut RemoteSettings>) {
    for remote in remotes {
        remote.servers.iter_mut().for_each(|server| server.secret = None);
    }
}

impl PartialEq for Recipe {
    fn eq(&self, other: &Self) -> bool {
        // The objective and the factory are made of the settings alone, and these are equal if they are written alike.
        self.to_yaml() == other.to_yaml()
    }
}

impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.settings, f)
    }
}
