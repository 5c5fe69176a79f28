//! How recipes set the policy `particles`.

use std::sync::Arc;

use editscale_core::{Need, SearchFactory};
use editscale_schema::{
    Absent, Documented, Fields, Key, Keys, Map, Mistake, Number, Options, Rule as _, Scalar, Section, Subtable, Value,
    Whole, Word, Yaml, quote,
};

use super::{Keep, Method, ParticleSettings, Particles, Potential, Preset, Resampling, Schedule, Strength, Tempering};
use crate::{PolicyChoice, PolicyError, Reason, Rules};

/// Settings of particle search.
#[derive(Debug, Clone, PartialEq)]
pub struct ParticlesRecipe {
    /// The settings; a preset's method is spelt out in them.
    pub settings: ParticleSettings,
    /// The preset that the method is of, where the recipe names one.
    pub preset: Option<Preset>,
}

const PARTICLES: Key<Whole> = Key {
    name: "particles",
    rule: Whole { low: 1, high: 10_000 },
    absent: Absent::Refused,
    meaning: "how many candidates make their way together; a run makes particles × (checkpoints + 1) candidates, paused ones \
              counted, at most 100,000",
};

const RESAMPLE_AT: Section = Section {
    name: "resample_at",
    allowed: "a list of ascending shares of the steps, or a map",
    default: "`[0.2, 0.4, 0.6, 0.8]`",
    meaning: "where particles are weighed by their previews and copied",
};

const SHARE: Number = Number::from(0.0, 1.0);

const fn step(name: &'static str, meaning: &'static str) -> Key<Whole> {
    Key { name, rule: Whole { low: 1, high: 10_000 }, absent: Absent::Refused, meaning }
}

const EVERY: Key<Whole> = step("every", "steps between two checkpoints");
const FROM: Key<Whole> = step("from", "the step of the first checkpoint");
const TO: Key<Whole> = step("to", "no checkpoint is after this step");

const EVERY_KEYS: Keys = &[&EVERY, &FROM, &TO];

const STEPS: Key<Whole> = Key {
    name: "steps",
    rule: Whole { low: 1, high: 10_000 },
    absent: Absent::Unset("as the editor says"),
    meaning: "how many denoising steps the editor takes, where it does not say",
};

const ONE_OF_TWO: &str = "`relative_strength` is 2";

const STRENGTH: Key<Number> = Key {
    name: "strength",
    rule: Number::above(0.0, 1e6),
    absent: Absent::Unset(ONE_OF_TWO),
    meaning: "λ in p(x)·exp(λ·utility), in 1/utility",
};

const RELATIVE_STRENGTH: Key<Number> = Key {
    name: "relative_strength",
    rule: Number::above(0.0, 1e6),
    absent: Absent::Unset("2 unless `strength` is set"),
    meaning: "λ such that so much is one standard deviation of the first checkpoint's utilities",
};

const PRESET: Key<Word<Preset>> = Key {
    name: "preset",
    rule: Word(&[("feynman_kac", Preset::FeynmanKac), ("das", Preset::Das), ("svdd", Preset::Svdd)]),
    absent: Absent::Unset("as the four keys below say"),
    meaning: "a published combination of `tempering`, `potential`, `resampling` and `ess`, in their place",
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum TemperingWord {
    Constant,
    Increasing,
    Infinite,
}

const TEMPERING: Key<Word<TemperingWord>> = Key {
    name: "tempering",
    rule: Word(&[
        ("constant", TemperingWord::Constant),
        ("increasing", TemperingWord::Increasing),
        ("infinite", TemperingWord::Infinite),
    ]),
    absent: Absent::Default(TemperingWord::Increasing),
    meaning: "how much of λ counts on the way: all of it, more and more, or only the best goes on",
};

const GAMMA: Key<Number> = Key {
    name: "gamma",
    rule: Number::above(0.0, 100.0),
    absent: Absent::Unset("0.008 with `tempering: increasing`"),
    meaning: "γ of `increasing`: λ·min((1 + γ)^(100·share of the steps) − 1, 1) counts",
};

const POTENTIAL: Key<Word<Potential>> = Key {
    name: "potential",
    rule: Word(&[
        ("current", Potential::Current),
        ("difference", Potential::Difference),
        ("max", Potential::Max),
        ("sum", Potential::Sum),
    ]),
    absent: Absent::Default(Potential::Max),
    meaning: "what of a particle's utilities counts: the last, what it gained, the best so far, or all added",
};

const RESAMPLING: Key<Word<Resampling>> = Key {
    name: "resampling",
    rule: Word(&[
        ("multinomial", Resampling::Multinomial),
        ("systematic", Resampling::Systematic),
        ("residual", Resampling::Residual),
        ("stratified", Resampling::Stratified),
        ("ssp", Resampling::Ssp),
    ]),
    absent: Absent::Default(Resampling::Ssp),
    meaning: "how copies are drawn by their weights",
};

const ESS: Key<Number> = Key {
    name: "ess",
    rule: Number::above(0.0, 1.0),
    absent: Absent::Default(0.5),
    meaning: "copies are drawn when the effective sample size is below this share of the particles; 1: at every checkpoint",
};

const KEEP: Key<Word<Keep>> = Key {
    name: "keep",
    rule: Word(&[("best", Keep::Best), ("draw", Keep::Draw)]),
    absent: Absent::Default(Keep::Best),
    meaning: "which finished candidate wins: the best one, or one drawn by the final weights",
};

const RENOISE: Key<Whole> = Key {
    name: "renoise",
    rule: Whole { low: 1, high: 10_000 },
    absent: Absent::Unset("copies part by the sampler's own noise"),
    meaning: "by how many steps copies are taken back by adding noise; for editors whose sampler is deterministic",
};

/// The keys that a preset stands for.
const OF_PRESET: [&str; 5] = [TEMPERING.name, GAMMA.name, POTENTIAL.name, RESAMPLING.name, ESS.name];

impl PolicyChoice for ParticlesRecipe {
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        Ok(Arc::new(Particles::new(self.settings.clone(), rules)?))
    }

    fn first_round(&self, _: bool) -> u64 {
        u64::from(self.settings.particles)
    }

    fn draws(&self) -> bool {
        self.settings.keep == Keep::Draw
    }

    fn reason(&self, need: Need) -> Reason {
        let (setting, hint) = match need {
            Need::Stochastic => (
                None,
                "choose an editor whose sampler adds noise, or set `renoise` if the editor lets its noise be steered",
            ),
            Need::Pause(_) => (None, "choose an editor that pauses, or the policy `best_of_n`"),
            Need::Noise => (Some(RENOISE.name), "choose an editor whose sampler adds noise, and leave `renoise` out"),
            _ => return Reason::usual(need),
        };
        Reason { setting, hint }
    }
}

