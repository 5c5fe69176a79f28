//! How recipes set a plugin.

use std::sync::Arc;
use std::time::Duration;

use editscale_core::{EditorName, RewardName};
use editscale_schema::remote::{FieldValue, read_fields, write_fields};
use editscale_schema::{
    Absent, EditorChoice, Entry, Fields, House, Key, Keys, MOST_ITEMS, MadeEditor, MadeReward, MakeError, Mistake,
    Number, Options, RewardChoice, Scalar, Section, Value, Whole, Yaml,
};
use serde_json::{Map, Value as Json};

use crate::editor::PluginEditor;
use crate::launch::{self, Launch, Limits};
use crate::opening::Plugin;
use crate::reward::PluginReward;

/// A plugin, as a recipe has it: an editor or a reward.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginRecipe {
    /// The program and its arguments.
    pub run: Vec<String>,
    /// What the plugin is told.
    pub config: Vec<(String, FieldValue)>,
    /// Variables that it sees beside the usual ones.
    pub environment: Vec<String>,
    /// How long it is put up with.
    pub limits: PluginLimits,
}

/// How long and how often a plugin is put up with, as a recipe has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PluginLimits {
    /// Seconds until it must be ready.
    pub start_secs: f64,
    /// Seconds that a call may take.
    pub call_secs: f64,
    /// Seconds for which nothing may be heard of it.
    pub silence_secs: f64,
    /// The most memory that it may use, in MiB.
    pub memory_mib: Option<u64>,
    /// How many times an item may kill it.
    pub crashes: u32,
    /// How many times in a row it is started again in vain.
    pub restarts: u32,
}

const RUN: Section = Section {
    name: "run",
    allowed: "a list of texts",
    default: "required",
    meaning: "the program and its arguments, such as `[python3, my_reward.py]`; no shell comes between",
};

const CONFIG: Section = Section {
    name: "config",
    allowed: "a map from names to values",
    default: "`{}`",
    meaning: "what the plugin is told, as its own page says",
};

pub(crate) const ENVIRONMENT: Section = Section {
    name: "environment",
    allowed: "a list of names of variables",
    default: "`[]`",
    meaning: "variables that the plugin sees beside the usual ones, such as `HF_TOKEN`; a secret is passed in no other way",
};

const fn secs(name: &'static str, usual: f64, meaning: &'static str) -> Key<Number> {
    Key { name, rule: Number::above(0.0, 1e6), absent: Absent::Default(usual), meaning }
}

const START: Key<Number> =
    secs("start_secs", 600.0, "how long the plugin may take until it has loaded what it needs, in seconds");
const CALL: Key<Number> =
    secs("call_secs", 600.0, "how long a call may take, in seconds; then it is told to stop, then killed");
const SILENCE: Key<Number> = secs(
    "silence_secs",
    120.0,
    "how long nothing may be heard of the plugin, pings included, in seconds; then it is killed",
);

const MEMORY: Key<Whole> = Key {
    name: "memory_mib",
    rule: Whole { low: 1, high: 1 << 30 },
    absent: Absent::Unset("no limit"),
    meaning: "the most memory that the plugin's processes may use together, in MiB; beyond it they are killed (on Linux)",
};

const CRASHES: Key<Whole> = Key {
    name: "crashes",
    rule: Whole { low: 1, high: 100 },
    absent: Absent::Default(2),
    meaning: "how many times an item may kill the plugin when it is tried alone, before it is in quarantine",
};

const RESTARTS: Key<Whole> = Key {
    name: "restarts",
    rule: Whole { low: 0, high: 1_000_000 },
    absent: Absent::Default(5),
    meaning: "how many times the plugin is started again after deaths in a row without one answered call, before it is given up",
};

/// The keys of limits, for other kinds that start a plugin.
pub const LIMITS: [&dyn editscale_schema::Documented; 6] = [&START, &CALL, &SILENCE, &MEMORY, &CRASHES, &RESTARTS];

impl PluginLimits {
    /// Reads them.
    pub fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (start, call, silence) = (fields.take(&START), fields.take(&CALL), fields.take(&SILENCE));
        let (memory_mib, crashes, restarts) = (fields.take(&MEMORY), fields.take(&CRASHES), fields.take(&RESTARTS));
        Some(Self {
            start_secs: start?,
            call_secs: call?,
            silence_secs: silence?,
            memory_mib,
            crashes: crashes? as u32,
            restarts: restarts? as u32,
        })
    }

    /// Writes them.
    pub fn write(&self) -> impl Iterator<Item = (String, Yaml)> {
        let written = [
            START.write(Some(&self.start_secs)),
            CALL.write(Some(&self.call_secs)),
            SILENCE.write(Some(&self.silence_secs)),
            MEMORY.write(self.memory_mib.as_ref()),
            CRASHES.write(Some(&self.crashes.into())),
            RESTARTS.write(Some(&self.restarts.into())),
        ];
        written.into_iter().flatten()
    }

    /// As the host wants them.
    pub fn limits(&self) -> Limits {
        Limits {
            start: Duration::from_secs_f64(self.start_secs),
            call: Duration::from_secs_f64(self.call_secs),
            silence: Duration::from_secs_f64(self.silence_secs),
            memory_mib: self.memory_mib,
            crashes: self.crashes,
            restarts: self.restarts,
            ..Limits::default()
        }
    }
}

