//! Jobs whose names we choose ourselves; everything else is tested with the dialects.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use editscale_core::{BoxFuture, NobodyWatches, Seed, Submission, Watch};
use editscale_testkit::{FakeServer, ServerFault};
use reqwest::Method;
use serde_json::Value;

use super::{Finished, Jobs, Line, Order, PollRules, Standing};
use crate::fleet::breaker::BreakerRules;
use crate::fleet::call::{Ask, Connection, Fleet, ServerOptions};
use crate::http::client::Reply;
use crate::http::multipart::Payload;
use crate::trouble::error::RemoteError;
use crate::trouble::retry::{Repeat, RetryRules};

/// A job is done once the server has a file of its name.
struct Files;

impl Jobs for Files {
    fn admitted(&self, _: &Reply, _: &Line) -> Result<String, RemoteError> {
        Ok("job".to_owned())
    }

    fn look<'a>(&'a self, id: &'a str, line: &'a Line) -> BoxFuture<'a, Result<Standing, RemoteError>> {
        Box::pin(
            async move { Ok(Standing::Done(line.json(&line.ask(Method::GET, &format!("files/{id}"), None).await?)?)) },
        )
    }
}

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Watch for Told {
    fn cancelled(&self) -> bool {
        false
    }

    fn submitted(&self, _: usize, _: &str, remote_id: Option<&str>) {
        self.0.lock().unwrap().push(remote_id.unwrap_or("nothing").to_owned());
    }
}

fn base(server: &FakeServer) -> String {
    server.base().replace("/v1", "/")
}

const SHORT: Duration = Duration::from_millis(2);

/// This server, with short waits.
fn connection(server: &FakeServer) -> Connection {
    let retry = RetryRules { first_wait: SHORT, ..RetryRules::default() };
    Connection { retry, ..Connection::new(vec![ServerOptions::new(&base(server))]) }
}

fn order(repeat: Repeat, earlier: Option<Submission>) -> Order {
    let ask = Ask::post("v1/images/edits", Payload::json(&Value::Null), repeat, Seed::new(1).unwrap());
    // The second answer in a row is believed.
    let lost_after = Duration::from_millis(1);
    let rules = PollRules { first_wait: SHORT, longest_wait: SHORT, lost_after, ..PollRules::default() };
    Order { ask, place: 0, key: "key".to_owned(), expected: Some("job".to_owned()), earlier, rules }
}

async fn job(
    server: &FakeServer,
    repeat: Repeat,
    earlier: Option<Submission>,
    watch: &dyn Watch,
) -> Result<Finished, RemoteError> {
    let fleet = Fleet::new(&connection(server)).unwrap();
    let jobs: Arc<dyn Jobs> = Arc::new(Files);
    fleet.job(&order(repeat, earlier), &jobs, watch, |finished| std::future::ready(Ok(finished))).await
}

#[tokio::test]
async fn a_server_whose_jobs_come_to_nothing_is_left_alone() {
    let server = FakeServer::start();
    server.put("job", 200, Vec::new(), b"1".to_vec());
    let long = Duration::from_secs(60);
    let breaker = BreakerRules { failures: 2, pause: long, longest_pause: long };
    let fleet = Fleet::new(&Connection { breaker, ..connection(&server) }).unwrap();
    let jobs: Arc<dyn Jobs> = Arc::new(Files);
    let nothing = |finished: Finished| {
        std::future::ready(Err::<(), _>(RemoteError::malformed(&finished.server.endpoint, "expected a picture")))
    };
    for is_asked in [true, true, false] {
        let error = fleet.job(&order(Repeat::Never, None), &jobs, &NobodyWatches, nothing).await.unwrap_err();
        assert!(error.message.ends_with(&format!("{}: expected a picture", base(&server))), "{error}");
        assert_eq!(error.message.contains("will be left alone"), !is_asked, "{error}");
    }
    assert_eq!(server.made().len(), 2);
}

#[tokio::test]
async fn a_deadline_beyond_all_times_is_none() {
    let server = FakeServer::start();
    server.put("job", 200, Vec::new(), b"1".to_vec());
    let fleet = Fleet::new(&connection(&server)).unwrap();
    let mut order = order(Repeat::Never, None);
    order.rules = PollRules { deadline: Duration::MAX, longest_wait: Duration::MAX, ..order.rules };
    let jobs: Arc<dyn Jobs> = Arc::new(Files);
    fleet.job(&order, &jobs, &NobodyWatches, |finished| std::future::ready(Ok(finished))).await.unwrap();
}

#[tokio::test]
async fn a_submission_whose_answer_got_lost_is_looked_for_under_our_name() {
    let server = FakeServer::start();
    server.put("job", 200, Vec::new(), b"1".to_vec());
    server.fail([ServerFault::Lost]);
    let told = Told::default();
    let finished = job(&server, Repeat::Never, None, &told).await.unwrap();
    assert_eq!((finished.answer, server.made().len()), (1.into(), 1));
    assert_eq!(*told.0.lock().unwrap(), [format!("{} job", base(&server))], "known before it left");
}

#[tokio::test]
async fn one_that_never_arrived_is_submitted_again_only_where_that_is_harmless() {
    for (repeat, submissions) in [(Repeat::Never, 1), (Repeat::Harmless, 2)] {
        let server = FakeServer::start();
        server.fail([ServerFault::Lost]);
        server.fail_at("GET /files/job", vec![ServerFault::Answer(404, Vec::new(), String::new()); 2]);
        server.put("job", 200, Vec::new(), b"1".to_vec());
        let outcome = job(&server, repeat, None, &NobodyWatches).await;
        assert_eq!(server.made().len(), submissions);
        match outcome {
            Ok(finished) => assert_eq!((finished.answer, repeat), (1.into(), Repeat::Harmless)),
            Err(error) => {
                assert!(error.maybe_done && error.message.contains("no answer"), "{error}");
                assert_eq!(repeat, Repeat::Never);
            }
        }
    }
}

#[tokio::test]
async fn a_server_is_found_again_with_or_without_a_slash_at_its_end() {
    let server = FakeServer::start();
    server.put("job", 200, Vec::new(), b"1".to_vec());
    for base in [base(&server), base(&server).trim_end_matches('/').to_owned()] {
        let earlier = Submission { key: "key".into(), remote_id: Some(format!("{base} job").into()) };
        job(&server, Repeat::Never, Some(earlier), &NobodyWatches).await.unwrap();
    }
    assert!(server.made().is_empty());
}
