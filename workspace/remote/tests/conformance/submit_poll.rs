//! Services that take jobs: what each is sent, how its jobs end, and what is counted as spent.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use editscale_core::{
    CancelRule, EditBackend, EditItem, EditorName, FailureKind, ImageSize, KnobName, KnobScale, KnobSpec, Recovery,
    SeedRule, Submission, Usd, Watch,
};
use editscale_remote::{
    FieldKnob, InputFields, PollRules, Prices, SecretSource, Service, SizePlace, SubmitPoll, SubmitPollOptions,
};
use editscale_testkit::{FakeServer, JobPlace, ServerFault, png};
use serde_json::{Value, json};

use crate::support::{Listening, connection, edit, edit_watched, item, picture, request, status};

const MODELS: [(Service, &str); 3] = [
    (Service::Bfl, "flux-kontext-pro"),
    (Service::Fal, "fal-ai/flux-pro/kontext"),
    (Service::Replicate, "bfl/kontext"),
];

fn base(service: Service, server: &FakeServer) -> String {
    let path = match service {
        Service::Bfl => "/bfl/v1",
        Service::Fal => "/fal",
        Service::Replicate => "/replicate/v1",
    };
    server.base().replace("/v1", path)
}

/// The line of a submission, the beginning of the line of a look, and the beginning of that of a cancellation.
fn lines(service: Service) -> (&'static str, &'static str, &'static str) {
    match service {
        Service::Bfl => ("POST /bfl/v1/flux-kontext-pro", "GET /bfl/v1/get_result", "none"),
        Service::Fal => ("POST /fal/fal-ai/flux-pro/kontext", "GET /fal/fal-ai/flux-pro/kontext/requests/", "PUT /fal"),
        Service::Replicate => (
            "POST /replicate/v1/models/bfl/kontext/predictions",
            "GET /replicate/v1/predictions/",
            "POST /replicate/v1/predictions/",
        ),
    }
}

/// A picture at ten cents.
fn options(service: Service, server: &FakeServer) -> SubmitPollOptions {
    let (_, model) = MODELS[MODELS.iter().position(|(known, _)| *known == service).unwrap()];
    let short = Duration::from_millis(2);
    let connection = connection(&[base(service, server)]);
    SubmitPollOptions {
        polls: PollRules {
            first_wait: short,
            longest_wait: short * 4,
            lost_after: Duration::from_secs(2),
            ..PollRules::default()
        },
        prices: Prices { picture: Usd { micros: 100_000 }, ..Prices::default() },
        ..SubmitPollOptions::new(EditorName::new("far").unwrap(), service, model, connection)
    }
}

/// One that soon believes that a job is gone.
fn hasty(service: Service, server: &FakeServer) -> SubmitPoll {
    let plain = options(service, server);
    let polls = PollRules { lost_after: Duration::from_millis(40), ..plain.polls };
    SubmitPoll::new(SubmitPollOptions { polls, ..plain }).unwrap()
}

fn editor(service: Service, server: &FakeServer) -> SubmitPoll {
    SubmitPoll::new(options(service, server)).unwrap()
}

fn submissions(service: Service, server: &FakeServer) -> usize {
    server.asked().iter().filter(|asked| asked.line == lines(service).0).count()
}

