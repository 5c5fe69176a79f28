//! Other weights for `SGLang`'s servers: which routes are called, and that all replicas change or none does.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use editscale_core::{EditBackend, EditorName, FailureKind, PolicyKind, PolicySupport, PolicyWeights};
use editscale_remote::{OpenAiImages, Profile, SgLangRollout, SgLangRolloutOptions};
use editscale_testkit::{FakeServer, ServerFault};
use serde_json::{Value, json};

use crate::support::{connection, editor};

/// The weights of one server, as `SGLang` 0.5.23 keeps them.
#[derive(Debug)]
struct Loaded {
    model: String,
    /// The path of an adapter that was read.
    read: Option<String>,
    /// The adapter that counts, and how strongly.
    adapter: Option<(String, f64)>,
}

/// A server with weights, and whether it knows adapters.
struct Far {
    server: FakeServer,
    loaded: Arc<Mutex<Loaded>>,
    refuses: Arc<AtomicBool>,
}

impl Far {
    fn start() -> Self {
        let loaded = Arc::new(Mutex::new(Loaded { model: "began".to_owned(), read: None, adapter: None }));
        let refuses = Arc::new(AtomicBool::new(false));
        let server = FakeServer::start();
        let (known, refusing) = (Arc::clone(&loaded), Arc::clone(&refuses));
        server.replies(move |asked| {
            let body = if asked.body.is_empty() { Value::Null } else { asked.json() };
            let (status, answer) = answer(&asked.line, &body, &mut known.lock().unwrap(), &refusing);
            Some((status, answer.to_string().into_bytes()))
        });
        Self { server, loaded, refuses }
    }

    fn sum(&self) -> String {
        sum(&self.loaded.lock().unwrap())
    }

    /// The routes that were called since the last look, and what was said there.
    fn heard(&self, from: usize) -> Vec<(String, Value)> {
        let asked = self.server.asked();
        asked[from..]
            .iter()
            .map(|asked| (asked.line.clone(), if asked.body.is_empty() { Value::Null } else { asked.json() }))
            .collect()
    }
}

fn sum(loaded: &Loaded) -> String {
    let mut hasher = DefaultHasher::new();
    (&loaded.model, format!("{:?}", loaded.adapter)).hash(&mut hasher);
    format!("{:064x}", hasher.finish())
}

fn answer(line: &str, body: &Value, loaded: &mut Loaded, refuses: &AtomicBool) -> (u16, Value) {
    match line {
        "GET /v1/model_info" => (200, json!({"model_path": loaded.model})),
        "POST /get_weights_checksum" => (200, json!({"transformer": sum(loaded)})),
        "POST /v1/unmerge_lora_weights" => {
            loaded.adapter = None;
            (200, json!({"status": "ok", "message": "Successfully unmerged LoRA weights (target: all)"}))
        }
        "POST /update_weights_from_disk" => {
            let path = body["model_path"].as_str().unwrap().to_owned();
            if path == "missing" || body["target_modules"] != json!(["transformer"]) {
                return (400, json!({"success": false, "message": "Cannot update weights: missing weight files"}));
            }
            loaded.model = path;
            (200, json!({"success": true, "message": "Updated 1 modules from disk (100 params)"}))
        }
        "POST /v1/set_lora" => {
            let path = body["lora_path"].as_str().unwrap().to_owned();
            if path == "missing" || refuses.load(Ordering::Relaxed) {
                return (500, json!({"detail": "Failed to set LoRA adapter: no such file"}));
            }
            loaded.read = Some(path.clone());
            loaded.adapter = Some((path, body["strength"].as_f64().unwrap()));
            (200, json!({"status": "ok", "message": "Successfully set LoRA adapter(s)"}))
        }
        _ => (404, json!({"detail": "Not Found"})),
    }
}

fn rollout(servers: &[&Far]) -> SgLangRollout {
    let roots: Vec<String> = servers.iter().map(|far| far.server.root()).collect();
    let options = SgLangRolloutOptions::new(EditorName::new("far").unwrap(), "a-model", connection(&roots));
    SgLangRollout::new(options).unwrap()
}

fn adapter(version: &str, path: &str, scale: f32) -> PolicyWeights {
    PolicyWeights { scale, ..PolicyWeights::adapter(version, path) }
}

