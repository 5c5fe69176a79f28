//! The judge that compares: what it shows, in which orders, how answers become strengths, and what is never a score.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_core::{
    Cost, EditRequest, Failure, FailureKind, Image, Instruction, Judgement, MediaType, NobodyWatches, RewardBatch,
    RewardItem, RewardKind, RewardModel, RewardName, Seed, Usd, Watch,
};
use editscale_remote::{ComparingJudge, ComparingJudgeOptions, Comparison, Pairs, Prices, Repeat, StructuredOutput};
use editscale_testkit::{FakeServer, ServerFault, named_picture, png};
use serde_json::{Value, json};

use crate::support::{Listening, SIZE, changed, connection, picture, request};

fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn name() -> RewardName {
    RewardName::new("judge").unwrap()
}

/// All pairs, unless a test says otherwise.
fn pairwise(server: &FakeServer) -> ComparingJudgeOptions {
    let comparison = Comparison::Pairwise { pairs: Pairs::All, votes: NonZeroU32::MIN };
    ComparingJudgeOptions {
        comparison,
        ..ComparingJudgeOptions::pairwise(name(), "a-judge", connection(&[server.base()]))
    }
}

fn listwise(most_pictures: u32, server: &FakeServer) -> ComparingJudgeOptions {
    let comparison = Comparison::Listwise { most_pictures: count(most_pictures), orders: NonZeroU32::MIN };
    ComparingJudgeOptions {
        comparison,
        ..ComparingJudgeOptions::listwise(name(), "a-judge", connection(&[server.base()]))
    }
}

/// A candidate that is as good as its number says.
fn candidate(quality: u8) -> Image {
    picture([quality, 0, 0])
}

fn url(quality: u8) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png(SIZE, [quality, 0, 0])))
}

/// The qualities of the candidates that a question shows, in their order; those of numbers below 64.
pub(crate) fn qualities(question: &Value) -> Vec<u8> {
    let known: BTreeMap<String, u8> = (0..64).map(|quality| (url(quality), quality)).collect();
    let parts = question["messages"][0]["content"].as_array().unwrap();
    parts.iter().filter_map(|part| known.get(part["image_url"]["url"].as_str()?).copied()).collect()
}

/// A judge who sees which of two is better.
pub(crate) fn honest_pair(question: &Value) -> String {
    let shown = qualities(question);
    let better = match shown[0].cmp(&shown[1]) {
        std::cmp::Ordering::Less => "second",
        std::cmp::Ordering::Equal => "tie",
        std::cmp::Ordering::Greater => "first",
    };
    json!({"reasoning": "", "better": better}).to_string()
}

/// A judge who sees the ranking.
pub(crate) fn honest_list(question: &Value) -> String {
    let shown = qualities(question);
    let mut numbers: Vec<usize> = (1..=shown.len()).collect();
    numbers.sort_by_key(|number| std::cmp::Reverse(shown[number - 1]));
    json!({"reasoning": "", "ranking": numbers}).to_string()
}

pub(crate) fn items(qualities: &[u8]) -> Vec<RewardItem> {
    let request = request(None, None);
    qualities
        .iter()
        .map(|quality| RewardItem { request: Arc::clone(&request), candidate: candidate(*quality) })
        .collect()
}

async fn judge_items(options: ComparingJudgeOptions, items: Vec<RewardItem>) -> Vec<Result<Judgement, Failure>> {
    ComparingJudge::new(options).unwrap().score(RewardBatch { items }, &NobodyWatches).await
}

async fn judge(options: ComparingJudgeOptions, qualities: &[u8]) -> Vec<Result<Judgement, Failure>> {
    judge_items(options, items(qualities)).await
}

fn means(results: &[Result<Judgement, Failure>]) -> Vec<f64> {
    results.iter().map(|result| result.as_ref().unwrap().score.mean()).collect()
}

