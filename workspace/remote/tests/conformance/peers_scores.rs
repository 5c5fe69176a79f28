//! Public projects' own reward servers, with stand-ins for their models. They are too heavy for every run:
//!
//! ```text
//! python3 -m venv venv && venv/bin/pip install fastapi uvicorn flask pillow numpy pyyaml
//! mkdir sources && cd sources
//! git clone https://github.com/X-GenGroup/Flow-Factory     # a0b2bc5a
//! git clone https://github.com/Tencent-Hunyuan/UniRL       # 1a7b501e
//! git clone https://github.com/yifan123/reward-server      # 92ac29fb
//! cd .. && EDITSCALE_REWARD_PYTHON=$PWD/venv/bin/python EDITSCALE_REWARD_SOURCES=$PWD/sources \
//!     cargo test --release -p editscale-remote --features peers peers_scores
//! ```

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use editscale_core::{
    EditRequest, Failure, FailureKind, Image, Instruction, Judgement, MediaType, NobodyWatches, RewardBatch,
    RewardItem, RewardModel, RewardName,
};
use editscale_remote::{
    Connection, FlowFactory, FlowFactoryOptions, PickledFields, PickledReward, PickledRewardOptions, UnirlScore,
    UnirlScoreOptions,
};
use editscale_testkit::named_picture;

use crate::support::{SIZE, connection, picture, request};

/// A server, which ends with the test.
struct Peer {
    child: Child,
    connection: Connection,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Peer {
    async fn start(which: &str) -> Self {
        let set = |name: &str| std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set"));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(set("EDITSCALE_REWARD_PYTHON"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/reward_servers.py"))
            .arg(which)
            .arg(set("EDITSCALE_REWARD_SOURCES"))
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let peer = Self { child, connection: connection(&[format!("http://127.0.0.1:{port}")]) };
        let began = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "{which} does not start");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        peer
    }
}

fn item(candidate: Image, instruction: &str) -> RewardItem {
    let plain = EditRequest::clone(&request(None, None));
    let instruction = Instruction::new(instruction).unwrap();
    RewardItem { request: Arc::new(EditRequest { instruction, ..plain }), candidate }
}

async fn score(judge: &dyn RewardModel, items: Vec<RewardItem>) -> Vec<Result<Judgement, Failure>> {
    judge.score(RewardBatch { items }, &NobodyWatches).await
}

fn name() -> RewardName {
    RewardName::new("judge").unwrap()
}

/// The means, with `None` for what failed.
fn means(results: &[Result<Judgement, Failure>]) -> Vec<Option<f64>> {
    results.iter().map(|result| Some((result.as_ref().ok()?.score.mean() * 255.0).round())).collect()
}

fn three(instruction: &str) -> Vec<RewardItem> {
    vec![item(picture([0; 3]), "make it"), item(picture([51; 3]), instruction), item(picture([255; 3]), "make it")]
}

#[tokio::test(flavor = "multi_thread")]
async fn flow_factory() {
    let peer = Peer::start("flow_factory").await;
    let judge = FlowFactory::new(FlowFactoryOptions::new(name(), peer.connection.clone())).unwrap();
    assert_eq!(means(&score(&judge, three("make it")).await), [Some(0.0), Some(51.0), Some(255.0)]);
    // A score that is no number fails the server's whole answer; the others are then asked about alone.
    let results = score(&judge, three("fail")).await;
    assert_eq!(means(&results), [Some(0.0), None, Some(255.0)]);
    let broken = named_picture(b"\x89PNG".to_vec(), MediaType::Png, SIZE);
    let failure = score(&judge, vec![item(broken, "make it")]).await.remove(0).unwrap_err();
    assert!(failure.message.contains("cannot identify image file"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unirl() {
    let peer = Peer::start("unirl").await;
    let options = |reward: &str, metric: Option<&str>| UnirlScoreOptions {
        metric: metric.map(str::to_owned),
        ..UnirlScoreOptions::new(name(), reward, peer.connection.clone())
    };
    let judge = UnirlScore::new(options("editreward", Some("edit_following"))).unwrap();
    let results = score(&judge, three("make it")).await;
    assert_eq!(means(&results), [Some(0.0), Some(51.0), Some(255.0)]);
    assert_eq!(results[0].as_ref().unwrap().score.part("edit_quality"), Some(0.5));
    assert_eq!(means(&score(&judge, three("fail")).await), [Some(0.0), None, Some(255.0)]);
    let mean = UnirlScore::new(options("editreward", None)).unwrap();
    assert_eq!(score(&mean, three("make it")).await[2].as_ref().unwrap().score.mean(), 0.75);
    let failure =
        score(&UnirlScore::new(options("broken", None)).unwrap(), three("make it")).await.remove(0).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid, "{failure}");
    assert!(failure.message.contains("this reward is broken"), "{failure}");
    let failure =
        score(&UnirlScore::new(options("clip", None)).unwrap(), three("make it")).await.remove(0).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid, "{failure}");
    assert!(failure.message.contains("unknown reward: clip"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn flow_grpo() {
    let peer = Peer::start("deqa").await;
    let photo = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/photos/pagoda.jpg")).unwrap();
    let photo = named_picture(photo, MediaType::Jpeg, SIZE);
    let options = PickledRewardOptions::new(name(), PickledFields::deqa(), peer.connection.clone());
    let judge = PickledReward::new(options.clone()).unwrap();
    let results = score(&judge, vec![item(photo.clone(), "make it"); 3]).await;
    let means = means(&results);
    assert!(
        means[0].is_some_and(|mean| mean > 20.0 && mean < 235.0) && means.iter().all(|mean| *mean == means[0]),
        "{means:?}"
    );
    // It opens JPEG alone, and says so with a traceback.
    let fields = PickledFields { only_jpeg: false, ..PickledFields::deqa() };
    let open = PickledReward::new(PickledRewardOptions { fields, ..options }).unwrap();
    let results = score(&open, vec![item(photo, "make it"), item(picture([51; 3]), "make it")]).await;
    assert!(results[0].is_ok(), "{results:?}");
    let failure = results[1].as_ref().unwrap_err();
    assert!(failure.message.contains("status 500: PIL.UnidentifiedImageError"), "{failure}");
}
