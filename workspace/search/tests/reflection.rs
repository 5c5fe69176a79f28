//! Reflection in a world that is known: what a critic writes closes a gap, or does not, or is not there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use editscale_core::{
    Budget, CandidateId, Canvas, Cards, Consulted, Cost, CriticName, Critique, Decision, Digest, Earlier, Edge,
    Failure, FailureKind, Instruction, Ledger, Need, Proposal, RewardName, Score, ScoreCard, SearchFactory, Start,
    StopReason, Trial, Usd, Verdict,
};
use editscale_search::{BestOfN, Canvases, Reflection, ReflectionSize, Rules, StopRule, Weighted};
use editscale_testkit::{critic_card, editor_card, request, reward_card};
use proptest::prelude::*;

const SIZE: ReflectionSize = ReflectionSize { samples: 4, width: 2, rounds: 3, show: 2 };

fn judge() -> RewardName {
    RewardName::new("judge").unwrap()
}

fn rules(stop: StopRule) -> Rules {
    Rules { objective: Arc::new(Weighted::new(vec![(judge(), 1.0)]).unwrap()), stop }
}

fn reflection(size: ReflectionSize, canvases: Canvases) -> Reflection {
    Reflection::new(size, canvases, None, rules(StopRule::default())).unwrap()
}

/// A world in which an edit is a number that should be 1. From the source a seed makes `amount × luck` of it, from a
/// candidate it adds that to what the candidate has; the instruction says the amount, and the request's own asks for 1.
#[derive(Debug, Clone, Copy)]
struct World {
    /// The logarithm of the luck is within this.
    spread: f64,
    /// Which of a hundred critiques come to nothing.
    silence: u64,
    /// The amount that a critic asks for is off by this much.
    bias: f64,
    /// The amount that an editor makes of the request's own words.
    own: f64,
    /// What comes of asking for better words.
    first: First,
    /// What an editor does not accept, and how it fails.
    refused: Option<(&'static str, FailureKind)>,
}

/// What a critic makes of a request.
#[derive(Debug, Clone, Copy)]
enum First {
    /// The amount that it asks for.
    Words(f64),
    NoBetterWords,
    Nothing,
}

impl World {
    const KIND: Self = Self { spread: 0.8, silence: 0, bias: 0.0, own: 1.0, first: First::Words(1.0), refused: None };

    /// The request's own words are too weak, and nothing varies.
    const VAGUE: Self = Self { spread: 0.0, own: 0.25, ..Self::KIND };

    fn amount(self, proposal: &Proposal) -> f64 {
        proposal.instruction.strip_prefix("do ").map_or(self.own, |amount| amount.parse().unwrap())
    }

    fn rewrite(self, critic: CriticName) -> Trial {
        let written = |instruction| Ok(Critique { text: "of the request".into(), instruction, satisfied: false });
        let written = match self.first {
            First::Words(amount) => written(Some(Instruction::new(&format!("do {amount}")).unwrap())),
            First::NoBetterWords => written(None),
            First::Nothing => Err(Failure::new(FailureKind::Malformed, "as scripted")),
        };
        Trial::Rewritten { critic, written }
    }

    fn luck(self, proposal: &Proposal) -> f64 {
        (self.spread * (2.0 * proposal.seed.mix(5).unit() - 1.0)).exp()
    }
}

/// All that became of a run.
#[derive(Debug, Default)]
struct Told {
    made: BTreeMap<CandidateId, (Proposal, f64)>,
    rewritten: u32,
    consulted: Vec<(Vec<Consulted>, Vec<Earlier>)>,
    rounds: Vec<Vec<Proposal>>,
    spent: Ledger,
}

impl Told {
    fn make(&mut self, world: World, proposal: &Proposal) -> Trial {
        if let Some((_, kind)) = world.refused.filter(|(words, _)| *words == &*proposal.instruction) {
            return Trial::Failed { id: proposal.id, why: Failure::new(kind, "as scripted") };
        }
        let amount = world.amount(proposal);
        let from = match proposal.start {
            Start::Candidate(id) => self.made[&id].1,
            _ => 0.0,
        };
        let done = from + amount * world.luck(proposal);
        self.made.insert(proposal.id, (proposal.clone(), done));
        let mut card = ScoreCard::default();
        card.enter(judge(), Ok(Score::new(-(done - 1.0).abs()).unwrap()));
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&done.to_le_bytes());
        Trial::Scored { id: proposal.id, image: Digest::from_bytes(bytes), hash: None, card }
    }

