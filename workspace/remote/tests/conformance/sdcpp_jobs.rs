//! The jobs of stable-diffusion.cpp, and with them everything that holds for jobs of every dialect.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use editscale_core::{
    CancelRule, Candidate, EditBackend, EditBatch, EditItem, Failure, FailureKind, ImageSize, KnobName, KnobScale,
    KnobSpec, NobodyWatches, Recovery, Seed, SeedRule, Submission, Usd,
};
use editscale_remote::{
    FieldKnob, PictureUse, PollRules, Prices, Repeat, SdCppJobs, SdCppJobsOptions, SecretSource, ServerOptions,
};
use editscale_testkit::{FakeServer, JobPlace, ServerFault};
use serde_json::{Value, json};

use crate::storms::three;
use crate::support::{Listening, SIZE, connection, edit, edit_watched, item, numbered, picture, request, status};

const JOBS: &str = "GET /sdcpp/v1/jobs/";

fn base(server: &FakeServer) -> String {
    server.base().replace("/v1", "/sdcpp/v1")
}

fn quick() -> PollRules {
    let short = Duration::from_millis(2);
    let lost_after = Duration::from_secs(2);
    PollRules { first_wait: short, longest_wait: short * 4, lost_after, ..PollRules::default() }
}

fn options(servers: &[FakeServer]) -> SdCppJobsOptions {
    let bases: Vec<String> = servers.iter().map(base).collect();
    let name = editscale_core::EditorName::new("far").unwrap();
    SdCppJobsOptions { polls: quick(), ..SdCppJobsOptions::new(name, "kontext", connection(&bases)) }
}

/// A picture at ten cents.
fn paid(server: &FakeServer) -> SdCppJobsOptions {
    let prices = Prices { picture: Usd { micros: 100_000 }, ..Prices::default() };
    SdCppJobsOptions { prices, ..options(std::slice::from_ref(server)) }
}

fn editor(server: &FakeServer) -> SdCppJobs {
    SdCppJobs::new(options(std::slice::from_ref(server))).unwrap()
}

fn number(name: &str, default: f64, is_whole: bool) -> FieldKnob {
    let name = KnobName::new(name).unwrap();
    FieldKnob { spec: KnobSpec { name, low: 0.0, high: 60.0, default, scale: KnobScale::Linear }, is_whole }
}

fn submissions(server: &FakeServer) -> usize {
    server.asked().iter().filter(|asked| asked.line == "POST /sdcpp/v1/img_gen").count()
}

/// What an earlier life of the program wrote down.
fn resumed(server: &FakeServer, id: &str) -> EditItem {
    let remote_id = Some(format!("{} {id}", base(server)).into());
    EditItem { earlier: Some(Submission { key: "editscale-run-1-0".into(), remote_id }), ..item(&request(None, None)) }
}

#[tokio::test]
async fn what_is_sent() {
    let server = FakeServer::start();
    let mut turned = options(std::slice::from_ref(&server));
    turned.fields =
        json!({"negative_prompt": "blur", "sample_params": {"scheduler": "simple"}}).as_object().unwrap().clone();
    turned.knobs = vec![number("sample_steps", 20.0, true), number("txt_cfg", 2.5, false)];
    let made = edit(&SdCppJobs::new(turned).unwrap(), item(&request(None, None))).await.unwrap();
    assert_eq!((made.image.size, made.effective_seed), (SIZE, Some(7)));
    let mut sent = server.asked()[0].json();
    let source = sent["ref_images"][0].take();
    assert!(source.as_str().unwrap().starts_with("data:image/png;base64,iVBOR"));
    let expected = json!({
        "prompt": "make it warmer", "ref_images": [null], "seed": 7, "batch_count": 1, "width": 32, "height": 16,
        "negative_prompt": "blur",
        "sample_params": {"scheduler": "simple", "sample_steps": 20, "guidance": {"txt_cfg": 2.5}},
    });
    assert_eq!(sent, expected);
    assert_eq!(server.asked()[1].line, "GET /sdcpp/v1/jobs/job-1");
}

