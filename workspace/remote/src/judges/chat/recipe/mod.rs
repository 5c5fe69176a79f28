//! How recipes set `chat_judge`.

mod question;

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use editscale_core::RewardName;
use editscale_schema::{
    Absent, Fields, FreeQuestion, House, Key, Keys, Made, MadeReward, MakeError, Map, Mistake, Number, Options,
    RewardChoice, Section, Subtable, Text, Whole, Word, Yaml,
};

use self::question::{QUESTION_KEYS, QUESTIONS, QuestionRecipe};
use super::{ChatJudge, ChatJudgeOptions, Combination, Rubric};
use crate::SetupError;
use crate::judges::asking::recipe::{AskingRecipe, keys};
use crate::judges::recipe::{servers_of, take_count};
use crate::recipe::connection;

/// What a recipe says of a vision-language model behind `/v1/chat/completions` that is asked for scores.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatJudgeRecipe {
    /// How often each question is asked.
    votes: NonZeroU32,
    /// Votes that must come back for there to be a score.
    least_votes: Option<NonZeroU32>,
    /// How the answers become one score.
    combination: Combination,
    /// The least score of an answer.
    low: f64,
    /// The greatest score of an answer.
    high: f64,
    /// Prompts of the user's own.
    prompts: PromptFiles,
    /// Questions of the user's own, in the place of ours; none where ours are asked.
    questions: Vec<QuestionRecipe>,
    /// What is told of any judge that asks.
    asking: AskingRecipe,
}

/// Files with prompts that take the place of our own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct PromptFiles {
    /// Whether the instruction was followed and the rest preserved.
    instruction_following: Option<String>,
    /// How the picture looks.
    quality: Option<String>,
}

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

const COMBINATION: Key<Word<Combination>> = Key {
    name: "combination",
    rule: Word(&[
        ("geometric_mean", Combination::GeometricMean),
        ("mean", Combination::Mean),
        ("least", Combination::Least),
    ]),
    absent: Absent::Default(Combination::GeometricMean),
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

const PROMPT_KEYS: Keys = &[&FOLLOWING, &QUALITY];

const fn bound(name: &'static str, default: f64, meaning: &'static str) -> Key<Number> {
    Key { name, rule: Number::from(-1e6, 1e6), absent: Absent::Default(default), meaning }
}

const LOW: Key<Number> = bound("low", 0.0, "the least score of an answer; with the geometric mean at least 0");
const HIGH: Key<Number> = bound("high", 10.0, "the greatest score of an answer; one outside is a failure");

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

    fn put_into(&self, mut rubric: Rubric) -> Result<Rubric, SetupError> {
        for (key, file) in [(FOLLOWING, &self.instruction_following), (QUALITY, &self.quality)] {
            if let Some(file) = file {
                rubric = rubric.with_prompt_file(key.name, Path::new(file))?;
            }
        }
        Ok(rubric)
    }
}

impl Options for ChatJudgeRecipe {
    const NAME: &'static str = "chat_judge";
    const ABOUT: &'static str = "Any vision-language model behind `/v1/chat/completions`, which is shown the pictures and \
                                 asked for scores by two rubrics of ours, or by questions of your own.";
    const KEYS: Keys = keys!(&VOTES, &LEAST_VOTES, &COMBINATION, &LOW, &HIGH, &PROMPTS, &QUESTIONS);
    const SUBTABLES: &'static [Subtable] = &[
        Subtable { path: "prompts", about: "Prompts that take the place of ours.", keys: PROMPT_KEYS },
        Subtable { path: "questions[]", about: "A question of your own, in the place of ours.", keys: QUESTION_KEYS },
    ];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (votes, least_votes) = (take_count(fields, &VOTES), take_count(fields, &LEAST_VOTES));
        let (combination, low, high) = (fields.take(&COMBINATION), fields.take(&LOW), fields.take(&HIGH));
        let (prompts, questions) = (PromptFiles::read(fields), question::read_all(fields, PROMPTS.name));
        let asking = AskingRecipe::read(fields);
        check_range(fields, combination, low, high);
        if let (Some(votes), Some(least)) = (votes, least_votes)
            && least > votes
        {
            let mistake = Mistake::new(format!("`least_votes` is {least}, and `votes` only {votes}"));
            fields.error(&fields.span_of(LEAST_VOTES.name), mistake);
        }
        Some(Self {
            votes: votes?,
            least_votes,
            combination: combination?,
            low: low?,
            high: high?,
            prompts: prompts?,
            questions: questions?,
            asking: asking?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            self.asking.write_model(),
            VOTES.write(Some(&u64::from(self.votes.get()))),
            LEAST_VOTES.write(self.least_votes.map(|least| u64::from(least.get())).as_ref()),
            COMBINATION.write(Some(&self.combination)),
            LOW.write(Some(&self.low)),
            HIGH.write(Some(&self.high)),
            self.prompts.write(),
            question::write_all(&self.questions),
        ];
        own.into_iter().flatten().chain(self.asking.write_rest()).collect()
    }
}

fn check_range(fields: &Fields<'_>, combination: Option<Combination>, low: Option<f64>, high: Option<f64>) {
    let least = if combination == Some(Combination::GeometricMean) { 0.0 } else { f64::NEG_INFINITY };
    if let (Some(low), Some(high)) = (low, high)
        && (low >= high || low < least)
    {
        let mistake = Mistake::new(format!("scores from {low} to {high} are no range"))
            .hint("`low` must be below `high`, and at least 0 with the geometric mean");
        fields.error(&fields.span_of(if fields.has(LOW.name) { LOW.name } else { HIGH.name }), mistake);
    }
}

impl RewardChoice for ChatJudgeRecipe {
    fn make(&self, name: &RewardName, _: &House) -> Result<MadeReward, MakeError> {
        Ok(Made::Ready(Arc::new(ChatJudge::new(self.options(name)?)?)))
    }

    servers_of!(asking);

    fn free_question(&self) -> FreeQuestion<'_> {
        self.asking.free_question()
    }
}

impl ChatJudgeRecipe {
    fn options(&self, name: &RewardName) -> Result<ChatJudgeOptions, SetupError> {
        let remote = connection(&self.asking.remote);
        let usual = ChatJudgeOptions::new(name.clone(), &self.asking.model, remote)?;
        Ok(ChatJudgeOptions {
            asking: self.asking.options(usual.asking),
            rubric: self.rubric()?,
            votes: self.votes,
            least_votes: self.least_votes,
            pixel_budget: self.asking.pixel_budget,
            name: usual.name,
        })
    }

    fn rubric(&self) -> Result<Rubric, SetupError> {
        let standard = Rubric::standard()?;
        let aspects = match self.questions.as_slice() {
            [] => standard.aspects,
            questions => questions.iter().map(QuestionRecipe::aspect).collect::<Result<_, _>>()?,
        };
        let rubric = Rubric { aspects, low: self.low, high: self.high, combination: self.combination };
        self.prompts.put_into(rubric)
    }
}
