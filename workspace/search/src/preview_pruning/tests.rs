//! The policy in a world whose previews tell something.

use editscale_core::{
    Budget, CandidateId, Decision, Digest, Edge, EditorCard, Failure, FailureKind, KnobName, KnobScale, KnobSpec,
    PauseSupport, Proposal, Seed, Start, StopReason, Trial, Until, Verdict,
};
use editscale_core::{Cost, Ledger, Remaining};
use editscale_study::normal_quantile;
use editscale_testkit::{editor_card, request, reward_card};
use proptest::prelude::*;

use super::*;
use crate::{StopRule, Weighted};

const STEPS: u32 = 20;

fn judge() -> RewardName {
    RewardName::new("judge").unwrap()
}

fn rules() -> Rules {
    let objective = Arc::new(Weighted::new(vec![(judge(), 1.0)]).unwrap());
    Rules { objective, stop: StopRule::default() }
}

fn settings() -> Pruning {
    Pruning {
        samples: 8,
        most: 8,
        checkpoints: vec![Checkpoint::Share(0.3), Checkpoint::Share(0.6)],
        keep: 0.5,
        margin: None,
        round: 1,
        expected: Expectation { correlation: 0.6, spread: None, strength: 4.0 },
        price: None,
        preview: PreviewRule::default(),
    }
}

fn pausing() -> EditorCard {
    let mut card = editor_card("fake");
    (card.pause, card.steps) = (PauseSupport::Resume, Some(STEPS));
    card.cost = Cost { nfe: u64::from(STEPS), ..Cost::default() };
    card
}

fn cards(editor: EditorCard) -> Cards {
    Cards { editors: vec![editor], rewards: vec![reward_card("judge")], critics: Vec::new() }
}

/// A standard normal number.
fn normal(seed: Seed, n: u64) -> f64 {
    normal_quantile(seed.mix(n).unit().clamp(1e-9, 1.0 - 1e-9))
}

/// What a candidate of this seed comes to.
fn worth(seed: Seed) -> f64 {
    normal(seed, 77)
}

/// What its preview scores at a step: correlated with what it comes to as far as its steps went, to a correlation of 0.8 at
/// step 12.
fn shown(seed: Seed, step: u32) -> f64 {
    let correlation = (f64::from(step) / 15.0).min(1.0);
    correlation * worth(seed) + (1.0 - correlation * correlation).sqrt() * normal(seed, u64::from(step))
}

fn score(proposal: &Proposal) -> f64 {
    let few = proposal.knobs.get("steps").map(|steps| steps as u32);
    match (proposal.until, few) {
        (Until::Step(step), _) | (_, Some(step)) => shown(proposal.seed, step),
        (Until::Finished, None) => worth(proposal.seed),
    }
}

fn trial(proposal: &Proposal, score: Option<f64>) -> Trial {
    let Some(score) = score else {
        return Trial::Failed { id: proposal.id, why: Failure::new(FailureKind::Refused, "as scripted") };
    };
    let mut card = ScoreCard::default();
    card.enter(judge(), Ok(Score::new(score).unwrap()));
    Trial::Scored { id: proposal.id, image: Digest::from_bytes([1; 32]), hash: None, card }
}

struct Ran {
    verdict: Verdict,
    rounds: Vec<Vec<Proposal>>,
    keeps: Vec<Vec<CandidateId>>,
    spent: Ledger,
}

