//! Several servers with one model: slots, choice, breakers, and a storm of faults that loses nothing.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use editscale_core::{Candidate, EditBackend, EditBatch, EditRequest, Failure, FailureKind, NobodyWatches, Seed, Usd};
use editscale_remote::{BreakerRules, OpenAiImages, OpenAiImagesOptions, Prices, Profile, Repeat};
use editscale_testkit::{FakeServer, ServerFault};

use crate::support::{connection, edit, item, numbered, options, request};

const EDITS: u32 = 60;

pub(crate) fn three() -> [FakeServer; 3] {
    std::array::from_fn(|_| FakeServer::start())
}

pub(crate) fn over(servers: &[FakeServer], options: OpenAiImagesOptions) -> OpenAiImagesOptions {
    let bases: Vec<String> = servers.iter().map(FakeServer::base).collect();
    let mut connection = connection(&bases);
    connection.retry.attempts = 10;
    connection.timeouts.answer = Duration::from_secs(1);
    connection.timeouts.connect = Duration::from_secs(1);
    connection.timeouts.silence = Duration::from_secs(1);
    OpenAiImagesOptions { connection, ..options }
}

/// Three requests in ten go wrong, in every way, each decided by its number.
pub(crate) fn storm(server: &FakeServer, salt: u64) {
    server.script(move |number| {
        let draw = Seed::new(salt).unwrap().mix(number).get();
        let faults = [
            ServerFault::Lost,
            ServerFault::Cut(30),
            ServerFault::Silent(30),
            ServerFault::Answer(429, vec![("retry-after-ms", "5".to_owned())], "slow down".to_owned()),
            ServerFault::Answer(500, Vec::new(), "Internal Server Error".to_owned()),
            ServerFault::Answer(503, Vec::new(), "<html><title>busy</title></html>".to_owned()),
            ServerFault::Answer(502, Vec::new(), String::new()),
            ServerFault::Hang,
        ];
        (draw % 10 < 3).then(|| faults[(draw / 10) as usize % faults.len()].clone())
    });
}

async fn all(editor: &OpenAiImages, request: &Arc<EditRequest>) -> Vec<Result<Candidate, Failure>> {
    let items = (0..EDITS).map(|id| numbered(request, id, 1000 + u64::from(id))).collect();
    editor.edit(EditBatch { items }, &NobodyWatches).await
}

