//! Several servers with one model: slots, choice, breakers.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use editscale_core::{EditBackend, EditBatch, FailureKind, NobodyWatches};
use editscale_remote::{BreakerRules, OpenAiImages, OpenAiImagesOptions, Profile};
use editscale_testkit::{FakeServer, ServerFault};

use crate::storms::over;
use crate::support::{edit, item, numbered, options, request};

#[tokio::test(flavor = "multi_thread")]
async fn the_server_with_the_least_to_do_is_asked() {
    let servers = [FakeServer::start(), FakeServer::start()];
    servers[0].fail([ServerFault::Hold]);
    let editor = Arc::new(OpenAiImages::new(over(&servers, options(Profile::SgLang, &servers[0]))).unwrap());
    let busy = Arc::clone(&editor);
    let held = tokio::spawn(async move {
        let mut first = item(&request(None, None));
        first.proposal.id = editscale_core::CandidateId(99);
        edit(&*busy, first).await
    });
    let waiting = servers[0].clone();
    tokio::task::spawn_blocking(move || waiting.wait_for_work(1)).await.unwrap();
    for _ in 0..3 {
        edit(&*editor, item(&request(None, None))).await.unwrap();
    }
    assert_eq!((servers[0].asked().len(), servers[1].asked().len()), (1, 3));
    servers[0].let_go();
    held.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_asks_for_a_pause_gets_it_whatever_went_wrong() {
    let pause =
        |milliseconds: u32| ServerFault::Answer(500, vec![("retry-after-ms", milliseconds.to_string())], String::new());
    let servers = [FakeServer::start(), FakeServer::start()];
    servers[0].fail([pause(30_000)]);
    let editor = OpenAiImages::new(over(&servers, options(Profile::SgLang, &servers[0]))).unwrap();
    for _ in 0..3 {
        edit(&editor, item(&request(None, None))).await.unwrap();
    }
    assert_eq!((servers[0].asked().len(), servers[1].asked().len()), (1, 3), "the other one is asked meanwhile");
    // Where all of them ask for a pause, one is waited for.
    let servers = [FakeServer::start(), FakeServer::start()];
    servers.iter().for_each(|server| server.fail([pause(200)]));
    let editor = OpenAiImages::new(over(&servers, options(Profile::SgLang, &servers[0]))).unwrap();
    let began = std::time::Instant::now();
    edit(&editor, item(&request(None, None))).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
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
        assert!(failure.message.contains("last: http") && failure.message.contains("status 500"), "{failure}");
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

#[tokio::test]
async fn a_server_that_answers_at_once_and_with_nothing_is_left_alone() {
    for nothing in [ServerFault::Pictures(0), ServerFault::Answer(200, Vec::new(), "<html>".to_owned())] {
        let servers = [FakeServer::start(), FakeServer::start()];
        servers[0].script(move |_| Some(nothing.clone()));
        let editor = OpenAiImages::new(left_alone_soon(&servers)).unwrap();
        for _ in 0..6 {
            edit(&editor, item(&request(None, None))).await.unwrap();
        }
        assert_eq!((servers[0].asked().len(), servers[1].asked().len()), (2, 6));
        // Alone, it is told of with the reason.
        let nobody_else = OpenAiImages::new(left_alone_soon(&servers[..1])).unwrap();
        let mut last = String::new();
        for _ in 0..2 {
            last = edit(&nobody_else, item(&request(None, None))).await.unwrap_err().to_string();
        }
        assert!(
            last.contains("will be left alone") && last.contains("last: http") && last.contains("expected "),
            "{last}"
        );
    }
}

/// Servers that are left alone for long after two failures.
fn left_alone_soon(servers: &[FakeServer]) -> OpenAiImagesOptions {
    let mut options = over(servers, options(Profile::SgLang, &servers[0]));
    let pause = Duration::from_secs(60);
    options.connection.breaker = BreakerRules { failures: 2, pause, longest_pause: pause };
    options
}
