//! Options of the reward `chat_judge`.

use std::num::NonZeroU32;

use editscale_core::PartName;

use crate::document::scalar::Scalar;
use crate::document::tree::{Node, Value};
use crate::document::yaml::Yaml;
use crate::remote::{CALLS, PRICES, REPEAT, REVISION, RemoteSettings, SERVERS};
use crate::report::mistakes::Mistake;
use crate::report::quote::quote;
use crate::schema::fields::{Fields, Map};
use crate::schema::key::{Absent, Key, Keys, Section};
use crate::schema::options::Options;
use crate::schema::rule::{Flag, Name, Number, Text, Whole, Word};

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
    /// The least score of an answer.
    pub low: f64,
    /// The greatest score of an answer.
    pub high: f64,
    /// Prompts of the user's own.
    pub prompts: PromptFiles,
    /// Questions of the user's own, in the place of ours; none where ours are asked.
    pub questions: Vec<QuestionSettings>,
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

/// One question of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionSettings {
    /// The part of the score that it becomes.
    pub part: PartName,
    /// The file with its prompt.
    pub prompt: String,
    /// The names of the scores in its answer.
    pub scores: Vec<String>,
    /// Whether the candidate alone is shown, without the source.
    pub is_candidate_alone: bool,
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

const fn bound(name: &'static str, default: f64, meaning: &'static str) -> Key<Number> {
    Key { name, rule: Number::from(-1e6, 1e6), absent: Absent::Default(default), meaning }
}

const LOW: Key<Number> = bound("low", 0.0, "the least score of an answer; with the geometric mean at least 0");
const HIGH: Key<Number> = bound("high", 10.0, "the greatest score of an answer; one outside is a failure");

const QUESTIONS: Section = Section {
    name: "questions",
    allowed: "a list of questions",
    default: "ours",
    meaning: "questions of your own, each one call a vote, in the place of ours: with them the prompts of EditScore, VIEScore or \
              UnifiedReward can be used from their own repositories",
};

const PART: Key<Name<PartName>> = Key {
    name: "part",
    rule: Name(PartName::new),
    absent: Absent::Refused,
    meaning: "the part of the score that its answer becomes",
};

const PROMPT: Key<Text> = Key {
    name: "prompt",
    rule: Text,
    absent: Absent::Refused,
    meaning: "the file with its prompt, with the places `{{instruction}}`, `{{low}}` and `{{high}}`",
};

const SCORES: Section = Section {
    name: "scores",
    allowed: "a list of names",
    default: "required",
    meaning: "the names of the scores in its answer, of which the least counts; a list of as many under `score` is read too",
};

const PICTURES: Key<Word<bool>> = Key {
    name: "pictures",
    rule: Word(&[("both", false), ("candidate", true)]),
    absent: Absent::Default(false),
    meaning: "whether the source and the candidate are shown, or the candidate alone",
};

pub(crate) const QUESTION_KEYS: Keys = &[&PART, &PROMPT, &SCORES, &PICTURES];

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

