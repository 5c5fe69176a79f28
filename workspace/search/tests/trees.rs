//! Beam and diverse trees on worlds made for them: where each wins and loses at equal cost, which candidates have children,
//! and which of equally good ones wins.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use editscale_core::{
    Budget, CandidateId, Cards, Decision, Digest, Edge, Failure, FailureKind, Ledger, PerceptualHash, Proposal,
    RewardName, Score, ScoreCard, SearchFactory, Seed, Trial, Verdict,
};
use editscale_search::{
    Beam, BeamSize, BestOfN, DiverseTrees, EdgeMix, Likeness, Rules, StopRule, Ties, TreesSize, Weighted,
};
use editscale_testkit::{editor_card, request, reward_card};
use proptest::prelude::*;

const RE_EDITS: EdgeMix = EdgeMix { re_edit: 1.0, edit_of_edit: 0.0, fresh: 0.0 };

fn judge() -> RewardName {
    RewardName::new("judge").unwrap()
}

fn rules() -> Rules {
    let objective = Weighted::new(vec![(judge(), 1.0)]).unwrap();
    Rules { objective: Arc::new(objective), stop: StopRule::default() }
}

/// What a world makes of a proposal.
#[derive(Clone)]
struct Made {
    score: Score,
    hash: Option<PerceptualHash>,
    picture: u64,
}

/// A picture of its own with a score.
fn made(proposal: &Proposal, score: f64) -> Made {
    let picture = proposal.id.0.into();
    Made { score: Score::new(score).unwrap(), hash: None, picture }
}

/// A run as it went.
struct Run {
    verdict: Verdict,
    rounds: Vec<Vec<Proposal>>,
    made: BTreeMap<CandidateId, Made>,
}

impl Run {
    fn best(&self) -> f64 {
        self.verdict.ranked.first().map_or(f64::NEG_INFINITY, |ranked| ranked.utility.get())
    }

    fn asked(&self) -> usize {
        self.rounds.iter().map(Vec::len).sum()
    }
}

fn drive(policy: &dyn SearchFactory, seed: u64, edits: Option<u64>, world: &dyn Fn(&Proposal) -> Option<Made>) -> Run {
    let cards = Cards { editors: vec![editor_card("fake")], rewards: vec![reward_card("judge")], critics: Vec::new() };
    let budget = Budget { edits, ..Budget::default() };
    let mut search = policy.start(&request(seed), &cards);
    let (mut trials, mut spent) = (Vec::new(), Ledger::default());
    let (mut rounds, mut all) = (Vec::new(), BTreeMap::new());
    loop {
        let proposals = match search.decide(&trials, &budget.after(&spent)) {
            Decision::Stop(verdict) => return Run { verdict, rounds, made: all },
            Decision::Explore { proposals, .. } => proposals,
            other => panic!("{other:?}"),
        };
        spent.edits += proposals.len() as u64;
        trials = proposals.iter().map(|proposal| trial(proposal, world, &mut all)).collect();
        rounds.push(proposals);
    }
}

fn trial(
    proposal: &Proposal,
    world: &dyn Fn(&Proposal) -> Option<Made>,
    all: &mut BTreeMap<CandidateId, Made>,
) -> Trial {
    let id = proposal.id;
    let Some(made) = world(proposal) else {
        return Trial::Failed { id, why: Failure::new(FailureKind::Refused, "as scripted") };
    };
    all.insert(id, made.clone());
    let (mut card, mut bytes) = (ScoreCard::default(), [0; 32]);
    card.enter(judge(), Ok(made.score));
    bytes[..8].copy_from_slice(&made.picture.to_le_bytes());
    Trial::Scored { id, image: Digest::from_bytes(bytes), hash: made.hash, card }
}

fn strength(proposal: &Proposal) -> f64 {
    proposal.knobs.get("strength").unwrap_or(1.0).ln()
}

