//! The suite for judges; see [`crate::suite`].

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use editscale_core::{
    Failure, FailureKind, Judgement, MediaType, NobodyWatches, RewardBatch, RewardItem, RewardKind, RewardModel,
    RewardName, Watch,
};
use editscale_remote::{
    ChatJudge, ChatJudgeOptions, ComparingJudge, ComparingJudgeOptions, Comparison, Connection, EditscaleScore,
    EditscaleScoreOptions, FlowFactory, FlowFactoryOptions, Pairs, PickledFields, PickledReward, PickledRewardOptions,
    ScoringOptions, UnirlScore, UnirlScoreOptions, VllmClassify, VllmClassifyOptions, VllmConversation, VllmPlugin,
    VllmPooling, VllmPoolingOptions, VllmPoolingTask,
};
use editscale_testkit::{FakeServer, ServerFault, named_picture, score_of};
use serde_json::{Value, json};

use crate::comparing::{honest_list, honest_pair, items as candidates, qualities};
use crate::storms::{faults, patient, storm_of, three};
use crate::suite::{
    FINAL, LONG, PRICE, Pays, SHORT, WORDS, at, calls, doubtful, each, limit, one_at_a_time, pairs, passing, readable,
    status, tells_all, with_secret,
};
use crate::support::{Listening, SIZE, changed, request};

type Judge = Arc<dyn RewardModel>;
type Judged = Result<Judgement, Failure>;

/// One dialect.
#[derive(Debug, Clone, Copy)]
struct Row {
    name: &'static str,
    /// Its path on the server.
    path: &'static str,
    /// The line of a question.
    route: &'static str,
    make: fn(Connection, Pays) -> Judge,
    /// What the server says, where a model speaks.
    says: Option<fn(&Value) -> String>,
    /// An answer about one candidate, with `VALUE` where the number stands; what the model says, where one speaks.
    answer: &'static str,
    /// How the answer writes what is no number from 0 to 1.
    values: &'static [&'static str],
    /// Candidates in a storm; those that compare ask about each pair.
    storm: u8,
    /// Questions about three candidates, where each is asked once.
    questions: usize,
}

/// What servers in Python write where there is no number from 0 to 1.
const VALUES: [&str; 9] = ["NaN", "null", "Infinity", "-Infinity", "\"good\"", "1e400", "7", "-1", "{}"];

const ROWS: [Row; 10] = [
    Row {
        name: "chat_judge",
        path: "/v1",
        route: "POST /v1/chat/completions",
        make: chat,
        says: Some(grades),
        answer: r#"{"reasoning": "", "followed": VALUE, "preserved": VALUE, "natural": VALUE, "clean": VALUE}"#,
        values: &["NaN", "null", "Infinity", "\"good\"", "11", "-1", "{}", "[5]"],
        storm: 24,
        questions: 6,
    },
    Row {
        name: "pairwise",
        path: "/v1",
        route: "POST /v1/chat/completions",
        make: pairwise,
        says: Some(honest_pair),
        answer: r#"{"reasoning": "", "better": VALUE}"#,
        values: &["NaN", "null", "3", "\"both\"", "[]", "{}"],
        storm: 5,
        questions: 6,
    },
    Row {
        name: "listwise",
        path: "/v1",
        route: "POST /v1/chat/completions",
        make: listwise,
        says: Some(honest_list),
        answer: r#"{"reasoning": "", "ranking": VALUE}"#,
        values: &["NaN", "null", "[]", "[1, 1, 1]", "[0, 1, 2]", "[1, 2, 9]", "\"first\"", "{}"],
        storm: 12,
        questions: 2,
    },
    Row {
        name: "vllm_classify",
        route: "POST /classify",
        make: |connection, pays| {
            let mut options = VllmClassifyOptions::new(name(), "a-model", connection);
            options.scoring = scoring(options.scoring, pays);
            Arc::new(VllmClassify::new(options).unwrap())
        },
        answer: r#"{"data": [{"index": 0, "label": "LABEL_0", "probs": [VALUE], "num_classes": 1}]}"#,
        questions: 3,
        ..NUMBERS
    },
    Row {
        name: "vllm_pooling",
        route: "POST /pooling",
        make: |connection, pays| {
            let conversation = VllmConversation::new("a-model");
            pooling(VllmPoolingTask::Classify { conversation, index: None }, connection, pays)
        },
        answer: r#"{"data": [{"index": 0, "object": "pooling", "data": [VALUE]}]}"#,
        questions: 3,
        ..NUMBERS
    },
    Row {
        name: "vllm_plugin",
        route: "POST /pooling",
        make: |connection, pays| pooling(VllmPoolingTask::Plugin(VllmPlugin::new("a-model")), connection, pays),
        answer: r#"{"data": {"score": VALUE}}"#,
        questions: 3,
        ..NUMBERS
    },
    Row {
        name: "unirl_score",
        route: "POST /score",
        make: |connection, pays| {
            let mut options = UnirlScoreOptions::new(name(), "editreward", connection);
            options.scoring = scoring(options.scoring, pays);
            Arc::new(UnirlScore::new(options).unwrap())
        },
        answer: r#"{"results": [{"editreward": {"a": VALUE}}], "errors": [{}]}"#,
        ..NUMBERS
    },
    Row { name: "flow_factory", ..NUMBERS },
    Row {
        name: "editscale",
        path: "/v1",
        route: "POST /v1/score",
        make: |connection, pays| {
            let mut options = EditscaleScoreOptions::new(name(), connection);
            options.scoring = scoring(options.scoring, pays);
            Arc::new(EditscaleScore::new(options).unwrap())
        },
        answer: r#"{"scores": [{"score": VALUE}]}"#,
        ..NUMBERS
    },
    Row {
        name: "pickled",
        route: "POST /",
        make: |connection, pays| {
            let mut options = PickledRewardOptions::new(name(), PickledFields::deqa(), connection);
            options.scoring = scoring(options.scoring, pays);
            Arc::new(PickledReward::new(options).unwrap())
        },
        answer: "(dVoutputs\n(lVALUEas.",
        values: &["Fnan\n", "Finf\n", "F-inf\n", "N", "Vgood\n", "F7\n", "F-1\n", "(d", "(l"],
        ..NUMBERS
    },
];