impl Options for ParticlesRecipe {
    const NAME: &'static str = "particles";
    const ABOUT: &'static str = "Lets candidates make their way together, weighs them by their previews, and lets the heavy ones go on \
                                 in several copies. For editors that pause.";
    const KEYS: Keys = &[
        &PARTICLES,
        &RESAMPLE_AT as &dyn Documented,
        &STEPS,
        &STRENGTH,
        &RELATIVE_STRENGTH,
        &PRESET,
        &TEMPERING,
        &GAMMA,
        &POTENTIAL,
        &RESAMPLING,
        &ESS,
        &KEEP,
        &RENOISE,
    ];
    const SUBTABLES: &'static [Subtable] = &[Subtable {
        path: "resample_at",
        about: "The form that counts steps instead of naming shares of them.",
        keys: EVERY_KEYS,
    }];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let particles = fields.take(&PARTICLES);
        let schedule = read_schedule(fields);
        let (steps, renoise) = (fields.take(&STEPS), fields.take(&RENOISE));
        let strength = read_strength(fields);
        let (preset, method) = read_method(fields);
        let keep = fields.take(&KEEP);
        let (steps, renoise) = (steps.map(|steps| steps as u32), renoise.map(|back| back as u32));
        let settings = ParticleSettings {
            particles: particles? as u32,
            schedule: schedule?,
            steps,
            strength: strength?,
            method: method?,
            keep: keep?,
            renoise,
        };
        Some(Self { settings, preset })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let ParticleSettings { particles, schedule, steps, strength, method, keep, renoise } = &self.settings;
        let strength = match strength {
            Strength::Absolute(value) => STRENGTH.write(Some(value)),
            Strength::PerDeviation(value) => RELATIVE_STRENGTH.write(Some(value)),
        };
        let mut written = vec![
            PARTICLES.write(Some(&u64::from(*particles))),
            Some((RESAMPLE_AT.name.to_owned(), show_schedule(schedule))),
            STEPS.write(steps.map(u64::from).as_ref()),
            strength,
        ];
        match &self.preset {
            Some(preset) => written.push(PRESET.write(Some(preset))),
            None => written.extend(write_method(method)),
        }
        written.extend([KEEP.write(Some(keep)), RENOISE.write(renoise.map(u64::from).as_ref())]);
        written.into_iter().flatten().collect()
    }
}

fn write_method(method: &Method) -> [Option<(String, Yaml)>; 5] {
    let Method { tempering, potential, resampling, ess } = method;
    let (word, gamma) = match tempering {
        Tempering::Constant => (TemperingWord::Constant, None),
        Tempering::Increasing { gamma } => (TemperingWord::Increasing, Some(gamma)),
        Tempering::Infinite => (TemperingWord::Infinite, None),
    };
    [
        TEMPERING.write(Some(&word)),
        GAMMA.write(gamma),
        POTENTIAL.write(Some(potential)),
        RESAMPLING.write(Some(resampling)),
        ESS.write(Some(ess)),
    ]
}

