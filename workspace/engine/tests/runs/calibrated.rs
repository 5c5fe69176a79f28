//! Rewards behind a calibration: their scores, their cards, and runs with them.

use std::sync::Arc;

use editscale_core::{
    BoxFuture, Counters, Failure, FailureKind, Judgement, NobodyWatches, Part, PartName, RewardBatch, RewardCard,
    RewardItem, RewardModel, Score, Watch,
};
use editscale_engine::{Calibrated, Calibration, Fitted, RunDirectory};
use editscale_search::BestOfN;
use editscale_study::calibration::{Between, Knot, MonotoneMap};
use editscale_testkit::{FakeReward, request, reward_card};
use proptest::prelude::*;

use crate::{World, block_on, carry_out, manifest, rules, scene};

fn map(knots: &[(f64, f64)], between: Between) -> MonotoneMap {
    MonotoneMap::new(knots.iter().map(|(score, value)| Knot { score: *score, value: *value }).collect(), between)
        .unwrap()
}

/// Says the same of every candidate.
struct Says(RewardCard, Result<Score, Failure>);

impl RewardModel for Says {
    fn card(&self) -> &RewardCard {
        &self.0
    }

    fn score<'a>(&'a self, batch: RewardBatch, _: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        let judgement = |score| Judgement { score, cost: self.0.cost, counters: Counters::default() };
        let said = batch.items.iter().map(|_| self.1.clone().map(judgement)).collect();
        Box::pin(std::future::ready(said))
    }

    fn trouble(&self) -> Option<String> {
        Some("gone".to_owned())
    }
}

fn part(name: &str, mean: f64, sigma: Option<f64>) -> Part {
    Part::new(PartName::new(name).unwrap(), mean, sigma).unwrap()
}

/// What becomes of a score.
fn calibrated(said: Result<Score, Failure>, map: MonotoneMap) -> Result<Score, Failure> {
    let reward = Calibrated::new(Arc::new(Says(reward_card("judge"), said)), map);
    let request = request(1);
    let item = RewardItem { candidate: request.source.clone(), request: Arc::new(request) };
    let said = block_on(reward.score(RewardBatch { items: vec![item] }, &NobodyWatches));
    said.into_iter().next().unwrap().map(|judgement| judgement.score)
}

#[test]
fn a_score_goes_through_the_map_and_its_parts_do_not() {
    let lines = map(&[(0.0, 1.0), (1.0, 5.0), (2.0, 5.0)], Between::Lines);
    let raw = Score::with_sigma(0.5, Some(0.25)).unwrap().with_parts(vec![part("likeness", 0.75, None)]);
    let score = calibrated(Ok(raw.clone()), lines.clone()).unwrap();
    // 0.25 and 0.75 become 2 and 4.
    assert_eq!((score.mean(), score.sigma()), (3.0, Some(1.0)));
    assert_eq!(score.parts(), [part("likeness", 0.75, None), part("uncalibrated", 0.5, Some(0.25))]);
    // Where the map is level, nothing is in doubt.
    let sure = calibrated(Ok(Score::with_sigma(1.5, Some(0.5)).unwrap()), lines.clone()).unwrap();
    assert_eq!((sure.mean(), sure.sigma()), (5.0, Some(0.0)));
    assert_eq!(calibrated(Ok(Score::new(9.0).unwrap()), lines.clone()).unwrap().sigma(), None);
    // A part of this name is the reward's own.
    let own = raw.with_parts(vec![part("uncalibrated", 7.0, None)]);
    assert_eq!(calibrated(Ok(own), lines.clone()).unwrap().parts(), [part("uncalibrated", 7.0, None)]);
    let failure = Failure::new(FailureKind::TimedOut, "too slow");
    assert_eq!(calibrated(Err(failure.clone()), lines), Err(failure));
}

#[test]
fn a_card_says_so() {
    let card = |range, map| {
        let mut card = reward_card("judge");
        (card.range, card.gives_sigma) = (range, true);
        let reward = Calibrated::new(Arc::new(Says(card.clone(), Ok(Score::new(0.0).unwrap()))), map);
        assert_eq!(reward.trouble().as_deref(), Some("gone"));
        (card, reward.card().clone())
    };
    let knots = [(0.0, 1.0), (10.0, 5.0)];
    let (raw, lines) = card(Some((0.0, 5.0)), map(&knots, Between::Lines));
    assert_eq!((lines.range, card(None, map(&knots, Between::Lines)).1.range), (Some((1.0, 3.0)), Some((1.0, 5.0))));
    assert!(lines.revision.starts_with(&*raw.revision) && lines.revision != raw.revision, "{}", lines.revision);
    let others = [
        map(&knots, Between::Steps),
        map(&[(0.0, 1.0), (10.0, 5.000_001)], Between::Lines),
        map(&[(0.0, 1.0), (9.0, 5.0)], Between::Lines),
        map(&[(0.0, 1.0), (5.0, 3.0), (10.0, 5.0)], Between::Lines),
    ];
    let mut revisions: Vec<_> = others.into_iter().map(|map| card(None, map).1.revision).collect();
    revisions.push(lines.revision.clone());
    revisions.sort();
    revisions.dedup();
    assert_eq!(revisions.len(), 5);
    assert_eq!(card(None, map(&knots, Between::Lines)).1.revision, lines.revision);
    let same = RewardCard { range: raw.range, revision: raw.revision.clone(), ..lines };
    assert_eq!(same, raw);
}

