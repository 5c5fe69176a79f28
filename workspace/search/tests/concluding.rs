//! What selections and finalists make of a finished search, whatever it found.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and its figures are documented"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use editscale_core::{
    Budget, CandidateId, Cards, Cost, Decision, Digest, Failure, FailureKind, Ledger, PerceptualHash, Remaining,
    RewardName, RewardSet, Score, ScoreCard, Search, SearchFactory, Seed, StopReason, Trial, Usd, Verdict,
};
use editscale_search::{
    Amount, BestOfN, Concluding, Conclusion, Finalists, Gate, Gated, MeanRank, Rules, Selection, StopRule, Weighted,
    Weighting,
};
use editscale_study::normal_quantile;
use editscale_testkit::{editor_card, request, reward_card};
use proptest::prelude::*;

fn judge() -> RewardName {
    RewardName::new("judge").unwrap()
}

fn cards() -> Cards {
    Cards { editors: vec![editor_card("fake")], rewards: vec![reward_card("judge")], critics: Vec::new() }
}

fn rules() -> Rules {
    Rules { objective: Arc::new(Weighted::new(vec![(judge(), 1.0)]).unwrap()), stop: StopRule::default() }
}

/// Best-of-N with a conclusion.
fn policy(samples: u32, rules: &Rules, selection: Option<Selection>, finalists: Option<Finalists>) -> Concluding {
    let best = Arc::new(BestOfN::new(samples, None, rules.clone()).unwrap());
    Concluding::new(best, rules, Conclusion { selection, finalists }).unwrap()
}

fn finalists(count: u32, votes: u32) -> Finalists {
    Finalists { count, votes, rewards: Vec::new() }
}

fn pessimistic(beta: Amount) -> Selection {
    Selection::Pessimistic { beta }
}

/// What a judge says of a candidate: first, and of each finalist; nothing where it fails.
trait World {
    fn first(&self, id: u32) -> Option<f64>;
    fn again(&self, id: u32, votes: u32) -> Option<f64> {
        let _ = votes;
        self.first(id)
    }
    fn hash(&self, id: u32) -> Option<u64> {
        let _ = id;
        None
    }
}

impl World for Vec<Option<f64>> {
    fn first(&self, id: u32) -> Option<f64> {
        self[id as usize]
    }
}

fn said(score: Option<f64>) -> ScoreCard {
    let mut card = ScoreCard::default();
    let failed = || Failure::new(FailureKind::TimedOut, "as scripted");
    card.enter(judge(), score.map(|score| Score::new(score).unwrap()).ok_or_else(failed));
    card
}

fn scored(id: u32, world: &dyn World) -> Trial {
    let (image, hash) = (Digest::from_bytes([id as u8; 32]), world.hash(id).map(PerceptualHash));
    Trial::Scored { id: CandidateId(id), image, hash, card: said(world.first(id)) }
}

/// What came of a search, and which judgements it asked for again.
struct Driven {
    verdict: Verdict,
    again: Option<(Vec<u32>, u32)>,
}

fn drive(policy: &dyn SearchFactory, seed: u64, budget: Budget, world: &dyn World) -> Driven {
    let mut search: Box<dyn Search> = policy.start(&request(seed), &cards());
    let (mut trials, mut again, mut spent) = (Vec::new(), None, Ledger::default());
    loop {
        trials = match search.decide(&trials, &budget.after(&spent)) {
            Decision::Stop(verdict) => return Driven { verdict, again },
            Decision::Explore { proposals, .. } => {
                assert!(again.is_none(), "explores after the last round");
                spent.edits += proposals.len() as u64;
                spent.reward_calls += proposals.len() as u64;
                proposals.iter().map(|proposal| scored(proposal.id.0, world)).collect()
            }
            Decision::Judge { who, rewards, votes } => {
                assert_eq!(rewards, RewardSet::All);
                assert!(again.is_none(), "a second last round");
                let calls = who.len() as u64 * u64::from(votes);
                assert!(calls <= budget.after(&spent).amounts().reward_calls.unwrap_or(u64::MAX), "more than is left");
                spent.reward_calls += calls;
                again = Some((who.iter().map(|id| id.0).collect(), votes));
                who.iter().map(|id| Trial::Rescored { id: *id, card: said(world.again(id.0, votes)) }).collect()
            }
            Decision::Rewrite { .. } | Decision::Consult { .. } => panic!("nobody consults"),
        };
    }
}

