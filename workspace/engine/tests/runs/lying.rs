//! I9: editors and rewards that do not keep their contract cost trials, at their most, and not the run.

use std::sync::Arc;

use editscale_core::{
    BoxFuture, Candidate, Cost, EditBackend, EditBatch, EditorCard, Failure, FailureKind, Judgement, RewardBatch,
    RewardCard, RewardModel, Trajectory, Usd, Watch,
};
use editscale_engine::read_run;
use editscale_search::BestOfN;
use editscale_testkit::{FakeEditor, FakeReward, editor_card, reward_card};

use crate::{Scene, World, carry_out, rules, scene};

/// What a liar makes of a good answer.
#[derive(Debug, Clone, Copy)]
enum Lie {
    TooFew,
    TooMany,
    /// A trajectory of three latents for one step.
    Trajectory,
}

#[derive(Debug)]
struct LyingEditor(FakeEditor, Lie);

impl EditBackend for LyingEditor {
    fn card(&self) -> &EditorCard {
        &self.0.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(async move {
            let mut answers = self.0.edit(batch, watch).await;
            match self.1 {
                Lie::TooFew => answers.clear(),
                Lie::TooMany => answers.extend(answers.clone()),
                Lie::Trajectory => {
                    let torn = Trajectory {
                        shape: vec![1],
                        latents: vec![0.0; 3],
                        timesteps: vec![1.0],
                        sigmas: vec![1.0, 0.0],
                        log_probabilities: vec![None],
                    };
                    let made = answers.iter_mut().filter_map(|answer| answer.as_mut().ok());
                    made.for_each(|candidate| candidate.trajectory = Some(Arc::new(torn.clone())));
                }
            }
            answers
        })
    }
}

#[derive(Debug)]
struct LyingReward(FakeReward);

impl RewardModel for LyingReward {
    fn card(&self) -> &RewardCard {
        &self.0.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(async move { self.0.score(batch, watch).await.split_off(1) })
    }
}

const PRICE: Cost = Cost { nfe: 0, tokens: 0, usd: Usd { micros: 5 } };

fn three() -> Scene {
    let mut scene = scene(&World::default());
    scene.job.search = Arc::new(BestOfN::new(3, None, rules()).unwrap());
    scene
}

#[test]
fn an_editor_that_lies_costs_its_batch() {
    let count = "the editor answered";
    for (lie, words) in
        [(Lie::TooFew, count), (Lie::TooMany, count), (Lie::Trajectory, "the editor answered with a trajectory")]
    {
        let mut scene = three();
        let editor = FakeEditor::new(EditorCard { cost: PRICE, ..editor_card("fake") });
        scene.job.ports.editors = vec![Arc::new(LyingEditor(editor, lie))];
        let path = scene.folder.path().join("run");
        let outcome = carry_out(&scene.job, &path);
        assert_eq!(
            (outcome.failed, outcome.ledger.edits, outcome.ledger.cost),
            (3, 3, Cost { usd: Usd { micros: 15 }, ..PRICE }),
            "{lie:?}"
        );
        for each in read_run(&path).unwrap().candidates {
            let why = each.made.unwrap().unwrap_err();
            assert!(why.kind == FailureKind::Malformed && why.message.starts_with(words), "{lie:?}: {why}");
        }
    }
}

#[test]
fn a_reward_that_lies_costs_its_batch() {
    let mut scene = three();
    let reward = FakeReward::new(RewardCard { cost: PRICE, ..reward_card("judge") });
    scene.job.ports.rewards = vec![Arc::new(LyingReward(reward))];
    let outcome = carry_out(&scene.job, &scene.folder.path().join("run"));
    assert_eq!((outcome.failed, outcome.ledger.reward_calls, outcome.ledger.cost.usd.micros), (3, 3, 15));
}
