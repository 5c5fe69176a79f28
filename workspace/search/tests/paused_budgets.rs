//! Budgets of policies that pause: what goes on takes what is left of it, whatever the budget counts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use editscale_core::{
    Budget, CandidateId, Cards, Cost, Decision, Digest, EditorCard, Ledger, Noise, PauseSupport, Proposal, RewardName,
    Score, ScoreCard, SearchFactory, Start, StopReason, Trial, Until, Usd, Verdict,
};
use editscale_search::{
    Checkpoint, Expectation, ParticleSettings, Particles, PathSearch, PathSize, PathStops, PreviewPruning, PreviewRule,
    Pruning, Rules, StopRule, Weighted,
};
use editscale_testkit::{editor_card, request, reward_card};
use proptest::prelude::*;

const STEPS: u32 = 10;
/// Three evaluations a step.
const WHOLE: Cost = Cost { nfe: 30, tokens: 70, usd: Usd { micros: 40_000 } };

fn judge() -> RewardName {
    RewardName::new("judge").unwrap()
}

fn rules() -> Rules {
    Rules { objective: Arc::new(Weighted::new(vec![(judge(), 1.0)]).unwrap()), stop: StopRule::default() }
}

fn policies() -> Vec<Box<dyn SearchFactory>> {
    let pruning = Pruning {
        samples: 6,
        most: 6,
        checkpoints: vec![Checkpoint::Share(0.3), Checkpoint::Share(0.6)],
        keep: 0.5,
        margin: None,
        round: 1,
        expected: Expectation { correlation: 0.6, spread: None, strength: 4.0 },
        price: None,
        preview: PreviewRule::default(),
    };
    let (size, stops) = (PathSize { paths: 2, children: 2 }, PathStops { first: 0.3, back: 0.1, forward: 0.3 });
    vec![
        Box::new(PreviewPruning::new(pruning, rules()).unwrap()),
        Box::new(Particles::new(ParticleSettings::new(4), rules()).unwrap()),
        Box::new(Particles::new(ParticleSettings { renoise: Some(1), ..ParticleSettings::new(4) }, rules()).unwrap()),
        Box::new(PathSearch::new(size, stops, rules()).unwrap()),
    ]
}

fn card() -> EditorCard {
    EditorCard { pause: PauseSupport::Fork, steers_noise: true, steps: Some(STEPS), cost: WHOLE, ..editor_card("fake") }
}

struct Ran {
    verdict: Verdict,
    rounds: Vec<Vec<Proposal>>,
    spent: Ledger,
}

/// Steps that the denoiser was asked about when a candidate was left: one more than were made, where somebody looked at it.
fn asked(until: Until) -> u32 {
    if let Until::Step(step) = until { step + 1 } else { STEPS }
}

/// What a diffusion model counts: the answer that a preview was made of is that of the next step, unless steps are taken back.
fn evaluations(proposal: &Proposal, paused: Option<&Proposal>) -> u64 {
    let from = match (paused, &proposal.noise) {
        (None, _) => 0,
        (Some(paused), Noise::Back(back)) => asked(paused.until) - 1 - back,
        (Some(paused), _) => asked(paused.until),
    };
    u64::from(3 * (asked(proposal.until) - from))
}

/// Drives a search to its end and admits each candidate as a run does, which all of them must pass.
fn run(policy: &dyn SearchFactory, budget: Budget) -> Ran {
    let (card, mut made) = (card(), BTreeMap::<CandidateId, (Proposal, Cost)>::new());
    let cards = Cards { editors: vec![card.clone()], rewards: vec![reward_card("judge")], critics: Vec::new() };
    let mut search = policy.start(&request(7), &cards);
    let (mut trials, mut rounds, mut spent) = (Vec::new(), Vec::new(), Ledger::default());
    loop {
        let left = budget.after(&spent);
        let proposals = match search.decide(&trials, &left) {
            Decision::Explore { proposals, .. } => proposals,
            Decision::Stop(verdict) => return Ran { verdict, rounds, spent },
            other => panic!("{other:?}"),
        };
        let mut open = left;
        trials.clear();
        for proposal in &proposals {
            let before = if let Start::Paused(id) = proposal.start { made.get(&id) } else { None };
            let (edits, paid) = (u64::from(before.is_none()), before.map_or(Cost::default(), |(_, paid)| *paid));
            let bound =
                before.map_or_else(|| card.cost_of(proposal), |(paused, _)| card.rest_of(proposal, paused, paid));
            let piece = Ledger { edits, reward_calls: 1, cost: bound, ..Ledger::default() };
            open = open.less(1, &piece).unwrap_or_else(|| panic!("{}: {piece:?} of {left:?}", policy.revision()));
            let nfe = evaluations(proposal, before.map(|(paused, _)| paused));
            // An edit is paid at its beginning.
            let cost = if edits == 1 { Cost { nfe, ..WHOLE } } else { Cost { nfe, ..Cost::default() } };
            assert!(cost.nfe <= bound.nfe, "{}: {cost:?} beyond {bound:?}", policy.revision());
            spent.cost += cost;
            (spent.edits, spent.reward_calls) = (spent.edits + edits, spent.reward_calls + 1);
            let mut all = paid;
            all += cost;
            made.insert(proposal.id, (proposal.clone(), all));
            trials.push(scored(proposal));
        }
        rounds.push(proposals);
    }
}

