//! Servers that nobody here wrote, between this crate and the server of the tests. They are too heavy for every run:
//!
//! ```text
//! python3 -m venv venv && venv/bin/pip install 'litellm[proxy]'
//! EDITSCALE_LITELLM=$PWD/venv/bin/litellm cargo test --release -p editscale-remote --features peers peers
//! ```

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use editscale_core::{FailureKind, MediaType};
use editscale_remote::{ChatJudge, OpenAiImages, OpenAiImagesOptions, Profile, SecretSource};
use editscale_testkit::{FakeServer, ServerFault, named_picture, png};

use crate::support::{SIZE, connection, edit, item, judge, judge_options, options, request};

const KEY: &str = "sk-proxy-4711";

/// The proxy, which ends with the test.
struct Proxy {
    child: Child,
    base: String,
    folder: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A port that was free a moment ago.
fn port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn proxy(program: &Path, upstream: &FakeServer) -> Proxy {
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
    Proxy { child, base: format!("http://127.0.0.1:{port}/v1"), folder }
}

impl Proxy {
    fn options(&self, upstream: &FakeServer) -> OpenAiImagesOptions {
        let mut options = options(Profile::LiteLlm, upstream);
        options.connection = connection(std::slice::from_ref(&self.base));
        options.connection.servers[0].secret = Some(SecretSource::File(self.folder.path().join("key")));
        options
    }

    /// Waits until it answers anything at all.
    async fn is_up(&self) {
        let address = self.base.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
        let began = Instant::now();
        while tokio::net::TcpStream::connect(&address).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(180), "the proxy does not start");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn through_the_litellm_proxy() {
    let program = std::env::var_os("EDITSCALE_LITELLM").expect("EDITSCALE_LITELLM, the path of the program `litellm`");
    let upstream = FakeServer::start();
    let proxy = proxy(Path::new(&program), &upstream);
    proxy.is_up().await;
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
    judged.connection = proxy.options(&upstream).connection;
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
