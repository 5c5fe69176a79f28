//! Answers of servers: whatever a server says, in whichever order, every editor, judge and critic comes to an end with a result
//! for each item, within its time limits, and with nothing that a terminal would obey in its message.
//!
//! The first byte chooses the dialect. What follows are the answers to its requests, one after the other: a whole answer with
//! its head, or the body of a success.

#![no_main]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use editscale_core::{
    Attempt, CandidateId, Canvas, Critic, CriticName, CriticQuestion, EarlierAttempt, Edge, EditBackend, EditBatch,
    EditItem, EditRequest, EditorName, Failure, Image, ImageSize, Instruction, Knobs, Lineage, MediaType,
    NobodyWatches, Noise, Proposal, Reviewed, RewardBatch, RewardItem, RewardModel, RewardName, RunId, Seed, Start,
    Subject, Until, Usd, Utility,
};
use editscale_remote::{
    Ark, ArkOptions, BreakerRules, ChatCritic, ChatCriticOptions, ChatJudge, ChatJudgeOptions, ComfyUi, ComfyUiOptions,
    ComparingJudge, ComparingJudgeOptions, Connection, EditscaleScore, EditscaleScoreOptions, FlowFactory,
    FlowFactoryOptions, Gemini, GeminiOptions, OpenAiImages, OpenAiImagesOptions, PickledFields, PickledReward,
    PickledRewardOptions, PollRules, Profile, Repeat, RetryRules, SdCppJobs, SdCppJobsOptions, ServerOptions, Service,
    SgLangRollout, SgLangRolloutOptions, SubmitPoll, SubmitPollOptions, Timeouts, UnirlScore, UnirlScoreOptions,
    VllmClassify, VllmClassifyOptions, VllmConversation, VllmPlugin, VllmPooling, VllmPoolingOptions, VllmPoolingTask,
    WorkflowBindings, reach,
};
use editscale_testkit::{named_picture, png};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// What stands between two answers.
const BETWEEN: &[u8] = b"\n====\n";
/// No answer makes a dialect work for so long; each phase of a call has far less.
const LONGEST: Duration = Duration::from_secs(5);
const KONTEXT: &str = include_str!("../../configs/comfyui/flux-kontext.workflow.json");
/// How many [`dialect`] knows.
const DIALECTS: u8 = 25;
const SIZE: ImageSize = ImageSize { width: 32, height: 16 };

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));
static ANSWERS: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
static SERVER: LazyLock<SocketAddr> = LazyLock::new(|| {
    // On the thread of the client: another would have to be waited for.
    let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("an address");
    RUNTIME.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
});

async fn serve(mut stream: TcpStream) {
    if !read_request(&mut stream).await {
        return;
    }
    let answer = {
        let mut answers = ANSWERS.lock().expect("nobody panics with it");
        if answers.is_empty() { b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec() } else { answers.remove(0) }
    };
    let head = if answer.starts_with(b"HTTP/") {
        String::new()
    } else {
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", answer.len())
    };
    // A client that hangs up has seen enough.
    let _: Result<(), _> = stream.write_all(&[head.as_bytes(), &answer].concat()).await;
    let _: Result<(), _> = stream.shutdown().await;
}

/// Reads the head and as much body as it declares.
async fn read_request(stream: &mut TcpStream) -> bool {
    let (mut text, mut part) = (Vec::new(), [0; 16_384]);
    loop {
        let Ok(read @ 1..) = stream.read(&mut part).await else { return false };
        text.extend_from_slice(&part[..read]);
        let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        if text.len() >= end + 4 + length.unwrap_or(0_usize) {
            return true;
        }
    }
}

fn connection(path: &str) -> Connection {
    let short = Duration::from_millis(1);
    let limit = Duration::from_millis(500);
    Connection {
        timeouts: Timeouts { connect: limit, answer: limit, silence: limit, body: limit },
        retry: RetryRules { attempts: 2, first_wait: short, longest_wait: short, longest_asked: short },
        breaker: BreakerRules { failures: u32::MAX, pause: short, longest_pause: short },
        most_answer_bytes: 1 << 16,
        ..Connection::new(vec![ServerOptions::new(&format!("http://{}{path}", *SERVER))])
    }
}

fn polls() -> PollRules {
    let short = Duration::from_millis(1);
    PollRules { first_wait: short, longest_wait: short, deadline: short * 20, lost_after: short * 10 }
}

fn editor_name() -> EditorName {
    EditorName::new("far").expect("a name")
}

fn judge_name() -> RewardName {
    RewardName::new("judge").expect("a name")
}

enum Dialect {
    Editor(Box<dyn EditBackend>),
    Judge(Box<dyn RewardModel>),
    Critic(Box<dyn Critic>, Subject),
    Look(Box<Connection>),
}

fn images(profile: Profile) -> Dialect {
    let mut options = OpenAiImagesOptions::new(editor_name(), profile, "a-model", connection("/v1"));
    options.partial_images = (profile == Profile::OpenAi).then_some(2);
    Dialect::Editor(Box::new(OpenAiImages::new(options).expect("an editor")))
}