fn scored(proposal: &Proposal) -> Trial {
    let id = proposal.id;
    let mut card = ScoreCard::default();
    card.enter(judge(), Ok(Score::new(proposal.seed.mix(u64::from(id.0)).unit()).unwrap()));
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&id.0.to_le_bytes());
    Trial::Scored { id, image: Digest::from_bytes(bytes), hash: None, card }
}

/// Budgets that have exactly what was spent, each of one thing alone.
fn exactly(spent: &Ledger) -> [Budget; 5] {
    let none = Budget::default();
    [
        Budget { edits: Some(spent.edits), ..none },
        Budget { reward_calls: Some(spent.reward_calls), ..none },
        Budget { nfe: Some(spent.cost.nfe), ..none },
        Budget { tokens: Some(spent.cost.tokens), ..none },
        Budget { usd: Some(spent.cost.usd), ..none },
    ]
}

#[test]
fn the_budget_of_what_a_run_takes_runs_all_of_it() {
    for policy in policies() {
        let free = run(&*policy, Budget::default());
        assert_eq!(free.verdict.reason, StopReason::Finished, "{}", policy.revision());
        for budget in exactly(&free.spent) {
            // Where only some copies are taken back, the most that they take is more than they took.
            if policy.revision().ends_with("renoise=1") && budget.nfe.is_some() {
                continue;
            }
            let same = run(&*policy, budget);
            assert_eq!(same.rounds, free.rounds, "{} with {budget:?}", policy.revision());
            assert_eq!((same.verdict, same.spent), (free.verdict.clone(), free.spent), "{budget:?}");
        }
    }
}

/// Particles take as many evaluations as that many whole edits.
#[test]
fn particles_pass_their_checkpoints_at_the_price_of_whole_edits() {
    let policy = Particles::new(ParticleSettings::new(4), rules()).unwrap();
    let ran = run(&policy, Budget { nfe: Some(120), ..Budget::default() });
    assert_eq!((ran.rounds.len(), ran.spent.cost.nfe, ran.spent.edits), (5, 120, 4));
}

/// A candidate that goes on is no further edit.
#[test]
fn paths_are_as_many_edits_as_are_begun() {
    let (size, stops) = (PathSize { paths: 2, children: 2 }, PathStops { first: 0.3, back: 0.1, forward: 0.3 });
    let policy = PathSearch::new(size, stops, rules()).unwrap();
    let ran = run(&policy, Budget { edits: Some(4), ..Budget::default() });
    assert_eq!((ran.rounds.len(), ran.spent.edits, ran.verdict.reason), (5, 4, StopReason::Finished));
}

proptest! {
    /// Whatever the budget: nothing that was asked for is refused, nothing is overspent, and one whole edit is a picture.
    #[test]
    fn a_budget_of_one_edit_has_a_picture(
        (nfe, calls) in (30u64..300, prop::option::of(1u64..60)),
        (edits, tokens, usd) in (prop::option::of(1u64..8), prop::option::of(70u64..600), prop::option::of(40_000u64..300_000)),
    ) {
        let usd = usd.map(|micros| Usd { micros });
        let budget = Budget { edits, reward_calls: calls, nfe: Some(nfe), tokens, usd, ..Budget::default() };
        for policy in policies() {
            let ran = run(&*policy, budget);
            prop_assert!(!ran.verdict.ranked.is_empty(), "{} with {:?}: {:?}", policy.revision(), budget, ran.verdict);
            prop_assert!(ran.spent.cost.nfe <= nfe, "{} with {:?}: {:?}", policy.revision(), budget, ran.spent);
        }
    }
}