#[tokio::test]
async fn each_kind_of_weights_has_its_routes() {
    let set = |path: &str, strength: f64| {
        let body = json!({
            "lora_nickname": "editscale", "lora_path": path, "target": "all", "strength": strength,
            "merge_mode": "merge",
        });
        ("POST /v1/set_lora".to_owned(), body)
    };
    let model = |path: &str| {
        let body = json!({"model_path": path, "flush_cache": true, "target_modules": ["transformer"]});
        ("POST /update_weights_from_disk".to_owned(), body)
    };
    let unmerge = || ("POST /v1/unmerge_lora_weights".to_owned(), json!({"target": "all"}));
    let check = || ("POST /get_weights_checksum".to_owned(), json!({"module_names": ["transformer"]}));
    let info = || ("GET /v1/model_info".to_owned(), Value::Null);
    let far = Far::start();
    let editor = rollout(&[&far]);
    assert_eq!(editor.adopts(), PolicySupport { adapters: true, checkpoints: true });
    for (weights, expected) in [
        (adapter("1", "one", 1.0), vec![set("one", 1.0), check()]),
        (adapter("2", "two", 0.1), vec![set("two", 0.1), check()]),
        (PolicyWeights::base("b"), vec![unmerge(), check()]),
        (PolicyWeights::checkpoint("3", "three"), vec![info(), unmerge(), model("three"), check()]),
        (PolicyWeights::checkpoint("4", "four"), vec![unmerge(), model("four"), check()]),
        // An adapter is for what the servers began with.
        (adapter("5", "five", 1.0), vec![unmerge(), model("began"), set("five", 1.0), check()]),
        (PolicyWeights::checkpoint("6", "six"), vec![unmerge(), model("six"), check()]),
        (PolicyWeights::base("b"), vec![unmerge(), model("began"), check()]),
    ] {
        let from = far.server.asked().len();
        let adopted = editor.adopt(&weights).await.unwrap();
        assert_eq!(far.heard(from), expected, "{weights}");
        assert_eq!((&*adopted.version, &*adopted.checksum), (&*weights.version, &*far.sum()), "{weights}");
    }
}

/// The address of the images API ends in a version, beside which the routes of trainers stand.
#[tokio::test]
async fn editors_of_the_images_api_know_the_same_routes() {
    let far = Far::start();
    let editor = editor(Profile::SgLang, &far.server);
    let adopted = editor.adopt(&adapter("1", "one", 1.0)).await.unwrap();
    assert_eq!(*adopted.checksum, *far.sum());
    assert_eq!(far.loaded.lock().unwrap().read.as_deref(), Some("one"));
}

#[tokio::test]
async fn other_servers_are_not_asked() {
    for profile in [Profile::OpenAi, Profile::VllmOmni, Profile::SdCpp, Profile::LiteLlm, Profile::Generic] {
        let server = FakeServer::start();
        let editor: OpenAiImages = editor(profile, &server);
        assert_eq!(editor.adopts(), PolicySupport::default());
        let failure = editor.adopt(&adapter("1", "one", 1.0)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid);
        assert!(
            failure.message.contains("editor `far` cannot take up policy `1` (the adapter `one`, scale 1)"),
            "{failure}"
        );
        assert!(server.asked().is_empty());
    }
}

#[tokio::test]
async fn every_replica_takes_the_weights_up_or_none_does() {
    let (near, far) = (Far::start(), Far::start());
    let editor = rollout(&[&near, &far]);
    for before in [None, Some(adapter("1", "one", 1.0)), Some(PolicyWeights::checkpoint("2", "two"))] {
        if let Some(weights) = &before {
            editor.adopt(weights).await.unwrap();
        }
        let earlier = near.sum();
        assert_eq!(earlier, far.sum());
        far.refuses.store(true, Ordering::Relaxed);
        let failure = editor.adopt(&adapter("new", "another", 1.0)).await.unwrap_err();
        far.refuses.store(false, Ordering::Relaxed);
        if matches!(&before, Some(PolicyWeights { kind: PolicyKind::Adapter(_), .. })) {
            // The server that refuses adapters refuses the earlier one, too.
            assert_eq!(failure.kind, FailureKind::Ambiguous, "{failure}");
            assert!(failure.message.contains("the earlier weights could not be put back"), "{failure}");
            editor.adopt(before.as_ref().unwrap()).await.unwrap();
        } else {
            assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}");
        }
        assert!(failure.message.contains(&far.server.root()) && failure.message.contains("no such file"), "{failure}");
        assert_eq!((near.sum(), far.sum()), (earlier.clone(), earlier), "{before:?}");
    }
    for weights in [PolicyWeights::checkpoint("x", "missing"), adapter("x", "missing", 1.0)] {
        let earlier = near.sum();
        let failure = editor.adopt(&weights).await.unwrap_err();
        assert!([&near, &far].iter().all(|far| failure.message.contains(&far.server.root())), "{failure}");
        assert_eq!((near.sum(), far.sum()), (earlier.clone(), earlier), "{weights}");
    }
}

#[tokio::test]
async fn a_replica_that_is_gone_is_named() {
    let (near, far) = (Far::start(), Far::start());
    let editor = rollout(&[&near, &far]);
    editor.adopt(&adapter("1", "one", 1.0)).await.unwrap();
    let earlier = near.sum();
    far.server.die();
    far.server.wait_for_deaths(1);
    let failure = editor.adopt(&adapter("2", "two", 1.0)).await.unwrap_err();
    assert!(failure.message.contains(&far.server.root()), "{failure}");
    // A connection that is reset may have carried the request: then nobody knows what the server did with it.
    assert!(matches!(failure.kind, FailureKind::Unavailable | FailureKind::Ambiguous), "{failure}");
    assert_eq!(near.sum(), earlier, "{failure}");
}

