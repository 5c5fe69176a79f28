//! Servers that fail: what is tried again, what never is, what it costs, and who can be stopped.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use editscale_core::{EditBackend, EditItem, FailureKind, ImageSize, Recovery, Seed, Submission, Usd};
use editscale_remote::{ChatJudge, MaskRule, OpenAiImages, OpenAiImagesOptions, Prices, Profile, Repeat, SizeRule};
use editscale_testkit::{FakeServer, ServerFault};

use crate::suite::status;
use crate::support::{
    Listening, changed, connection, edit, edit_watched, editor, item, judge_options, named, options, picture, request,
};

/// A picture at ten cents on a server that nobody can ask what became of it.
fn paid(server: &FakeServer) -> OpenAiImagesOptions {
    let prices = Prices { picture: Usd { micros: 100_000 }, ..Prices::default() };
    OpenAiImagesOptions { prices, ..options(Profile::OpenAi, server) }
}

#[tokio::test]
async fn failures_have_the_kinds_that_the_engine_knows() {
    let moderated = r#"{"error":{"message":"blocked","code":"moderation_blocked"}}"#;
    let quota = r#"{"error":{"message":"pay","code":"insufficient_quota"}}"#;
    for (fault, kind, attempts) in [
        (status(400, &[], r#"{"error":{"message":"bad size"}}"#), FailureKind::Invalid, 1),
        (status(422, &[], r#"{"detail":[{"loc":["body","n"],"msg":"no"}]}"#), FailureKind::Invalid, 1),
        (status(400, &[], moderated), FailureKind::Refused, 1),
        (status(401, &[], r#"{"error":"no key"}"#), FailureKind::Refused, 1),
        (status(429, &[], quota), FailureKind::Refused, 1),
        (status(429, &[], "slow"), FailureKind::Unavailable, 4),
        (status(500, &[], "Internal Server Error"), FailureKind::Unavailable, 4),
        (status(503, &[], r#"{"error":"the engine is dead"}"#), FailureKind::Unavailable, 4),
        // What is not to be asked for again at once is no failure that passes.
        (status(500, &[("x-should-retry", "false")], "no"), FailureKind::Refused, 1),
        (status(429, &[("retry-after", "3600")], "slow"), FailureKind::Refused, 1),
        (status(502, &[], "<html><title>502 Bad Gateway</title>"), FailureKind::Ambiguous, 1),
    ] {
        let server = FakeServer::start();
        server.fail(vec![fault.clone(); 9]);
        let failure = edit(&OpenAiImages::new(paid(&server)).unwrap(), item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, server.asked().len()), (kind, attempts), "{fault:?}: {failure}");
        // What was refused costs nothing; what may have been done costs the most that it can.
        let micros = if kind == FailureKind::Ambiguous { 100_000 } else { 0 };
        assert_eq!(failure.cost.usd, Usd { micros }, "{fault:?}");
    }
}

#[tokio::test]
async fn the_waits_that_servers_ask_for_are_kept() {
    for (header, value) in [("retry-after-ms", "80"), ("retry-after", "0.08")] {
        let server = FakeServer::start();
        server.fail([status(429, &[(header, value)], "")]);
        let began = Instant::now();
        edit(&editor(Profile::SgLang, &server), item(&request(None, None))).await.unwrap();
        assert!(began.elapsed() >= Duration::from_millis(80), "{header}");
        assert_eq!(server.asked().len(), 2);
    }
    // A date that is over asks for no wait; a wait that is too long ends the call; a server's word goes before the class.
    for (fault, attempts) in [
        (status(429, &[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")], ""), 2),
        (status(429, &[("retry-after", "3600")], ""), 1),
        (status(400, &[("x-should-retry", "true")], ""), 2),
    ] {
        let server = FakeServer::start();
        server.fail([fault.clone()]);
        let made = edit(&editor(Profile::SgLang, &server), item(&request(None, None))).await;
        assert_eq!((made.is_ok(), server.asked().len()), (attempts == 2, attempts), "{fault:?}");
    }
}

/// Found by fuzzing: the call that heard of the pause fails, and the next ones waited for a minute whatever the recipe said.
#[tokio::test]
async fn a_pause_that_is_not_waited_for_holds_up_no_other_call() {
    let server = FakeServer::start();
    server.fail([status(429, &[("retry-after", "3600")], "")]);
    let mut impatient = options(Profile::SgLang, &server);
    impatient.connection.retry.longest_asked = Duration::from_millis(5);
    let editor = OpenAiImages::new(impatient).unwrap();
    edit(&editor, item(&request(None, None))).await.unwrap_err();
    let began = Instant::now();
    edit(&editor, item(&request(None, None))).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_may_have_been_done_is_never_sent_again_where_it_is_paid() {
    for fault in [ServerFault::Lost, ServerFault::Cut(40), status(504, &[], "")] {
        let server = FakeServer::start();
        server.fail([fault.clone()]);
        let failure = edit(&OpenAiImages::new(paid(&server)).unwrap(), item(&request(None, None))).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Ambiguous, "{fault:?}: {failure}");
        assert!(!failure.kind.may_pass(), "the engine leaves it alone too");
        assert_eq!(failure.cost.usd, Usd { micros: 100_000 }, "counted as spent");
        assert_eq!(server.asked().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_gateways_own_failure_leaves_open_what_its_server_did() {
    for (profile, kind, attempts) in
        [(Profile::OpenAi, FailureKind::Unavailable, 4), (Profile::LiteLlm, FailureKind::Ambiguous, 1)]
    {
        let server = FakeServer::start();
        server.fail(vec![status(500, &[], r#"{"error":{"message":"Connection error."}}"#); 4]);
        let options = OpenAiImagesOptions { profile, ..paid(&server) };
        let failure = edit(&OpenAiImages::new(options).unwrap(), item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, server.asked().len()), (kind, attempts), "{profile}: {failure}");
    }
}

#[tokio::test]
async fn on_a_server_of_ones_own_it_is_simply_made_again() {
    for fault in [ServerFault::Lost, ServerFault::Cut(40), status(504, &[], "")] {
        let server = FakeServer::start();
        let editor = editor(Profile::SgLang, &server);
        let whole = edit(&editor, item(&request(None, None))).await.unwrap();
        server.fail([fault.clone()]);
        let again = edit(&editor, item(&request(None, None))).await.unwrap();
        assert_eq!(again.image.bytes, whole.image.bytes, "{fault:?}");
        assert_eq!(server.asked().len(), 3);
        assert_eq!(server.asked()[1].body, server.asked()[2].body, "the same request");
    }
}

#[tokio::test]
async fn a_server_that_honours_keys_does_it_once() {
    let server = FakeServer::start();
    server.honour_keys();
    let editor = OpenAiImages::new(OpenAiImagesOptions { repeat: Some(Repeat::Keyed), ..paid(&server) }).unwrap();
    assert_eq!(editor.card().recovery, Recovery::Idempotent);
    server.fail([ServerFault::Lost, ServerFault::Cut(10)]);
    edit(&editor, item(&request(None, None))).await.unwrap();
    let made = server.made();
    let key = made[0].split(' ').next().unwrap();
    assert_eq!(named(key), "editscale-run-1-0");
    // What an earlier life of the program left under way is asked for under its own key.
    let mut resumed = item(&request(None, None));
    resumed.earlier = Some(Submission { key: key.into(), remote_id: None });
    resumed.proposal.id = editscale_core::CandidateId(5);
    edit(&editor, resumed).await.unwrap();
    assert_eq!(server.asked().len(), 4);
    assert_eq!((server.made(), made.len()), (made.clone(), 1), "made and paid once");
}

#[tokio::test]
async fn a_key_depends_on_what_is_asked_for_and_on_nothing_else() {
    let server = FakeServer::start();
    server.honour_keys();
    let options = || OpenAiImagesOptions { repeat: Some(Repeat::Keyed), ..options(Profile::Generic, &server) };
    let plain = || item(&request(None, None));
    let key = async |options: OpenAiImagesOptions, item: EditItem| {
        let watch = Listening::default();
        edit_watched(&OpenAiImages::new(options).unwrap(), item, &watch).await.unwrap();
        watch.keys.lock().unwrap()[0].clone()
    };
    let first = key(options(), plain()).await;
    assert_eq!(first, key(options(), plain()).await, "in every life of the program");
    let mut others = Vec::new();
    let mut seeded = plain();
    seeded.proposal.seed = Seed::new(8).unwrap();
    others.push(key(options(), seeded).await);
    let mut worded = plain();
    worded.proposal.instruction = "make it colder".into();
    others.push(key(options(), worded).await);
    let mut started = plain();
    started.start = picture([9, 9, 9]);
    others.push(key(options(), started).await);
    let sized = request(None, Some(ImageSize { width: 64, height: 64 }));
    others.push(key(OpenAiImagesOptions { sizes: Some(SizeRule::Any), ..options() }, item(&sized)).await);
    others.push(key(OpenAiImagesOptions { model: "another".to_owned(), ..options() }, plain()).await);
    let fields = [("style".to_owned(), "vivid".to_owned())].into();
    others.push(key(OpenAiImagesOptions { fields, ..options() }, plain()).await);
    let masked = OpenAiImagesOptions { masks: Some(MaskRule::White), ..options() };
    others.push(key(masked, item(&request(Some(picture([255; 3])), None))).await);
    others.sort_unstable();
    others.dedup();
    assert_eq!((others.len(), others.contains(&first)), (7, false), "{others:?}");
}

#[tokio::test]
async fn what_an_earlier_attempt_may_have_cost_stays_counted() {
    let last = |fault: ServerFault| [ServerFault::Lost].into_iter().chain(vec![fault; 9]).collect::<Vec<_>>();
    for (faults, kind) in [
        (last(status(400, &[], "no")), FailureKind::Invalid),
        (last(status(503, &[], "busy")), FailureKind::Unavailable),
        (last(status(302, &[], "")), FailureKind::Malformed),
        (last(ServerFault::Pictures(0)), FailureKind::Malformed),
        (vec![status(303, &[], ""), status(401, &[], "")], FailureKind::Refused),
    ] {
        let server = FakeServer::start();
        server.honour_keys();
        let editor = OpenAiImages::new(OpenAiImagesOptions { repeat: Some(Repeat::Keyed), ..paid(&server) }).unwrap();
        server.fail(faults.clone());
        let failure = edit(&editor, item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, failure.cost.usd), (kind, Usd { micros: 100_000 }), "{faults:?}: {failure}");
    }
}

#[tokio::test]
async fn a_harmless_repeat_of_what_is_paid_is_refused() {
    let server = FakeServer::start();
    let options = OpenAiImagesOptions { repeat: Some(Repeat::Harmless), ..paid(&server) };
    assert!(OpenAiImages::new(options).unwrap_err().to_string().contains("repeat"));
}

#[tokio::test]
async fn prices_of_tokens_need_a_bound_on_their_number() {
    let server = FakeServer::start();
    for profile in [Profile::Generic, Profile::VllmOmni, Profile::SgLang, Profile::SdCpp] {
        for (prices, words) in [
            (Prices { text_tokens: Usd { micros: 1 }, ..Prices::default() }, "most_input_tokens"),
            (Prices { output_tokens: Usd { micros: 1 }, ..Prices::default() }, "most_output_tokens"),
        ] {
            let priced = OpenAiImagesOptions { prices, ..options(profile, &server) };
            assert!(OpenAiImages::new(priced).unwrap_err().to_string().contains(words), "{profile}");
        }
    }
}

#[tokio::test]
async fn judges_have_no_keys_and_make_no_pictures() {
    let server = FakeServer::start();
    let keyed = changed(judge_options(&server), |options| options.asking.repeat = Some(Repeat::Keyed));
    assert!(ChatJudge::new(keyed).unwrap_err().to_string().contains("judges have no keys"));
    let prices = Prices { picture: Usd { micros: 1 }, ..Prices::default() };
    let priced = changed(judge_options(&server), |options| options.asking.prices = prices);
    assert!(ChatJudge::new(priced).unwrap_err().to_string().contains("found picture"));
}

#[tokio::test]
async fn nobody_there_may_be_tried_again_even_where_it_is_paid() {
    let server = FakeServer::start();
    let mut two = paid(&server);
    two.connection = connection(&[FakeServer::nowhere(), server.base()]);
    let made = edit(&OpenAiImages::new(two).unwrap(), item(&request(None, None))).await;
    assert!(made.is_ok(), "{made:?}");
    let mut alone = paid(&server);
    alone.connection = connection(&[FakeServer::nowhere()]);
    let failure = edit(&OpenAiImages::new(alone).unwrap(), item(&request(None, None))).await.unwrap_err();
    assert_eq!((failure.kind, failure.cost.usd), (FailureKind::Unavailable, Usd::default()));
}

#[tokio::test]
async fn every_attempt_is_written_down_before_it_leaves() {
    let server = FakeServer::start();
    server.fail([status(500, &[], "")]);
    let watch = Listening::default();
    edit_watched(&editor(Profile::OpenAi, &server), item(&request(None, None)), &watch).await.unwrap();
    assert_eq!(*watch.submitted.lock().unwrap(), vec!["0 editscale-run-1-0 None"; 2]);
    // What cannot be written down does not leave.
    let refusing = Listening { refuses: true, ..Listening::default() };
    let failure =
        edit_watched(&editor(Profile::OpenAi, &server), item(&request(None, None)), &refusing).await.unwrap_err();
    assert_eq!((failure.kind, failure.cost.usd), (FailureKind::Cancelled, Usd::default()));
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_limits_hold_in_every_phase() {
    let (short, long) = (Duration::from_millis(100), Duration::from_secs(10));
    for (fault, answer, words) in
        [(ServerFault::Hang, short, "no answer within"), (ServerFault::Silent(20), long, "fell silent")]
    {
        let server = FakeServer::start();
        server.fail([fault.clone()]);
        let mut quick = paid(&server);
        quick.connection.timeouts.answer = answer;
        quick.connection.timeouts.connect = short;
        quick.connection.timeouts.silence = short;
        let failure = edit(&OpenAiImages::new(quick).unwrap(), item(&request(None, None))).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Ambiguous, "{fault:?}: {failure}");
        assert!(failure.message.contains(words), "{failure}");
        server.wait_for_hang_ups(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_hangs_up_on_a_server_that_listens() {
    let server = FakeServer::start();
    server.fail([ServerFault::Hang]);
    let watch = Arc::new(Listening::default());
    let editor = OpenAiImages::new(paid(&server)).unwrap();
    let (watching, waiting) = (Arc::clone(&watch), server.clone());
    let task = tokio::spawn(async move { edit_watched(&editor, item(&request(None, None)), &*watching).await });
    tokio::task::spawn_blocking(move || waiting.wait_for_work(1)).await.unwrap();
    watch.cancel.store(true, Ordering::Relaxed);
    let failure = task.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Cancelled);
    assert_eq!(failure.cost.usd, Usd { micros: 100_000 }, "it may be billed all the same");
    server.wait_for_hang_ups(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_works_on_keeps_its_slot_busy() {
    let server = FakeServer::start();
    server.fail([ServerFault::Hold]);
    let mut single = options(Profile::SgLang, &server);
    single.connection.servers[0].concurrency = std::num::NonZeroU32::MIN;
    let editor = Arc::new(OpenAiImages::new(single).unwrap());
    let watch = Arc::new(Listening::default());
    let (first, watching) = (Arc::clone(&editor), Arc::clone(&watch));
    let task = tokio::spawn(async move { edit_watched(&*first, item(&request(None, None)), &*watching).await });
    let waiting = server.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for_work(1)).await.unwrap();
    watch.cancel.store(true, Ordering::Relaxed);
    assert_eq!(task.await.unwrap().unwrap_err().kind, FailureKind::Cancelled);
    // The caller is gone; the server is still at it. A second edit waits for the slot.
    let second = Arc::clone(&editor);
    let next = tokio::spawn(async move { edit(&*second, item(&request(None, None))).await });
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(server.asked().len(), 1);
    server.let_go();
    next.await.unwrap().unwrap();
    assert_eq!((server.asked().len(), server.most_under_way()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_future_hangs_up() {
    let server = FakeServer::start();
    server.fail([ServerFault::Hang]);
    let editor = OpenAiImages::new(paid(&server)).unwrap();
    let waiting = server.clone();
    let task = tokio::spawn(async move { edit(&editor, item(&request(None, None))).await });
    tokio::task::spawn_blocking(move || waiting.wait_for_work(1)).await.unwrap();
    task.abort();
    server.wait_for_hang_ups(1);
}
