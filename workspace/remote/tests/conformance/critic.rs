//! The chat critic: what it is shown and asked, what it may answer, and what is never a critique.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use editscale_core::{
    Attempt, CandidateId, Canvas, Cost, Critic, CriticName, CriticQuestion, Criticism, EarlierAttempt, Failure,
    FailureKind, Reviewed, Subject, Usd, Utility, Watch,
};
use editscale_remote::{ChatCritic, ChatCriticOptions, Prices, StructuredOutput};
use editscale_testkit::{FakeServer, ServerFault};
use serde_json::{Value, json};

use crate::support::{Listening, changed, connection, picture, request, status};

fn options(server: &FakeServer) -> ChatCriticOptions {
    ChatCriticOptions::new(CriticName::new("critic").unwrap(), "a-critic", connection(&[server.base()]))
}

fn attempt(id: u32, instruction: &str) -> Attempt {
    Attempt { id: CandidateId(id), image: picture([200, id as u8, 50]), instruction: instruction.into() }
}

fn question(canvas: Canvas, earlier: usize) -> CriticQuestion {
    let utility = |place: usize| Utility::new(0.75 - 0.25 * place as f64).unwrap();
    let earlier = (0..earlier)
        .map(|place| EarlierAttempt { attempt: attempt(7 + place as u32, "warm it up"), utility: utility(place) });
    let attempt = attempt(1, "make it a little warmer");
    let subject = Subject::Candidate(Reviewed { attempt, canvas, earlier: earlier.collect() });
    CriticQuestion { request: request(None, None), subject }
}

fn about_the_request() -> CriticQuestion {
    CriticQuestion { request: request(None, None), subject: Subject::Request }
}

async fn ask(options: ChatCriticOptions, watch: &dyn Watch) -> Result<Criticism, Failure> {
    ChatCritic::new(options).unwrap().critique(question(Canvas::Source, 0), watch).await
}

fn writes(instruction: &Value) -> String {
    json!({"critique": "too cold", "satisfied": false, "instruction": instruction}).to_string()
}

