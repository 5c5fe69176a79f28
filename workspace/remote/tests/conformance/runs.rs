//! Whole runs over replicas with faults of all kinds: nothing lost, the same winner, budgets kept.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_core::{
    Blind, Budget, CandidateId, EditBackend, EditRequest, Ending, Outcome, RewardModel, RewardName, RunId,
    SearchFactory, Silent, Usd,
};
use editscale_engine::{Job, Limits, Manifest, Ports, Retry, RunDirectory, StopSignal, read_run, run};
use editscale_remote::{
    ChatJudge, ComparingJudge, ComparingJudgeOptions, OpenAiImages, OpenAiImagesOptions, Prices, Profile, Repeat,
    SeedPlace, Timeouts,
};
use editscale_search::{BestOfN, Rules, StopRule, Weighted};
use editscale_testkit::FakeServer;
use serde_json::{Value, json};

use crate::storms::{Death, dies_and_comes_back, faults, over, patient, storm, storm_of, three};
use crate::suite::each;
use crate::support::{changed, judge_options, options, request};

/// A judge whose scores follow from the picture alone.
fn judging() -> FakeServer {
    let server = FakeServer::start();
    server.says(|question: &Value| {
        let parts = question["messages"][0]["content"].as_array().unwrap();
        let mut urls = parts.iter().filter_map(|part| part["image_url"]["url"].as_str());
        let sum = urls
            .next_back()
            .unwrap()
            .bytes()
            .fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let score = |part: u64| (sum / part % 1000) as f64 / 100.0;
        let (followed, natural) = (score(1), score(1000));
        json!({"reasoning": "", "followed": followed, "preserved": 9.5, "natural": natural, "clean": 9.5}).to_string()
    });
    server
}

fn job(editor: OpenAiImages, judge: impl RewardModel + 'static, budget: Budget) -> Job {
    let objective = Weighted::new(vec![(RewardName::new("judge").unwrap(), 1.0)]).unwrap();
    let rules = Rules { objective: Arc::new(objective), stop: StopRule::default() };
    let search: Arc<dyn SearchFactory> = Arc::new(BestOfN::new(24, None, rules).unwrap());
    let (editor, judge): (Arc<dyn EditBackend>, Arc<dyn RewardModel>) = (Arc::new(editor), Arc::new(judge));
    let retry = Retry { base: Duration::from_millis(5), ..Retry::default() };
    Job {
        run: RunId::new("far").unwrap(),
        request: request(None, None),
        search,
        ports: Ports {
            editors: vec![editor],
            rewards: vec![judge],
            critics: Vec::new(),
            look: Arc::new(Blind),
            observer: Arc::new(Silent),
        },
        limits: Limits { budget, retry, ..Limits::default() },
    }
}

async fn carry_out(job: &Job, path: &Path) -> Outcome {
    let (editors, rewards) = Manifest::revisions(&job.ports.cards());
    let manifest = Manifest {
        run: job.run.clone(),
        program: "test".to_owned(),
        created: SystemTime::UNIX_EPOCH,
        request: EditRequest::clone(&job.request),
        source_name: "source.png".to_owned(),
        recipe: String::new(),
        resolved_recipe: String::new(),
        search: job.search.revision(),
        objective: "weighted".to_owned(),
        budget: job.limits.budget,
        editors,
        rewards,
        critics: Vec::new(),
        continues: None,
    };
    let mut directory = match RunDirectory::create(path) {
        Ok(directory) => {
            directory.begin(&manifest).unwrap();
            directory
        }
        Err(_) => RunDirectory::open(path).unwrap().0,
    };
    run(job, &mut directory, StopSignal::never()).await.unwrap()
}

fn winner(outcome: &Outcome) -> Option<CandidateId> {
    assert_eq!(outcome.ending, Ending::Search);
    outcome.winner()
}

/// Where the judges of a storm are: three of them, in a storm of their own.
fn judges(salt: Option<u64>) -> [FakeServer; 3] {
    let servers = std::array::from_fn(|_| judging());
    if let Some(salt) = salt {
        servers.iter().zip(salt..).for_each(|(server, salt)| storm_of(faults(), server, salt));
    }
    servers
}