#[tokio::test]
async fn a_mask_is_one_channel_over_the_picture_that_denoising_starts_at() {
    let server = FakeServer::start();
    let mask = Some(picture([255, 255, 255]));
    edit(&editor(&server), item(&request(mask.clone(), None))).await.unwrap();
    let sent = server.asked()[0].json();
    assert_eq!((&sent["init_image"], &sent["strength"]), (&sent["ref_images"][0], &json!(1.0)));
    // The colour type of a PNG stands at byte 25: 0 is grey.
    let file = sent["mask_image"].as_str().unwrap().strip_prefix("data:image/png;base64,").unwrap();
    assert_eq!(&file[32..36], "CAAA", "depth 8, grey, the usual compression and filter");
    let mut start = options(std::slice::from_ref(&server));
    start.picture = PictureUse::Start;
    start.fields = json!({"strength": 0.5}).as_object().unwrap().clone();
    let wished = Some(ImageSize { width: 100, height: 50 });
    let made = edit(&SdCppJobs::new(start).unwrap(), item(&request(mask, wished))).await.unwrap();
    let sent = server.asked()[2].json();
    assert_eq!((&sent["strength"], &sent["width"], &sent["height"]), (&json!(0.5), &json!(96), &json!(48)));
    assert!(sent["ref_images"].is_null() && sent["init_image"].is_string());
    assert_eq!(made.notes, ["the size 100x50 is not to be had; 96x48 was asked for".into()]);
}

