//! `ComfyUI`: what is written into a workflow, what is sent, how a job is followed, and everything that goes wrong.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use editscale_core::{
    CancelRule, Candidate, EditBackend, EditBatch, EditItem, EditorName, Failure, FailureKind, ImageSize, KnobName,
    KnobScale, KnobSpec, MediaType, NobodyWatches, Recovery, SeedRule, Submission, Usd, Watch,
};
use editscale_remote::{
    ComfyUi, ComfyUiOptions, Connection, FieldKnob, MaskRule, PollRules, Prices, SecretSource, SetupError, SizeRule,
    WorkflowBindings, WorkflowKnob,
};
use editscale_testkit::{FakeServer, JobPlace, ServerFault, named_picture, png};
use serde_json::{Value, json};

use crate::support::{self, Listening, SIZE, connection, edit_watched, item, numbered, picture, request, status};

/// The workflow that this program ships.
const KONTEXT: &str = include_str!("../../../../configs/comfyui/flux-kontext.workflow.json");

fn bindings() -> WorkflowBindings {
    let [image, instruction, seed] = ["/1/inputs/image", "/7/inputs/text", "/11/inputs/seed"].map(str::to_owned);
    WorkflowBindings { image, instruction, seed, ..WorkflowBindings::default() }
}

fn options_on(connection: Connection) -> ComfyUiOptions {
    let short = Duration::from_millis(2);
    let (longest_wait, lost_after) = (Duration::from_millis(10), Duration::from_secs(2));
    let polls = PollRules { first_wait: short, longest_wait, lost_after, ..PollRules::default() };
    let name = EditorName::new("far").unwrap();
    ComfyUiOptions {
        polls,
        outputs: vec!["13".to_owned()],
        ..ComfyUiOptions::new(name, KONTEXT, bindings(), connection)
    }
}

fn options(server: &FakeServer) -> ComfyUiOptions {
    options_on(connection(&[server.base()]))
}

fn knob(name: &str, pointer: &str, is_whole: bool) -> WorkflowKnob {
    let name = KnobName::new(name).unwrap();
    let spec = KnobSpec { name, low: 1.0, high: 50.0, default: 4.0, scale: KnobScale::Linear };
    WorkflowKnob { knob: FieldKnob { spec, is_whole }, pointer: pointer.to_owned() }
}

async fn edit(options: ComfyUiOptions, item: EditItem) -> Result<Candidate, Failure> {
    support::edit(&ComfyUi::new(options).unwrap(), item).await
}

fn lines(server: &FakeServer) -> Vec<String> {
    server.asked().iter().map(|asked| asked.line.clone()).collect()
}

fn bodies(server: &FakeServer, line: &str) -> Vec<Value> {
    server.asked().iter().filter(|asked| asked.line == line).map(editscale_testkit::Asked::json).collect()
}

#[tokio::test]
async fn an_edit_is_an_upload_a_prompt_a_look_and_a_picture() {
    let server = FakeServer::start();
    let mut given = options(&server);
    given.knobs = vec![knob("guidance", "/9/inputs/guidance", false), knob("steps", "/11/inputs/steps", true)];
    given.fixed = [("/11/inputs/scheduler".to_owned(), json!("beta"))].into();
    let made = edit(given, item(&request(None, None))).await.unwrap();
    assert_eq!((made.effective_seed, made.image.size), (Some(7), SIZE));
    assert!(made.notes.is_empty());
    let asked = server.asked();
    let name = format!("{}.png", &picture([10, 20, 30]).digest().to_string().replace("blake3:", "")[..32]);
    let id = bodies(&server, "POST /v1/prompt")[0]["prompt_id"].as_str().unwrap().to_owned();
    assert_eq!(
        lines(&server),
        [
            format!("GET /v1/ws?clientId={id}"),
            "POST /v1/upload/image".to_owned(),
            "POST /v1/history".to_owned(),
            "POST /v1/prompt".to_owned(),
            format!("GET /v1/history/{id}"),
            "GET /v1/view?filename=edit_00000_.png&subfolder=a+folder&type=output".to_owned(),
        ]
    );
    let file = png(SIZE, [10, 20, 30]);
    let expected = ["type = input".to_owned(), "subfolder = editscale".to_owned()]
        .into_iter()
        .chain([format!("image = {name} (image/png, {} bytes)", file.len())]);
    assert_eq!(asked[1].form(), expected.collect::<Vec<_>>());
    assert_eq!(asked[1].file("image").unwrap().bytes, file, "the picture goes as it is");
    assert_eq!(asked[2].json(), json!({"delete": [id]}), "nothing else is forgotten");
    let mut graph: Value = serde_json::from_str(KONTEXT).unwrap();
    for (pointer, value) in [
        ("/1/inputs/image", json!(format!("editscale/{name}"))),
        ("/7/inputs/text", json!("make it warmer")),
        ("/11/inputs/seed", json!(7)),
        ("/11/inputs/scheduler", json!("beta")),
        ("/9/inputs/guidance", json!(4.0)),
        ("/11/inputs/steps", json!(4)),
    ] {
        *graph.pointer_mut(pointer).unwrap() = value;
    }
    let body = json!({"prompt": graph, "prompt_id": id, "client_id": id, "partial_execution_targets": ["13"]});
    assert_eq!(asked[3].json(), body);
}

