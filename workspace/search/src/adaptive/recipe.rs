//! How recipes set the policy `adaptive`.

use std::sync::Arc;

use editscale_core::{Budget, Cards, Scale, SearchFactory};
use editscale_schema::{
    Absent, Documented, Fields, Key, Keys, Map, Mistake, Number, Options, Section, Subtable, Whole, Yaml,
};

use super::{Adaptation, Adaptive};
use crate::choice::{Clash, Surroundings};
use crate::predictive::Prior;
use crate::price::Price;
use crate::price::recipe::{COST_TABLE, WORTH_TABLE, cost, has_price, read_price, worth, write_price};
use crate::{PolicyChoice, PolicyError, Rules};

/// Settings of the adaptive budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaptiveRecipe(pub Adaptation);

const COST: Section = cost(NO_PRICE);
const WORTH: Section = worth(NO_PRICE);
const NO_PRICE: &str = "exactly one of `cost` and `worth` is required";

const COUNT: Whole = Whole { low: 1, high: 100_000 };

const MOST: Key<Whole> =
    Key { name: "most", rule: COUNT, absent: Absent::Default(64), meaning: "candidates in all, at most" };

const PROBE: Key<Whole> = Key {
    name: "probe",
    rule: COUNT,
    absent: Absent::Default(4),
    meaning: "candidates of the first round, from which it is learned how much the scores differ; at most `most`, which it \
              is where `most` is less and this is left out",
};

const ROUND: Key<Whole> = Key {
    name: "round",
    rule: COUNT,
    absent: Absent::Default(4),
    meaning: "candidates made at once after that, at most; fewer where not all of them would be worth their cost",
};

const OPTIMISM: Key<Number> = Key {
    name: "optimism",
    rule: Number::from(0.0, 10.0),
    absent: Absent::Default(0.0),
    meaning: "by how many standard errors scores to come are believed to be better and to differ more than it looks, \
              against a probe whose scores happen to be alike; a `prior` does more against that",
};

const PRIOR: Section = Section {
    name: "prior",
    allowed: "a map",
    default: "nothing is known before the probe",
    meaning: "what is known of the scores of requests like these",
};

const PRIOR_KEYS: Keys = &[&MEAN, &SPREAD, &STRENGTH];

const MEAN: Key<Number> = Key {
    name: "mean",
    rule: Number::ANY,
    absent: Absent::Unset("requests differ too much for one"),
    meaning: "the mean of the scores",
};

const SPREAD: Key<Number> = Key {
    name: "spread",
    rule: Number::from(0.0, 1e9),
    absent: Absent::Refused,
    meaning: "the standard deviation among the candidates of one request",
};

const STRENGTH: Key<Number> = Key {
    name: "strength",
    rule: Number::above(0.0, 1e9),
    absent: Absent::Default(4.0),
    meaning: "how many scores this knowledge is worth",
};

const PRIOR_TABLE: Subtable =
    Subtable { path: "prior", about: "What is known of the scores before any are there.", keys: PRIOR_KEYS };

impl PolicyChoice for AdaptiveRecipe {
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        Ok(Arc::new(Adaptive::new(self.0, rules)?))
    }

    fn first_round(&self, _: bool) -> u64 {
        u64::from(self.0.probe)
    }

    fn clashes(&self, around: &Surroundings<'_>) -> Vec<Clash> {
        price_clashes("adaptive", Some(self.0.price), around)
    }

    fn misfits(&self, cards: &Cards, budget: &Budget) -> Vec<Clash> {
        price_misfits(Some(self.0.price), cards, budget)
    }
}

/// What a price means nothing for.
pub(crate) fn price_misfits(price: Option<Price>, cards: &Cards, budget: &Budget) -> Vec<Clash> {
    let idle = price.filter(|price| price.is_of_nothing(cards, budget)).map(|_| Clash {
        setting: Some("worth"),
        message: "`worth` says that nothing costs anything: nobody here spends what it prices".to_owned(),
        hint: "write `cost: {edit: 0.01}`, or price what is spent; `prices` say what servers cost".to_owned(),
    });
    idle.into_iter().collect()
}

/// What a price cannot be used with.
pub(crate) fn price_clashes(policy: &str, price: Option<Price>, around: &Surroundings<'_>) -> Vec<Clash> {
    let ranks = (around.scale == Scale::Relative).then(|| Clash {
        setting: None,
        message: format!("`{policy}` weighs scores against costs, and this `combine` gives ranks"),
        hint: "write `combine: {weighted: {}}`, or choose another policy".to_owned(),
    });
    let clock = price.filter(|price| price.measures_time() && !around.limits_time).map(|_| Clash {
        setting: Some("worth.per_second"),
        message: "`per_second` is measured by what is left of `wall_secs`, which `budget` does not have".to_owned(),
        hint: "add `wall_secs` to `budget`, as large as you like".to_owned(),
    });
    ranks.into_iter().chain(clock).collect()
}

impl Options for AdaptiveRecipe {
    const NAME: &'static str = "adaptive";
    const ABOUT: &'static str = "Makes candidates from the source for as long as another one is expected to bring more \
                                 than it costs, by what their scores tell.";
    const KEYS: Keys = &[&MOST, &PROBE, &ROUND, &COST, &WORTH, &PRIOR, &OPTIMISM as &dyn Documented];
    const SUBTABLES: &'static [Subtable] = &[COST_TABLE, WORTH_TABLE, PRIOR_TABLE];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (most, probe, round) = (fields.take(&MOST), fields.take(&PROBE), fields.take(&ROUND));
        let (prior, optimism) = (read_prior(fields), fields.take(&OPTIMISM));
        let price = read_price(fields);
        if !has_price(fields) {
            let mistake = Mistake::new("`adaptive` does not say what a candidate costs")
                .hint("add `cost: {edit: 0.01}`: by how much the best must be expected to grow for another edit");
            fields.error(fields.at(), mistake);
        }
        let (most, probe, round) = (most? as u32, probe? as u32, round? as u32);
        let probe = if fields.has(PROBE.name) { probe } else { probe.min(most) };
        if probe > most {
            let mistake = Mistake::new(format!("`probe` cannot be {probe}: there are at most {most} candidates"))
                .hint("lower `probe` or raise `most`");
            fields.error(&fields.span_of(PROBE.name), mistake);
        }
        Some(Self(Adaptation { most, probe, round, price: price?, prior, optimism: optimism? }))
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let Adaptation { most, probe, round, price, prior, optimism } = self.0;
        let counts =
            [(&MOST, most), (&PROBE, probe), (&ROUND, round)].map(|(key, count)| key.write(Some(&count.into())));
        let prior = prior.map(|prior| (PRIOR.name.to_owned(), write_prior(prior)));
        let rest = [Some(write_price(price)), prior, OPTIMISM.write(Some(&optimism))];
        counts.into_iter().chain(rest).flatten().collect()
    }
}

fn read_prior(fields: &Fields<'_>) -> Option<Prior> {
    let prior = Map::of(fields.entry(PRIOR.name)?).read(PRIOR_KEYS, fields.mistakes())?;
    let (mean, spread, strength) = (prior.take(&MEAN), prior.take(&SPREAD), prior.take(&STRENGTH));
    Some(Prior { mean, spread: spread?, strength: strength? })
}

fn write_prior(Prior { mean, spread, strength }: Prior) -> Yaml {
    let keys = [MEAN.write(mean.as_ref()), SPREAD.write(Some(&spread)), STRENGTH.write(Some(&strength))];
    Yaml::Map(keys.into_iter().flatten().collect())
}