/// Two kinds of seeds. One of four looks good at once and hardly gets better, however its knob is turned. The others look worse
/// until their knob is near its place, which is two steps away at least, and are far better there.
fn two_hills(proposal: &Proposal) -> Made {
    let seed = proposal.seed;
    let direction = if seed.mix(2).unit() < 0.5 { -1.0 } else { 1.0 };
    let way = direction * strength(proposal) / 1.1;
    let score = match (seed.mix(1).unit() < 0.25, way) {
        (true, _) => 0.55 + 0.02 * way.min(1.0),
        (false, 0.68..) => 0.9,
        (false, _) => 0.2 + 0.25 * way,
    };
    made(proposal, score + 0.02 * seed.mix(3).unit())
}

/// One hill for all seeds, steep near its top.
fn one_hill(proposal: &Proposal) -> Made {
    made(proposal, -(strength(proposal) - 1.3).abs())
}

/// The mean of what the best of a beam and of trees of equal cost is, over as many requests.
fn compared(world: fn(&Proposal) -> Made, requests: u64) -> (f64, f64) {
    let beam = Beam::new(BeamSize { width: 4, children: 4, depth: 6 }, RE_EDITS, rules()).unwrap();
    let trees = DiverseTrees::new(TreesSize { trees: 4, children: 4, depth: 6 }, RE_EDITS, rules()).unwrap();
    let mean = |policy: &dyn SearchFactory| {
        let best = (0..requests).map(|seed| {
            let run = drive(policy, seed, None, &|proposal| Some(world(proposal)));
            assert_eq!(run.asked(), 112, "equal cost");
            run.best()
        });
        best.sum::<f64>() / requests as f64
    };
    (mean(&beam), mean(&trees))
}

/// A beam gives all children to the hill that looks best at first; a tree among several stays on the other.
#[test]
fn trees_find_the_hill_that_a_beam_leaves() {
    let (beam, trees) = compared(two_hills, 200);
    assert!(trees > beam + 0.05, "trees {trees}, beam {beam}");
    assert!(
        (trees - 0.832).abs() < 0.001 && (beam - 0.586).abs() < 0.001,
        "as told in docs/search.md: {trees}, {beam}"
    );
}

/// On a single hill everything that a tree behind the first does is in vain.
#[test]
fn a_beam_climbs_a_single_hill_further_than_trees() {
    let (beam, trees) = compared(one_hill, 200);
    assert!(beam > trees + 0.02, "trees {trees}, beam {beam}");
    assert!(
        (trees + 0.073).abs() < 0.001 && (beam + 0.041).abs() < 0.001,
        "as told in docs/search.md: {trees}, {beam}"
    );
}

/// The tree of each candidate: that of its parent, or the place in its first round.
fn tree(run: &Run, trees: usize, id: CandidateId) -> usize {
    let proposal = run.rounds.iter().flatten().find(|proposal| proposal.id == id).unwrap();
    proposal.lineage.parent.map_or(id.0 as usize % trees, |parent| tree(run, trees, parent))
}

#[test]
fn every_tree_grows_from_its_own_best_and_takes_its_turn() {
    let policy = DiverseTrees::new(TreesSize { trees: 3, children: 2, depth: 3 }, RE_EDITS, rules()).unwrap();
    let world = |proposal: &Proposal| Some(made(proposal, proposal.seed.mix(4).unit() - strength(proposal)));
    for seed in 0..20 {
        let run = drive(&policy, seed, None, &world);
        for (depth, round) in run.rounds.iter().enumerate().skip(1) {
            let before = CandidateId(round[0].id.0);
            let best = |of: usize| {
                let members = run.made.range(..before).filter(|(id, _)| tree(&run, 3, **id) == of);
                members.max_by(|a, b| a.1.score.mean().total_cmp(&b.1.score.mean())).unwrap()
            };
            let mut expected: Vec<(CandidateId, f64)> =
                (0..3).map(best).map(|(id, made)| (*id, made.score.mean())).collect();
            expected.sort_by(|a, b| b.1.total_cmp(&a.1));
            let parents: Vec<CandidateId> = round.iter().filter_map(|proposal| proposal.lineage.parent).collect();
            let turns: Vec<CandidateId> = expected.iter().chain(&expected).map(|(id, _)| *id).collect();
            assert_eq!(parents, turns, "seed {seed}, depth {depth}");
        }
    }
}