fn object(value: &Value) -> serde_json::Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn what_each_service_is_sent() {
    let file = png(crate::support::SIZE, [10, 20, 30]);
    let base64 = editscale_testkit::base64(&file);
    let url = format!("data:image/png;base64,{base64}");
    for (service, expected, header, secret) in [
        (
            Service::Bfl,
            json!({
                "prompt": "make it warmer", "input_image": base64, "seed": 7, "prompt_upsampling": false,
                "output_format": "png",
            }),
            None,
            ("x-key", "sk-verysecret"),
        ),
        (
            Service::Fal,
            json!({"prompt": "make it warmer", "image_url": url}),
            None,
            ("authorization", "Key sk-verysecret"),
        ),
        (
            Service::Replicate,
            json!({"input": {"prompt": "make it warmer", "input_image": url}}),
            Some(("cancel-after", "1800s")),
            ("authorization", "Bearer sk-verysecret"),
        ),
    ] {
        let server = FakeServer::start();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "sk-verysecret").unwrap();
        let mut options = options(service, &server);
        options.connection.servers[0].secret = Some(SecretSource::File(path));
        options.connection.servers[0].secret_header = service.secret_header();
        let made = edit(&SubmitPoll::new(options).unwrap(), item(&request(None, None))).await.unwrap();
        let asked = server.asked();
        assert_eq!((asked[0].line.as_str(), asked[0].json()), (lines(service).0, expected), "{service}");
        assert!(asked[1].line.starts_with(lines(service).1), "{}", asked[1].line);
        for asked in &asked {
            assert_eq!(asked.header(secret.0), Some(secret.1), "{service} {}", asked.line);
        }
        if let Some((name, value)) = header {
            assert_eq!(asked[0].header(name), Some(value));
        }
        assert_eq!(made.effective_seed, (service == Service::Bfl).then_some(7));
        // BFL says what it costs: 4.5 credits of a cent.
        let micros = if service == Service::Bfl { 45_000 } else { 100_000 };
        assert_eq!(made.cost.usd, Usd { micros }, "{service}");
    }
}

#[tokio::test]
async fn inputs_can_be_called_otherwise() {
    let server = FakeServer::start();
    let knob = |name: &str| FieldKnob {
        spec: KnobSpec {
            name: KnobName::new(name).unwrap(),
            low: 1.0,
            high: 20.0,
            default: 3.5,
            scale: KnobScale::Linear,
        },
        is_whole: false,
    };
    let named = SubmitPollOptions {
        inputs: InputFields {
            prompt: "text".to_owned(),
            picture: "image_urls".to_owned(),
            picture_is_list: true,
            seed: Some("noise".to_owned()),
            mask: Some("mask_url".to_owned()),
        },
        fields: object(&json!({"safety_tolerance": "2"})),
        knobs: vec![knob("guidance_scale")],
        size: SizePlace::Object("image_size".to_owned()),
        server_limit: Some(Duration::from_secs(90)),
        ..options(Service::Fal, &server)
    };
    let mask = Some(picture([255, 255, 255]));
    let wished = Some(ImageSize { width: 96, height: 64 });
    let editor = SubmitPoll::new(named).unwrap();
    let made = edit(&editor, item(&request(mask, wished))).await.unwrap();
    let asked = server.asked();
    let mut sent = asked[0].json();
    for field in ["/image_urls/0", "/mask_url"] {
        assert!(sent.pointer_mut(field).unwrap().take().as_str().unwrap().starts_with("data:image/png;base64,"));
    }
    let expected = json!({
        "text": "make it warmer", "image_urls": [null], "noise": 7, "mask_url": null, "safety_tolerance": "2",
        "guidance_scale": 3.5, "image_size": {"width": 96, "height": 64},
    });
    assert_eq!((sent, asked[0].header("x-fal-request-timeout")), (expected, Some("90")));
    assert_eq!(made.notes, ["the server made 16x8 where 96x64 was asked for".into()]);
    let card = editor.card();
    assert_eq!((card.seeds, card.masks), (SeedRule::Reproducible { bits: 32 }, true));
    for (size, expected) in [
        (SizePlace::Proportion("aspect_ratio".to_owned()), json!({"aspect_ratio": "3:2"})),
        (
            SizePlace::Sides { width: "width".to_owned(), height: "height".to_owned() },
            json!({"width": 96, "height": 64}),
        ),
    ] {
        let server = FakeServer::start();
        let sized = SubmitPollOptions { size, ..options(Service::Bfl, &server) };
        edit(&SubmitPoll::new(sized).unwrap(), item(&request(None, wished))).await.unwrap();
        let sent = server.asked()[0].json();
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(sent[name], *value, "{name}");
        }
    }
}

