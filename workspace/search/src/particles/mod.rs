//! Particle search: candidates make their way together, are weighed at checkpoints by their previews, and go on in as many
//! copies as they weigh.
//!
//! At checkpoint t a particle's weight is multiplied by a potential, `log w += log G_t`; when the effective sample size
//! `(Σw)²/Σw²` falls below ρK, K copies are drawn ∝ w and all weigh the same again. The last potential divides by those that were
//! applied before, so that the finished candidates, with the weights that they have left, stand for `p(x)·exp(λ·u(x))`: what the
//! editor makes of a seed, tilted towards utility. Copies of a particle go on from its paused state with seeds of their own, which
//! is why the sampler has to add noise. (FK steering, arXiv:2501.06848; DAS, arXiv:2501.05803; SVDD, arXiv:2408.08252; compared in
//! arXiv:2505.23614.)

mod potential;
mod preset;
mod recipe;
mod resampling;
mod schedule;
mod swarm;
mod weights;

use editscale_core::{Cards, EditRequest, Extent, Need, PauseSupport, Search, SearchFactory};

use crate::policy::{MOST_CANDIDATES, PolicyError, Rules, check_count};
use swarm::Swarm;

pub use potential::{Potential, Tempering};
pub use preset::Preset;
pub use recipe::ParticlesRecipe;
pub use resampling::Resampling;
pub use schedule::Schedule;

/// λ: how much a score counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Strength {
    /// In 1/utility, above 0.
    Absolute(f64),
    /// In standard deviations of the first checkpoint's scores, above 0: free of the reward's scale.
    PerDeviation(f64),
}

/// How particles are weighed and copied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Method {
    /// How strongly scores count on the way.
    pub tempering: Tempering,
    /// What of them counts.
    pub potential: Potential,
    /// How copies are drawn.
    pub resampling: Resampling,
    /// ρ: copies are drawn when the effective sample size is below this share of the particles; above 0, at most 1. Under infinite
    /// tempering they are drawn at every checkpoint.
    pub ess: f64,
}

impl Default for Method {
    /// What was found best in arXiv:2505.23614.
    fn default() -> Self {
        let tempering = Tempering::Increasing { gamma: 0.008 };
        Self { tempering, potential: Potential::Max, resampling: Resampling::Ssp, ess: 0.5 }
    }
}

/// Who comes first in the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The finished candidate of the highest utility.
    Best,
    /// One drawn from the finished candidates with their weights.
    Draw,
}

/// What a particle search is told.
#[derive(Debug, Clone, PartialEq)]
pub struct ParticleSettings {
    /// K: how many make their way together.
    pub particles: u32,
    /// Where they are weighed.
    pub schedule: Schedule,
    /// How many steps the editor takes, where its card does not say.
    pub steps: Option<u32>,
    /// How much a score counts.
    pub strength: Strength,
    /// How they are weighed and copied.
    pub method: Method,
    /// Who comes first in the verdict.
    pub keep: Keep,
    /// By how many steps copies are taken back by adding noise. It makes copies part where the sampler adds none.
    pub renoise: Option<u32>,
}

impl ParticleSettings {
    /// These many particles, the rest as recipes have it when they do not say.
    pub fn new(particles: u32) -> Self {
        Self {
            particles,
            schedule: Schedule::Shares(vec![0.2, 0.4, 0.6, 0.8]),
            steps: None,
            strength: Strength::PerDeviation(2.0),
            method: Method::default(),
            keep: Keep::Best,
            renoise: None,
        }
    }

    fn check(&self) -> Result<(), PolicyError> {
        check_count("particles", self.particles, MOST_CANDIDATES)?;
        self.schedule.check()?;
        let (setting, strength) = match self.strength {
            Strength::Absolute(value) => ("strength", value),
            Strength::PerDeviation(value) => ("relative_strength", value),
        };
        let gamma = if let Tempering::Increasing { gamma } = self.method.tempering { gamma } else { 1.0 };
        for (setting, value) in [(setting, strength), ("gamma", gamma), ("ess", self.method.ess)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(PolicyError { setting, expected: "a number above 0".into(), found: value.to_string() });
            }
        }
        if self.method.ess > 1.0 {
            let expected = "at most 1, which stands for all particles".to_owned();
            return Err(PolicyError { setting: "ess", expected, found: self.method.ess.to_string() });
        }
        let most = self.largest_run();
        if most > MOST_CANDIDATES {
            let expected =
                format!("at most {MOST_CANDIDATES} candidates in all, paused ones counted at each checkpoint");
            let found = format!("{}, which makes {most} candidates", self.particles);
            return Err(PolicyError { setting: "particles", expected, found });
        }
        Ok(())
    }

    fn largest_run(&self) -> u64 {
        u64::from(self.particles).saturating_mul(self.schedule.most().saturating_add(1))
    }
}

/// The policy `particles`.
#[derive(Debug, Clone)]
pub struct Particles {
    settings: ParticleSettings,
    rules: Rules,
}

impl Particles {
    /// Particles under these settings. Of the stop rule only the target is looked at, once all are finished.
    pub fn new(settings: ParticleSettings, rules: Rules) -> Result<Self, PolicyError> {
        settings.check()?;
        Ok(Self { settings, rules })
    }
}

impl SearchFactory for Particles {
    fn revision(&self) -> String {
        let ParticleSettings { particles, schedule, steps, strength, method, keep, renoise } = &self.settings;
        let Method { tempering, potential, resampling, ess } = method;
        let strength = match strength {
            Strength::Absolute(value) => format!("strength={value}"),
            Strength::PerDeviation(value) => format!("relative_strength={value}"),
        };
        let or_none = |number: &Option<u32>| number.map_or("none".to_owned(), |number| number.to_string());
        let keep = if *keep == Keep::Best { "best" } else { "draw" };
        format!(
            "particles/2 particles={particles} at={} steps={} {strength} {} {} {} ess={ess} keep={keep} renoise={}{}",
            schedule.revision(),
            or_none(steps),
            tempering.revision(),
            potential.word(),
            resampling.word(),
            or_none(renoise),
            self.rules.revision()
        )
    }

    fn needs(&self) -> Vec<Need> {
        let parting = match self.settings.renoise {
            None => [Need::Stochastic, Need::Pause(PauseSupport::Fork)],
            Some(_) => [Need::Noise, Need::Pause(PauseSupport::Resume)],
        };
        [Need::Pointwise, Need::Seeds].into_iter().chain(parting).collect()
    }

    fn largest_run(&self) -> u64 {
        self.settings.largest_run()
    }

    fn most(&self, cards: &Cards, edits: u64) -> Extent {
        let editor = cards.editors.first().and_then(|card| card.steps);
        let Some(steps) = editor.or(self.settings.steps) else { return Extent::whole(self.largest_run().min(edits)) };
        let (particles, stops) = (u64::from(self.settings.particles), self.settings.schedule.checkpoints(steps));
        let judged = particles * (stops.len() as u64 + 1);
        let back = |stop: &u32| self.settings.renoise.map_or(0, |back| back.min(*stop));
        let made: u64 = u64::from(steps) + stops.iter().map(|stop| u64::from(back(stop))).sum::<u64>();
        // A card without steps has one price for every leg.
        let work = editor.map_or(judged as f64, |steps| (particles * made) as f64 / f64::from(steps));
        Extent { edits: particles.min(edits), judged, work }
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        let steps = cards.editors.first().and_then(|card| card.steps).or(self.settings.steps);
        Box::new(Swarm::new(&self.settings, &self.rules, steps, (request, cards)))
    }
}
