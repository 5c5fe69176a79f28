//! Judges that answer with numbers: what each is sent, what its answers mean, and what is never a score.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_core::{
    Cost, Failure, FailureKind, Image, Judgement, MediaType, NobodyWatches, PartName, RewardBatch, RewardItem,
    RewardModel, RewardName, Usd, Watch,
};
use editscale_remote::{
    AspectPictures, Connection, EditscaleScore, EditscaleScoreOptions, FlowFactory, FlowFactoryOptions, PickledFields,
    PickledReward, PickledRewardOptions, Prices, Repeat, ScoreMap, ScoringOptions, SecretSource, UnirlScore,
    UnirlScoreOptions, VllmClassify, VllmClassifyOptions, VllmConversation, VllmPlugin, VllmPooling,
    VllmPoolingOptions, VllmPoolingTask,
};
use editscale_testkit::{Asked, FakeServer, ServerFault, named_picture, score_of};
use serde_json::{Value, json};

use crate::support::{Listening, SIZE, connection, picture, request};

type Judge = Arc<dyn RewardModel>;

fn name() -> RewardName {
    RewardName::new("judge").unwrap()
}

/// Every dialect with the route that it calls, on one server each.
const DIALECTS: [(&str, &str); 7] = [
    ("vllm_classify", "POST /classify"),
    ("vllm_pooling", "POST /pooling"),
    ("vllm_plugin", "POST /pooling"),
    ("unirl_score", "POST /score"),
    ("flow_factory", "POST /compute"),
    ("editscale", "POST /v1/score"),
    ("pickled", "POST /"),
];

/// A judge of this dialect, with what all share changed.
fn made(dialect: &str, server: &FakeServer, change: impl Fn(ScoringOptions) -> ScoringOptions) -> Judge {
    let base = if dialect == "editscale" { server.base() } else { server.root() };
    made_on(dialect, connection(&[base]), change)
}

fn made_on(dialect: &str, connection: Connection, change: impl Fn(ScoringOptions) -> ScoringOptions) -> Judge {
    let conversation = VllmConversation::new("a-model");
    match dialect {
        "vllm_classify" => {
            let mut options = VllmClassifyOptions::new(name(), "a-model", connection);
            options.scoring = change(options.scoring);
            Arc::new(VllmClassify::new(options).unwrap())
        }
        "vllm_pooling" | "vllm_plugin" => {
            let task = match dialect {
                "vllm_pooling" => VllmPoolingTask::Classify { conversation, index: None },
                _ => VllmPoolingTask::Plugin(VllmPlugin::new("a-model")),
            };
            let mut options = VllmPoolingOptions::new(name(), task, connection);
            options.scoring = change(options.scoring);
            Arc::new(VllmPooling::new(options).unwrap())
        }
        "unirl_score" => {
            let mut options = UnirlScoreOptions::new(name(), "editreward", connection);
            options.scoring = change(options.scoring);
            Arc::new(UnirlScore::new(options).unwrap())
        }
        "flow_factory" => {
            let mut options = FlowFactoryOptions::new(name(), connection);
            options.scoring = change(options.scoring);
            Arc::new(FlowFactory::new(options).unwrap())
        }
        "editscale" => {
            let mut options = EditscaleScoreOptions::new(name(), connection);
            options.scoring = change(options.scoring);
            Arc::new(EditscaleScore::new(options).unwrap())
        }
        _ => {
            let mut options = PickledRewardOptions::new(name(), PickledFields::deqa(), connection);
            options.scoring = change(options.scoring);
            Arc::new(PickledReward::new(options).unwrap())
        }
    }
}

fn plain(dialect: &str, server: &FakeServer) -> Judge {
    made(dialect, server, |options| options)
}

/// The head of a JPEG file, which tells one candidate from another; every dialect reads JPEG.
fn bytes(number: u8) -> Vec<u8> {
    [&b"\xff\xd8\xff\xe0"[..], &[number; 12]].concat()
}

fn candidate(number: u8) -> Image {
    named_picture(bytes(number), MediaType::Jpeg, SIZE)
}

fn items(count: u8) -> Vec<RewardItem> {
    let request = request(None, None);
    (0..count).map(|number| RewardItem { request: Arc::clone(&request), candidate: candidate(number) }).collect()
}

async fn judge(judge: &Judge, items: Vec<RewardItem>) -> Vec<Result<Judgement, Failure>> {
    judge_watched(judge, items, &NobodyWatches).await
}

async fn judge_watched(judge: &Judge, items: Vec<RewardItem>, watch: &dyn Watch) -> Vec<Result<Judgement, Failure>> {
    let count = items.len();
    let results = judge.score(RewardBatch { items }, watch).await;
    assert_eq!(results.len(), count, "one result an item");
    results
}

/// What one judgement of one candidate came to.
async fn judged(judge: &Judge) -> Result<Judgement, Failure> {
    self::judge(judge, items(1)).await.remove(0)
}

fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn paid(options: ScoringOptions) -> ScoringOptions {
    ScoringOptions { prices: Prices { call: Usd { micros: 1000 }, ..Prices::default() }, ..options }
}

fn answer(status: u16, body: &str) -> ServerFault {
    ServerFault::Answer(status, Vec::new(), body.to_owned())
}

#[tokio::test]
async fn each_dialect_sends_what_its_server_reads() {
    let source = request(None, None).source.read().unwrap();
    let (source, candidate) = (STANDARD.encode(&source), STANDARD.encode(bytes(0)));
    let (png, jpeg) = (format!("data:image/png;base64,{source}"), format!("data:image/jpeg;base64,{candidate}"));
    let url = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let said = [url(&png), url(&jpeg), json!({"type": "text", "text": "make it warmer"})];
    let messages = json!([{"role": "user", "content": said}]);
    let turn = |image: &str| json!({"text": "make it warmer", "image_b64": image});
    for (dialect, expected) in [
        (
            "vllm_classify",
            json!({"model": "a-model", "messages": messages, "use_activation": false, "add_generation_prompt": false}),
        ),
        (
            "vllm_pooling",
            json!({
                "model": "a-model", "messages": messages, "task": "classify", "encoding_format": "float",
                "use_activation": false, "add_generation_prompt": false,
            }),
        ),
        (
            "vllm_plugin",
            json!({
                "model": "a-model", "task": "plugin",
                "data": {"instruction": "make it warmer", "source": png, "candidate": jpeg},
            }),
        ),
        (
            "unirl_score",
            json!({"requests": [{
                "history": [turn(&source), turn(&candidate)], "required_rewards": ["editreward"], "metadata": null,
            }]}),
        ),
        (
            "flow_factory",
            json!({
                "prompt": ["make it warmer"], "image": [candidate], "condition_images": [[source]],
                "video": null, "condition_videos": null,
            }),
        ),
        ("editscale", json!({"items": [{"instruction": "make it warmer", "source": png, "candidate": jpeg}]})),
    ] {
        let server = FakeServer::start();
        judged(&plain(dialect, &server)).await.unwrap();
        let asked = server.asked().remove(0);
        assert_eq!(asked.json(), expected, "{dialect}");
        assert_eq!(asked.header("content-type"), Some("application/json"), "{dialect}");
    }
    let server = FakeServer::start();
    judged(&plain("pickled", &server)).await.unwrap();
    let asked = server.asked().remove(0);
    let expected = [&b"\x80\x04}(X\x06\0\0\0images](B\x10\0\0\0"[..], &bytes(0), b"eu."].concat();
    assert_eq!(asked.body, expected);
}

#[tokio::test]
async fn every_item_has_its_own_score_in_its_own_place() {
    for (dialect, route) in DIALECTS {
        let server = FakeServer::start();
        let far = plain(dialect, &server);
        let scores: Vec<f64> =
            judge(&far, items(70)).await.into_iter().map(|judged| judged.unwrap().score.mean()).collect();
        let expected: Vec<f64> = (0..70).map(|number| score_of(&bytes(number))).collect();
        assert_eq!(scores, expected, "{dialect}");
        let largest = far.card().largest_batch.get() as usize;
        assert_eq!(server.asked().len(), 70_usize.div_ceil(largest), "{dialect}: calls of at most {largest}");
        assert!(server.asked().iter().all(|asked| asked.line == route), "{dialect}");
    }
}