fn show_schedule(schedule: &Schedule) -> Yaml {
    match schedule {
        Schedule::Shares(shares) => Yaml::List(shares.iter().map(|share| SHARE.show(share)).collect()),
        Schedule::Every { every, from, to } => {
            let keys = [(EVERY, every), (FROM, from), (TO, to)];
            Yaml::Map(keys.into_iter().filter_map(|(key, value)| key.write(Some(&u64::from(*value)))).collect())
        }
    }
}

fn read_schedule(fields: &Fields<'_>) -> Option<Schedule> {
    let Some(entry) = fields.entry(RESAMPLE_AT.name) else { return Some(ParticleSettings::new(1).schedule) };
    if let Value::Map(_) = entry.node.value {
        let map = Map::of(entry).read(EVERY_KEYS, fields.mistakes())?;
        let (every, from, to) = (map.take(&EVERY), map.take(&FROM), map.take(&TO));
        let (every, from, to) = (every? as u32, from? as u32, to? as u32);
        if from > to {
            let mistake = Mistake::new(format!("`to` cannot be {to}: the first checkpoint is at step {from}"));
            map.error(&map.span_of(TO.name), mistake.hint("raise `to` or lower `from`"));
            return None;
        }
        return Some(Schedule::Every { every, from, to });
    }
    let mut shares: Vec<f64> = Vec::new();
    for item in fields.list(entry)? {
        let share = if let Value::Scalar(scalar) = &item.value { read_share(scalar) } else { None };
        let after = shares.last().copied().unwrap_or(0.0);
        let Some(share) = share.filter(|share| *share > after && *share < 1.0) else {
            let mistake = Mistake::new(format!(
                "{} holds something else than ascending shares of the steps",
                quote(RESAMPLE_AT.name)
            ))
            .hint(
                "write numbers above 0 and below 1, such as `[0.2, 0.4, 0.6, 0.8]`, or `{every: 5, from: 5, to: 20}`",
            );
            fields.error(&item.span, mistake);
            return None;
        };
        shares.push(share);
    }
    if shares.is_empty() {
        let mistake = Mistake::new(format!("{} is empty", quote(RESAMPLE_AT.name)));
        fields.error(entry.place(), mistake.hint("leave the key out to have its default, or use `best_of_n`"));
        return None;
    }
    Some(Schedule::Shares(shares))
}

fn read_share(scalar: &Scalar) -> Option<f64> {
    SHARE.read(scalar).ok()
}

fn read_strength(fields: &Fields<'_>) -> Option<Strength> {
    let absolute = fields.take(&STRENGTH).map(Strength::Absolute);
    let relative = fields.take(&RELATIVE_STRENGTH).map(Strength::PerDeviation);
    match (fields.has(STRENGTH.name), fields.has(RELATIVE_STRENGTH.name)) {
        (true, true) => {
            let mistake = Mistake::new("`strength` and `relative_strength` cannot both be given")
                .hint("each of them decides λ; leave one");
            fields.error(&fields.span_of(RELATIVE_STRENGTH.name), mistake);
            None
        }
        (true, false) => absolute,
        (false, true) => relative,
        (false, false) => Some(ParticleSettings::new(1).strength),
    }
}

fn read_method(fields: &Fields<'_>) -> (Option<Preset>, Option<Method>) {
    let preset = fields.take(&PRESET);
    let tempering = read_tempering(fields);
    let (potential, resampling, ess) = (fields.take(&POTENTIAL), fields.take(&RESAMPLING), fields.take(&ESS));
    if !fields.has(PRESET.name) {
        let method =
            || Some(Method { tempering: tempering?, potential: potential?, resampling: resampling?, ess: ess? });
        return (None, method());
    }
    if let Some(other) = OF_PRESET.into_iter().find(|name| fields.has(name)) {
        let mistake = Mistake::new(format!("{} and `preset` cannot both be given", quote(other)))
            .hint("a preset decides it: leave one of them out");
        fields.error(&fields.span_of(other), mistake);
    }
    (preset, preset.map(Preset::method))
}

fn read_tempering(fields: &Fields<'_>) -> Option<Tempering> {
    let word = fields.take(&TEMPERING);
    let gamma = fields.take(&GAMMA);
    let gamma = if fields.has(GAMMA.name) { gamma } else { Some(0.008) };
    match word? {
        TemperingWord::Increasing => Some(Tempering::Increasing { gamma: gamma? }),
        other => {
            if fields.has(GAMMA.name) {
                let mistake = Mistake::new("`gamma` has a meaning with `tempering: increasing` only");
                fields.error(&fields.span_of(GAMMA.name), mistake.hint("leave `gamma` out"));
            }
            Some(if other == TemperingWord::Constant { Tempering::Constant } else { Tempering::Infinite })
        }
    }
}