fn ids(verdict: &Verdict) -> Vec<u32> {
    verdict.ranked.iter().map(|ranked| ranked.id.0).collect()
}

fn chances(verdict: &Verdict) -> Vec<f64> {
    verdict.ranked.iter().map(|ranked| ranked.selection_probability.unwrap()).collect()
}

fn selections() -> Vec<Selection> {
    vec![
        Selection::Soft { weighting: Weighting::TargetEss(3.0), draw: 2 },
        Selection::Soft { weighting: Weighting::Temperature(1e-300), draw: 1 },
        pessimistic(Amount::Absolute(0.5)),
        pessimistic(Amount::Relative(1.0)),
        Selection::Regularised { strength: Amount::Absolute(0.0) },
        Selection::Regularised { strength: Amount::Relative(2.0) },
    ]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -1.0f64..1.0, 1 => any::<f64>().prop_filter("finite", |number| number.is_finite()), 1 => Just(0.25)]
}

/// A record has no place for numbers that are not finite, and cannot be read with them.
#[test]
fn scores_at_the_ends_of_the_range_make_a_verdict_that_can_be_written_down() {
    let relative = Amount::Relative(1e9);
    for selection in
        selections().into_iter().chain([pessimistic(relative), Selection::Regularised { strength: relative }])
    {
        let ends = (0..6).map(|id| Some(if id % 2 == 0 { f64::MAX } else { f64::MIN })).collect::<Vec<_>>();
        let verdict = drive(&policy(6, &rules(), Some(selection), None), 1, Budget::default(), &ends).verdict;
        let figures = verdict.draw.map(|draw| [draw.temperature, draw.effective_sample_size, draw.kl]);
        let chances = verdict.ranked.iter().filter_map(|ranked| ranked.selection_probability);
        assert!(chances.chain(figures.into_iter().flatten()).all(f64::is_finite), "{selection:?}: {verdict:?}");
    }
}