fn parts(results: &[Result<Judgement, Failure>], name: &str) -> Vec<Option<f64>> {
    results.iter().map(|result| result.as_ref().unwrap().score.part(name)).collect()
}

fn asked(server: &FakeServer) -> Vec<Value> {
    server.asked().iter().map(editscale_testkit::Asked::json).collect()
}

#[tokio::test]
async fn every_pair_is_shown_in_both_orders_with_names_and_a_form() {
    let server = FakeServer::start();
    server.says(honest_pair);
    let results = judge(pairwise(&server), &[3, 9, 6]).await;
    let asked = asked(&server);
    let shown: BTreeSet<Vec<u8>> = asked.iter().map(qualities).collect();
    let expected = [[3, 6], [3, 9], [6, 3], [6, 9], [9, 3], [9, 6]].map(|pair| pair.to_vec());
    assert_eq!((shown.into_iter().collect::<Vec<_>>(), asked.len()), (expected.to_vec(), 6));
    let content = asked[0]["messages"][0]["content"].as_array().unwrap();
    let words: Vec<&str> = content.iter().filter_map(|part| part["text"].as_str()).collect();
    assert_eq!(words[..3], ["The original picture:", "The first edit:", "The second edit:"]);
    assert!(words[3].contains("\nmake it warmer\n") && !words[3].contains("{{"), "{}", words[3]);
    let kinds: Vec<&str> = content.iter().filter_map(|part| part["type"].as_str()).collect();
    assert_eq!(kinds, ["text", "image_url", "text", "image_url", "text", "image_url", "text"]);
    let schema = &asked[0]["response_format"]["json_schema"]["schema"];
    assert_eq!(schema["required"], json!(["reasoning", "better"]));
    assert_eq!(schema["properties"]["better"]["enum"], json!(["first", "second", "tie"]));
    assert_eq!((&asked[0]["temperature"], &asked[0]["model"]), (&json!(0.0), &json!("a-judge")));
    let means = means(&results);
    assert!(means[1] > means[2] && means[2] > means[0] && means.iter().sum::<f64>().abs() < 1e-9, "{means:?}");
    assert!(results.iter().all(|result| result.as_ref().unwrap().score.sigma().unwrap() > 0.0));
    assert_eq!(parts(&results, "position_bias"), [Some(0.0); 3]);
    assert_eq!(parts(&results, "first_wins"), [Some(0.5); 3]);
}

#[tokio::test]
async fn rankings_are_asked_forwards_and_backwards_in_overlapping_blocks() {
    let server = FakeServer::start();
    server.says(honest_list);
    let set: Vec<u8> = (1..=7).collect();
    let results = judge(listwise(4, &server), &set).await;
    let asked = asked(&server);
    assert_eq!(asked.len(), 10, "4 blocks around a ring of 7, 2 new ones each, and the best 4, both ways");
    assert!(asked[8..].iter().all(|last| qualities(last).contains(&7)));
    let orders: BTreeSet<Vec<u8>> = asked.iter().map(qualities).collect();
    assert!(orders.iter().all(|order| order.len() == 4));
    assert!(orders.iter().all(|order| orders.contains(&order.iter().rev().copied().collect::<Vec<u8>>())));
    let text = asked[0]["messages"][0]["content"].as_array().unwrap().last().unwrap()["text"].as_str().unwrap();
    assert!(text.contains("You rank 4 edits") && !text.contains("{{"), "{text}");
    let items = &asked[0]["response_format"]["json_schema"]["schema"]["properties"]["ranking"]["items"];
    assert_eq!(items["enum"], json!([1, 2, 3, 4]));
    let means = means(&results);
    assert!(means[3..].windows(2).all(|pair| pair[0] < pair[1]), "the best all met each other: {means:?}");
    assert!(means[..3].iter().all(|mean| *mean < means[4]), "{means:?}");
    // A set that fits is one question, asked both ways.
    let small = FakeServer::start();
    small.says(honest_list);
    judge(listwise(4, &small), &[1, 2, 3]).await;
    assert_eq!(small.asked().len(), 2);
}

