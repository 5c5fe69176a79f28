//! Options of the reward `chat_judge`.

use std::num::NonZeroU32;

use crate::document::yaml::Yaml;
use crate::remote::{CALLS, PRICES, REPEAT, REVISION, RemoteSettings, SERVERS};
use crate::report::mistakes::Mistake;
use crate::schema::fields::{Fields, Map};
use crate::schema::key::{Absent, Key, Keys, Section};
use crate::schema::options::Options;
use crate::schema::rule::{Flag, Number, Text, Whole, Word};

/// A vision-language model behind `/v1/chat/completions` that is asked for scores.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatJudgeOptions {
    /// The model's name as the server knows it.
    pub model: String,
    /// How often each question is asked.
    pub votes: NonZeroU32,
    /// Votes that must come back for there to be a score.
    pub least_votes: Option<NonZeroU32>,
    /// How the answers become one score.
    pub combination: CombinationChoice,
    /// Prompts of the user's own.
    pub prompts: PromptFiles,
    /// What is told of any chat model.
    pub chat: ChatSettings,
    /// The servers and what is told of them.
    pub remote: RemoteSettings,
}

/// How the answers become one score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CombinationChoice {
    /// Their geometric mean.
    #[default]
    GeometricMean,
    /// Their arithmetic mean.
    Mean,
    /// The least.
    Least,
}

/// Files with prompts that take the place of our own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PromptFiles {
    /// Whether the instruction was followed and the rest preserved.
    pub instruction_following: Option<String>,
    /// How the picture looks.
    pub quality: Option<String>,
}

/// What any chat model is told beside its questions.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatSettings {
    /// The temperature.
    pub temperature: Option<f64>,
    /// The most tokens of one answer.
    pub max_tokens: NonZeroU32,
    /// How the server is asked to keep to the form of the answer.
    pub structured: StructuredChoice,
    /// Whether a seed is sent.
    pub sends_seed: bool,
    /// Whether the limit counts what the model thinks.
    pub counts_reasoning: bool,
    /// The pixels that the model looks at, at most.
    pub pixel_budget: Option<u64>,
}

/// How a server is asked to keep to the form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StructuredChoice {
    /// By a JSON schema that holds numbers to their range.
    Schema,
    /// By a JSON schema without ranges.
    SchemaWithoutRange,
    /// By asking for a JSON object.
    Object,
    /// By the prompt alone.
    Prompt,
}

pub(crate) const MODEL: Key<Text> =
    Key { name: "model", rule: Text, absent: Absent::Refused, meaning: "the model's name as the server knows it" };

const VOTES: Key<Whole> = Key {
    name: "votes",
    rule: Whole { low: 1, high: 64 },
    absent: Absent::Default(1),
    meaning: "how often each question is asked, with a seed of its own each time; the score is the mean, and from two on \
              their spread is its sigma",
};

const LEAST_VOTES: Key<Whole> = Key {
    name: "least_votes",
    rule: Whole { low: 1, high: 64 },
    absent: Absent::Unset("more than half of `votes`"),
    meaning: "votes that must come back for there to be a score",
};

const COMBINATION: Key<Word<CombinationChoice>> = Key {
    name: "combination",
    rule: Word(&[
        ("geometric_mean", CombinationChoice::GeometricMean),
        ("mean", CombinationChoice::Mean),
        ("least", CombinationChoice::Least),
    ]),
    absent: Absent::Default(CombinationChoice::GeometricMean),
    meaning: "how the two parts, `instruction_following` and `quality`, become one score; the geometric mean is that of \
              VIEScore",
};

const PROMPTS: Section = Section {
    name: "prompts",
    allowed: "a map",
    default: "`{}`",
    meaning: "files with prompts that take the place of ours",
};

const FOLLOWING: Key<Text> = Key {
    name: "instruction_following",
    rule: Text,
    absent: Absent::Unset("ours"),
    meaning: "a file: asks for the scores `followed` and `preserved` from 0 to 10 as JSON, with the places \
              `{{instruction}}`, `{{low}}` and `{{high}}`; both pictures are shown",
};

const QUALITY: Key<Text> = Key {
    name: "quality",
    rule: Text,
    absent: Absent::Unset("ours"),
    meaning: "a file: asks for the scores `natural` and `clean`, likewise; the candidate alone is shown",
};

pub(crate) const PROMPT_KEYS: Keys = &[&FOLLOWING, &QUALITY];

pub(crate) const TEMPERATURE: Key<Number> = Key {
    name: "temperature",
    rule: Number::from(0.0, 2.0),
    absent: Absent::Unset("0 where each question is asked once, otherwise 0.7"),
    meaning: "the temperature of the answers",
};

pub(crate) const MAX_TOKENS: Key<Whole> = Key {
    name: "max_tokens",
    rule: Whole { low: 1, high: 1_000_000 },
    absent: Absent::Default(1024),
    meaning: "the most tokens of one answer",
};