proptest! {
    #[test]
    fn every_selection_keeps_its_contract(
        scores in prop::collection::vec(prop::option::weighted(0.8, number()), 1..24), seed in 0u64..1000,
        edits in prop::option::of(0u64..30), calls in prop::option::of(0u64..60), gate in prop::option::of(-0.5f64..0.5),
        last in prop::option::of((2u32..6, 1u32..4)), by_rank in any::<bool>(),
    ) {
        let mut rules = rules();
        if by_rank {
            rules.objective = Arc::new(MeanRank::new(vec![judge()]).unwrap());
        }
        if let Some(at_least) = gate {
            let gates = vec![Gate { reward: judge(), part: None, at_least }];
            rules.objective = Arc::new(Gated::new(rules.objective, gates));
        }
        let budget = Budget { edits, reward_calls: calls, ..Budget::default() };
        let plain = BestOfN::new(scores.len() as u32, None, rules.clone()).unwrap();
        let expected = drive(&plain, seed, budget, &scores).verdict;
        for selection in selections().into_iter().map(Some).chain([None]) {
            let last = last.map(|(count, votes)| finalists(count, votes));
            let policy = policy(scores.len() as u32, &rules, selection, last.clone());
            let Driven { verdict, again } = drive(&policy, seed, budget, &scores);
            prop_assert_eq!(&drive(&policy, seed, budget, &scores).verdict, &verdict);
            // The same candidates, those that a gate bars not among them, for the same reason.
            let sorted = |verdict: &Verdict| { let mut ids = ids(verdict); ids.sort_unstable(); ids };
            prop_assert_eq!(sorted(&verdict), sorted(&expected));
            prop_assert_eq!(&verdict.reason, &expected.reason);
            if let Some(at_least) = gate {
                prop_assert!(ids(&verdict).iter().all(|id| scores[*id as usize].unwrap() >= at_least));
            }
            let draws = matches!(selection, Some(Selection::Soft { .. } | Selection::Pessimistic { .. }));
            if draws && !verdict.ranked.is_empty() {
                prop_assert!(verdict.draw.is_some());
                prop_assert!((chances(&verdict).iter().sum::<f64>() - 1.0).abs() < 1e-9);
                prop_assert!(again.is_some() || chances(&verdict)[0] > 0.0, "drawn without a chance");
            }
            if let Some((who, votes)) = again {
                let last = last.unwrap();
                prop_assert!(who.len() >= 2 && who.len() <= last.count as usize && votes >= 1 && votes <= last.votes);
                let mut first = ids(&verdict)[..who.len()].to_vec();
                let mut who = who;
                first.sort_unstable();
                who.sort_unstable();
                prop_assert_eq!(first, who, "finalists come first");
            }
        }
    }

    /// A search learns the same in whatever order a round's trials are told, as long as they are of a round.
    #[test]
    fn the_order_of_trials_does_not_matter(
        scores in prop::collection::vec(number(), 2..12), turn in 1usize..11, seed in 0u64..100,
    ) {
        let world: Vec<Option<f64>> = scores.iter().copied().map(Some).collect();
        for selection in selections() {
            let policy = policy(scores.len() as u32, &rules(), Some(selection), None);
            let told = |turn: usize| {
                let mut search = policy.start(&request(seed), &cards());
                search.decide(&[], &Remaining::default());
                let mut trials: Vec<Trial> = (0..scores.len() as u32).map(|id| scored(id, &world)).collect();
                trials.rotate_left(turn % scores.len());
                search.decide(&trials, &Remaining::default())
            };
            prop_assert_eq!(told(0), told(turn));
        }
    }

    /// λ is what the weights say it is: those with weight differ as their utilities do, and the others are not above it.
    #[test]
    fn pessimism_is_solved(scores in prop::collection::vec(-1.0f64..1.0, 1..40), beta in 0.001f64..3.0) {
        let world: Vec<Option<f64>> = scores.iter().copied().map(Some).collect();
        let policy = policy(scores.len() as u32, &rules(), Some(pessimistic(Amount::Absolute(beta))), None);
        let verdict = drive(&policy, 1, Budget::default(), &world).verdict;
        prop_assert_eq!(verdict.draw.unwrap().temperature, beta);
        let scale = beta * scores.len() as f64;
        let level = |ranked: &editscale_core::Ranked| ranked.utility.get() - scale * ranked.selection_probability.unwrap();
        let best = verdict.ranked.iter().max_by_key(|ranked| ranked.utility).unwrap();
        for ranked in &verdict.ranked {
            let is_out = ranked.selection_probability == Some(0.0);
            let apart = level(ranked) - level(best);
            prop_assert!(if is_out { apart < 1e-9 } else { apart.abs() < 1e-9 }, "{} from λ", apart);
        }
    }

    #[test]
    fn small_beta_is_best_of_n_and_large_beta_is_any(scores in prop::collection::vec(-1.0f64..1.0, 2..40), seed in 0u64..50) {
        let world: Vec<Option<f64>> = scores.iter().copied().map(Some).collect();
        let count = scores.len() as u32;
        let best = drive(&BestOfN::new(count, None, rules()).unwrap(), seed, Budget::default(), &world).verdict;
        prop_assume!(best.ranked[0].utility.get() - best.ranked[1].utility.get() > 1e-6);
        let soft = |temperature| Selection::Soft { weighting: Weighting::Temperature(temperature), draw: 1 };
        for (small, large) in [(pessimistic(Amount::Absolute(1e-9)), pessimistic(Amount::Absolute(1e9))), (soft(1e-9), soft(1e6))] {
            let greedy = drive(&policy(count, &rules(), Some(small), None), seed, Budget::default(), &world).verdict;
            prop_assert_eq!(ids(&greedy), ids(&best));
            prop_assert!(chances(&greedy)[0] > 1.0 - 1e-9);
            let even = drive(&policy(count, &rules(), Some(large), None), seed, Budget::default(), &world).verdict;
            prop_assert!(chances(&even).iter().all(|chance| (chance * f64::from(count) - 1.0).abs() < 1e-4));
        }
        let by_nothing = Selection::Regularised { strength: Amount::Absolute(0.0) };
        let same = drive(&policy(count, &rules(), Some(by_nothing), None), seed, Budget::default(), &world).verdict;
        prop_assert_eq!(same, best);
    }

    /// A larger β never makes the choice greedier: fewer nats from equal weights, more candidates that share them.
    #[test]
    fn pessimism_grows_with_beta(scores in prop::collection::vec(-1.0f64..1.0, 2..40), beta in 0.001f64..3.0, more in 1.0f64..9.0) {
        let world: Vec<Option<f64>> = scores.iter().copied().map(Some).collect();
        let draw = |beta| {
            let policy = policy(scores.len() as u32, &rules(), Some(pessimistic(Amount::Absolute(beta))), None);
            drive(&policy, 1, Budget::default(), &world).verdict.draw.unwrap()
        };
        let (less, more) = (draw(beta), draw(beta * more));
        prop_assert!(more.kl <= less.kl + 1e-9 && more.effective_sample_size >= less.effective_sample_size - 1e-9);
    }
}

