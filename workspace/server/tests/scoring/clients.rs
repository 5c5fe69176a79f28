//! The judges of `editscale` that speak these dialects, against this server.

use std::sync::Arc;

use editscale_core::{
    Digest, EditRequest, Image, ImageSize, Instruction, MediaType, NobodyWatches, RewardBatch, RewardItem, RewardModel,
    RewardName, Seed,
};
use editscale_remote::{
    Connection, EditscaleScore, EditscaleScoreOptions, PickledFields, PickledReward, PickledRewardOptions, RetryRules,
    ServerOptions, UnirlScore, UnirlScoreOptions,
};

use crate::desk::{Desk, cut_picture, picture, score_of};

fn connection(desk: &Desk, path: &str) -> Connection {
    let plain = Connection::new(vec![ServerOptions::new(&format!("http://{}{path}", desk.address))]);
    Connection { retry: RetryRules { attempts: 1, ..plain.retry }, ..plain }
}

fn name() -> RewardName {
    RewardName::new("far").unwrap()
}

fn image(file: Vec<u8>) -> Image {
    let digest = Digest::from_bytes(*blake3::hash(&file).as_bytes());
    let bytes: Arc<[u8]> = file.into();
    Image::new(digest, MediaType::Png, ImageSize { width: 6, height: 4 }, Arc::new(bytes))
}

fn batch(candidates: Vec<Vec<u8>>) -> RewardBatch {
    let request = Arc::new(EditRequest {
        source: image(picture(0)),
        instruction: Instruction::new("make it warmer").unwrap(),
        mask: None,
        output_size: None,
        seed: Seed::new(0).unwrap(),
    });
    let item = |file| RewardItem { request: Arc::clone(&request), candidate: image(file) };
    RewardBatch { items: candidates.into_iter().map(item).collect() }
}

#[tokio::test]
async fn our_own_judge_reads_our_own_server() {
    let desk = Desk::usual().await;
    let options = EditscaleScoreOptions::new(name(), connection(&desk, "/v1"));
    let judge = EditscaleScore::new(EditscaleScoreOptions { gives_sigma: true, ..options.clone() }).unwrap();
    let answers = judge.score(batch(vec![picture(1), cut_picture(), picture(2)]), &NobodyWatches).await;
    for (place, number) in [(0, 1), (2, 2)] {
        let (score, mean) = (&answers[place].as_ref().unwrap().score, score_of(&picture(number)));
        assert_eq!((score.mean(), score.sigma()), (mean, Some(0.125)));
        assert_eq!(score.part("instruction_following"), Some(mean + 0.5));
    }
    let failure = answers[1].as_ref().unwrap_err();
    assert!(failure.message.contains("invalid: the pixels end too early"), "{failure}");
    assert_eq!(*desk.judge.sizes.lock().unwrap(), [3]);
    let named = EditscaleScoreOptions { reward: Some("second/plain".to_owned()), ..options.clone() };
    let score = EditscaleScore::new(named).unwrap().score(batch(vec![picture(3)]), &NobodyWatches).await.remove(0);
    assert_eq!(score.unwrap().score.mean(), score_of(&picture(3)));
    let nobody = EditscaleScoreOptions { reward: Some("nobody".to_owned()), ..options };
    let failure = EditscaleScore::new(nobody).unwrap().score(batch(vec![picture(3)]), &NobodyWatches).await.remove(0);
    let failure = failure.unwrap_err();
    assert!(failure.message.contains("there is no reward `nobody`"), "{failure}");
}

#[tokio::test]
async fn the_judge_for_unirl_reads_it_too() {
    let desk = Desk::usual().await;
    let options = UnirlScoreOptions::new(name(), "editreward", connection(&desk, ""));
    let judge = UnirlScore::new(UnirlScoreOptions { metric: Some("edit_following".to_owned()), ..options }).unwrap();
    let answers = judge.score(batch(vec![picture(1), cut_picture()]), &NobodyWatches).await;
    let (score, mean) = (&answers[0].as_ref().unwrap().score, score_of(&picture(1)));
    assert_eq!((score.mean(), score.part("edit_quality")), (mean + 0.5, Some(mean + 0.25)));
    let failure = answers[1].as_ref().unwrap_err();
    assert_eq!(failure.kind.word(), "invalid");
    assert!(failure.message.contains("the pixels end too early"), "{failure}");
}

#[tokio::test]
async fn a_trainer_that_sends_no_sources_is_told_so() {
    let desk = Desk::open(1 << 20, |settings| settings.pickles = true).await;
    let fields = PickledFields { only_jpeg: false, ..PickledFields::unified_reward() };
    let options = PickledRewardOptions::new(name(), fields, connection(&desk, ""));
    let answers = PickledReward::new(options).unwrap().score(batch(vec![picture(1)]), &NobodyWatches).await;
    let failure = answers[0].as_ref().unwrap_err();
    assert!(failure.message.contains("source_images"), "{failure}");
}