#[tokio::test]
async fn models_of_replicate_have_three_kinds_of_names() {
    for (model, line, version) in [
        ("owner/name", "POST /replicate/v1/models/owner/name/predictions", Value::Null),
        ("owner/name:abc123", "POST /replicate/v1/predictions", json!("abc123")),
        ("deployments/owner/name", "POST /replicate/v1/deployments/owner/name/predictions", Value::Null),
    ] {
        let server = FakeServer::start();
        let named = SubmitPollOptions { model: model.to_owned(), ..options(Service::Replicate, &server) };
        edit(&SubmitPoll::new(named).unwrap(), item(&request(None, None))).await.unwrap();
        let asked = &server.asked()[0];
        assert_eq!((asked.line.as_str(), &asked.json()["version"]), (line, &version));
    }
}

#[tokio::test]
async fn cards_are_true_and_settings_that_contradict_are_refused() {
    let server = FakeServer::start();
    for (service, seeds, cancel) in [
        (Service::Bfl, SeedRule::Reproducible { bits: 32 }, CancelRule::WhenDone),
        (Service::Fal, SeedRule::Ignored, CancelRule::Promptly),
        (Service::Replicate, SeedRule::Ignored, CancelRule::Promptly),
    ] {
        let editor = editor(service, &server);
        let card = editor.card();
        assert_eq!((card.seeds, card.cancel, card.recovery), (seeds, cancel, Recovery::Query), "{service}");
        assert_eq!((card.masks, card.cost.usd.micros), (false, 100_000));
        let failure = edit(&editor, item(&request(Some(picture([0; 3])), None))).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid, "{service} has no masks: {failure}");
        let plain = || options(service, &server);
        let fields = |fields: Value| SubmitPollOptions { fields: object(&fields), ..plain() };
        let inputs = InputFields { seed: Some("prompt".to_owned()), ..plain().inputs };
        for (options, words) in [
            (fields(json!({"prompt": "no"})), "prompt"),
            (fields(json!({"num_images": 4})), "num_images"),
            (fields(json!({"prompt_upsampling": true})), "prompt_upsampling"),
            (SubmitPollOptions { inputs, ..plain() }, "a name of its own"),
            (SubmitPollOptions { model: "a?b".to_owned(), ..plain() }, "model"),
            (SubmitPollOptions { model: String::new(), ..plain() }, "model"),
        ] {
            assert!(SubmitPoll::new(options).unwrap_err().to_string().contains(words), "{service} {words}");
        }
    }
    let free = SubmitPollOptions { prices: Prices::default(), ..options(Service::Bfl, &server) };
    assert!(SubmitPoll::new(free).unwrap_err().to_string().contains("prices"));
    let limited = SubmitPollOptions { server_limit: Some(Duration::from_secs(9)), ..options(Service::Bfl, &server) };
    assert!(SubmitPoll::new(limited).unwrap_err().to_string().contains("server_limit"));
    assert!(server.asked().is_empty());
}

/// Remembers steps.
#[derive(Default)]
struct Steps(Mutex<Vec<(u32, u32)>>);

impl Watch for Steps {
    fn cancelled(&self) -> bool {
        false
    }

    fn step(&self, _: usize, step: u32, steps: u32) {
        self.0.lock().unwrap().push((step, steps));
    }
}

#[tokio::test]
async fn a_job_that_ends_at_its_deadline_is_looked_at_once_more() {
    let server = FakeServer::start();
    let plain = options(Service::Bfl, &server);
    // The first look would come long after the deadline.
    let (wait, deadline) = (Duration::from_secs(30), Duration::from_secs(30));
    let polls = PollRules { first_wait: wait, longest_wait: wait, deadline, ..plain.polls };
    assert!(SubmitPoll::new(SubmitPollOptions { polls, ..plain.clone() }).is_ok());
    server.look_often(2);
    let short = Duration::from_millis(200);
    let polls = PollRules { first_wait: short, longest_wait: short * 100, deadline: short, ..plain.polls };
    let editor = SubmitPoll::new(SubmitPollOptions { polls, ..plain }).unwrap();
    edit(&editor, item(&request(None, None))).await.unwrap_err();
    let looks = |server: &FakeServer| server.asked().len() - 1;
    assert_eq!(looks(&server), 1, "at the deadline, not after the next wait");
}

