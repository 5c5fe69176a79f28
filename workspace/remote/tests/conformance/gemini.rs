//! Gemini: what is sent, what its successes without a picture are, and what its errors say.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use editscale_core::{
    CancelRule, Candidate, Cost, EditBackend, EditBatch, EditItem, EditorName, Failure, FailureKind, ImageSize,
    KnobName, KnobScale, KnobSpec, MediaType, NobodyWatches, Recovery, SeedRule, Usd, Watch,
};
use editscale_remote::{FieldKnob, Gemini, GeminiOptions, Prices, Repeat, SecretSource};
use editscale_testkit::{FakeServer, ServerFault, named_picture, png};
use serde_json::{Value, json};

use crate::support::{Listening, SIZE, connection, item, request};

const MODEL: &str = "gemini-2.5-flash-image";

fn options(server: &FakeServer) -> GeminiOptions {
    let base = format!("{}/v1beta", server.root());
    GeminiOptions::new(EditorName::new("far").unwrap(), MODEL, connection(&[base]))
}

/// At so much for a picture, and for a million tokens out.
fn paid(server: &FakeServer) -> GeminiOptions {
    let output_tokens = Usd { micros: 30_000_000 };
    GeminiOptions { prices: Prices { output_tokens, ..Prices::default() }, ..options(server) }
}

async fn edit(options: GeminiOptions, item: EditItem) -> Result<Candidate, Failure> {
    watched(options, item, &NobodyWatches).await
}

async fn watched(options: GeminiOptions, item: EditItem, watch: &dyn Watch) -> Result<Candidate, Failure> {
    let editor = Gemini::new(options).unwrap();
    editor.edit(EditBatch { items: vec![item] }, watch).await.remove(0)
}

fn said(status: u16, body: &Value) -> ServerFault {
    ServerFault::Answer(status, Vec::new(), body.to_string())
}

fn finished(reason: &str, parts: &Value) -> Value {
    json!({"candidates": [{"finishReason": reason, "content": {"role": "model", "parts": parts}}],
           "usageMetadata": {"promptTokenCount": 300, "candidatesTokenCount": 20}})
}

#[tokio::test]
async fn the_request_is_what_google_documents() {
    let server = FakeServer::start();
    let made = edit(options(&server), item(&request(None, None))).await.unwrap();
    let asked = &server.asked()[0];
    assert_eq!(asked.line, format!("POST /v1beta/models/{MODEL}:generateContent"));
    let source = asked.json()["contents"][0]["parts"][1]["inlineData"]["data"].as_str().unwrap().to_owned();
    assert_eq!(
        asked.json(),
        json!({
            "contents": [{"role": "user", "parts": [
                {"text": "make it warmer"},
                {"inlineData": {"mimeType": "image/png", "data": source}},
            ]}],
            "generationConfig": {"responseModalities": ["IMAGE"], "seed": 7},
        })
    );
    // 97 bytes of a PNG are 132 characters, the last of which fill up.
    assert_eq!(source.trim_end_matches('=').len(), (png(SIZE, [10, 20, 30]).len() * 8).div_ceil(6));
    // A thought's draft is no picture, and the seed that was sent is known.
    assert_eq!((made.image.media, made.image.size), (MediaType::Png, ImageSize { width: 16, height: 8 }));
    assert_eq!((made.effective_seed, made.notes.len()), (Some(7), 0));
    assert!(asked.header("idempotency-key").is_none(), "the service knows none");
}

#[tokio::test]
async fn settings_become_fields() {
    let server = FakeServer::start();
    let name = KnobName::new("temperature").unwrap();
    let spec = KnobSpec { name, low: 0.0, high: 2.0, default: 0.5, scale: KnobScale::Linear };
    let mut set = options(&server);
    set.model = "gemini-3-pro-image".to_owned();
    set.resolutions = vec!["2K".to_owned()];
    set.knobs = vec![FieldKnob { spec, is_whole: false }];
    set.safety.insert("HARM_CATEGORY_HARASSMENT".to_owned(), "BLOCK_ONLY_HIGH".to_owned());
    edit(set, item(&request(None, None))).await.unwrap();
    let asked = server.asked()[0].json();
    assert_eq!(
        asked["generationConfig"],
        json!({"responseModalities": ["IMAGE"], "seed": 7, "imageConfig": {"imageSize": "2K"}, "temperature": 0.5})
    );
    assert_eq!(
        asked["safetySettings"],
        json!([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}])
    );
}