fn service(service: Service, model: &str) -> Dialect {
    let mut options = SubmitPollOptions::new(editor_name(), service, model, connection("/v1"));
    options.polls = polls();
    options.prices.picture = Usd { micros: 40_000 };
    Dialect::Editor(Box::new(SubmitPoll::new(options).expect("an editor")))
}

fn pooling(task: VllmPoolingTask) -> Dialect {
    let options = VllmPoolingOptions::new(judge_name(), task, connection(""));
    Dialect::Judge(Box::new(VllmPooling::new(options).expect("a judge")))
}

fn critic(subject: Subject) -> Dialect {
    let name = CriticName::new("critic").expect("a name");
    let options = ChatCriticOptions::new(name, "a-critic", connection("/v1"));
    Dialect::Critic(Box::new(ChatCritic::new(options).expect("a critic")), subject)
}

/// A candidate, and one that came before it.
fn candidate() -> Subject {
    let attempt =
        |id, colour| Attempt { id: CandidateId(id), image: picture(colour), instruction: REQUEST.instruction.shared() };
    let utility = Utility::new(0.5).expect("a finite number");
    let earlier = vec![EarlierAttempt { attempt: attempt(0, [0, 0, 0]), utility }];
    Subject::Candidate(Reviewed { attempt: attempt(1, [200, 100, 50]), canvas: Canvas::Source, earlier })
}

fn pickled(fields: PickledFields) -> Dialect {
    let options = PickledRewardOptions::new(judge_name(), fields, connection(""));
    Dialect::Judge(Box::new(PickledReward::new(options).expect("a judge")))
}

fn comfyui() -> Dialect {
    let [image, instruction, seed] = ["/1/inputs/image", "/7/inputs/text", "/11/inputs/seed"].map(str::to_owned);
    let bindings = WorkflowBindings { image, instruction, seed, ..WorkflowBindings::default() };
    let mut options = ComfyUiOptions::new(editor_name(), KONTEXT, bindings, connection(""));
    options.outputs = vec!["13".to_owned()];
    options.polls = polls();
    Dialect::Editor(Box::new(ComfyUi::new(options).expect("an editor")))
}

/// Those that were made, by their numbers.
static MADE: Mutex<BTreeMap<u8, Dialect>> = Mutex::new(BTreeMap::new());

/// Whether a server may have asked for a pause, which would hold up what comes after it.
fn is_remembered(answers: &[u8]) -> bool {
    let has = |word: &[u8]| answers.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    has(b"retry") || has(b"ratelimit")
}

/// A dialect by its number.
fn dialect(number: u8) -> Dialect {
    let editor = |editor: Box<dyn EditBackend>| Dialect::Editor(editor);
    let judge = |judge: Box<dyn RewardModel>| Dialect::Judge(judge);
    match number {
        0 => images(Profile::OpenAi),
        1 => images(Profile::VllmOmni),
        2 => images(Profile::LiteLlm),
        3 => {
            let options = SdCppJobsOptions::new(editor_name(), "kontext", connection("/sdcpp/v1"));
            editor(Box::new(SdCppJobs::new(SdCppJobsOptions { polls: polls(), ..options }).expect("an editor")))
        }
        4 => service(Service::Bfl, "flux-kontext-pro"),
        5 => service(Service::Fal, "fal-ai/flux-pro/kontext"),
        6 => service(Service::Replicate, "bfl/kontext"),
        7 => comfyui(),
        8 => {
            let options = GeminiOptions::new(editor_name(), "gemini-2.5-flash-image", connection("/v1beta"));
            editor(Box::new(Gemini::new(options).expect("an editor")))
        }
        9 => {
            let options = ArkOptions::new(editor_name(), "doubao-seededit-3-0-i2i-250628", connection("/api/v3"));
            editor(Box::new(Ark::new(options).expect("an editor")))
        }
        10 => {
            let mut options = SgLangRolloutOptions::new(editor_name(), "a-model", connection(""));
            options.repeat = Some(Repeat::Never);
            editor(Box::new(SgLangRollout::new(options).expect("an editor")))
        }
        11 => {
            let options = ChatJudgeOptions::new(judge_name(), "a-judge", connection("/v1")).expect("options");
            judge(Box::new(ChatJudge::new(options).expect("a judge")))
        }
        12 => {
            let options = ComparingJudgeOptions::pairwise(judge_name(), "a-judge", connection("/v1"));
            judge(Box::new(ComparingJudge::new(options).expect("a judge")))
        }
        13 => {
            let options = ComparingJudgeOptions::listwise(judge_name(), "a-judge", connection("/v1"));
            judge(Box::new(ComparingJudge::new(options).expect("a judge")))
        }
        14 => {
            let options = VllmClassifyOptions::new(judge_name(), "a-model", connection(""));
            judge(Box::new(VllmClassify::new(options).expect("a judge")))
        }
        15 => pooling(VllmPoolingTask::Classify { conversation: VllmConversation::new("a-model"), index: None }),
        16 => pooling(VllmPoolingTask::Plugin(VllmPlugin::new("a-model"))),
        17 => {
            let options = UnirlScoreOptions::new(judge_name(), "editreward", connection(""));
            judge(Box::new(UnirlScore::new(options).expect("a judge")))
        }
        18 => {
            let options = FlowFactoryOptions::new(judge_name(), connection(""));
            judge(Box::new(FlowFactory::new(options).expect("a judge")))
        }
        19 => {
            let options = EditscaleScoreOptions::new(judge_name(), connection("/v1"));
            judge(Box::new(EditscaleScore::new(options).expect("a judge")))
        }
        20 => pickled(PickledFields::deqa()),
        21 => pickled(PickledFields::unified_reward()),
        22 => critic(candidate()),
        23 => critic(Subject::Request),
        _ => Dialect::Look(Box::new(connection("/v1"))),
    }
}