#[tokio::test]
async fn a_judge_of_places_makes_all_equal_and_is_reported() {
    for (says, first_wins) in [("first", 1.0), ("second", 0.0)] {
        let server = FakeServer::start();
        server.says(move |_| json!({"reasoning": "", "better": says}).to_string());
        let results = judge(pairwise(&server), &[1, 2, 3, 4]).await;
        assert!(means(&results).iter().all(|mean| mean.abs() < 1e-9));
        assert_eq!(parts(&results, "position_bias"), [Some(1.0); 4]);
        assert_eq!(parts(&results, "flips"), [Some(1.0); 4]);
        assert_eq!(parts(&results, "first_wins"), [Some(first_wins); 4]);
    }
    let server = FakeServer::start();
    server.says(|question| {
        json!({"reasoning": "", "ranking": (1..=qualities(question).len()).collect::<Vec<_>>()}).to_string()
    });
    let results = judge(listwise(8, &server), &[1, 2, 3, 4, 5]).await;
    assert!(means(&results).iter().all(|mean| mean.abs() < 1e-9));
    assert_eq!(parts(&results, "position_bias"), [Some(1.0); 5]);
}

#[tokio::test]
async fn flips_belong_to_their_candidates() {
    let server = FakeServer::start();
    // Places decide between 1 and 2 only.
    server.says(|question| {
        let shown = qualities(question);
        if shown.iter().all(|quality| *quality < 3) {
            json!({"better": "first"}).to_string()
        } else {
            honest_pair(question)
        }
    });
    let results = judge(pairwise(&server), &[1, 2, 9]).await;
    assert_eq!(parts(&results, "flips"), [Some(0.5), Some(0.5), Some(0.0)]);
    let bias = parts(&results, "position_bias")[0].unwrap();
    assert!((bias - 1.0 / 3.0).abs() < 1e-12);
    let means = means(&results);
    assert!((means[0] - means[1]).abs() < 1e-9 && means[2] > means[0]);
}

#[tokio::test]
async fn neither_order_nor_batch_changes_what_is_asked_and_found() {
    let mut known = Vec::new();
    for set in [[5, 1, 8, 3, 6, 2, 7, 4], [1, 2, 3, 4, 5, 6, 7, 8]] {
        let server = FakeServer::start();
        server.says(honest_pair);
        let comparison = Comparison::Pairwise {
            pairs: Pairs::Sparse { neighbours: count(4), finalists: 3 },
            votes: NonZeroU32::MIN,
        };
        let results = judge(ComparingJudgeOptions { comparison, ..pairwise(&server) }, &set).await;
        let mut bodies = server.asked().into_iter().map(|asked| asked.body).collect::<Vec<_>>();
        assert!((32..=38).contains(&bodies.len()), "four others for each of 8, both ways, shared by two; and finals");
        bodies.sort();
        let mut scores: Vec<(u8, f64)> = set.into_iter().zip(means(&results)).collect();
        scores.sort_by_key(|(quality, _)| *quality);
        known.push((bodies, scores));
    }
    assert_eq!(known[0], known[1]);
}

#[tokio::test]
async fn requests_in_one_batch_are_sets_of_their_own() {
    let server = FakeServer::start();
    server.says(honest_pair);
    let other = Arc::new(EditRequest {
        instruction: Instruction::new("make it colder").unwrap(),
        ..EditRequest::clone(&request(None, None))
    });
    let mut mixed = items(&[1, 2]);
    mixed.insert(1, RewardItem { request: Arc::clone(&other), candidate: candidate(9) });
    mixed.push(RewardItem { request: Arc::clone(&other), candidate: candidate(8) });
    mixed.push(RewardItem {
        request: Arc::new(EditRequest { seed: Seed::new(12).unwrap(), ..EditRequest::clone(&other) }),
        candidate: candidate(7),
    });
    let results = judge_items(pairwise(&server), mixed).await;
    assert_eq!(server.asked().len(), 4);
    let means = means(&results);
    assert!(means[0] < 0.0 && means[1] > 0.0 && means[2] > 0.0 && means[3] < 0.0, "{means:?}");
    assert!((means[0] + means[2]).abs() < 1e-9 && (means[1] + means[3]).abs() < 1e-9);
    assert_eq!(means[4], 0.0, "nobody to compare it with");
}