    /// Measures what is missing, and asks for it: of the source all over again, of a candidate the rest.
    fn write(&self, world: World, Consulted { id, canvas }: Consulted) -> Trial {
        let (proposal, done) = &self.made[&id];
        if proposal.seed.mix(9).get() % 100 < world.silence {
            let written = Err(Failure::new(FailureKind::Malformed, "as scripted"));
            return Trial::Critique { id, critic: CriticName::new("critic").unwrap(), written };
        }
        let amount = world.amount(proposal);
        let next = match canvas {
            Canvas::Source => amount / done.max(0.05) + world.bias,
            Canvas::Candidate => 1.0 - done + world.bias,
        };
        let satisfied = (done - 1.0).abs() < 0.02;
        let instruction = (!satisfied).then(|| Instruction::new(&format!("do {next}")).unwrap());
        let critique = Critique { text: format!("{done} of 1").into(), instruction, satisfied };
        Trial::Critique { id, critic: CriticName::new("critic").unwrap(), written: Ok(critique) }
    }
}

fn cards(critique: Cost) -> Cards {
    let mut critic = critic_card("critic");
    critic.cost = critique;
    Cards { editors: vec![editor_card("fake")], rewards: vec![reward_card("judge")], critics: vec![critic] }
}

/// Plays a search to its end. No budget is exceeded on the way, and the best so far never drops.
fn play(policy: &dyn SearchFactory, budget: Budget, critique: Cost, world: World) -> (Verdict, Told) {
    let mut search = policy.start(&request(3), &cards(critique));
    let (mut told, mut trials) = (Told::default(), Vec::new());
    for _ in 0..10_000 {
        let left = budget.after(&told.spent);
        match search.decide(&trials, &left) {
            Decision::Stop(verdict) => {
                let best = told.made.values().map(|(_, done)| -(done - 1.0).abs()).fold(f64::NEG_INFINITY, f64::max);
                assert!(verdict.ranked.first().is_none_or(|first| (first.utility.get() - best).abs() < 1e-12));
                return (verdict, told);
            }
            Decision::Explore { proposals, .. } => {
                assert!(!proposals.is_empty());
                trials = proposals.iter().map(|proposal| told.make(world, proposal)).collect();
                let count = proposals.len() as u64;
                (told.spent.edits, told.spent.reward_calls) =
                    (told.spent.edits + count, told.spent.reward_calls + count);
                told.rounds.push(proposals);
            }
            Decision::Rewrite { critic } => {
                assert!(told.made.is_empty(), "a request is rewritten before anything is made of it");
                trials = vec![world.rewrite(critic)];
                told.rewritten += 1;
                told.spent.reward_calls += 1;
                told.spent.cost += critique;
            }
            Decision::Consult { who, earlier, .. } => {
                assert!(!who.is_empty());
                trials = who.iter().map(|consulted| told.write(world, *consulted)).collect();
                told.spent.reward_calls += who.len() as u64;
                who.iter().for_each(|_| told.spent.cost += critique);
                told.consulted.push((who, earlier));
            }
            Decision::Judge { .. } => panic!("nobody is judged again"),
        }
        let within = |limit: Option<u64>, spent: u64| limit.is_none_or(|limit| spent <= limit);
        assert!(within(budget.edits, told.spent.edits) && within(budget.reward_calls, told.spent.reward_calls));
        assert!(within(budget.usd.map(|usd| usd.micros), told.spent.cost.usd.micros));
    }
    panic!("does not end")
}

fn best(verdict: &Verdict) -> f64 {
    verdict.ranked[0].utility.get()
}

/// The gap closes, on either canvas, and as many independent draws do not get there.
#[test]
fn what_a_good_critic_writes_closes_the_gap() {
    for canvases in [Canvases::ReEdit, Canvases::EditOfEdit, Canvases::Mixed(0.5)] {
        let policy = reflection(SIZE, canvases);
        let (verdict, told) = play(&policy, Budget::default(), Cost::default(), World::KIND);
        let draws = BestOfN::new(told.spent.edits as u32, None, rules(StopRule::default())).unwrap();
        let (drawn, _) = play(&draws, Budget::default(), Cost::default(), World::KIND);
        assert!(best(&verdict) > -0.02, "{canvases:?}: {}", best(&verdict));
        assert!(best(&drawn) < best(&verdict), "{canvases:?}: {} drawn, {}", best(&drawn), best(&verdict));
        assert!(told.spent.edits <= policy.largest_run());
    }
}

