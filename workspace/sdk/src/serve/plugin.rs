//! What a program offers to be: an editor, a reward, or either.

use std::io::{Read, Write};
use std::process::ExitCode;

use super::desk::Ending;
use super::editor::Editor;
use super::process;
use super::reward::Reward;
use super::session::{Line, session};
use super::work::Model;
use crate::protocol::{Failed, Feature, Hello, PROTOCOL, PluginKind, Version, Welcome};

/// What a plugin is called, and what it can do beyond the least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    name: String,
    version: String,
    features: Vec<Feature>,
}

impl About {
    /// A plugin of this name and version, both for people. That pictures may be files is always said.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self { name: name.into(), version: version.into(), features: vec![Feature::Spool] }
    }

    /// It can also do this.
    #[must_use]
    pub fn with(mut self, feature: Feature) -> Self {
        if !self.features.contains(&feature) {
            self.features.push(feature);
        }
        self
    }
}

type Load = Box<dyn FnOnce(&Welcome) -> Result<Model, Failed>>;

/// A program that is a plugin. `serve_reward` and `serve_editor` are shorter where it is one of the two.
pub struct Plugin {
    about: About,
    loads: Vec<(PluginKind, Load)>,
}

impl Plugin {
    /// A plugin that can be nothing yet.
    pub fn new(about: About) -> Self {
        Self { about, loads: Vec::new() }
    }

    /// It can be an editor. `load` runs after the host's `welcome` and may take its time: weights are loaded here.
    #[must_use]
    pub fn editor<E, L>(mut self, load: L) -> Self
    where
        E: Editor,
        L: FnOnce(&Welcome) -> Result<E, Failed> + 'static,
    {
        let load = |welcome: &Welcome| Ok(Model::Editor(Box::new(load(welcome)?)));
        self.loads.push((PluginKind::Editor, Box::new(load)));
        self
    }

    /// It can be a reward. `load` runs after the host's `welcome` and may take its time: weights are loaded here.
    #[must_use]
    pub fn reward<R, L>(mut self, load: L) -> Self
    where
        R: Reward,
        L: FnOnce(&Welcome) -> Result<R, Failed> + 'static,
    {
        let load = |welcome: &Welcome| Ok(Model::Reward(Box::new(load(welcome)?)));
        self.loads.push((PluginKind::Reward, Box::new(load)));
        self
    }

    /// The whole of a plugin's `main`: speaks with the host over standard input and output until the host ends it. To be
    /// called before anything else runs: from then on what is printed goes to standard error, which is the plugin's log.
    pub fn serve(self) -> ExitCode {
        process::serve(self)
    }

    /// The same over any two streams, as tests need it. It returns when the host ends the session and loading is over.
    pub fn serve_over<R, W>(self, input: R, output: W) -> Ending
    where
        R: Read + Send + 'static,
        W: Write + Send + 'static,
    {
        session(self, Line { input, output, ended_early: Box::new(|_| ()) })
    }

    pub(super) fn name(&self) -> &str {
        &self.about.name
    }

    pub(super) fn kinds(&self) -> Vec<PluginKind> {
        self.loads.iter().map(|(kind, _)| *kind).collect()
    }

    pub(super) fn hello(&self) -> Hello {
        Hello {
            protocol: PROTOCOL.into(),
            version: Version::OURS,
            name: self.about.name.clone(),
            plugin_version: self.about.version.clone(),
            sdk: concat!("rust ", env!("CARGO_PKG_VERSION")).into(),
            kinds: self.kinds(),
            features: self.about.features.iter().map(|feature| feature.word().into()).collect(),
        }
    }

    pub(super) fn load(self, welcome: &Welcome) -> Result<Model, Failed> {
        let kind = welcome.kind;
        let (is, name) = (self.kinds(), self.about.name);
        let load = self.loads.into_iter().find(|(offered, _)| *offered == kind);
        let (_, load) = load.ok_or_else(|| {
            let is: Vec<&str> = is.into_iter().map(PluginKind::word).collect();
            Failed::invalid(format!("{name} is no {}: it can be {}", kind.word(), is.join(" or ")))
        })?;
        load(welcome)
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("about", &self.about).field("kinds", &self.kinds()).finish_non_exhaustive()
    }
}

/// The `main` of a plugin that is a reward.
///
/// ```no_run
/// use editscale_sdk::{About, Call, Failed, Judged, Pair, Reward, RewardCard, serve_reward};
///
/// struct Bytes;
///
/// impl Reward for Bytes {
///     fn card(&self) -> RewardCard {
///         RewardCard::new("bytes 1")
///     }
///
///     fn score(&self, pairs: &[Pair], _: &Call) -> Vec<Result<Judged, Failed>> {
///         let one = |pair: &Pair| Ok(Judged::new(pair.candidate.bytes()?.len() as f64));
///         pairs.iter().map(one).collect()
///     }
/// }
///
/// fn main() -> std::process::ExitCode {
///     serve_reward(About::new("bytes", "1.0"), |_welcome| Ok(Bytes))
/// }
/// ```
pub fn serve_reward<R, L>(about: About, load: L) -> ExitCode
where
    R: Reward,
    L: FnOnce(&Welcome) -> Result<R, Failed> + 'static,
{
    Plugin::new(about).reward(load).serve()
}

/// The `main` of a plugin that is an editor.
pub fn serve_editor<E, L>(about: About, load: L) -> ExitCode
where
    E: Editor,
    L: FnOnce(&Welcome) -> Result<E, Failed> + 'static,
{
    Plugin::new(about).editor(load).serve()
}
