//! Three replicas, three requests in ten of which go wrong, in every way that there is; one of them dies and comes back.
//! Nothing is lost that could be had, nothing that is paid is made twice, and all that may have been paid is counted.

use std::collections::BTreeSet;
use std::mem::discriminant;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use editscale_core::{
    Candidate, EditBackend, EditBatch, Failure, FailureKind, NobodyWatches, RewardBatch, RewardItem, RewardModel, Seed,
    Usd,
};
use editscale_remote::{
    BreakerRules, ChatJudge, Connection, OpenAiImages, OpenAiImagesOptions, Prices, Profile, Repeat, SeedPlace,
};
use editscale_testkit::{FakeServer, ServerFault};

use crate::suite::{each, status};
use crate::support::{changed, connection, judge_options, numbered, options, picture, request};

const EDITS: u32 = 48;
const PRICE: Usd = Usd { micros: 1000 };
/// Which of the requests go wrong, and how.
const STORMS: [u64; 6] = [1, 11, 21, 31, 41, 51];
/// The most bytes of an answer in these tests.
const MOST_BYTES: usize = 1 << 16;

pub(crate) fn three() -> [FakeServer; 3] {
    std::array::from_fn(|_| FakeServer::start())
}

/// Patient enough for a storm, and quick enough for a test.
pub(crate) fn patient(servers: &[FakeServer]) -> Connection {
    let bases: Vec<String> = servers.iter().map(FakeServer::base).collect();
    let mut connection = connection(&bases);
    connection.retry.attempts = 20;
    connection.timeouts.answer = Duration::from_millis(400);
    // It counts into how long nothing is waited for, and on this machine the kernel connects.
    connection.timeouts.connect = Duration::from_millis(200);
    connection.timeouts.silence = Duration::from_millis(400);
    connection.breaker.pause = Duration::from_millis(20);
    connection.breaker.longest_pause = Duration::from_millis(200);
    connection.most_answer_bytes = MOST_BYTES as u64;
    connection
}

pub(crate) fn over(servers: &[FakeServer], options: OpenAiImagesOptions) -> OpenAiImagesOptions {
    OpenAiImagesOptions { connection: patient(servers), ..options }
}

