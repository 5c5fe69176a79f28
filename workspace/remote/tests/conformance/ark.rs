//! Seedream and `SeedEdit` at Ark: what is sent, what is counted, and what its errors say.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use editscale_core::{
    CancelRule, Candidate, Cost, EditBackend, EditBatch, EditItem, EditorName, Failure, FailureKind, Image, ImageSize,
    KnobName, KnobScale, KnobSpec, MediaType, NobodyWatches, Recovery, SeedRule, Usd, Watch,
};
use editscale_remote::{Ark, ArkGeneration, ArkOptions, FieldKnob, Prices, Repeat, SecretSource};
use editscale_testkit::{FakeServer, ServerFault, named_picture, png};
use serde_json::{Value, json};

use crate::support::{Listening, SIZE, connection, item, request};

const SEEDREAM: &str = "doubao-seedream-4-0-250828";
const SEEDEDIT: &str = "doubao-seededit-3-0-i2i-250628";

fn options(model: &str, server: &FakeServer) -> ArkOptions {
    let base = format!("{}/api/v3", server.root());
    ArkOptions::new(EditorName::new("far").unwrap(), model, connection(&[base]))
}

/// A picture at thirty thousandths of a dollar.
fn paid(server: &FakeServer) -> ArkOptions {
    let prices = Prices { picture: Usd { micros: 30_000 }, ..Prices::default() };
    ArkOptions { prices, ..options(SEEDREAM, server) }
}

async fn edit(options: ArkOptions, item: EditItem) -> Result<Candidate, Failure> {
    watched(options, item, &NobodyWatches).await
}

async fn watched(options: ArkOptions, item: EditItem, watch: &dyn Watch) -> Result<Candidate, Failure> {
    Ark::new(options).unwrap().edit(EditBatch { items: vec![item] }, watch).await.remove(0)
}

fn of_size(width: u32, height: u32) -> Image {
    named_picture(png(SIZE, [10, 20, 30]), MediaType::Png, ImageSize { width, height })
}

#[tokio::test]
async fn the_request_is_what_the_service_documents() {
    for (model, expected) in [
        (
            SEEDREAM,
            // Left open, the size is the picture's, brought into what is made: 32x16 is too small.
            json!({"size": "1358x679", "sequential_image_generation": "disabled"}),
        ),
        ("seedream-4-5-251128", json!({"size": "2716x1358", "sequential_image_generation": "disabled"})),
        ("seedream-5-0-260128", json!({"size": "2716x1358", "sequential_image_generation": "disabled"})),
        (SEEDEDIT, json!({"size": "adaptive", "seed": 7})),
    ] {
        let server = FakeServer::start();
        let made = edit(options(model, &server), item(&request(None, None))).await.unwrap();
        let asked = &server.asked()[0];
        assert_eq!(asked.line, "POST /api/v3/images/generations");
        let mut body = asked.json();
        let source = body["image"].as_str().unwrap().to_owned();
        assert!(source.starts_with("data:image/png;base64,iVBOR"), "{source}");
        let common = json!({
            "model": model, "prompt": "make it warmer", "image": source, "response_format": "b64_json", "watermark": false,
        });
        for (name, value) in common.as_object().unwrap().iter().chain(expected.as_object().unwrap()) {
            assert_eq!(body.as_object_mut().unwrap().remove(name).as_ref(), Some(value), "{model} {name}");
        }
        assert_eq!(body, json!({}), "{model}: nothing else is sent");
        let seed = expected.get("seed").map(|_| 7);
        assert_eq!((made.effective_seed, made.notes.len()), (seed, 0), "{model}");
        assert!(made.image.bytes.starts_with(b"\x89PNG"));
    }
}

