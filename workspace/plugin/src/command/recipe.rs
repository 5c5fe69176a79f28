//! How recipes set a command: as an editor, and as a reward.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use editscale_core::{EditorName, RewardName};
use editscale_schema::remote::{FieldValue, read_fields, write_fields};
use editscale_schema::{
    Absent, Complaint, EditorChoice, Fields, Flag, House, Key, Keys, MadeEditor, MadeReward, MakeError, Mistake,
    Options, RewardChoice, Rule, Scalar, Section, Text, Value, Whole, Word, Yaml, joined,
};
use editscale_sdk::PluginKind;
use serde_json::{Map, Value as Json, json};

use super::line::first_program;
use super::settings::check_config;
use crate::launch::{Launch, find};
use crate::recipe::{ENVIRONMENT, LIMITS, PluginLimits, object, read_environment, write_environment};
use crate::{Plugin, PluginEditor, PluginReward};

/// A text of any number of lines.
#[derive(Debug, Clone, Copy)]
struct Script;

impl Rule for Script {
    type Value = String;

    fn read(&self, found: &Scalar) -> Result<String, Complaint> {
        match found {
            Scalar::Text(text) if !text.trim().is_empty() && text.len() <= 1 << 16 => Ok(text.clone()),
            _ => Err(Complaint::PLAIN),
        }
    }

    fn expected(&self) -> String {
        "a shell command".into()
    }

    fn show(&self, value: &String) -> Yaml {
        Yaml::text(value)
    }
}

const RUN: Key<Script> = Key {
    name: "run",
    rule: Script,
    absent: Absent::Refused,
    meaning: "the command, for `sh -c`, with placeholders such as `{source}` and `{instruction}`: each becomes one word",
};
const SLOTS: Key<Whole> = Key {
    name: "slots",
    rule: Whole { low: 1, high: 256 },
    absent: Absent::Default(1),
    meaning: "how many commands run at a time",
};
const REVISION: Key<Text> = Key {
    name: "revision",
    rule: Text,
    absent: Absent::Unset("a digest of the command's text"),
    meaning: "what exactly answers; to be changed when what the command runs changes and its text does not",
};
const SCORE: Key<Text> = Key {
    name: "score",
    rule: Text,
    absent: Absent::Unset("`score`"),
    meaning: "the key of the score where a JSON object is printed, with dots between levels",
};
const RANGE: Section = Section {
    name: "range",
    allowed: "a list of two numbers",
    default: "unknown",
    meaning: "the least and the greatest score, such as `[0, 10]`",
};
const GIVES_SIGMA: Key<Flag> = Key {
    name: "gives_sigma",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether `sigma`, a standard deviation, is printed with the score",
};
const SEEDS: Key<Flag> = Key {
    name: "seeds",
    rule: Flag,
    absent: Absent::Unset("whether the command has `{seed}` in it"),
    meaning: "whether the same seed gives the same picture",
};
const KNOBS: Section = Section {
    name: "knobs",
    allowed: "a map from names to `{low, high, default, scale}`",
    default: "`{}`",
    meaning: "the settings that a search may turn; each is `{knob:NAME}` in the command",
};
const OUTPUT: Key<Word<&'static str>> = Key {
    name: "output",
    rule: Word(&[("png", "png"), ("jpg", "jpg"), ("webp", "webp")]),
    absent: Absent::Default("png"),
    meaning: "the ending of the file `{output}`",
};
/// What stands behind the keys of either. Commands are not in the plugin's own group of processes, whose memory is measured:
/// `memory_mib`, the fourth of the limits, would promise what is not held.
const COMMON: Keys = &[&ENVIRONMENT, LIMITS[0], LIMITS[1], LIMITS[2], LIMITS[4], LIMITS[5]];

/// What an editor and a reward have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandRecipe {
    run: String,
    slots: u64,
    revision: Option<String>,
    environment: Vec<String>,
    limits: PluginLimits,
}

