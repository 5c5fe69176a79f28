//! What every policy keeps, whatever comes of its proposals: order of ids, budgets, an end, and no worse a best than
//! before.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::sync::Arc;

use editscale_core::{
    Budget, CandidateId, Consulted, CriticName, Critique, Decision, Digest, EditorCard, Failure, FailureKind, Ledger,
    Noise, Objective as _, PartName, PauseSupport, PerceptualHash, Proposal, Remaining, RewardName, Score, ScoreCard,
    SearchFactory, Seed, StopReason, Trial, Verdict,
};
use editscale_search::{
    Adaptation, Adaptive, Beam, BeamSize, BestOfN, Canvases, Checkpoint, DiverseTrees, EdgeMix, Expectation, Gate,
    Gated, Keep, Likeness, MeanRank, NoiseSearch, NoiseSearchSize, NoiseSteps, POLICIES, ParticleSettings, Particles,
    PathSearch, PathSize, PathStops, Pieces, PreviewPruning, PreviewRule, Price, Pruning, Reflection, ReflectionSize,
    RewardWeighted, RoutingSettings, Rules, StopRule, Thompson, Ties, TreesSize, Weighted, Weighting,
};
use editscale_testkit::{critic_card, critique, editor_card, request, reward_card};
use proptest::prelude::*;

fn judge() -> RewardName {
    RewardName::new("judge").unwrap()
}

fn rules(stop: StopRule) -> Rules {
    Rules { objective: Arc::new(Weighted::new(vec![(judge(), 1.0)]).unwrap()), stop }
}

const NOISE_SIZE: NoiseSearchSize = NoiseSearchSize { pivots: 3, neighbours: 4, rounds: 6 };
const NOISE_STEPS: NoiseSteps = NoiseSteps { cosine: 0.9, narrowing: 0.5, restart_after: 2 };
const PATH_SIZE: PathSize = PathSize { paths: 3, children: 2 };
const PATH_STOPS: PathStops = PathStops { first: 0.3, back: 0.1, forward: 0.3 };

/// An editor that can do everything that a policy may need.
fn able() -> EditorCard {
    EditorCard { pause: PauseSupport::Fork, steers_noise: true, steps: Some(28), ..editor_card("fake") }
}

/// What is drawn for a proposal: by its seed and what was done to its noise.
fn lot(proposal: &Proposal) -> Seed {
    match &proposal.noise {
        Noise::Turned(turns) => turns.iter().fold(proposal.seed, |lot, turn| lot.mix(turn.seed.get())),
        Noise::Own | Noise::Back(_) => proposal.seed,
    }
}

fn particles(keep: Keep) -> ParticleSettings {
    ParticleSettings { steps: Some(10), keep, ..ParticleSettings::new(3) }
}

const REFLECTION: ReflectionSize = ReflectionSize { samples: 5, width: 2, rounds: 6, show: 3 };

fn policies(rules: &Rules) -> Vec<Box<dyn SearchFactory>> {
    let edges = EdgeMix { re_edit: 2.0, edit_of_edit: 1.0, fresh: 1.0 };
    let size = TreesSize { trees: 3, children: 2, depth: 3 };
    let (near, ties) = (Likeness::new(Some(6), Some(0.98)).unwrap(), Ties::new(0.0).unwrap());
    let trees = DiverseTrees::new(size, edges, rules.clone()).unwrap();
    let price = Price::Cost(Pieces { edit: 0.02, reward: 0.01, preview: 0.0 });
    let adaptation = Adaptation { most: 24, probe: 4, round: 3, price, prior: None, optimism: 0.5 };
    vec![
        Box::new(Adaptive::new(adaptation, rules.clone()).unwrap()),
        Box::new(BestOfN::new(17, Some(5), rules.clone()).unwrap()),
        Box::new(Beam::new(BeamSize { width: 3, children: 2, depth: 4 }, edges, rules.clone()).unwrap()),
        Box::new(NoiseSearch::new(NOISE_SIZE, NOISE_STEPS, rules.clone()).unwrap()),
        Box::new(PathSearch::new(PATH_SIZE, PATH_STOPS, rules.clone()).unwrap()),
        Box::new(trees.deduplicated(near).settling(Some(ties))),
        Box::new(PreviewPruning::new(pruning(price), rules.clone()).unwrap()),
        Box::new(Particles::new(particles(Keep::Best), rules.clone()).unwrap()),
        Box::new(Particles::new(particles(Keep::Draw), rules.clone()).unwrap()),
        Box::new(Reflection::new(REFLECTION, Canvases::Mixed(0.5), None, rules.clone()).unwrap()),
        Box::new(Reflection::new(REFLECTION, Canvases::ReEdit, None, rules.clone()).unwrap().rewriting_first()),
        Box::new(RewardWeighted::new(11, 4, Weighting::TargetKl(0.4), rules.clone()).unwrap()),
        Box::new(Thompson::new(RoutingSettings::new(13), rules.clone()).unwrap()),
    ]
}