/// Judges that answer with numbers.
const NUMBERS: Row = Row {
    name: "",
    path: "",
    route: "POST /compute",
    make: |connection, pays| {
        let mut options = FlowFactoryOptions::new(name(), connection);
        options.scoring = scoring(options.scoring, pays);
        Arc::new(FlowFactory::new(options).unwrap())
    },
    says: None,
    answer: r#"{"rewards": [VALUE]}"#,
    values: &VALUES,
    storm: 24,
    questions: 1,
};

fn name() -> RewardName {
    RewardName::new("judge").unwrap()
}

fn chat(connection: Connection, pays: Pays) -> Judge {
    let plain = ChatJudgeOptions::new(name(), "a-judge", connection).unwrap();
    Arc::new(ChatJudge::new(changed(plain, |options| options.asking.prices = pays.for_calls())).unwrap())
}

fn pairwise(connection: Connection, pays: Pays) -> Judge {
    let comparison = Comparison::Pairwise { pairs: Pairs::All, votes: NonZeroU32::MIN };
    let plain = ComparingJudgeOptions::pairwise(name(), "a-judge", connection);
    Arc::new(
        ComparingJudge::new(changed(ComparingJudgeOptions { comparison, ..plain }, |options| {
            options.asking.prices = pays.for_calls();
        }))
        .unwrap(),
    )
}

fn listwise(connection: Connection, pays: Pays) -> Judge {
    let plain = ComparingJudgeOptions::listwise(name(), "a-judge", connection);
    Arc::new(ComparingJudge::new(changed(plain, |options| options.asking.prices = pays.for_calls())).unwrap())
}

fn pooling(task: VllmPoolingTask, connection: Connection, pays: Pays) -> Judge {
    let mut options = VllmPoolingOptions::new(name(), task, connection);
    options.scoring = scoring(options.scoring, pays);
    Arc::new(VllmPooling::new(options).unwrap())
}

fn scoring(options: ScoringOptions, pays: Pays) -> ScoringOptions {
    ScoringOptions { prices: pays.for_calls(), range: Some((0.0, 1.0)), ..options }
}

/// What a judge says who grades by quality.
fn grades(question: &Value) -> String {
    let grade = qualities(question).last().copied().unwrap_or(0) % 10;
    json!({"reasoning": "", "followed": grade, "preserved": grade, "natural": grade, "clean": grade}).to_string()
}

/// The head of a JPEG file, which is all that judges of numbers are shown here.
fn file(number: u8) -> Vec<u8> {
    [&b"\xff\xd8\xff\xe0"[..], &[number; 12]].concat()
}

impl Row {
    fn server(&self) -> FakeServer {
        let server = FakeServer::start();
        if let Some(says) = self.says {
            server.says(says);
        }
        server
    }