struct Alike;

impl World for Alike {
    fn first(&self, id: u32) -> Option<f64> {
        // The outlier leads by a little.
        Some([1.0, 0.9, 0.9, 0.9][id as usize])
    }

    fn hash(&self, id: u32) -> Option<u64> {
        Some(if id == 0 { 0xffff } else { 1 << id })
    }
}

#[test]
fn an_outlier_has_to_be_better_by_more() {
    let winner = |strength| {
        let selection = Selection::Regularised { strength };
        ids(&drive(&policy(4, &rules(), Some(selection), None), 1, Budget::default(), &Alike).verdict)[0]
    };
    assert_eq!(winner(Amount::Absolute(0.1)), 0);
    // Its likeness is 0.53 on average, that of the others 0.80 or more.
    assert_eq!(winner(Amount::Absolute(0.6)), 1);
    assert_eq!(winner(Amount::Relative(0.5)), 0);
    assert_eq!(winner(Amount::Relative(20.0)), 1);
}

/// A world drawn from a seed: gold, a proxy with noise, and fresh noise for each further vote.
struct Noisy {
    root: Seed,
    noise: f64,
}

impl Noisy {
    fn normal(&self, id: u32, salt: u64) -> f64 {
        let unit = self.root.mix(u64::from(id)).mix(salt).unit();
        normal_quantile(unit.clamp(1e-12, 1.0 - 1e-12))
    }

    fn gold(&self, id: u32) -> f64 {
        self.normal(id, 0)
    }
}

impl World for Noisy {
    fn first(&self, id: u32) -> Option<f64> {
        Some(self.gold(id) + self.noise * self.normal(id, 1))
    }

    fn again(&self, id: u32, votes: u32) -> Option<f64> {
        let noise: f64 = (0..votes).map(|vote| self.normal(id, 2 + u64::from(vote))).sum();
        Some(self.gold(id) + self.noise * noise / f64::from(votes))
    }
}