/// On the source the seed stays at the first try, so that the instruction alone makes the difference.
#[test]
fn an_instruction_is_first_carried_out_as_the_picture_that_it_is_about() {
    let (_, told) = play(&reflection(SIZE, Canvases::ReEdit), Budget::default(), Cost::default(), World::KIND);
    let (who, earlier) = &told.consulted[0];
    assert_eq!((who.len(), earlier.len()), (2, 2));
    assert!(who.iter().all(|consulted| consulted.canvas == Canvas::Source));
    assert_eq!((who[0].id, who[1].id), (earlier[0].id, earlier[1].id), "the best, in their order");
    for (child, consulted) in told.rounds[1].iter().zip(who) {
        let (parent, _) = &told.made[&consulted.id];
        assert_eq!((child.seed, child.start), (parent.seed, Start::Source));
        assert_eq!((child.lineage.parent, child.lineage.edge), (Some(parent.id), Edge::ReEdit));
        assert_ne!(child.instruction, parent.instruction);
    }
}

/// A chain whose child is worse keeps its head; nothing is paid for what was written already, and another seed is tried.
#[test]
fn nobody_is_asked_about_twice() {
    let world = World { bias: 3.0, ..World::KIND };
    let size = ReflectionSize { samples: 4, width: 1, rounds: 5, show: 0 };
    let (verdict, told) = play(&reflection(size, Canvases::ReEdit), Budget::default(), Cost::default(), world);
    assert_eq!((told.consulted.len(), told.rounds.len()), (1, 6));
    assert_eq!(verdict.ranked[0].id, told.consulted[0].0[0].id, "the best is not the last");
    let seeds: Vec<_> = told.rounds[1..].iter().map(|round| round[0].seed).collect();
    assert!(seeds.iter().enumerate().all(|(n, seed)| !seeds[..n].contains(seed)), "{seeds:?}");
}

/// A critic that never gives an answer makes best of N of it.
#[test]
fn a_failed_critique_costs_a_fresh_draw() {
    let world = World { silence: 100, ..World::KIND };
    let (verdict, told) = play(&reflection(SIZE, Canvases::EditOfEdit), Budget::default(), Cost::default(), world);
    let draws = BestOfN::new(10, None, rules(StopRule::default())).unwrap();
    let (drawn, _) = play(&draws, Budget::default(), Cost::default(), world);
    assert_eq!((verdict.ranked, told.consulted.len()), (drawn.ranked, 3));
    assert!(told.made.values().all(|(proposal, _)| proposal.lineage.edge == Edge::Fresh));
}

/// A world in which all is well at once: the chains end, and the plan with them.
#[test]
fn a_satisfied_critic_ends_its_chain() {
    let world = World { spread: 0.0, ..World::KIND };
    let (verdict, told) = play(&reflection(SIZE, Canvases::ReEdit), Budget::default(), Cost::default(), world);
    // Equal pictures are one, so that the second chain has nobody to begin with and draws once.
    assert_eq!((verdict.reason, told.consulted.len()), (StopReason::Finished, 2));
    assert!(told.spent.edits < 10);
}

/// By hand: the request's own words make a quarter of it, "do 1" all of it; so the first candidates are as asked, and the chain ends.
#[test]
fn the_first_candidates_are_told_what_the_critic_wrote() {
    let plain = reflection(SIZE, Canvases::EditOfEdit);
    let (before, as_asked) = play(&plain, Budget::default(), Cost::default(), World::VAGUE);
    assert!(as_asked.rounds[0].iter().all(|proposal| &*proposal.instruction == "make it better"));
    assert_eq!((as_asked.rewritten, as_asked.made[&CandidateId(0)].1), (0, 0.25));
    let (after, told) = play(&plain.rewriting_first(), Budget::default(), Cost::default(), World::VAGUE);
    assert_eq!((told.rewritten, told.made[&CandidateId(0)].1, best(&after)), (1, 1.0, 0.0));
    assert_eq!(before.ranked.first().map(|first| first.id.0), Some(4), "without it an edit of an edit gets there");
    // Nothing but the words differs, and every fresh draw has them.
    assert_eq!((told.rounds[0].len(), told.rounds[1].len()), (1, 3), "words that may be refused are tried by one");
    for (one, other) in told.rounds[..2].iter().flatten().zip(&as_asked.rounds[0]) {
        assert_eq!(one, &Proposal { instruction: "do 1".into(), ..other.clone() });
    }
    let fresh = told.rounds.iter().flatten().filter(|proposal| proposal.lineage.edge == Edge::Fresh);
    assert!(fresh.clone().count() > 4, "the second chain has nobody to begin with");
    assert!(fresh.into_iter().all(|proposal| &*proposal.instruction == "do 1"));
}