#[tokio::test]
async fn sizes_settings_and_seeds() {
    let server = FakeServer::start();
    // A size that can be had is asked for as it is; another is the nearest, and that is said.
    for (wished, asked, notes) in [((2048, 1024), "2048x1024", 0), ((100, 100), "960x960", 1)] {
        let (width, height) = wished;
        let wished = Some(ImageSize { width, height });
        let made = edit(options(SEEDREAM, &server), item(&request(None, wished))).await.unwrap();
        assert_eq!(server.asked().last().unwrap().json()["size"], asked);
        assert_eq!(made.notes.len(), notes, "{:?}", made.notes);
    }
    let fixed = ArkOptions { size: Some("2K".to_owned()), ..options(SEEDREAM, &server) };
    edit(fixed.clone(), item(&request(None, None))).await.unwrap();
    assert_eq!(server.asked().last().unwrap().json()["size"], "2K");
    edit(fixed, item(&request(None, Some(ImageSize { width: 1280, height: 720 })))).await.unwrap();
    assert_eq!(server.asked().last().unwrap().json()["size"], "1280x720", "a request goes before the recipe");
    let adaptive = edit(options(SEEDEDIT, &server), item(&request(None, Some(SIZE)))).await.unwrap();
    assert_eq!(&*adaptive.notes[0], "the size 32x16 is not to be had; its own was asked for");
    let name = KnobName::new("guidance_scale").unwrap();
    let spec = KnobSpec { name, low: 1.0, high: 10.0, default: 5.5, scale: KnobScale::Linear };
    let mut guided = options("ep-2026-x", &server);
    guided.generation = Some(ArkGeneration::SeedEdit3);
    guided.knobs = vec![FieldKnob { spec, is_whole: false }];
    edit(guided, item(&request(None, None))).await.unwrap();
    assert_eq!(server.asked().last().unwrap().json()["guidance_scale"], 5.5);
}

#[test]
fn cards_are_true() {
    let server = FakeServer::start();
    for (model, seeds) in [(SEEDREAM, SeedRule::Ignored), (SEEDEDIT, SeedRule::Reproducible { bits: 31 })] {
        let card = Ark::new(options(model, &server)).unwrap().card().clone();
        assert_eq!((card.seeds, card.masks, card.cancel), (seeds, false, CancelRule::Promptly), "{model}");
        assert_eq!(card.recovery, Recovery::Unknown);
        assert_eq!(&*card.revision, format!("ark/1 {model}"));
    }
    assert_eq!(Ark::new(paid(&server)).unwrap().card().cost.usd, Usd { micros: 30_000 });
}

#[test]
fn options_that_cannot_be_are_refused() {
    let server = FakeServer::start();
    let bad = |change: &dyn Fn(&mut ArkOptions)| {
        let mut options = paid(&server);
        change(&mut options);
        Ark::new(options).unwrap_err().to_string()
    };
    assert!(bad(&|options| options.model = "ep-2026-x".to_owned()).contains("generation"));
    assert!(bad(&|options| options.model = "doubao-seedream-3-0-t2i-250415".to_owned()).contains("from text only"));
    assert!(bad(&|options| options.size = Some("3K".to_owned())).contains("1K or 2K or 4K"));
    assert!(bad(&|options| options.repeat = Repeat::Keyed).contains("repeat"));
    assert!(bad(&|options| options.repeat = Repeat::Harmless).contains("repeat"));
}

