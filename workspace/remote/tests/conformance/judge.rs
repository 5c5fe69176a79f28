//! The chat judge: what it asks, how answers become scores, and what is never a score.

use std::num::NonZeroU32;
use std::sync::atomic::Ordering;

use editscale_core::{Cost, FailureKind, RewardModel, Usd};
use editscale_remote::{ChatJudge, ChatJudgeOptions, Prices, StructuredOutput};
use editscale_testkit::{FakeServer, ServerFault};
use serde_json::{Value, json};

use crate::support::{Listening, changed, judge, judge_options, judge_watched};

fn votes(count: u32, server: &FakeServer) -> ChatJudgeOptions {
    ChatJudgeOptions { votes: NonZeroU32::new(count).unwrap(), ..judge_options(server) }
}

/// The pictures and the text of a question.
fn content(question: &Value) -> (Vec<String>, String) {
    let parts = question["messages"][0]["content"].as_array().unwrap();
    let url = |part: &Value| part["image_url"]["url"].as_str().map(|url| url.chars().take(22).collect());
    let text = parts.last().unwrap()["text"].as_str().unwrap().to_owned();
    (parts.iter().filter_map(url).collect(), text)
}

fn both(followed: f64, preserved: f64) -> String {
    json!({"reasoning": "", "followed": followed, "preserved": preserved, "natural": 9, "clean": 9}).to_string()
}

#[tokio::test]
async fn it_asks_each_question_with_its_pictures_and_its_form() {
    let server = FakeServer::start();
    let far = ChatJudge::new(judge_options(&server)).unwrap();
    let judgement = judge(&far).await.unwrap();
    let mut asked: Vec<Value> = server.asked().iter().map(editscale_testkit::Asked::json).collect();
    asked.sort_by_key(|question| content(question).0.len());
    let [quality, following] = asked.as_slice() else { panic!("two questions, not {}", asked.len()) };
    let png = "data:image/png;base64,";
    assert_eq!(content(quality).0, [png]);
    assert_eq!(content(following).0, [png, png]);
    let text = content(following).1;
    assert!(text.contains("\nmake it warmer\n") && text.contains("from 0 to 10") && !text.contains("{{"), "{text}");
    assert_eq!(following["model"], "a-judge");
    assert_eq!((&following["temperature"], &following["max_tokens"]), (&json!(0.0), &json!(1024)));
    let format = &following["response_format"]["json_schema"];
    assert_eq!(format["schema"]["required"], json!(["reasoning", "followed", "preserved"]));
    assert_eq!(format["schema"]["properties"]["followed"], json!({"type": "number", "minimum": 0, "maximum": 10}));
    assert_eq!((&format["strict"], &format["schema"]["additionalProperties"]), (&json!(true), &json!(false)));
    // √(min(9, 4) · min(9, 9)) from what the server says by default.
    assert!((judgement.score.mean() - 6.0).abs() < 1e-12);
    assert_eq!(judgement.score.part("instruction_following"), Some(4.0));
    assert_eq!((judgement.score.part("quality"), judgement.score.sigma()), (Some(9.0), None));
    assert_eq!(far.card().range, Some((0.0, 10.0)));
}

#[tokio::test]
async fn votes_have_seeds_of_their_own_and_a_spread() {
    let server = FakeServer::start();
    let first = std::sync::Mutex::new(None);
    server.says(move |question| {
        let seed = question["seed"].as_u64().unwrap();
        let is_first = *first.lock().unwrap().get_or_insert(seed) == seed;
        if is_first { both(4.0, 9.0) } else { both(9.0, 9.0) }
    });
    let far = ChatJudge::new(votes(2, &server)).unwrap();
    let judgement = judge(&far).await.unwrap();
    let mut seeds: Vec<u64> = server.asked().iter().map(|asked| asked.json()["seed"].as_u64().unwrap()).collect();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!((server.asked().len(), seeds.len()), (4, 2));
    assert!(seeds.iter().all(|seed| *seed < 1 << 31));
    assert_eq!(server.asked()[0].json()["temperature"], json!(0.7));
    assert!((judgement.score.mean() - 7.5).abs() < 1e-12, "6 and 9");
    assert!((judgement.score.sigma().unwrap() - 4.5_f64.sqrt()).abs() < 1e-12);
    assert!(far.card().gives_sigma);
}