/// A critic that fails, or knows nothing better, costs its call; and the run is the one that it would have been.
#[test]
fn without_better_words_the_request_stands_as_it_is() {
    for canvases in [Canvases::ReEdit, Canvases::Mixed(0.5)] {
        let plain = reflection(SIZE, canvases);
        let (verdict, as_asked) = play(&plain, Budget::default(), Cost::default(), World::KIND);
        for first in [First::Nothing, First::NoBetterWords] {
            let world = World { first, ..World::KIND };
            let (again, told) = play(&plain.clone().rewriting_first(), Budget::default(), Cost::default(), world);
            assert_eq!((&again, &told.rounds, told.rewritten), (&verdict, &as_asked.rounds, 1), "{first:?}");
            assert_eq!(told.spent.reward_calls, as_asked.spent.reward_calls + 1);
        }
    }
}

/// By hand: the editor refuses what the critic wrote, which the first candidate shows; every other one is made by the request's own words.
#[test]
fn words_that_the_editor_refuses_cost_one_candidate() {
    let plain = reflection(SIZE, Canvases::ReEdit);
    for kind in [FailureKind::Invalid, FailureKind::Refused] {
        let world = World { refused: Some(("do 1", kind)), silence: 100, ..World::KIND };
        let (verdict, told) = play(&plain.clone().rewriting_first(), Budget::default(), Cost::default(), world);
        let instructions: Vec<&str> = told.rounds.iter().flatten().map(|proposal| &*proposal.instruction).collect();
        assert_eq!(instructions, [&["do 1"][..], &["make it better"; 9]].concat(), "{kind:?}");
        assert_eq!((told.rounds[0].len(), told.rounds[1].len(), verdict.ranked.len()), (1, 3, 9));
    }
}

/// What is wrong with the editor and not with the words leaves them as they are.
#[test]
fn words_stand_where_it_was_not_they_that_failed() {
    let policy = reflection(SIZE, Canvases::ReEdit).rewriting_first();
    let world = World { refused: Some(("do 1", FailureKind::Crashed)), ..World::KIND };
    let (verdict, told) = play(&policy, Budget::default(), Cost::default(), world);
    assert!(verdict.ranked.is_empty());
    assert!(told.rounds.iter().flatten().all(|proposal| &*proposal.instruction == "do 1"));
}

/// A single sample that is refused, and a budget that ends at it: the rounds draw by the request's own words, and what was made is not lost.
#[test]
fn one_sample_and_one_edit_are_enough_to_go_by() {
    let size = ReflectionSize { samples: 1, width: 1, rounds: 2, show: 0 };
    let world = World { refused: Some(("do 1", FailureKind::Invalid)), silence: 100, ..World::KIND };
    let policy = reflection(size, Canvases::ReEdit).rewriting_first();
    let (verdict, told) = play(&policy, Budget::default(), Cost::default(), world);
    assert_eq!((told.rounds.len(), verdict.ranked.len(), &*told.rounds[1][0].instruction), (3, 2, "make it better"));
    let single = Budget { edits: Some(1), ..Budget::default() };
    let (verdict, _) =
        play(&reflection(SIZE, Canvases::ReEdit).rewriting_first(), single, Cost::default(), World::VAGUE);
    assert_eq!((verdict.reason, verdict.ranked.len()), (StopReason::Budget, 1));
}

/// The sample that is made alone is no round of its own for a rule that waits for something better.
#[test]
fn patience_counts_the_samples_as_one_round() {
    let stop = StopRule::new(None, Some(1)).unwrap();
    let policy = Reflection::new(SIZE, Canvases::ReEdit, None, rules(stop)).unwrap().rewriting_first();
    // Nothing varies, so that none of the other samples is better than the first.
    let world = World { first: First::Words(0.5), ..World::VAGUE };
    let (_, told) = play(&policy, Budget::default(), Cost::default(), world);
    assert_eq!((told.rounds[0].len(), told.rounds[1].len()), (1, 3));
    assert!(!told.consulted.is_empty());
}

/// Words by which nothing could be made are not asked for: what is left makes a candidate by the request's own.
#[test]
fn a_rewriting_leaves_the_budget_a_candidate() {
    let policy = reflection(SIZE, Canvases::ReEdit).rewriting_first();
    let paid = Cost { usd: Usd { micros: 2 }, ..Cost::default() };
    for (reward_calls, usd, cost, rewritten, made) in [
        (Some(1), None, Cost::default(), 0, 1),
        (Some(2), None, Cost::default(), 1, 1),
        (Some(3), None, Cost::default(), 1, 2),
        (None, Some(1), paid, 0, 4),
        (None, Some(2), paid, 1, 4),
    ] {
        let budget = Budget { reward_calls, usd: usd.map(|micros| Usd { micros }), ..Budget::default() };
        let (verdict, told) = play(&policy, budget, cost, World::VAGUE);
        let samples = told.rounds.iter().flatten().filter(|proposal| proposal.id.0 < SIZE.samples).count();
        assert_eq!((told.rewritten, samples), (rewritten, made), "{budget:?}");
        assert!(!verdict.ranked.is_empty(), "{budget:?}");
    }
}