/// The variables that a recipe names.
pub fn read_environment(fields: &Fields<'_>) -> Option<Vec<String>> {
    let Some(entry) = fields.entry(ENVIRONMENT.name) else { return Some(Vec::new()) };
    let is_name = |name: &String| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !name.is_empty() && name.bytes().all(is_letter) && !name.starts_with(|first: char| first.is_ascii_digit())
    };
    let mistake = Mistake::new("`environment` must be a list of names of variables")
        .hint("write `environment: [HF_TOKEN]`: the names, never the values");
    read_texts(fields, entry, |names| names.iter().all(is_name), mistake)
}

fn read_run(fields: &Fields<'_>) -> Option<Vec<String>> {
    let Some(entry) = fields.entry(RUN.name) else {
        return fields.lacking(RUN.name, &format!("add `{}: […]` ({})", RUN.name, RUN.meaning));
    };
    let mistake = Mistake::new("`run` must be a list of a program and its arguments")
        .hint("write `run: [python3, my_reward.py]`; a shell is `run: [sh, -c, \"…\"]`");
    read_texts(fields, entry, |run| !run.is_empty(), mistake)
}

/// The texts of a list that are fine; otherwise the mistake is reported.
fn read_texts(
    fields: &Fields<'_>,
    entry: &Entry,
    are_fine: impl Fn(&[String]) -> bool,
    mistake: Mistake,
) -> Option<Vec<String>> {
    let found = match &entry.node.value {
        Value::Refused => return None,
        Value::List(items) if items.len() <= MOST_ITEMS => items.iter().map(|item| text(&item.value)).collect(),
        _ => None,
    };
    let found: Option<Vec<String>> = found.filter(|texts: &Vec<String>| are_fine(texts));
    if found.is_none() {
        fields.error(entry.place(), mistake);
    }
    found
}

/// An argument as it was written: numbers and flags are texts to a program.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Scalar(Scalar::Text(text)) if !text.is_empty() && !text.contains('\0') => Some(text.clone()),
        Value::Scalar(Scalar::Whole(whole)) => Some(whole.to_string()),
        Value::Scalar(Scalar::Number { text, .. }) => Some(text.clone()),
        Value::Scalar(Scalar::Flag(flag)) => Some(flag.to_string()),
        _ => None,
    }
}

fn list(texts: &[String]) -> Yaml {
    Yaml::List(texts.iter().map(|text| Yaml::text(text)).collect())
}

/// The names of variables, as a resolved recipe has them.
pub fn write_environment(names: &[String]) -> Option<(String, Yaml)> {
    (!names.is_empty()).then(|| (ENVIRONMENT.name.to_owned(), list(names)))
}

impl Options for PluginRecipe {
    const NAME: &'static str = "plugin";
    const ABOUT: &'static str = "A program of its own that speaks the protocol of plugins, see docs/plugins.md.";
    const KEYS: Keys = &[&RUN, &CONFIG, &ENVIRONMENT, &START, &CALL, &SILENCE, &MEMORY, &CRASHES, &RESTARTS];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (run, config) = (read_run(fields), read_fields(fields, &CONFIG));
        let (environment, limits) = (read_environment(fields), PluginLimits::read(fields));
        Some(Self { run: run?, config: config?, environment: environment?, limits: limits? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            Some((RUN.name.to_owned(), list(&self.run))),
            write_fields(&CONFIG, &self.config),
            write_environment(&self.environment),
        ];
        own.into_iter().flatten().chain(self.limits.write()).collect()
    }
}

impl PluginRecipe {
    fn plugin(&self) -> Plugin {
        Plugin {
            launch: Launch { environment: self.environment.clone(), ..Launch::of(self.run.clone()) },
            limits: self.limits.limits(),
            config: object(&self.config),
            ..Plugin::of(self.run.clone())
        }
    }
}

pub(crate) fn object(fields: &[(String, FieldValue)]) -> Map<String, Json> {
    fields.iter().map(|(name, value)| (name.clone(), value.to_tree())).collect()
}

impl EditorChoice for PluginRecipe {
    /// Starts the plugin: its card is what tells whether it can work.
    fn make(&self, name: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        Ok(MadeEditor::Ready(Arc::new(PluginEditor::start(name, self.plugin())?)))
    }

    fn is_program(&self) -> bool {
        true
    }

    fn missing_program(&self) -> Option<String> {
        self.run.first().filter(|program| launch::find(program).is_none()).cloned()
    }
}

impl RewardChoice for PluginRecipe {
    /// Starts the plugin: its card is what tells whether it can work.
    fn make(&self, name: &RewardName, _: &House) -> Result<MadeReward, MakeError> {
        Ok(MadeReward::Ready(Arc::new(PluginReward::start(name, self.plugin())?)))
    }

    fn is_program(&self) -> bool {
        true
    }

    fn missing_program(&self) -> Option<String> {
        self.run.first().filter(|program| launch::find(program).is_none()).cloned()
    }
}
