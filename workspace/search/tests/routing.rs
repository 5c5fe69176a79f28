//! Routing among editors: who is asked in worlds whose truth is known, and what a budget holds it to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use editscale_core::{
    Budget, Cards, Cost, Decision, Digest, EditRequest, EditorCard, Failure, FailureKind, Ledger, Proposal, RewardName,
    Score, ScoreCard, SearchFactory, Seed, StopReason, Trial, Usd, Verdict,
};
use editscale_search::{BestOfN, CostMeasure, RoutingSettings, Rules, StopRule, Thompson, Weighted};
use editscale_testkit::{editor_card, request, reward_card};
use proptest::prelude::*;

fn judge() -> RewardName {
    RewardName::new("judge").unwrap()
}

fn rules() -> Rules {
    Rules { objective: Arc::new(Weighted::new(vec![(judge(), 1.0)]).unwrap()), stop: StopRule::default() }
}

fn routing(settings: RoutingSettings) -> Thompson {
    Thompson::new(settings, rules()).unwrap()
}

/// An editor whose candidates are worth N(mean, deviation²), judged with noise of which the judge says sigma.
#[derive(Debug, Clone, Copy)]
struct Arm {
    mean: f64,
    deviation: f64,
    micros: u64,
    noise: f64,
    sigma: Option<f64>,
    fails: bool,
}

const PLAIN: Arm = Arm { mean: 0.0, deviation: 1.0, micros: 100, noise: 0.0, sigma: None, fails: false };

const NAMES: [&str; 3] = ["first", "second", "third"];

fn card(name: &str, arm: &Arm) -> EditorCard {
    EditorCard { cost: Cost { usd: Usd { micros: arm.micros }, nfe: 10, tokens: 0 }, ..editor_card(name) }
}

fn cards(arms: &[Arm]) -> Cards {
    let editors = NAMES.iter().zip(arms).map(|(name, arm)| card(name, arm)).collect();
    Cards { editors, rewards: vec![reward_card("judge")], critics: Vec::new() }
}

fn normal(seed: Seed) -> f64 {
    (-2.0 * (1.0 - seed.mix(0).unit()).ln()).sqrt() * (2.0 * std::f64::consts::PI * seed.mix(1).unit()).cos()
}

/// What a run came to.
struct Ran {
    verdict: Verdict,
    /// Which arm each candidate was asked from, round by round.
    rounds: Vec<Vec<usize>>,
    /// What the best of all candidates is truly worth that the verdict puts first.
    worth: f64,
    spent: Ledger,
}

impl Ran {
    fn asked(&self, arm: usize) -> usize {
        self.rounds.iter().flatten().filter(|asked| **asked == arm).count()
    }
}

fn arm_of(proposal: &Proposal) -> usize {
    NAMES.iter().position(|name| *name == proposal.editor.as_str()).unwrap()
}

fn trial(proposal: &Proposal, arms: &[Arm]) -> (Trial, f64) {
    let (arm, id) = (&arms[arm_of(proposal)], proposal.id);
    if arm.fails {
        return (Trial::Failed { id, why: Failure::new(FailureKind::Refused, "as scripted") }, f64::MIN);
    }
    let worth = arm.mean + arm.deviation * normal(proposal.seed.mix(1));
    let mut card = ScoreCard::default();
    let said = worth + arm.noise * normal(proposal.seed.mix(2));
    card.enter(judge(), Ok(Score::with_sigma(said, arm.sigma).unwrap()));
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&id.0.to_le_bytes());
    (Trial::Scored { id, image: Digest::from_bytes(bytes), hash: None, card }, worth)
}