#[tokio::test]
async fn the_card_says_what_is_so() {
    let server = FakeServer::start();
    let editor = ComfyUi::new(options(&server)).unwrap();
    let card = editor.card().clone();
    assert_eq!((card.seeds, card.masks), (SeedRule::Reproducible { bits: 32 }, false));
    assert_eq!((card.cancel, card.recovery), (CancelRule::WithinStep, Recovery::Query));
    let mut other = options(&server);
    other.fixed = [("/11/inputs/steps".to_owned(), json!(8))].into();
    let other = ComfyUi::new(other).unwrap();
    assert_ne!(other.card().revision, card.revision, "another graph makes other pictures");
    assert!(card.revision.starts_with("comfyui/1 "));
    let revision = |change: &dyn Fn(&mut ComfyUiOptions)| {
        let mut changed = options(&server);
        change(&mut changed);
        ComfyUi::new(changed).unwrap().card().revision.clone()
    };
    assert_ne!(revision(&|given| given.seed_bits = 16), card.revision, "other seeds make other pictures");
    assert_ne!(revision(&|given| given.masks = Some(MaskRule::White)), card.revision, "as do masks read otherwise");
    assert_eq!(revision(&|given| given.seed_bits = 32), card.revision);
    let named = ComfyUiOptions { revision: Some("r2".to_owned()), ..options(&server) };
    assert!(ComfyUi::new(named).unwrap().card().revision.ends_with(" @r2"));
}

