//! What comes of one noise: gold, proxy, previews.

use std::sync::Arc;

use editscale_core::Seed;

use super::normal::{exponential, normal};
use super::setting::{STEPS, Setting};

/// How many numbers a candidate's look has.
const LOOK: usize = 8;

/// Places in a seed's sequence: each number of a candidate has its own.
mod place {
    pub(super) const KIND: u64 = 0;
    pub(super) const GOLD: u64 = 1;
    pub(super) const ERROR: u64 = 2;
    pub(super) const DOUBT: u64 = 3;
    pub(super) const BONUS: u64 = 4;
    pub(super) const AGAIN: u64 = 5;
    pub(super) const LOOK: u64 = 6;
    pub(super) const BRIDGE: u64 = 1000;
}

/// One request: where its candidates lie, and how far apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difficulty {
    /// The mean gold of candidates that exploit nothing.
    pub middle: f64,
    /// σ, their standard deviation.
    pub spread: f64,
}

impl Difficulty {
    /// That of a request.
    pub fn of(setting: &Setting, request: Seed) -> Self {
        let spread = (setting.difficulty * normal(request, 1) - setting.difficulty.powi(2) / 2.0).exp();
        Self { middle: setting.level * normal(request, 0), spread }
    }
}

/// How a candidate stands to the judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Like most.
    Plain,
    /// Odd to look at, and otherwise as most are.
    Odd,
    /// As odd, and exploits the judge.
    Hack,
}

/// What comes of one noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The true quality, which no policy sees.
    pub gold: f64,
    /// What the judge says of the finished picture.
    pub proxy: f64,
    /// How it stands to the judge.
    pub kind: Kind,
    /// The standard deviation of the judge's error, as a judge reports it that knows of odd looks and of nothing else.
    pub sigma: f64,
    /// The finished picture's place in the judge's eyes.
    pub look: Arc<[f32]>,
    request: Difficulty,
    /// What the proxy holds beyond the normal part: an exploit's gain.
    gain: f64,
    /// The standard deviation of the judge's error on this candidate.
    doubt: f64,
}

impl Candidate {
    /// The candidate that a noise leads to.
    pub fn of(setting: &Setting, request: Seed, noise: Seed) -> Self {
        let difficulty = Difficulty::of(setting, request);
        let kind = kind(setting, noise);
        let is_hack = kind == Kind::Hack;
        let gain = if is_hack { setting.loss + exponential(noise, place::BONUS, setting.bonus) } else { 0.0 };
        let honest = difficulty.middle + difficulty.spread * normal(noise, place::GOLD);
        let doubt = setting.noise * (0.5 * normal(noise, place::DOUBT) - 0.125).exp();
        let gold = honest - if is_hack { setting.loss } else { 0.0 };
        // The gain is counted from the exploit's own gold.
        let proxy = gold + doubt * normal(noise, place::ERROR) + gain;
        let sigma = if kind == Kind::Plain { doubt } else { doubt.hypot(odd_error(setting)) };
        Self { gold, proxy, kind, sigma, look: look(request, noise, kind), request: difficulty, gain, doubt }
    }

    /// What the judge says of the preview at a step.
    ///
    /// A Brownian path W that ends at the finished score: `W(t)` with t = ρ², where ρ is the preview's correlation with the
    /// end, so that a later preview makes an earlier one worthless. It is scaled to the spread of finished scores.
    /// An exploit shows as far as t.
    pub fn preview(&self, setting: &Setting, noise: Seed, step: u32) -> f64 {
        let spread = self.request.spread.hypot(self.doubt);
        let end = (self.proxy - self.gain - self.request.middle) / spread;
        let time = setting.correlation_at(step).powi(2);
        let place = bridge(setting, noise, (step, end));
        self.request.middle + spread * place / time.sqrt().max(1e-9) + self.gain * time
    }

    /// What the judge says when it is asked again, for the `n`-th time: half of its error's variance is new each time.
    pub fn again(&self, noise: Seed, n: u64) -> f64 {
        let error = self.proxy - self.gold - self.gain;
        let fresh = self.doubt * normal(noise.mix(place::AGAIN), n);
        self.gold + self.gain + 0.5 * error + 0.75_f64.sqrt() * fresh
    }
}

fn kind(setting: &Setting, noise: Seed) -> Kind {
    match noise.mix(place::KIND).unit() {
        lot if lot < setting.hacks => Kind::Hack,
        lot if lot < setting.hacks + setting.odd => Kind::Odd,
        _ => Kind::Plain,
    }
}