fn pictures(results: &[Result<Candidate, Failure>]) -> Vec<Vec<u8>> {
    results.iter().map(|result| result.as_ref().unwrap().image.bytes.to_vec()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_three_replicas_loses_nothing_and_changes_nothing() {
    let request = request(None, None);
    let calm = three();
    let quiet = OpenAiImages::new(over(&calm, options(Profile::SgLang, &calm[0]))).unwrap();
    let expected = pictures(&all(&quiet, &request).await);
    assert!(calm.iter().all(|server| !server.asked().is_empty()), "all replicas work");
    assert!(calm.iter().all(|server| server.most_under_way() <= 4), "slots hold");
    let servers = three();
    servers.iter().zip(1..).for_each(|(server, salt)| storm(server, salt));
    let editor = OpenAiImages::new(over(&servers, options(Profile::SgLang, &servers[0]))).unwrap();
    let results = all(&editor, &request).await;
    assert_eq!(pictures(&results), expected);
    assert!(servers.iter().map(|server| server.asked().len()).sum::<usize>() > EDITS as usize + 5, "there was a storm");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_storm_nothing_that_is_paid_is_made_twice() {
    let request = request(None, None);
    let servers = three();
    servers.iter().zip(11..).for_each(|(server, salt)| storm(server, salt));
    let prices = Prices { picture: Usd { micros: 1000 }, ..Prices::default() };
    let paid = OpenAiImagesOptions { prices, ..options(Profile::OpenAi, &servers[0]) };
    let editor = OpenAiImages::new(over(&servers, paid)).unwrap();
    let results = all(&editor, &request).await;
    let made: Vec<String> = servers.iter().flat_map(FakeServer::made).collect();
    let distinct: BTreeSet<&String> = made.iter().collect();
    assert_eq!(made.len(), distinct.len(), "never sent again");
    let spent: u64 = results.iter().map(|result| cost(result).micros).sum();
    assert!(spent >= 1000 * made.len() as u64, "everything that was made is counted");
    let failures: Vec<&Failure> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert!(!failures.is_empty() && failures.len() < EDITS as usize / 2);
    for failure in failures {
        assert_eq!((failure.kind, failure.cost.usd), (FailureKind::Ambiguous, Usd { micros: 1000 }), "{failure}");
    }
}

fn cost(result: &Result<Candidate, Failure>) -> Usd {
    result.as_ref().map_or_else(|failure| failure.cost.usd, |candidate| candidate.cost.usd)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_keys_a_storm_makes_each_once() {
    let request = request(None, None);
    let server = [FakeServer::start()];
    server[0].honour_keys();
    storm(&server[0], 5);
    let prices = Prices { picture: Usd { micros: 1000 }, ..Prices::default() };
    let keyed = OpenAiImagesOptions { prices, repeat: Some(Repeat::Keyed), ..options(Profile::OpenAi, &server[0]) };
    let results = all(&OpenAiImages::new(over(&server, keyed)).unwrap(), &request).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(server[0].made().len(), EDITS as usize);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_with_the_least_to_do_is_asked() {
    let servers = [FakeServer::start(), FakeServer::start()];
    servers[0].fail([ServerFault::Hold]);
    let editor = Arc::new(OpenAiImages::new(over(&servers, options(Profile::SgLang, &servers[0]))).unwrap());
    let busy = Arc::clone(&editor);
    let held = tokio::spawn(async move {
        let mut first = item(&request(None, None));
        first.proposal.id = editscale_core::CandidateId(99);
        edit(&busy, first).await
    });
    let waiting = servers[0].clone();
    tokio::task::spawn_blocking(move || waiting.wait_for_work(1)).await.unwrap();
    for _ in 0..3 {
        edit(&editor, item(&request(None, None))).await.unwrap();
    }
    assert_eq!((servers[0].asked().len(), servers[1].asked().len()), (1, 3));
    servers[0].let_go();
    held.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_fails_again_and_again_is_left_alone_until_a_probe_succeeds() {
    let servers = [FakeServer::start(), FakeServer::start()];
    servers[0].script(|number| (number < 2).then(|| ServerFault::Answer(500, Vec::new(), String::new())));
    let mut options = over(&servers, options(Profile::SgLang, &servers[0]));
    options.connection.breaker =
        BreakerRules { failures: 2, pause: Duration::from_secs(2), longest_pause: Duration::from_secs(4) };
    let editor = OpenAiImages::new(options).unwrap();
    for _ in 0..6 {
        edit(&editor, item(&request(None, None))).await.unwrap();
    }
    assert_eq!((servers[0].asked().len(), servers[1].asked().len()), (2, 6), "two failures, then it is left alone");
    tokio::time::sleep(Duration::from_millis(2020)).await;
    edit(&editor, item(&request(None, None))).await.unwrap();
    edit(&editor, item(&request(None, None))).await.unwrap();
    assert_eq!(servers[0].asked().len(), 4, "a probe, then it works again");
}

#[tokio::test]
async fn when_all_are_left_alone_for_long_calls_fail_at_once() {
    let server = FakeServer::start();
    server.script(|_| Some(ServerFault::Answer(500, Vec::new(), String::new())));
    let mut options = options(Profile::SgLang, &server);
    options.connection.breaker =
        BreakerRules { failures: 2, pause: Duration::from_secs(60), longest_pause: Duration::from_secs(60) };
    let editor = OpenAiImages::new(options).unwrap();
    for _ in 0..3 {
        let failure = edit(&editor, item(&request(None, None))).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable);
        assert!(failure.message.contains("left alone"), "{failure}");
    }
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_server_is_asked_no_faster_than_agreed() {
    let server = FakeServer::start();
    let mut paced = options(Profile::SgLang, &server);
    let count = |number| NonZeroU32::new(number).unwrap();
    paced.connection.servers[0].rate = Some(editscale_remote::Rate { per_minute: count(1200), burst: count(2) });
    let editor = OpenAiImages::new(paced).unwrap();
    let began = std::time::Instant::now();
    let request = request(None, None);
    let items = (0..5).map(|id| numbered(&request, id, 1)).collect();
    let results = editor.edit(EditBatch { items }, &NobodyWatches).await;
    assert!(results.iter().all(Result::is_ok));
    assert!(began.elapsed() >= Duration::from_millis(145), "two at once, then one every 50 ms");
}
