//! What the tests of this crate share: requests, options with short waits, and a watch that remembers.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use editscale_core::{
    Candidate, CandidateId, Edge, EditBackend, EditBatch, EditItem, EditRequest, EditorName, EncodedImage, Failure,
    Image, ImageSize, Instruction, Judgement, Knobs, Lineage, MediaType, NobodyWatches, Noise, Proposal, RewardBatch,
    RewardItem, RewardModel, RewardName, RunId, Seed, Start, Until, Watch,
};
use editscale_remote::{
    BreakerRules, ChatJudge, ChatJudgeOptions, Connection, OpenAiImages, OpenAiImagesOptions, Profile, RetryRules,
    ServerOptions, Timeouts,
};
use editscale_testkit::{FakeServer, ServerFault, named_picture, png};

pub(crate) const SIZE: ImageSize = ImageSize { width: 32, height: 16 };

pub(crate) fn picture(colour: [u8; 3]) -> Image {
    named_picture(png(SIZE, colour), MediaType::Png, SIZE)
}

pub(crate) fn request(mask: Option<Image>, output_size: Option<ImageSize>) -> Arc<EditRequest> {
    Arc::new(EditRequest {
        source: picture([10, 20, 30]),
        instruction: Instruction::new("make it warmer").unwrap(),
        mask,
        output_size,
        seed: Seed::new(11).unwrap(),
    })
}

/// The first edit of a run, with a seed that has more bits than servers take.
pub(crate) fn item(request: &Arc<EditRequest>) -> EditItem {
    numbered(request, 0, (1 << 40) + 7)
}

pub(crate) fn numbered(request: &Arc<EditRequest>, id: u32, seed: u64) -> EditItem {
    let proposal = Proposal {
        id: CandidateId(id),
        editor: EditorName::new("far").unwrap(),
        start: Start::Source,
        until: Until::Finished,
        seed: Seed::new(seed).unwrap(),
        noise: Noise::Own,
        instruction: request.instruction.shared(),
        knobs: Knobs::default(),
        lineage: Lineage { parent: None, edge: Edge::Fresh },
    };
    let (run, start) = (RunId::new("run-1").unwrap(), request.source.clone());
    EditItem { run, request: Arc::clone(request), proposal, start, path: Vec::new(), earlier: None }
}

/// These servers, four calls at a time each, with waits that no test notices.
pub(crate) fn connection(bases: &[String]) -> Connection {
    let server = |base: &String| ServerOptions { concurrency: NonZeroU32::new(4).unwrap(), ..ServerOptions::new(base) };
    let short = Duration::from_millis(2);
    Connection {
        timeouts: Timeouts { connect: Duration::from_secs(5), ..Timeouts::default() },
        retry: RetryRules { first_wait: short, longest_wait: Duration::from_millis(500), ..RetryRules::default() },
        breaker: BreakerRules { failures: 5, pause: short, longest_pause: Duration::from_millis(20) },
        ..Connection::new(bases.iter().map(server).collect())
    }
}

pub(crate) fn options(profile: Profile, server: &FakeServer) -> OpenAiImagesOptions {
    OpenAiImagesOptions::new(EditorName::new("far").unwrap(), profile, "a-model", connection(&[server.base()]))
}

pub(crate) fn editor(profile: Profile, server: &FakeServer) -> OpenAiImages {
    OpenAiImages::new(options(profile, server)).unwrap()
}

pub(crate) async fn edit(editor: &dyn EditBackend, item: EditItem) -> Result<Candidate, Failure> {
    edit_watched(editor, item, &NobodyWatches).await
}

pub(crate) async fn edit_watched(
    editor: &dyn EditBackend,
    item: EditItem,
    watch: &dyn Watch,
) -> Result<Candidate, Failure> {
    let mut results = editor.edit(EditBatch { items: vec![item] }, watch).await;
    assert_eq!(results.len(), 1);
    results.remove(0)
}

/// An answer without special headers.
pub(crate) fn status(status: u16, body: &str) -> ServerFault {
    ServerFault::Answer(status, Vec::new(), body.to_owned())
}

/// The same options with something changed.
pub(crate) fn changed<T>(mut options: T, change: impl FnOnce(&mut T)) -> T {
    change(&mut options);
    options
}

pub(crate) fn judge_options(server: &FakeServer) -> ChatJudgeOptions {
    ChatJudgeOptions::new(RewardName::new("judge").unwrap(), "a-judge", connection(&[server.base()])).unwrap()
}

pub(crate) async fn judge(judge: &ChatJudge) -> Result<Judgement, Failure> {
    judge_watched(judge, &NobodyWatches).await
}

pub(crate) async fn judge_watched(judge: &ChatJudge, watch: &dyn Watch) -> Result<Judgement, Failure> {
    let item = RewardItem { request: request(None, None), candidate: picture([200, 100, 50]) };
    judge.score(RewardBatch { items: vec![item] }, watch).await.remove(0)
}

/// A key without the sixteen digits that say what was asked for; whole where it has none.
pub(crate) fn named(key: &str) -> &str {
    let is_digest = |end: &str| end.len() == 16 && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    key.rsplit_once('-').filter(|(_, end)| is_digest(end)).map_or(key, |(name, _)| name)
}

/// Cancels when told to, and remembers what was submitted.
#[derive(Debug, Default)]
pub(crate) struct Listening {
    pub(crate) cancel: AtomicBool,
    /// Without what the keys say of the request.
    pub(crate) submitted: Mutex<Vec<String>>,
    pub(crate) keys: Mutex<Vec<String>>,
    pub(crate) previews: Mutex<Vec<EncodedImage>>,
    /// Cancels at the first submission, as an engine does that cannot write it down.
    pub(crate) refuses: bool,
}

impl Watch for Listening {
    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    fn preview(&self, _: usize, image: &EncodedImage) {
        self.previews.lock().unwrap().push(image.clone());
    }

    fn submitted(&self, item: usize, key: &str, remote_id: Option<&str>) {
        let name = named(key);
        self.submitted.lock().unwrap().push(format!("{item} {name} {remote_id:?}"));
        self.keys.lock().unwrap().push(key.to_owned());
        if self.refuses {
            self.cancel.store(true, Ordering::Relaxed);
        }
    }
}