/// What can go wrong with any request.
pub(crate) fn faults() -> Vec<ServerFault> {
    let inside = "http://169.254.169.254/latest/meta-data";
    let html = "<html><head><title>Welcome</title></head></html>";
    vec![
        ServerFault::Lost,
        ServerFault::Cut(0),
        ServerFault::Cut(30),
        ServerFault::Silent(0),
        ServerFault::Silent(30),
        ServerFault::Hang,
        ServerFault::Huge(MOST_BYTES + 1),
        status(429, &[("retry-after-ms", "5")], "slow down"),
        status(429, &[("retry-after", "0.01")], r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#),
        status(429, &[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "8ms")], ""),
        status(500, &[], "Internal Server Error"),
        status(503, &[], "<html><title>busy</title></html>"),
        status(503, &[], r#"{"error":"the engine is dead"}"#),
        status(529, &[], ""),
        status(408, &[], ""),
        status(502, &[], "<html><title>502 Bad Gateway</title></html>"),
        status(504, &[], ""),
        status(524, &[], ""),
        status(302, &[("Location", inside)], ""),
        status(303, &[("Location", "/elsewhere")], ""),
        status(307, &[("Location", inside)], ""),
        status(200, &[], html),
        status(200, &[], "{}"),
        status(204, &[], ""),
    ]
}

/// What else can go wrong with a picture. The address is of a server that sends those who ask there inside.
fn picture_faults(server: &FakeServer) -> Vec<ServerFault> {
    server.put("inside.png", 302, vec![("Location", "http://10.0.0.1/a.png".to_owned())], Vec::new());
    // The header of a PNG of 60000 by 60000 pixels.
    let huge = "iVBORw0KGgoAAAANSUhEUgAA6mAAAOpgCAIAAAAAAAAA";
    let own = [
        ServerFault::Pictures(0),
        ServerFault::Pictures(3),
        ServerFault::Base64("####".to_owned()),
        ServerFault::Base64("aGVsbG8=".to_owned()),
        ServerFault::Base64(huge.to_owned()),
        ServerFault::Address("https://10.1.2.3/a.png".to_owned()),
        ServerFault::Address(server.file_url("inside.png")),
    ];
    faults().into_iter().chain(own).collect()
}

/// Three requests in ten go wrong, in each of these ways, decided by their number.
pub(crate) fn storm_of(faults: Vec<ServerFault>, server: &FakeServer, salt: u64) {
    server.script(move |number| {
        let draw = Seed::new(salt).unwrap().mix(number).get();
        (draw % 10 < 3).then(|| faults[(draw / 10) as usize % faults.len()].clone())
    });
}

pub(crate) fn storm(server: &FakeServer, salt: u64) {
    storm_of(picture_faults(server), server, salt);
}

/// The death of the last of the servers, of its second request, and its coming back a little later.
pub(crate) struct Death(FakeServer, thread::JoinHandle<()>);

pub(crate) fn dies_and_comes_back(servers: &[FakeServer; 3]) -> Death {
    let dying = servers[2].clone();
    dying.fail([ServerFault::Lost, ServerFault::Die]);
    let waiting = dying.clone();
    let thread = thread::spawn(move || {
        waiting.wait_for_deaths(1);
        thread::sleep(Duration::from_millis(150));
        waiting.revive();
    });
    Death(dying, thread)
}

impl Death {
    /// Ends it. A server that was hardly asked at all dies only now.
    pub(crate) fn end(self) {
        if !self.1.is_finished() {
            self.0.die();
        }
        self.1.join().unwrap();
    }
}

async fn all(editor: &OpenAiImages) -> Vec<Result<Candidate, Failure>> {
    let request = request(None, None);
    let items = (0..EDITS).map(|id| numbered(&request, id, 1000 + u64::from(id))).collect();
    editor.edit(EditBatch { items }, &NobodyWatches).await
}

fn pictures(results: &[Result<Candidate, Failure>]) -> Vec<Vec<u8>> {
    results.iter().map(|result| result.as_ref().unwrap().image.bytes.to_vec()).collect()
}

fn made(servers: &[FakeServer]) -> Vec<String> {
    servers.iter().flat_map(FakeServer::made).collect()
}

fn cost(result: &Result<Candidate, Failure>) -> Usd {
    result.as_ref().map_or_else(|failure| failure.cost.usd, |candidate| candidate.cost.usd)
}

/// An editor on paid servers that take seeds, so that pictures can be told apart.
fn paid(servers: &[FakeServer], repeat: Option<Repeat>) -> OpenAiImages {
    let prices = Prices { picture: PRICE, ..Prices::default() };
    let seeds = Some(SeedPlace::Field);
    let paid = OpenAiImagesOptions { prices, seeds, repeat, ..options(Profile::OpenAi, &servers[0]) };
    OpenAiImages::new(over(servers, paid)).unwrap()
}

#[test]
fn a_storm_has_faults_of_every_kind() {
    let server = FakeServer::start();
    let named: Vec<ServerFault> = picture_faults(&server);
    let has = |fault: &ServerFault| named.iter().any(|known| discriminant(known) == discriminant(fault));
    // Whoever adds a kind is led here by the compiler.
    let every = |fault: ServerFault| match &fault {
        // What is held is let go by hand, an event is a fault of streams only, and bytes are an answer in a dialect that is
        // no JSON: other tests have them.
        ServerFault::Hold | ServerFault::Event(_) | ServerFault::Bytes(..) => true,
        ServerFault::Answer(..)
        | ServerFault::Lost
        | ServerFault::Cut(_)
        | ServerFault::Silent(_)
        | ServerFault::Hang
        | ServerFault::Pictures(_)
        | ServerFault::Base64(_)
        | ServerFault::Address(_)
        | ServerFault::Huge(_) => has(&fault),
        // The last of the three servers.
        ServerFault::Die => true,
    };
    let text = String::new;
    for fault in [
        ServerFault::Answer(0, Vec::new(), text()),
        ServerFault::Lost,
        ServerFault::Cut(0),
        ServerFault::Silent(0),
        ServerFault::Hang,
        ServerFault::Pictures(0),
        ServerFault::Base64(text()),
        ServerFault::Address(text()),
        ServerFault::Huge(0),
    ] {
        assert!(every(fault.clone()), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_repeats_are_harmless_a_storm_loses_nothing_and_changes_nothing() {
    let calm = three();
    let quiet = OpenAiImages::new(over(&calm, options(Profile::SgLang, &calm[0]))).unwrap();
    let expected = pictures(&all(&quiet).await);
    assert!(calm.iter().all(|server| !server.asked().is_empty()), "all replicas work");
    assert!(calm.iter().all(|server| server.most_under_way() <= 4), "slots hold");
    let expected = Arc::new(expected);
    each(STORMS.map(|salt| (salt, Arc::clone(&expected))), |(salt, expected)| async move {
        let servers = three();
        servers.iter().zip(salt..).for_each(|(server, salt)| storm(server, salt));
        let death = dies_and_comes_back(&servers);
        let editor = OpenAiImages::new(over(&servers, options(Profile::SgLang, &servers[0]))).unwrap();
        let results = all(&editor).await;
        assert_eq!(pictures(&results), *expected, "storm {salt}");
        assert!(servers.iter().map(|server| server.asked().len()).sum::<usize>() > EDITS as usize + 5, "a storm");
        death.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_keys_a_storm_makes_each_once_and_changes_nothing() {
    let calm = three();
    let expected = pictures(&all(&paid(&calm, Some(Repeat::Keyed))).await);
    let expected = Arc::new(expected);
    each(STORMS.map(|salt| (salt, Arc::clone(&expected))), |(salt, expected)| async move {
        let servers = three();
        // Each server knows only its own keys.
        servers.iter().for_each(FakeServer::honour_keys);
        servers.iter().zip(salt..).for_each(|(server, salt)| storm(server, salt));
        let death = dies_and_comes_back(&servers);
        let results = all(&paid(&servers, Some(Repeat::Keyed))).await;
        assert_eq!(pictures(&results), *expected, "storm {salt}");
        assert_eq!(made(&servers).len(), EDITS as usize, "storm {salt}: none was made twice");
        assert!(servers.iter().all(|server| !server.made().is_empty()), "all replicas work");
        let spent: u64 = results.iter().map(|result| cost(result).micros).sum();
        assert!(spent >= PRICE.micros * u64::from(EDITS));
        death.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn elsewhere_nothing_that_may_be_paid_is_sent_again_and_all_of_it_is_counted() {
    each(STORMS, |salt| async move {
        let servers = three();
        servers.iter().zip(salt..).for_each(|(server, salt)| storm(server, salt));
        let death = dies_and_comes_back(&servers);
        let results = all(&paid(&servers, None)).await;
        let made = made(&servers);
        let distinct: BTreeSet<&String> = made.iter().collect();
        assert_eq!(made.len(), distinct.len(), "storm {salt}: never sent again");
        let spent: u64 = results.iter().map(|result| cost(result).micros).sum();
        assert!(spent >= PRICE.micros * made.len() as u64, "storm {salt}: everything that was made is counted");
        let failures: Vec<&Failure> = results.iter().filter_map(|result| result.as_ref().err()).collect();
        assert!(!failures.is_empty() && failures.len() < EDITS as usize / 2, "storm {salt}: {}", failures.len());
        for failure in failures {
            // Only what may have been made is given up, and it counts.
            assert!(matches!(failure.kind, FailureKind::Ambiguous | FailureKind::Malformed), "{failure:?}");
            assert_eq!(failure.cost.usd, PRICE, "storm {salt}: {failure}");
        }
        death.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_three_judges_loses_no_score() {
    each(STORMS, |salt| async move {
        let servers = three();
        servers.iter().zip(salt..).for_each(|(server, salt)| storm_of(faults(), server, salt));
        let death = dies_and_comes_back(&servers);
        let options = changed(judge_options(&servers[0]), |options| options.asking.connection = patient(&servers));
        let judge = ChatJudge::new(options).unwrap();
        let judged = judge.score(judgements(), &NobodyWatches).await;
        for judgement in judged {
            assert!((judgement.unwrap().score.mean() - 6.0).abs() < 1e-12, "storm {salt}");
        }
        death.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_judges_may_have_been_paid_is_counted() {
    each(STORMS, |salt| async move {
        let servers = three();
        servers.iter().zip(salt..).for_each(|(server, salt)| storm_of(faults(), server, salt));
        let death = dies_and_comes_back(&servers);
        let prices = Prices { call: PRICE, ..Prices::default() };
        let options = changed(judge_options(&servers[0]), |options| {
            options.asking.connection = patient(&servers);
            options.asking.prices = prices;
        });
        let judged = ChatJudge::new(options).unwrap().score(judgements(), &NobodyWatches).await;
        let cost = |judged: &Result<editscale_core::Judgement, Failure>| {
            judged.as_ref().map_or_else(|failure| failure.cost.usd, |judgement| judgement.cost.usd)
        };
        let spent: u64 = judged.iter().map(|judged| cost(judged).micros).sum();
        assert!(spent >= PRICE.micros * made(&servers).len() as u64, "storm {salt}");
        assert!(made(&servers).len() <= 2 * EDITS as usize, "storm {salt}: two questions each, none asked twice");
        for failure in judged.iter().filter_map(|judged| judged.as_ref().err()) {
            assert!(matches!(failure.kind, FailureKind::Ambiguous | FailureKind::Malformed), "{failure:?}");
        }
        death.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_all_ask_for_a_pause_are_given_it() {
    let servers = three();
    for server in &servers {
        server.script(|number| (number < 6).then(|| status(429, &[("retry-after-ms", "60")], "slow down")));
    }
    let began = Instant::now();
    let results = all(&paid(&servers, None)).await;
    assert!(results.iter().all(Result::is_ok), "nothing was made, so all can be asked for again");
    assert!(began.elapsed() >= Duration::from_millis(120), "four calls of each server, a pause, two more, a pause");
    assert_eq!(made(&servers).len(), EDITS as usize);
    assert_eq!(servers.iter().map(|server| server.asked().len()).sum::<usize>(), EDITS as usize + 3 * 6);
}

fn judgements() -> RewardBatch {
    let item = |id: u32| RewardItem { request: request(None, None), candidate: picture([id as u8, 0, 0]) };
    RewardBatch { items: (0..EDITS).map(item).collect() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_under_a_key_waits_for_its_own_server_and_goes_to_no_other() {
    let servers = three();
    servers.iter().for_each(FakeServer::honour_keys);
    let request = request(None, None);
    let editor = paid(&servers, Some(Repeat::Keyed));
    crate::support::edit(&editor, numbered(&request, 0, 5)).await.unwrap();
    let home = servers.iter().position(|server| !server.made().is_empty()).unwrap();
    servers[home].die();
    let waiting = servers[home].clone();
    let mut patient = over(&servers, options(Profile::OpenAi, &servers[0]));
    patient.repeat = Some(Repeat::Keyed);
    patient.connection.breaker =
        BreakerRules { failures: 2, pause: Duration::from_secs(60), longest_pause: Duration::from_secs(60) };
    // It is gone for good: a failure that may pass, and costs nothing.
    let failure =
        crate::support::edit(&OpenAiImages::new(patient).unwrap(), numbered(&request, 0, 5)).await.unwrap_err();
    assert_eq!((failure.kind, failure.cost.usd), (FailureKind::Unavailable, Usd::default()), "{failure}");
    // It comes back: the picture that it made is had from it.
    let coming = tokio::spawn(async move { crate::support::edit(&editor, numbered(&request, 0, 5)).await });
    waiting.revive();
    coming.await.unwrap().unwrap();
    assert_eq!(made(&servers).len(), 1);
}