fn drive(policy: &dyn SearchFactory, arms: &[Arm], budget: Budget, root: u64) -> Ran {
    let request = EditRequest { seed: Seed::new(root).unwrap(), ..request(1) };
    let mut search = policy.start(&request, &cards(arms));
    let (mut trials, mut worths, mut rounds, mut spent) = (Vec::new(), Vec::new(), Vec::new(), Ledger::default());
    loop {
        match search.decide(&trials, &budget.after(&spent)) {
            Decision::Stop(verdict) => {
                let worth = verdict.ranked.first().map_or(f64::MIN, |ranked| worths[ranked.id.0 as usize]);
                return Ran { verdict, rounds, worth, spent };
            }
            Decision::Explore { proposals, .. } => {
                assert!(!proposals.is_empty());
                for proposal in &proposals {
                    assert_eq!(u64::from(proposal.id.0), spent.edits);
                    spent.edits += 1;
                    spent.reward_calls += 1;
                    spent.cost += card("x", &arms[arm_of(proposal)]).cost;
                }
                assert!(budget.usd.is_none_or(|usd| spent.cost.usd <= usd), "the budget is kept");
                assert!(budget.edits.is_none_or(|edits| spent.edits <= edits), "the budget is kept");
                let made = proposals.iter().map(|proposal| trial(proposal, arms));
                trials = Vec::new();
                for (trial, worth) in made {
                    trials.push(trial);
                    worths.push(worth);
                }
                rounds.push(proposals.iter().map(arm_of).collect());
            }
            other => panic!("{other:?} was not expected"),
        }
    }
}

const RUNS: u64 = 80;

/// Over 80 runs: the mean worth of what won, and the share of candidates that each arm was asked for.
fn many(policy: &dyn SearchFactory, arms: &[Arm], budget: Budget) -> (f64, Vec<f64>) {
    let runs: Vec<Ran> = (0..RUNS).map(|root| drive(policy, arms, budget, root)).collect();
    let worth = runs.iter().map(|ran| ran.worth).sum::<f64>() / RUNS as f64;
    let all: usize = runs.iter().map(|ran| ran.spent.edits as usize).sum();
    let share = |arm| runs.iter().map(|ran| ran.asked(arm)).sum::<usize>() as f64 / all as f64;
    (worth, (0..arms.len()).map(share).collect())
}

#[test]
fn the_better_editor_is_asked_more_and_little_is_lost_by_not_knowing_it() {
    let (worse, better) = (PLAIN, Arm { mean: 1.0, ..PLAIN });
    let (worth, shares) = many(&routing(RoutingSettings::new(40)), &[worse, better], Budget::default());
    let always = |arm| many(&BestOfN::new(40, None, rules()).unwrap(), &[arm], Budget::default()).0;
    let (least, most) = (always(worse), always(better));
    assert!(shares[1] > 0.7, "{shares:?}");
    assert!(most - worth < 0.25 * (most - least), "{worth} between {least} and {most}");
}

/// The mean would choose the first; what a search keeps is its best.
#[test]
fn a_wide_spread_is_worth_more_than_a_mean() {
    let (narrow, wide) = (Arm { deviation: 0.2, ..PLAIN }, Arm { mean: -0.3, ..PLAIN });
    let (worth, shares) = many(&routing(RoutingSettings::new(40)), &[narrow, wide], Budget::default());
    let (always, _) = many(&BestOfN::new(40, None, rules()).unwrap(), &[narrow], Budget::default());
    assert!(shares[1] > 0.7 && worth > always + 0.5, "{shares:?}, {worth} against {always}");
}

#[test]
fn a_cheap_editor_that_is_nearly_as_good_is_asked_more() {
    let (cheap, dear) = (Arm { micros: 10, ..PLAIN }, Arm { mean: 0.2, ..PLAIN });
    let budget = Budget { usd: Some(Usd { micros: 1200 }), ..Budget::default() };
    for cost in [CostMeasure::Usd, CostMeasure::Budget] {
        let policy = routing(RoutingSettings { cost, ..RoutingSettings::new(60) });
        let (worth, shares) = many(&policy, &[cheap, dear], budget);
        let (always, _) = many(&BestOfN::new(60, None, rules()).unwrap(), &[dear], budget);
        assert!(shares[0] > 0.7 && worth > always + 0.1, "{cost:?}: {shares:?}, {worth} against {always}");
    }
    // Where money is no matter, the better one is.
    let policy = routing(RoutingSettings { cost: CostMeasure::Edits, ..RoutingSettings::new(60) });
    assert!(many(&policy, &[cheap, Arm { mean: 1.0, ..dear }], Budget::default()).1[1] > 0.7);
}