fn behind(map: MonotoneMap) -> Arc<dyn RewardModel> {
    Arc::new(Calibrated::new(Arc::new(FakeReward::new(reward_card("judge"))), map))
}

/// A run is not gone on with on another scale.
#[test]
fn another_calibration_is_another_reward() {
    let mut scene = scene(&World::default());
    let directory = RunDirectory::create(&scene.folder.path().join("run")).unwrap();
    let mut behind = |knots: &[(f64, f64)], between| {
        scene.job.ports.rewards = vec![behind(map(knots, between))];
        manifest(&scene.job)
    };
    let knots = [(0.0, 1.0), (1.0, 5.0)];
    let recorded = behind(&knots, Between::Lines);
    directory.check_same(&recorded, &behind(&knots, Between::Lines)).unwrap();
    for other in [behind(&[(0.0, 1.0), (1.0, 4.0)], Between::Lines), behind(&knots, Between::Steps)] {
        let error = directory.check_same(&recorded, &other).unwrap_err().to_string();
        assert!(error.contains("the reward differs") && error.contains("calibrated"), "{error}");
    }
}

fn rising() -> impl Strategy<Value = Vec<(f64, f64)>> {
    let step = (0.01f64..0.5, 0.01f64..3.0);
    (-0.5f64..0.0, prop::collection::vec(step, 2..8)).prop_map(|(first, steps)| {
        let mut knots = vec![(first, 0.0)];
        for (right, up) in steps {
            let (score, value) = knots[knots.len() - 1];
            knots.push((score + right, value + up));
        }
        // Beyond every score, so that the map rises strictly where scores are.
        let value = knots[knots.len() - 1].1;
        knots.push((9.0, value + 1.0));
        knots
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_map_that_rises_leaves_the_winner(knots in rising(), shuffle in 0u64..99) {
        let winner = |rewards: Option<Arc<dyn RewardModel>>| {
            let mut scene = scene(&World { shuffle, ..World::default() });
            scene.job.search = Arc::new(BestOfN::new(6, None, rules()).unwrap());
            scene.job.ports.rewards = rewards.map_or(scene.job.ports.rewards, |reward| vec![reward]);
            carry_out(&scene.job, &scene.folder.path().join("run")).winner()
        };
        prop_assert_eq!(winner(Some(behind(map(&knots, Between::Lines)))), winner(None));
    }

    #[test]
    fn a_file_reads_back_equal(knots in rising(), steps: bool, fitted: bool) {
        let calibration = Calibration {
            reward: "judge".to_owned(),
            revision: "judge/1 \"x\"".to_owned(),
            map: map(&knots, if steps { Between::Steps } else { Between::Lines }),
            fitted: fitted.then(|| {
                Fitted { benchmark: "pairs".to_owned(), items: 9, held_out_error: 0.25, folds: 5 }
            }),
        };
        prop_assert_eq!(Calibration::from_json(calibration.to_json().as_bytes()).unwrap(), calibration);
    }
}

#[test]
fn a_file_that_is_none_says_why() {
    let told = |text: &str| Calibration::from_json(text.as_bytes()).unwrap_err().to_string();
    let file = |knots: &str| {
        format!(
            r#"{{"version": 1, "reward": "a", "revision": "a/1", "between": "line", "knots": {knots}, "later": 1}}"#
        )
    };
    assert!(Calibration::from_json(file("[[0, 1], [1, 1]]").as_bytes()).is_ok());
    assert_eq!(told(&file("[[0, 1]]")), "1 knots: expected 2 to 4096");
    let many: Vec<[u32; 2]> = (0..4097).map(|at| [at, at]).collect();
    assert_eq!(told(&file(&serde_json::to_string(&many).unwrap())), "4097 knots: expected 2 to 4096");
    let falls = "knot 1 does not go on from the one before: expected a higher score, and a value that is not lower";
    for knots in ["[[0, 1], [1, 0.5]]", "[[0, 1], [0, 1]]"] {
        assert_eq!(told(&file(knots)), falls);
    }
    for (text, why) in [
        ("", "EOF"),
        ("[]", "not a calibration"),
        (&file("[[0, 1], [1, NaN]]"), "not a calibration"),
        (&file("[[0, 1], [1, 1e999]]"), "out of range"),
        (&file("[[0, 1], [1, null]]"), "null"),
        (&file("[[0, 1], [1, 2]]").replace("line", "curve"), "curve"),
        (&file("[[0, 1], [1, 2]]").replace("\"version\": 1", "\"version\": 2"), "version 2: expected version 1"),
        (&file("[[0, 1], [1, 2]]").replace("a/1", " "), "the revision is not a text on one line"),
        (r#"{"version": 1}"#, "missing field"),
    ] {
        assert!(told(text).contains(why), "{text}: {}", told(text));
    }
}