/// A command that edits, as a recipe has it.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandEditorRecipe {
    command: CommandRecipe,
    seeds: Option<bool>,
    knobs: Vec<(String, FieldValue)>,
    output: &'static str,
}

/// A command that judges, as a recipe has it.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandRewardRecipe {
    command: CommandRecipe,
    score: Option<String>,
    range: Option<(f64, f64)>,
    gives_sigma: bool,
}

/// The program that is started as the plugin. This one, unless a test says otherwise.
#[derive(Debug, Default)]
pub struct CommandProgram(Mutex<Option<Vec<String>>>);

impl CommandProgram {
    /// Has another program with these arguments started in its place.
    pub fn set(&self, run: Vec<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
    }

    fn run(&self) -> Result<Vec<String>, MakeError> {
        if let Some(run) = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(run);
        }
        let own: PathBuf =
            std::env::current_exe().map_err(|error| format!("cannot tell this program's path: {error}"))?;
        let own = own.to_str().ok_or_else(|| format!("this program's path {} is not UTF-8", own.display()))?;
        Ok(vec![own.to_owned(), "plugin".to_owned(), "command".to_owned()])
    }
}

impl CommandRecipe {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (run, slots, revision) = (fields.take(&RUN), fields.take(&SLOTS), fields.take(&REVISION));
        let (environment, limits) = (read_environment(fields), PluginLimits::read(fields));
        Some(Self { run: run?, slots: slots?, revision, environment: environment?, limits: limits? })
    }

    /// The program that the shell would not find.
    fn missing_program(&self) -> Option<String> {
        first_program(&self.run).filter(|program| find(program).is_none()).map(ToOwned::to_owned)
    }

    fn write(&self) -> impl Iterator<Item = (String, Yaml)> {
        let own = [
            RUN.write(Some(&self.run)),
            SLOTS.write(Some(&self.slots)),
            REVISION.write(self.revision.as_ref()),
            write_environment(&self.environment),
        ];
        own.into_iter().flatten().chain(self.limits.write())
    }

    /// The settings that the two have in common.
    fn config(&self) -> Map<String, Json> {
        let mut config = Map::new();
        config.insert("run".into(), json!(self.run));
        config.insert("slots".into(), json!(self.slots));
        config.insert("call_secs".into(), json!(self.limits.call_secs));
        insert(&mut config, "revision", self.revision.as_deref());
        config
    }

    fn plugin(&self, config: Map<String, Json>, house: &House) -> Result<Plugin, MakeError> {
        let run = house.shared::<CommandProgram>().run()?;
        let launch = Launch { environment: self.environment.clone(), ..Launch::of(run.clone()) };
        Ok(Plugin { launch, limits: self.limits.limits(), config, ..Plugin::of(run) })
    }
}

fn insert(config: &mut Map<String, Json>, key: &str, value: Option<impl Into<Json>>) {
    if let Some(value) = value {
        config.insert(key.into(), value.into());
    }
}

/// Reports what the plugin would say of the settings, at the key that it names.
fn check(fields: &Fields<'_>, kind: PluginKind, config: &Map<String, Json>) {
    if let Err(why) = check_config(kind, config) {
        let named = config.keys().find(|key| why.contains(&format!("`{key}`")) && *key != "run");
        let key = named.map_or("run", String::as_str);
        fields.error(&fields.span_of(key), Mistake::new(why));
    }
}

impl Options for CommandEditorRecipe {
    const NAME: &'static str = "command";
    const ABOUT: &'static str = "Any shell command: a picture in, a picture out, see plugins/command/README.md.";
    const KEYS: Keys = &joined::<12>(&[&RUN, &SLOTS, &REVISION, &SEEDS, &KNOBS, &OUTPUT], COMMON);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (command, seeds) = (CommandRecipe::read(fields), fields.take(&SEEDS));
        let (knobs, output) = (read_fields(fields, &KNOBS), fields.take(&OUTPUT));
        let recipe = Self { command: command?, seeds, knobs: knobs?, output: output? };
        check(fields, PluginKind::Editor, &recipe.config());
        Some(recipe)
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own =
            [SEEDS.write(self.seeds.as_ref()), write_fields(&KNOBS, &self.knobs), OUTPUT.write(Some(&self.output))];
        self.command.write().chain(own.into_iter().flatten()).collect()
    }
}