#[tokio::test]
async fn what_is_no_score_is_a_failure_and_never_zero() {
    for (says, words) in [
        ("The edit is lovely.", "expected a JSON object"),
        (r#"{"followed": 8}"#, "expected a JSON object"),
        (r#"{"followed": 80, "preserved": 1, "natural": 1, "clean": 1}"#, "from 0 to 10, found 80"),
        ("", "expected a JSON object"),
    ] {
        let server = FakeServer::start();
        server.says(move |_| says.to_owned());
        let failure = judge(&ChatJudge::new(judge_options(&server)).unwrap()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{says}");
        assert!(failure.message.contains(words), "{failure}");
    }
    let server = FakeServer::start();
    server.fail(vec![ServerFault::Answer(200, Vec::new(), "<html>".to_owned()); 8]);
    let failure = judge(&ChatJudge::new(judge_options(&server)).unwrap()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed);
}

#[tokio::test]
async fn a_score_needs_more_than_half_of_the_votes() {
    for (broken, is_score) in [(1, true), (2, false)] {
        let server = FakeServer::start();
        let spoiled = std::sync::Mutex::new(std::collections::BTreeSet::new());
        server.says(move |question| {
            let seed = question["seed"].as_u64().unwrap();
            let mut spoiled = spoiled.lock().unwrap();
            if spoiled.len() < broken {
                spoiled.insert(seed);
            }
            if spoiled.contains(&seed) { "no".to_owned() } else { both(9.0, 4.0) }
        });
        server.count(json!({"prompt_tokens": 100, "completion_tokens": 10}));
        let judged = judge(&ChatJudge::new(votes(3, &server)).unwrap()).await;
        let cost = Cost { nfe: 0, tokens: 6 * 110, usd: Usd::default() };
        match judged {
            Ok(judgement) => {
                assert!(is_score && (judgement.score.mean() - 6.0).abs() < 1e-12);
                assert_eq!(judgement.cost, cost, "lost votes cost too");
            }
            Err(failure) => {
                assert!(!is_score && failure.message.contains("1 of 3 votes"), "{failure}");
                assert_eq!(failure.cost, cost);
            }
        }
    }
}

#[tokio::test]
async fn calls_are_priced_and_bounded() {
    let server = FakeServer::start();
    server.count(json!({"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}));
    let prices = Prices {
        text_tokens: Usd { micros: 2_000_000 },
        output_tokens: Usd { micros: 8_000_000 },
        ..Prices::default()
    };
    let far = ChatJudge::new(changed(votes(2, &server), |options| options.asking.prices = prices)).unwrap();
    let bound = far.card().cost;
    assert_eq!(bound, Cost { nfe: 0, tokens: 4 * 17_024, usd: Usd { micros: 4 * (32_000 + 8192) } });
    assert_eq!(judge(&far).await.unwrap().cost, Cost { nfe: 0, tokens: 4400, usd: Usd { micros: 4 * 2800 } });
    // A paid question whose answer got lost is not asked again, and counts.
    server.fail([ServerFault::Lost]);
    let one = ChatJudge::new(changed(judge_options(&server), |options| options.asking.prices = prices)).unwrap();
    let before = server.asked().len();
    let failure = judge(&one).await.unwrap_err();
    assert_eq!((failure.kind, server.asked().len() - before), (FailureKind::Ambiguous, 2));
    assert_eq!(failure.cost.usd, Usd { micros: 32_000 + 8192 + 2800 });
}

#[tokio::test]
async fn faults_that_pass_are_outlasted() {
    let server = FakeServer::start();
    server.fail([
        ServerFault::Lost,
        ServerFault::Answer(429, vec![("retry-after-ms", "1".to_owned())], String::new()),
        ServerFault::Answer(503, Vec::new(), String::new()),
    ]);
    assert!(judge(&ChatJudge::new(judge_options(&server)).unwrap()).await.is_ok());
}

#[tokio::test]
async fn options_change_what_is_sent() {
    let server = FakeServer::start();
    let plain =
        changed(judge_options(&server), |options| options.asking.structured = StructuredOutput::SchemaWithoutRange);
    judge(&ChatJudge::new(plain).unwrap()).await.unwrap();
    let schema = server.asked().last().unwrap().json()["response_format"]["json_schema"]["schema"].clone();
    assert_eq!(schema["properties"]["reasoning"], json!({"type": "string"}));
    assert!(!schema.to_string().contains("minimum"));
    for (structured, expected) in
        [(StructuredOutput::Object, json!({"type": "json_object"})), (StructuredOutput::Prompt, Value::Null)]
    {
        let options = changed(judge_options(&server), |options| {
            options.asking.structured = structured;
            options.asking.sends_seed = false;
            options.asking.counts_reasoning = true;
            options.asking.temperature = Some(1.0);
        });
        judge(&ChatJudge::new(options).unwrap()).await.unwrap();
        let asked = server.asked().last().unwrap().json();
        assert_eq!(asked["response_format"], expected);
        assert_eq!((&asked["seed"], &asked["max_tokens"]), (&Value::Null, &Value::Null));
        assert_eq!((&asked["max_completion_tokens"], &asked["temperature"]), (&json!(1024), &json!(1.0)));
    }
}

#[test]
fn the_revision_tells_prompts_apart() {
    let server = FakeServer::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quality.txt");
    std::fs::write(&file, "Give natural and clean for this.").unwrap();
    let plain = judge_options(&server);
    let rubric = plain.rubric.clone().with_prompt_file("quality", &file).unwrap();
    let other = ChatJudgeOptions { rubric, ..plain.clone() };
    let revision = |options: ChatJudgeOptions| ChatJudge::new(options).unwrap().card().revision.clone();
    assert_ne!(revision(plain.clone()), revision(other));
    assert_eq!(revision(plain.clone()), revision(plain));
}

#[test]
fn options_that_mean_nothing_are_refused() {
    let server = FakeServer::start();
    let none = NonZeroU32::new(3);
    for options in [
        ChatJudgeOptions { votes: NonZeroU32::new(65).unwrap(), ..judge_options(&server) },
        ChatJudgeOptions { least_votes: none, ..judge_options(&server) },
        changed(judge_options(&server), |options| options.asking.temperature = Some(f64::NAN)),
    ] {
        assert!(ChatJudge::new(options).is_err());
    }
}

#[tokio::test]
async fn nobody_is_asked_for_what_is_not_wanted() {
    let server = FakeServer::start();
    let watch = Listening::default();
    watch.cancel.store(true, Ordering::Relaxed);
    let failure = judge_watched(&ChatJudge::new(judge_options(&server)).unwrap(), &watch).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Cancelled);
    assert!(server.asked().is_empty());
}