/// Runs it, with every claim on the budget checked.
fn run(
    policy: &dyn SearchFactory,
    (seed, editor): (u64, EditorCard),
    budget: Budget,
    world: &dyn Fn(&Proposal) -> Option<f64>,
) -> Ran {
    let cards = cards(editor);
    let card = &cards.editors[0];
    let mut search = policy.start(&request(seed), &cards);
    let (mut trials, mut spent, mut next) = (Vec::new(), Ledger::default(), 0);
    let (mut rounds, mut keeps): (Vec<Vec<Proposal>>, Vec<Vec<CandidateId>>) = (Vec::new(), Vec::new());
    let mut reached = std::collections::BTreeMap::new();
    // What a preview itself takes is no part of this world; `tests/paused_budgets.rs` has it.
    let made = |until: Until| if let Until::Step(step) = until { step } else { STEPS };
    loop {
        let left: Remaining = budget.after(&spent);
        let (proposals, keep) = match search.decide(&trials, &left) {
            Decision::Explore { proposals, keep } => (proposals, keep),
            Decision::Stop(verdict) => return Ran { verdict, rounds, keeps, spent },
            other => panic!("{other:?}"),
        };
        assert!(!proposals.is_empty() && rounds.len() < 10_000);
        let mut reserved = Ledger::default();
        for proposal in &proposals {
            assert_eq!(proposal.id, CandidateId(next));
            next += 1;
            let edits = u64::from(!proposal.goes_on());
            let (from, bound) = match proposal.start {
                Start::Paused(id) => {
                    let held = keeps.last().is_some_and(|keep| keep.contains(&id));
                    let fresh = rounds.last().is_some_and(|last| last.iter().any(|one| one.id == id));
                    let before: &Proposal = &reached[&id];
                    // What was let go is made again from its beginning.
                    let from = if held || fresh { made(before.until) } else { 0 };
                    (from, card.rest_of(proposal, before, Cost::default()))
                }
                _ => (0, card.cost_of(proposal)),
            };
            reached.insert(proposal.id, proposal.clone());
            let nfe = if card.cost.nfe == 0 { 0 } else { u64::from(made(proposal.until) - from) };
            reserved.cost += bound;
            (reserved.edits, reserved.reward_calls) = (reserved.edits + edits, reserved.reward_calls + 1);
            spent.cost.nfe += nfe;
            (spent.edits, spent.reward_calls) = (spent.edits + edits, spent.reward_calls + 1);
        }
        assert!(left.pieces(&reserved) > 0, "asked for {reserved:?} of {left:?}");
        trials = proposals.iter().map(|proposal| trial(proposal, world(proposal))).collect();
        rounds.push(proposals);
        keeps.push(keep);
    }
}

fn policy(settings: Pruning) -> PreviewPruning {
    PreviewPruning::new(settings, rules()).unwrap()
}

#[test]
fn waves_are_halved_and_the_rest_is_finished_one_by_one() {
    let ran = run(&policy(settings()), (3, pausing()), Budget::default(), &|proposal| Some(score(proposal)));
    let shape: Vec<(usize, Until)> = ran.rounds.iter().map(|round| (round.len(), round[0].until)).collect();
    assert_eq!(shape, [(8, Until::Step(6)), (4, Until::Step(12)), (1, Until::Finished), (1, Until::Finished)]);
    assert_eq!((ran.spent.edits, ran.spent.cost.nfe), (8, 8 * 6 + 4 * 6 + 2 * 8));
    assert_eq!((ran.verdict.ranked.len(), &ran.verdict.reason), (2, &StopReason::Finished));
    // Those that go on are the better ones, by their own seeds; the winner is a finished candidate.
    let worst_kept = ran.rounds[1].iter().map(|one| shown(one.seed, 6)).fold(f64::INFINITY, f64::min);
    let better = ran.rounds[0].iter().filter(|one| shown(one.seed, 6) >= worst_kept).count();
    assert_eq!(better, 4);
    assert!(ran.rounds[1].iter().all(|one| one.goes_on() && one.lineage.edge == Edge::Resume));
    assert!(ran.verdict.ranked.iter().all(|ranked| ranked.id.0 >= 12));
    // What waits to be finished is held, and one more until something is finished.
    assert_eq!((ran.keeps[2].len(), ran.keeps[3].len()), (2, 0));
    assert!(ran.keeps[2].contains(&ran.rounds[3][0].lineage.parent.unwrap()));
}

#[test]
fn a_margin_and_gates_give_candidates_up_and_a_last_one_is_finished_all_the_same() {
    let near = Pruning { margin: Some(0.0), ..settings() };
    let ran = run(&policy(near), (3, pausing()), Budget::default(), &|proposal| Some(score(proposal)));
    assert_eq!(ran.rounds.iter().map(Vec::len).collect::<Vec<_>>(), [8, 1, 1]);
    let gate = |at_least| Gate { reward: judge(), part: None, at_least };
    let gated = |at_least| PreviewRule { reward: Some(judge()), gates: vec![gate(at_least)] };
    let strict = Pruning { preview: gated(100.0), ..settings() };
    let ran = run(&policy(strict), (3, pausing()), Budget::default(), &|proposal| Some(score(proposal)));
    assert_eq!(ran.rounds.iter().map(Vec::len).collect::<Vec<_>>(), [8, 1]);
    assert_eq!(ran.verdict.ranked.len(), 1, "better one that failed its gate than none");
    let best = ran.rounds[0].iter().map(|one| shown(one.seed, 6)).fold(f64::NEG_INFINITY, f64::max);
    assert!((shown(ran.rounds[1][0].seed, 6) - best).abs() < 1e-12);
}