impl CommandEditorRecipe {
    fn config(&self) -> Map<String, Json> {
        let mut config = self.command.config();
        insert(&mut config, "seeds", self.seeds);
        config.insert("knobs".into(), object(&self.knobs).into());
        config.insert("output".into(), self.output.into());
        config
    }
}

impl Options for CommandRewardRecipe {
    const NAME: &'static str = "command";
    const ABOUT: &'static str = "Any shell command: two pictures in, a score out, see plugins/command/README.md.";
    const KEYS: Keys = &joined::<12>(&[&RUN, &SLOTS, &REVISION, &SCORE, &RANGE, &GIVES_SIGMA], COMMON);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (command, score) = (CommandRecipe::read(fields), fields.take(&SCORE));
        let (range, gives_sigma) = (read_range(fields), fields.take(&GIVES_SIGMA));
        let recipe = Self { command: command?, score, range, gives_sigma: gives_sigma? };
        check(fields, PluginKind::Reward, &recipe.config());
        Some(recipe)
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let number = |number: f64| Yaml::plain(format!("{number:?}"));
        let range = self.range.map(|(low, high)| Yaml::List(vec![number(low), number(high)]));
        let own = [
            SCORE.write(self.score.as_ref()),
            range.map(|range| (RANGE.name.to_owned(), range)),
            GIVES_SIGMA.write(Some(&self.gives_sigma)),
        ];
        self.command.write().chain(own.into_iter().flatten()).collect()
    }
}

impl CommandRewardRecipe {
    fn config(&self) -> Map<String, Json> {
        let mut config = self.command.config();
        insert(&mut config, "score", self.score.as_deref());
        insert(&mut config, "range", self.range.map(|(low, high)| json!([low, high])));
        config.insert("gives_sigma".into(), self.gives_sigma.into());
        config
    }
}

/// The two numbers of a range.
fn read_range(fields: &Fields<'_>) -> Option<(f64, f64)> {
    let entry = fields.entry(RANGE.name)?;
    let number = |value: &Value| match value {
        Value::Scalar(Scalar::Whole(whole)) => Some(*whole as f64),
        Value::Scalar(Scalar::Number { value, .. }) => Some(*value),
        _ => None,
    };
    let found = match &entry.node.value {
        Value::Refused => return None,
        Value::List(items) => match items.as_slice() {
            [low, high] => number(&low.value).zip(number(&high.value)),
            _ => None,
        },
        _ => None,
    };
    if found.is_none() {
        let mistake = Mistake::new("`range` must be a list of two numbers").hint("write `range: [0, 10]`");
        fields.error(entry.place(), mistake);
    }
    found
}

impl EditorChoice for CommandEditorRecipe {
    /// Starts the plugin; the command runs first with the first edit.
    fn make(&self, name: &EditorName, house: &House) -> Result<MadeEditor, MakeError> {
        let plugin = self.command.plugin(self.config(), house)?;
        Ok(MadeEditor::Ready(Arc::new(PluginEditor::start(name, plugin)?)))
    }

    fn is_program(&self) -> bool {
        true
    }

    fn missing_program(&self) -> Option<String> {
        self.command.missing_program()
    }
}

impl RewardChoice for CommandRewardRecipe {
    /// Starts the plugin; the command runs first with the first judgement.
    fn make(&self, name: &RewardName, house: &House) -> Result<MadeReward, MakeError> {
        let plugin = self.command.plugin(self.config(), house)?;
        Ok(MadeReward::Ready(Arc::new(PluginReward::start(name, plugin)?)))
    }

    fn is_program(&self) -> bool {
        true
    }

    fn missing_program(&self) -> Option<String> {
        self.command.missing_program()
    }
}