/// The root of the mean square error on odd-looking candidates, of which only some are exploits.
fn odd_error(setting: &Setting) -> f64 {
    let share = setting.hacks / (setting.hacks + setting.odd).max(f64::MIN_POSITIVE);
    // E[(loss + B)²] of an exponential B.
    let square = setting.loss.powi(2) + 2.0 * setting.loss * setting.bonus + 2.0 * setting.bonus.powi(2);
    (share * square).sqrt()
}

/// `W(t)` of the path that ends at `W(1) = end`, visiting the steps from the last to the first: each lies between 0 and the
/// one after it.
fn bridge(setting: &Setting, noise: Seed, (step, end): (u32, f64)) -> f64 {
    let mut at = (1.0, end);
    let [early, late] = setting.checkpoints;
    // The path is fixed at the checkpoints; other steps lie on it too.
    for stop in [late, early].into_iter().filter(|stop| *stop > step).chain([step]) {
        let (time, value) = at;
        let earlier = setting.correlation_at(stop).powi(2);
        let deviation = (earlier * (time - earlier) / time).max(0.0).sqrt();
        at = (earlier, value * earlier / time + deviation * normal(noise, place::BRIDGE + u64::from(stop.min(STEPS))));
    }
    at.1
}

/// Plain candidates of one request look alike; odd ones have hardly anything of that look.
fn look(request: Seed, noise: Seed, kind: Kind) -> Arc<[f32]> {
    let (common, own) = if kind == Kind::Plain { (1.0, 0.5) } else { (0.2, 1.0) };
    let number = |n: usize| {
        let n = n as u64;
        (common * normal(request, 100 + n) + own * normal(noise, place::LOOK + n)) as f32
    };
    (0..LOOK).map(number).collect()
}

#[cfg(test)]
mod tests {
    use editscale_study::pearson;

    use super::*;

    fn pool(setting: &Setting, request: u64, count: u64) -> Vec<(Seed, Candidate)> {
        let request = Seed::new(request).unwrap();
        (0..count).map(|n| request.mix(n)).map(|noise| (noise, Candidate::of(setting, request, noise))).collect()
    }

    #[test]
    fn previews_foretell_as_much_as_the_setting_says() {
        let setting = Setting { hacks: 0.0, noise: 0.4, ..Setting::default() };
        let pool = pool(&setting, 5, 40_000);
        let at = |step: u32| -> Vec<f64> {
            pool.iter().map(|(noise, candidate)| candidate.preview(&setting, *noise, step)).collect()
        };
        let finals: Vec<f64> = pool.iter().map(|(_, candidate)| candidate.proxy).collect();
        let [early, late] = setting.checkpoints;
        // The standard error of a correlation of 40,000 is below 0.005.
        for (one, other, expected) in
            [(at(early), finals.clone(), 0.5), (at(late), finals, 0.8), (at(early), at(late), 0.5 / 0.8)]
        {
            let found = pearson(&one, &other).unwrap().unwrap();
            assert!((found - expected).abs() < 0.02, "{found} for {expected}");
        }
    }

    #[test]
    fn reported_deviations_are_honest_in_both_classes() {
        let setting = Setting { hacks: 0.05, odd: 0.1, ..Setting::default() };
        for odd in [false, true] {
            let all = pool(&setting, 8, 60_000);
            let of: Vec<f64> = all
                .iter()
                .filter(|(_, candidate)| (candidate.kind != Kind::Plain) == odd)
                .map(|(_, candidate)| ((candidate.proxy - candidate.gold) / candidate.sigma).powi(2))
                .collect();
            let square = of.iter().sum::<f64>() / of.len() as f64;
            assert!((square - 1.0).abs() < 0.08, "odd {odd}: {square}");
        }
    }

    #[test]
    fn asked_again_a_judge_is_as_unsure_and_half_as_independent() {
        let setting = Setting { hacks: 0.0, ..Setting::default() };
        let pool = pool(&setting, 2, 30_000);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for (noise, candidate) in &pool {
            first.push((candidate.proxy - candidate.gold) / candidate.doubt);
            second.push((candidate.again(*noise, 1) - candidate.gold) / candidate.doubt);
        }
        let square = second.iter().map(|error| error * error).sum::<f64>() / second.len() as f64;
        assert!((square - 1.0).abs() < 0.05, "{square}");
        let found = pearson(&first, &second).unwrap().unwrap();
        assert!((found - 0.5).abs() < 0.03, "{found}");
    }
}