#[test]
fn no_policy_is_left_out() {
    let names = policies(&rules(StopRule::default())).into_iter().map(|policy| policy.revision());
    let tested: BTreeSet<String> = names.filter_map(|revision| Some(revision.split_once('/')?.0.to_owned())).collect();
    let known: BTreeSet<String> = POLICIES.iter().map(|kind| kind.name.to_owned()).collect();
    assert_eq!(tested, known);
}

/// Two checkpoints, three waves.
fn pruning(price: Price) -> Pruning {
    Pruning {
        samples: 6,
        most: 18,
        checkpoints: vec![Checkpoint::Share(0.25), Checkpoint::Step(14)],
        keep: 0.5,
        margin: Some(0.4),
        round: 2,
        expected: Expectation { correlation: 0.6, spread: Some(0.3), strength: 4.0 },
        price: Some(price),
        preview: PreviewRule::default(),
    }
}

/// What a scripted world makes of a proposal.
type World<'a> = dyn Fn(&Proposal) -> Option<f64> + 'a;

/// Drives a search to its end, checking its contract on the way. Answers with the verdict and all decisions.
fn drive(policy: &dyn SearchFactory, budget: Budget, world: &World<'_>) -> (Verdict, Vec<Decision>) {
    let cards = editscale_core::Cards {
        editors: vec![able()],
        rewards: vec![reward_card("judge")],
        critics: vec![critic_card("critic")],
    };
    let mut search = policy.start(&request(11), &cards);
    let (mut trials, mut decisions, mut spent) = (Vec::new(), Vec::new(), Ledger::default());
    let mut made = 0;
    loop {
        let left = budget.after(&spent);
        let decision = search.decide(&trials, &left);
        decisions.push(decision.clone());
        let proposals = match decision {
            Decision::Stop(verdict) => return (verdict, decisions),
            Decision::Explore { proposals, .. } => proposals,
            Decision::Rewrite { critic } => {
                assert_eq!((made, spent.reward_calls), (0, 0), "a request is rewritten before anything is made of it");
                assert!(left.amounts().reward_calls.is_none_or(|calls| calls >= 2), "words that nothing is made by");
                spent.reward_calls += 1;
                trials = vec![Trial::Rewritten { critic, written: Ok(critique("in other words")) }];
                continue;
            }
            Decision::Consult { who, .. } => {
                assert!(!who.is_empty(), "asked a critic about nobody");
                spent.reward_calls += who.len() as u64;
                trials = who.into_iter().map(remark).collect();
                continue;
            }
            other @ Decision::Judge { .. } => panic!("no policy asks for {other:?} yet"),
        };
        assert!(!proposals.is_empty(), "asked for nothing");
        let edits = proposals.iter().filter(|proposal| !proposal.goes_on()).count() as u64;
        assert!(edits <= left.amounts().edits.unwrap_or(u64::MAX), "asked for more than is left");
        spent.edits += edits;
        spent.reward_calls += proposals.len() as u64;
        let ids = (made..).map(CandidateId);
        made += proposals.len() as u32;
        assert!(u64::from(made) <= policy.largest_run(), "does not end");
        trials = proposals.iter().zip(ids).map(|(proposal, id)| trial(proposal, id, world)).collect();
    }
}

/// Every third candidate is written about in vain, every fifth is all right, and nothing is known to mend about every
/// seventh.
fn remark(Consulted { id, .. }: Consulted) -> Trial {
    let usual = critique(&format!("mend candidate {id}"));
    let written = match id.0 {
        n if n % 3 == 0 => Err(Failure::new(FailureKind::Malformed, "as scripted")),
        n if n % 5 == 0 => Ok(Critique { satisfied: true, ..usual }),
        n if n % 7 == 0 => Ok(Critique { instruction: None, ..usual }),
        _ => Ok(usual),
    };
    Trial::Critique { id, critic: CriticName::new("critic").unwrap(), written }
}

fn trial(proposal: &Proposal, next: CandidateId, world: &World<'_>) -> Trial {
    assert_eq!(proposal.id, next, "ids continue the ask order");
    match world(proposal) {
        None => Trial::Failed { id: next, why: Failure::new(FailureKind::Refused, "as scripted") },
        Some(score) => {
            let mut card = ScoreCard::default();
            let look = proposal.seed.mix(7);
            let point = Arc::from([1.0, look.unit() as f32]);
            card.enter(judge(), Ok(Score::new(score).unwrap().with_features(point)));
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&proposal.seed.mix(u64::from(next.0)).get().to_le_bytes());
            Trial::Scored {
                id: next,
                image: Digest::from_bytes(bytes),
                hash: Some(PerceptualHash(look.get() % 64)),
                card,
            }
        }
    }
}