#[test]
fn a_short_budget_leaves_out_the_trees_that_are_behind() {
    let policy = DiverseTrees::new(TreesSize { trees: 3, children: 2, depth: 3 }, RE_EDITS, rules()).unwrap();
    let world = |proposal: &Proposal| Some(made(proposal, proposal.seed.mix(4).unit()));
    let whole = drive(&policy, 1, None, &world);
    for edits in 0..=24 {
        let run = drive(&policy, 1, Some(edits), &world);
        let all: Vec<&Proposal> = whole.rounds.iter().flatten().take(edits as usize).collect();
        assert_eq!(run.rounds.iter().flatten().collect::<Vec<_>>(), all, "{edits} edits: the beginning of the whole");
    }
}

#[test]
fn a_tree_without_a_candidate_of_its_own_begins_anew() {
    let policy = DiverseTrees::new(TreesSize { trees: 2, children: 2, depth: 1 }, RE_EDITS, rules()).unwrap();
    // Candidates 1 and 3, the second tree, fail; or they are copies of the first.
    let failing = |proposal: &Proposal| proposal.id.0.is_multiple_of(2).then(|| made(proposal, 0.5));
    let copying = |proposal: &Proposal| Some(Made { picture: 7, ..made(proposal, 0.5) });
    for world in [&failing as &dyn Fn(&Proposal) -> Option<Made>, &copying] {
        let run = drive(&policy, 3, None, world);
        let edges: Vec<Edge> = run.rounds[1].iter().map(|proposal| proposal.lineage.edge).collect();
        assert_eq!(edges, [Edge::ReEdit, Edge::Fresh, Edge::ReEdit, Edge::Fresh]);
    }
}

/// Every measure, on candidates of one round: what has children in the next.
#[test]
fn of_near_copies_the_best_has_children() {
    // Score, hash, features.
    let candidates: [(f64, Option<u64>, &[f32]); 6] = [
        (0.5, Some(0b0000), &[1.0, 0.0]),
        (0.9, Some(0b0001), &[1.0, 0.01]),
        (0.8, Some(0b0011), &[0.0, 1.0]),
        (0.7, Some(0b1111_1111), &[1.0, 0.1]),
        (0.6, None, &[1.0, 0.02]),
        (0.4, Some(0b1111_1110), &[]),
    ];
    let world = move |proposal: &Proposal| {
        let (score, hash, features) = candidates[proposal.id.0 as usize % 6];
        let score = Score::new(score).unwrap().with_features(features.into());
        Some(Made { score, hash: hash.map(PerceptualHash), picture: proposal.id.0.into() })
    };
    for (bits, cosine, expected) in [
        (None, None, vec![1, 2, 3, 4, 0, 5]),
        // 2 and 0 are within one bit of 1, and 5 of 3; 4 has no hash.
        (Some(1), None, vec![1, 3, 4]),
        (Some(0), None, vec![1, 2, 3, 4, 0, 5]),
        // All but 2 point along 1, as 3 does less.
        (None, Some(0.9999), vec![1, 2, 3, 5]),
        (None, Some(0.98), vec![1, 2, 5]),
        // Both must say so: 2 is near 1 by hash and not by features. Where one is missing, the other tells.
        (Some(1), Some(0.9999), vec![1, 2, 3]),
    ] {
        let size = BeamSize { width: 6, children: 1, depth: 1 };
        let beam = Beam::new(size, RE_EDITS, rules()).unwrap();
        let beam = beam.deduplicated(Likeness::new(bits, cosine).unwrap());
        let run = drive(&beam, 1, None, &world);
        let mut parents: Vec<u32> =
            run.rounds[1].iter().filter_map(|child| child.lineage.parent.map(|id| id.0)).collect();
        parents.truncate(expected.len());
        assert_eq!(parents, expected, "{bits:?} {cosine:?}");
        let again = run.rounds[1].get(expected.len()).and_then(|child| child.lineage.parent.map(|id| id.0));
        assert_eq!(again, (expected.len() < 6).then_some(1), "{bits:?} {cosine:?}: then the first again");
        assert_eq!(beam.looks(), bits.is_some());
    }
}

