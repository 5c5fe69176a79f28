//! How recipes set the policy `reflection`.

use std::sync::Arc;

use editscale_core::{CriticName, Need, SearchFactory};
use editscale_schema::{Absent, Fields, Flag, Key, Keys, Mistake, Name, Number, Options, Whole, Word, Yaml, quote};

use super::{Canvases, Reflection, ReflectionSize};
use crate::{PolicyChoice, PolicyError, Reason, Rules};

/// The most attempts that a critic is shown beside the one that it writes about.
pub(super) const MOST_SHOWN: u32 = 16;

/// Settings of reflection.
#[derive(Debug, Clone, PartialEq)]
pub struct ReflectionRecipe {
    /// How large it is.
    pub size: ReflectionSize,
    /// What the critic's instructions are carried out on.
    pub canvases: Canvases,
    /// Whether the critic is first asked for better words than the request's own.
    pub rewrites_first: bool,
    /// Which critic; the first of the recipe where absent.
    pub critic: Option<CriticName>,
}

/// The words for [`Canvases`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    ReEdit,
    EditOfEdit,
    Mixed,
}

const SAMPLES: Key<Whole> = Key {
    name: "samples",
    rule: Whole { low: 1, high: 1000 },
    absent: Absent::Refused,
    meaning: "candidates from the source before the critic is asked",
};

const WIDTH: Key<Whole> = Key {
    name: "width",
    rule: Whole { low: 1, high: 1000 },
    absent: Absent::Default(1),
    meaning: "the best candidates that each begin a chain of critiques; at most `samples`",
};

const ROUNDS: Key<Whole> = Key {
    name: "rounds",
    rule: Whole { low: 1, high: 1000 },
    absent: Absent::Refused,
    meaning: "rounds in which the critic is asked and its instructions are carried out; a run makes samples + width × \
              rounds candidates",
};

const START: Key<Word<Start>> = Key {
    name: "start",
    rule: Word(&[("re_edit", Start::ReEdit), ("edit_of_edit", Start::EditOfEdit), ("mixed", Start::Mixed)]),
    absent: Absent::Default(Start::ReEdit),
    meaning: "what the critic's instructions are carried out on: the source, the candidate's picture, or either in turn",
};

const EDIT_OF_EDIT: Key<Number> = Key {
    name: "edit_of_edit",
    rule: Number::from(0.0, 1.0),
    absent: Absent::Unset("0.5"),
    meaning: "the share of instructions that are carried out on the candidate's picture where `start` is `mixed`",
};

const SHOW: Key<Whole> = Key {
    name: "show",
    rule: Whole { low: 0, high: MOST_SHOWN as u64 },
    absent: Absent::Default(2),
    meaning: "how many of the best attempts the critic is shown beside the one that it writes about",
};

const REWRITE_FIRST: Key<Flag> = Key {
    name: "rewrite_first",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether the critic is shown the source before the first candidate, and the editor told the instruction as the critic \
              rewrote it; candidates are held to the request's own all the same",
};

const CRITIC: Key<Name<CriticName>> = Key {
    name: "critic",
    rule: Name(CriticName::new),
    absent: Absent::Unset("the first of `critics`"),
    meaning: "who is asked",
};

impl PolicyChoice for ReflectionRecipe {
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        let Self { size, canvases, rewrites_first, critic } = self.clone();
        let reflection = Reflection::new(size, canvases, critic, rules)?;
        Ok(Arc::new(if rewrites_first { reflection.rewriting_first() } else { reflection }))
    }

    fn first_round(&self, _: bool) -> u64 {
        u64::from(self.size.samples)
    }

    fn critic(&self) -> Option<&CriticName> {
        self.critic.as_ref()
    }

    fn critiques(&self) -> u64 {
        u64::from(self.size.width) * u64::from(self.size.rounds) + self.critiques_first()
    }

    fn critiques_first(&self) -> u64 {
        u64::from(self.rewrites_first)
    }

    fn reason(&self, need: Need) -> Reason {
        match need {
            Need::EditsCandidates => {
                Reason { setting: Some(START.name), hint: "write `start: re_edit`, or choose another editor" }
            }
            Need::Critic => {
                Reason { setting: None, hint: "a first one is `critics: [{model: {darkroom_critic: {}}}]`" }
            }
            Need::Rewriting => Reason {
                setting: Some(REWRITE_FIRST.name),
                hint: "leave `rewrite_first` out, or choose another critic, such as `chat_critic`",
            },
            _ => Reason::usual(need),
        }
    }
}

impl Options for ReflectionRecipe {
    const NAME: &'static str = "reflection";
    const ABOUT: &'static str = "Has a critic write about the best candidates, and makes the next ones by the \
                                 instructions that it writes.";
    const KEYS: Keys = &[&SAMPLES, &WIDTH, &ROUNDS, &START, &EDIT_OF_EDIT, &SHOW, &REWRITE_FIRST, &CRITIC];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (samples, width, rounds) = (fields.take(&SAMPLES), fields.take(&WIDTH), fields.take(&ROUNDS));
        let canvases = read_canvases(fields);
        let (show, rewrites_first, critic) = (fields.take(&SHOW), fields.take(&REWRITE_FIRST), fields.take(&CRITIC));
        let (samples, width, rounds) = (samples? as u32, width? as u32, rounds? as u32);
        if width > samples {
            let mistake = Mistake::new(format!("`width` is {width}, and only {samples} samples can begin a chain"))
                .hint("lower `width`, or raise `samples`");
            fields.error(&fields.span_of(WIDTH.name), mistake);
        }
        let size = ReflectionSize { samples, width, rounds, show: show? as u32 };
        Some(Self { size, canvases: canvases?, rewrites_first: rewrites_first?, critic })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let ReflectionSize { samples, width, rounds, show } = self.size;
        let (start, share) = match self.canvases {
            Canvases::ReEdit => (Start::ReEdit, None),
            Canvases::EditOfEdit => (Start::EditOfEdit, None),
            Canvases::Mixed(share) => (Start::Mixed, Some(share)),
        };
        [
            SAMPLES.write(Some(&samples.into())),
            WIDTH.write(Some(&width.into())),
            ROUNDS.write(Some(&rounds.into())),
            START.write(Some(&start)),
            EDIT_OF_EDIT.write(share.as_ref()),
            SHOW.write(Some(&show.into())),
            REWRITE_FIRST.write(self.rewrites_first.then_some(&true)),
            CRITIC.write(self.critic.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn read_canvases(fields: &Fields<'_>) -> Option<Canvases> {
    let (start, share) = (fields.take(&START), fields.take(&EDIT_OF_EDIT));
    let start = start?;
    if start != Start::Mixed && fields.has(EDIT_OF_EDIT.name) {
        let name = quote(EDIT_OF_EDIT.name);
        let mistake = Mistake::new(format!("{name} has a meaning only with `start: mixed`"))
            .hint(format!("leave {name} out, or write `start: mixed`"));
        fields.error(&fields.span_of(EDIT_OF_EDIT.name), mistake);
    }
    Some(match start {
        Start::ReEdit => Canvases::ReEdit,
        Start::EditOfEdit => Canvases::EditOfEdit,
        Start::Mixed => Canvases::Mixed(share.unwrap_or(0.5)),
    })
}