fn worlds(noise: f64) -> impl Iterator<Item = Noisy> {
    (0..600).map(move |seed| Noisy { root: Seed::new(seed).unwrap().mix(77), noise })
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// The expected gold of the winner, over 600 requests.
fn gold(policy: &dyn SearchFactory, noise: f64) -> f64 {
    mean(worlds(noise).enumerate().map(|(seed, world)| {
        let verdict = drive(policy, seed as u64, Budget::default(), &world).verdict;
        world.gold(verdict.ranked[0].id.0)
    }))
}

#[test]
fn finalists_judged_again_are_better_and_worth_what_is_said_of_them() {
    let plain = BestOfN::new(32, None, rules()).unwrap();
    let last_round = policy(32, &rules(), None, Some(finalists(4, 4)));
    let (before, after) = (gold(&plain, 1.5), gold(&last_round, 1.5));
    println!("gold {before:.3} without and {after:.3} with a last round");
    // By theory the first has E[max of 32]·(1/√(1 + 1.5²)) = 2.07·0.555 = 1.15; standard errors are about 0.035.
    assert!((before - 1.15).abs() < 0.14, "{before}");
    assert!(after > before + 0.25, "{after} against {before}");
    // The winner's curse: what was said of it at first is far above its gold, and what is said now is not half as far.
    let curse = |policy: &dyn SearchFactory| {
        mean(worlds(1.5).enumerate().map(|(seed, world)| {
            let best = drive(policy, seed as u64, Budget::default(), &world).verdict.ranked.remove(0);
            best.utility.get() - world.gold(best.id.0)
        }))
    };
    let (before, after) = (curse(&plain), curse(&last_round));
    println!("above its gold {before:.3} without and {after:.3} with a last round");
    assert!(before > 2.0 && after < before / 2.0, "{before} and {after}");
    // A judge that says the same again has nothing to add.
    let (same, plain) = (gold(&last_round, 0.0), gold(&plain, 0.0));
    assert!((same - plain).abs() < 1e-12);
}

#[test]
fn votes_go_before_finalists_where_the_budget_is_short() {
    let world: Vec<Option<f64>> = (0..8).map(|id| Some(f64::from(id))).collect();
    let policy = policy(8, &rules(), None, Some(finalists(4, 3)));
    for (calls, expected) in [
        (None, Some((vec![7, 6, 5, 4], 3))),
        (Some(8 + 12), Some((vec![7, 6, 5, 4], 3))),
        (Some(8 + 11), Some((vec![7, 6, 5, 4], 2))),
        (Some(8 + 4), Some((vec![7, 6, 5, 4], 1))),
        (Some(8 + 3), Some((vec![7, 6, 5], 1))),
        (Some(8 + 1), None),
        (Some(8), None),
    ] {
        let budget = Budget { reward_calls: calls, ..Budget::default() };
        assert_eq!(drive(&policy, 1, budget, &world).again, expected, "{calls:?} calls");
    }
    // Money and tokens are kept as well.
    let mut cards = cards();
    cards.rewards[0].cost = Cost { tokens: 100, usd: Usd { micros: 7 }, ..Cost::default() };
    for (tokens, micros, votes) in [(1200, 84, Some(3)), (1199, 84, Some(2)), (1200, 55, Some(1)), (199, 84, None)] {
        let mut search = policy.start(&request(1), &cards);
        search.decide(&[], &Remaining::default());
        let trials: Vec<Trial> = (0..8).map(|id| scored(id, &world)).collect();
        let left = Budget { tokens: Some(tokens), usd: Some(Usd { micros }), edits: Some(0), ..Budget::default() };
        match search.decide(&trials, &Remaining::new(left)) {
            Decision::Judge { votes: found, .. } => assert_eq!(Some(found), votes),
            other => assert!(votes.is_none() && matches!(other, Decision::Stop(_)), "{other:?}"),
        }
    }
}

struct Told(BTreeMap<u32, (f64, Option<f64>)>);

impl World for Told {
    fn first(&self, id: u32) -> Option<f64> {
        Some(self.0[&id].0)
    }

    fn again(&self, id: u32, _: u32) -> Option<f64> {
        self.0[&id].1
    }
}

#[test]
fn those_that_could_not_be_judged_again_come_after_those_that_were() {
    let told = |scores: [(f64, Option<f64>); 5]| Told((0..).zip(scores).collect());
    let run = |world: &Told, rules: &Rules| {
        let verdict = drive(&policy(5, rules, None, Some(finalists(3, 2))), 1, Budget::default(), world).verdict;
        verdict.ranked.iter().map(|ranked| (ranked.id.0, ranked.utility.get())).collect::<Vec<_>>()
    };
    // All of the first three fall below the fourth, and stand before it: its luck was not looked at again.
    let fallen = told([(0.9, Some(0.1)), (0.8, Some(0.3)), (0.7, Some(0.2)), (0.6, None), (0.5, None)]);
    assert_eq!(run(&fallen, &rules()), [(1, 0.3), (2, 0.2), (0, 0.1), (3, 0.6), (4, 0.5)]);
    let failed = told([(0.9, None), (0.8, Some(0.3)), (0.7, Some(0.4)), (0.6, None), (0.5, None)]);
    assert_eq!(run(&failed, &rules()), [(2, 0.4), (1, 0.3), (0, 0.9), (3, 0.6), (4, 0.5)]);
    let nobody = told([(0.9, None), (0.8, None), (0.7, None), (0.6, None), (0.5, None)]);
    assert_eq!(run(&nobody, &rules()), [(0, 0.9), (1, 0.8), (2, 0.7), (3, 0.6), (4, 0.5)]);
    // By what is said now, a gate bars: the candidate is no longer in the verdict.
    let gates = vec![Gate { reward: judge(), part: None, at_least: 0.25 }];
    let gated = Rules { objective: Arc::new(Gated::new(rules().objective, gates)), ..rules() };
    assert_eq!(run(&fallen, &gated), [(1, 0.3), (3, 0.6), (4, 0.5)]);
}

/// Draws with a hackable proxy: one in forty is spoilt in a way that the proxy takes for the best it ever saw, with a heavy tail.
struct Hackable {
    root: Seed,
}

impl Hackable {
    fn unit(&self, id: u32, salt: u64) -> f64 {
        self.root.mix(u64::from(id)).mix(salt).unit().clamp(1e-9, 1.0 - 1e-9)
    }

    fn is_hack(&self, id: u32) -> bool {
        self.unit(id, 3) < 1.0 / 40.0
    }

    fn gold(&self, id: u32) -> f64 {
        if self.is_hack(id) { -3.0 } else { normal_quantile(self.unit(id, 0)) }
    }
}

impl World for Hackable {
    fn first(&self, id: u32) -> Option<f64> {
        // Pareto with index 2 beyond what honest candidates get.
        let hacked = || 2.0 + self.unit(id, 1).powf(-0.5);
        Some(if self.is_hack(id) { hacked() } else { self.gold(id) + 0.5 * normal_quantile(self.unit(id, 2)) })
    }
}

/// The expected gold over 400 requests: for drawn choices over the draw too, which is what the chances are for.
fn hacked_gold(samples: u32, selection: Option<Selection>) -> f64 {
    mean((0..400).map(|seed| {
        let world = Hackable { root: Seed::new(seed).unwrap().mix(5) };
        let policy = policy(samples, &rules(), selection, None);
        let verdict = drive(&policy, seed, Budget::default(), &world).verdict;
        let chance = |ranked: &editscale_core::Ranked| ranked.selection_probability.unwrap_or(0.0);
        match verdict.draw {
            None => world.gold(verdict.ranked[0].id.0),
            Some(_) => verdict.ranked.iter().map(|ranked| chance(ranked) * world.gold(ranked.id.0)).sum(),
        }
    }))
}

#[test]
fn a_planted_hack_fools_the_best_of_many_and_not_the_pessimist() {
    let counts = [4, 16, 64, 128];
    let raw = counts.map(|samples| hacked_gold(samples, None));
    let careful = counts.map(|samples| hacked_gold(samples, Some(pessimistic(Amount::Relative(1.0)))));
    let soft = counts
        .map(|samples| hacked_gold(samples, Some(Selection::Soft { weighting: Weighting::TargetKl(0.3), draw: 1 })));
    println!("raw {raw:.3?}\npessimistic {careful:.3?}\nsoft {soft:.3?}");
    // Standard errors are below 0.1 for the raw choice, and below 0.03 for expectations over a draw.
    assert!(raw[3] < raw[0] - 1.5 && raw[3] < -2.0, "{raw:?}");
    assert!(careful.windows(2).all(|pair| pair[1] > pair[0] - 0.1), "{careful:?}");
    assert!(careful[3] > 0.3 && careful[3] > raw[3] + 2.0, "{careful:?} against {raw:?}");
}

/// Journals hold these words, and are refused under others.
#[test]
fn revisions_are_as_journals_have_them() {
    let soft = Selection::Soft { weighting: Weighting::TargetEss(2.5), draw: 2 };
    let by = Finalists { rewards: vec![judge()], ..finalists(4, 3) };
    for (selection, last, expected) in [
        (None, None, ""),
        (Some(soft), None, " select soft/1 draw=2 TargetEss/2(2.5)"),
        (Some(pessimistic(Amount::Relative(1.0))), None, " select pessimistic/1 Relative(1.0)"),
        (Some(Selection::Regularised { strength: Amount::Absolute(0.5) }), None, " select regularised/1 Absolute(0.5)"),
        (None, Some(finalists(4, 3)), " finalists/1 count=4 votes=3"),
        (Some(soft), Some(by), " select soft/1 draw=2 TargetEss/2(2.5) finalists/1 count=4 votes=3 by=judge"),
    ] {
        let found = policy(8, &rules(), selection, last).revision();
        assert_eq!(found, format!("best_of_n/1 samples=8 round=8{expected}"));
    }
}

#[test]
fn what_makes_no_conclusion_is_refused() {
    let refuse = |selection, finalists| {
        let best = Arc::new(BestOfN::new(8, None, rules()).unwrap());
        Concluding::new(best, &rules(), Conclusion { selection, finalists }).unwrap_err().to_string()
    };
    for (selection, expected) in [
        (pessimistic(Amount::Absolute(0.0)), "`beta` is 0: expected a finite number above 0"),
        (pessimistic(Amount::Relative(f64::NAN)), "`relative_beta` is NaN: expected a finite number above 0"),
        (
            Selection::Regularised { strength: Amount::Absolute(-1.0) },
            "`strength` is -1: expected a finite number of at least 0",
        ),
        (
            Selection::Soft { weighting: Weighting::Temperature(0.0), draw: 1 },
            "`temperature` is 0: expected a number above 0",
        ),
        (
            Selection::Soft { weighting: Weighting::TargetKl(1.0), draw: 0 },
            "`draw` is 0: expected a whole number from 1 to 100000",
        ),
    ] {
        assert_eq!(refuse(Some(selection), None), expected);
    }
    assert_eq!(refuse(None, Some(finalists(1, 1))), "`count` is 1: expected a whole number from 2 to 1000");
    assert_eq!(refuse(None, Some(finalists(2, 0))), "`votes` is 0: expected a whole number from 1 to 1000");
}

#[test]
fn a_search_that_found_nobody_ends_as_it_did() {
    let nobody: Vec<Option<f64>> = vec![None; 4];
    for selection in selections().into_iter().map(Some).chain([None]) {
        let policy = policy(4, &rules(), selection, Some(finalists(2, 1)));
        let Driven { verdict, again } = drive(&policy, 1, Budget::default(), &nobody);
        assert!(again.is_none() && verdict.ranked.is_empty() && verdict.draw.is_none());
        assert!(matches!(verdict.reason, StopReason::Stuck(_)), "{:?}", verdict.reason);
    }
}