fn judge(servers: &[FakeServer], prices: Prices) -> ChatJudge {
    let options = changed(judge_options(&servers[0]), |options| {
        options.asking.connection = patient(servers);
        options.asking.prices = prices;
    });
    ChatJudge::new(options).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_through_a_storm_has_the_winner_of_a_calm_one() {
    each([false, true], |is_keyed| async move {
        let calm = Arc::new(through(None, is_keyed).await);
        assert!(winner(&calm).is_some());
        each([21, 61, 81].map(|salt| (salt, Arc::clone(&calm))), |(salt, calm)| async move {
            let outcome = through(Some(salt), is_keyed).await;
            assert_eq!(winner(&outcome), winner(&calm));
            assert_eq!(outcome.verdict, calm.verdict);
        })
        .await;
    })
    .await;
}

/// A run through a storm, or through none.
async fn through(salt: Option<u64>, is_keyed: bool) -> Outcome {
    let (servers, judges) = (three(), judges(salt.map(|salt| salt + 10)));
    if is_keyed {
        servers.iter().for_each(FakeServer::honour_keys);
    }
    let mut deaths = Vec::new();
    if let Some(salt) = salt {
        servers.iter().zip(salt..).for_each(|(server, salt)| storm(server, salt));
        deaths = vec![dies_and_comes_back(&servers), dies_and_comes_back(&judges)];
    }
    let editor = if is_keyed { paid(&servers, Some(Repeat::Keyed)) } else { free(&servers) };
    let folder = tempfile::tempdir().unwrap();
    let job = job(editor, judge(&judges, Prices::default()), Budget::default());
    let outcome = carry_out(&job, &folder.path().join("run")).await;
    deaths.into_iter().for_each(Death::end);
    assert_eq!((outcome.asked, outcome.failed), (EDITS, 0), "nothing is lost: {outcome:?}");
    assert!(!is_keyed || made(&servers).len() == EDITS as usize, "none was made twice");
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_run_through_a_storm_keeps_its_budget() {
    let budgets = [(41, Some(500_000)), (51, Some(700_000)), (71, Some(90_000)), (91, None), (101, Some(39_999))];
    each(budgets, |(salt, most)| async move {
        let (servers, judges) = (three(), judges(Some(salt + 10)));
        servers.iter().zip(salt..).for_each(|(server, salt)| storm(server, salt));
        let judge_price = Prices { call: Usd { micros: 1000 }, ..Prices::default() };
        let budget = Budget { usd: most.map(|micros| Usd { micros }), ..Budget::default() };
        let folder = tempfile::tempdir().unwrap();
        let job = job(paid(&servers, None), judge(&judges, judge_price), budget);
        let outcome = carry_out(&job, &folder.path().join("run")).await;
        let (made, asked) = (made(&servers), made_by(&judges));
        let spent = outcome.ledger.cost.usd.micros;
        // A server that sends three pictures where one was asked for may bill three: two more than anybody could set
        // aside for each such answer.
        let extra = 2 * PRICE * more_than_asked(&folder.path().join("run"));
        assert!(most.is_none_or(|most| spent <= most + extra), "storm {salt}: spent {spent}, {extra} of it unasked");
        let least = PRICE * made.len() as u64 + 1000 * asked as u64;
        assert!(spent >= least, "storm {salt}: spent {spent}, made {least}");
        assert!(winner(&outcome).is_some() || most.is_some_and(|most| most < PRICE + 2000));
        let distinct: BTreeSet<&String> = made.iter().collect();
        assert_eq!(distinct.len(), made.len(), "wherever an answer got lost, the picture was not asked for again");
    })
    .await;
}

/// Answers in a run's journal with more pictures than were asked for.
fn more_than_asked(path: &Path) -> u64 {
    let text = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
    text.matches("the server sent 3 pictures").count() as u64
}

const PRICE: u64 = 40_000;
const EDITS: u32 = 24;

fn free(servers: &[FakeServer]) -> OpenAiImages {
    OpenAiImages::new(over(servers, options(Profile::SgLang, &servers[0]))).unwrap()
}

fn paid(servers: &[FakeServer], repeat: Option<Repeat>) -> OpenAiImages {
    let prices = Prices { picture: Usd { micros: PRICE }, ..Prices::default() };
    let seeds = Some(SeedPlace::Field);
    let paid = OpenAiImagesOptions { prices, seeds, repeat, ..options(Profile::OpenAi, &servers[0]) };
    OpenAiImages::new(over(servers, paid)).unwrap()
}

fn made(servers: &[FakeServer]) -> Vec<String> {
    servers.iter().flat_map(FakeServer::made).collect()
}

fn made_by(judges: &[FakeServer]) -> usize {
    judges.iter().map(|judge| judge.made().len()).sum()
}

/// What the process that is killed is told, where there is one.
const CHILD: &str = "EDITSCALE_TEST_RUN";

/// A run as a process sees it: how the editors may be asked, where everybody is, and the folder of the run.
fn child(text: &str) -> (Job, PathBuf) {
    let words: Vec<&str> = text.split(' ').collect();
    let [how, folder, servers, judges] = words.as_slice() else { panic!("four words, not {words:?}") };
    let at = |list: &str| list.split(',').map(FakeServer::at).collect::<Vec<_>>();
    let (servers, judges) = (at(servers), at(judges));
    let (editor, most) = match *how {
        "harmless" => (free(&servers), None),
        "keyed" => (paid(&servers, Some(Repeat::Keyed)), None),
        _ => (paid(&servers, None), Some(MOST)),
    };
    let budget = Budget { usd: most.map(|micros| Usd { micros }), ..Budget::default() };
    (job(editor, judge(&judges, Prices::default()), budget), PathBuf::from(folder))
}

/// What a run may spend that cannot ask what became of its edits: 20 of 24.
const MOST: u64 = 20 * PRICE;

/// Does nothing unless the test below runs it as a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_may_be_killed() {
    let Ok(text) = std::env::var(CHILD) else { return };
    let (job, folder) = child(&text);
    carry_out(&job, &folder).await;
}

#[test]
fn a_run_killed_again_and_again_is_gone_on_with() {
    for how in ["harmless", "keyed", "never"] {
        let mut calm: Option<Outcome> = None;
        for (is_killed, salt) in [(false, None), (true, None), (true, Some(121)), (true, Some(141))] {
            let (servers, judges) = (three(), judges(salt.map(|salt| salt + 10)));
            if how == "keyed" {
                servers.iter().for_each(FakeServer::honour_keys);
            }
            if let Some(salt) = salt {
                servers.iter().zip(salt..).for_each(|(server, salt)| storm(server, salt));
            }
            let folder = tempfile::tempdir().unwrap();
            let bases = |servers: &[FakeServer]| servers.iter().map(FakeServer::base).collect::<Vec<_>>().join(",");
            let run = folder.path().join("run");
            let text = format!("{how} {} {} {}", run.display(), bases(&servers), bases(&judges));
            for server in servers.iter().filter(|_| is_killed) {
                killed(&text, server, 2 + server.asked().len());
            }
            let (job, path) = child(&text);
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            let outcome = runtime.block_on(carry_out(&job, &path));
            let made = made(&servers);
            let (spent, failed) = (outcome.ledger.cost.usd.micros, outcome.failed);
            let case = format!(
                "{how}, killed: {is_killed}, storm {salt:?}: spent {spent}, made {}, failed {failed}",
                made.len()
            );
            let distinct = made.iter().collect::<BTreeSet<_>>().len();
            if how == "never" {
                assert_eq!(distinct, made.len(), "{case}");
                let extra = 2 * PRICE * more_than_asked(&run);
                assert!((PRICE * made.len() as u64..=MOST + extra).contains(&spent), "{case}");
                // Told again by the journal alone, it is the same.
                let again = runtime.block_on(carry_out(&job, &path));
                assert_eq!((again.ledger.cost, &again.verdict), (outcome.ledger.cost, &outcome.verdict), "{case}");
                continue;
            }
            assert_eq!((outcome.asked, outcome.failed), (EDITS, 0), "{case}");
            assert!(how == "harmless" || made.len() == EDITS as usize, "made {}: {case}", made.len());
            let calm = calm.get_or_insert(outcome.clone());
            assert_eq!(winner(&outcome), winner(calm), "{case}");
        }
    }
}

/// Starts a process with the run, and kills it once a server has been asked so often, if it is not done by then.
fn killed(text: &str, server: &FakeServer, asked: usize) {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "runs::a_process_that_may_be_killed"])
        .env(CHILD, text)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while server.asked().len() < asked && process.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

