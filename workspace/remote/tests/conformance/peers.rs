//! Servers that nobody here wrote. They are too heavy for every run; `docs/remote.md` says how each is set up. Each has a
//! variable that says where it is, and its test fails where that is not set:
//!
//! ```text
//! EDITSCALE_LITELLM=…/bin/litellm cargo test --release -p editscale-remote --features peers peers::litellm
//! EDITSCALE_VLLM=…/bin/python cargo test --release -p editscale-remote --features peers peers::vllm
//! ```

use std::io::{Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use editscale_core::{
    Failure, FailureKind, Judgement, MediaType, NobodyWatches, RewardBatch, RewardItem, RewardModel, RewardName,
};
use editscale_remote::{
    ChatJudge, ChatJudgeOptions, OpenAiImages, OpenAiImagesOptions, Profile, SecretSource, StructuredOutput,
    VllmClassify, VllmClassifyOptions, VllmConversation, VllmPooling, VllmPoolingOptions, VllmPoolingTask,
};
use editscale_testkit::{FakeServer, ServerFault, named_picture, png};

use crate::support::{SIZE, changed, connection, edit, item, judge, judge_options, options, picture, request};

const KEY: &str = "sk-proxy-4711";

/// A server, which ends with the test.
struct Peer {
    child: Child,
    base: String,
    folder: tempfile::TempDir,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Peer {
    /// Waits until this path is answered with success.
    fn wait_for(&mut self, path: &str) {
        let began = Instant::now();
        let address = self.base.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
        while !answers(&address, path) {
            assert!(self.child.try_wait().unwrap().is_none(), "the server ended; run it by hand to see why");
            assert!(began.elapsed() < Duration::from_secs(400), "the server does not start");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

fn answers(address: &str, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).ok();
    said.starts_with(b"HTTP/1.1 200")
}

/// The program that a variable names.
fn program(variable: &str) -> PathBuf {
    std::env::var_os(variable).unwrap_or_else(|| panic!("expected {variable} to name a program")).into()
}

/// A port that was free a moment ago.
fn port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn proxy(program: &Path, upstream: &FakeServer) -> Peer {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    let model = |name: &str, model: &str| {
        let base = upstream.base();
        format!(
            "  - model_name: {name}\n    litellm_params: {{model: {model}, api_base: \"{base}\", api_key: sk-upstream}}\n"
        )
    };
    let models = model("a-model", "openai/gpt-image-1") + &model("a-judge", "openai/gpt-4o-mini");
    let settings = format!("general_settings: {{master_key: {KEY}}}\nlitellm_settings: {{num_retries: 0}}\n");
    std::fs::write(&config, format!("model_list:\n{models}{settings}router_settings: {{num_retries: 0}}\n")).unwrap();
    std::fs::write(folder.path().join("key"), KEY).unwrap();
    let port = port();
    let child = Command::new(program)
        .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--config"])
        .arg(&config)
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Peer { child, base: format!("http://127.0.0.1:{port}/v1"), folder }
}

impl Peer {
    fn options(&self, upstream: &FakeServer) -> OpenAiImagesOptions {
        let mut options = options(Profile::LiteLlm, upstream);
        options.connection = connection(std::slice::from_ref(&self.base));
        options.connection.servers[0].secret = Some(SecretSource::File(self.folder.path().join("key")));
        options
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn litellm_passes_on_what_it_is_given() {
    let upstream = FakeServer::start();
    let mut proxy = proxy(&program("EDITSCALE_LITELLM"), &upstream);
    proxy.wait_for("/health/liveliness");
    let white = named_picture(png(SIZE, [255; 3]), MediaType::Png, SIZE);
    let editor = OpenAiImages::new(proxy.options(&upstream)).unwrap();
    let made = edit(&editor, item(&request(Some(white), Some(SIZE)))).await.unwrap();
    assert_eq!(made.image.size, SIZE);
    let asked = upstream.asked().into_iter().find(|asked| asked.line.ends_with("/images/edits")).unwrap();
    assert_eq!(asked.text("prompt").unwrap(), "make it warmer");
    assert_eq!(asked.file("image[]").unwrap().bytes, png(SIZE, [10, 20, 30]), "the picture arrives as it is");
    assert!(asked.file("mask").is_some());
    assert_eq!(asked.header("idempotency-key"), None, "the proxy does not pass keys on");
    let mut judged = judge_options(&upstream);
    judged.asking.connection = proxy.options(&upstream).connection;
    assert!((judge(&ChatJudge::new(judged).unwrap()).await.unwrap().score.mean() - 6.0).abs() < 1e-12);
    let unknown = OpenAiImagesOptions { model: "no-such-model".to_owned(), ..proxy.options(&upstream) };
    let failure = edit(&OpenAiImages::new(unknown).unwrap(), item(&request(None, None))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid, "{failure}");
    let moderated = r#"{"error":{"message":"Rejected by our safety system.","code":"moderation_blocked"}}"#.to_owned();
    upstream.fail([ServerFault::Answer(400, Vec::new(), moderated)]);
    let failure = edit(&editor, item(&request(None, None))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused, "{failure}");
    let before = upstream.made().len();
    upstream.fail([ServerFault::Lost]);
    let failure = edit(&editor, item(&request(None, None))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Ambiguous, "{failure}");
    assert_eq!(upstream.made().len() - before, 1, "neither the proxy nor this crate sent it again");
}

/// vLLM on the processor with a tiny random Qwen2.5-VL.
fn vllm(labels: u32, more: &[&str]) -> Peer {
    let python = program("EDITSCALE_VLLM");
    let folder = tempfile::tempdir().unwrap();
    let maker = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/make_judge.py");
    let made = Command::new(&python)
        .arg(maker)
        .args(["--labels", &labels.to_string(), "--out"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let port = port();
    let child = Command::new(&python)
        .args(["-m", "vllm.entrypoints.openai.api_server", "--model"])
        .arg(folder.path())
        .args(["--served-model-name", "a-judge", "--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--dtype", "float32", "--max-model-len", "4096", "--enforce-eager", "--max-num-seqs", "4"])
        .args(["--limit-mm-per-prompt", r#"{"image": 2}"#])
        .args(more)
        .envs([("VLLM_CPU_KVCACHE_SPACE", "1"), ("VLLM_CPU_OMP_THREADS_BIND", "nobind"), ("OMP_NUM_THREADS", "1")])
        .envs([("HF_HUB_OFFLINE", "1"), ("VLLM_NO_USAGE_STATS", "1")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peer = Peer { child, base: format!("http://127.0.0.1:{port}/v1"), folder };
    peer.wait_for("/health");
    peer
}

#[tokio::test(flavor = "multi_thread")]
async fn vllm_holds_a_judge_that_knows_nothing_to_the_form() {
    let server = vllm(0, &[]);
    let options = || {
        changed(judge_options(&FakeServer::at("http://127.0.0.1:1/v1")), |options| {
            options.asking.connection = connection(std::slice::from_ref(&server.base))
        })
    };
    let far = ChatJudge::new(options()).unwrap();
    let judgement = judge(&far).await.unwrap();
    println!("judged {:?} for {:?}", judgement.score, judgement.cost);
    assert!((0.0..=10.0).contains(&judgement.score.mean()));
    assert!(judgement.cost.tokens > 100, "tokens are counted: {:?}", judgement.cost);
    assert_eq!(judge(&far).await.unwrap().score, judgement.score, "the same question has the same answer");
    let several = ChatJudgeOptions { votes: NonZeroU32::new(4).unwrap(), ..options() };
    let judgement = judge(&ChatJudge::new(several).unwrap()).await.unwrap();
    println!("judged {:?} by four votes", judgement.score);
    assert!((0.0..=10.0).contains(&judgement.score.mean()) && judgement.score.sigma().unwrap() > 0.0);
    // Without the range, or without any form, what it says is no score more often than not; it is never one out of range.
    for structured in [StructuredOutput::SchemaWithoutRange, StructuredOutput::Object, StructuredOutput::Prompt] {
        match judge(&ChatJudge::new(changed(options(), |options| options.asking.structured = structured)).unwrap())
            .await
        {
            Ok(judgement) => assert!((0.0..=10.0).contains(&judgement.score.mean())),
            Err(failure) => assert_eq!(failure.kind, FailureKind::Malformed, "{structured:?}: {failure}"),
        }
    }
    for (wrong, words) in [
        (changed(options(), |options| options.asking.model = "nope".to_owned()), "`nope` does not exist"),
        (
            changed(options(), |options| options.asking.max_tokens = NonZeroU32::new(100_000).unwrap()),
            "max_model_len=4096",
        ),
    ] {
        let failure = judge(&ChatJudge::new(wrong).unwrap()).await.unwrap_err();
        assert_eq!((failure.kind, failure.cost), (FailureKind::Invalid, editscale_core::Cost::default()), "{failure}");
        assert!(failure.message.contains(words), "{failure}");
    }
    assert!(far.card().range == Some((0.0, 10.0)));
}

/// What a judge makes of candidates of these colours.
async fn scores(judge: &dyn RewardModel, colours: &[[u8; 3]]) -> Vec<Result<Judgement, Failure>> {
    let item = |colour: &[u8; 3]| RewardItem { request: request(None, None), candidate: picture(*colour) };
    judge.score(RewardBatch { items: colours.iter().map(item).collect() }, &NobodyWatches).await
}

async fn score(judge: &dyn RewardModel) -> f64 {
    scores(judge, &[[200, 100, 50]]).await.remove(0).unwrap().score.mean()
}

#[tokio::test(flavor = "multi_thread")]
async fn vllm_gives_the_numbers_of_a_classifier() {
    let server = vllm(1, &["--runner", "pooling", "--convert", "classify"]);
    let root = server.base.trim_end_matches("/v1").to_owned();
    let name = || RewardName::new("far").unwrap();
    let there = || connection(std::slice::from_ref(&root));
    let talk = || VllmConversation::new("a-judge");
    let classify = |conversation| {
        let options = VllmClassifyOptions::new(name(), "a-judge", there());
        VllmClassify::new(VllmClassifyOptions { conversation, ..options }).unwrap()
    };
    let pooling = |task| VllmPooling::new(VllmPoolingOptions::new(name(), task, there())).unwrap();
    let found = scores(&classify(talk()), &[[200, 100, 50], [0, 0, 255], [200, 100, 50]]).await;
    let found: Vec<f64> = found.into_iter().map(|one| one.unwrap().score.mean()).collect();
    println!("raw {found:?}");
    assert!((found[0] - found[2]).abs() < 1e-4 && (found[0] - found[1]).abs() > 1e-4);
    let squashed = score(&classify(VllmConversation { use_activation: true, ..talk() })).await;
    assert!((squashed - 1.0 / (1.0 + (-found[0]).exp())).abs() < 1e-4, "{squashed}");
    let pooled = score(&pooling(VllmPoolingTask::Classify { conversation: talk(), index: None })).await;
    assert!((pooled - found[0]).abs() < 1e-4);
    let long = "{{instruction}} word".repeat(2000);
    let wrong: [(Box<dyn RewardModel>, &str); 3] = [
        (Box::new(classify(VllmConversation::new("nope"))), "`nope` does not exist"),
        (Box::new(classify(VllmConversation { prompt: long, ..talk() })), "maximum context length is 4096 tokens"),
        (Box::new(pooling(VllmPoolingTask::Embed { conversation: talk(), index: 0 })), "Unsupported task: 'embed'"),
    ];
    for (judge, words) in wrong {
        let failure = scores(&*judge, &[[0; 3]]).await.remove(0).unwrap_err();
        println!("{failure}");
        assert_eq!(failure.kind, FailureKind::Invalid, "{failure}");
        assert!(failure.message.contains(words), "{failure}");
    }
}