#[tokio::test]
async fn the_card_is_true_and_settings_that_contradict_are_refused() {
    let server = FakeServer::start();
    let editor = editor(&server);
    let card = editor.card();
    assert_eq!((card.seeds, card.cancel), (SeedRule::Reproducible { bits: 32 }, CancelRule::WhenDone));
    assert_eq!((card.recovery, card.masks, card.slots.get()), (Recovery::Query, true, 4));
    let one = std::slice::from_ref(&server);
    let fields = |fields: Value| fields.as_object().unwrap().clone();
    for (options, words) in [
        (SdCppJobsOptions { fields: fields(json!({"seed": 1})), ..options(one) }, "seed"),
        (SdCppJobsOptions { fields: fields(json!({"sample_params": 1})), ..options(one) }, "sample_params"),
        (SdCppJobsOptions { knobs: vec![number("cfg", 1.0, false)], ..options(one) }, "cfg"),
        (
            SdCppJobsOptions {
                fields: fields(json!({"sample_params": {"guidance": {"txt_cfg": 1}}})),
                knobs: vec![number("txt_cfg", 1.0, false)],
                ..options(one)
            },
            "not also fixed",
        ),
        (SdCppJobsOptions { repeat: Some(Repeat::Keyed), ..options(one) }, "keys"),
        (SdCppJobsOptions { repeat: Some(Repeat::Harmless), ..paid(&server) }, "repeat"),
        (SdCppJobsOptions { polls: PollRules { first_wait: Duration::ZERO, ..quick() }, ..options(one) }, "poll waits"),
    ] {
        assert!(SdCppJobs::new(options).unwrap_err().to_string().contains(words), "{words}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn the_server_tells_what_it_can_do() {
    let server = FakeServer::start();
    let said = editor(&server).capabilities(Seed::new(1).unwrap()).await.unwrap();
    assert_eq!((said.model.as_str(), said.queue), ("kontext.gguf", Some(64)));
    assert_eq!(said.features, ["cancel_queued", "init_image", "mask_image", "ref_images"]);
    server.fail_at("GET /sdcpp/v1/capabilities", vec![status(404, "no")]);
    assert!(editor(&server).capabilities(Seed::new(1).unwrap()).await.unwrap_err().message.contains("404"));
}

#[tokio::test]
async fn a_job_is_written_down_and_followed_through_every_passing_trouble() {
    let server = FakeServer::start();
    server.look_often(4);
    let troubles = [
        status(500, "Internal Server Error"),
        ServerFault::Lost,
        status(502, "<html><title>502 Bad Gateway</title></html>"),
        ServerFault::Cut(10),
        ServerFault::Answer(429, vec![("retry-after-ms", "30".to_owned())], String::new()),
        status(200, "<html>"),
        status(404, r#"{"error":"job not found"}"#),
        ServerFault::Answer(503, vec![("retry-after-ms", "30".to_owned())], String::new()),
        status(200, r#"{"status":"paused"}"#),
    ];
    // Answers that make no sense are believed only when there are three in a row.
    server.fail_at(JOBS, troubles);
    let watch = Listening::default();
    let began = std::time::Instant::now();
    edit_watched(&SdCppJobs::new(paid(&server)).unwrap(), item(&request(None, None)), &watch).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(60), "waits that were asked for are kept to");
    assert_eq!(submissions(&server), 1);
    let id = format!("0 editscale-run-1-0 Some(\"{} job-1\")", base(&server));
    assert_eq!(*watch.submitted.lock().unwrap(), ["0 editscale-run-1-0 None", &id]);
}

#[tokio::test]
async fn the_error_table() {
    use FailureKind::{Ambiguous, Invalid, Malformed, Refused, Unavailable};
    let post = "POST /sdcpp/v1/img_gen";
    let failed =
        r#"{"status":"failed","error":{"code":"generation_failed","message":"generate_image returned no results"}}"#;
    let cancelled = r#"{"status":"cancelled","error":{"code":"cancelled","message":"job cancelled by client"}}"#;
    let unpaid = Usd::default();
    let whole = Usd { micros: 100_000 };
    for (route, fault, times, kind, words, cost) in [
        (post, status(400, r#"{"error":"invalid generation parameters"}"#), 1, Invalid, "invalid generation", unpaid),
        (post, status(400, r#"{"error":"invalid json","message":"at line 1"}"#), 1, Invalid, "at line 1", unpaid),
        (post, status(429, r#"{"error":"job queue is full"}"#), 4, Unavailable, "job queue is full", unpaid),
        (post, status(500, r#"{"error":"server_error","message":"out of memory"}"#), 4, Unavailable, "memory", unpaid),
        (post, status(401, "who"), 1, Refused, "401", unpaid),
        (post, status(502, ""), 1, Ambiguous, "502", whole),
        (post, ServerFault::Lost, 1, Ambiguous, "no answer", whole),
        (post, ServerFault::Cut(5), 1, Ambiguous, "broke off", whole),
        (post, status(202, "{}"), 1, Malformed, "the name of a job", whole),
        (post, status(202, r#"{"id":"../../etc"}"#), 1, Malformed, "the name of a job", whole),
        (post, status(202, "accepted"), 1, Malformed, "expected JSON", whole),
        (JOBS, status(200, failed), 1, Malformed, "generate_image returned no results", whole),
        (JOBS, status(200, cancelled), 4, Unavailable, "by another client", unpaid),
        (JOBS, status(200, "[]"), 500, Malformed, "status of a job", whole),
        (JOBS, status(404, r#"{"error":"job not found"}"#), 500, Ambiguous, "does not know the job", whole),
        (JOBS, status(410, r#"{"error":"job expired"}"#), 500, Ambiguous, "does not know the job", whole),
        (JOBS, status(401, "who"), 1, Refused, "401", whole),
        (JOBS, status(307, ""), 500, Malformed, "307", whole),
        (JOBS, ServerFault::Pictures(0), 1, Malformed, "found none", whole),
        (JOBS, ServerFault::Base64("a?b".to_owned()), 1, Malformed, "base64", whole),
        (JOBS, ServerFault::Base64("aGVsbG8=".to_owned()), 1, Malformed, "PNG", whole),
    ] {
        let server = FakeServer::start();
        server.fail_at(route, vec![fault.clone(); times]);
        let polls = PollRules { lost_after: Duration::from_millis(40), ..quick() };
        let editor = SdCppJobs::new(SdCppJobsOptions { polls, ..paid(&server) }).unwrap();
        let failure = edit(&editor, item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, failure.cost.usd), (kind, cost), "{route} {fault:?}: {failure}");
        assert!(failure.message.contains(words), "{failure} should speak of {words}");
    }
}

#[tokio::test]
async fn pictures_are_counted() {
    let server = FakeServer::start();
    server.fail_at(JOBS, vec![ServerFault::Pictures(3)]);
    let made = edit(&SdCppJobs::new(paid(&server)).unwrap(), item(&request(None, None))).await.unwrap();
    assert_eq!(made.cost.usd, Usd { micros: 300_000 });
    assert!(made.notes[0].contains("3 pictures"), "{:?}", made.notes);
}

#[tokio::test]
async fn a_server_that_stays_silent_about_a_job_is_given_up_at_last() {
    for (fault, rules, kind, words) in [
        (
            status(500, "oh"),
            PollRules { lost_after: Duration::from_millis(60), ..quick() },
            FailureKind::Ambiguous,
            "status 500",
        ),
        (
            status(200, r#"{"status":"generating"}"#),
            PollRules { deadline: Duration::from_millis(60), ..quick() },
            FailureKind::Ambiguous,
            "did not end within 60 ms",
        ),
    ] {
        let server = FakeServer::start();
        server.fail_at(JOBS, vec![fault; 1000]);
        let options = SdCppJobsOptions { polls: rules, ..paid(&server) };
        let failure = edit(&SdCppJobs::new(options).unwrap(), item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, failure.cost.usd.micros), (kind, 100_000), "{failure}");
        assert!(failure.message.contains(words), "{failure} should speak of {words}");
        assert_eq!(submissions(&server), 1);
    }
}

#[tokio::test]
async fn what_costs_nothing_is_simply_made_again() {
    let server = FakeServer::start();
    let whole = edit(&editor(&server), item(&request(None, None))).await.unwrap();
    server.fail_at("POST", [ServerFault::Lost]);
    server.fail_at(JOBS, vec![status(404, ""); 2]);
    // The second answer in a row is believed.
    let polls = PollRules { lost_after: Duration::from_millis(1), ..quick() };
    let hasty = SdCppJobsOptions { polls, ..options(std::slice::from_ref(&server)) };
    let again = edit(&SdCppJobs::new(hasty).unwrap(), item(&request(None, None))).await.unwrap();
    assert_eq!((again.image.bytes, submissions(&server)), (whole.image.bytes, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unwanted_job_that_waits_is_cancelled_on_the_server_and_costs_nothing() {
    let server = FakeServer::start();
    server.keep_jobs(JobPlace::Queued);
    let watch = Arc::new(Listening::default());
    let editor = SdCppJobs::new(paid(&server)).unwrap();
    let (watching, waiting) = (Arc::clone(&watch), server.clone());
    let task = tokio::spawn(async move { edit_watched(&editor, item(&request(None, None)), &*watching).await });
    tokio::task::spawn_blocking(move || waiting.wait_for_requests(JOBS, 2)).await.unwrap();
    // The first attempt to cancel it gets lost.
    server.fail_at("POST /sdcpp/v1/jobs/", [ServerFault::Lost]);
    watch.cancel.store(true, Ordering::Relaxed);
    let failure = task.await.unwrap().unwrap_err();
    assert_eq!((failure.kind, failure.cost.usd), (FailureKind::Cancelled, Usd::default()));
    assert_eq!(server.cancelled(), ["job-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_at_work_keeps_its_slot_though_nobody_waits_for_it() {
    let server = FakeServer::start();
    server.keep_jobs(JobPlace::Working);
    let mut single = paid(&server);
    single.connection.servers[0].concurrency = NonZeroU32::MIN;
    let editor = Arc::new(SdCppJobs::new(single).unwrap());
    let watch = Arc::new(Listening::default());
    let (first, watching, waiting) = (Arc::clone(&editor), Arc::clone(&watch), server.clone());
    let task = tokio::spawn(async move { edit_watched(&*first, item(&request(None, None)), &*watching).await });
    tokio::task::spawn_blocking(move || waiting.wait_for_requests(JOBS, 1)).await.unwrap();
    watch.cancel.store(true, Ordering::Relaxed);
    let failure = task.await.unwrap().unwrap_err();
    assert_eq!((failure.kind, failure.cost.usd.micros), (FailureKind::Cancelled, 100_000), "it may be done");
    // The server is still at it, and still asked about it. A second edit waits for the slot.
    let (second, waiting, asked) = (Arc::clone(&editor), server.clone(), server.asked().len());
    let next = tokio::spawn(async move { edit(&*second, item(&request(None, None))).await });
    tokio::task::spawn_blocking(move || waiting.wait_for_requests(JOBS, asked + 3)).await.unwrap();
    assert_eq!(submissions(&server), 1);
    server.let_go();
    next.await.unwrap().unwrap();
    assert_eq!((submissions(&server), server.most_jobs()), (2, 1));
    assert!(server.cancelled().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_future_cancels_its_job_and_frees_the_slot() {
    let server = FakeServer::start();
    server.keep_jobs(JobPlace::Queued);
    let mut single = paid(&server);
    single.connection.servers[0].concurrency = NonZeroU32::MIN;
    let editor = Arc::new(SdCppJobs::new(single).unwrap());
    let (first, waiting) = (Arc::clone(&editor), server.clone());
    let task = tokio::spawn(async move { edit(&*first, item(&request(None, None))).await });
    tokio::task::spawn_blocking(move || waiting.wait_for_requests(JOBS, 1)).await.unwrap();
    task.abort();
    let waiting = server.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for_requests("POST /sdcpp/v1/jobs/", 1)).await.unwrap();
    server.let_go();
    edit(&*editor, item(&request(None, None))).await.unwrap();
    assert_eq!((server.cancelled(), server.most_jobs()), (vec!["job-1".to_owned()], 1));
}

#[tokio::test]
async fn what_cannot_be_written_down_does_not_leave() {
    let server = FakeServer::start();
    let watch = Listening { refuses: true, ..Listening::default() };
    let failure = edit_watched(&editor(&server), item(&request(None, None)), &watch).await.unwrap_err();
    assert_eq!((failure.kind, failure.cost.usd), (FailureKind::Cancelled, Usd::default()));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn after_a_crash_the_job_is_asked_about_where_it_is_and_not_submitted() {
    let servers = three();
    // An earlier life submits one job to each.
    for server in &servers {
        edit(&editor(server), item(&request(None, None))).await.unwrap();
    }
    let prices = Prices { picture: Usd { micros: 100_000 }, ..Prices::default() };
    let replicas = SdCppJobs::new(SdCppJobsOptions { prices, ..options(&servers) }).unwrap();
    servers[1].fail_at(JOBS, [ServerFault::Lost, status(500, "")]);
    let watch = Listening::default();
    let made = edit_watched(&replicas, resumed(&servers[1], "job-1"), &watch).await.unwrap();
    assert_eq!(made.cost.usd, Usd { micros: 100_000 });
    assert_eq!(servers.each_ref().map(submissions), [1, 1, 1]);
    assert_eq!(servers.each_ref().map(|server| server.asked().len()), [2, 5, 2]);
    assert!(watch.submitted.lock().unwrap().is_empty(), "nothing new is known");
}

#[tokio::test]
async fn after_a_crash_what_nobody_knows_counts_as_spent_and_is_never_submitted_again() {
    let server = FakeServer::start();
    let polls = PollRules { lost_after: Duration::from_millis(40), ..quick() };
    let editor = SdCppJobs::new(SdCppJobsOptions { polls, ..paid(&server) }).unwrap();
    let unnamed = Submission { key: "editscale-run-1-0".into(), remote_id: None };
    let elsewhere = Submission { remote_id: Some("http://127.0.0.1:1/sdcpp/v1 job-1".into()), ..unnamed.clone() };
    let plain = item(&request(None, None));
    for (item, words) in [
        (resumed(&server, "job-9"), "does not know the job"),
        (resumed(&server, "../img_gen"), "does not know the job"),
        (EditItem { earlier: Some(elsewhere), ..plain.clone() }, "none of the servers now"),
        (EditItem { earlier: Some(unnamed.clone()), ..plain.clone() }, "on its way"),
    ] {
        let failure = edit(&editor, item).await.unwrap_err();
        assert_eq!((failure.kind, failure.cost.usd.micros), (FailureKind::Ambiguous, 100_000), "{failure}");
        assert!(failure.message.contains(words), "{failure} should speak of {words}");
    }
    assert_eq!(submissions(&server), 0);
    // Where it costs nothing it is submitted after all.
    edit(&self::editor(&server), EditItem { earlier: Some(unnamed), ..plain }).await.unwrap();
    edit(&self::editor(&server), resumed(&server, "job-9")).await.unwrap();
    assert_eq!(submissions(&server), 2);
}

#[tokio::test]
async fn secrets_reach_the_server_and_nothing_else() {
    let server = FakeServer::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "sk-verysecret").unwrap();
    let mut secret = paid(&server);
    secret.connection.servers =
        vec![ServerOptions { secret: Some(SecretSource::File(path)), ..ServerOptions::new(&base(&server)) }];
    let editor = SdCppJobs::new(secret).unwrap();
    let echo = r#"{"status":"failed","error":{"code":"sk-verysecret","message":"sk-verysecret is no key"}}"#;
    for (route, fault) in [
        ("POST", status(401, r#"{"error":"sk-verysecret is no key"}"#)),
        ("POST", status(202, r#"{"id":"sk-verysecret"}"#)),
        (JOBS, status(200, echo)),
    ] {
        server.fail_at(route, [fault]);
        let watch = Listening::default();
        let failure = edit_watched(&editor, item(&request(None, None)), &watch).await.unwrap_err();
        let text = format!("{failure:?} {:?} {editor:?}", watch.submitted);
        assert!(!text.contains("verysecret"), "{text}");
    }
    assert!(server.asked().iter().all(|asked| asked.header("authorization") == Some("Bearer sk-verysecret")));
}

async fn all(editor: &SdCppJobs) -> Vec<Result<Candidate, Failure>> {
    let request = request(None, None);
    let items = (0..40).map(|id| numbered(&request, id, 1000 + u64::from(id))).collect();
    editor.edit(EditBatch { items }, &NobodyWatches).await
}

/// Three requests in ten go wrong, submissions and questions alike.
fn storm(server: &FakeServer, salt: u64) {
    let draw = move |number: u64| Seed::new(salt).unwrap().mix(number).get();
    let faults = [
        ServerFault::Lost,
        ServerFault::Cut(30),
        ServerFault::Silent(30),
        ServerFault::Answer(429, vec![("retry-after-ms", "5".to_owned())], "slow down".to_owned()),
        status(500, "Internal Server Error"),
        status(503, "<html><title>busy</title></html>"),
        status(502, ""),
    ];
    let fault = move |number: u64| {
        let draw = draw(number);
        (draw % 10 < 3).then(|| faults[(draw / 10) as usize % faults.len()].clone())
    };
    server.script_all(fault);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_three_replicas_loses_nothing_and_changes_nothing() {
    let calm = three();
    let expected: Vec<_> =
        all(&SdCppJobs::new(options(&calm)).unwrap()).await.into_iter().map(|made| made.unwrap().image.bytes).collect();
    assert!(calm.iter().all(|server| (1..=4).contains(&server.most_jobs())), "all work, and slots hold");
    let servers = three();
    servers.iter().zip(1..).for_each(|(server, salt)| storm(server, salt));
    let mut stormy = options(&servers);
    stormy.connection.retry.attempts = 10;
    stormy.connection.timeouts.silence = Duration::from_millis(300);
    let results = all(&SdCppJobs::new(stormy).unwrap()).await;
    let made: Vec<_> = results.into_iter().map(|made| made.unwrap().image.bytes).collect();
    assert_eq!(made, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_storm_nothing_that_is_paid_is_made_twice() {
    let servers = three();
    servers.iter().zip(21..).for_each(|(server, salt)| storm(server, salt));
    let prices = Prices { picture: Usd { micros: 1000 }, ..Prices::default() };
    let mut stormy = SdCppJobsOptions { prices, ..options(&servers) };
    stormy.connection.retry.attempts = 10;
    stormy.connection.timeouts.silence = Duration::from_millis(300);
    let results = all(&SdCppJobs::new(stormy).unwrap()).await;
    let mut made: Vec<String> = servers.iter().flat_map(FakeServer::made).collect();
    let count = made.len() as u64;
    made.sort();
    made.dedup();
    assert_eq!(made.len() as u64, count, "never submitted again");
    let spent: u64 = results
        .iter()
        .map(|result| match result {
            Ok(candidate) => candidate.cost.usd.micros,
            Err(failure) => failure.cost.usd.micros,
        })
        .sum();
    assert!(spent >= 1000 * count, "everything that was made is counted");
    assert!(
        results.iter().filter_map(|result| result.as_ref().err()).all(|failure| failure.kind == FailureKind::Ambiguous)
    );
    assert!(results.iter().filter(|result| result.is_ok()).count() > 20);
}
