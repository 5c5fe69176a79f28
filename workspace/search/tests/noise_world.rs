//! Worlds in which a candidate is its noise: what a search in the space of noise is worth where rewards are smooth there, and
//! where they are not; and what a search over paths does step by step.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use editscale_core::{
    Budget, CandidateId, Cards, Decision, Digest, Edge, EditorCard, Failure, FailureKind, Ledger, Noise, NoiseTurn,
    PauseSupport, Proposal, RewardName, Score, ScoreCard, SearchFactory, Seed, Start, StopReason, Trial, Until,
    Verdict,
};
use editscale_search::{
    BestOfN, NoiseSearch, NoiseSearchSize, NoiseSteps, PathSearch, PathSize, PathStops, Rules, StopRule, Weighted,
};
use editscale_testkit::{editor_card, request, reward_card};

/// How many numbers a noise has.
const SIZE: usize = 24;

fn judge() -> RewardName {
    RewardName::new("judge").unwrap()
}

fn rules(stop: StopRule) -> Rules {
    Rules { objective: Arc::new(Weighted::new(vec![(judge(), 1.0)]).unwrap()), stop }
}

/// Standard normal numbers of a seed.
fn normal(seed: Seed) -> Vec<f64> {
    let unit = |n: u64| (seed.mix(n).get() as f64 + 1.0) / (Seed::LIMIT as f64 + 1.0);
    let pair = |n: u64| (-2.0 * unit(2 * n).ln()).sqrt() * (std::f64::consts::TAU * unit(2 * n + 1)).cos();
    (0..SIZE as u64).map(pair).collect()
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

fn turned(noise: &[f64], turn: NoiseTurn) -> Vec<f64> {
    let towards = normal(turn.seed);
    let along = dot(noise, &towards) / dot(noise, noise);
    let across: Vec<f64> = towards.iter().zip(noise).map(|(w, u)| w - along * u).collect();
    let share = ((1.0 - turn.cosine * turn.cosine) * dot(noise, noise) / dot(&across, &across)).sqrt();
    noise.iter().zip(&across).map(|(u, w)| turn.cosine * u + share * w).collect()
}

fn noise(proposal: &Proposal) -> Vec<f64> {
    match &proposal.noise {
        Noise::Turned(turns) => turns.iter().fold(normal(proposal.seed), |noise, turn| turned(&noise, *turn)),
        Noise::Own | Noise::Back(_) => normal(proposal.seed),
    }
}

/// A picture for each noise.
fn picture(noise: &[f64]) -> Digest {
    let mut bytes = [0; 32];
    bytes.chunks_mut(8).zip(noise).for_each(|(bytes, value)| bytes.copy_from_slice(&value.to_le_bytes()));
    Digest::from_bytes(bytes)
}

fn scored(id: CandidateId, image: Digest, score: f64) -> Trial {
    let mut card = ScoreCard::default();
    card.enter(judge(), Ok(Score::new(score).unwrap()));
    Trial::Scored { id, image, hash: None, card }
}

fn failed(id: CandidateId) -> Trial {
    Trial::Failed { id, why: Failure::new(FailureKind::Refused, "as scripted") }
}

/// Drives a search to its end in a world that answers proposals, and hands out the verdict and all proposals, in rounds.
fn drive(
    policy: &dyn SearchFactory,
    (seed, calls): (u64, Option<u64>),
    world: &mut dyn FnMut(&Proposal) -> Trial,
) -> (Verdict, Vec<Vec<Proposal>>) {
    let editor = EditorCard { pause: PauseSupport::Resume, steers_noise: true, steps: Some(20), ..editor_card("fake") };
    let cards = Cards { editors: vec![editor], rewards: vec![reward_card("judge")], critics: Vec::new() };
    let (mut search, budget) =
        (policy.start(&request(seed), &cards), Budget { reward_calls: calls, ..Budget::default() });
    let (mut trials, mut rounds, mut spent) = (Vec::new(), Vec::new(), Ledger::default());
    loop {
        match search.decide(&trials, &budget.after(&spent)) {
            Decision::Stop(verdict) => return (verdict, rounds),
            Decision::Explore { proposals, .. } => {
                assert!(!proposals.is_empty());
                spent.reward_calls += proposals.len() as u64;
                assert!(calls.is_none_or(|calls| spent.reward_calls <= calls), "more than there is");
                trials = proposals.iter().map(&mut *world).collect();
                rounds.push(proposals);
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
}

fn search(size: NoiseSearchSize, steps: NoiseSteps) -> NoiseSearch {
    NoiseSearch::new(size, steps, rules(StopRule::default())).unwrap()
}

const SIZES: NoiseSearchSize = NoiseSearchSize { pivots: 4, neighbours: 4, rounds: 24 };
const STEPS: NoiseSteps = NoiseSteps { cosine: 0.95, narrowing: 0.5, restart_after: 3 };

/// The mean, over runs of different seeds, of the best score under a reward of noise.
fn mean_best(policy: &dyn SearchFactory, reward: &dyn Fn(&[f64]) -> f64) -> f64 {
    let best = |seed: u64| {
        let mut world = |proposal: &Proposal| {
            let noise = noise(proposal);
            scored(proposal.id, picture(&noise), reward(&noise))
        };
        drive(policy, (seed, None), &mut world).0.ranked[0].utility.get()
    };
    (0..40).map(best).sum::<f64>() / 40.0
}

/// How near a noise's direction is to one that the reward likes: 1 at best.
fn smooth(noise: &[f64]) -> f64 {
    let liked = normal(Seed::new(4711).unwrap());
    dot(noise, &liked) / (dot(noise, noise) * dot(&liked, &liked)).sqrt()
}

/// Decided by one number of the noise, whose range is cut into narrow cells that are worth as much as chance gives them.
fn rugged(noise: &[f64]) -> f64 {
    let cell = (noise[0] / 0.2).floor() as i64 + 1000;
    Seed::new(99).unwrap().mix(cell as u64).unit()
}

#[test]
fn noise_search_climbs_faster_where_rewards_are_smooth_and_slower_where_they_are_not() {
    let climbs = search(SIZES, STEPS);
    let draws = BestOfN::new(climbs.largest_run() as u32, None, rules(StopRule::default())).unwrap();
    let (climbed, drawn) = (mean_best(&climbs, &smooth), mean_best(&draws, &smooth));
    assert!(climbed > drawn + 0.2, "smooth: {climbed} against {drawn}");
    let (climbed, drawn) = (mean_best(&climbs, &rugged), mean_best(&draws, &rugged));
    assert!(climbed < drawn - 0.005, "rugged: {climbed} against {drawn}");
}

/// Every figure of the two worlds that docs/search.md tells.
#[test]
fn figures_are_those_of_the_documentation() {
    let noise = |steps: NoiseSteps| mean_best(&search(SIZES, steps), &smooth);
    let draws = |count: u32, world: &dyn Fn(&[f64]) -> f64| {
        mean_best(&BestOfN::new(count, None, rules(StopRule::default())).unwrap(), world)
    };
    let few = NoiseSearchSize { rounds: 6, ..SIZES };
    for (what, found, told) in [
        ("noise search", noise(STEPS), 0.81),
        ("as published", noise(NoiseSteps { restart_after: 1, narrowing: 1.0, ..STEPS }), 0.59),
        ("narrowing 0.7", noise(NoiseSteps { narrowing: 0.7, ..STEPS }), 0.80),
        ("cosine 0.8", noise(NoiseSteps { cosine: 0.8, ..STEPS }), 0.76),
        ("cosine 0.98", noise(NoiseSteps { cosine: 0.98, ..STEPS }), 0.77),
        ("restart after 6", noise(NoiseSteps { restart_after: 6, ..STEPS }), 0.83),
        ("100 draws", draws(100, &smooth), 0.50),
        ("1000 draws", draws(1000, &smooth), 0.60),
        ("28 candidates", mean_best(&search(few, STEPS), &smooth), 0.47),
        ("28 draws", draws(28, &smooth), 0.43),
        ("rugged", mean_best(&search(SIZES, STEPS), &rugged), 0.983),
        ("rugged, 100 draws", draws(100, &rugged), 0.995),
    ] {
        let digits = if told > 0.9 { 5e-4 } else { 5e-3 };
        assert!((found - told).abs() <= digits + 1e-9, "{what}: {found}, and {told} is told");
    }
}

/// The way of a search, told from its proposals: each round has one pivot, known before, of which all are neighbours.
#[test]
fn every_neighbour_is_one_turn_from_a_pivot_that_was_judged() {
    let policy = search(NoiseSearchSize { pivots: 3, neighbours: 5, rounds: 40 }, STEPS);
    let mut scores = BTreeMap::new();
    let mut world = |proposal: &Proposal| {
        let noise = noise(proposal);
        scores.insert(proposal.id, smooth(&noise));
        scored(proposal.id, picture(&noise), smooth(&noise))
    };
    let (verdict, rounds) = drive(&policy, (5, None), &mut world);
    assert_eq!((verdict.reason, rounds.len()), (StopReason::Finished, 41));
    let known: BTreeMap<CandidateId, Proposal> = rounds.iter().flatten().map(|each| (each.id, each.clone())).collect();
    for round in &rounds[1..] {
        for proposal in round.iter().filter(|proposal| proposal.lineage.edge == Edge::Neighbour) {
            let pivot = &known[&proposal.lineage.parent.unwrap()];
            assert_eq!(proposal.lineage.parent, round[0].lineage.parent, "one pivot a round");
            assert!(pivot.id < round[0].id);
            let (Noise::Turned(way), before) = (&proposal.noise, turns(pivot)) else { panic!("no neighbour") };
            assert_eq!((&way[..way.len() - 1], proposal.seed), (before, pivot.seed));
            let cosine = way[way.len() - 1].cosine;
            assert!((0.95 - 1e-12..1.0).contains(&cosine), "{cosine}");
        }
    }
    // Every turn is another one.
    let mut seeds: Vec<Seed> = known.values().filter_map(|each| turns(each).last()).map(|turn| turn.seed).collect();
    let count = seeds.len();
    seeds.sort();
    seeds.dedup();
    assert_eq!(seeds.len(), count);
}

fn turns(proposal: &Proposal) -> &[NoiseTurn] {
    match &proposal.noise {
        Noise::Turned(turns) => turns,
        _ => &[],
    }
}

/// A pivot is not thrown away after one round in vain: its angle narrows, and only then the next best draw has its turn.
#[test]
fn a_round_in_vain_narrows_and_enough_of_them_begin_anew() {
    let steps = NoiseSteps { cosine: 0.9, narrowing: 0.5, restart_after: 2 };
    let policy = search(NoiseSearchSize { pivots: 2, neighbours: 2, rounds: 7 }, steps);
    // The draws are worth 0.5 and 0.75, all else nothing.
    let mut world = |proposal: &Proposal| {
        let score = match proposal.id.0 {
            0 => 0.5,
            1 => 0.75,
            _ => 0.0,
        };
        scored(proposal.id, picture(&noise(proposal)), score)
    };
    let (_, rounds) = drive(&policy, (5, None), &mut world);
    let told: Vec<(Option<u32>, Option<f64>)> = rounds[1..]
        .iter()
        .map(|round| (round[0].lineage.parent.map(|id| id.0), turns(&round[0]).last().map(|turn| turn.cosine)))
        .map(|(parent, cosine)| (parent, cosine.map(|cosine| (cosine * 1000.0).round() / 1000.0)))
        .collect();
    let expected = [
        (Some(1), Some(0.9)),
        (Some(1), Some(0.95)),
        (Some(0), Some(0.9)),
        (Some(0), Some(0.95)),
        // No draw is left: new ones are made, and the first of them has its turn.
        (None, None),
        (Some(10), Some(0.9)),
        (Some(10), Some(0.95)),
    ];
    assert_eq!(told, expected);
}

/// What brings something better widens the angle again, and a picture that was a pivot is none again.
#[test]
fn a_gain_moves_the_pivot_and_widens_the_angle() {
    let steps = NoiseSteps { cosine: 0.9, narrowing: 0.5, restart_after: 9 };
    let policy = search(NoiseSearchSize { pivots: 1, neighbours: 1, rounds: 5 }, steps);
    let mut world = |proposal: &Proposal| {
        let score = if proposal.id.0 == 3 { 1.0 } else { 0.5 };
        scored(proposal.id, picture(&noise(proposal)), score)
    };
    let (_, rounds) = drive(&policy, (5, None), &mut world);
    let told: Vec<(u32, usize, f64)> = rounds[1..]
        .iter()
        .map(|round| (round[0].lineage.parent.unwrap().0, turns(&round[0])))
        .map(|(parent, turns)| (parent, turns.len(), (turns[turns.len() - 1].cosine * 1000.0).round() / 1000.0))
        .collect();
    assert_eq!(told, [(0, 1, 0.9), (0, 1, 0.95), (0, 1, 0.975), (3, 2, 0.95), (3, 2, 0.975)]);
}

#[test]
fn paths_of_turns_do_not_grow_without_end() {
    let policy = search(NoiseSearchSize { pivots: 2, neighbours: 1, rounds: 1000 }, STEPS);
    let mut world =
        |proposal: &Proposal| scored(proposal.id, picture(&noise(proposal)), f64::from(proposal.id.0) * 1e-3);
    let (verdict, rounds) = drive(&policy, (5, None), &mut world);
    assert_eq!((verdict.reason, rounds.len()), (StopReason::Finished, 1001));
    let longest = rounds.iter().flatten().map(|proposal| turns(proposal).len()).max();
    assert_eq!(longest, Some(64));
}

fn paths(paths: u32, children: u32, stops: (f64, f64, f64)) -> PathSearch {
    let (first, back, forward) = stops;
    PathSearch::new(PathSize { paths, children }, PathStops { first, back, forward }, rules(StopRule::default()))
        .unwrap()
}

/// Of 20 steps: stops at 6, 10, 14 and 18, from which 2 are taken back.
const STOPS: (f64, f64, f64) = (0.3, 0.1, 0.3);

fn by_seed(proposal: &Proposal) -> Trial {
    scored(proposal.id, picture(&noise(proposal)), proposal.seed.mix(9).unit())
}

#[test]
fn paths_go_from_stop_to_stop_and_only_what_is_finished_wins() {
    let policy = paths(2, 3, STOPS);
    let mut scores = BTreeMap::new();
    let mut world = |proposal: &Proposal| {
        // Previews look far better than what comes of them.
        let bonus = if proposal.until == Until::Finished { 0.0 } else { 5.0 };
        let score = proposal.seed.mix(9).unit() + bonus;
        scores.insert(proposal.id, score);
        scored(proposal.id, picture(&noise(proposal)), score)
    };
    let (verdict, rounds) = drive(&policy, (5, None), &mut world);
    assert_eq!(verdict.reason, StopReason::Finished);
    assert_eq!(rounds.iter().map(Vec::len).collect::<Vec<_>>(), [6, 6, 6, 6, 2]);
    assert_eq!(policy.largest_run(), 26);
    for (round, stop) in rounds.iter().zip([6, 10, 14, 18]) {
        assert!(round.iter().all(|proposal| proposal.until == Until::Step(stop)));
    }
    assert!(rounds[0].iter().all(|proposal| (proposal.start, &proposal.noise) == (Start::Source, &Noise::Own)));
    for pair in rounds.windows(2) {
        let mut before: Vec<CandidateId> = pair[0].iter().map(|proposal| proposal.id).collect();
        before.sort_by(|a, b| scores[b].total_cmp(&scores[a]));
        for (n, proposal) in pair[1].iter().enumerate() {
            let parent = before[n % 2];
            assert_eq!(proposal.start, Start::Paused(parent), "the best two take turns");
            assert_eq!((proposal.lineage.parent, proposal.lineage.edge), (Some(parent), Edge::Resume));
            let noise = if proposal.until == Until::Finished { Noise::Own } else { Noise::Back(2) };
            assert_eq!(proposal.noise, noise);
        }
    }
    let ranked: Vec<CandidateId> = verdict.ranked.iter().map(|ranked| ranked.id).collect();
    let mut finished: Vec<CandidateId> = rounds[4].iter().map(|proposal| proposal.id).collect();
    finished.sort_by(|a, b| scores[b].total_cmp(&scores[a]));
    assert_eq!(ranked, finished);
}

#[test]
fn paths_that_go_on_are_no_further_edits() {
    let editor = EditorCard { pause: PauseSupport::Resume, steers_noise: true, steps: Some(20), ..editor_card("fake") };
    let cards = Cards { editors: vec![editor], rewards: vec![reward_card("judge")], critics: Vec::new() };
    let policy = paths(2, 3, STOPS);
    // Six up to step 6, then thrice six over four steps and two again, and two over the last two.
    let planned = policy.planned(&cards, u64::MAX).unwrap();
    assert_eq!((planned.edits, planned.judged), (6, 26));
    assert!((planned.work - (36.0 + 108.0 + 4.0) / 20.0).abs() < 1e-9, "{planned:?}");
    let most = policy.most(&cards, u64::MAX);
    assert_eq!((most.edits, most.judged), (8, 26));
    assert!((most.work - (36.0 + 108.0 + 40.0) / 20.0).abs() < 1e-9, "{most:?}");
}

/// Whatever the budget, there is a picture at the end: finishing is never spent on previews.
#[test]
fn some_path_is_finished_under_every_budget() {
    for size in [(2, 3), (1, 1), (1, 4), (5, 2)] {
        let policy = paths(size.0, size.1, STOPS);
        for calls in 1..=policy.largest_run() + 2 {
            let (verdict, rounds) = drive(&policy, (5, Some(calls)), &mut by_seed);
            let planned = calls >= policy.largest_run();
            assert!(!verdict.ranked.is_empty(), "{size:?} with {calls} judgements");
            let reason = if planned { StopReason::Finished } else { StopReason::Budget };
            assert_eq!(verdict.reason, reason, "{size:?} with {calls} judgements");
            let made = rounds.iter().map(Vec::len).sum::<usize>() as u64;
            assert!(made <= calls && (planned || made * 2 >= calls), "{size:?} with {calls} judgements made {made}");
        }
    }
}

#[test]
fn paths_whose_children_fail_are_finished_and_without_any_fresh_ones_are() {
    let policy = paths(2, 2, STOPS);
    let mut later = |proposal: &Proposal| match proposal.until {
        Until::Step(step) if step > 6 => failed(proposal.id),
        _ => by_seed(proposal),
    };
    let (verdict, rounds) = drive(&policy, (5, None), &mut later);
    assert_eq!(rounds.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
    assert!(rounds[2].iter().all(|proposal| matches!(proposal.start, Start::Paused(CandidateId(0..=3)))));
    assert_eq!((verdict.ranked.len(), verdict.reason), (2, StopReason::Finished));
    let mut all = |proposal: &Proposal| match proposal.until {
        Until::Step(_) => failed(proposal.id),
        Until::Finished => by_seed(proposal),
    };
    let (verdict, rounds) = drive(&policy, (5, None), &mut all);
    assert_eq!(rounds.iter().map(Vec::len).collect::<Vec<_>>(), [4, 2]);
    assert!(rounds[1].iter().all(|proposal| proposal.start == Start::Source));
    assert_eq!(verdict.ranked.len(), 2);
}

/// Equal previews are one path.
#[test]
fn copies_are_followed_once() {
    let mut same = |proposal: &Proposal| scored(proposal.id, Digest::from_bytes([1; 32]), 0.5);
    let (verdict, rounds) = drive(&paths(3, 2, STOPS), (5, None), &mut same);
    assert_eq!(rounds.iter().map(Vec::len).collect::<Vec<_>>(), [6, 2, 2, 2, 1]);
    assert_eq!(verdict.ranked.len(), 1);
}

#[test]
fn an_editor_that_does_not_say_its_steps_is_refused() {
    let cards = Cards { editors: vec![editor_card("x")], rewards: vec![reward_card("judge")], critics: Vec::new() };
    let decision =
        paths(2, 2, STOPS).start(&request(1), &cards).decide(&[], &Budget::default().after(&Ledger::default()));
    let Decision::Stop(Verdict { reason: StopReason::Stuck(why), .. }) = decision else { panic!("{decision:?}") };
    assert!(why.contains("how many steps"), "{why}");
}

#[test]
fn settings_that_cannot_be_are_named() {
    let size = PathSize { paths: 2, children: 2 };
    let of =
        |first, back, forward| PathSearch::new(size, PathStops { first, back, forward }, rules(StopRule::default()));
    for (stops, setting) in [
        (of(0.0, 0.1, 0.3), "first"),
        (of(0.3, f64::NAN, 0.3), "back"),
        (of(0.3, 0.1, 1.0), "forward"),
        (of(0.3, 0.3, 0.3), "forward"),
        (of(0.3, 0.3, 0.305), "forward"),
    ] {
        assert_eq!(stops.unwrap_err().setting, setting);
    }
    let steps = |cosine, narrowing| {
        NoiseSearch::new(SIZES, NoiseSteps { cosine, narrowing, restart_after: 1 }, rules(StopRule::default()))
    };
    for (steps, setting) in [
        (steps(1.0, 0.5), "cosine"),
        (steps(f64::NAN, 0.5), "cosine"),
        (steps(0.5, 0.0), "narrowing"),
        (steps(0.5, 1.5), "narrowing"),
    ] {
        assert_eq!(steps.unwrap_err().setting, setting);
    }
    let large = NoiseSearchSize { pivots: 1, neighbours: 1000, rounds: 1000 };
    assert_eq!(NoiseSearch::new(large, STEPS, rules(StopRule::default())).unwrap_err().setting, "rounds");
}