#[test]
fn what_it_comes_to_is_known_before() {
    let wide = Pruning { samples: 5, most: 12, keep: 0.3, ..settings() };
    let mut drafting = editor_card("fake");
    let name = KnobName::new("steps").unwrap();
    drafting.knobs = vec![KnobSpec { name, low: 1.0, high: 50.0, default: 20.0, scale: KnobScale::Linear }];
    for (settings, editor) in [(settings(), pausing()), (wide.clone(), pausing()), (wide, drafting)] {
        let policy = policy(settings);
        for limit in [u64::MAX, 4] {
            let budget = Budget { edits: (limit < u64::MAX).then_some(limit), ..Budget::default() };
            let ran = run(&policy, (3, editor.clone()), budget, &|proposal| Some(score(proposal)));
            let planned = policy.planned(&cards(editor.clone()), limit).unwrap();
            if limit == u64::MAX {
                assert_eq!((ran.spent.edits, ran.spent.reward_calls), (planned.edits, planned.judged));
            }
            assert!(ran.spent.edits <= planned.edits && ran.spent.reward_calls <= planned.judged, "{planned:?}");
            if editor.cost.nfe > 0 && limit == u64::MAX {
                assert!((ran.spent.cost.nfe as f64 - planned.work * f64::from(STEPS)).abs() < 1e-9, "{planned:?}");
            }
        }
    }
    let whole = policy(settings());
    assert_eq!(whole.most(&cards(editor_card("fake")), 5), Extent::whole(5));
    assert_eq!(whole.planned(&cards(editor_card("fake")), 5), None);
}

#[test]
fn editors_that_cannot_pause_make_drafts_or_whole_candidates() {
    let mut drafting = editor_card("fake");
    let name = KnobName::new("steps").unwrap();
    drafting.knobs = vec![KnobSpec { name, low: 1.0, high: 50.0, default: 20.0, scale: KnobScale::Linear }];
    let ran = run(&policy(settings()), (3, drafting), Budget::default(), &|proposal| Some(score(proposal)));
    assert_eq!(ran.rounds.iter().map(Vec::len).collect::<Vec<_>>(), [8, 1, 1, 1, 1]);
    assert!(ran.rounds[0].iter().all(|one| one.knobs.get("steps") == Some(12.0)));
    let anew = &ran.rounds[1][0];
    let draft = ran.rounds[0].iter().find(|one| Some(one.id) == anew.lineage.parent).unwrap();
    assert_eq!((anew.seed, anew.start, anew.knobs.iter().count()), (draft.seed, Start::Source, 0));
    assert_eq!((ran.spent.edits, ran.verdict.ranked.len()), (12, 4));
    let ran = run(&policy(settings()), (3, editor_card("fake")), Budget::default(), &|proposal| Some(score(proposal)));
    assert_eq!((ran.spent.edits, ran.verdict.ranked.len()), (8, 8));
}

/// Costs in edits, judgements included, and the mean of the best, over many requests.
fn means(policy: &dyn SearchFactory) -> (f64, f64) {
    const REQUESTS: u64 = 300;
    let (mut cost, mut best) = (0.0, 0.0);
    for seed in 0..REQUESTS {
        let ran = run(policy, (seed, pausing()), Budget::default(), &|proposal| Some(score(proposal)));
        cost += ran.spent.cost.nfe as f64 / f64::from(STEPS) + 0.05 * ran.spent.reward_calls as f64;
        best += ran.verdict.ranked[0].utility.get();
    }
    (cost / REQUESTS as f64, best / REQUESTS as f64)
}

