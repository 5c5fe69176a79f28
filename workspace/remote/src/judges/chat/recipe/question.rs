//! Questions of the user's own.

use std::path::Path;

use editscale_core::PartName;
use editscale_schema::{
    Absent, Fields, Key, Keys, Map, Mistake, Name, Node, Scalar, Section, Text, Value, Word, Yaml, quote,
};

use crate::SetupError;
use crate::judges::asking::prompt::prompt_file;
use crate::judges::chat::{Aspect, AspectPictures};

/// The most questions of one judge.
const MOST: usize = 16;

/// What a recipe says of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QuestionRecipe {
    /// The part of the score that it becomes.
    part: PartName,
    /// The file with its prompt.
    prompt: String,
    /// The names of the scores in its answer.
    scores: Vec<String>,
    /// Which pictures are shown.
    pictures: AspectPictures,
}

pub(super) const QUESTIONS: Section = Section {
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

const PICTURES: Key<Word<AspectPictures>> = Key {
    name: "pictures",
    rule: Word(&[("both", AspectPictures::Both), ("candidate", AspectPictures::Edited)]),
    absent: Absent::Default(AspectPictures::Both),
    meaning: "whether the source and the candidate are shown, or the candidate alone",
};

pub(super) const QUESTION_KEYS: Keys = &[&PART, &PROMPT, &SCORES, &PICTURES];

impl QuestionRecipe {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (part, prompt) = (fields.take(&PART), fields.take(&PROMPT));
        let (scores, pictures) = (read_scores(fields), fields.take(&PICTURES));
        Some(Self { part: part?, prompt: prompt?, scores: scores?, pictures: pictures? })
    }

    fn write(&self) -> Yaml {
        let scores = Yaml::List(self.scores.iter().map(|name| Yaml::text(name)).collect());
        let written = [
            PART.write(Some(&self.part)),
            PROMPT.write(Some(&self.prompt)),
            Some((SCORES.name.to_owned(), scores)),
            PICTURES.write(Some(&self.pictures)),
        ];
        Yaml::Map(written.into_iter().flatten().collect())
    }

    /// The question with the text of its prompt.
    pub(super) fn aspect(&self) -> Result<Aspect, SetupError> {
        Ok(Aspect {
            part: self.part.clone(),
            pictures: self.pictures,
            scores: self.scores.clone(),
            prompt: prompt_file(self.part.as_str(), Path::new(&self.prompt))?,
        })
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

/// The questions; none where ours are asked. They cannot be given beside the key `prompts`.
pub(super) fn read_all(fields: &Fields<'_>, prompts: &str) -> Option<Vec<QuestionRecipe>> {
    let Some(entry) = fields.entry(QUESTIONS.name) else { return Some(Vec::new()) };
    let items = fields.list(entry)?;
    if items.is_empty() || items.len() > MOST {
        let message = format!("`questions` has {} questions: expected 1 to {MOST}", items.len());
        fields.error(entry.place(), Mistake::new(message));
        return None;
    }
    if fields.has(prompts) {
        let mistake = Mistake::new(format!("`{prompts}` and `questions` cannot both be given"))
            .hint(format!("`{prompts}` takes the place of our prompts, `questions` of our questions"));
        fields.error(&fields.span_of(QUESTIONS.name), mistake);
    }
    let read = |item| QuestionRecipe::read(&Map::item("a question", item).read(QUESTION_KEYS, fields.mistakes())?);
    let questions: Vec<Option<QuestionRecipe>> = items.iter().map(read).collect();
    let questions: Vec<QuestionRecipe> = questions.into_iter().collect::<Option<_>>()?;
    for (place, question) in questions.iter().enumerate() {
        if questions.iter().take(place).any(|earlier| earlier.part == question.part) {
            let message = format!("there are two questions about {}", quote(question.part.as_str()));
            fields.error(entry.place(), Mistake::new(message));
        }
    }
    Some(questions)
}

/// The questions under their section's name; nothing where ours are asked.
pub(super) fn write_all(questions: &[QuestionRecipe]) -> Option<(String, Yaml)> {
    let list = || Yaml::List(questions.iter().map(QuestionRecipe::write).collect());
    (!questions.is_empty()).then(|| (QUESTIONS.name.to_owned(), list()))
}