#[tokio::test]
async fn prices_of_what_is_not_counted_are_refused() {
    let server = FakeServer::start();
    for (service, _) in MODELS {
        let plain = options(service, &server);
        let prices = Prices { output_tokens: Usd { micros: 1 }, ..plain.prices };
        let refused = SubmitPoll::new(SubmitPollOptions { prices, ..plain }).unwrap_err().to_string();
        assert!(refused.contains("call, picture") && refused.contains("output_tokens"), "{refused}");
    }
}

#[tokio::test]
async fn progress_is_told() {
    for (service, expected) in [
        (Service::Bfl, [(50, 100), (75, 100), (100, 100)]),
        (Service::Fal, [(2, 4), (3, 4), (4, 4)]),
        (Service::Replicate, [(2, 4), (3, 4), (4, 4)]),
    ] {
        let server = FakeServer::start();
        server.look_often(4);
        let steps = Steps::default();
        let first = editor(service, &server);
        edit_watched(&first, item(&request(None, None)), &steps).await.unwrap();
        assert_eq!(*steps.0.lock().unwrap(), [expected[0], expected[1], expected[2]], "{service}");
    }
}

#[tokio::test]
async fn whatever_passes_is_waited_for_and_nothing_is_submitted_twice() {
    for (service, _) in MODELS {
        let server = FakeServer::start();
        server.look_often(3);
        let troubles = [
            status(500, "Internal Server Error"),
            ServerFault::Lost,
            status(502, "<html>"),
            ServerFault::Cut(3),
            ServerFault::Answer(429, vec![("retry-after-ms", "20".to_owned())], String::new()),
            status(200, "<html>"),
            status(404, ""),
            status(404, ""),
            status(404, ""),
            status(200, "<html>"),
        ];
        // Not even several such answers in a row are believed at once.
        server.fail_at(lines(service).1, troubles);
        // So is a submission that was refused for the moment, or that never left.
        server.fail_at("POST", [status(429, r#"{"detail":"Too Many Requests"}"#), status(429, "")]);
        let watch = Listening::default();
        edit_watched(&editor(service, &server), item(&request(None, None)), &watch).await.unwrap();
        assert_eq!((submissions(service, &server), server.made().len()), (3, 1), "{service}");
        let submitted = watch.submitted.lock().unwrap().clone();
        assert_eq!(submitted.len(), 4, "{service}: {submitted:?}");
        assert!(submitted[3].contains(&format!("Some(\"{} ", base(service, &server))), "{submitted:?}");
    }
}

/// A route, what goes wrong there and how often, and the failure: its kind, its words, and millionths of a dollar.
type Case<'a> = (&'a str, ServerFault, usize, FailureKind, &'a str, u64);

/// What a picture costs by our own table.
const WHOLE: u64 = 100_000;
/// As long as nothing else is heard.
const ALWAYS: usize = 500;
const INVALID: &str = r#"{"detail":[{"loc":["body","seed"],"msg":"not a number","type":"int_parsing"}]}"#;

async fn check(service: Service, cases: Vec<Case<'_>>) {
    for (route, fault, times, kind, words, micros) in cases {
        let server = FakeServer::start();
        server.fail_at(route, vec![fault.clone(); times]);
        let failure = edit(&hasty(service, &server), item(&request(None, None))).await.unwrap_err();
        let found = (failure.kind, failure.cost.usd.micros);
        assert_eq!(found, (kind, micros), "{service} {route} {fault:?}: {failure}");
        assert!(failure.message.contains(words), "{failure} should speak of {words}");
    }
}

#[tokio::test]
async fn the_error_table_of_bfl() {
    use FailureKind::{Ambiguous, Invalid, Malformed, Refused, Unavailable};
    // What BFL told before: 4.5 cents.
    let (job, told) = (lines(Service::Bfl).1, 45_000);
    let task =
        |state: &str| status(200, &json!({"id": "job-1", "status": state, "details": {"why": "so"}}).to_string());
    let cases: Vec<Case<'_>> = vec![
        ("POST", status(402, r#"{"detail":"Insufficient credits"}"#), 1, Refused, "Insufficient credits", 0),
        ("POST", status(403, r#"{"detail":"Not authenticated"}"#), 1, Refused, "Not authenticated", 0),
        ("POST", status(422, INVALID), 1, Invalid, "body.seed: not a number", 0),
        ("POST", status(429, r#"{"detail":"Too Many Requests"}"#), 4, Unavailable, "Too Many Requests", 0),
        // The job may have come about before.
        ("POST", status(500, "Internal Server Error"), 1, Ambiguous, "500", WHOLE),
        ("POST", status(503, ""), 1, Ambiguous, "503", WHOLE),
        ("POST", status(408, ""), 1, Ambiguous, "408", WHOLE),
        ("POST", status(409, ""), 1, Ambiguous, "409", WHOLE),
        ("POST", status(504, ""), 1, Ambiguous, "504", WHOLE),
        ("POST", ServerFault::Lost, 1, Ambiguous, "no answer", WHOLE),
        ("POST", status(200, r#"{"status":"ok"}"#), 1, Malformed, "the address to ask at", WHOLE),
        (job, task("Request Moderated"), 1, Refused, "Request Moderated", 0),
        (job, task("Content Moderated"), 1, Refused, "Content Moderated", told),
        (job, task("Error"), 1, Malformed, r#"Error: {"why":"so"}"#, told),
        (job, task("Failed"), 1, Malformed, "Failed", told),
        (job, task("Task not found"), ALWAYS, Ambiguous, "does not know the job", told),
        (job, status(404, r#"{"status":"Task not found"}"#), ALWAYS, Ambiguous, "does not know the job", told),
        (job, status(200, "{}"), ALWAYS, Malformed, "the status of a job", told),
        (job, ServerFault::Pictures(0), 1, Malformed, "found none", told),
    ];
    check(Service::Bfl, cases).await;
}

#[tokio::test]
async fn the_error_table_of_fal() {
    use FailureKind::{Ambiguous, Invalid, Malformed, Refused, TimedOut, Unavailable};
    let job = lines(Service::Fal).1;
    let header = |status, name, value: &str| ServerFault::Answer(status, vec![(name, value.to_owned())], String::new());
    let flagged = r#"{"detail":[{"loc":["body","prompt"],"msg":"flagged","type":"content_policy_violation"}]}"#;
    let completed = |error: &str, kind: &str| {
        status(200, &json!({"status": "COMPLETED", "error": error, "error_type": kind}).to_string())
    };
    let cases: Vec<Case<'_>> = vec![
        ("POST", status(401, r#"{"detail":"No user found for Key ID"}"#), 1, Refused, "No user found", 0),
        ("POST", status(403, r#"{"detail":"User is locked. Reason: Exhausted balance."}"#), 1, Refused, "locked", 0),
        ("POST", status(422, INVALID), 1, Invalid, "body.seed: not a number", 0),
        ("POST", status(422, flagged), 1, Refused, "body.prompt: flagged", 0),
        ("POST", status(408, ""), 4, Unavailable, "408", 0),
        // Before its own servers, and after.
        ("POST", status(502, "<html>"), 4, Unavailable, "502", 0),
        ("POST", header(500, "x-fal-request-id", "r1"), 1, Ambiguous, "500", WHOLE),
        ("POST", header(502, "x-fal-request-id", "r1"), 1, Ambiguous, "502", WHOLE),
        ("POST", header(503, "x-fal-request-id", "r1"), 1, Ambiguous, "503", WHOLE),
        ("POST", header(408, "x-fal-request-id", "r1"), 1, Ambiguous, "408", WHOLE),
        ("POST", header(409, "x-fal-request-id", "r1"), 1, Ambiguous, "409", WHOLE),
        ("POST", header(429, "x-fal-request-id", "r1"), 4, Unavailable, "429", 0),
        ("POST", header(504, "x-fal-request-timeout-type", "user"), 1, Refused, "did not begin within", 0),
        ("POST", ServerFault::Cut(4), 1, Ambiguous, "broke off", WHOLE),
        ("POST", status(200, r#"{"request_id":"r1"}"#), 1, Malformed, "the addresses of a job", WHOLE),
        (job, completed("no runner", "runner_scheduling_failure"), 4, Unavailable, "no runner", 0),
        (job, completed("oh", "internal_error"), 4, Unavailable, "oh", 0),
        (job, completed("too late", "request_timeout"), 4, TimedOut, "too late", 0),
        (job, completed("what", "bad_request"), 1, Invalid, "what", WHOLE),
        (job, completed("cancelled", "client_cancelled"), 1, Malformed, "cancelled", WHOLE),
        (job, completed("flagged", "content_policy_violation"), 1, Refused, "flagged", WHOLE),
        (job, status(200, "{}"), ALWAYS, Malformed, "the status of a job", WHOLE),
        (job, status(404, r#"{"detail":"Request not found"}"#), ALWAYS, Ambiguous, "does not know the job", WHOLE),
    ];
    check(Service::Fal, cases).await;
}

#[tokio::test]
async fn the_error_table_of_replicate() {
    use FailureKind::{Ambiguous, Invalid, Malformed, Refused, TimedOut, Unavailable};
    let job = lines(Service::Replicate).1;
    let prediction =
        |state: &str, error: Value| status(200, &json!({"id": "job-1", "status": state, "error": error}).to_string());
    let cases: Vec<Case<'_>> = vec![
        ("POST", status(401, r#"{"title":"Unauthenticated","detail":"no token"}"#), 1, Refused, "no token", 0),
        ("POST", status(402, r#"{"title":"Insufficient credit","detail":"pay"}"#), 1, Refused, "pay", 0),
        ("POST", status(404, r#"{"detail":"no such model"}"#), 1, Invalid, "no such model", 0),
        ("POST", status(422, r#"{"detail":"- input: prompt is required"}"#), 1, Invalid, "is required", 0),
        ("POST", status(429, r#"{"detail":"throttled"}"#), 4, Unavailable, "throttled", 0),
        ("POST", status(500, ""), 1, Ambiguous, "500", WHOLE),
        ("POST", status(502, ""), 1, Ambiguous, "502", WHOLE),
        ("POST", status(503, ""), 1, Ambiguous, "503", WHOLE),
        ("POST", status(408, ""), 1, Ambiguous, "408", WHOLE),
        ("POST", status(409, ""), 1, Ambiguous, "409", WHOLE),
        ("POST", ServerFault::Lost, 1, Ambiguous, "no answer", WHOLE),
        ("POST", status(201, r#"{"id":"../x"}"#), 1, Malformed, "the name of a prediction", WHOLE),
        (job, prediction("failed", json!("CUDA out of memory")), 1, Malformed, "CUDA", WHOLE),
        (job, prediction("failed", json!("The input was flagged as sensitive (E005)")), 1, Refused, "E005", WHOLE),
        (job, prediction("canceled", Value::Null), 1, Ambiguous, "canceled", WHOLE),
        (job, prediction("aborted", Value::Null), 4, TimedOut, "before its deadline", 0),
        (job, prediction("paused", Value::Null), ALWAYS, Malformed, "the status of a prediction", WHOLE),
        (job, status(404, "{}"), ALWAYS, Ambiguous, "does not know the job", WHOLE),
        (job, status(401, "{}"), 1, Refused, "401", WHOLE),
        (job, ServerFault::Pictures(0), 1, Malformed, "found none", WHOLE),
    ];
    check(Service::Replicate, cases).await;
}

#[tokio::test]
async fn an_error_in_the_place_of_a_result_is_the_jobs_own() {
    let completed = || status(200, r#"{"status":"COMPLETED"}"#);
    let flagged = r#"{"detail":[{"loc":["body"],"msg":"flagged","type":"content_policy_violation"}]}"#;
    for (fault, kind, words, micros) in [
        (status(422, flagged), FailureKind::Refused, "flagged", 100_000),
        (status(422, r#"{"detail":"too small"}"#), FailureKind::Invalid, "too small", 100_000),
        (status(500, r#"{"detail":"oh","error_type":"runner_server_error"}"#), FailureKind::Unavailable, "oh", 0),
    ] {
        let server = FakeServer::start();
        let route = lines(Service::Fal).1;
        let both = std::iter::repeat_n([completed(), fault], 4).flatten();
        server.fail_at(route, both);
        let failure = edit(&editor(Service::Fal, &server), item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, failure.cost.usd.micros), (kind, micros), "{failure}");
        assert!(failure.message.contains(words), "{failure}");
    }
}

#[tokio::test]
async fn pictures_are_taken_however_they_are_given_and_counted() {
    let file = png(ImageSize { width: 8, height: 8 }, [1, 2, 3]);
    let base64 = editscale_testkit::base64(&file);
    for (service, route) in [
        (Service::Fal, "GET /fal/fal-ai/flux-pro/kontext/requests/job-1"),
        (Service::Replicate, "GET /replicate/v1/predictions/job-1"),
    ] {
        let server = FakeServer::start();
        if service == Service::Fal {
            // Its status is asked first, at an address that begins in the same way.
            server.fail_at(route, [status(200, r#"{"status":"COMPLETED"}"#)]);
        }
        server.fail_at(route, [ServerFault::Base64(base64.clone())]);
        let made = edit(&editor(service, &server), item(&request(None, None))).await.unwrap();
        assert_eq!(&*made.image.bytes, &file[..], "{service}");
        let server = FakeServer::start();
        if service == Service::Fal {
            server.fail_at(route, [status(200, r#"{"status":"COMPLETED"}"#)]);
        }
        server.fail_at(route, [ServerFault::Pictures(3)]);
        server.look_often(0);
        let made = edit(&editor(service, &server), item(&request(None, None))).await;
        let made = made.unwrap();
        assert_eq!(made.cost.usd.micros, 300_000, "{service}");
        assert!(made.notes[0].contains("3 pictures"), "{:?}", made.notes);
    }
}

#[tokio::test]
async fn addresses_that_lead_inside_are_not_asked() {
    let inside = "http://169.254.169.254/latest";
    let server = FakeServer::start();
    let polling = json!({"id": "job-1", "polling_url": inside, "cost": 4.5}).to_string();
    let queued = json!({"status_url": inside, "response_url": inside, "cancel_url": inside}).to_string();
    for (service, route, fault) in [
        (Service::Bfl, "POST", status(200, &polling)),
        (Service::Fal, "POST", status(200, &queued)),
        (Service::Bfl, lines(Service::Bfl).1, ServerFault::Address(inside.to_owned())),
        (Service::Replicate, lines(Service::Replicate).1, ServerFault::Address("https://10.0.0.1/a.png".to_owned())),
    ] {
        server.fail_at(route, [fault]);
        let failure = edit(&editor(service, &server), item(&request(None, None))).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{service}: {failure}");
        assert!(failure.message.contains("169.254.169.254") || failure.message.contains("10.0.0.1"), "{failure}");
        assert!(failure.cost.usd.micros > 0, "it may be done");
    }
}

/// What an earlier life of the program wrote down when it submitted.
async fn submitted(service: Service, server: &FakeServer) -> Submission {
    let watch = Listening::default();
    edit_watched(&editor(service, server), item(&request(None, None)), &watch).await.unwrap();
    let words = watch.submitted.lock().unwrap().last().unwrap().clone();
    let (_, remote) = words.split_once("Some(\"").unwrap();
    Submission { key: "editscale-run-1-0".into(), remote_id: Some(remote.trim_end_matches("\")").into()) }
}

#[tokio::test]
async fn after_a_crash_jobs_are_asked_about_and_never_submitted_again() {
    for (service, _) in MODELS {
        let server = FakeServer::start();
        let known = submitted(service, &server).await;
        let resumed = |earlier: &Submission| EditItem { earlier: Some(earlier.clone()), ..item(&request(None, None)) };
        edit(&hasty(service, &server), resumed(&known)).await.unwrap();
        // A journal is no reason to ask whatever address it holds.
        let (base, _) = known.remote_id.as_ref().unwrap().split_once(' ').unwrap();
        let inside = "http://169.254.169.254/x";
        let forged = format!("{base} {inside}|{inside}|{inside}");
        let forged = Submission { remote_id: Some(forged.into()), ..known.clone() };
        let failure = edit(&hasty(service, &server), resumed(&forged)).await.unwrap_err();
        assert_eq!(failure.cost.usd.micros, 100_000, "{service}: {failure}");
        server.forget_jobs();
        let failure = edit(&hasty(service, &server), resumed(&known)).await.unwrap_err();
        assert_eq!((failure.kind, failure.cost.usd.micros), (FailureKind::Ambiguous, 100_000), "{service}: {failure}");
        let unnamed = Submission { remote_id: None, ..known };
        let failure = edit(&hasty(service, &server), resumed(&unnamed)).await.unwrap_err();
        assert_eq!((failure.kind, failure.cost.usd.micros), (FailureKind::Ambiguous, 100_000), "{service}: {failure}");
        assert_eq!(submissions(service, &server), 1, "{service}");
    }
}

#[tokio::test]
async fn secrets_stay_out_of_every_text() {
    for (service, _) in MODELS {
        let server = FakeServer::start();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "sk-verysecret").unwrap();
        let mut secret = options(service, &server);
        secret.connection.servers[0].secret = Some(SecretSource::File(path));
        secret.connection.servers[0].secret_header = service.secret_header();
        let editor = SubmitPoll::new(secret).unwrap();
        let error = json!({"status": "failed", "error": "sk-verysecret is no key", "error_type": "sk-verysecret"});
        let url = "http://169.254.169.254/sk-verysecret";
        let names = json!({
            "id": "sk-verysecret", "polling_url": url, "status_url": url, "response_url": url, "cancel_url": url,
        });
        for (route, fault) in [
            ("POST", status(401, r#"{"detail":"sk-verysecret is no key"}"#)),
            ("POST", status(200, &names.to_string())),
            (lines(service).1, status(200, &error.to_string())),
            (lines(service).1, ServerFault::Address(url.to_owned())),
        ] {
            server.fail_at(route, vec![fault; 3]);
            let watch = Listening::default();
            let outcome = edit_watched(&editor, item(&request(None, None)), &watch).await;
            let text = format!("{outcome:?} {:?} {editor:?}", watch.submitted);
            assert!(!text.contains("verysecret"), "{service}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unwanted_jobs_are_cancelled_where_they_can_be() {
    for (service, place, cost) in [
        (Service::Fal, JobPlace::Working, 100_000),
        (Service::Fal, JobPlace::Queued, 0),
        (Service::Replicate, JobPlace::Working, 100_000),
        (Service::Replicate, JobPlace::Queued, 0),
        (Service::Bfl, JobPlace::Working, 100_000),
    ] {
        let server = FakeServer::start();
        server.keep_jobs(place);
        let mut single = options(service, &server);
        single.connection.servers[0].concurrency = NonZeroU32::MIN;
        let editor = Arc::new(SubmitPoll::new(single).unwrap());
        let watch = Arc::new(Listening::default());
        let (first, watching, waiting) = (Arc::clone(&editor), Arc::clone(&watch), server.clone());
        let task = tokio::spawn(async move { edit_watched(&*first, item(&request(None, None)), &*watching).await });
        tokio::task::spawn_blocking(move || waiting.wait_for_requests(lines(service).1, 1)).await.unwrap();
        watch.cancel.store(true, Ordering::Relaxed);
        let failure = task.await.unwrap().unwrap_err();
        assert_eq!(failure.kind, FailureKind::Cancelled, "{service}");
        let told = if service == Service::Bfl { 45_000 } else { cost };
        assert_eq!(failure.cost.usd.micros, told, "{service} {place:?}");
        let cancels = service != Service::Bfl;
        assert_eq!(server.cancelled().len(), usize::from(cancels), "{service}");
        // A slot is free once the service has stopped; where it cannot be stopped, once it is done.
        if !cancels {
            let asked = server.asked().len();
            let (second, waiting) = (Arc::clone(&editor), server.clone());
            let next = tokio::spawn(async move { edit(&*second, item(&request(None, None))).await });
            tokio::task::spawn_blocking(move || waiting.wait_for_requests("", asked + 3)).await.unwrap();
            assert_eq!(submissions(service, &server), 1);
            server.let_go();
            next.await.unwrap().unwrap();
        }
        assert_eq!(server.most_jobs(), 1);
    }
}