#[tokio::test]
async fn sizes_become_proportions_and_that_is_said() {
    let server = FakeServer::start();
    let wished = Some(ImageSize { width: 1920, height: 1080 });
    let made = edit(options(&server), item(&request(None, wished))).await.unwrap();
    assert_eq!(server.asked()[0].json()["generationConfig"]["imageConfig"], json!({"aspectRatio": "16:9"}));
    assert_eq!(&*made.notes[0], "the size 1920x1080 is not to be had; 16:9 was asked for");
    // Where the model happens to make just that, there is nothing to say.
    let lucky = Some(ImageSize { width: 128, height: 72 });
    assert!(edit(options(&server), item(&request(None, lucky))).await.unwrap().notes.is_empty());
    let mut large = options(&server);
    large.resolutions = vec!["1K".to_owned(), "4K".to_owned()];
    let wished = Some(ImageSize { width: 3000, height: 4000 });
    edit(large, item(&request(None, wished))).await.unwrap();
    let config = server.asked()[2].json()["generationConfig"]["imageConfig"].clone();
    assert_eq!(config, json!({"aspectRatio": "3:4", "imageSize": "4K"}));
}

#[test]
fn the_card_promises_no_seeds() {
    let server = FakeServer::start();
    let card = Gemini::new(options(&server)).unwrap().card().clone();
    assert_eq!((card.seeds, card.masks, card.cancel), (SeedRule::Ignored, false, CancelRule::Promptly));
    assert_eq!((card.recovery, card.largest_batch), (Recovery::Unknown, NonZeroU32::MIN));
    assert_eq!(&*card.revision, "gemini/1 gemini-2.5-flash-image");
    let revision = |resolutions: &[&str], aspects: &[&str]| {
        let mut large = GeminiOptions::new(EditorName::new("far").unwrap(), "gemini-3-pro-image", connection(&[]));
        large.connection = options(&server).connection;
        if !resolutions.is_empty() {
            large.resolutions = resolutions.iter().map(|word| (*word).to_owned()).collect();
        }
        if !aspects.is_empty() {
            large.aspects = aspects.iter().map(|word| (*word).to_owned()).collect();
        }
        Gemini::new(large).unwrap().card().revision.to_string()
    };
    assert_eq!(revision(&[], &[]), "gemini/1 gemini-3-pro-image resolution=1K");
    // A wish for another size is answered in another one.
    assert_eq!(revision(&["1K"], &[]), "gemini/1 gemini-3-pro-image resolution=1K resolutions=1K");
    assert_eq!(revision(&[], &["1:1"]), "gemini/1 gemini-3-pro-image resolution=1K aspects=1:1");
    let known = GeminiOptions { is_reproducible: true, repeat: Repeat::Harmless, ..options(&server) };
    let card = Gemini::new(known).unwrap().card().clone();
    assert_eq!((card.seeds, card.recovery), (SeedRule::Reproducible { bits: 31 }, Recovery::Repeat));
}

#[test]
fn options_that_cannot_be_are_refused() {
    let server = FakeServer::start();
    let bad = |change: &dyn Fn(&mut GeminiOptions)| {
        let mut options = paid(&server);
        change(&mut options);
        Gemini::new(options).unwrap_err().to_string()
    };
    assert!(bad(&|options| options.model = "a/../b".to_owned()).contains("model"));
    assert!(bad(&|options| options.aspects = vec!["wide".to_owned()]).contains("aspects"));
    assert!(bad(&|options| options.resolutions = vec!["8K".to_owned()]).contains("resolutions"));
    assert!(bad(&|options| options.repeat = Repeat::Keyed).contains("repeat"));
    assert!(bad(&|options| options.repeat = Repeat::Harmless).contains("repeat"));
    assert!(bad(&|options| options.connection.servers.clear()).contains("servers"));
}