#[tokio::test]
async fn what_the_service_would_refuse_is_not_sent() {
    let server = FakeServer::start();
    let white = named_picture(png(SIZE, [255; 3]), MediaType::Png, SIZE);
    let with = |start: Image| EditItem { start, ..item(&request(None, None)) };
    for (model, item, words) in [
        (SEEDREAM, item(&request(Some(white), None)), "has no masks"),
        (SEEDREAM, with(of_size(6001, 6000)), "at most 36000000 pixels"),
        (SEEDREAM, with(of_size(14, 14)), "longer than 14"),
        (SEEDREAM, with(of_size(1700, 100)), "16 to 1"),
        (SEEDEDIT, with(of_size(301, 100)), "3 to 1"),
        (SEEDEDIT, with(named_picture(vec![1], MediaType::WebP, SIZE)), "does not read"),
        (SEEDREAM, with(named_picture(vec![0; 10_000_001], MediaType::Png, SIZE)), "at most 10000000 bytes"),
    ] {
        let failure = edit(options(model, &server), item).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid, "{failure}");
        assert!(failure.message.contains(words), "{failure} should speak of {words}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn the_error_table() {
    use FailureKind::{Invalid, Refused, Unavailable};
    for (status, code, kind, attempts) in [
        (400, "MissingParameter", Invalid, 1),
        (400, "InvalidParameter", Invalid, 1),
        (400, "SensitiveContentDetected", Refused, 1),
        (400, "SensitiveContentDetected.SevereViolation", Refused, 1),
        (400, "InputTextSensitiveContentDetected", Refused, 1),
        (400, "InputTextSensitiveContentDetected.PolicyViolation", Refused, 1),
        (400, "InputImageSensitiveContentDetected", Refused, 1),
        (400, "InputImageSensitiveContentDetected.PrivacyInformation", Refused, 1),
        (400, "OutputImageSensitiveContentDetected", Refused, 1),
        (400, "InputImageRiskDetection", Refused, 1),
        (400, "OutputImageRiskDetection", Refused, 1),
        (400, "ContentSecurityDetectionError", Unavailable, 4),
        (401, "AuthenticationError", Refused, 1),
        (403, "AccountOverdueError", Refused, 1),
        (403, "AccessDenied", Refused, 1),
        (404, "InvalidEndpointOrModel.NotFound", Invalid, 1),
        (404, "ModelNotOpen", Invalid, 1),
        (429, "RateLimitExceeded.EndpointRPMExceeded", Unavailable, 4),
        (429, "ModelAccountIpmRateLimitExceeded", Unavailable, 4),
        (429, "ServerOverloaded", Unavailable, 4),
        (429, "RequestBurstTooFast", Unavailable, 4),
        (429, "QuotaExceeded", Refused, 1),
        (429, "SetLimitExceeded", Refused, 1),
        (500, "InternalServiceError", Unavailable, 4),
    ] {
        let server = FakeServer::start();
        let body =
            json!({"error": {"code": code, "message": "as documented. Request id: 0217", "param": "", "type": "x"}});
        server.fail(vec![ServerFault::Answer(status, Vec::new(), body.to_string()); 9]);
        let failure = edit(paid(&server), item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, server.asked().len()), (kind, attempts), "{code}: {failure}");
        assert!(failure.message.contains("Request id: 0217"), "{failure}");
        assert_eq!(failure.cost, Cost::default(), "{code}: only pictures that were made are billed");
    }
}

#[tokio::test]
async fn errors_within_a_success_are_found() {
    let blocked =
        json!({"code": "OutputImageSensitiveContentDetected", "message": "may contain sensitive information"});
    let inside = json!({"code": "InternalServiceError", "message": "unexpected"});
    let usage = json!({"generated_images": 0, "output_tokens": 0, "total_tokens": 0});
    for (answer, kind, words) in [
        (json!({"data": [{"error": blocked}], "usage": usage}), FailureKind::Refused, "sensitive information"),
        (json!({"error": blocked, "usage": usage}), FailureKind::Refused, "sensitive information"),
        (json!({"data": [{"error": inside}], "usage": usage}), FailureKind::Unavailable, "unexpected"),
        (json!({"data": [], "usage": usage}), FailureKind::Malformed, "expected one picture, found none"),
        (json!({"data": [{"url": ""}], "usage": usage}), FailureKind::Malformed, "found none"),
        (json!({"data": [{"b64_json": "####"}], "usage": usage}), FailureKind::Malformed, "expected base64"),
        (json!({"data": [{"b64_json": "aGVsbG8="}], "usage": usage}), FailureKind::Malformed, "expected a PNG"),
        (json!({"data": [{"url": "http://10.0.0.1/a.png"}], "usage": usage}), FailureKind::Malformed, "10.0.0.1"),
    ] {
        let server = FakeServer::start();
        server.fail(vec![ServerFault::Answer(200, Vec::new(), answer.to_string()); 4]);
        let failure = edit(paid(&server), item(&request(None, None))).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{answer}: {failure}");
        assert!(failure.message.contains(words), "{failure} should speak of {words}");
        // A failure inside the service says that nothing was made, so that even what is paid for is asked for again.
        let calls = if kind == FailureKind::Unavailable { 4 } else { 1 };
        assert_eq!((failure.cost.usd, server.asked().len()), (Usd::default(), calls), "{answer}: nothing was made");
    }
}

