//! How recipes set the policy `preview_pruning`.

use std::sync::Arc;

use editscale_core::{Budget, Cards, RewardName, SearchFactory};
use editscale_schema::{
    Absent, Documented, Fields, Key, Keys, Map, Mistake, Name, Number, Options, Scalar, Section, Subtable, Value,
    Whole, Yaml, quote,
};

use super::{Checkpoint, Expectation, PreviewPruning, PreviewRule, Pruning, Way};
use crate::adaptive::{price_clashes, price_misfits};
use crate::choice::{Clash, Surroundings};
use crate::objective::{GATE_KEYS, read_gate, write_gate};
use crate::price::recipe::{COST_TABLE, WORTH_TABLE, cost, read_price, worth, write_price};
use crate::{PolicyChoice, PolicyError, Rules};

/// Settings of preview pruning.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewPruningRecipe(pub Pruning);

const COST: Section = cost(NO_PRICE);
const WORTH: Section = worth(NO_PRICE);
const NO_PRICE: &str = "nothing costs, and all candidates that go on are finished";

const COUNT: Whole = Whole { low: 1, high: 100_000 };

const SAMPLES: Key<Whole> =
    Key { name: "samples", rule: COUNT, absent: Absent::Refused, meaning: "candidates that are begun together" };

const MOST: Key<Whole> = Key {
    name: "most",
    rule: COUNT,
    absent: Absent::Unset("as many as `samples`"),
    meaning: "candidates that are begun in all, at most: others are begun where that is worth more than finishing those \
              that are there",
};

const CHECKPOINTS: Section = Section {
    name: "checkpoints",
    allowed: "a list of shares of an edit's steps, or of steps",
    default: "`[0.3, 0.6]`",
    meaning: "where candidates are looked at: a number below 1 is a share of the steps, a whole number from 1 a step",
};

const KEEP: Key<Number> = Key {
    name: "keep",
    rule: Number::above(0.0, 1.0),
    absent: Absent::Default(0.5),
    meaning: "the share of candidates that goes on at each checkpoint; at least one does",
};

const MARGIN: Key<Number> = Key {
    name: "margin",
    rule: Number::from(0.0, 1e9),
    absent: Absent::Unset("no candidate is too far behind"),
    meaning: "how far below the best preview of a checkpoint a candidate may be that goes on, in units of its score",
};

const ROUND: Key<Whole> = Key {
    name: "round",
    rule: COUNT,
    absent: Absent::Default(1),
    meaning: "candidates that are finished at once, at most; 1 goes depth-first",
};

const PRIOR: Section = Section {
    name: "prior",
    allowed: "a map",
    default: "its defaults",
    meaning: "what a preview is expected to tell before any candidate is finished",
};

const PRIOR_KEYS: Keys = &[&CORRELATION, &SPREAD, &STRENGTH];

const CORRELATION: Key<Number> = Key {
    name: "correlation",
    rule: Number::from(0.0, 0.999),
    absent: Absent::Default(0.6),
    meaning: "the correlation of the last preview's score with that of the finished candidate",
};

const SPREAD: Key<Number> = Key {
    name: "spread",
    rule: Number::from(0.0, 1e9),
    absent: Absent::Unset("that of the previews"),
    meaning: "the standard deviation among the finished candidates of one request",
};

const STRENGTH: Key<Number> = Key {
    name: "strength",
    rule: Number::above(1.0, 1e6),
    absent: Absent::Default(4.0),
    meaning: "how many finished candidates this knowledge is worth",
};

const PREVIEW: Section = Section {
    name: "preview",
    allowed: "a map",
    default: "all rewards, without gates",
    meaning: "by what previews are judged",
};

const PREVIEW_KEYS: Keys = &[&REWARD as &dyn Documented, &GATES];

const REWARD: Key<Name<RewardName>> = Key {
    name: "reward",
    rule: Name(RewardName::new),
    absent: Absent::Unset("what the recipe makes of all of them, its gates included"),
    meaning: "the reward by whose score previews are ordered; all are asked",
};

const GATES: Section = Section {
    name: "gates",
    allowed: "a list of gates",
    default: "no gates",
    meaning: "what a preview must meet to be gone on with, such as that it changed enough or kept enough",
};

impl PolicyChoice for PreviewPruningRecipe {
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        Ok(Arc::new(PreviewPruning::new(self.0.clone(), rules)?))
    }

    fn first_round(&self, _: bool) -> u64 {
        u64::from(self.0.samples)
    }

    fn clashes(&self, around: &Surroundings<'_>) -> Vec<Clash> {
        let unknown = |setting: &'static str, reward: &RewardName| Clash {
            setting: Some(setting),
            message: format!("the recipe has no reward {}", quote(reward.as_str())),
            hint: "name one of its `rewards`".to_owned(),
        };
        let PreviewRule { reward, gates } = &self.0.preview;
        let named = reward.iter().map(|reward| ("preview.reward", reward));
        let named = named.chain(gates.iter().map(|gate| ("preview.gates", &gate.reward)));
        let unknown =
            named.filter(|(_, reward)| !around.rewards.contains(reward)).map(|(at, reward)| unknown(at, reward));
        price_clashes("preview_pruning", self.0.price, around).into_iter().chain(unknown).collect()
    }

    fn misfits(&self, cards: &Cards, budget: &Budget) -> Vec<Clash> {
        price_misfits(self.0.price, cards, budget)
    }

    fn notes(&self, cards: &Cards) -> Vec<String> {
        Way::of(&self.0.checkpoints, cards).note(cards).into_iter().collect()
    }
}