#[tokio::test]
async fn one_candidate_is_the_average_one_and_costs_nothing() {
    let server = FakeServer::start();
    for set in [&[7][..], &[7, 7, 7]] {
        for result in judge(pairwise(&server), set).await {
            let judgement = result.unwrap();
            assert_eq!((judgement.score.mean(), judgement.score.sigma()), (0.0, Some(2.0)));
            assert_eq!(judgement.cost, Cost::default());
        }
    }
    assert!(server.asked().is_empty());
    server.says(honest_pair);
    let results = judge(pairwise(&server), &[7, 3, 7]).await;
    assert_eq!(server.asked().len(), 2, "the same picture is compared once");
    let means = means(&results);
    assert!(means[0] == means[2] && means[0] > means[1]);
}

#[tokio::test]
async fn broken_comparisons_leave_the_others_standing() {
    let server = FakeServer::start();
    // Nothing readable comes back where 1 meets 2 in one order: the pair does not count at all.
    server.says(|question| if qualities(question) == [1, 2] { "no".to_owned() } else { honest_pair(question) });
    let results = judge(pairwise(&server), &[1, 2, 9]).await;
    let means = means(&results);
    assert!((means[0] - means[1]).abs() < 1e-9 && means[2] > means[0], "{means:?}");
    // 5 is never compared with anybody.
    let cut_off = FakeServer::start();
    cut_off.says(|question| if qualities(question).contains(&5) { "no".to_owned() } else { honest_pair(question) });
    let results = judge(pairwise(&cut_off), &[1, 5, 9]).await;
    let failure = results[1].as_ref().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed);
    assert!(failure.message.contains("too few comparisons") && failure.message.contains("`better`"), "{failure}");
    assert!(results[0].as_ref().unwrap().score.mean() < results[2].as_ref().unwrap().score.mean());
    // Nothing came back at all.
    let silent = FakeServer::start();
    silent.says(|_| "no".to_owned());
    assert!(judge(pairwise(&silent), &[1, 5, 9]).await.iter().all(Result::is_err));
}

#[tokio::test]
async fn money_is_counted_whatever_came_back_and_never_above_the_card() {
    let prices = Prices {
        text_tokens: Usd { micros: 2_000_000 },
        output_tokens: Usd { micros: 8_000_000 },
        ..Prices::default()
    };
    for says in [honest_pair as fn(&Value) -> String, |_| "no".to_owned()] {
        let server = FakeServer::start();
        server.says(says);
        server.count(json!({"prompt_tokens": 1001, "completion_tokens": 100}));
        let options = changed(ComparingJudgeOptions { most_candidates: count(5), ..pairwise(&server) }, |options| {
            options.asking.prices = prices;
        });
        let bound = ComparingJudge::new(options.clone()).unwrap().card().cost;
        assert_eq!(bound, Cost { nfe: 0, tokens: 4 * 33_024, usd: Usd { micros: 4 * (64_000 + 8192) } });
        let results = judge(options, &[1, 2, 3]).await;
        let costs: Vec<Cost> = results
            .iter()
            .map(|result| result.as_ref().map_or_else(|failure| failure.cost, |judgement| judgement.cost))
            .collect();
        assert_eq!(costs.iter().map(|cost| cost.tokens).sum::<u64>(), 6 * 1101);
        assert_eq!(costs.iter().map(|cost| cost.usd.micros).sum::<u64>(), 6 * 2802);
    }
    // Answers that got lost are paid for in full, and not asked for again.
    let server = FakeServer::start();
    server.says(honest_pair);
    server.script(|_| Some(ServerFault::Lost));
    let options = changed(ComparingJudgeOptions { most_candidates: count(3), ..pairwise(&server) }, |options| {
        options.asking.prices = prices;
    });
    let bound = ComparingJudge::new(options.clone()).unwrap().card().cost;
    let results = judge(options, &[1, 2, 3]).await;
    assert_eq!(server.asked().len(), 6);
    for result in results {
        let failure = result.unwrap_err();
        assert_eq!((failure.kind, failure.cost), (FailureKind::Ambiguous, bound));
    }
}