/// The first preview correlates with 0.4 and the last with 0.8, at 30% and 60% of the steps; a judgement costs 5% of an edit.
#[test]
#[expect(clippy::print_stdout, reason = "its figures stand in docs/search.md")]
fn previews_pay_where_they_tell_something() {
    let price = |edit: f64| Some(Price::Cost(Pieces { edit, reward: 0.05 * edit, preview: 0.0 }));
    let pruning = policy(Pruning { samples: 16, most: 32, price: price(0.02), ..settings() });
    let (cost, best) = means(&pruning);
    let plain = Adaptation { most: 64, ..pruning.settings.whole() };
    let (plain_cost, plain_best) = means(&Adaptive::new(plain, rules()).unwrap());
    // Found: 1.976 for 19.2 edits' worth, and 1.987 for 25.9 without previews.
    let words = format!("{best} for {cost}; without previews {plain_best} for {plain_cost}");
    println!("{words}");
    assert!(best - 0.02 * cost > plain_best - 0.02 * plain_cost + 0.08, "{words}");
    assert!(cost < 0.8 * plain_cost && best > plain_best - 0.05, "{words}");
}

#[test]
fn revisions_are_as_journals_have_them() {
    let gates = vec![Gate { reward: judge(), part: None, at_least: 0.5 }];
    let all = Pruning {
        margin: Some(0.25),
        checkpoints: vec![Checkpoint::Share(0.3), Checkpoint::Step(9)],
        price: Some(Price::Cost(Pieces { edit: 0.02, reward: 0.01, preview: 0.001 })),
        preview: PreviewRule { reward: Some(judge()), gates },
        ..settings()
    };
    assert_eq!(
        policy(all).revision(),
        "preview_pruning/2 samples=8 most=8 at=0.3,#9 keep=0.5 margin=0.25 round=1 correlation=0.6 strength=4 \
         cost=0.02,0.01,0.001 by=judge preview:judge>=0.5"
    );
}

proptest! {
    /// Whatever comes of its proposals: it ends within its budget, and has a picture where one could be had.
    #[test]
    fn it_ends_with_a_picture_within_any_budget(
        (edits, nfe, calls) in (prop::option::of(0u64..20), prop::option::of(0u64..300), prop::option::of(0u64..40)),
        (fails, equal, factor) in (0u64..=100, any::<bool>(), prop::sample::select(vec![1.0, 1e-300, 1e300, 0.02])),
        (samples, more, keep, round) in (1u32..12, 0u32..12, 0.01f64..1.0, 1u32..4),
        (margin, cost, salt) in (prop::option::of(0.0f64..2.0), prop::option::of(0.001f64..0.5), any::<u32>()),
    ) {
        let price = cost.map(|edit| Price::Cost(Pieces { edit, reward: 0.1 * edit, preview: 0.0 }));
        let pruning = Pruning { samples, most: samples + more, keep, margin, round, price, ..settings() };
        let budget = Budget { edits, nfe, reward_calls: calls, ..Budget::default() };
        let world = |proposal: &Proposal| {
            let lot = proposal.seed.mix(u64::from(salt) + u64::from(proposal.id.0));
            let score = if equal { 0.5 } else { score(proposal) };
            (lot.get() % 100 >= fails).then_some(factor * score)
        };
        let policy = policy(pruning);
        let ran = run(&policy, (u64::from(salt), pausing()), budget, &world);
        prop_assert!(ran.spent.edits <= u64::from(samples + more));
        let asked: usize = ran.rounds.iter().map(Vec::len).sum();
        prop_assert!(asked as u64 <= policy.largest_run());
        let most = policy.most(&cards(pausing()), edits.unwrap_or(u64::MAX));
        prop_assert!(ran.spent.edits <= most.edits, "{most:?}");
        if nfe.is_none() && calls.is_none() {
            prop_assert!(ran.spent.reward_calls <= most.judged, "{:?} of {most:?}", ran.spent);
            prop_assert!(ran.spent.cost.nfe as f64 <= most.work * f64::from(STEPS) + 1e-6, "{:?} of {most:?}", ran.spent);
        }
        let one = Ledger { edits: 1, reward_calls: 1, cost: pausing().cost, ..Ledger::default() };
        if fails == 0 && budget.after(&Ledger::default()).pieces(&one) > 0 {
            prop_assert!(!ran.verdict.ranked.is_empty(), "{:?}", ran.verdict);
        }
        prop_assert!(ran.verdict.ranked.windows(2).all(|pair| pair[0].utility >= pair[1].utility));
        // Nothing that was only previewed is ranked.
        let finished = |id: CandidateId| ran.rounds.iter().flatten().any(|one| one.id == id && one.until == Until::Finished);
        prop_assert!(ran.verdict.ranked.iter().all(|ranked| finished(ranked.id)));
    }
}
