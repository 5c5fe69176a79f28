//! Particle search: the distribution that it stands for, where that is known in closed form, and how it behaves on its way.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use editscale_core::{
    Budget, CandidateId, Cards, Decision, Digest, Edge, EditRequest, Failure, FailureKind, Ledger, Need, Noise,
    PauseSupport, Proposal, Remaining, RewardName, Score, ScoreCard, SearchFactory, Seed, Start, StopReason, Trial,
    Until, Verdict,
};
use editscale_search::{
    BestOfN, Keep, Method, ParticleSettings, Particles, Potential, Preset, Resampling, Rules, Schedule, StopRule,
    Strength, Tempering, Weighted,
};
use editscale_testkit::{editor_card, request, reward_card};
use proptest::prelude::*;

fn judge() -> RewardName {
    RewardName::new("judge").unwrap()
}

fn rules() -> Rules {
    Rules { objective: Arc::new(Weighted::new(vec![(judge(), 1.0)]).unwrap()), stop: StopRule::default() }
}

fn policy(settings: ParticleSettings) -> Particles {
    Particles::new(settings, rules()).unwrap()
}

fn settings(particles: u32) -> ParticleSettings {
    ParticleSettings { steps: Some(STEPS), ..ParticleSettings::new(particles) }
}

/// What comes of a proposal: a score, or nothing.
type World<'w> = dyn FnMut(&Proposal) -> Option<f64> + 'w;

fn trial(proposal: &Proposal, world: &mut World<'_>) -> Trial {
    let id = proposal.id;
    let Some(score) = world(proposal) else {
        return Trial::Failed { id, why: Failure::new(FailureKind::Refused, "as scripted") };
    };
    let mut card = ScoreCard::default();
    card.enter(judge(), Ok(Score::new(score).unwrap()));
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&id.0.to_le_bytes());
    Trial::Scored { id, image: Digest::from_bytes(bytes), hash: None, card }
}

/// Drives a search to its end. Answers with the verdict and the rounds.
fn drive(
    policy: &dyn SearchFactory,
    root: u64,
    budget: Budget,
    world: &mut World<'_>,
) -> (Verdict, Vec<Vec<Proposal>>) {
    let cards = Cards { editors: vec![editor_card("fake")], rewards: vec![reward_card("judge")], critics: Vec::new() };
    let request = EditRequest { seed: Seed::new(root).unwrap(), ..request(1) };
    let mut search = policy.start(&request, &cards);
    let (mut trials, mut rounds, mut spent) = (Vec::new(), Vec::<Vec<Proposal>>::new(), Ledger::default());
    loop {
        match search.decide(&trials, &budget.after(&spent)) {
            Decision::Stop(verdict) => return (verdict, rounds),
            Decision::Explore { proposals, .. } => {
                spent.edits += proposals.iter().filter(|proposal| !proposal.goes_on()).count() as u64;
                spent.reward_calls += proposals.len() as u64;
                assert!(!proposals.is_empty() && budget.edits.is_none_or(|edits| spent.edits <= edits));
                assert!(budget.reward_calls.is_none_or(|calls| spent.reward_calls <= calls));
                trials = proposals.iter().map(|proposal| trial(proposal, world)).collect();
                rounds.push(proposals);
            }
            other => panic!("{other:?} was not expected"),
        }
    }
}

/// Steps of the chain.
const STEPS: u32 = 10;
/// What the chain makes: x₀ ~ N(MEAN, DEVIATION²).
const MEAN: f64 = 1.0;
const DEVIATION: f64 = 0.8;

/// A number of the standard normal distribution, counted (Box and Muller 1958).
fn normal(seed: Seed, n: u32) -> f64 {
    let unit = |n: u32| seed.mix(u64::from(n)).unit();
    (-2.0 * (1.0 - unit(2 * n)).ln()).sqrt() * (2.0 * std::f64::consts::PI * unit(2 * n + 1)).cos()
}

/// The variance-preserving diffusion `x_t = √ᾱ·x₀ + √(1 − ᾱ)·ε` of a normal x₀. All its marginals and all steps back are normal,
/// so that the chain is exact however few steps it has.
#[derive(Default)]
struct Chain {
    /// Where each candidate was left, and after how many steps.
    states: BTreeMap<CandidateId, (u32, f64)>,
}