/// What a candidate is worth to the judges that compare: a number made of its file.
fn worth(url: &str) -> u64 {
    url.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))) % 1009
}

/// A judge who sees which of two, or of several, is worth more.
fn comparing() -> FakeServer {
    let server = FakeServer::start();
    server.says(|question: &Value| {
        let parts = question["messages"][0]["content"].as_array().unwrap();
        let urls: Vec<&str> = parts.iter().filter_map(|part| part["image_url"]["url"].as_str()).skip(1).collect();
        let mut numbers: Vec<usize> = (1..=urls.len()).collect();
        numbers.sort_by_key(|number| std::cmp::Reverse(worth(urls[number - 1])));
        let better = if numbers[0] == 1 { "first" } else { "second" };
        json!({"reasoning": "", "better": better, "ranking": numbers}).to_string()
    });
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_judge_that_compares_finds_the_best_of_all() {
    let (name, model) = (|| RewardName::new("judge").unwrap(), "a-judge");
    for is_stormy in [false, true] {
        let (servers, judge) = (three(), comparing());
        if is_stormy {
            storm(&judge, 51);
        }
        let mut connection = over(std::slice::from_ref(&judge), options(Profile::SgLang, &judge)).connection;
        connection.servers[0].concurrency = NonZeroU32::new(64).unwrap();
        let short = Duration::from_millis(300);
        connection.timeouts = Timeouts { connect: short, answer: short, silence: short, ..connection.timeouts };
        for judged in [
            ComparingJudgeOptions::pairwise(name(), model, connection.clone()),
            ComparingJudgeOptions::listwise(name(), model, connection.clone()),
        ] {
            let editor = OpenAiImages::new(over(&servers, options(Profile::SgLang, &servers[0]))).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("run");
            let job = job(editor, ComparingJudge::new(judged).unwrap(), Budget::default());
            assert!(job.search.needs().iter().all(|need| need.lacking(&job.ports.cards()).is_empty()));
            let asked = judge.asked().len();
            let outcome = carry_out(&job, &path).await;
            assert_eq!((outcome.asked, outcome.failed), (24, 0), "nothing is lost: {outcome:?}");
            assert!(judge.asked().len() > asked);
            let record = read_run(&path).unwrap();
            let worths: Vec<u64> = record
                .candidates
                .iter()
                .map(|each| {
                    let made = each.made.as_ref().unwrap().as_ref().unwrap();
                    let file = STANDARD.encode(made.image.read().unwrap());
                    worth(&format!("data:image/png;base64,{file}"))
                })
                .collect();
            let best = (0..24).max_by_key(|place| (worths[*place], std::cmp::Reverse(*place))).unwrap();
            assert_eq!(
                winner(&outcome).map(|id| record.candidates.iter().position(|each| each.proposal.id == id)),
                Some(Some(best))
            );
            let score = record.candidates[best].card.score(&name()).unwrap();
            // It is in the journal too how far places decided.
            assert_eq!(score.part("position_bias"), Some(0.0));
            assert!((score.part("first_wins").unwrap() - 0.5).abs() < 1e-9);
            assert!(score.sigma().unwrap() > 0.0);
        }
    }
}