proptest! {
    #[test]
    fn policies_keep_their_contract(
        edits in prop::option::of(0u64..40), fails in 0u64..=100, target in prop::option::of(0.5f64..1.0),
        patience in prop::option::of(1u32..4), salt in any::<u32>(),
    ) {
        let rules = rules(StopRule::new(target, patience).unwrap());
        let budget = Budget { edits, ..Budget::default() };
        let world = move |proposal: &Proposal| {
            let lot = lot(proposal).mix(u64::from(salt));
            (lot.get() % 100 >= fails).then(|| lot.mix(1).unit())
        };
        for policy in policies(&rules) {
            let (verdict, decisions) = drive(&*policy, budget, &world);
            let (again, same) = drive(&*policy, budget, &world);
            prop_assert_eq!(&verdict, &again);
            prop_assert_eq!(decisions, same);
            if fails == 100 {
                prop_assert!(verdict.ranked.is_empty());
            }
            if verdict.draw.is_none() {
                prop_assert!(verdict.ranked.windows(2).all(|pair| pair[0].utility >= pair[1].utility));
            } else {
                let sum: f64 = verdict.ranked.iter().filter_map(|ranked| ranked.selection_probability).sum();
                prop_assert!((sum - 1.0).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn a_target_ends_a_search_and_a_budget_of_nothing_begins_none() {
    let rules = rules(StopRule::new(Some(0.5), None).unwrap());
    for policy in policies(&rules) {
        let (verdict, _) = drive(&*policy, Budget::default(), &|_| Some(0.75));
        assert_eq!(verdict.reason, StopReason::Target, "{}", policy.revision());
        let nothing = Budget { edits: Some(0), ..Budget::default() };
        let (verdict, decisions) = drive(&*policy, nothing, &|_| Some(0.75));
        assert_eq!((verdict.reason, decisions.len()), (StopReason::Budget, 1));
    }
}

/// Ranks are at their best in every set: whether something better came is told by who leads.
#[test]
fn patience_under_ranks_waits_for_another_leader() {
    let stop = StopRule::new(None, Some(2)).unwrap();
    let rules = Rules { objective: Arc::new(MeanRank::new(vec![judge()]).unwrap()), stop };
    let policy = BestOfN::new(12, Some(2), rules).unwrap();
    for (step, reason, asked) in [(1.0, StopReason::Finished, 12), (-1.0, StopReason::Patience, 6)] {
        let (verdict, _) = drive(&policy, Budget::default(), &|proposal| Some(step * f64::from(proposal.id.0)));
        assert_eq!((verdict.reason, verdict.ranked.len()), (reason, asked), "scores by {step}");
    }
}

/// Journals hold these words, and are refused under others: they change only where decisions do.
#[test]
fn revisions_are_as_journals_have_them() {
    let objective = |rewards| Arc::new(MeanRank::new(rewards).unwrap());
    let both = StopRule::new(Some(0.5), Some(2)).unwrap();
    let expected = [
        "adaptive/1 most=24 probe=4 round=3 cost=0.02,0.01,0 optimism=0.5",
        "best_of_n/1 samples=17 round=5",
        "beam/1 width=3 children=2 depth=4 re_edit=2 edit_of_edit=1 fresh=1",
        "noise_search/1 pivots=3 neighbours=4 rounds=6 cosine=0.9 narrowing=0.5 restart_after=2",
        "path_search/2 paths=3 children=2 first=0.3 back=0.1 forward=0.3",
        "diverse_trees/1 trees=3 children=2 depth=3 re_edit=2 edit_of_edit=1 fresh=1 deduplicate.bits=6 of phash/1 \
         deduplicate.cosine=0.98 ties.centroid=0 by features or phash/1",
        "preview_pruning/2 samples=6 most=18 at=0.25,#14 keep=0.5 margin=0.4 round=2 correlation=0.6 spread=0.3 \
         strength=4 cost=0.02,0.01,0",
        "particles/2 particles=3 at=0.2,0.4,0.6,0.8 steps=10 relative_strength=2 increasing(0.008) max ssp ess=0.5 \
         keep=best renoise=none",
        "particles/2 particles=3 at=0.2,0.4,0.6,0.8 steps=10 relative_strength=2 increasing(0.008) max ssp ess=0.5 \
         keep=draw renoise=none",
        "reflection/1 samples=5 width=2 rounds=6 start=mixed:0.5 show=3",
        "reflection/1 samples=5 width=2 rounds=6 start=re_edit show=3 rewrite_first/2",
        "reward_weighted/1 samples=11 draw=4 TargetKl/2(0.4)",
        "thompson/1 samples=13 round=4 least=2 cost=budget drop_after=3",
    ];
    let revisions: Vec<String> = policies(&rules(both)).iter().map(|policy| policy.revision()).collect();
    assert_eq!(revisions, expected.map(|words| format!("{words} target_score=0.5 patience=2")));
    for (weighting, words) in
        [(Weighting::Temperature(1.0), "Temperature(1.0)"), (Weighting::TargetEss(2.5), "TargetEss/2(2.5)")]
    {
        let policy = RewardWeighted::new(4, 2, weighting, rules(StopRule::default())).unwrap();
        assert_eq!(policy.revision(), format!("reward_weighted/1 samples=4 draw=2 {words}"));
    }
    let by_ranks = Rules { objective: objective(vec![judge()]), stop: StopRule::new(None, Some(2)).unwrap() };
    let policy = BestOfN::new(4, Some(2), by_ranks).unwrap();
    assert_eq!(policy.revision(), "best_of_n/1 samples=4 round=2 patience=2 by_leader");
    let other = RewardName::new("other").unwrap();
    assert_eq!(objective(vec![judge(), other]).revision(), "mean_rank/1 judge other");
    let gates = vec![
        Gate { reward: judge(), part: None, at_least: 0.6 },
        Gate { reward: judge(), part: Some(PartName::new("likeness").unwrap()), at_least: -1.0 },
    ];
    let gated = Gated::new(rules(both).objective, gates);
    assert_eq!(gated.revision(), "weighted/1 judge*1 gated/1 judge>=0.6 judge.likeness>=-1");
}

#[test]
fn a_run_without_an_editor_is_stuck_and_not_out_of_budget() {
    let cards = editscale_core::Cards { editors: Vec::new(), rewards: vec![reward_card("judge")], critics: Vec::new() };
    for policy in policies(&rules(StopRule::default())) {
        let decision = policy.start(&request(11), &cards).decide(&[], &Remaining::default());
        let Decision::Stop(Verdict { reason: StopReason::Stuck(why), .. }) = decision else {
            panic!("{decision:?}");
        };
        assert_eq!(&*why, "the run has no editor");
    }
}

/// On a landscape where small steps lead uphill, refinement finds better than as many independent draws.
#[test]
fn a_beam_climbs_where_steps_lead_uphill() {
    let rules = rules(StopRule::default());
    // The score is how near the strength knob is to a peak that the seed puts somewhere off its default.
    let world = |proposal: &Proposal| {
        let strength = proposal.knobs.get("strength").unwrap_or(1.0).ln();
        let peak = 1.2 * (proposal.seed.mix(3).unit() - 0.5) + 0.7;
        Some((-(strength - peak).powi(2)).exp())
    };
    let edges = EdgeMix { re_edit: 1.0, edit_of_edit: 0.0, fresh: 0.0 };
    let beam = Beam::new(BeamSize { width: 2, children: 4, depth: 5 }, edges, rules.clone()).unwrap();
    let draws = BestOfN::new(beam.largest_run() as u32, None, rules).unwrap();
    let best = |policy: &dyn SearchFactory| drive(policy, Budget::default(), &world).0.ranked[0].utility.get();
    assert!(best(&beam) > best(&draws) + 0.005, "{} against {}", best(&beam), best(&draws));
}

#[test]
fn objectives_rank_as_they_say() {
    let card = |scores: &[(&str, f64)]| {
        let mut card = ScoreCard::default();
        for (name, score) in scores {
            card.enter(RewardName::new(name).unwrap(), Ok(Score::new(*score).unwrap()));
        }
        card
    };
    let cards =
        [card(&[("judge", 0.9), ("other", -3.0)]), card(&[("judge", 0.5), ("other", 2.0)]), card(&[("judge", 0.7)])];
    let cards: Vec<&ScoreCard> = cards.iter().collect();
    let names = || vec![judge(), RewardName::new("other").unwrap()];
    let numbers = |objective: &dyn editscale_core::Objective| -> Vec<Option<f64>> {
        objective.utilities(&cards).into_iter().map(|utility| utility.map(editscale_core::Utility::get)).collect()
    };
    let weighted = Weighted::new(names().into_iter().zip([3.0, 1.0]).collect()).unwrap();
    assert_eq!(numbers(&weighted), [Some((2.7 - 3.0) / 4.0), Some(3.5 / 4.0), None]);
    assert_eq!(numbers(&MeanRank::new(names()).unwrap()), [Some(-1.5), Some(-1.5), None]);
    let gates = vec![Gate { reward: judge(), part: None, at_least: 0.6 }];
    let alone = Arc::new(Weighted::new(vec![(judge(), 1.0)]).unwrap());
    assert_eq!(numbers(&Gated::new(alone, gates)), [Some(0.9), None, Some(0.7)]);
}
