//! What one decision costs with 1,000 trials behind it, for every policy and every selection: `cargo bench -p editscale-search`.
//!
//! A policy is measured at the first decision after 1,000 trials; a selection at the one that ends the search, with 1,000
//! candidates to choose from. Telling the trials of the last round is part of it, and the way there is not.

#![allow(missing_docs, clippy::unwrap_used, reason = "macros write functions without; what cannot be measured fails")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use editscale_core::{
    Cards, Consulted, CriticName, Decision, Digest, EditorCard, PauseSupport, PerceptualHash, Proposal, Remaining,
    RewardName, Sampler, Score, ScoreCard, Search, SearchFactory, Trial,
};
use editscale_search::{
    Adaptation, Adaptive, Amount, Beam, BeamSize, BestOfN, Canvases, Checkpoint, Concluding, Conclusion, DiverseTrees,
    EdgeMix, Expectation, Finalists, MeanRank, NoiseSearch, NoiseSearchSize, NoiseSteps, ParticleSettings, Particles,
    PathSearch, PathSize, PathStops, Pieces, PreviewPruning, PreviewRule, Price, Pruning, Reflection, ReflectionSize,
    RewardWeighted, RoutingSettings, Rules, Selection, StopRule, Thompson, TreesSize, Weighted, Weighting,
};
use editscale_testkit::{critic_card, critique, editor_card, request, reward_card};

const TRIALS: usize = 1000;

/// Candidates a round, where a policy lets that be chosen.
const ROUND: u32 = 20;

fn judge() -> RewardName {
    RewardName::new("judge").unwrap()
}

fn rules() -> Rules {
    Rules { objective: Arc::new(Weighted::new(vec![(judge(), 1.0)]).unwrap()), stop: StopRule::default() }
}

/// Reward-weighted sampling has rounds only where a stop rule looks at them.
fn in_rounds() -> Rules {
    Rules { stop: StopRule::new(None, Some(1000)).unwrap(), ..rules() }
}

fn ranks() -> Rules {
    Rules { objective: Arc::new(MeanRank::new(vec![judge()]).unwrap()), ..rules() }
}

