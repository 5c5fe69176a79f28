//! The policy against figures that can be computed.

use std::sync::Arc;

use editscale_core::{
    Budget, Cards, Digest, Failure, FailureKind, Ledger, Objective, RewardName, Score, ScoreCard, Seed, Verdict,
};
use editscale_study::normal_quantile;
use editscale_testkit::{editor_card, request, reward_card};

use super::*;
use crate::price::{Pieces, Worth};
use crate::{Doubt, LowerBound, MeanRank, StopRule, Weighted};

fn judge() -> RewardName {
    RewardName::new("judge").unwrap()
}

fn rules(objective: Arc<dyn Objective>) -> Rules {
    Rules { objective, stop: StopRule::default() }
}

fn weighted() -> Rules {
    rules(Arc::new(Weighted::new(vec![(judge(), 1.0)]).unwrap()))
}

fn settings(edit: f64) -> Adaptation {
    let price = Price::Cost(Pieces { edit, ..Pieces::default() });
    Adaptation { most: 2000, probe: 4, round: 1, price, prior: None, optimism: 0.0 }
}

fn cards() -> Cards {
    Cards { editors: vec![editor_card("fake")], rewards: vec![reward_card("judge")], critics: Vec::new() }
}

/// Runs it in a world that gives a score, or a failure, for each candidate.
fn run(settings: Adaptation, seed: u64, world: impl Fn(Seed) -> Option<f64>) -> (u32, Verdict) {
    run_under(weighted(), (settings, seed), |seed| world(seed).map(|score| Score::new(score).unwrap()))
}

fn run_under(
    rules: Rules,
    (settings, seed): (Adaptation, u64),
    world: impl Fn(Seed) -> Option<Score>,
) -> (u32, Verdict) {
    let policy = Adaptive::new(settings, rules).unwrap();
    let mut search = policy.start(&request(seed), &cards());
    let (mut trials, mut asked) = (Vec::new(), 0);
    loop {
        let decision = search.decide(&trials, &Budget::default().after(&Ledger::default()));
        let Decision::Explore { proposals, .. } = decision else {
            let Decision::Stop(verdict) = decision else { panic!("{decision:?}") };
            return (asked, verdict);
        };
        asked += proposals.len() as u32;
        trials = proposals.iter().map(|proposal| trial(proposal, world(proposal.seed))).collect();
    }
}

fn trial(proposal: &Proposal, score: Option<Score>) -> Trial {
    let Some(score) = score else {
        return Trial::Failed { id: proposal.id, why: Failure::new(FailureKind::Refused, "as scripted") };
    };
    let mut card = ScoreCard::default();
    card.enter(judge(), Ok(score));
    Trial::Scored { id: proposal.id, image: Digest::from_bytes([1; 32]), hash: None, card }
}

fn normal(seed: Seed) -> f64 {
    normal_quantile(seed.mix(77).unit())
}

const REQUESTS: u64 = 700;

/// The mean number of candidates and the mean best, over many requests.
fn means(settings: Adaptation, world: impl Fn(u64, Seed) -> Option<f64>) -> (f64, f64) {
    let runs = (0..REQUESTS).map(|request| run(settings, request, |seed| world(request, seed)));
    let (mut draws, mut best) = (0.0, 0.0);
    for (asked, verdict) in runs {
        draws += f64::from(asked);
        best += verdict.ranked.first().map_or(0.0, |ranked| ranked.utility.get());
    }
    (draws / REQUESTS as f64, best / REQUESTS as f64)
}

#[test]
fn known_scores_are_drawn_as_often_as_theory_says() {
    let prior = Some(Prior { mean: Some(0.0), spread: 1.0, strength: 1e9 });
    for (cost, draws) in [(0.1, 5.5), (0.05, 9.6), (0.02, 20.8)] {
        let (found, _) = means(Adaptation { probe: 1, prior, ..settings(cost) }, |_, seed| Some(normal(seed)));
        // The number of draws is geometric, and so is its error in so many runs.
        assert!((found - draws).abs() < 4.0 * draws / (REQUESTS as f64).sqrt(), "{found} at {cost}");
    }
}

/// What is told of the end is what ended it.
#[test]
fn the_figures_of_the_end_say_why_it_ended() {
    let settings = Adaptation { round: 3, ..settings(0.02) };
    for seed in 0..20 {
        let (asked, verdict) = run(settings, seed, |seed| Some(normal(seed)));
        let scores: Vec<f64> = verdict.ranked.iter().map(|ranked| ranked.utility.get()).collect();
        let (gain, cost) = settings.figures(&scores, asked, 1).unwrap();
        let [cost, cap] = cost.unwrap();
        assert_eq!((cost, verdict.reason), (0.02, StopReason::Enough));
        assert!(gain <= cost && scores[0] >= cap - 1e-9, "{gain} of {cost}, {} and {cap}", scores[0]);
    }
}

/// Where the distribution is learned, less is lost against knowing it if the spread of earlier requests is told. Student's t
/// is wide after a few scores, so that optimism buys draws that normal scores do not repay.
#[test]
#[expect(clippy::print_stdout, reason = "its figures stand in docs/search.md")]
fn learned_scores_come_near_to_what_knowing_them_is_worth() {
    let cost = 0.02;
    let outcome = |settings: Adaptation| {
        // The level of a request's scores is not known before.
        let (draws, best) = means(settings, |request, seed| Some(0.3 * (request as f64) + normal(seed)));
        (draws, best - 0.3 * (REQUESTS as f64 - 1.0) / 2.0 - cost * draws)
    };
    let prior = Some(Prior { mean: None, spread: 1.0, strength: 8.0 });
    let (draws, plain) = outcome(settings(cost));
    let (more, hopeful) = outcome(Adaptation { optimism: 0.5, ..settings(cost) });
    let (_, shared) = outcome(Adaptation { prior, ..settings(cost) });
    // Found over 1,500 requests: 1.500, 1.477 with optimism, 1.569 with the prior, of the 1.66 of who knows the distribution.
    println!("points less costs: {plain:.2}, with optimism {hopeful:.2}, with a prior {shared:.2}");
    assert!(shared > plain + 0.03 && plain > 1.45 && shared < 1.66, "{plain} and {shared} with a prior");
    assert!(more > draws && hopeful > 1.4, "{more} instead of {draws} draws: {hopeful}");
}