#[tokio::test]
async fn seeds_tell_candidates_apart_and_names_of_jobs_do_not_repeat() {
    let server = FakeServer::start();
    let editor = ComfyUi::new(options(&server)).unwrap();
    let request = request(None, None);
    let items = vec![numbered(&request, 0, 5), numbered(&request, 1, 6), numbered(&request, 2, 5)];
    let made = editor.edit(EditBatch { items }, &NobodyWatches).await;
    let bytes: Vec<_> = made.into_iter().map(|made| made.unwrap().image.bytes).collect();
    assert!(bytes[0] != bytes[1] && bytes[0] == bytes[2]);
    let mut ids: Vec<String> =
        bodies(&server, "POST /v1/prompt").iter().map(|body| body["prompt_id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    let few = ComfyUiOptions { seed_bits: 2, ..options(&server) };
    assert_eq!(edit(few, numbered(&request, 0, 7)).await.unwrap().effective_seed, Some(3));
}

/// The workflow with another node or input in it.
fn changed(pointer: &str, value: Value) -> String {
    let mut graph: Value = serde_json::from_str(KONTEXT).unwrap();
    let (node, input) = pointer.split_once(' ').unwrap_or((pointer, ""));
    if input.is_empty() {
        graph[node] = value;
    } else {
        graph[node]["inputs"][input] = value;
    }
    graph.to_string()
}

fn masked(server: &FakeServer, loader: Value) -> ComfyUiOptions {
    let mut given = options(server);
    given.workflow = changed("20", loader);
    given.bindings.mask = Some("/20/inputs/image".to_owned());
    given
}

#[tokio::test]
async fn a_mask_goes_as_the_node_reads_it() {
    let white = named_picture(png(SIZE, [255; 3]), MediaType::Png, SIZE);
    let red = json!({"class_type": "LoadImageMask", "inputs": {"image": "m.png", "channel": "red"}});
    let alpha = json!({"class_type": "LoadImageMask", "inputs": {"image": "m.png", "channel": "alpha"}});
    let loader = json!({"class_type": "LoadImage", "inputs": {"image": "m.png"}});
    for (node, is_white) in [(red, true), (alpha, false), (loader, false)] {
        let server = FakeServer::start();
        let given = masked(&server, node.clone());
        edit(given.clone(), item(&request(Some(white.clone()), None))).await.unwrap();
        let asked = server.asked();
        let sent = &asked[2].file("image").unwrap().bytes;
        assert_eq!(*sent == png(SIZE, [255; 3]), is_white, "{node}");
        let name = bodies(&server, "POST /v1/prompt")[0]["prompt"]["20"]["inputs"]["image"].clone();
        assert_eq!(name.as_str().unwrap().starts_with("editscale/mask-"), !is_white, "{name}");
        let failure = edit(given, item(&request(None, None))).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid, "a mask of nothing is none: {failure}");
    }
    let server = FakeServer::start();
    let other = json!({"class_type": "LoadMaskFromElsewhere", "inputs": {"image": "m.png"}});
    let error = ComfyUi::new(masked(&server, other.clone())).unwrap_err().to_string();
    assert!(error.contains("node 20 (LoadMaskFromElsewhere)"), "{error}");
    let told = ComfyUiOptions { masks: Some(MaskRule::White), ..masked(&server, other) };
    assert!(ComfyUi::new(told).unwrap().card().masks);
    let without = edit(options(&server), item(&request(Some(white), None))).await.unwrap_err();
    assert!(without.kind == FailureKind::Invalid && server.asked().is_empty(), "{without}");
}

#[tokio::test]
async fn a_size_is_asked_for_where_the_workflow_has_a_place_for_it() {
    let server = FakeServer::start();
    let wished = Some(ImageSize { width: 100, height: 40 });
    let made = edit(options(&server), item(&request(None, wished))).await.unwrap();
    assert_eq!(&*made.notes[0], "the size 100x40 is not to be had; its own was asked for");
    let mut given = options(&server);
    let latent = json!({"class_type": "EmptySD3LatentImage", "inputs": {"width": 1, "height": 1, "batch_size": 1}});
    given.workflow = changed("20", latent);
    given.bindings.width = Some("/20/inputs/width".to_owned());
    let error = ComfyUi::new(given.clone()).unwrap_err().to_string();
    assert!(error.contains("width and height: expected both, or neither"), "{error}");
    given.bindings.height = Some("/20/inputs/height".to_owned());
    given.sizes = SizeRule::MultipleOf(8);
    let made = edit(given.clone(), item(&request(None, wished))).await.unwrap();
    assert!(made.notes[0].contains("104x40 was asked for") && made.notes[1].contains("made 32x16"), "{:?}", made.notes);
    edit(given, item(&request(None, None))).await.unwrap();
    let sizes: Vec<(Value, Value)> = bodies(&server, "POST /v1/prompt")[1..]
        .iter()
        .map(|body| &body["prompt"]["20"]["inputs"])
        .map(|inputs| (inputs["width"].clone(), inputs["height"].clone()))
        .collect();
    assert_eq!(sizes, [(json!(104), json!(40)), (json!(32), json!(16))]);
}

#[test]
fn every_pointer_is_checked_against_the_workflow() {
    let server = FakeServer::start();
    let with = |change: &dyn Fn(&mut ComfyUiOptions)| {
        let mut given = options(&server);
        change(&mut given);
        ComfyUi::new(given).unwrap_err().to_string()
    };
    let seed = |pointer: &'static str| move |given: &mut ComfyUiOptions| given.bindings.seed = pointer.to_owned();
    let file = |text: &str| {
        let text = text.to_owned();
        move |given: &mut ComfyUiOptions| given.workflow.clone_from(&text)
    };
    let fixed = |pointer: &'static str, value: Value| {
        move |given: &mut ComfyUiOptions| given.fixed = [(pointer.to_owned(), value.clone())].into()
    };
    let cases: Vec<(String, &[&str])> = vec![
        (with(&seed("11/inputs/seed")), &["seed: 11/inputs/seed", "a pointer such as"]),
        (with(&seed("/11/seed")), &["a pointer such as"]),
        (with(&seed("/99/inputs/seed")), &["no node 99"]),
        (with(&seed("/11/outputs/seed")), &["`outputs` of node 11 (KSampler)"]),
        (with(&seed("/11/inputs/sed")), &["no `sed` among the inputs of node 11 (KSampler)"]),
        (with(&seed("/11/inputs/model")), &["`model` is made by node 2 (UNETLoader)"]),
        (with(&seed("/11/inputs/scheduler")), &["\"simple\" as the `scheduler` of node 11 (KSampler)", "whole number"]),
        (with(&seed("/11/inputs/denoise")), &["1.0 as the `denoise`"]),
        (with(&|given| given.bindings.image = "/11/inputs/steps".to_owned()), &["image: /11/inputs/steps", "a text"]),
        (
            with(&|given| given.knobs = vec![knob("seed", "/11/inputs/seed", true)]),
            &["each place at most once", "two for the `seed` of node 11"],
        ),
        (with(&|given| given.knobs = vec![knob("s", "/11/inputs/scheduler", true)]), &["knob_places.s", "a number"]),
        (with(&fixed("/11/inputs/steps", json!("many"))), &["fixed: /11/inputs/steps", "found \"many\""]),
        (with(&fixed("/11/inputs/model", json!("x"))), &["made by node 2"]),
        (with(&|given| given.outputs.clear()), &["outputs", "at least one"]),
        (with(&|given| given.outputs = vec!["99".to_owned()]), &["`99`"]),
        (with(&|given| given.seed_bits = 60), &["seed_bits", "found 60"]),
        (with(&|given| given.sizes = SizeRule::OneOf(Vec::new())), &["sizes", "at least one"]),
        (with(&|given| given.polls.first_wait = Duration::ZERO), &["poll"]),
        (with(&file("[]")), &["API format", "no object"]),
        (with(&file("{")), &["no JSON"]),
        (with(&file("{}")), &["no nodes"]),
        (with(&file(r#"{"nodes":[],"links":[]}"#)), &["Export (API)", "the menu `Save` writes"]),
        (with(&file(r#"{"prompt":{}}"#)), &["under `prompt`"]),
        (with(&file(r#"{"1":{"inputs":{}}}"#)), &["node 1 without a `class_type`"]),
        (with(&file(r#"{"1":{"class_type":"A"}}"#)), &["node 1 without `inputs`"]),
        (with(&file(&changed("12 vae", json!(["77", 0])))), &["node 12, whose `vae` comes from node 77"]),
        (with(&file(&changed("12 vae", json!(["13", 0])))), &["in a circle", "node 12 (VAEDecode)"]),
        (with(&file(&changed("12 vae", json!(["12", 0])))), &["in a circle", "node 12 (VAEDecode)"]),
    ];
    for (error, words) in cases {
        assert!(words.iter().all(|word| error.contains(word)), "{error} should speak of {words:?}");
    }
    assert!(matches!(ComfyUi::new(options_on(connection(&[]))), Err(SetupError::Setting { .. })));
}

#[tokio::test]
async fn progress_and_previews_come_over_the_socket_and_wake_the_question() {
    let server = FakeServer::start();
    let mut given = options(&server);
    // Only news ends this wait in time.
    given.polls = PollRules { first_wait: Duration::from_secs(600), ..given.polls };
    given.polls.longest_wait = given.polls.first_wait;
    let watch = Steps::default();
    let made = edit_watched(&ComfyUi::new(given).unwrap(), item(&request(None, None)), &watch).await.unwrap();
    assert_eq!(*watch.steps.lock().unwrap(), [(0, 1, 3), (0, 2, 3), (0, 3, 3)], "each step once, nobody else's");
    assert_eq!(*watch.previews.lock().unwrap(), std::slice::from_ref(&made.image.bytes), "what is broken is not shown");
}

#[derive(Debug, Default)]
struct Steps {
    steps: std::sync::Mutex<Vec<(usize, u32, u32)>>,
    previews: std::sync::Mutex<Vec<Arc<[u8]>>>,
}

impl Watch for Steps {
    fn cancelled(&self) -> bool {
        false
    }

    fn step(&self, item: usize, step: u32, steps: u32) {
        self.steps.lock().unwrap().push((item, step, steps));
    }

    fn preview(&self, _: usize, image: &editscale_core::EncodedImage) {
        self.previews.lock().unwrap().push(Arc::clone(&image.bytes));
    }
}

#[tokio::test]
async fn without_a_socket_an_edit_goes_on() {
    for fault in [
        ServerFault::Answer(404, Vec::new(), "no".to_owned()),
        ServerFault::Answer(200, Vec::new(), "<html>".to_owned()),
        ServerFault::Answer(
            101,
            vec![("Connection", "Upgrade".to_owned()), ("Upgrade", "websocket".to_owned())],
            String::new(),
        ),
        ServerFault::Lost,
    ] {
        let server = FakeServer::start();
        server.fail_at("GET /v1/ws", [fault.clone()]);
        edit(options(&server), item(&request(None, None))).await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
    }
    let server = FakeServer::start();
    let quiet = ComfyUiOptions { progress: false, ..options(&server) };
    edit(quiet, item(&request(None, None))).await.unwrap();
    assert!(!lines(&server).iter().any(|line| line.contains("/ws")));
}

#[tokio::test]
async fn refusals_of_graphs_are_told_node_by_node() {
    let whole = json!({"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation",
        "details": "Value not in list: vae_name", "extra_info": {}});
    let error =
        json!({"type": "value_not_in_list", "message": "Value not in list", "details": "vae_name: 'ae' not in []"});
    let nodes = json!({"4": {"errors": [error], "dependent_outputs": ["13"], "class_type": "VAELoader"}});
    let refused = json!({"error": whole, "node_errors": nodes}).to_string();
    let unknown = json!({"error": {"type": "missing_node_type", "message": "Node 'Nope' not found.",
        "details": "Node ID '#2'"}, "node_errors": {}})
    .to_string();
    for (fault, kind, words, prompts) in [
        (
            status(400, &refused),
            FailureKind::Invalid,
            "node 4 (VAELoader): Value not in list: vae_name: 'ae' not in []",
            1,
        ),
        (status(400, &unknown), FailureKind::Invalid, "Node 'Nope' not found.: Node ID '#2'", 1),
        (status(401, "401: Unauthorized"), FailureKind::Refused, "401", 1),
        (status(413, "Maximum request body size 1 exceeded"), FailureKind::Invalid, "Maximum request body", 1),
        (
            status(500, "500 Internal Server Error\n\nServer got itself in trouble"),
            FailureKind::Unavailable,
            "trouble",
            4,
        ),
        (status(502, "<html><title>Bad Gateway</title>"), FailureKind::Unavailable, "Bad Gateway", 4),
        (status(429, "slow"), FailureKind::Unavailable, "slow", 4),
    ] {
        let server = FakeServer::start();
        server.fail_at("POST /v1/prompt", vec![fault.clone(); 9]);
        let mut hasty = options(&server);
        hasty.polls.lost_after = Duration::from_millis(20);
        let failure = edit(hasty, item(&request(None, None))).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{fault:?}: {failure}");
        assert!(failure.to_string().contains(words), "{failure}");
        assert_eq!(bodies(&server, "POST /v1/prompt").len(), prompts, "{fault:?}");
        assert!(server.made().is_empty());
    }
}

#[tokio::test]
async fn a_graph_that_is_taken_in_part_is_refused_where_the_wanted_part_is_missing() {
    let server = FakeServer::start();
    let error = json!({"message": "Required input is missing", "details": "image"});
    server.comfyui(|rules| {
        rules.node_errors = json!({"1": {"errors": [error], "dependent_outputs": ["13"], "class_type": "LoadImage"}});
    });
    let failure = edit(options(&server), item(&request(None, None))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert!(failure.to_string().contains("node 1 (LoadImage): Required input is missing: image"), "{failure}");
    let mut two = options(&server);
    two.workflow = changed("21", json!({"class_type": "PreviewImage", "inputs": {"images": ["12", 0]}}));
    two.outputs = vec!["13".to_owned(), "21".to_owned()];
    server.comfyui(|rules| rules.silent = vec!["13".to_owned()]);
    edit(two, item(&request(None, None))).await.unwrap();
}

#[tokio::test]
async fn edits_that_the_server_gave_up_fail_with_its_words() {
    let ended =
        |name: &str, said: Value| json!({"status_str": "error", "completed": false, "messages": [[name, said]]});
    let raised = |kind: &str, message: &str| {
        ended(
            "execution_error",
            json!({"node_id": "11", "node_type": "KSampler", "exception_type": kind, "exception_message": message}),
        )
    };
    for (status, kind, words, prompts) in [
        (
            raised("RuntimeError", "mat1 and mat2\n differ"),
            FailureKind::Invalid,
            "node 11 (KSampler) failed: RuntimeError: mat1 and mat2 differ",
            1,
        ),
        (raised("torch.OutOfMemoryError", "Allocation on device"), FailureKind::Unavailable, "OutOfMemoryError", 4),
        (ended("execution_interrupted", json!({})), FailureKind::Refused, "somebody interrupted", 1),
        (json!({"status_str": "error"}), FailureKind::Unavailable, "does not say why", 4),
    ] {
        let server = FakeServer::start();
        server.comfyui(|rules| rules.ends = Some(status.clone()));
        let failure = edit(options(&server), item(&request(None, None))).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.to_string().contains(words), "{failure}");
        assert_eq!(server.made().len(), prompts, "{failure}");
    }
}

#[tokio::test]
async fn uploads_fail_as_uploads_do() {
    for (fault, kind, uploads) in [
        (status(400, ""), FailureKind::Invalid, 1),
        (status(413, "too large"), FailureKind::Invalid, 1),
        (status(200, "{}"), FailureKind::Malformed, 4),
        (status(200, "<html>"), FailureKind::Malformed, 4),
        (ServerFault::Lost, FailureKind::Unavailable, 4),
    ] {
        let server = FakeServer::start();
        server.fail_at("POST /v1/upload", vec![fault.clone(); 9]);
        let paid = Prices { call: Usd { micros: 1000 }, ..Prices::default() };
        let given = ComfyUiOptions { prices: paid, ..options(&server) };
        let failure = edit(given, item(&request(None, None))).await.unwrap_err();
        let asked = lines(&server).iter().filter(|line| line.contains("upload")).count();
        assert_eq!((failure.kind, asked, failure.cost.usd.micros), (kind, uploads, 0), "{fault:?}: {failure}");
        assert!(server.made().is_empty());
    }
}

#[tokio::test]
async fn the_name_that_the_server_gives_a_file_is_the_one_that_is_used() {
    let server = FakeServer::start();
    server.fail_at("POST /v1/upload", [status(200, r#"{"name":"b (1).png","subfolder":"","type":"temp"}"#)]);
    edit(options(&server), item(&request(None, None))).await.unwrap_err();
    let graph = &bodies(&server, "POST /v1/prompt")[0]["prompt"];
    assert_eq!(graph["1"]["inputs"]["image"], "b (1).png [temp]");
}

#[tokio::test]
async fn what_is_no_result_is_none() {
    let server = FakeServer::start();
    server.comfyui(|rules| rules.silent = vec!["13".to_owned()]);
    let failure = edit(options(&server), item(&request(None, None))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed);
    assert!(failure.to_string().contains("expected a picture of node 13 (SaveImage), found none"), "{failure}");
    for (route, fault, words) in [
        ("GET /v1/view", status(404, ""), "status 404"),
        ("GET /v1/view", status(200, "<html>"), "expected a PNG, JPEG or WebP"),
        ("GET /v1/view", ServerFault::Huge(65 << 20), "at most 67108864 bytes"),
        (
            "GET /v1/view",
            ServerFault::Answer(302, vec![("Location", "http://10.0.0.1/x".to_owned())], String::new()),
            "10.0.0.1",
        ),
        ("GET /v1/history", status(200, "[]"), "history"),
        ("GET /v1/history", status(200, "<html>"), "expected JSON"),
        ("POST /v1/prompt", status(200, "{}"), "prompt_id"),
        ("POST /v1/prompt", status(200, r#"{"prompt_id":"../queue"}"#), "prompt_id"),
    ] {
        let server = FakeServer::start();
        server.fail_at(route, vec![fault.clone(); 99]);
        let mut hasty = options(&server);
        hasty.polls.lost_after = Duration::from_millis(40);
        let failure = edit(hasty, item(&request(None, None))).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{route} {fault:?}: {failure}");
        assert!(failure.to_string().contains(words), "{route} {fault:?}: {failure}");
    }
}

#[tokio::test]
async fn asking_goes_on_through_passing_trouble() {
    let server = FakeServer::start();
    server.fail_at("GET /v1/history", [ServerFault::Lost, status(500, "oh"), status(200, "<html>"), status(404, "")]);
    server.fail_at("GET /v1/queue", [status(503, "busy")]);
    server.fail_at("GET /v1/view", [ServerFault::Lost, ServerFault::Cut(20)]);
    edit(options(&server), item(&request(None, None))).await.unwrap();
    assert_eq!(server.made().len(), 1);
}

#[tokio::test]
async fn a_prompt_whose_answer_got_lost_is_looked_for_and_not_sent_again() {
    for fault in [ServerFault::Lost, ServerFault::Cut(10)] {
        let server = FakeServer::start();
        server.fail_at("POST /v1/prompt", [fault.clone()]);
        let prices = Prices { picture: Usd { micros: 1000 }, ..Prices::default() };
        let made = edit(ComfyUiOptions { prices, ..options(&server) }, item(&request(None, None))).await.unwrap();
        assert_eq!((server.made().len(), made.cost.usd.micros), (1, 1000), "{fault:?}");
        assert_eq!(bodies(&server, "POST /v1/prompt").len(), 1);
    }
}

#[tokio::test]
async fn a_prompt_that_never_arrived_is_sent_again_where_that_is_free() {
    let server = FakeServer::start();
    server.fail_at("POST /v1/prompt", [status(504, "")]);
    edit(options(&server), item(&request(None, None))).await.unwrap();
    assert_eq!((bodies(&server, "POST /v1/prompt").len(), server.made().len()), (2, 1));
    let server = FakeServer::start();
    server.fail_at("POST /v1/prompt", [status(504, "")]);
    let prices = Prices { picture: Usd { micros: 1000 }, ..Prices::default() };
    let failure = edit(ComfyUiOptions { prices, ..options(&server) }, item(&request(None, None))).await.unwrap_err();
    assert_eq!((failure.kind, failure.cost.usd.micros), (FailureKind::Ambiguous, 1000), "{failure}");
    assert_eq!(bodies(&server, "POST /v1/prompt").len(), 1);
}

/// Lets an edit begin on a server that keeps it in its queue, then loses interest.
async fn cancelled(server: &FakeServer, place: JobPlace) -> (Failure, Arc<Listening>) {
    server.comfyui(|rules| rules.holds = Some(place));
    let prices = Prices { picture: Usd { micros: 1000 }, ..Prices::default() };
    let editor = ComfyUi::new(ComfyUiOptions { prices, ..options(server) }).unwrap();
    let watch = Arc::new(Listening::default());
    let (waiting, teller) = (server.clone(), Arc::clone(&watch));
    let asked = tokio::task::spawn_blocking(move || {
        waiting.wait_for_requests("GET /v1/history", 2);
        teller.cancel.store(true, Ordering::Relaxed);
    });
    let failure = edit_watched(&editor, item(&request(None, None)), &*watch).await.unwrap_err();
    asked.await.unwrap();
    (failure, watch)
}

#[tokio::test]
async fn unwanted_edits_are_struck_from_the_queue_or_interrupted_by_name() {
    for (place, cancels, expected, micros) in [
        (JobPlace::Queued, false, vec!["cancel", "queue"], 0),
        (JobPlace::Working, false, vec!["cancel", "queue", "interrupt"], 1000),
        (JobPlace::Queued, true, vec!["cancel"], 0),
        (JobPlace::Working, true, vec!["cancel"], 1000),
    ] {
        let server = FakeServer::start();
        server.comfyui(|rules| rules.cancels = cancels);
        let (failure, watch) = cancelled(&server, place).await;
        assert_eq!(failure.kind, FailureKind::Cancelled, "{failure}");
        assert_eq!(failure.cost.usd.micros, micros, "{place:?}: what never began costs nothing");
        let posts: Vec<_> = server
            .asked()
            .into_iter()
            .filter(|asked| asked.line.starts_with("POST"))
            .skip_while(|asked| asked.line != "POST /v1/prompt")
            .skip(1)
            .collect();
        let ends: Vec<&str> = posts.iter().filter_map(|asked| asked.line.rsplit('/').next()).collect();
        assert_eq!(ends, expected, "{place:?}");
        let id = bodies(&server, "POST /v1/prompt")[0]["prompt_id"].clone();
        for asked in &posts {
            let names = asked.line.contains(id.as_str().unwrap())
                || asked.json() == json!({"delete": [id]})
                || asked.json() == json!({"prompt_id": id});
            assert!(names, "nothing else is stopped: {asked:?}");
        }
        assert!(server.made().is_empty());
        let key = format!("0 editscale-run-1-0 Some(\"{} {}\")", server.base(), id.as_str().unwrap());
        assert_eq!(*watch.submitted.lock().unwrap(), [key.clone(), key], "known before it left");
    }
}

#[tokio::test]
async fn an_edit_that_is_not_wanted_before_it_left_is_not_sent() {
    let server = FakeServer::start();
    let watch = Listening { refuses: true, ..Listening::default() };
    let editor = ComfyUi::new(options(&server)).unwrap();
    let failure = edit_watched(&editor, item(&request(None, None)), &watch).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Cancelled);
    assert!(server.asked().is_empty());
}

/// An edit as an earlier life of this program left it: submitted, and known under its name.
async fn left_behind(server: &FakeServer) -> EditItem {
    // It cannot be stopped, and stays in the queue: as if the program had died.
    server.fail_at("POST /v1/api/jobs", vec![status(500, ""); 9]);
    let (_, watch) = cancelled(server, JobPlace::Queued).await;
    let remote: String = watch.submitted.lock().unwrap()[0].split('"').nth(1).unwrap().to_owned();
    let mut again = item(&request(None, None));
    again.earlier = Some(Submission { key: "editscale-run-1-0".into(), remote_id: Some(remote.into()) });
    again
}

#[tokio::test]
async fn after_a_crash_the_job_is_asked_about_and_not_sent_again() {
    let server = FakeServer::start();
    let again = left_behind(&server).await;
    server.comfyui_goes_on();
    let before = lines(&server).len();
    edit(options(&server), again).await.unwrap();
    assert_eq!(server.made().len(), 1);
    assert!(lines(&server)[before..].iter().all(|line| line.starts_with("GET")), "nothing was submitted");
}

#[tokio::test]
async fn a_job_that_died_with_the_server_is_done_anew_where_that_is_free() {
    let server = FakeServer::start();
    let again = left_behind(&server).await;
    server.comfyui_starts_again();
    server.comfyui(|rules| rules.holds = None);
    let prices = Prices { picture: Usd { micros: 1000 }, ..Prices::default() };
    let paid = edit(ComfyUiOptions { prices, ..options(&server) }, again.clone()).await.unwrap_err();
    assert_eq!((paid.kind, paid.cost.usd.micros), (FailureKind::Ambiguous, 1000), "{paid}");
    edit(options(&server), again).await.unwrap();
    assert_eq!(server.made().len(), 1);
}

#[tokio::test]
async fn servers_that_name_jobs_themselves_are_followed_by_their_names() {
    let server = FakeServer::start();
    server.comfyui(|rules| rules.names_jobs = true);
    let watch = Listening::default();
    let editor = ComfyUi::new(options(&server)).unwrap();
    edit_watched(&editor, item(&request(None, None)), &watch).await.unwrap();
    let submitted = watch.submitted.lock().unwrap();
    assert!(submitted[1].contains("00000000-0000-4000-8000-000000000000"), "{submitted:?}");
}

#[tokio::test]
async fn a_failed_attempt_in_the_history_is_not_taken_for_the_next_one() {
    let server = FakeServer::start();
    let error = json!({"status_str": "error", "messages": [["execution_error", {"exception_type": "RuntimeError"}]]});
    server.comfyui(|rules| rules.ends = Some(error));
    edit(options(&server), item(&request(None, None))).await.unwrap_err();
    server.comfyui(|rules| (rules.ends, rules.holds) = (None, Some(JobPlace::Queued)));
    let editor = ComfyUi::new(options(&server)).unwrap();
    let waiting = server.clone();
    let goes_on = tokio::task::spawn_blocking(move || {
        waiting.wait_for_requests("GET /v1/queue", 2);
        waiting.comfyui_goes_on();
    });
    edit_watched(&editor, item(&request(None, None)), &NobodyWatches).await.unwrap();
    goes_on.await.unwrap();
    assert_eq!(server.made().len(), 2);
}

#[tokio::test]
async fn the_secret_goes_everywhere_and_is_in_no_message() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "sk-verysecret").unwrap();
    let server = FakeServer::start();
    let mut given = options(&server);
    given.connection.servers[0].secret = Some(SecretSource::File(folder.path().join("key")));
    given.connection.servers[0].concurrency = NonZeroU32::MIN;
    edit(given.clone(), item(&request(None, None))).await.unwrap();
    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.header("authorization") == Some("Bearer sk-verysecret")), "{asked:?}");
    let said = json!({"message": "sk-verysecret is bad", "details": "sk-verysecret"});
    let nodes = json!({"1": {"errors": [said], "dependent_outputs": ["13"], "class_type": "sk-verysecret"}});
    let raised = json!({"node_id": "11", "exception_type": "sk-verysecret", "exception_message": "sk-verysecret"});
    server.fail_at("POST /v1/prompt", [status(400, &json!({"error": said, "node_errors": nodes}).to_string())]);
    let refused = edit(given.clone(), item(&request(None, None))).await.unwrap_err();
    server.comfyui(|rules| rules.node_errors.clone_from(&nodes));
    let partly = edit(given.clone(), item(&request(None, None))).await.unwrap_err();
    let status = json!({"status_str": "error", "messages": [["execution_error", raised]]});
    server.comfyui(|rules| (rules.node_errors, rules.ends) = (Value::Null, Some(status)));
    let ended = edit(given, item(&request(None, None))).await.unwrap_err();
    for failure in [refused, partly, ended] {
        assert!(!format!("{failure} {failure:?}").contains("verysecret"), "{failure}");
    }
}

/// What a server that fits the workflow tells of its classes.
fn classes() -> serde_json::Map<String, Value> {
    let graph: Value = serde_json::from_str(KONTEXT).unwrap();
    let mut classes = serde_json::Map::new();
    for node in graph.as_object().unwrap().values() {
        let inputs: serde_json::Map<String, Value> = node["inputs"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| match value {
                Value::String(_) if name.ends_with("name") || name == "image" => (name.clone(), json!([[value], {}])),
                Value::String(_) if name == "scheduler" => (name.clone(), json!(["COMBO", {"options": [value]}])),
                Value::String(_) => (name.clone(), json!(["STRING", {}])),
                Value::Number(_) => (name.clone(), json!(["INT", {"min": 0, "max": u64::MAX}])),
                _ => (name.clone(), json!(["IMAGE", {}])),
            })
            .collect();
        let class = node["class_type"].as_str().unwrap();
        let entry = json!({"input": {"required": inputs}, "output": ["A"], "output_node": class == "SaveImage"});
        classes.insert(class.to_owned(), entry);
    }
    classes
}

#[tokio::test]
async fn a_server_is_compared_with_the_workflow() {
    let server = FakeServer::start();
    server.comfyui(|rules| rules.classes = classes());
    let mut given = options(&server);
    given.knobs = vec![knob("steps", "/11/inputs/steps", true)];
    let editor = ComfyUi::new(given).unwrap();
    assert_eq!(editor.inspect().await, [], "a picture's name need not be known before");
    let mut bad = classes();
    bad.remove("FluxGuidance");
    bad["VAELoader"]["input"]["required"]["vae_name"] = json!([["other.safetensors"], {}]);
    bad["KSampler"]["input"]["required"]["seed"][1] = json!({"min": 0, "max": 1000});
    bad["KSampler"]["input"]["required"]["steps"][1] = json!({"min": 1, "max": 40});
    bad["KSampler"]["input"]["required"]["cfg"][1] = json!({"min": 2.0, "max": 9.0});
    bad["KSampler"]["input"]["required"]["scheduler"][1] = json!({"options": []});
    bad["UNETLoader"]["input"]["required"]["more"] = json!(["INT", {}]);
    bad["UNETLoader"]["output"] = json!([]);
    bad["CLIPTextEncode"]["input"]["required"] = json!({"words": ["STRING", {}]});
    bad["VAEEncode"]["input"]["required"]["any"] = json!(["COMFY_AUTOGROW_V3", {}]);
    bad["SaveImage"]["output_node"] = json!(false);
    server.comfyui(|rules| rules.classes = bad);
    let found: Vec<String> = editor.inspect().await.iter().map(ToString::to_string).collect();
    for words in [
        "node 9 (FluxGuidance): the server has no such class",
        "node 4 (VAELoader): `vae_name` is \"ae.safetensors\", and the server has \"other.safetensors\"",
        "node 11 (KSampler): `seed` can be from 0 to 4294967295, and the server takes 0 to 1000",
        "node 11 (KSampler): `steps` can be from 1 to 50, and the server takes 1 to 40",
        "node 11 (KSampler): `cfg` can be from 1 to 1, and the server takes 2.0 to 9.0",
        "node 11 (KSampler): `scheduler` is \"simple\", and the server has nothing to choose from",
        "node 2 (UNETLoader): the input `more` is required and missing",
        "node 11 (KSampler): `model` is result 0 of node 2 (UNETLoader), which has 0",
        "node 7 (CLIPTextEncode): the input `text` is bound, and the class has none of that name",
        "node 7 (CLIPTextEncode): the input `words` is required and missing",
        "node 13 (SaveImage) is no output",
    ] {
        assert!(found.iter().any(|finding| finding.contains(words)), "{words} in {found:#?}");
    }
    assert_eq!(found.len(), 11, "{found:#?}");
    let nobody = ComfyUi::new(options_on(connection(&[FakeServer::nowhere()]))).unwrap();
    let found = nobody.inspect().await;
    assert!(
        found.len() == 1 && found[0].node.is_none() && found[0].message.contains("nobody was reached"),
        "{found:?}"
    );
}

#[tokio::test]
async fn replicas_share_the_work_and_a_dead_one_is_left_out() {
    let (here, there) = (FakeServer::start(), FakeServer::start());
    let editor = ComfyUi::new(options_on(connection(&[here.base(), FakeServer::nowhere(), there.base()]))).unwrap();
    let request = request(None, None);
    let items = (0..8).map(|id| numbered(&request, id, u64::from(id))).collect();
    let made = editor.edit(EditBatch { items }, &NobodyWatches).await;
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    assert_eq!(here.made().len() + there.made().len(), 8);
    for server in [&here, &there] {
        let (uploads, prompts) =
            (lines(server).iter().filter(|line| line.contains("upload")).count(), server.made().len());
        assert_eq!(uploads, prompts, "a picture goes where its prompt goes");
    }
}
