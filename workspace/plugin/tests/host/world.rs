//! What the tests need of the world: peers to launch, processes to look for, conditions to wait for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use editscale_core::{
    Candidate, CandidateId, Edge, EditBackend, EditBatch, EditItem, EditRequest, EditorName, Failure, FailureKind,
    Image, ImageSize, Knobs, Lineage, MediaType, NobodyWatches, Noise, Proposal, RewardBatch, RewardItem, RewardName,
    RunId, Seed, Start, Until,
};
use editscale_engine::digest_of;
use editscale_plugin::{Launch, Limits, Plugin, PluginEditor, PluginReward};

use crate::peer::PART;

/// Longer than anything takes on a machine that is busy.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn soon() -> Instant {
    Instant::now() + LONG
}

/// This program as a peer that plays a part.
pub(crate) fn peer(part: &str) -> Launch {
    let own = std::env::current_exe().unwrap().to_string_lossy().into_owned();
    Launch { variables: vec![(PART.to_owned(), part.to_owned())], ..Launch::of([own]) }
}

/// Whether there is such a process that has not ended.
pub(crate) fn is_alive(pid: i32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !stat.rsplit(')').next().unwrap().trim_start().starts_with(['Z', 'X'])
}

pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = soon();
    while !is_so() {
        assert!(Instant::now() < until, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A peer that plays a plugin by this script, put up with for short times only.
pub(crate) fn plugin(config: serde_json::Value) -> Plugin {
    let serde_json::Value::Object(config) = config else { panic!("expected a map") };
    let limits = Limits { backoff: Duration::from_millis(1), grace: Duration::from_secs(2), ..Limits::default() };
    Plugin { launch: peer("plugin"), limits, config, ..Plugin::of([""]) }
}

pub(crate) fn editor(plugin: Plugin) -> PluginEditor {
    PluginEditor::start(&EditorName::new("peer").unwrap(), plugin).unwrap()
}

pub(crate) fn reward(plugin: Plugin) -> PluginReward {
    PluginReward::start(&RewardName::new("judge").unwrap(), plugin).unwrap()
}

/// A request over a small picture.
pub(crate) fn request() -> Arc<EditRequest> {
    let source = picture(1);
    Arc::new(EditRequest { source, ..editscale_testkit::request(5) })
}

pub(crate) fn picture(seed: u64) -> Image {
    let bytes: Arc<[u8]> = crate::plugin::png(seed).into();
    let size = ImageSize { width: 2, height: 1 };
    Image::new(digest_of(&bytes), MediaType::Png, size, Arc::new(bytes))
}

/// Edits with these seeds.
pub(crate) fn edits(seeds: impl IntoIterator<Item = u64>) -> EditBatch {
    let request = request();
    let item = |(place, seed): (usize, u64)| EditItem {
        run: RunId::new("run").unwrap(),
        request: Arc::clone(&request),
        proposal: Proposal {
            id: CandidateId(place as u32),
            editor: EditorName::new("peer").unwrap(),
            start: Start::Source,
            until: Until::Finished,
            seed: Seed::new(seed).unwrap(),
            noise: Noise::Own,
            instruction: request.instruction.shared(),
            knobs: Knobs::default(),
            lineage: Lineage { parent: None, edge: Edge::Fresh },
        },
        start: request.source.clone(),
        path: Vec::new(),
        earlier: None,
    };
    EditBatch { items: seeds.into_iter().enumerate().map(item).collect() }
}

/// Judgements of pictures with these seeds.
pub(crate) fn judgements(seeds: impl IntoIterator<Item = u64>) -> RewardBatch {
    let request = request();
    let item = |seed| RewardItem { request: Arc::clone(&request), candidate: picture(seed) };
    RewardBatch { items: seeds.into_iter().map(item).collect() }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

/// Makes the edits, watched by nobody.
pub(crate) fn make(editor: &PluginEditor, seeds: impl IntoIterator<Item = u64>) -> Vec<Result<Candidate, Failure>> {
    block_on(editor.edit(edits(seeds), &NobodyWatches))
}

/// The kind of each failure, none where there is no failure.
pub(crate) fn kinds<T>(results: &[Result<T, Failure>]) -> Vec<Option<FailureKind>> {
    results.iter().map(|result| result.as_ref().err().map(|failure| failure.kind)).collect()
}