#[tokio::test]
async fn pictures_are_paid_for_as_the_service_counts_them() {
    let server = FakeServer::start();
    assert_eq!(edit(paid(&server), item(&request(None, None))).await.unwrap().cost.usd, Usd { micros: 30_000 });
    server.fail([ServerFault::Pictures(2)]);
    let two = edit(paid(&server), item(&request(None, None))).await.unwrap();
    assert_eq!(two.cost.usd, Usd { micros: 60_000 });
    assert!(two.notes[0].contains("sent 2 pictures"));
    server.count(json!({"generated_images": 1, "output_tokens": 3600, "total_tokens": 3600}));
    assert_eq!(edit(paid(&server), item(&request(None, None))).await.unwrap().cost.tokens, 3600);
}

#[tokio::test]
async fn pictures_at_addresses_are_fetched() {
    let server = FakeServer::start();
    let file = png(SIZE, [9, 9, 9]);
    server.put("a.png", 200, Vec::new(), file.clone());
    server.fail([ServerFault::Address(server.file_url("a.png"))]);
    let made = edit(ArkOptions { is_inline: false, ..paid(&server) }, item(&request(None, None))).await.unwrap();
    assert_eq!(server.asked()[0].json()["response_format"], "url");
    assert_eq!(&*made.image.bytes, &file[..]);
    assert_eq!(&*made.notes[0], "the server made 32x16 where 1358x679 was asked for");
}

#[tokio::test]
async fn what_may_have_been_done_is_counted_and_never_sent_again() {
    let html = "<html><title>Bad Gateway</title></html>".to_owned();
    for (fault, kind) in [
        (ServerFault::Lost, FailureKind::Ambiguous),
        (ServerFault::Cut(30), FailureKind::Ambiguous),
        (ServerFault::Answer(504, Vec::new(), html.clone()), FailureKind::Ambiguous),
        (ServerFault::Answer(200, Vec::new(), html), FailureKind::Malformed),
    ] {
        let server = FakeServer::start();
        server.fail([fault.clone()]);
        let failure = edit(paid(&server), item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, server.asked().len()), (kind, 1), "{fault:?}");
        assert_eq!(failure.cost.usd, Usd { micros: 30_000 }, "{fault:?}");
    }
}

#[tokio::test]
async fn a_storm_of_refusals_passes() {
    let server = FakeServer::start();
    let busy = json!({"error": {"code": "RateLimitExceeded.EndpointRPMExceeded", "message": "slow down"}}).to_string();
    server.fail(vec![ServerFault::Answer(429, vec![("retry-after-ms", "1".to_owned())], busy); 3]);
    edit(paid(&server), item(&request(None, None))).await.unwrap();
    assert_eq!((server.asked().len(), server.made().len()), (4, 1));
}

#[tokio::test]
async fn the_secret_is_in_no_message() {
    let (server, folder) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let path = folder.path().join("key");
    std::fs::write(&path, "ark-open-sesame").unwrap();
    let mut options = paid(&server);
    options.connection.servers[0].secret = Some(SecretSource::File(path));
    options.connection.retry.attempts = 1;
    edit(options.clone(), item(&request(None, None))).await.unwrap();
    assert_eq!(server.asked()[0].header("authorization"), Some("Bearer ark-open-sesame"));
    let error = json!({"code": "ark-open-sesame", "message": format!("{}ark-open-sesame", "x".repeat(295))});
    for (status, body) in [
        (400, json!({"error": error})),
        (200, json!({"data": [{"error": error}]})),
        (200, json!({"data": [{"url": "http://ark-open-sesame.example.org/a.png"}]})),
        (200, Value::from("ark-open-sesame")),
    ] {
        server.fail([ServerFault::Answer(status, Vec::new(), body.to_string())]);
        let failure = edit(options.clone(), item(&request(None, None))).await.unwrap_err();
        assert!(!format!("{failure:?}").contains("ark-open"), "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_hangs_up() {
    let server = FakeServer::start();
    server.fail([ServerFault::Hang]);
    let watch = Arc::new(Listening::default());
    let (watching, paid) = (Arc::clone(&watch), paid(&server));
    let task = tokio::spawn(async move { watched(paid, item(&request(None, None)), &*watching).await });
    let waiting = server.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for_work(1)).await.unwrap();
    watch.cancel.store(true, Ordering::Relaxed);
    let failure = task.await.unwrap().unwrap_err();
    assert_eq!((failure.kind, failure.cost.usd), (FailureKind::Cancelled, Usd { micros: 30_000 }));
    server.wait_for_hang_ups(1);
}