#[tokio::test]
async fn masks_and_what_is_too_large_are_refused_before_anything_is_sent() {
    let server = FakeServer::start();
    let white = named_picture(png(SIZE, [255; 3]), MediaType::Png, SIZE);
    let mut large = item(&request(None, None));
    large.start = named_picture(vec![0; 14_000_001], MediaType::Png, SIZE);
    let mut tiff = item(&request(None, None));
    tiff.start = named_picture(vec![1, 2, 3], MediaType::Tiff, SIZE);
    for (item, words) in [
        (item(&request(Some(white), None)), "has no masks"),
        (large, "at most 14000000 bytes"),
        (tiff, "does not read"),
    ] {
        let failure = edit(options(&server), item).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid);
        assert!(failure.message.contains(words), "{failure}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn successes_without_a_picture_are_told_apart() {
    let text = |words: &str| json!([{"text": words}]);
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "not this"}});
    let mut table = vec![
        (blocked, FailureKind::Refused, "blocked the request: PROHIBITED_CONTENT: not this"),
        (finished("NO_IMAGE", &json!([])), FailureKind::Malformed, "none (NO_IMAGE)"),
        (finished("STOP", &text("I cannot.")), FailureKind::Malformed, "none (STOP), but `I cannot.`"),
        (finished("MAX_TOKENS", &json!([])), FailureKind::Malformed, "MAX_TOKENS"),
        (finished("OTHER", &json!([])), FailureKind::Malformed, "OTHER"),
        (finished("A_NEW_REASON", &json!([])), FailureKind::Malformed, "A_NEW_REASON"),
        (json!({}), FailureKind::Malformed, "no reason"),
        (json!({"candidates": []}), FailureKind::Malformed, "no reason"),
        (json!([]), FailureKind::Malformed, "no reason"),
        // What was only thought is no picture.
        (
            finished("STOP", &json!([{"thought": true, "inlineData": {"mimeType": "image/png", "data": "AAAA"}}])),
            FailureKind::Malformed,
            "expected one picture",
        ),
        (
            finished("STOP", &json!([{"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}])),
            FailureKind::Malformed,
            "none",
        ),
        (
            finished("STOP", &json!([{"inlineData": {"mimeType": "image/png", "data": "####"}}])),
            FailureKind::Malformed,
            "base64",
        ),
        (
            finished("STOP", &json!([{"inlineData": {"mimeType": "image/png", "data": "aGVsbG8="}}])),
            FailureKind::Malformed,
            "expected a PNG",
        ),
    ];
    for reason in [
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "LANGUAGE",
        "IMAGE_SAFETY",
        "MODEL_ARMOR",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "IMAGE_OTHER",
        "ESCALATION",
        "PUP_LIMITED_DISABLED",
    ] {
        let mut answer = finished(reason, &json!([]));
        answer["candidates"][0]["finishMessage"] = "against the rules".into();
        table.push((answer, FailureKind::Refused, "will not make this picture"));
    }
    for (answer, kind, words) in table {
        let server = FakeServer::start();
        server.fail([said(200, &answer)]);
        let failure = edit(paid(&server), item(&request(None, None))).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{answer}: {failure}");
        assert!(failure.message.contains(words), "{failure} should speak of {words}");
        // What the service counted was spent; where it counted nothing, the most that it can be.
        let counted = answer.get("usageMetadata").is_some();
        let expected = if counted { Usd { micros: 600 } } else { Usd { micros: 480_000 } };
        assert_eq!(failure.cost.usd, expected, "{answer}");
        assert_eq!(server.asked().len(), 1, "what is paid for is not asked for again: {answer}");
    }
}

#[tokio::test]
async fn where_that_is_harmless_no_picture_is_asked_for_once_more() {
    let server = FakeServer::start();
    server.fail([ServerFault::Pictures(0)]);
    let failure = edit(options(&server), item(&request(None, None))).await.unwrap_err();
    assert_eq!((failure.kind, server.asked().len()), (FailureKind::Malformed, 1), "nobody said that it is harmless");
    let server = FakeServer::start();
    server.count(json!({"promptTokenCount": 300, "candidatesTokenCount": 1290}));
    server.fail([ServerFault::Pictures(0)]);
    let options = |server: &FakeServer| GeminiOptions { repeat: Repeat::Harmless, ..options(server) };
    let made = edit(options(&server), item(&request(None, None))).await.unwrap();
    assert_eq!(made.cost.tokens, 2 * 1590, "the first answer counts, too");
    let seeds: Vec<Value> =
        server.asked().iter().map(|asked| asked.json()["generationConfig"]["seed"].clone()).collect();
    assert_eq!(seeds.len(), 2);
    assert_ne!(seeds[0], seeds[1]);
    assert_eq!(made.effective_seed, seeds[1].as_u64(), "the candidate's seed is the one that made it");
    server.fail([ServerFault::Pictures(0), ServerFault::Pictures(0)]);
    let failure = edit(options(&server), item(&request(None, None))).await.unwrap_err();
    assert_eq!((failure.kind, server.asked().len()), (FailureKind::Malformed, 4));
    // What is refused for good is not asked for again.
    server.fail([said(200, &finished("IMAGE_SAFETY", &json!([])))]);
    edit(options(&server), item(&request(None, None))).await.unwrap_err();
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test]
async fn the_error_table() {
    let error = |status: &str, message: &str, details: Value| json!({"error": {"code": 0, "status": status, "message": message, "details": details}});
    let kind = |name: &str| format!("type.googleapis.com/google.rpc.{name}");
    let quota = |id: &str| json!({"@type": kind("QuotaFailure"), "violations": [{"quotaId": id}]});
    let retry = |delay: &str| json!({"@type": kind("RetryInfo"), "retryDelay": delay});
    let words = "You exceeded your current quota, please check your plan and billing details.";
    let bad_key = json!([{"@type": kind("ErrorInfo"), "reason": "API_KEY_INVALID"}]);
    for (status, body, kind, attempts) in [
        (400, error("INVALID_ARGUMENT", "Unsupported aspect ratio", json!([])), FailureKind::Invalid, 1),
        (400, error("INVALID_ARGUMENT", "API key not valid.", bad_key), FailureKind::Refused, 1),
        (400, error("FAILED_PRECONDITION", "User location is not supported", json!([])), FailureKind::Invalid, 1),
        (403, error("PERMISSION_DENIED", "no", json!([])), FailureKind::Refused, 1),
        (404, error("NOT_FOUND", "models/x is not found", json!([])), FailureKind::Invalid, 1),
        (
            429,
            error("RESOURCE_EXHAUSTED", words, json!([quota("RequestsPerMinute"), retry("0.002s")])),
            FailureKind::Unavailable,
            4,
        ),
        (
            429,
            error("RESOURCE_EXHAUSTED", words, json!([quota("RequestsPerDay"), retry("0.002s")])),
            FailureKind::Refused,
            1,
        ),
        (429, error("RESOURCE_EXHAUSTED", words, json!([])), FailureKind::Refused, 1),
        (429, error("RESOURCE_EXHAUSTED", "Resource has been exhausted", json!([])), FailureKind::Unavailable, 4),
        (429, error("RESOURCE_EXHAUSTED", words, json!([retry("7200s")])), FailureKind::Refused, 1),
        (500, error("INTERNAL", "An internal error has occurred", json!([])), FailureKind::Unavailable, 4),
        (503, error("UNAVAILABLE", "The model is overloaded.", json!([])), FailureKind::Unavailable, 4),
        (504, error("DEADLINE_EXCEEDED", "Deadline expired", json!([])), FailureKind::Ambiguous, 1),
        (429, json!([error("RESOURCE_EXHAUSTED", words, json!([retry("0.002s")]))]), FailureKind::Unavailable, 4),
    ] {
        let server = FakeServer::start();
        server.fail(vec![said(status, &body); 9]);
        let failure = edit(paid(&server), item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, server.asked().len()), (kind, attempts), "{status} {body}: {failure}");
        let message = body.pointer("/error/message").or(body.pointer("/0/error/message")).unwrap().as_str().unwrap();
        assert!(failure.message.contains(message), "{failure}");
        let is_ambiguous = kind == FailureKind::Ambiguous;
        assert_eq!(failure.cost.usd.micros > 0, is_ambiguous, "{status}: what was refused costs nothing");
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_counted_and_never_sent_again() {
    for fault in [
        ServerFault::Lost,
        ServerFault::Cut(40),
        ServerFault::Answer(502, Vec::new(), "<html><title>502</title></html>".to_owned()),
    ] {
        let server = FakeServer::start();
        server.fail([fault.clone()]);
        let failure = edit(paid(&server), item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, server.asked().len()), (FailureKind::Ambiguous, 1), "{fault:?}");
        assert_eq!(failure.cost.usd, Usd { micros: 480_000 }, "{fault:?}");
    }
    let server = FakeServer::start();
    server.fail([ServerFault::Answer(200, Vec::new(), "<html>".to_owned()), ServerFault::Lost]);
    let failure = edit(paid(&server), item(&request(None, None))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed);
    // A recipe may say that a second picture harms nobody.
    edit(GeminiOptions { repeat: Repeat::Harmless, ..options(&server) }, item(&request(None, None))).await.unwrap();
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn tokens_are_settled_by_what_they_stand_for() {
    let server = FakeServer::start();
    server.count(json!({
        "promptTokenCount": 300, "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 42}, {"modality": "IMAGE", "tokenCount": 258}],
        "candidatesTokenCount": 1290, "thoughtsTokenCount": 10, "totalTokenCount": 1600,
    }));
    let mut priced = paid(&server);
    priced.prices.text_tokens = Usd { micros: 1_000_000 };
    priced.prices.picture_tokens = Usd { micros: 2_000_000 };
    let made = edit(priced, item(&request(None, None))).await.unwrap();
    assert_eq!(made.cost, Cost { nfe: 0, tokens: 1600, usd: Usd { micros: 42 + 516 + 39_000 } });
    server.fail([ServerFault::Pictures(2)]);
    let made = edit(options(&server), item(&request(None, None))).await.unwrap();
    assert!(made.notes[0].contains("sent 2 pictures"));
}

#[tokio::test]
async fn the_secret_goes_into_its_own_header_and_nowhere_else() {
    let (server, folder) = (FakeServer::start(), tempfile::tempdir().unwrap());
    let path = folder.path().join("key");
    std::fs::write(&path, "AIza-open-sesame").unwrap();
    let with_secret = || {
        let mut options = options(&server);
        options.connection.servers[0].secret = Some(SecretSource::File(path.clone()));
        options
    };
    edit(with_secret(), item(&request(None, None))).await.unwrap();
    assert_eq!(server.asked()[0].header("x-goog-api-key"), Some("AIza-open-sesame"));
    assert!(server.asked()[0].header("authorization").is_none());
    let mut spoken = finished("IMAGE_SAFETY", &json!([]));
    spoken["candidates"][0]["finishMessage"] = "AIza-open-sesame".into();
    let thought = finished("STOP", &json!([{"text": format!("{}AIza-open-sesame", "x".repeat(295))}]));
    let blocked =
        json!({"promptFeedback": {"blockReason": "AIza-open-sesame", "blockReasonMessage": "AIza-open-sesame"}});
    let refused = json!({"error": {"code": 400, "status": "AIza-open-sesame", "message": "API key AIza-open-sesame"}});
    for (status, body) in [(200, spoken), (200, thought.clone()), (200, blocked), (400, refused)] {
        // Twice, where no picture is asked for once more.
        server.fail(vec![said(status, &body); if body == thought { 2 } else { 1 }]);
        let failure = edit(with_secret(), item(&request(None, None))).await.unwrap_err();
        assert!(!format!("{failure:?}").contains("AIza"), "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_hangs_up_and_what_cannot_be_written_down_does_not_leave() {
    let server = FakeServer::start();
    let refusing = Listening { refuses: true, ..Listening::default() };
    let failure = watched(paid(&server), item(&request(None, None)), &refusing).await.unwrap_err();
    assert_eq!((failure.kind, failure.cost), (FailureKind::Cancelled, Cost::default()));
    assert!(server.asked().is_empty());
    server.fail([ServerFault::Hang]);
    let watch = Arc::new(Listening::default());
    let (watching, paid) = (Arc::clone(&watch), paid(&server));
    let task = tokio::spawn(async move { watched(paid, item(&request(None, None)), &*watching).await });
    let waiting = server.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for_work(1)).await.unwrap();
    watch.cancel.store(true, Ordering::Relaxed);
    assert_eq!(task.await.unwrap().unwrap_err().kind, FailureKind::Cancelled);
    server.wait_for_hang_ups(1);
    assert_eq!(*watch.submitted.lock().unwrap(), ["0 editscale-run-1-0 None"]);
}