    fn three(&self) -> [FakeServer; 3] {
        three().map(|server| {
            if let Some(says) = self.says {
                server.says(says);
            }
            server
        })
    }

    fn on(&self, server: &FakeServer, pays: Pays, limit: Duration) -> Judge {
        (self.make)(at(std::slice::from_ref(server), self.path, limit), pays)
    }

    fn over(&self, servers: &[FakeServer], pays: Pays) -> Judge {
        let mut patient = patient(servers);
        for server in &mut patient.servers {
            server.base = format!("{}{}", server.base.trim_end_matches("/v1"), self.path);
        }
        (self.make)(patient, pays)
    }

    /// Candidates, in another order than that of their quality.
    fn items(&self, count: u8) -> Vec<RewardItem> {
        let numbers: Vec<u8> = (0..count).map(|place| 1 + (place * 5 + 3) % count.max(1)).collect();
        if self.says.is_some() {
            return candidates(&numbers);
        }
        let request = request(None, None);
        let candidate = |number: &u8| named_picture(file(*number), MediaType::Jpeg, SIZE);
        let item = |number| RewardItem { request: Arc::clone(&request), candidate: candidate(number) };
        numbers.iter().map(item).collect()
    }

    /// The fewest candidates that there is anything to say of.
    fn least(&self) -> u8 {
        if matches!(self.name, "pairwise" | "listwise") { 3 } else { 1 }
    }

    fn asked(&self, server: &FakeServer) -> usize {
        calls(std::slice::from_ref(server), self.route)
    }
}

async fn judge(judge: &Judge, items: Vec<RewardItem>) -> Vec<Judged> {
    watched(judge, items, &NobodyWatches).await
}

async fn watched(judge: &Judge, items: Vec<RewardItem>, watch: &dyn Watch) -> Vec<Judged> {
    let count = items.len();
    let results = judge.score(RewardBatch { items }, watch).await;
    assert_eq!(results.len(), count, "one result an item");
    results
}

fn means(results: &[Judged]) -> Vec<f64> {
    results.iter().map(|judged| judged.as_ref().unwrap().score.mean()).collect()
}