#[test]
fn a_critic_that_does_not_rewrite_is_not_asked_to() {
    let mut cards = cards(Cost::default());
    cards.critics[0].rewrites = false;
    let policy = reflection(SIZE, Canvases::ReEdit).rewriting_first();
    assert!(policy.needs().contains(&Need::Rewriting) && !Need::Rewriting.lacking(&cards).is_empty());
    let decision = policy.start(&request(1), &cards).decide(&[], &Budget::default().after(&Ledger::default()));
    let Decision::Stop(Verdict { reason: StopReason::Stuck(why), .. }) = decision else { panic!("{decision:?}") };
    assert_eq!(&*why, "critic `critic` does not rewrite instructions");
    assert!(!reflection(SIZE, Canvases::ReEdit).needs().contains(&Need::Rewriting));
}

#[test]
fn a_run_that_lacks_the_critic_is_stuck() {
    let named = Some(CriticName::new("other").unwrap());
    let policy = Reflection::new(SIZE, Canvases::ReEdit, named, rules(StopRule::default())).unwrap();
    let decision =
        policy.start(&request(1), &cards(Cost::default())).decide(&[], &Budget::default().after(&Ledger::default()));
    assert!(matches!(decision, Decision::Stop(Verdict { reason: StopReason::Stuck(_), .. })), "{decision:?}");
}

#[test]
fn sizes_are_checked() {
    let rules = rules(StopRule::default());
    for (size, canvases, setting) in [
        (ReflectionSize { samples: 0, ..SIZE }, Canvases::ReEdit, "samples"),
        (ReflectionSize { width: 5, ..SIZE }, Canvases::ReEdit, "width"),
        (ReflectionSize { rounds: 0, ..SIZE }, Canvases::ReEdit, "rounds"),
        (ReflectionSize { samples: 1000, width: 1000, rounds: 100, ..SIZE }, Canvases::ReEdit, "rounds"),
        (ReflectionSize { show: 17, ..SIZE }, Canvases::ReEdit, "show"),
        (SIZE, Canvases::Mixed(f64::NAN), "edit_of_edit"),
    ] {
        let error = Reflection::new(size, canvases, None, rules.clone()).unwrap_err();
        assert_eq!(error.setting, setting, "{error}");
    }
}

proptest! {
    /// Whatever the budget, and whatever becomes of critiques: an end, nothing over the budget, nothing asked twice.
    #[test]
    fn budgets_are_kept(
        edits in prop::option::of(0u64..20), reward_calls in prop::option::of(0u64..30), usd in prop::option::of(0u64..9),
        silence in 0u64..=100, bias in -2.0f64..2.0, share in 0.0f64..=1.0, width in 1u32..=4,
        rewrites in any::<bool>(), first in prop_oneof![Just(First::Nothing), Just(First::NoBetterWords), Just(First::Words(0.9))],
    ) {
        let budget = Budget { edits, reward_calls, usd: usd.map(|micros| Usd { micros }), ..Budget::default() };
        let plain = reflection(ReflectionSize { width, ..SIZE }, Canvases::Mixed(share));
        let policy = if rewrites { plain.rewriting_first() } else { plain };
        let cost = Cost { usd: Usd { micros: 2 }, ..Cost::default() };
        let world = World { silence, bias, first, ..World::KIND };
        let (verdict, told) = play(&policy, budget, cost, world);
        let (again, _) = play(&policy, budget, cost, world);
        prop_assert_eq!(&verdict, &again);
        prop_assert!(told.rounds.iter().map(Vec::len).sum::<usize>() as u64 <= policy.largest_run());
        prop_assert!(told.rewritten <= u32::from(rewrites));
        // Who was written about well is not asked about again.
        let mut asked: BTreeMap<CandidateId, u32> = BTreeMap::new();
        for (who, _) in &told.consulted {
            for consulted in who {
                *asked.entry(consulted.id).or_default() += 1;
            }
        }
        if silence == 0 {
            prop_assert!(asked.values().all(|count| *count == 1), "{:?}", asked);
        }
    }
}