fn content(question: &Value) -> (usize, String) {
    let parts = question["messages"][0]["content"].as_array().unwrap();
    let pictures = parts.iter().filter(|part| part["image_url"]["url"].is_string()).count();
    (pictures, parts.last().unwrap()["text"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn it_shows_the_source_the_attempt_and_the_best_others_and_says_what_is_wanted() {
    let server = FakeServer::start();
    server.says(|_| writes(&json!("make it much warmer")));
    server.count(json!({"prompt_tokens": 100, "completion_tokens": 10}));
    let critic = ChatCritic::new(options(&server)).unwrap();
    let found = critic.critique(question(Canvas::Source, 2), &Listening::default()).await.unwrap();
    assert_eq!((&*found.critique.text, found.critique.satisfied), ("too cold", false));
    assert_eq!(found.critique.instruction.unwrap().as_str(), "make it much warmer");
    assert_eq!(found.cost, Cost { nfe: 0, tokens: 110, usd: Usd::default() });
    critic.critique(question(Canvas::Candidate, 0), &Listening::default()).await.unwrap();
    let asked: Vec<Value> = server.asked().iter().map(editscale_testkit::Asked::json).collect();
    let [again, repair] = asked.as_slice() else { panic!("two questions, not {}", asked.len()) };
    let (pictures, text) = content(again);
    assert_eq!((pictures, content(repair).0), (4, 2));
    for words in [
        "\nmake it warmer\n",
        "\nmake it a little warmer\n",
        "Picture 3, with the score 0.750, came of: warm it up\nPicture 4, with the score 0.500",
        "start again from the first picture",
    ] {
        assert!(text.contains(words), "{words} is not in:\n{text}");
    }
    assert!(!text.contains("{{"), "{text}");
    assert!(content(repair).1.contains("go on from the second picture") && content(repair).1.contains("\nNone.\n"));
    let format = &again["response_format"]["json_schema"];
    assert_eq!(format["schema"]["required"], json!(["critique", "satisfied", "instruction"]));
    assert_eq!(format["schema"]["properties"]["instruction"], json!({"type": ["string", "null"]}));
    assert_eq!((&again["temperature"], &again["model"]), (&json!(0.0), &json!("a-critic")));
    assert!(again["seed"].as_u64().unwrap() < 1 << 31);
}

/// Before the first edit it is shown the source alone, and writes what the editor is told.
#[tokio::test]
async fn it_rewrites_what_is_wished_for_the_source() {
    let server = FakeServer::start();
    server.says(|_| json!({"thought": "an evening", "instruction": "tint the light orange"}).to_string());
    server.count(json!({"prompt_tokens": 50, "completion_tokens": 5}));
    let critic = ChatCritic::new(options(&server)).unwrap();
    assert!(critic.card().rewrites);
    let found = critic.critique(about_the_request(), &Listening::default()).await.unwrap();
    assert_eq!((&*found.critique.text, found.critique.satisfied), ("an evening", false));
    assert_eq!(found.critique.instruction.unwrap().as_str(), "tint the light orange");
    assert_eq!(found.cost, Cost { nfe: 0, tokens: 55, usd: Usd::default() });
    let asked = server.asked()[0].json();
    let (pictures, text) = content(&asked);
    assert_eq!(pictures, 1);
    assert!(text.contains("\nmake it warmer\n") && !text.contains("{{"), "{text}");
    assert_eq!(asked["response_format"]["json_schema"]["schema"]["required"], json!(["thought", "instruction"]));
    let own = ChatCriticOptions { rewrite_prompt: "What is `{{instruction}}`?".to_owned(), ..options(&server) };
    ChatCritic::new(own).unwrap().critique(about_the_request(), &Listening::default()).await.unwrap();
    assert_eq!(content(&server.asked()[1].json()).1, "What is `make it warmer`?");
}

/// An answer about a candidate is none about the request, and what a model said is final.
#[tokio::test]
async fn what_holds_no_words_for_the_editor_is_a_failure() {
    for (says, words) in [
        ("tint the light orange".to_owned(), "expected a JSON object with thought"),
        (json!({"thought": "an evening", "instruction": null}).to_string(), "expected a JSON object with thought"),
        (writes(&json!("make it much warmer")), "expected a text as `thought`"),
    ] {
        let server = FakeServer::start();
        server.says(move |_| says.clone());
        server.count(json!({"prompt_tokens": 50, "completion_tokens": 5}));
        let critic = ChatCritic::new(options(&server)).unwrap();
        let failure = critic.critique(about_the_request(), &Listening::default()).await.unwrap_err();
        assert_eq!((failure.kind, failure.cost.tokens), (FailureKind::Malformed, 55), "{failure}");
        assert!(failure.message.contains(words), "{failure}");
        assert_eq!(server.asked().len(), 1);
    }
}

/// What cannot be read is a failure, and costs what it cost; it is never "nothing to change".
#[tokio::test]
async fn what_is_no_critique_is_a_failure() {
    for (says, words) in [
        ("The picture should remain unchanged.".to_owned(), "expected a JSON object"),
        (writes(&json!(null)), "expected a text as `instruction`"),
        (writes(&json!("  ")), "the instruction is empty"),
        (json!({"critique": "", "satisfied": true}).to_string(), "expected a text as `critique`"),
        (String::new(), "expected a JSON object"),
    ] {
        let server = FakeServer::start();
        server.says(move |_| says.clone());
        server.count(json!({"prompt_tokens": 100, "completion_tokens": 10}));
        let failure = ask(options(&server), &Listening::default()).await.unwrap_err();
        assert_eq!((failure.kind, failure.cost.tokens), (FailureKind::Malformed, 110), "{failure}");
        assert!(failure.message.contains(words), "{failure}");
        assert_eq!(server.asked().len(), 1, "what a model said is final");
    }
    let server = FakeServer::start();
    server.fail(vec![ServerFault::Answer(200, Vec::new(), "<html>".to_owned()); 8]);
    let failure = ask(options(&server), &Listening::default()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed);
}

#[tokio::test]
async fn a_satisfied_critic_asks_for_nothing() {
    let server = FakeServer::start();
    server.says(|_| json!({"critique": "as asked", "satisfied": true, "instruction": "leave it"}).to_string());
    let found = ask(options(&server), &Listening::default()).await.unwrap().critique;
    assert!(found.satisfied && found.instruction.is_none());
}

/// Busy servers are asked again, dead ones are not there, and paid questions that may have been answered are not repeated.
#[tokio::test]
async fn faults_are_told_by_their_class() {
    let server = FakeServer::start();
    server.says(|_| writes(&json!("warmer")));
    server.fail([status(503, "busy"), status(429, "slow down")]);
    assert!(ask(options(&server), &Listening::default()).await.is_ok());
    let nowhere = changed(options(&server), |options| options.asking.connection = connection(&[FakeServer::nowhere()]));
    assert_eq!(ask(nowhere, &Listening::default()).await.unwrap_err().kind, FailureKind::Unavailable);
    let prices = Prices { call: Usd { micros: 40 }, ..Prices::default() };
    let server = FakeServer::start();
    server.fail([ServerFault::Lost, ServerFault::Lost]);
    let failure = ask(changed(options(&server), |options| options.asking.prices = prices), &Listening::default())
        .await
        .unwrap_err();
    assert_eq!((failure.kind, failure.cost.usd.micros, server.asked().len()), (FailureKind::Ambiguous, 40, 1));
    let listening = Listening::default();
    listening.cancel.store(true, Ordering::Relaxed);
    let server = FakeServer::start();
    assert_eq!(ask(options(&server), &listening).await.unwrap_err().kind, FailureKind::Cancelled);
    assert_eq!(server.asked().len(), 0);
}

/// Whatever changes an answer changes the revision, under which runs are resumed.
#[test]
fn the_card_says_what_answers_and_what_it_costs() {
    let server = FakeServer::start();
    let revision = |options: ChatCriticOptions| Arc::clone(&ChatCritic::new(options).unwrap().card().revision);
    let usual = revision(options(&server));
    let others = [
        changed(options(&server), |options| options.asking.model = "other".to_owned()),
        changed(options(&server), |options| options.asking.temperature = Some(0.5)),
        ChatCriticOptions { prompt: "{{instruction}}".to_owned(), ..options(&server) },
        ChatCriticOptions { rewrite_prompt: "{{instruction}}".to_owned(), ..options(&server) },
        changed(options(&server), |options| options.asking.revision = Some("2".to_owned())),
        changed(options(&server), |options| options.asking.structured = StructuredOutput::Prompt),
    ];
    assert!(others.into_iter().all(|other| revision(other) != usual), "{usual}");
    // Runs from before instructions were rewritten are resumed.
    assert!(!usual.contains("rewriting"), "{usual}");
    let prices = Prices { call: Usd { micros: 40 }, ..Prices::default() };
    let paid = ChatCritic::new(changed(options(&server), |options| options.asking.prices = prices)).unwrap();
    assert_eq!((paid.card().cost.usd.micros, paid.card().slots.get()), (40, 4));
    let bad = ChatCriticOptions { rewrite_prompt: "{{told}}".to_owned(), ..options(&server) };
    assert!(ChatCritic::new(bad).unwrap_err().to_string().contains("`{{told}}`"));
    let bad = ChatCriticOptions { prompt: "{{score}}".to_owned(), ..options(&server) };
    assert!(ChatCritic::new(bad).unwrap_err().to_string().contains("`{{score}}`"));
}