fn picture(colour: [u8; 3]) -> Image {
    named_picture(png(SIZE, colour), MediaType::Png, SIZE)
}

static REQUEST: LazyLock<Arc<EditRequest>> = LazyLock::new(|| {
    Arc::new(EditRequest {
        source: picture([10, 20, 30]),
        instruction: Instruction::new("make it warmer").expect("an instruction"),
        mask: None,
        output_size: None,
        seed: Seed::new(11).expect("a seed"),
    })
});

fn item() -> EditItem {
    let proposal = Proposal {
        id: CandidateId(0),
        editor: editor_name(),
        start: Start::Source,
        until: Until::Finished,
        seed: Seed::new(7).expect("a seed"),
        noise: Noise::Own,
        instruction: REQUEST.instruction.shared(),
        knobs: Knobs::default(),
        lineage: Lineage { parent: None, edge: Edge::Fresh },
    };
    let (run, start) = (RunId::new("run-1").expect("a name"), REQUEST.source.clone());
    EditItem { run, request: Arc::clone(&REQUEST), proposal, start, path: Vec::new(), earlier: None }
}

fn check(failure: &Failure) {
    let shown = failure.to_string();
    assert!(!shown.chars().any(char::is_control), "a control character in {shown:?}");
    assert!(shown.chars().count() < 2_000, "a message of {} characters", shown.chars().count());
}

async fn ask(dialect: &Dialect) {
    match dialect {
        Dialect::Editor(editor) => {
            let made = editor.edit(EditBatch { items: vec![item()] }, &NobodyWatches).await;
            assert_eq!(made.len(), 1, "one result an item");
            made.iter().filter_map(|made| made.as_ref().err()).for_each(check);
        }
        Dialect::Judge(judge) => {
            let item = |colour| RewardItem { request: Arc::clone(&REQUEST), candidate: picture(colour) };
            let items = vec![item([200, 100, 50]), item([20, 10, 5]), item([0, 0, 0])];
            let said = judge.score(RewardBatch { items }, &NobodyWatches).await;
            assert_eq!(said.len(), 3, "one result an item");
            said.iter().flatten().for_each(|said| assert!(said.score.mean().is_finite()));
            said.iter().filter_map(|said| said.as_ref().err()).for_each(check);
        }
        Dialect::Critic(critic, subject) => {
            let question = CriticQuestion { request: Arc::clone(&REQUEST), subject: subject.clone() };
            let is_about_request = matches!(subject, Subject::Request);
            match critic.critique(question, &NobodyWatches).await {
                Err(failure) => check(&failure),
                Ok(said) => {
                    let critique = said.critique;
                    assert!(!critique.text.trim().is_empty(), "a critique without words");
                    assert_eq!(critique.instruction.is_none(), critique.satisfied, "neither content nor a next step");
                    assert!(!(is_about_request && critique.satisfied), "content with what is not made");
                }
            }
        }
        Dialect::Look(connection) => {
            let reached = reach(connection, "models").await.expect("good options");
            for server in &reached {
                assert!(server.models().is_none_or(|models| models.len() < 1 << 16));
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((number, rest)) = bytes.split_first() else { return };
    let mut answers = vec![Vec::new()];
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(BETWEEN) {
            answers.push(Vec::new());
            at += BETWEEN.len();
        } else {
            answers.last_mut().expect("never empty").push(rest[at]);
            at += 1;
        }
    }
    *ANSWERS.lock().expect("nobody panics with it") = answers;
    let number = number % DIALECTS;
    // Making one reads all certificates of the system.
    let made = MADE.lock().expect("nobody panics with it").remove(&number).unwrap_or_else(|| dialect(number));
    RUNTIME.block_on(async {
        tokio::time::timeout(LONGEST, ask(&made)).await.expect("it comes to an end");
    });
    if !is_remembered(rest) {
        MADE.lock().expect("nobody panics with it").insert(number, made);
    }
});