#[tokio::test]
async fn faults_that_pass_are_outlasted() {
    let server = FakeServer::start();
    server.says(honest_pair);
    server.fail([
        ServerFault::Lost,
        ServerFault::Answer(429, vec![("retry-after-ms", "1".to_owned())], String::new()),
        ServerFault::Cut(20),
        ServerFault::Answer(503, Vec::new(), String::new()),
    ]);
    let results = judge(pairwise(&server), &[1, 2, 3]).await;
    assert!(means(&results).windows(2).all(|pair| pair[0] < pair[1]));
}

/// Cancels once the server has seen so much.
struct Until(FakeServer);

impl Watch for Until {
    fn cancelled(&self) -> bool {
        self.0.asked().len() >= 4
    }
}

#[tokio::test]
async fn nothing_is_made_of_work_that_was_stopped() {
    let server = FakeServer::start();
    let watch = Listening::default();
    watch.cancel.store(true, Ordering::Relaxed);
    let far = ComparingJudge::new(pairwise(&server)).unwrap();
    let results = far.score(RewardBatch { items: items(&[1, 2, 3]) }, &watch).await;
    assert!(results.iter().all(|result| result.as_ref().unwrap_err().kind == FailureKind::Cancelled));
    assert!(server.asked().is_empty());
    // Stopped half way: what is known by then is no basis for a score.
    server.says(honest_pair);
    let results = far.score(RewardBatch { items: items(&[1, 2, 3, 4, 5, 6]) }, &Until(server.clone())).await;
    assert!(!server.asked().is_empty() && server.asked().len() < 30);
    assert!(results.iter().all(|result| result.as_ref().unwrap_err().kind == FailureKind::Cancelled));
}

#[tokio::test]
async fn votes_have_seeds_of_their_own_and_options_change_what_is_sent() {
    let server = FakeServer::start();
    server.says(honest_pair);
    let comparison = Comparison::Pairwise { pairs: Pairs::All, votes: count(3) };
    let options = changed(ComparingJudgeOptions { comparison, shows_source: false, ..pairwise(&server) }, |options| {
        options.asking.structured = StructuredOutput::Object;
        options.asking.counts_reasoning = true;
    });
    judge(options.clone(), &[1, 2]).await;
    let questions = asked(&server);
    let seeds: BTreeSet<u64> = questions.iter().map(|question| question["seed"].as_u64().unwrap()).collect();
    assert_eq!((questions.len(), seeds.len()), (6, 3), "both orders of a vote have its seed");
    assert!(seeds.iter().all(|seed| *seed < 1 << 31));
    assert_eq!(questions[0]["temperature"], json!(0.7));
    assert_eq!(questions[0]["response_format"], json!({"type": "json_object"}));
    assert_eq!((&questions[0]["max_tokens"], &questions[0]["max_completion_tokens"]), (&Value::Null, &json!(1024)));
    assert_eq!(questions[0]["messages"][0]["content"].as_array().unwrap().len(), 5, "without the source");
}