impl Chain {
    /// ᾱ after so many steps back: from nearly 0 at the beginning to 1 at the end.
    fn kept(made: u32) -> f64 {
        (f64::from(made) / f64::from(STEPS) * std::f64::consts::FRAC_PI_2).sin().powi(2)
    }

    /// Mean and variance of the state after so many steps.
    fn marginal(made: u32) -> (f64, f64) {
        let kept = Self::kept(made);
        (kept.sqrt() * MEAN, kept * DEVIATION.powi(2) + 1.0 - kept)
    }

    fn step(made: u32, state: f64, noise: f64) -> f64 {
        let ((mean, variance), (next, least)) = (Self::marginal(made), Self::marginal(made + 1));
        // x_t = √(ᾱ_t/ᾱ_{t−1})·x_{t−1} + noise, conditioned on x_t.
        let decay = Self::kept(made) / Self::kept(made + 1);
        let gain = decay.sqrt() * least / variance;
        next + gain * (state - mean) + (least - gain * gain * variance).max(0.0).sqrt() * noise
    }

    /// E[x₀ | state].
    fn preview(made: u32, state: f64) -> f64 {
        let (mean, variance) = Self::marginal(made);
        MEAN + Self::kept(made).sqrt() * DEVIATION.powi(2) / variance * (state - mean)
    }

    /// Makes a candidate and answers with its preview, which is x₀ where it is finished.
    fn make(&mut self, proposal: &Proposal) -> f64 {
        let (made, mut state) = if let Start::Paused(id) = proposal.start {
            self.states[&id]
        } else {
            let (mean, variance) = Self::marginal(0);
            (0, mean + variance.sqrt() * normal(proposal.seed, 0))
        };
        let until = if let Until::Step(step) = proposal.until { step } else { STEPS };
        for made in made..until {
            state = Self::step(made, state, normal(proposal.seed, made + 1));
        }
        self.states.insert(proposal.id, (until, state));
        Self::preview(until, state)
    }
}

/// Weighted mean and variance of x₀ among finished candidates, and its plain mean.
fn moments(verdict: &Verdict, chain: &Chain) -> (f64, f64, f64) {
    let known: Vec<(f64, f64)> = verdict
        .ranked
        .iter()
        .map(|ranked| (chain.states[&ranked.id].1, ranked.selection_probability.unwrap()))
        .collect();
    let mean: f64 = known.iter().map(|(x, weight)| x * weight).sum();
    let variance = known.iter().map(|(x, weight)| weight * (x - mean).powi(2)).sum();
    (mean, variance, known.iter().map(|(x, _)| x).sum::<f64>() / known.len() as f64)
}