pub(crate) const STRUCTURED: Key<Word<StructuredChoice>> = Key {
    name: "structured",
    rule: Word(&[
        ("schema", StructuredChoice::Schema),
        ("schema_without_range", StructuredChoice::SchemaWithoutRange),
        ("object", StructuredChoice::Object),
        ("prompt", StructuredChoice::Prompt),
    ]),
    absent: Absent::Default(StructuredChoice::Schema),
    meaning: "how the server is asked to keep to the form of the answer: by a JSON schema, by one without `minimum` and \
              `maximum` for servers that refuse those, by asking for a JSON object, or by the prompt alone",
};

pub(crate) const SENDS_SEED: Key<Flag> = Key {
    name: "sends_seed",
    rule: Flag,
    absent: Absent::Default(true),
    meaning: "whether a seed is sent; `false` for servers that refuse fields which they do not know",
};

pub(crate) const COUNTS_REASONING: Key<Flag> = Key {
    name: "counts_reasoning",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether the limit on tokens is called `max_completion_tokens`, as models that reason want it at OpenAI",
};

pub(crate) const PIXEL_BUDGET: Key<Whole> = Key {
    name: "pixel_budget",
    rule: Whole { low: 1, high: 1 << 40 },
    absent: Absent::Unset("not known"),
    meaning: "the pixels of a picture that the model looks at, at most; finer detail is invisible to it",
};

impl ChatSettings {
    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        let (temperature, max_tokens) = (fields.take(&TEMPERATURE), fields.take(&MAX_TOKENS));
        let (structured, sends_seed) = (fields.take(&STRUCTURED), fields.take(&SENDS_SEED));
        let (counts_reasoning, pixel_budget) = (fields.take(&COUNTS_REASONING), fields.take(&PIXEL_BUDGET));
        Some(Self {
            temperature,
            max_tokens: NonZeroU32::new(max_tokens? as u32)?,
            structured: structured?,
            sends_seed: sends_seed?,
            counts_reasoning: counts_reasoning?,
            pixel_budget,
        })
    }

    pub(crate) fn write(&self) -> impl Iterator<Item = (String, Yaml)> + use<> {
        let written = [
            TEMPERATURE.write(self.temperature.as_ref()),
            MAX_TOKENS.write(Some(&u64::from(self.max_tokens.get()))),
            STRUCTURED.write(Some(&self.structured)),
            SENDS_SEED.write(Some(&self.sends_seed)),
            COUNTS_REASONING.write(Some(&self.counts_reasoning)),
            PIXEL_BUDGET.write(self.pixel_budget.as_ref()),
        ];
        written.into_iter().flatten()
    }
}

impl PromptFiles {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let Some(entry) = fields.entry(PROMPTS.name) else { return Some(Self::default()) };
        let files = Map::of(entry).read(PROMPT_KEYS, fields.mistakes())?;
        Some(Self { instruction_following: files.take(&FOLLOWING), quality: files.take(&QUALITY) })
    }

    fn write(&self) -> Option<(String, Yaml)> {
        let written = [FOLLOWING.write(self.instruction_following.as_ref()), QUALITY.write(self.quality.as_ref())];
        let written: Vec<_> = written.into_iter().flatten().collect();
        (!written.is_empty()).then(|| (PROMPTS.name.to_owned(), Yaml::Map(written)))
    }
}

impl Options for ChatJudgeOptions {
    const NAME: &'static str = "chat_judge";
    const ABOUT: &'static str = "Any vision-language model behind `/v1/chat/completions`, which is shown the pictures and \
                                 asked for scores from 0 to 10 by two rubrics.";
    const KEYS: Keys = &[
        &MODEL,
        &SERVERS,
        &VOTES,
        &LEAST_VOTES,
        &COMBINATION,
        &PROMPTS,
        &TEMPERATURE,
        &MAX_TOKENS,
        &STRUCTURED,
        &SENDS_SEED,
        &COUNTS_REASONING,
        &PIXEL_BUDGET,
        &CALLS,
        &PRICES,
        &REVISION,
        &REPEAT,
    ];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let count = |key: &Key<Whole>| fields.take(key).and_then(|count| NonZeroU32::new(count as u32));
        let (model, votes, least_votes) = (fields.take(&MODEL), count(&VOTES), count(&LEAST_VOTES));
        let (combination, prompts) = (fields.take(&COMBINATION), PromptFiles::read(fields));
        let (chat, remote) = (ChatSettings::read(fields), RemoteSettings::read(fields));
        if let (Some(votes), Some(least)) = (votes, least_votes)
            && least > votes
        {
            let mistake = Mistake::new(format!("`least_votes` is {least}, and `votes` only {votes}"));
            fields.error(&fields.span_of(LEAST_VOTES.name), mistake);
        }
        Some(Self {
            model: model?,
            votes: votes?,
            least_votes,
            combination: combination?,
            prompts: prompts?,
            chat: chat?,
            remote: remote?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            MODEL.write(Some(&self.model)),
            VOTES.write(Some(&u64::from(self.votes.get()))),
            LEAST_VOTES.write(self.least_votes.map(|least| u64::from(least.get())).as_ref()),
            COMBINATION.write(Some(&self.combination)),
            self.prompts.write(),
        ];
        own.into_iter().flatten().chain(self.chat.write()).chain(self.remote.write()).collect()
    }
}