impl ChatJudgeOptions {
    fn questions(&self) -> Option<(String, Yaml)> {
        let questions = Yaml::List(self.questions.iter().map(QuestionSettings::write).collect());
        (!self.questions.is_empty()).then(|| (QUESTIONS.name.to_owned(), questions))
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

impl QuestionSettings {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (part, prompt) = (fields.take(&PART), fields.take(&PROMPT));
        let (scores, is_candidate_alone) = (read_scores(fields), fields.take(&PICTURES));
        Some(Self { part: part?, prompt: prompt?, scores: scores?, is_candidate_alone: is_candidate_alone? })
    }

    fn write(&self) -> Yaml {
        let scores = Yaml::List(self.scores.iter().map(|name| Yaml::text(name)).collect());
        let written = [
            PART.write(Some(&self.part)),
            PROMPT.write(Some(&self.prompt)),
            Some((SCORES.name.to_owned(), scores)),
            PICTURES.write(Some(&self.is_candidate_alone)),
        ];
        Yaml::Map(written.into_iter().flatten().collect())
    }
}

fn read_scores(fields: &Fields<'_>) -> Option<Vec<String>> {
    let Some(entry) = fields.entry(SCORES.name) else {
        return fields.lacking(SCORES.name, "add `scores: […]` with the names of the scores in the answer");
    };
    let items = fields.list(entry)?;
    let name = |item: &Node| match &item.value {
        Value::Scalar(Scalar::Text(text)) if !text.trim().is_empty() && text != "reasoning" => Some(text.clone()),
        _ => None,
    };
    let names: Option<Vec<String>> = items.iter().map(name).collect();
    let names = names.filter(|names| !names.is_empty());
    if names.is_none() {
        let mistake = Mistake::new("`scores` must be a list of names, at least one and none of them `reasoning`");
        fields.error(entry.place(), mistake);
    }
    names
}

/// The questions; none where ours are asked.
fn read_questions(fields: &Fields<'_>) -> Option<Vec<QuestionSettings>> {
    let Some(entry) = fields.entry(QUESTIONS.name) else { return Some(Vec::new()) };
    let items = fields.list(entry)?;
    if items.is_empty() || items.len() > 16 {
        let message = format!("`questions` has {} questions: expected 1 to 16", items.len());
        fields.error(entry.place(), Mistake::new(message));
        return None;
    }
    if fields.has(PROMPTS.name) {
        let mistake = Mistake::new("`prompts` and `questions` cannot both be given")
            .hint("`prompts` takes the place of our prompts, `questions` of our questions");
        fields.error(&fields.span_of(QUESTIONS.name), mistake);
    }
    let read = |item| QuestionSettings::read(&Map::item("a question", item).read(QUESTION_KEYS, fields.mistakes())?);
    let questions: Vec<Option<QuestionSettings>> = items.iter().map(read).collect();
    let questions: Vec<QuestionSettings> = questions.into_iter().collect::<Option<_>>()?;
    for (place, question) in questions.iter().enumerate() {
        if questions.iter().take(place).any(|earlier| earlier.part == question.part) {
            let message = format!("there are two questions about {}", quote(question.part.as_str()));
            fields.error(entry.place(), Mistake::new(message));
        }
    }
    Some(questions)
}

impl Options for ChatJudgeOptions {
    const NAME: &'static str = "chat_judge";
    const ABOUT: &'static str = "Any vision-language model behind `/v1/chat/completions`, which is shown the pictures and \
                                 asked for scores by two rubrics of ours, or by questions of your own.";
    const KEYS: Keys = &[
        &MODEL,
        &SERVERS,
        &VOTES,
        &LEAST_VOTES,
        &COMBINATION,
        &LOW,
        &HIGH,
        &PROMPTS,
        &QUESTIONS,
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
        let (low, high, questions) = (fields.take(&LOW), fields.take(&HIGH), read_questions(fields));
        let (chat, remote) = (ChatSettings::read(fields), RemoteSettings::read(fields));
        let least = if combination == Some(CombinationChoice::GeometricMean) { 0.0 } else { f64::NEG_INFINITY };
        if let (Some(low), Some(high)) = (low, high)
            && (low >= high || low < least)
        {
            let mistake = Mistake::new(format!("scores from {low} to {high} are no range"))
                .hint("`low` must be below `high`, and at least 0 with the geometric mean");
            fields.error(&fields.span_of(if fields.has(LOW.name) { LOW.name } else { HIGH.name }), mistake);
        }
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
            low: low?,
            high: high?,
            prompts: prompts?,
            questions: questions?,
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
            LOW.write(Some(&self.low)),
            HIGH.write(Some(&self.high)),
            self.prompts.write(),
            self.questions(),
        ];
        own.into_iter().flatten().chain(self.chat.write()).chain(self.remote.write()).collect()
    }
}