#[test]
fn the_card_says_what_it_is() {
    let server = FakeServer::start();
    let card = |options: ComparingJudgeOptions| ComparingJudge::new(options).unwrap().card().clone();
    let plain = card(pairwise(&server));
    assert_eq!((plain.kind, plain.gives_sigma, plain.range), (RewardKind::Listwise, true, None));
    assert_eq!((plain.largest_batch.get(), plain.slots.get()), (32, 1));
    // What one candidate's share of the questions can be: both orders of each pair, shared by two.
    let share = |options: ComparingJudgeOptions| {
        let prices = Prices { call: Usd { micros: 1 }, ..Prices::default() };
        let nine = ComparingJudgeOptions { most_candidates: count(9), ..options };
        let paid = |options: &mut ComparingJudgeOptions| {
            options.asking.prices = prices;
            options.asking.repeat = Some(Repeat::Never);
        };
        card(changed(nine, paid)).cost.usd.micros
    };
    assert_eq!(share(pairwise(&server)), 8);
    assert_eq!(share(ComparingJudgeOptions::pairwise(name(), "a-judge", connection(&[server.base()]))), 8);
    assert_eq!(share(listwise(4, &server)), 2, "8 questions about 5 candidates are the most of any set up to 9");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prompt.txt");
    std::fs::write(&file, "Which of {{count}} is better?").unwrap();
    let other = card(pairwise(&server).with_prompt_file(&file).unwrap());
    assert_ne!(plain.revision, other.revision);
    assert_ne!(plain.revision, card(ComparingJudgeOptions { prior_sigma: 1.0, ..pairwise(&server) }).revision);
    std::fs::write(&file, "Which of {{low}} is better?").unwrap();
    let error = ComparingJudge::new(pairwise(&server).with_prompt_file(&file).unwrap()).unwrap_err().to_string();
    assert!(error.contains("pairwise") && error.contains("{{low}}"), "{error}");
    assert!(pairwise(&server).with_prompt_file(&folder.path().join("none.txt")).is_err());
}

#[test]
fn options_that_mean_nothing_are_refused() {
    let server = FakeServer::start();
    let pairs = |pairs, votes| Comparison::Pairwise { pairs, votes: count(votes) };
    for comparison in [
        pairs(Pairs::Sparse { neighbours: count(3), finalists: 0 }, 1),
        pairs(Pairs::Sparse { neighbours: count(66), finalists: 0 }, 1),
        pairs(Pairs::Sparse { neighbours: count(6), finalists: 17 }, 1),
        pairs(Pairs::All, 17),
        Comparison::Listwise { most_pictures: count(1), orders: count(1) },
        Comparison::Listwise { most_pictures: count(65), orders: count(1) },
        Comparison::Listwise { most_pictures: count(4), orders: count(17) },
    ] {
        assert!(
            ComparingJudge::new(ComparingJudgeOptions { comparison, ..pairwise(&server) }).is_err(),
            "{comparison:?}"
        );
    }
    let paid = Prices { call: Usd { micros: 1 }, ..Prices::default() };
    for options in [
        ComparingJudgeOptions { most_candidates: count(65), ..pairwise(&server) },
        ComparingJudgeOptions { prior_sigma: f64::NAN, ..pairwise(&server) },
        ComparingJudgeOptions { prior_sigma: 0.0, ..pairwise(&server) },
        changed(pairwise(&server), |options| options.asking.temperature = Some(3.0)),
        changed(pairwise(&server), |options| {
            options.asking.prices = paid;
            options.asking.repeat = Some(Repeat::Harmless);
        }),
        ComparingJudgeOptions { prompt: " ".to_owned(), ..pairwise(&server) },
    ] {
        assert!(ComparingJudge::new(options).is_err());
    }
}

#[tokio::test]
async fn pictures_that_models_do_not_read_are_refused_before_anything_is_sent() {
    let server = FakeServer::start();
    let mut set = items(&[1, 2]);
    set[1].candidate = named_picture(b"II*\0".to_vec(), MediaType::Tiff, SIZE);
    for result in judge_items(pairwise(&server), set).await {
        assert_eq!(result.unwrap_err().kind, FailureKind::Invalid);
    }
    assert!(server.asked().is_empty());
}