fn spent(results: &[Judged]) -> u64 {
    let cost = |judged: &Judged| judged.as_ref().map_or_else(|failure| failure.cost.usd, |judged| judged.cost.usd);
    results.iter().map(|judged| cost(judged).micros).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_are_true_and_scores_keep_their_order() {
    each(ROWS, |row| async move {
        for pays in [Pays::Nobody, Pays::Somebody] {
            let (server, about) = (row.server(), row.name);
            let far = row.on(&server, pays, LONG);
            let card = far.card().clone();
            assert_eq!((&card, &card), (row.on(&server, pays, LONG).card(), far.card()), "{about}");
            let results = judge(&far, row.items(3)).await;
            let scores = means(&results);
            // 4, 3 and 2 modulo 3, from 1 on: 1, 3, 2.
            if row.says.is_some() {
                assert!(scores[0] < scores[2] && scores[2] < scores[1], "{about}: {scores:?}");
            } else {
                let numbers = row.items(3).into_iter().map(|item| score_of(&item.candidate.read().unwrap()));
                assert_eq!(scores, numbers.collect::<Vec<f64>>(), "{about}");
            }
            let (least, most) = card.range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
            assert!(scores.iter().all(|score| (least..=most).contains(score)), "{about}: {scores:?}");
            let sigmas = results.iter().flatten().any(|judged| judged.score.sigma().is_some());
            assert!(!sigmas || card.gives_sigma, "{about}");
            // A judge who asks several questions, or one about several, still keeps to what its card says.
            assert!(spent(&results) <= 3 * card.cost.usd.micros, "{about} {pays:?}");
            let paid = if pays == Pays::Somebody { row.questions as u64 * PRICE.micros } else { 0 };
            assert_eq!((spent(&results), row.asked(&server)), (paid, row.questions), "{about} {pays:?}");
            if card.kind == RewardKind::Pointwise {
                let one = row.items(3).remove(1);
                assert_eq!(means(&judge(&far, vec![one]).await)[0].to_bits(), scores[1].to_bits(), "{about}: alone");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_number_is_a_failure_and_never_a_score() {
    let texts = ["", "{}", "[]", "I will not.", "<html><title>Welcome</title></html>"];
    let bodies = |row: Row| {
        let values = row.values.iter().map(move |value| row.answer.replace("VALUE", value));
        values.chain(texts.map(str::to_owned)).map(move |body| (row, body))
    };
    let bodies: Vec<(Row, String)> = ROWS.into_iter().flat_map(bodies).collect();
    let ways =
        bodies.iter().flat_map(|(row, body)| [Pays::Nobody, Pays::Somebody].map(|pays| (*row, body.clone(), pays)));
    each(ways, |(row, body, pays)| async move {
        let server = FakeServer::start();
        let said = body.clone();
        if row.says.is_some() {
            server.says(move |_| said.clone());
        } else {
            server.replies(move |_| Some((200, said.clone().into_bytes())));
        }
        let results = judge(&row.on(&server, pays, LONG), row.items(row.least())).await;
        for judged in &results {
            let failure = judged.as_ref().expect_err(&format!("{} {body}", row.name));
            assert!(!failure.kind.may_pass(), "{} {body}: {:?}", row.name, failure.kind);
            assert!(failure.message.chars().count() < 700, "{} {body}: {failure}", row.name);
            assert!(!failure.message.chars().any(char::is_control), "{} {body}: {failure:?}", row.name);
        }
        // It was asked, and answered.
        assert!((spent(&results) > 0) == (pays == Pays::Somebody), "{} {body}", row.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_pays_whatever_passes_is_outlasted() {
    each(ROWS, |row| async move {
        let calm = row.server();
        let expected = means(&judge(&row.on(&calm, Pays::Nobody, LONG), row.items(3)).await);
        let inside = status(500, &[], "Internal Server Error");
        each(doubtful().into_iter().chain(passing()).chain([inside, status(200, &[], "{}")]), |fault| {
            let expected = expected.clone();
            async move {
                let server = row.server();
                server.fail_at(row.route, [fault.clone()]);
                let judged = judge(&row.on(&server, Pays::Nobody, limit(&fault)), row.items(3)).await;
                assert!(judged.iter().all(Result::is_ok), "{} {fault:?}: {judged:?}", row.name);
                assert_eq!(means(&judged), expected, "{} {fault:?}", row.name);
            }
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_somebody_pays_no_doubtful_question_is_asked_twice() {
    each(pairs(ROWS, doubtful()), |(row, fault)| async move {
        let server = row.server();
        server.fail_at(row.route, [fault.clone()]);
        let judged = judge(&row.on(&server, Pays::Somebody, limit(&fault)), row.items(3)).await;
        let about = format!("{} {fault:?}", row.name);
        assert_eq!(row.asked(&server), row.questions, "{about}: {judged:?}");
        assert_eq!(spent(&judged), row.questions as u64 * PRICE.micros, "{about}: all of it counts");
        // Judges that compare have other questions about the same candidates.
        let failed: Vec<&Failure> = judged.iter().filter_map(|judged| judged.as_ref().err()).collect();
        assert!(!failed.is_empty() || row.least() > 1, "{about}");
        for failure in failed {
            let is_open = matches!(failure.kind, FailureKind::Ambiguous | FailureKind::Malformed);
            assert!(is_open, "{about}: {:?} {failure}", failure.kind);
            readable(failure, &server, &about);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_was_done_even_what_is_paid_is_asked_again() {
    each(pairs(ROWS, passing()), |(row, fault)| async move {
        let server = row.server();
        server.fail_at(row.route, [fault.clone()]);
        let judged = judge(&row.on(&server, Pays::Somebody, LONG), row.items(3)).await;
        assert!(judged.iter().all(Result::is_ok), "{} {fault:?}: {judged:?}", row.name);
        assert_eq!((row.asked(&server), server.made().len()), (row.questions + 1, row.questions), "{}", row.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_final_is_not_asked_again_and_its_words_are_told_without_the_secret() {
    each(ROWS, |row| async move {
        for code in FINAL {
            let (server, folder) = (row.server(), tempfile::tempdir().unwrap());
            server.script(move |_| Some(tells_all(code)));
            let connection = with_secret(at(std::slice::from_ref(&server), row.path, LONG), &folder);
            let far = (row.make)(connection, Pays::Somebody);
            let (judged, about) = (judge(&far, row.items(row.least())).await, format!("{} {code}", row.name));
            // Two questions of the one who grades, which each count once.
            let questions = if row.least() > 1 { row.questions } else { row.questions.div_ceil(3) };
            assert_eq!((row.asked(&server), spent(&judged)), (questions, 0), "{about}: {judged:?}");
            for failure in judged.into_iter().map(Result::unwrap_err) {
                assert!(matches!(failure.kind, FailureKind::Refused | FailureKind::Invalid), "{about}: {failure:?}");
                assert!(failure.message.contains(WORDS), "{about}: {failure}");
                readable(&failure, &server, &about);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn storms_over_three_replicas_change_no_score_where_nobody_pays() {
    each(ROWS, |row| async move {
        let calm = row.three();
        let expected = means(&judge(&row.over(&calm, Pays::Nobody), row.items(row.storm)).await);
        for (salt, refused) in [(3, true), (17, false)] {
            let servers = row.three();
            for (server, salt) in servers.iter().zip(salt..) {
                if refused {
                    server.fail(vec![status(429, &[("retry-after-ms", "15")], "slow down"); 4]);
                } else {
                    storm_of(faults(), server, salt);
                }
            }
            let judged = judge(&row.over(&servers, Pays::Nobody), row.items(row.storm)).await;
            assert!(judged.iter().all(Result::is_ok), "{}: {judged:?}", row.name);
            assert_eq!(means(&judged), expected, "{}", row.name);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_asks_nothing_twice_and_counts_all_where_somebody_pays() {
    each(ROWS, |row| async move {
        let calm = row.three();
        judge(&row.over(&calm, Pays::Somebody), row.items(row.storm)).await;
        let all: usize = calm.iter().map(|server| server.made().len()).sum();
        let servers = row.three();
        servers.iter().zip(5..).for_each(|(server, salt)| storm_of(faults(), server, salt));
        let judged = judge(&row.over(&servers, Pays::Somebody), row.items(row.storm)).await;
        let made: usize = servers.iter().map(|server| server.made().len()).sum();
        // Judges that compare go on with other questions where some have no answer, so that theirs may be others.
        assert!(made <= all || row.name == "listwise", "{}: {made} of {all}", row.name);
        assert!(spent(&judged) >= made as u64 * PRICE.micros, "{}: all of it counts", row.name);
        for failure in judged.iter().filter_map(|judged| judged.as_ref().err()) {
            assert!(!failure.kind.may_pass(), "{}: {:?} {failure}", row.name, failure.kind);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_wanted_is_not_asked_and_leaves_no_slot_busy() {
    each(ROWS, |row| async move {
        let (server, about) = (row.server(), row.name);
        let far = (row.make)(one_at_a_time(at(std::slice::from_ref(&server), row.path, LONG)), Pays::Somebody);
        let watch = Arc::new(Listening::default());
        watch.cancel.store(true, Ordering::Relaxed);
        for failure in watched(&far, row.items(3), &*watch).await.into_iter().map(Result::unwrap_err) {
            assert_eq!((failure.kind, failure.cost.usd.micros), (FailureKind::Cancelled, 0), "{about}: {failure}");
        }
        assert!(server.asked().is_empty(), "{about}");
        for is_dropped in [false, true] {
            // A server that has let go holds nothing any more.
            let server = row.server();
            let far = (row.make)(one_at_a_time(at(std::slice::from_ref(&server), row.path, LONG)), Pays::Somebody);
            watch.cancel.store(false, Ordering::Relaxed);
            server.fail_at(row.route, [ServerFault::Hold]);
            let (going, watching) = (Arc::clone(&far), Arc::clone(&watch));
            let items = row.items(3);
            let task = tokio::spawn(async move { watched(&going, items, &*watching).await });
            let (waiting, route) = (server.clone(), row.route);
            tokio::task::spawn_blocking(move || waiting.wait_for_requests(route, 1)).await.unwrap();
            let began = Instant::now();
            if is_dropped {
                task.abort();
                assert!(task.await.unwrap_err().is_cancelled());
            } else {
                watch.cancel.store(true, Ordering::Relaxed);
                let judged = task.await.unwrap();
                assert!(spent(&judged) >= PRICE.micros, "{about}: it may have been done");
                for failure in judged.into_iter().map(Result::unwrap_err) {
                    assert_eq!(failure.kind, FailureKind::Cancelled, "{about}: {failure}");
                }
            }
            assert!(began.elapsed() < Duration::from_secs(5), "{about}");
            server.let_go();
            assert!(judge(&far, row.items(3)).await.iter().all(Result::is_ok), "{about}: the slot is free");
        }
        // Where nothing ever comes, time limits free the slot.
        server.fail_at(row.route, [ServerFault::Hang]);
        let far = (row.make)(one_at_a_time(at(std::slice::from_ref(&server), row.path, SHORT)), Pays::Nobody);
        assert!(judge(&far, row.items(3)).await.iter().all(Result::is_ok), "{about}");
    })
    .await;
}