#[test]
fn a_tree_takes_its_next_best_where_its_best_is_a_copy() {
    let policy = DiverseTrees::new(TreesSize { trees: 2, children: 2, depth: 1 }, RE_EDITS, rules()).unwrap();
    let policy = policy.deduplicated(Likeness::new(Some(2), None).unwrap());
    // The first tree has 0 and 2, the second 1 and 3; 1 looks like 0.
    let world = |proposal: &Proposal| {
        let (score, hash) = [(0.9, 0), (0.8, 1), (0.1, 0xff00), (0.2, 0x00ff)][proposal.id.0 as usize % 4];
        Some(Made { hash: Some(PerceptualHash(hash)), ..made(proposal, score) })
    };
    let run = drive(&policy, 1, None, &world);
    let parents: Vec<u32> = run.rounds[1].iter().filter_map(|child| child.lineage.parent.map(|id| id.0)).collect();
    assert_eq!(parents, [0, 3, 0, 3]);
}

#[test]
fn of_equal_candidates_the_one_in_their_middle_wins() {
    // Score, σ, hash, features.
    type Candidate = (f64, Option<f64>, Option<u64>, &'static [f32]);
    let check = |candidates: &[Candidate], within: f64, expected: &[u32]| {
        let world = |proposal: &Proposal| {
            let (score, sigma, hash, features) = candidates[proposal.id.0 as usize % candidates.len()];
            let score = Score::with_sigma(score, sigma).unwrap().with_features(features.into());
            Some(Made { score, hash: hash.map(PerceptualHash), picture: proposal.id.0.into() })
        };
        let size = BeamSize { width: candidates.len() as u32, children: 1, depth: 1 };
        let beam = Beam::new(size, RE_EDITS, rules()).unwrap().settling(Some(Ties::new(within).unwrap()));
        let run = drive(&beam, 1, Some(candidates.len() as u64), &world);
        let ranked: Vec<u32> = run.verdict.ranked.iter().map(|ranked| ranked.id.0).collect();
        assert_eq!(ranked, expected, "{candidates:?} within {within}");
        assert!(beam.looks(), "hashes decide where features are missing");
    };
    let features: [Candidate; 4] = [
        (0.5, None, None, &[0.0, 1.0]),
        (0.5, None, None, &[1.0, 0.0]),
        (0.5, None, None, &[1.0, 0.1]),
        (0.7, None, None, &[0.0, -1.0]),
    ];
    check(&features, 0.0, &[3, 2, 1, 0]);
    check(&features, 0.2, &[1, 2, 0, 3]);
    let hashes: [Candidate; 4] = [
        (0.5, None, Some(0xffff), &[1.0]),
        (0.5, None, Some(0b001), &[]),
        (0.5, None, Some(0b011), &[1.0]),
        (0.5, None, Some(0b111), &[1.0]),
    ];
    check(&hashes, 0.0, &[2, 3, 1, 0]);
    // Nobody looks: the surer comes first, then the earlier one.
    let sigmas: [Candidate; 4] = [
        (0.5, None, None, &[]),
        (0.5, Some(0.2), None, &[]),
        (0.5, Some(0.1), Some(1), &[]),
        (0.5, Some(0.2), None, &[]),
    ];
    check(&sigmas, 0.0, &[2, 1, 3, 0]);
}

#[test]
fn settings_that_cannot_be_are_refused() {
    for (bits, cosine) in [(Some(33), None), (None, Some(0.0)), (None, Some(1.5)), (None, Some(f64::NAN))] {
        assert!(Likeness::new(bits, cosine).is_err(), "{bits:?} {cosine:?}");
    }
    for within in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(Ties::new(within).is_err(), "{within}");
    }
    for (trees, children, depth) in [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1001, 1, 1), (1000, 1000, 1)] {
        assert!(DiverseTrees::new(TreesSize { trees, children, depth }, RE_EDITS, rules()).is_err());
    }
}