#[test]
fn equal_scores_end_it_after_the_probe_and_failures_do_not() {
    let (asked, verdict) = run(settings(0.01), 3, |_| Some(0.5));
    assert_eq!((asked, verdict.reason), (4, StopReason::Enough));
    let (asked, verdict) = run(Adaptation { most: 30, ..settings(0.01) }, 3, |_| None);
    assert_eq!((asked, verdict.ranked.len()), (30, 0));
    // What often fails is dear, and so is drawn less often.
    let some = |seed: Seed| (seed.mix(5).unit() < 0.5).then(|| normal(seed));
    let made = means(settings(0.05), |_, seed| some(seed)).0 / 2.0;
    let all = means(settings(0.05), |_, seed| Some(normal(seed))).0;
    assert!(made < all, "{made} of them were made, and {all} where none fails");
}

/// A judge that is very unsure of some candidates makes a long lower tail of bounds, which is no chance of a high one.
#[test]
fn doubt_is_no_spread() {
    let doubt = Doubt { kappa: 2.0, assumed_sigma: None };
    let bounds = || rules(Arc::new(LowerBound::new(vec![(judge(), 1.0)], doubt).unwrap()));
    let score = |seed: Seed, odd: f64| {
        let sigma = if seed.mix(5).unit() < odd { 20.0 } else { 0.1 };
        Some(Score::with_sigma(normal(seed), Some(sigma)).unwrap())
    };
    let draws = |settings: Adaptation, odd: f64| {
        let runs = (0..REQUESTS).map(|request| run_under(bounds(), (settings, request), |seed| score(seed, odd)).0);
        runs.map(f64::from).sum::<f64>() / REQUESTS as f64
    };
    // Nine of ten can exceed the best: at 0.9 of the cost, with the fair cap of 0.05, in 9.6 such draws.
    let prior = Some(Prior { mean: Some(0.0), spread: 1.0, strength: 1e9 });
    let known = draws(Adaptation { probe: 4, prior, ..settings(0.045) }, 0.1);
    assert!((known - 9.6 / 0.9).abs() < 1.5, "{known}");
    // What is learned of such scores is as much as of those without doubt.
    let (plain, doubted) = (draws(settings(0.05), 0.0), draws(settings(0.045), 0.1));
    assert!((doubted * 0.9 / plain - 1.0).abs() < 0.15, "{doubted} instead of {plain}");
    let policy = Adaptive::new(settings(0.05), bounds()).unwrap();
    assert!(policy.revision().starts_with("adaptive/2 most="), "{}", policy.revision());
}

#[test]
#[expect(clippy::print_stdout, reason = "its figures stand in docs/search.md")]
fn rounds_hold_only_what_is_worth_its_cost() {
    let prior = Some(Prior { mean: Some(0.0), spread: 1.0, strength: 1e9 });
    let alone = Adaptation { probe: 1, prior, ..settings(0.05) };
    let (one, best) = means(alone, |_, seed| Some(normal(seed)));
    let (eight, at_once) = means(Adaptation { round: 8, ..alone }, |_, seed| Some(normal(seed)));
    let (value, together) = (best - 0.05 * one, at_once - 0.05 * eight);
    println!(
        "{eight:.1} draws in rounds of up to 8 instead of {one:.1}, and {:.2} of {value:.2} points less",
        value - together
    );
    assert!(eight < one * 1.4 && together > value - 0.12, "{eight} draws instead of {one}: {together} for {value}");
}

#[test]
fn huge_and_tiny_scores_end_by_themselves() {
    for factor in [1e300, 1e-300, 1e154, 5e-324] {
        let (asked, _) = run(Adaptation { most: 60, ..settings(0.01) }, 9, |seed| Some(factor * normal(seed)));
        assert!(asked <= 60, "{factor}");
    }
}

#[test]
fn ranks_and_settings_that_cannot_be_are_refused() {
    let ranks = rules(Arc::new(MeanRank::new(vec![judge()]).unwrap()));
    let error = Adaptive::new(settings(0.1), ranks).unwrap_err();
    assert_eq!(error.setting, "combine");
    let worth = Price::Worth(Worth { per_nfe: f64::NAN, ..Worth::default() });
    let prior = |spread, strength| Some(Prior { mean: None, spread, strength });
    for (bad, setting) in [
        (Adaptation { most: 0, ..settings(0.1) }, "most"),
        (Adaptation { most: 3, ..settings(0.1) }, "probe"),
        (Adaptation { round: 0, ..settings(0.1) }, "round"),
        (Adaptation { optimism: -1.0, ..settings(0.1) }, "optimism"),
        (Adaptation { prior: prior(-1.0, 1.0), ..settings(0.1) }, "prior"),
        (Adaptation { prior: prior(1.0, 0.0), ..settings(0.1) }, "prior"),
        (Adaptation { price: worth, ..settings(0.1) }, "worth"),
    ] {
        assert_eq!(Adaptive::new(bad, weighted()).unwrap_err().setting, setting);
    }
}