#[tokio::test]
async fn options_change_what_is_sent() {
    let server = FakeServer::start();
    let here = connection(&[server.root()]);
    let mut options = VllmClassifyOptions::new(name(), "a-model", here.clone());
    options.conversation = VllmConversation {
        prompt: "Was `{{instruction}}` done?".to_owned(),
        pictures: AspectPictures::Edited,
        use_activation: true,
        add_generation_prompt: true,
        extra: json!({"mm_processor_kwargs": {"max_pixels": 200_704}}).as_object().unwrap().clone(),
        ..options.conversation
    };
    let classify: Judge = Arc::new(VllmClassify::new(options).unwrap());
    judged(&classify).await.unwrap();
    let asked = server.asked().remove(0).json();
    assert_eq!(asked["messages"][0]["content"][1]["text"], "Was `make it warmer` done?");
    assert_eq!(asked["messages"][0]["content"].as_array().unwrap().len(), 2, "one picture and the text");
    assert_eq!((&asked["use_activation"], &asked["add_generation_prompt"]), (&json!(true), &json!(true)));
    assert_eq!(asked["mm_processor_kwargs"]["max_pixels"], 200_704);

    let mut plugin = VllmPlugin::new("a-model");
    plugin.data =
        json!({"pairs": [{"before": "{{source}}", "after": "{{ candidate }}", "ask": "say: {{instruction}}"}]});
    plugin.score = "/scores/0/value".to_owned();
    plugin.sigma = Some("/scores/0/spread".to_owned());
    plugin.parts = vec![
        (PartName::new("quality").unwrap(), "/scores/0/quality".to_owned()),
        (PartName::new("gone").unwrap(), "/nowhere".to_owned()),
    ];
    server.replies(|_| Some((200, br#"{"data": {"scores": [{"value": 2, "spread": 0.5, "quality": 3}]}}"#.to_vec())));
    let options = VllmPoolingOptions::new(name(), VllmPoolingTask::Plugin(plugin), here.clone());
    let far: Judge = Arc::new(VllmPooling::new(options).unwrap());
    let score = judged(&far).await.unwrap().score;
    let asked = server.asked().remove(1).json();
    assert_eq!(asked["data"]["pairs"][0]["ask"], "say: make it warmer");
    assert!(asked["data"]["pairs"][0]["after"].as_str().unwrap().starts_with("data:image/jpeg;base64,"));
    assert_eq!(
        (score.mean(), score.sigma(), score.part("quality"), score.parts().len()),
        (2.0, Some(0.5), Some(3.0), 1)
    );
    assert!(far.card().gives_sigma);

    server.replies(|_| Some((200, br#"{"rewards": [0.5]}"#.to_vec())));
    let alone =
        FlowFactoryOptions { pictures: AspectPictures::Edited, ..FlowFactoryOptions::new(name(), here.clone()) };
    judged(&(Arc::new(FlowFactory::new(alone).unwrap()) as Judge)).await.unwrap();
    assert_eq!(server.asked().remove(2).json()["condition_images"], Value::Null);

    server.replies(|_| Some((200, br#"{"results": [{"r": {"a": 1.0, "b": 3.0}}]}"#.to_vec())));
    for (metric, expected) in [(None, 2.0), (Some("b".to_owned()), 3.0)] {
        let options = UnirlScoreOptions {
            metric,
            pictures: AspectPictures::Edited,
            ..UnirlScoreOptions::new(name(), "r", here.clone())
        };
        let score = judged(&(Arc::new(UnirlScore::new(options).unwrap()) as Judge)).await.unwrap().score;
        assert_eq!((score.mean(), score.part("a"), score.part("b")), (expected, Some(1.0), Some(3.0)));
    }
    assert_eq!(server.asked().remove(3).json()["requests"][0]["history"].as_array().unwrap().len(), 1);
}

/// Each row: a dialect, the body of an answer with status 200 to a question about one candidate, and words of the failure.
#[tokio::test]
async fn what_is_no_score_is_a_failure_and_never_zero() {
    let traceback = "Traceback (most recent call last):\n  File \"app.py\"\nKeyError: 'images'";
    for (dialect, body, words) in [
        ("vllm_classify", r#"{"data": [{"probs": [NaN]}]}"#, "expected a number at `probs[0]`, found none"),
        ("vllm_classify", r#"{"data": [{"probs": [null]}]}"#, "found none"),
        ("vllm_classify", r#"{"data": [{"probs": ["1"]}]}"#, r#"found "1""#),
        ("vllm_classify", r#"{"data": [{"probs": []}]}"#, "found 0"),
        ("vllm_classify", r#"{"data": [{"probs": [0.1, 0.9]}]}"#, "the option `index` has to say"),
        ("vllm_classify", r#"{"data": [{"label": "good"}]}"#, "expected a list at `probs`"),
        ("vllm_classify", r#"{"data": []}"#, "expected 1 scores, found 0"),
        ("vllm_classify", r#"{"data": [{"probs": [1.0]}, {"probs": [1.0]}]}"#, "expected 1 scores, found 2"),
        ("vllm_classify", r#"{"data": 1}"#, "expected a list under `data`"),
        ("vllm_classify", "<html><title>Gone</title>", "a page of HTML called `Gone`"),
        ("vllm_classify", "", "expected JSON"),
        ("vllm_pooling", r#"{"data": [{"data": [[0.1], [0.2]]}]}"#, "one for each token"),
        ("vllm_pooling", r#"{"data": [{"data": "AAAAPw=="}]}"#, "expected a number at `data`"),
        ("vllm_pooling", r#"{"data": [{"data": [Infinity]}]}"#, "found none"),
        ("vllm_plugin", r#"{"data": {"points": 1}}"#, "expected a number at `data/score`, found none"),
        ("vllm_plugin", r#"{"request_id": "r"}"#, "expected something under `data`"),
        ("unirl_score", r#"{"results": [{}], "errors": [{}]}"#, "expected numbers of the reward `editreward`"),
        ("unirl_score", r#"{"results": [{"editreward": {}}]}"#, "expected numbers of the reward"),
        ("unirl_score", r#"{"results": [{"editreward": {"a": 1.0, "b": NaN}}]}"#, "`editreward.b`, found none"),
        ("unirl_score", r#"{"results": []}"#, "expected 1 scores, found 0"),
        ("unirl_score", r#"{"scores": [1]}"#, "expected a list under `results`"),
        ("flow_factory", r#"{"rewards": [null]}"#, "expected a number at `rewards[0]`"),
        ("flow_factory", r#"{"rewards": [NaN]}"#, "expected a number at `rewards[0]`"),
        ("flow_factory", r#"{"rewards": 0.5}"#, "expected a list under `rewards`"),
        ("flow_factory", r#"{"error": "no model", "rewards": [0.5]}"#, "the server reports: no model"),
        ("flow_factory", r#"{"rewards": [0.5, 0.5]}"#, "expected 1 scores, found 2"),
        ("editscale", r#"{"scores": [{}]}"#, "expected a number at `score`, found none"),
        ("editscale", r#"{"scores": [{"score": 2}], "reward": {"range": [0, 1]}}"#, "from 0 to 1, found 2"),
        ("editscale", r#"{"scores": [{"score": 1, "sigma": -1}]}"#, "standard deviation"),
        ("editscale", r#"{"scores": [{"score": 1, "parts": [{"score": 1}]}]}"#, "a part with a name"),
        ("editscale", r#"{"scores": [{"error": {"class": "tired", "message": "no"}}]}"#, "reports tired: no"),
        ("editscale", r#"{"score": 1}"#, "expected a list under `scores`"),
        ("pickled", "\u{0}", "byte 0 of the pickle: unknown opcode 0x00"),
        ("pickled", "cos\nsystem\n(Vtrue\ntR.", "opcode GLOBAL: asks for `os.system`"),
        ("pickled", "(lVoutputs\na.", "expected a dict with a list under `outputs`, found a list"),
        ("pickled", "(dVoutputs\n(lNas.", "expected a number at `outputs[0]`, found None"),
        ("pickled", "(dVoutputs\n(lVbad\nas.", "found a str"),
        ("pickled", "(dVoutputs\n(lFnan\nas.", "expected a finite score, found NaN"),
        ("pickled", "(dVoutputs\n(ls.", "expected 1 scores, found 0"),
        ("pickled", traceback, "byte 0 of the pickle: opcode BINSTRING"),
        ("pickled", "", "the pickle ends too early"),
    ] {
        let server = FakeServer::start();
        server.fail([answer(200, body)]);
        // An answer that is none is asked for again only where that is harmless.
        let once = made(dialect, &server, |options| ScoringOptions { repeat: Some(Repeat::Never), ..options });
        let failure = judged(&once).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{dialect} {body}: {failure}");
        assert!(failure.message.contains(words), "{dialect} {body}: {failure}");
        assert_eq!(server.asked().len(), 1, "{dialect} {body}");
    }
}

/// Each row: a dialect, a status and a body as that server is known to send them.
#[tokio::test]
async fn each_servers_errors_have_their_kinds() {
    let vllm = r#"{"error": {"message": "the model does not support classify", "type": "NotFoundError", "param": null, "code": 404}}"#;
    let traceback = "Traceback (most recent call last):\n  File \"app.py\", line 30\nKeyError: 'meta_datas'\n";
    let unirl = r#"{"results": [{}], "errors": [{"editreward": "KIND"}]}"#;
    let ours = r#"{"scores": [{"error": {"class": "KIND", "message": "words"}}]}"#;
    let told = |body: &str, kind: &str| body.replace("KIND", kind);
    for (dialect, status, body, kind, words) in [
        ("vllm_classify", 404, vllm.to_owned(), FailureKind::Invalid, "does not support classify"),
        (
            "vllm_pooling",
            400,
            r#"{"error": {"message": "Parameter `normalize` was removed", "type": "BadRequestError", "code": 400}}"#
                .to_owned(),
            FailureKind::Invalid,
            "was removed",
        ),
        (
            "vllm_pooling",
            501,
            r#"{"error": {"message": "not supported", "type": "NotImplementedError", "code": 501}}"#.to_owned(),
            FailureKind::Invalid,
            "not supported",
        ),
        (
            "vllm_classify",
            503,
            r#"{"error": {"message": "try again", "type": "ServiceUnavailable", "code": 503}}"#.to_owned(),
            FailureKind::Unavailable,
            "try again",
        ),
        ("vllm_classify", 401, r#"{"error": "Unauthorized"}"#.to_owned(), FailureKind::Refused, "Unauthorized"),
        (
            "unirl_score",
            400,
            r#"{"detail": "unknown reward: editreward. available: ['clip']"}"#.to_owned(),
            FailureKind::Invalid,
            "unknown reward",
        ),
        (
            "unirl_score",
            422,
            r#"{"detail": [{"loc": ["body", "requests"], "msg": "Field required"}]}"#.to_owned(),
            FailureKind::Invalid,
            "body.requests: Field required",
        ),
        (
            "unirl_score",
            200,
            told(unirl, "TimeoutError(\\\"reward 'editreward' exceeded 60s\\\")"),
            FailureKind::TimedOut,
            "exceeded 60s",
        ),
        ("unirl_score", 200, told(unirl, "ValueError('needs 2 turns')"), FailureKind::Invalid, "needs 2 turns"),
        (
            "unirl_score",
            200,
            told(unirl, "RuntimeError('CUDA out of memory')"),
            FailureKind::Unavailable,
            "out of memory",
        ),
        (
            "flow_factory",
            500,
            r#"{"detail": "cannot identify image file"}"#.to_owned(),
            FailureKind::Unavailable,
            "cannot identify",
        ),
        ("editscale", 413, r#"{"error": {"message": "too large"}}"#.to_owned(), FailureKind::Invalid, "too large"),
        ("editscale", 200, told(ours, "refused"), FailureKind::Refused, "reports refused: words"),
        ("editscale", 200, told(ours, "invalid"), FailureKind::Invalid, "words"),
        ("editscale", 200, told(ours, "unavailable"), FailureKind::Unavailable, "words"),
        ("editscale", 200, told(ours, "timed_out"), FailureKind::TimedOut, "words"),
        ("editscale", 200, told(ours, "crashed"), FailureKind::Crashed, "words"),
        ("pickled", 500, traceback.to_owned(), FailureKind::Unavailable, "status 500: KeyError: 'meta_datas'"),
        (
            "pickled",
            405,
            "<!doctype html><title>405 Method Not Allowed</title>".to_owned(),
            FailureKind::Invalid,
            "405 Method",
        ),
    ] {
        let server = FakeServer::start();
        server.fail(vec![answer(status, &body); 4]);
        let failure = judged(&plain(dialect, &server)).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{dialect} {status} {body}: {failure}");
        assert!(failure.message.contains(words), "{dialect} {status}: {failure}");
    }
}

#[tokio::test]
async fn one_bad_item_costs_no_other_its_score() {
    // An item's own failure stands beside the others' scores.
    for (dialect, body) in [
        (
            "unirl_score",
            r#"{"results": [{"editreward": {"a": 0.5}}, {}], "errors": [{}, {"editreward": "ValueError()"}]}"#,
        ),
        ("unirl_score", r#"{"results": [{"editreward": {"a": 0.5}}, {"editreward": {"a": NaN}}], "errors": [{}, {}]}"#),
        ("flow_factory", r#"{"rewards": [0.5, NaN]}"#),
        ("editscale", r#"{"scores": [{"score": 0.5}, {"error": {"class": "invalid", "message": "no picture"}}]}"#),
        ("pickled", "(dVoutputs\n(lF0.5\naNas."),
    ] {
        let server = FakeServer::start();
        server.fail([answer(200, body)]);
        let results = judge(&plain(dialect, &server), items(2)).await;
        assert_eq!(results[0].as_ref().unwrap().score.mean(), 0.5, "{dialect}");
        assert!(results[1].is_err(), "{dialect} {body}");
        assert_eq!(server.asked().len(), 1, "{dialect}");
    }
    // Where one spoils the answer of all, each is asked about alone.
    for dialect in ["unirl_score", "flow_factory", "editscale", "pickled"] {
        let spoiled = STANDARD.encode(bytes(1));
        let is_spoiled = move |asked: &Asked| {
            let holds = |bytes: &[u8]| asked.body.windows(bytes.len()).any(|window| window == bytes);
            holds(spoiled.as_bytes()) || holds(&bytes(1))
        };
        let server = FakeServer::start();
        server.replies(move |asked| is_spoiled(asked).then(|| (400, br#"{"detail": "no picture"}"#.to_vec())));
        let results = judge(&plain(dialect, &server), items(3)).await;
        let good: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(good, [true, false, true], "{dialect}: {results:?}");
        assert_eq!(results[2].as_ref().unwrap().score.mean(), score_of(&bytes(2)), "{dialect}");
        assert_eq!(server.asked().len(), 4, "{dialect}: once together, then each alone");
        // What says nothing of an item is not asked again.
        for status in [401, 402, 404, 501] {
            let server = FakeServer::start();
            server.replies(move |_| Some((status, Vec::new())));
            assert!(judge(&plain(dialect, &server), items(3)).await.iter().all(Result::is_err));
            assert_eq!(server.asked().len(), 1, "{dialect} {status}");
        }
    }
}

#[tokio::test]
async fn costs_are_counted_once_a_call() {
    for dialect in ["unirl_score", "flow_factory", "editscale", "pickled"] {
        let server = FakeServer::start();
        let far = made(dialect, &server, paid);
        let each: Vec<u64> =
            judge(&far, items(3)).await.into_iter().map(|judged| judged.unwrap().cost.usd.micros).collect();
        assert_eq!(each, [1000, 0, 0], "{dialect}");
        assert_eq!(far.card().cost.usd, Usd { micros: 1000 }, "no judgement can cost more than a call");
        // A paid question whose answer got lost is not asked again, and counts once.
        server.fail([ServerFault::Lost]);
        let results = judge(&far, items(3)).await;
        let lost: Vec<_> = results
            .into_iter()
            .map(Result::unwrap_err)
            .map(|failure| (failure.kind, failure.cost.usd.micros))
            .collect();
        assert_eq!(
            lost,
            [(FailureKind::Ambiguous, 1000), (FailureKind::Ambiguous, 0), (FailureKind::Ambiguous, 0)],
            "{dialect}"
        );
        assert_eq!(server.asked().len(), 2, "{dialect}");
        // Nor is one whose answer is none: it was made.
        server.fail([answer(200, "{}")]);
        assert!(judge(&far, items(3)).await.iter().all(Result::is_err));
        assert_eq!(server.asked().len(), 3, "{dialect}");
    }
    // vLLM counts tokens.
    for dialect in ["vllm_classify", "vllm_pooling"] {
        let server = FakeServer::start();
        server.count(json!({"prompt_tokens": 500, "total_tokens": 500}));
        let far = plain(dialect, &server);
        assert_eq!(judged(&far).await.unwrap().cost, Cost { nfe: 0, tokens: 500, usd: Usd::default() }, "{dialect}");
        assert_eq!(far.card().cost.tokens, 16_000);
    }
}

#[tokio::test]
async fn faults_that_pass_are_outlasted_where_nobody_pays() {
    for (dialect, _) in DIALECTS {
        let server = FakeServer::start();
        server.fail([
            ServerFault::Lost,
            ServerFault::Answer(429, vec![("retry-after-ms", "1".to_owned())], String::new()),
            ServerFault::Cut(4),
        ]);
        assert!(judged(&plain(dialect, &server)).await.is_ok(), "{dialect}");
        assert_eq!(server.asked().len(), 4, "{dialect}");
        let bodies: Vec<_> = server.asked().into_iter().map(|asked| asked.body).collect();
        assert!(bodies.windows(2).all(|two| two[0] == two[1]), "{dialect}: the same question");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_and_floods_end() {
    let (short, long) = (Duration::from_millis(60), Duration::from_secs(10));
    for (dialect, _) in DIALECTS {
        for (fault, answer_in, silence, kind, words) in [
            (ServerFault::Hang, short, long, FailureKind::TimedOut, "no answer within"),
            (ServerFault::Silent(2), long, short, FailureKind::TimedOut, "fell silent"),
            (ServerFault::Huge(4096), long, long, FailureKind::Malformed, "at most 2048 bytes"),
            (answer(307, ""), long, long, FailureKind::Malformed, "status 307"),
        ] {
            let server = FakeServer::start();
            server.fail([fault.clone()]);
            let hurried = made(dialect, &server, |mut options| {
                let limits = &mut options.connection;
                limits.timeouts.answer = answer_in;
                limits.timeouts.connect = answer_in;
                limits.timeouts.silence = silence;
                limits.most_answer_bytes = 2048;
                limits.retry.attempts = 1;
                options
            });
            let failure = judged(&hurried).await.unwrap_err();
            assert_eq!(failure.kind, kind, "{dialect} {fault:?}: {failure}");
            assert!(failure.message.contains(words), "{dialect} {fault:?}: {failure}");
        }
    }
}

#[tokio::test]
async fn secrets_are_in_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "sk-verysecret\n").unwrap();
    let long = format!("{}sk-verysecret", "x".repeat(70));
    for (dialect, _) in DIALECTS {
        for body in [
            r#"{"data": [{"probs": ["sk-verysecret"], "data": ["sk-verysecret"]}], "results": [{}], "errors": [{"editreward": "sk-verysecret"}], "error": "sk-verysecret"}"#,
            r#"{"data": {"score": "sk-verysecret"}, "scores": [{"error": {"class": "sk-verysecret", "message": "sk-verysecret"}}]}"#,
            r#"{"data": {"score": {}}, "scores": [], "reward": {"name": "sk-verysecret"}}"#,
            "csk-verysecret\nsystem\n.",
            "sk-verysecret",
            // Where a message is cut short, no half of it is left.
            &format!("c{}sk-verysecret\nsystem\n.", "x".repeat(49)),
            &format!("{}sk-verysecret", "x".repeat(290)),
            &json!({"data": [{"probs": [long], "data": [long]}], "rewards": [long]}).to_string(),
        ] {
            let server = FakeServer::start();
            server.fail([answer(200, body)]);
            let far = made(dialect, &server, |mut options| {
                options.connection.servers[0].secret = Some(SecretSource::File(file.clone()));
                options
            });
            let text = match judged(&far).await {
                Ok(judgement) => format!("{judgement:?}"),
                Err(failure) => format!("{failure:?}"),
            };
            assert!(!text.contains("sk-v"), "{dialect} {body}: {text}");
            assert_eq!(server.asked()[0].header("authorization"), Some("Bearer sk-verysecret"), "{dialect}");
        }
    }
}

#[tokio::test]
async fn pictures_that_a_server_does_not_read_are_refused_before_they_leave() {
    let tiff = || named_picture(b"II*\0".to_vec(), MediaType::Tiff, SIZE);
    for (dialect, bad, words) in [
        ("pickled", picture([1, 2, 3]), "this judge reads image/jpeg, found image/png"),
        ("vllm_classify", tiff(), "found image/tiff"),
    ] {
        let server = FakeServer::start();
        let mut batch = items(3);
        batch[1].candidate = bad;
        let results = judge(&plain(dialect, &server), batch).await;
        let failure = results[1].as_ref().unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid);
        assert!(failure.message.contains(words), "{failure}");
        assert_eq!(results[2].as_ref().unwrap().score.mean(), score_of(&bytes(2)), "{dialect}");
    }
    // What is not shown need not be readable; what Pillow opens is sent as it is.
    let server = FakeServer::start();
    let mut batch = items(1);
    batch[0].candidate = tiff();
    judge(&plain("flow_factory", &server), batch.clone()).await.remove(0).unwrap();
    let open = PickledFields { only_jpeg: false, ..PickledFields::deqa() };
    let mut options = PickledRewardOptions::new(name(), open, connection(&[server.root()]));
    options.scoring.repeat = Some(Repeat::Never);
    // The server of these tests finds JPEG files only, and so no score.
    assert!(judge(&(Arc::new(PickledReward::new(options).unwrap()) as Judge), batch).await[0].is_err());
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn the_scale_and_the_range_are_the_recipes() {
    let server = FakeServer::start();
    server.replies(|_| Some((200, br#"{"rewards": [2.0]}"#.to_vec())));
    let mapped = |range| {
        let map = ScoreMap { scale: -0.5, offset: 4.0 };
        made("flow_factory", &server, move |options| ScoringOptions { map, range, ..options })
    };
    let far = mapped(Some((0.0, 5.0)));
    assert_eq!(judged(&far).await.unwrap().score.mean(), 3.0);
    assert_eq!(far.card().range, Some((0.0, 5.0)));
    let failure = judged(&mapped(Some((0.0, 1.0)))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed);
    assert!(failure.message.contains("from 0 to 1, found 3"), "{failure}");
    assert_ne!(far.card().revision, plain("flow_factory", &server).card().revision, "another scale is another reward");
}

#[tokio::test]
async fn our_own_server_has_to_be_the_one_that_the_recipe_names() {
    let server = FakeServer::start();
    let of = |reward: Option<&str>, revision: Option<&str>| {
        let plain = EditscaleScoreOptions::new(name(), connection(&[server.base()]));
        let scoring = ScoringOptions { revision: revision.map(str::to_owned), ..plain.scoring };
        let reward = reward.map(str::to_owned);
        let options = EditscaleScoreOptions { scoring, reward, gives_sigma: true, ..plain };
        Arc::new(EditscaleScore::new(options).unwrap()) as Judge
    };
    let named = of(Some("quality"), Some("fake/1"));
    let score = judged(&named).await.unwrap().score;
    assert_eq!((score.sigma(), score.part("quality")), (Some(0.5), Some(score.mean())));
    assert_eq!(server.asked()[0].json()["reward"], "quality");
    assert!(named.card().revision.ends_with("@fake/1"));
    let failure = judged(&of(None, Some("fake/2"))).await.unwrap_err();
    assert!(failure.message.contains("expected the revision `fake/2` under `reward`, found `fake/1`"), "{failure}");
    server.replies(|_| Some((200, br#"{"scores": [{"score": 0.5}], "reward": {"name": "other"}}"#.to_vec())));
    let failure = judged(&of(Some("quality"), None)).await.unwrap_err();
    assert!(failure.message.contains("expected the name `quality`"), "{failure}");
}

#[tokio::test]
async fn pickles_have_the_keys_of_their_servers() {
    let server = FakeServer::start();
    let sent = async |fields: PickledFields, reply: &'static [u8]| {
        server.replies(move |_| Some((200, reply.to_vec())));
        let options = PickledRewardOptions::new(name(), fields, connection(&[server.root()]));
        let score = judged(&(Arc::new(PickledReward::new(options).unwrap()) as Judge)).await.unwrap().score;
        (String::from_utf8_lossy(&server.asked().pop().unwrap().body).into_owned(), score)
    };
    let (body, score) = sent(PickledFields::unified_reward(), b"\x80\x02}X\x07\0\0\0outputs]K\x03as.").await;
    assert!(body.contains("images") && body.contains("prompts](X\u{e}\0\0\0make it warmer"), "{body}");
    assert_eq!(score.mean(), 3.0);
    let metadata = json!({"tag": "counting", "include": [{"class": "dog", "count": 3}]});
    let fields = PickledFields::geneval(metadata.as_object().unwrap().clone());
    let (body, score) = sent(fields, b"(dVscores\n(lF0.5\nasVstrict_rewards\n(lF1.0\nas.").await;
    for expected in ["meta_datas", "counting", "dog", "make it warmer", "only_strict"] {
        assert!(body.contains(expected), "{expected}: {body}");
    }
    assert_eq!((score.mean(), score.part("strict_rewards")), (0.5, Some(1.0)));
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let here = || connection(&["http://127.0.0.1:9".to_owned()]);
    let classify = |change: &dyn Fn(&mut VllmClassifyOptions)| {
        let mut options = VllmClassifyOptions::new(name(), "a-model", here());
        change(&mut options);
        VllmClassify::new(options).err().map(|error| error.to_string())
    };
    let plugin = |change: &dyn Fn(&mut VllmPlugin)| {
        let mut plugin = VllmPlugin::new("a-model");
        change(&mut plugin);
        let options = VllmPoolingOptions::new(name(), VllmPoolingTask::Plugin(plugin), here());
        VllmPooling::new(options).err().map(|error| error.to_string())
    };
    let pickled = |change: &dyn Fn(&mut PickledFields)| {
        let mut fields = PickledFields::unified_reward();
        change(&mut fields);
        PickledReward::new(PickledRewardOptions::new(name(), fields, here())).err().map(|error| error.to_string())
    };
    let prices = Prices { call: Usd { micros: 1 }, ..Prices::default() };
    let unirl = UnirlScore::new(UnirlScoreOptions::new(name(), "", here())).err().map(|error| error.to_string());
    for (error, words) in [
        (classify(&|options| options.conversation.prompt = "{{picture}}".to_owned()), "{{picture}}"),
        (classify(&|options| options.conversation.prompt = "from {{low}}".to_owned()), "expected instruction"),
        (classify(&|options| _ = options.conversation.extra.insert("model".to_owned(), json!("b"))), "model"),
        (classify(&|options| options.scoring.map.scale = 0.0), "scale other than 0"),
        (classify(&|options| options.scoring.range = Some((1.0, 0.0))), "the less first"),
        (
            classify(&|options| (options.scoring.prices, options.scoring.repeat) = (prices, Some(Repeat::Harmless))),
            "repeat",
        ),
        (classify(&|options| options.scoring.connection.servers.clear()), "servers"),
        (plugin(&|plugin| plugin.data = json!({"a": "{{source}}"})), "a place `{{candidate}}`"),
        (plugin(&|plugin| plugin.data = json!(["{{candidate}} {{mask}}"])), "found mask"),
        (plugin(&|plugin| plugin.score = "score".to_owned()), "a JSON pointer"),
        (pickled(&|fields| fields.prompts = Some("images".to_owned())), "each key once, found images"),
        (pickled(&|fields| fields.scores = String::new()), "not empty"),
        (unirl, "the name of a reward"),
    ] {
        let error = error.unwrap_or_default();
        assert!(error.contains(words), "expected {words}, found `{error}`");
    }
    assert_eq!((classify(&|_| ()), plugin(&|_| ()), pickled(&|_| ())), (None, None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_wanted_is_not_asked_and_not_waited_for() {
    for (dialect, _) in DIALECTS {
        let server = FakeServer::start();
        let watch = Listening::default();
        watch.cancel.store(true, Ordering::Relaxed);
        let failure = judge_watched(&plain(dialect, &server), items(1), &watch).await.remove(0).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Cancelled, "{dialect}");
        assert!(server.asked().is_empty(), "{dialect}");

        server.fail([ServerFault::Hold]);
        let (far, watch) = (plain(dialect, &server), Arc::new(Listening::default()));
        let (waiting, watching) = (server.clone(), Arc::clone(&watch));
        let task = tokio::spawn(async move { judge_watched(&far, items(1), &*watching).await.remove(0) });
        tokio::task::spawn_blocking(move || waiting.wait_for_work(1)).await.unwrap();
        watch.cancel.store(true, Ordering::Relaxed);
        assert_eq!(task.await.unwrap().unwrap_err().kind, FailureKind::Cancelled, "{dialect}");
        server.let_go();
    }
}

#[tokio::test]
async fn several_servers_share_the_work() {
    let servers: Vec<FakeServer> = (0..3).map(|_| FakeServer::start()).collect();
    let bases: Vec<String> = servers.iter().map(FakeServer::root).collect();
    let far = made_on("flow_factory", connection(&bases), |options| options);
    assert_eq!(far.card().slots, count(12));
    let results = judge(&far, items(96)).await;
    assert!(results.iter().all(Result::is_ok));
    assert!(servers.iter().all(|server| !server.asked().is_empty()), "six calls of 16");
}