#[test]
fn an_editor_that_fails_is_dropped() {
    let arms = [PLAIN, Arm { fails: true, ..PLAIN }];
    let ran = drive(&routing(RoutingSettings::new(40)), &arms, Budget::default(), 4);
    let failed = ran.asked(1);
    assert!((2..=2 + 4).contains(&failed) && ran.spent.edits == 40, "{failed}");
    let so_far = ran.rounds.iter().scan(0, |failed, round| {
        let before = *failed;
        *failed += round.iter().filter(|arm| **arm == 1).count();
        Some((before, round.contains(&1)))
    });
    assert!(so_far.into_iter().all(|(failed, asked)| failed < 3 || !asked), "{:?}", ran.rounds);
    let ran = drive(&routing(RoutingSettings::new(40)), &[Arm { fails: true, ..PLAIN }; 2], Budget::default(), 4);
    assert!(matches!(&ran.verdict.reason, StopReason::Stuck(why) if why.contains("every editor failed")));
}

/// Noise that a judge owns up to is no spread, so that the editor behind it does not look like one of rare great candidates.
#[test]
fn a_judge_that_says_how_unsure_it_is_does_not_mislead() {
    let noisy =
        |sigma| [Arm { deviation: 0.3, noise: 2.0, sigma, ..PLAIN }, Arm { mean: 0.3, sigma: Some(0.01), ..PLAIN }];
    let policy = routing(RoutingSettings::new(40));
    let (_, told) = many(&policy, &noisy(Some(2.0)), Budget::default());
    let (_, untold) = many(&policy, &noisy(None), Budget::default());
    assert!(told[1] > untold[1] + 0.1, "{told:?} against {untold:?}");
}

proptest! {
    /// Everybody is tried as often as said where the budget allows it, budgets are kept exactly (see `drive`), and a search
    /// ends only where nobody can be paid for or all is done.
    #[test]
    fn budgets_are_kept_and_used(
        micros in prop::collection::vec(0u64..60, 1..4), usd in prop::option::of(0u64..2000), edits in prop::option::of(0u64..50),
        least in 1u32..4, round in 1u32..7, root in 0u64..1000,
    ) {
        let arms: Vec<Arm> = micros.iter().map(|micros| Arm { micros: *micros, ..PLAIN }).collect();
        let budget = Budget { usd: usd.map(|micros| Usd { micros }), edits, ..Budget::default() };
        let policy = routing(RoutingSettings { least, round, ..RoutingSettings::new(30) });
        let ran = drive(&policy, &arms, budget, root);
        let again = drive(&policy, &arms, budget, root);
        prop_assert_eq!((&ran.verdict, &ran.rounds), (&again.verdict, &again.rounds));
        match ran.verdict.reason {
            StopReason::Finished => prop_assert_eq!(ran.spent.edits, 30),
            StopReason::Budget => {
                let cheapest = micros.iter().min().unwrap();
                let left = usd.map(|usd| usd - ran.spent.cost.usd.micros);
                let is_out = left.is_some_and(|left| left < *cheapest) || edits == Some(ran.spent.edits);
                prop_assert!(is_out, "{:?} left", left);
            }
            other => panic!("{other:?}"),
        }
        if usd.is_none() && edits.is_none() {
            prop_assert!((0..arms.len()).all(|arm| ran.asked(arm) >= least as usize));
        }
    }

    #[test]
    fn any_scores_are_borne(means in prop::collection::vec(any::<f64>(), 3), deviation in 0.0f64..2.0, sigma in prop::option::of(0.0f64..1e308)) {
        prop_assume!(means.iter().all(|mean| mean.abs() < 1e308));
        let arms: Vec<Arm> = means.iter().map(|mean| Arm { mean: *mean, deviation, sigma, ..PLAIN }).collect();
        let ran = drive(&routing(RoutingSettings::new(20)), &arms, Budget::default(), 9);
        prop_assert_eq!(ran.verdict.ranked.len(), 20);
    }
}

/// Journals hold these words.
#[test]
fn revisions_name_everything_that_decides() {
    let words = "thompson/1 samples=40 round=4 least=2 cost=budget drop_after=3";
    assert_eq!(routing(RoutingSettings::new(40)).revision(), words);
}