type Named = (&'static str, Arc<dyn SearchFactory>);

/// Every policy, with more to do after 1,000 trials.
fn policies() -> Vec<Named> {
    let edges = EdgeMix { re_edit: 2.0, edit_of_edit: 1.0, fresh: 1.0 };
    let size = BeamSize { width: 10, children: 10, depth: 20 };
    let price = Price::Cost(Pieces { edit: 1e-9, reward: 0.0, preview: 0.0 });
    let adaptation = Adaptation { most: 2000, probe: 4, round: ROUND, price, prior: None, optimism: 0.0 };
    let trees = TreesSize { trees: 10, children: 10, depth: 20 };
    let noise = NoiseSearchSize { pivots: ROUND, neighbours: ROUND, rounds: 100 };
    let steps = NoiseSteps { cosine: 0.95, narrowing: 0.5, restart_after: 3 };
    let stops = PathStops { first: 0.3, back: 0.1, forward: 0.3 };
    let chains = ReflectionSize { samples: 500, width: ROUND, rounds: 100, show: 2 };
    vec![
        ("adaptive", Arc::new(Adaptive::new(adaptation, rules()).unwrap())),
        ("diverse_trees", Arc::new(DiverseTrees::new(trees, edges, rules()).unwrap())),
        ("noise_search", Arc::new(NoiseSearch::new(noise, steps, rules()).unwrap())),
        ("particles", Arc::new(Particles::new(ParticleSettings::new(250), rules()).unwrap())),
        ("path_search", Arc::new(PathSearch::new(PathSize { paths: 25, children: 12 }, stops, rules()).unwrap())),
        ("preview_pruning", Arc::new(PreviewPruning::new(pruning(price), rules()).unwrap())),
        ("reflection", Arc::new(Reflection::new(chains, Canvases::Mixed(0.5), None, rules()).unwrap())),
        ("thompson", Arc::new(Thompson::new(RoutingSettings::new(2000), rules()).unwrap())),
        ("beam", Arc::new(Beam::new(size, edges, rules()).unwrap())),
        ("best_of_n", Arc::new(BestOfN::new(2000, Some(ROUND), rules()).unwrap())),
        ("best_of_n by mean_rank", Arc::new(BestOfN::new(2000, Some(ROUND), ranks()).unwrap())),
        ("reward_weighted", Arc::new(RewardWeighted::new(1000, 8, Weighting::TargetEss(20.0), in_rounds()).unwrap())),
    ]
}

/// Waves of candidates that are looked at twice, without an end before 1,000 trials.
fn pruning(price: Price) -> Pruning {
    Pruning {
        samples: 200,
        most: 2000,
        checkpoints: vec![Checkpoint::Share(0.3), Checkpoint::Share(0.6)],
        keep: 0.5,
        margin: None,
        round: ROUND,
        expected: Expectation { correlation: 0.6, spread: Some(0.3), strength: 4.0 },
        price: Some(price),
        preview: PreviewRule::default(),
    }
}

/// Every selection over 1,000 candidates, and a last round before it.
fn conclusions() -> Vec<Named> {
    let soft = Selection::Soft { weighting: Weighting::TargetEss(20.0), draw: 1 };
    let pessimistic = Selection::Pessimistic { beta: Amount::Relative(1.0) };
    let regularised = Selection::Regularised { strength: Amount::Relative(1.0) };
    let finalists = Finalists { count: 4, votes: 3, rewards: Vec::new() };
    let all = [
        ("select best", None, None),
        ("select soft", Some(soft), None),
        ("select soft by divergence", Some(Selection::Soft { weighting: Weighting::TargetKl(1.0), draw: 1 }), None),
        ("select pessimistic", Some(pessimistic), None),
        ("select regularised", Some(regularised), None),
        ("finalists", Some(pessimistic), Some(finalists)),
    ];
    let concluding = |(name, selection, finalists)| {
        let policy = Arc::new(BestOfN::new(TRIALS as u32, Some(ROUND), rules()).unwrap());
        let policy = Concluding::new(policy, &rules(), Conclusion { selection, finalists }).unwrap();
        (name, Arc::new(policy) as Arc<dyn SearchFactory>)
    };
    all.into_iter().map(concluding).collect()
}

/// What came of a proposal: a score and a look made of its seed, and a point of 64 numbers that the reward saw.
fn trial(proposal: &Proposal) -> Trial {
    let features: Vec<f32> = (0..64).map(|n| proposal.seed.mix(2 + n).unit() as f32 - 0.5).collect();
    let score = Score::new(proposal.seed.mix(1).unit()).unwrap().with_features(features.into());
    let mut card = ScoreCard::default();
    card.enter(judge(), Ok(score));
    let image = Digest::from_bytes([proposal.id.0 as u8; 32]);
    Trial::Scored { id: proposal.id, image, hash: Some(PerceptualHash(proposal.seed.get())), card }
}

/// What a critic writes about a candidate.
fn remark(Consulted { id, .. }: Consulted) -> Trial {
    let written = Ok(critique(&format!("mend candidate {id}")));
    Trial::Critique { id, critic: CriticName::new("critic").unwrap(), written }
}

/// A search before a decision that it takes with at least 1,000 trials behind it, and the last of them.
fn brought_there(policy: &dyn SearchFactory, cards: &Cards) -> (Box<dyn Search>, Vec<Trial>) {
    let mut search = policy.start(&request(1), cards);
    let (mut trials, mut told) = (Vec::new(), 0);
    while told < TRIALS {
        trials = match search.decide(&trials, &Remaining::default()) {
            Decision::Explore { proposals, .. } => proposals.iter().map(trial).collect(),
            Decision::Consult { who, .. } => who.into_iter().map(remark).collect(),
            _ => panic!("{} ends after {told} trials", policy.revision()),
        };
        told += trials.len();
    }
    (search, trials)
}

fn decisions(criterion: &mut Criterion) {
    let (pause, sampler) = (PauseSupport::Fork, Sampler::Stochastic);
    let able = EditorCard { pause, sampler, steers_noise: true, steps: Some(28), ..editor_card("fake") };
    let cards =
        Cards { editors: vec![able], rewards: vec![reward_card("judge")], critics: vec![critic_card("critic")] };
    let mut group = criterion.benchmark_group("decide after 1000 trials");
    for (name, policy) in policies().into_iter().chain(conclusions()) {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || brought_there(&*policy, &cards),
                |(mut search, trials)| {
                    let decision = search.decide(&trials, &Remaining::default());
                    (black_box(decision), search, trials)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, decisions);
criterion_main!(benches);
