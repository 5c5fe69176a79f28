//! Whole runs over replicas with faults of all kinds: nothing lost, the same winner, budgets kept.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_core::{
    Budget, CandidateId, EditBackend, EditRequest, Ending, Outcome, RewardModel, RewardName, RunId, SearchFactory,
    Silent, Usd,
};
use editscale_engine::{Job, Limits, Manifest, Ports, Retry, RunDirectory, StopSignal, read_run, run};
use editscale_remote::{
    ChatJudge, ComparingJudge, ComparingJudgeOptions, OpenAiImages, OpenAiImagesOptions, Prices, Profile, Timeouts,
};
use editscale_search::{BestOfN, Rules, StopRule, Weighted};
use editscale_testkit::FakeServer;
use serde_json::{Value, json};

use crate::replicas::{over, storm, three};
use crate::support::{judge_options, options, request};

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
        ports: Ports { editors: vec![editor], rewards: vec![judge], observer: Arc::new(Silent) },
        limits: Limits { budget, retry },
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
        continues: None,
    };
    let mut directory = RunDirectory::create(path).unwrap();
    directory.begin(&manifest).unwrap();
    run(job, &mut directory, StopSignal::never()).await.unwrap()
}

fn winner(outcome: &Outcome) -> Option<CandidateId> {
    assert_eq!(outcome.ending, Ending::Search);
    outcome.winner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_through_a_storm_has_the_winner_of_a_calm_one() {
    let mut outcomes = Vec::new();
    for is_stormy in [false, true] {
        let (servers, judge) = (three(), judging());
        if is_stormy {
            servers.iter().zip(21..).for_each(|(server, salt)| storm(server, salt));
            storm(&judge, 31);
        }
        let mut judged = judge_options(&judge);
        judged.connection = over(std::slice::from_ref(&judge), options(Profile::SgLang, &judge)).connection;
        let editor = OpenAiImages::new(over(&servers, options(Profile::SgLang, &servers[0]))).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let job = job(editor, ChatJudge::new(judged).unwrap(), Budget::default());
        let outcome = carry_out(&job, &folder.path().join("run")).await;
        assert_eq!((outcome.asked, outcome.failed), (24, 0), "nothing is lost: {outcome:?}");
        outcomes.push(outcome);
    }
    assert!(winner(&outcomes[0]).is_some());
    assert_eq!(winner(&outcomes[0]), winner(&outcomes[1]));
    assert_eq!(outcomes[0].verdict, outcomes[1].verdict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_run_through_a_storm_keeps_its_budget() {
    let (servers, judge) = (three(), judging());
    servers.iter().zip(41..).for_each(|(server, salt)| storm(server, salt));
    let prices = Prices { picture: Usd { micros: 40_000 }, ..Prices::default() };
    let paid = OpenAiImagesOptions { prices, ..options(Profile::OpenAi, &servers[0]) };
    let editor = OpenAiImages::new(over(&servers, paid)).unwrap();
    let budget = Budget { usd: Some(Usd { micros: 500_000 }), ..Budget::default() };
    let folder = tempfile::tempdir().unwrap();
    let job = job(editor, ChatJudge::new(judge_options(&judge)).unwrap(), budget);
    let outcome = carry_out(&job, &folder.path().join("run")).await;
    let made: usize = servers.iter().map(|server| server.made().len()).sum();
    let spent = outcome.ledger.cost.usd.micros;
    assert!(spent <= 500_000, "spent {spent}");
    assert!(spent >= 40_000 * made as u64, "spent {spent} for {made} pictures");
    assert!(winner(&outcome).is_some() && outcome.failed > 0);
    // Wherever an answer got lost, the picture was not asked for again.
    let mut all: Vec<String> = servers.iter().flat_map(FakeServer::made).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), made);
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