/// Mean and standard error of the mean.
fn estimate(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

/// A reward of x₀ under which `p(x)·exp(λ·r(x))` is normal, with mean and variance of that.
struct Tilt {
    name: &'static str,
    reward: fn(f64) -> f64,
    strength: f64,
    mean: f64,
    variance: f64,
}

fn tilts() -> [Tilt; 2] {
    let (strength, variance) = (0.6, DEVIATION.powi(2));
    let linear = Tilt { name: "linear", reward: |x| x, strength, mean: MEAN + strength * variance, variance };
    // r = −(x − 2)²/2: precisions add.
    let precision = 1.0 / variance + strength;
    let square = Tilt {
        name: "square",
        reward: |x| -(x - 2.0).powi(2) / 2.0,
        strength,
        mean: (MEAN / variance + strength * 2.0) / precision,
        variance: 1.0 / precision,
    };
    [linear, square]
}

const RUNS: u64 = 12;

/// Over 12 runs of 1,500 particles the weighted mean and variance are within 5 standard errors, and 0.015, of the closed form, for every
/// potential and resampling. The errors are small enough that the tilt itself, 0.3 to 0.4 in the mean, cannot be missed.
fn check_target(method: Method) {
    for tilt in tilts() {
        let strength = Strength::Absolute(tilt.strength);
        let schedule = Schedule::Shares(vec![0.3, 0.5, 0.8]);
        let policy = policy(ParticleSettings { strength, method, schedule, keep: Keep::Draw, ..settings(1500) });
        let (mut means, mut variances) = (Vec::new(), Vec::new());
        for root in 0..RUNS {
            let mut chain = Chain::default();
            let (verdict, rounds) =
                drive(&policy, root, Budget::default(), &mut |proposal| Some((tilt.reward)(chain.make(proposal))));
            assert_eq!((verdict.reason.clone(), rounds.len()), (StopReason::Finished, 4));
            let (mean, variance, _) = moments(&verdict, &chain);
            means.push(mean);
            variances.push(variance);
        }
        for (what, values, expected) in [("mean", means, tilt.mean), ("variance", variances, tilt.variance)] {
            let (found, error) = estimate(&values);
            let off = (found - expected).abs();
            assert!(error < 0.03, "{method:?}, {}: the error of the {what} is {error}", tilt.name);
            assert!(
                off < 5.0 * error + 0.015,
                "{method:?}, {}: the {what} is {found} ± {error} and not {expected}",
                tilt.name
            );
        }
    }
}

/// Every resampling at constant strength, at every checkpoint; the two that differ most as the strength grows, when weights are uneven.
fn all_methods(potential: Potential) -> impl Iterator<Item = Method> {
    let constant = Resampling::ALL.map(|resampling| (Tempering::Constant, resampling, 1.0));
    let growing = [Resampling::Multinomial, Resampling::Ssp]
        .map(|resampling| (Tempering::Increasing { gamma: 0.008 }, resampling, 0.5));
    let method = move |(tempering, resampling, ess)| Method { tempering, potential, resampling, ess };
    constant.into_iter().chain(growing).map(method)
}

#[test]
fn the_target_is_kept_with_the_current_score() {
    all_methods(Potential::Current).for_each(check_target);
}

#[test]
fn the_target_is_kept_with_differences() {
    all_methods(Potential::Difference).for_each(check_target);
}

#[test]
fn the_target_is_kept_with_the_best_so_far() {
    all_methods(Potential::Max).for_each(check_target);
}

#[test]
fn the_target_is_kept_with_sums() {
    all_methods(Potential::Sum).for_each(check_target);
}

/// Without the last weights the same runs are far from the target: the test above can fail.
#[test]
fn without_the_last_weights_the_target_is_missed() {
    let [tilt, _] = tilts();
    for potential in [Potential::Current, Potential::Sum] {
        let method = Method { tempering: Tempering::Constant, potential, resampling: Resampling::Systematic, ess: 1.0 };
        let strength = Strength::Absolute(tilt.strength);
        let policy = policy(ParticleSettings { strength, method, keep: Keep::Draw, ..settings(1500) });
        let plain: Vec<f64> = (0..RUNS)
            .map(|root| {
                let mut chain = Chain::default();
                let (verdict, _) = drive(&policy, root, Budget::default(), &mut |proposal| Some(chain.make(proposal)));
                moments(&verdict, &chain).2
            })
            .collect();
        let (found, error) = estimate(&plain);
        assert!((found - tilt.mean).abs() > 0.1 + 5.0 * error, "{potential:?}: {found} ± {error}");
    }
}

/// The mean over 60 runs of the best of 16 finished candidates, at 16 × 10 steps each.
fn best_of_16(policy: &dyn SearchFactory) -> (f64, f64) {
    let best = (0..60).map(|root| {
        let mut chain = Chain::default();
        let (verdict, _) = drive(policy, root, Budget::default(), &mut |proposal| Some(chain.make(proposal)));
        verdict.ranked[0].utility.get()
    });
    estimate(&best.collect::<Vec<_>>())
}

#[test]
fn at_as_many_steps_the_best_is_better_than_that_of_independent_draws() {
    let (draws, error) = best_of_16(&BestOfN::new(16, None, rules()).unwrap());
    let with = |method| best_of_16(&policy(ParticleSettings { method, ..settings(16) })).0;
    let infinite = Method { tempering: Tempering::Infinite, ..Method::default() };
    for method in
        [Method::default(), infinite, Preset::FeynmanKac.method(), Preset::Das.method(), Preset::Svdd.method()]
    {
        let found = with(method);
        assert!(found > draws + 3.0 * error, "{method:?}: {found} against {draws} ± {error}");
    }
}

#[test]
fn copies_go_on_from_one_state_with_seeds_of_their_own() {
    let scores = |proposal: &Proposal| Some(f64::from(proposal.id.0 % 4));
    for renoise in [None, Some(3)] {
        let policy = policy(ParticleSettings { method: Preset::Svdd.method(), renoise, ..settings(4) });
        let (verdict, rounds) = drive(&policy, 5, Budget::default(), &mut { scores });
        let until: Vec<Until> = rounds.iter().map(|round| round[0].until).collect();
        assert_eq!(until, [Until::Step(2), Until::Step(4), Until::Step(6), Until::Step(8), Until::Finished]);
        assert!(
            rounds[0].iter().all(|proposal| proposal.start == Start::Source && proposal.lineage.edge == Edge::Fresh)
        );
        for (at, round) in rounds.iter().enumerate().skip(1) {
            let best = CandidateId(4 * at as u32 - 1);
            for (n, proposal) in round.iter().enumerate() {
                assert_eq!((proposal.start, proposal.lineage.parent), (Start::Paused(best), Some(best)));
                // Two steps are made before the first checkpoint: no more can be taken back.
                let back = if at == 1 { 2 } else { 3 };
                let expected = if renoise.is_some() && n > 0 { Noise::Back(back) } else { Noise::Own };
                assert_eq!(proposal.noise, expected);
            }
        }
        let mut seeds: Vec<Seed> = rounds.iter().flatten().map(|proposal| proposal.seed).collect();
        seeds.sort();
        seeds.dedup();
        assert_eq!(seeds.len(), 20, "no two share a seed");
        let ranked: Vec<u32> = verdict.ranked.iter().map(|ranked| ranked.id.0).collect();
        assert_eq!(ranked, [19, 18, 17, 16], "only finished candidates, the best first");
    }
}

#[test]
fn what_fails_or_has_no_utility_is_not_gone_on_from() {
    let mut world = |proposal: &Proposal| (proposal.id.0 % 4 == 1).then_some(0.5);
    let (verdict, rounds) = drive(&policy(settings(4)), 5, Budget::default(), &mut world);
    assert!(rounds[1].iter().all(|proposal| proposal.start == Start::Paused(CandidateId(1))), "{rounds:?}");
    assert_eq!(verdict.ranked.len(), 1);
    let (verdict, rounds) = drive(&policy(settings(4)), 5, Budget::default(), &mut |_| None);
    assert!(matches!(verdict.reason, StopReason::Stuck(_)) && rounds.len() == 1, "{verdict:?}");
}

#[test]
fn a_small_budget_skips_checkpoints_and_not_the_end() {
    for (edits, sizes, reason) in [
        (40, vec![8, 8, 8, 8, 8], StopReason::Finished),
        (39, vec![8, 8, 8, 8], StopReason::Budget),
        (16, vec![8, 8], StopReason::Budget),
        (15, vec![8], StopReason::Budget),
        (3, vec![3], StopReason::Budget),
        (0, vec![], StopReason::Budget),
    ] {
        let budget = Budget { reward_calls: Some(edits), ..Budget::default() };
        let mut world = |proposal: &Proposal| Some(proposal.seed.unit());
        let (verdict, rounds) = drive(&policy(settings(8)), 5, budget, &mut world);
        let found: Vec<usize> = rounds.iter().map(Vec::len).collect();
        assert_eq!((found, &verdict.reason), (sizes, &reason), "{edits} judgements");
        assert!(rounds.last().is_none_or(|round| round.iter().all(|proposal| proposal.until == Until::Finished)));
        assert_eq!(verdict.ranked.len(), rounds.last().map_or(0, Vec::len));
    }
    // Going on with an edit is no other edit.
    let budget = Budget { edits: Some(8), ..Budget::default() };
    let (verdict, rounds) = drive(&policy(settings(8)), 5, budget, &mut |proposal| Some(proposal.seed.unit()));
    assert_eq!((verdict.reason, rounds.len()), (StopReason::Finished, 5));
}

#[test]
fn steps_that_nobody_knows_are_asked_for() {
    let (verdict, rounds) = drive(&policy(ParticleSettings::new(4)), 5, Budget::default(), &mut |_| Some(0.0));
    let StopReason::Stuck(why) = verdict.reason else { panic!("{verdict:?}") };
    assert!(rounds.is_empty() && why.contains("set `steps`"), "{why}");
}

#[test]
fn a_deterministic_sampler_is_refused_unless_noise_is_added() {
    let own = policy(settings(4)).needs();
    assert_eq!(own, [Need::Pointwise, Need::Seeds, Need::Stochastic, Need::Pause(PauseSupport::Fork)]);
    let again = policy(ParticleSettings { renoise: Some(2), ..settings(4) }).needs();
    assert_eq!(again, [Need::Pointwise, Need::Seeds, Need::Noise, Need::Pause(PauseSupport::Resume)]);
}

proptest! {
    /// Whatever the scores: no panic, an end, weights that sum to 1, the best first where it is kept.
    #[test]
    fn any_scores_are_borne(
        scores in prop::collection::vec(
            prop_oneof![Just(Some(0.0)), Just(None), any::<f64>().prop_map(|score| Some(score).filter(|score| score.is_finite()))],
            60
        ),
        particles in 1u32..12, edits in prop::option::of(0u64..70), way in 0usize..4, kept in any::<bool>(),
        strength in prop_oneof![(1e-300f64..1e6).prop_map(Strength::Absolute), (1e-9f64..1e6).prop_map(Strength::PerDeviation)],
    ) {
        let budget = Budget { edits, ..Budget::default() };
        let infinite = Method { tempering: Tempering::Infinite, potential: Potential::ALL[way], ..Method::default() };
        for method in [Method { potential: Potential::ALL[way], ..Method::default() }, infinite] {
            let keep = if kept { Keep::Best } else { Keep::Draw };
            let policy = policy(ParticleSettings { strength, method, keep, ..settings(particles) });
            let mut world = |proposal: &Proposal| scores[proposal.id.0 as usize % 60];
            let (verdict, _) = drive(&policy, 3, budget, &mut world);
            if let Some(draw) = verdict.draw {
                let sum: f64 = verdict.ranked.iter().map(|ranked| ranked.selection_probability.unwrap()).sum();
                prop_assert!((sum - 1.0).abs() < 1e-9, "{}", sum);
                prop_assert!(draw.temperature.is_finite() && draw.effective_sample_size >= 1.0 - 1e-9);
            } else {
                prop_assert!(verdict.ranked.windows(2).all(|pair| pair[0].utility >= pair[1].utility));
            }
        }
    }
}

/// Journals hold these words.
#[test]
fn revisions_name_everything_that_decides() {
    assert_eq!(
        policy(settings(4)).revision(),
        "particles/2 particles=4 at=0.2,0.4,0.6,0.8 steps=10 relative_strength=2 increasing(0.008) max ssp ess=0.5 keep=best \
         renoise=none"
    );
    let schedule = Schedule::Every { every: 20, from: 20, to: 80 };
    let method = Preset::FeynmanKac.method();
    let other = ParticleSettings { schedule, method, strength: Strength::Absolute(10.0), ..ParticleSettings::new(8) };
    let other = ParticleSettings { keep: Keep::Draw, renoise: Some(2), ..other };
    assert_eq!(
        policy(other).revision(),
        "particles/2 particles=8 at=every20from20to80 steps=none strength=10 constant max multinomial ess=1 keep=draw renoise=2"
    );
}

#[test]
fn nothing_left_begins_nothing() {
    let cards = Cards { editors: vec![editor_card("fake")], rewards: vec![reward_card("judge")], critics: Vec::new() };
    let mut search = policy(settings(4)).start(&request(1), &cards);
    let decision = search.decide(&[], &Remaining::nothing());
    assert!(matches!(decision, Decision::Stop(Verdict { reason: StopReason::Budget, .. })), "{decision:?}");
}
