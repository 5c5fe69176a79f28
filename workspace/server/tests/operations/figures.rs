//! What operators see: figures, names of requests, and whether the server can work.

use std::collections::BTreeSet;

use editscale_server::Vital;

use super::world::{Plan, Scripted};

/// The series of an exposition: names with labels. Every line of it must be one that Prometheus reads.
fn series(text: &str) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    let mut series = BTreeSet::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.split(' ');
            let (kind, name) = (words.next().unwrap(), words.next().unwrap());
            assert!(matches!(kind, "HELP" | "TYPE" | "UNIT"), "{line}");
            known.insert(name.to_owned());
            continue;
        }
        let (labelled, value) = line.rsplit_once(' ').unwrap();
        value.parse::<f64>().unwrap_or_else(|_| panic!("{line}"));
        let name = labelled.split('{').next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(known.contains(name) || known.contains(family), "{line}");
        assert!(series.insert(labelled.to_owned()), "{line} stands twice");
    }
    series
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap()
}

#[tokio::test]
async fn figures_tell_what_was_done() {
    let (plan, [key]) = Plan::new().keyed(["alice"]);
    let world = plan.begin().await;
    world.let_through(2);
    for _ in 0..2 {
        let run = world.run(&key).await;
        world.until(&run, &key, "done").await;
    }
    world.service.telemetry().batch("photometric", 3);
    world.service.telemetry().batch("made up by somebody", 3);
    let answer = world.ask("GET", "/metrics").key(&key).send().await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    series(&text);
    for (name, expected) in [
        ("editscale_runs_total{recipe=\"none\",state=\"done\"}", 2.0),
        ("editscale_run_seconds_count{recipe=\"none\"}", 2.0),
        ("editscale_edits_total{recipe=\"none\"}", 2.0),
        ("editscale_reward_calls_total{recipe=\"none\"}", 2.0),
        ("editscale_nfe_total{recipe=\"none\"}", 0.0),
        ("editscale_usd_total{recipe=\"none\"}", 0.0),
        ("editscale_score_count{recipe=\"none\",reward=\"photometric\"}", 2.0),
        // Two runs with a judgement each, and three that are told of here.
        ("editscale_scoring_batch_size_sum{reward=\"photometric\"}", 5.0),
        ("editscale_scoring_batch_size_sum{reward=\"other\"}", 3.0),
        ("editscale_queue_waiting", 0.0),
        ("editscale_queue_running", 0.0),
        ("editscale_queue_refused_total", 0.0),
        ("editscale_http_requests_total{route=\"/v1/runs\",method=\"POST\",status=\"2xx\"}", 2.0),
        ("editscale_http_requests_in_flight", 1.0),
    ] {
        assert_eq!(value(&text, name), expected, "{name}");
    }
    assert!(text.contains(concat!("editscale_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1")));
}

#[tokio::test]
async fn callers_cannot_make_series() {
    let world = Plan::new().begin().await;
    let ask = async |number: usize| {
        for path in [format!("/nowhere/{number}"), format!("/v1/runs/r{number}"), format!("/v1/runs?limit={number}")] {
            let method = ["GET", "POST", "BREW"][number % 3];
            world.ask(method, &path).header("x-request-id", &format!("mine-{number}")).send().await;
        }
        series(&world.get("/metrics").await.text())
    };
    for number in 0..3 {
        ask(number).await;
    }
    let before = ask(3).await;
    for number in 4..40 {
        assert_eq!(ask(number).await, before);
    }
    assert!(!before.iter().any(|series| series.contains("nowhere") || series.contains("BREW")));
}

#[tokio::test]
async fn requests_are_found_again_by_their_names() {
    let world = Plan::new().begin().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    for path in ["/healthz", "/nowhere", "/v1/runs/none"] {
        let ask = world.ask("GET", path).header("x-request-id", "mine-1").header("traceparent", &parent);
        let answer = ask.send().await;
        assert_eq!(answer.header("x-request-id"), Some("mine-1"));
        assert_eq!(answer.header("traceparent"), Some(parent.as_str()));
    }
    let made = world.ask("GET", "/healthz").header("x-request-id", "not \"sane\"").send().await;
    let id = made.header("x-request-id").unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert!(made.header("traceparent").is_some());
}

#[tokio::test]
async fn it_says_what_keeps_it_from_working() {
    let (mut plan, [key]) = Plan::new().keyed(["alice"]);
    let vital =
        |name: &str, trouble: Option<&str>| Vital { name: name.to_owned(), trouble: trouble.map(str::to_owned) };
    plan.pulse = Scripted(Some(vec![vital("darkroom", Some("no answer from 10.0.0.7")), vital("photometric", None)]));
    let world = plan.with(|settings| settings.disk_room = u64::MAX).begin().await;
    let answer = world.ask("GET", "/readyz").key(&key).send().await;
    assert_eq!((answer.status, answer.json()["status"].as_str().unwrap()), (503, "unready"));
    let wrong = answer.json()["wrong"].clone();
    assert_eq!(wrong[0]["thing"], "none/darkroom");
    assert_eq!(wrong[0]["message"], "no answer from 10.0.0.7");
    assert_eq!((wrong[1]["thing"].as_str().unwrap(), wrong.as_array().unwrap().len()), ("disk", 2));
    // Whoever has no key learns that something is wrong, and nothing of our machines.
    let open = world.get("/readyz").await;
    assert_eq!((open.status, open.text().contains("10.0.0.7")), (503, false));
}

#[tokio::test]
async fn a_folder_that_is_gone_is_told() {
    let world = Plan::new().begin().await;
    std::fs::remove_dir_all(world.folder.path()).unwrap();
    let answer = world.get("/readyz").await;
    assert_eq!((answer.status, answer.json()["wrong"][0]["thing"].as_str().unwrap()), (503, "runs"));
}

#[tokio::test]
async fn a_panic_is_an_answer_and_not_the_end() {
    let mut plan = Plan::new();
    plan.pulse = Scripted(None);
    let world = plan.begin().await;
    for _ in 0..2 {
        let answer = world.get("/readyz").await;
        assert_eq!((answer.status, answer.code().as_str()), (500, "internal"));
        assert!(answer.header("x-request-id").is_some());
    }
    assert_eq!(world.get("/healthz").await.status, 200);
}