#[tokio::test]
async fn replicas_that_differ_are_told_of() {
    let (near, far) = (Far::start(), Far::start());
    far.loaded.lock().unwrap().model = "another".to_owned();
    let failure = rollout(&[&near, &far]).adopt(&adapter("1", "one", 1.0)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed);
    let parts = ["the servers have different weights".to_owned(), near.server.root(), far.server.root()];
    assert!(parts.iter().all(|part| failure.message.contains(part)), "{failure}");
    assert!([near, far].iter().all(|far| far.loaded.lock().unwrap().adapter.is_none()));
}

#[tokio::test]
async fn answers_that_are_none_are_failures() {
    let cases = [
        (
            "POST /v1/set_lora",
            ServerFault::Answer(200, Vec::new(), "<html>".to_owned()),
            "expected `success` or `status: ok`",
        ),
        ("POST /v1/set_lora", ServerFault::Lost, "no answer"),
        (
            "POST /v1/set_lora",
            ServerFault::Answer(404, Vec::new(), r#"{"detail":"Not Found"}"#.to_owned()),
            "status 404",
        ),
        (
            "POST /get_weights_checksum",
            ServerFault::Answer(200, Vec::new(), r#"{"transformer":"not_found"}"#.to_owned()),
            "expected a checksum of `transformer`",
        ),
        (
            "POST /get_weights_checksum",
            ServerFault::Answer(500, Vec::new(), r#"{"error":"died"}"#.to_owned()),
            "status 500",
        ),
        ("POST /get_weights_checksum", ServerFault::Huge(2 << 20), "at most 1048576 bytes"),
    ];
    for (route, fault, expected) in cases {
        let far = Far::start();
        let editor = rollout(&[&far]);
        let earlier = far.sum();
        far.server.fail_at(route, [fault]);
        let failure = editor.adopt(&adapter("1", "one", 1.0)).await.unwrap_err();
        assert!(failure.message.contains(expected) && failure.message.contains(&far.server.root()), "{failure}");
        assert_eq!(far.sum(), earlier, "{route}: {failure}");
        editor.adopt(&adapter("1", "one", 1.0)).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_without_adapters_still_takes_models() {
    let far = Far::start();
    let editor = rollout(&[&far]);
    let says = r#"{"detail":"Failed to unmerge LoRA weights: Lora is not enabled"}"#;
    far.server.fail_at("POST /v1/unmerge_lora_weights", [ServerFault::Answer(500, Vec::new(), says.to_owned())]);
    editor.adopt(&PolicyWeights::checkpoint("1", "one")).await.unwrap();
    assert_eq!(far.loaded.lock().unwrap().model, "one");
}

#[tokio::test]
async fn a_path_is_not_used_twice_for_different_weights() {
    let far = Far::start();
    let editor = rollout(&[&far]);
    editor.adopt(&adapter("1", "one", 1.0)).await.unwrap();
    editor.adopt(&adapter("1", "one", 0.5)).await.unwrap();
    let asked = far.server.asked().len();
    let failure = editor.adopt(&adapter("2", "one", 1.0)).await.unwrap_err();
    assert!(failure.message.contains("its servers read `one` for policy `1`, and read no path twice"), "{failure}");
    let failure = editor.adopt(&adapter("3", "three", f32::INFINITY)).await.unwrap_err();
    assert!(failure.message.contains("expected a finite scale"), "{failure}");
    assert_eq!((failure.kind, far.server.asked().len()), (FailureKind::Invalid, asked));
}

/// What is not waited for any more may have happened: the next weights begin from what the servers began with.
#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_to_chance() {
    let far = Far::start();
    let editor = rollout(&[&far]);
    editor.adopt(&PolicyWeights::checkpoint("1", "one")).await.unwrap();
    editor.adopt(&PolicyWeights::base("b")).await.unwrap();
    far.server.fail_at("POST /update_weights_from_disk", [ServerFault::Hang]);
    let weights = PolicyWeights::checkpoint("2", "two");
    let from = far.server.asked().len();
    // It is with the server when nobody waits for it any more, however busy the machine is.
    let reached = async {
        while far.heard(from).iter().all(|(route, _)| route != "POST /update_weights_from_disk") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        answer = editor.adopt(&weights) => panic!("nobody hung up: {answer:?}"),
        () = reached => {}
    }
    let from = far.server.asked().len();
    editor.adopt(&adapter("3", "three", 1.0)).await.unwrap();
    let routes: Vec<String> = far.heard(from).into_iter().map(|(route, _)| route).collect();
    let expected = [
        "POST /v1/unmerge_lora_weights",
        "POST /update_weights_from_disk",
        "POST /v1/set_lora",
        "POST /get_weights_checksum",
    ];
    assert_eq!(routes, expected);
    assert_eq!(far.loaded.lock().unwrap().model, "began");
}