impl Options for PreviewPruningRecipe {
    const NAME: &'static str = "preview_pruning";
    const ABOUT: &'static str = "Looks at candidates before they are done, gives most of them up, and finishes the others \
                                 one by one, the most promising first.";
    const KEYS: Keys =
        &[&SAMPLES, &MOST, &CHECKPOINTS as &dyn Documented, &KEEP, &MARGIN, &ROUND, &COST, &WORTH, &PRIOR, &PREVIEW];
    const SUBTABLES: &'static [Subtable] = &[
        COST_TABLE,
        WORTH_TABLE,
        Subtable { path: "prior", about: "What a preview is expected to tell.", keys: PRIOR_KEYS },
        Subtable { path: "preview", about: "By what previews are judged.", keys: PREVIEW_KEYS },
        Subtable { path: "preview.gates[]", about: "A gate on previews, as those of the recipe.", keys: GATE_KEYS },
    ];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (samples, most) = (fields.take(&SAMPLES), fields.take(&MOST));
        let checkpoints = read_checkpoints(fields);
        let (keep, margin, round) = (fields.take(&KEEP), fields.take(&MARGIN), fields.take(&ROUND));
        let (price, expected, preview) = (read_price(fields), read_prior(fields), read_preview(fields));
        let samples = samples? as u32;
        let most = most.map_or(samples, |most| most as u32);
        if most < samples {
            let mistake = Mistake::new(format!("`most` cannot be {most}: {samples} are begun together"))
                .hint("raise `most` or lower `samples`");
            fields.error(&fields.span_of(MOST.name), mistake);
        }
        Some(Self(Pruning {
            samples,
            most,
            checkpoints: checkpoints?,
            keep: keep?,
            margin,
            round: round? as u32,
            expected: expected?,
            price,
            preview: preview?,
        }))
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let Pruning { samples, most, checkpoints, keep, margin, round, expected, price, preview } = &self.0;
        let checkpoints = checkpoints.iter().map(|checkpoint| match checkpoint {
            Checkpoint::Share(share) => Yaml::plain(share),
            Checkpoint::Step(step) => Yaml::plain(step),
        });
        let Expectation { correlation, spread, strength } = expected;
        let prior =
            [CORRELATION.write(Some(correlation)), SPREAD.write(spread.as_ref()), STRENGTH.write(Some(strength))];
        let gates = (!preview.gates.is_empty())
            .then(|| (GATES.name.to_owned(), Yaml::List(preview.gates.iter().map(write_gate).collect())));
        let preview = [REWARD.write(preview.reward.as_ref()), gates];
        let map = |keys: &[Option<(String, Yaml)>]| Yaml::Map(keys.iter().flatten().cloned().collect());
        [
            SAMPLES.write(Some(&(*samples).into())),
            MOST.write(Some(&(*most).into())),
            Some((CHECKPOINTS.name.into(), Yaml::List(checkpoints.collect()))),
            KEEP.write(Some(keep)),
            MARGIN.write(margin.as_ref()),
            ROUND.write(Some(&(*round).into())),
            price.map(write_price),
            Some((PRIOR.name.into(), map(&prior))),
            Some((PREVIEW.name.into(), map(&preview))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// At least one, each once, in their order.
fn read_checkpoints(fields: &Fields<'_>) -> Option<Vec<Checkpoint>> {
    let Some(entry) = fields.entry(CHECKPOINTS.name) else {
        return Some(vec![Checkpoint::Share(0.3), Checkpoint::Share(0.6)]);
    };
    let items = fields.list(entry)?;
    if items.is_empty() {
        let mistake =
            Mistake::new("`checkpoints` is empty: expected at least one").hint("leave it out, or write `[0.5]`");
        fields.error(entry.place(), mistake);
    }
    let read = |value: &Value| match value {
        Value::Scalar(Scalar::Whole(step)) if (1..=1_000_000).contains(step) => Some(Checkpoint::Step(*step as u32)),
        Value::Scalar(Scalar::Number { value, .. }) if *value > 0.0 && *value < 1.0 => Some(Checkpoint::Share(*value)),
        _ => None,
    };
    let mut checkpoints = Vec::with_capacity(items.len());
    for item in items.iter().filter(|item| item.value != Value::Refused) {
        if let Some(checkpoint) = read(&item.value) {
            checkpoints.push(checkpoint);
        } else {
            let mistake = Mistake::new("a checkpoint is a number above 0 and below 1, or a step from 1")
                .hint("`0.5` is half of the steps, `10` is the tenth step");
            fields.error(&item.span, mistake);
        }
    }
    Some(checkpoints)
}

fn read_prior(fields: &Fields<'_>) -> Option<Expectation> {
    let at = fields.at().clone();
    let none = || Some(Fields::none(quote(PRIOR.name), at, fields.mistakes()));
    let prior =
        fields.entry(PRIOR.name).map_or_else(none, |entry| Map::of(entry).read(PRIOR_KEYS, fields.mistakes()))?;
    let (correlation, spread, strength) = (prior.take(&CORRELATION), prior.take(&SPREAD), prior.take(&STRENGTH));
    Some(Expectation { correlation: correlation?, spread, strength: strength? })
}

fn read_preview(fields: &Fields<'_>) -> Option<PreviewRule> {
    let Some(entry) = fields.entry(PREVIEW.name) else { return Some(PreviewRule::default()) };
    let preview = Map::of(entry).read(PREVIEW_KEYS, fields.mistakes())?;
    let reward = preview.take(&REWARD);
    let gates = match preview.entry(GATES.name) {
        None => Vec::new(),
        Some(entry) => {
            let items = preview.list(entry)?;
            // Each is read, so that the mistakes of all are told.
            let gates: Vec<_> = items.iter().map(|gate| read_gate(gate, fields.mistakes(), |_, _| ())).collect();
            gates.into_iter().collect::<Option<_>>()?
        }
    };
    Some(PreviewRule { reward, gates })
}