proptest! {
    /// Whatever happens: no more than is planned or left, an end, and a best of each round that is no worse than before.
    #[test]
    fn trees_keep_their_contract(
        size in (1u32..6, 1u32..4, 1u32..5), edits in prop::option::of(0u64..60), fails in 0u64..=100,
        levels in 1u64..50, looks in 1u64..9, bits in prop::option::of(0u32..5), cosine in prop::option::of(0.1f64..1.0),
        scale in prop_oneof![Just(1.0), Just(1e-300), Just(1e300), Just(0.0)], salt in any::<u32>(),
    ) {
        let (trees, children, depth) = size;
        let edges = EdgeMix { re_edit: 1.0, edit_of_edit: 1.0, fresh: 1.0 };
        let near = Likeness::new(bits, cosine).unwrap();
        let policy = DiverseTrees::new(TreesSize { trees, children, depth }, edges, rules()).unwrap().deduplicated(near);
        let world = |proposal: &Proposal| {
            let lot = proposal.seed.mix(u64::from(salt)).mix(proposal.id.0.into());
            let score = (lot.mix(1).get() % levels) as f64 * scale;
            let point = Arc::from([1.0f32, (lot.mix(2).get() % looks) as f32]);
            let hash = (!lot.mix(3).get().is_multiple_of(4)).then(|| PerceptualHash(lot.mix(2).get() % looks));
            let score = Score::new(score).unwrap().with_features(point);
            (lot.get() % 100 >= fails).then_some(Made { score, hash, picture: lot.mix(4).get() % 64 })
        };
        let run = drive(&policy, 5, edits, &world);
        let planned = policy.largest_run();
        prop_assert_eq!(run.asked() as u64, edits.map_or(planned, |edits| edits.min(planned)));
        let best = run.made.values().map(|made| made.score.mean()).fold(f64::NEG_INFINITY, f64::max);
        prop_assert_eq!(run.best(), best);
        prop_assert_eq!(run.verdict.ranked.len(), run.made.len());
        // One tree without a second to be different from is a beam of width one.
        if trees == 1 {
            let beam = Beam::new(BeamSize { width: 1, children, depth }, edges, rules()).unwrap().deduplicated(near);
            let run = (run.rounds, run.verdict);
            let beam = drive(&beam, 5, edits, &world);
            prop_assert_eq!((beam.rounds, beam.verdict), run);
        }
    }

    /// The order of a verdict under ties has every candidate once, and is in order of utility to within the ties.
    #[test]
    fn ties_lose_nobody(levels in 1u64..6, within in prop_oneof![Just(0.0), 0.0f64..3.0], salt in any::<u32>()) {
        let beam = Beam::new(BeamSize { width: 20, children: 1, depth: 1 }, RE_EDITS, rules()).unwrap();
        let beam = beam.settling(Some(Ties::new(within).unwrap()));
        let world = |proposal: &Proposal| {
            let lot = Seed::new(u64::from(salt)).unwrap().mix(proposal.id.0.into());
            let hash = salt.is_multiple_of(2).then(|| PerceptualHash(lot.mix(2).get()));
            Some(Made { hash, ..made(proposal, (lot.get() % levels) as f64) })
        };
        let run = drive(&beam, 1, None, &world);
        let mut ids: Vec<u32> = run.verdict.ranked.iter().map(|ranked| ranked.id.0).collect();
        let utilities: Vec<f64> = run.verdict.ranked.iter().map(|ranked| ranked.utility.get()).collect();
        prop_assert!(utilities.windows(2).all(|pair| pair[1] <= pair[0] + within));
        ids.sort_unstable();
        prop_assert_eq!(ids, (0..40).collect::<Vec<_>>());
    }
}

/// Best of N is what both begin with, and what both beat where steps lead uphill.
#[test]
fn both_beat_as_many_independent_draws_where_steps_lead_uphill() {
    let draws = BestOfN::new(112, None, rules()).unwrap();
    let best: f64 =
        (0..50).map(|seed| drive(&draws, seed, None, &|proposal| Some(one_hill(proposal))).best()).sum::<f64>() / 50.0;
    let (beam, trees) = compared(one_hill, 50);
    assert!(beam.min(trees) > best + 0.5, "beam {beam}, trees {trees}, draws {best}");
}
