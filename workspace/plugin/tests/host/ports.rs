//! Editors and rewards that do what they should: results, progress, credits, cancelling, weights, the end.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use editscale_core::{
    EditBackend, EncodedImage, FailureKind, NobodyWatches, PolicyWeights, RewardBatch, RewardModel, Watch,
};
use serde_json::json;

use crate::Test;
use crate::plugin::png;
use crate::world::{block_on, editor, edits, is_alive, judgements, kinds, make, plugin, reward, wait_until};

pub(crate) const TESTS: &[Test] = &[
    ("edits_come_back_in_order", edits_come_back_in_order),
    ("pictures_may_go_through_the_spool", pictures_may_go_through_the_spool),
    ("progress_and_previews_are_passed_on", progress_and_previews_are_passed_on),
    ("no_more_calls_than_credits", no_more_calls_than_credits),
    ("cancelling_is_asked_and_answered", cancelling_is_asked_and_answered),
    ("a_caller_that_is_gone_frees_its_credit", a_caller_that_is_gone_frees_its_credit),
    ("weights_are_taken_up_again_after_a_restart", weights_are_taken_up_again_after_a_restart),
    ("weights_that_kill_leave_the_earlier_ones", weights_that_kill_leave_the_earlier_ones),
    ("an_end_leaves_nothing", an_end_leaves_nothing),
    ("many_plugins_at_a_time", many_plugins_at_a_time),
];

fn edits_come_back_in_order() {
    let editor = editor(plugin(json!({})));
    assert_eq!((editor.card().name.as_str(), &*editor.card().revision), ("peer", "r1"));
    let made = make(&editor, 1..=8);
    for (seed, made) in (1..).zip(made) {
        let made = made.unwrap();
        assert_eq!((&*made.image.bytes, made.image.size.width, made.cost.nfe), (&*png(seed), 2, 10));
    }
    assert_eq!((editor.health().deaths, editor.trouble()), (0, None));
}

fn pictures_may_go_through_the_spool() {
    let editor = editor(plugin(json!({"pictures": "spool"})));
    let made = make(&editor, 1..=8);
    assert!((1..).zip(made).all(|(seed, made)| *made.unwrap().image.bytes == *png(seed)));
    let reward = reward(plugin(json!({})));
    let judged = block_on(reward.score(judgements(1..=8), &NobodyWatches));
    assert!(judged.iter().all(Result::is_ok));
}

/// Counts what it hears, and calls the work off once it has heard something.
#[derive(Debug, Default)]
struct Listener {
    steps: AtomicU32,
    previews: AtomicU32,
    is_tired: bool,
    has_heard: AtomicBool,
}

impl Watch for Listener {
    fn cancelled(&self) -> bool {
        self.is_tired && self.has_heard.load(Ordering::Relaxed)
    }

    fn step(&self, item: usize, step: u32, steps: u32) {
        assert!(item < 8 && (step, steps) == (1, 2));
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.has_heard.store(true, Ordering::Relaxed);
    }

    fn preview(&self, item: usize, image: &EncodedImage) {
        assert_eq!(*image.bytes, *png(item as u64 + 1));
        self.previews.fetch_add(1, Ordering::Relaxed);
    }
}

fn progress_and_previews_are_passed_on() {
    for pictures in ["inline", "spool"] {
        let editor = editor(plugin(json!({"pictures": pictures})));
        let listener = Listener::default();
        let made = block_on(editor.edit(edits(1..=8), &listener));
        assert!(made.iter().all(Result::is_ok));
        assert_eq!((listener.steps.into_inner(), listener.previews.into_inner()), (8, 8));
    }
}

fn no_more_calls_than_credits() {
    let reward = reward(plugin(json!({"slots": 3, "slow_ms": 20})));
    let one = |seed| RewardBatch { items: judgements([seed]).items };
    let batches: Vec<RewardBatch> = (0..12).map(one).collect();
    let most = block_on(async {
        let calls = batches.into_iter().map(|batch| reward.score(batch, &NobodyWatches));
        let mut most = 0.0_f64;
        for judged in join_all(calls).await {
            most = most.max(judged[0].as_ref().unwrap().score.part("under_way").unwrap());
        }
        most
    });
    assert_eq!(most, 3.0);
}

/// All of them, side by side.
async fn join_all<'a, T>(futures: impl Iterator<Item = editscale_core::BoxFuture<'a, T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.map(Some).collect();
    let mut outputs: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if let Some(waiting) = future
                && let std::task::Poll::Ready(ready) = waiting.as_mut().poll(context)
            {
                (*output, *future) = (Some(ready), None);
            }
        }
        let is_done = futures.iter().all(Option::is_none);
        if is_done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

fn cancelling_is_asked_and_answered() {
    let editor = editor(plugin(json!({"slow_ms": 60_000})));
    let listener = Listener { is_tired: true, ..Listener::default() };
    let begun = Instant::now();
    let made = block_on(editor.edit(edits(1..=2), &listener));
    assert_eq!(kinds(&made), [Some(FailureKind::Cancelled); 2]);
    assert!(begun.elapsed() < Duration::from_secs(30) && editor.health().deaths == 0);
}

fn a_caller_that_is_gone_frees_its_credit() {
    let editor = editor(plugin(json!({"slow_ms": 300})));
    let begun = Instant::now();
    block_on(async {
        for seed in 0..20 {
            let gone =
                tokio::time::timeout(Duration::from_millis(30), editor.edit(edits([seed]), &NobodyWatches)).await;
            assert!(gone.is_err());
        }
        assert!(editor.edit(edits([99]), &NobodyWatches).await[0].is_ok());
    });
    assert!(begun.elapsed() < Duration::from_secs(30) && editor.health().deaths == 0);
}

fn kill(process: i32) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(process).unwrap(), rustix::process::Signal::KILL).ok();
}

fn weights_are_taken_up_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adoptions");
    let editor = editor(plugin(json!({"adoptions": path})));
    let taken = block_on(editor.adopt(&PolicyWeights::adapter("v1", "a.safetensors"))).unwrap();
    assert_eq!((&*taken.version, &*taken.checksum), ("v1", "sum of a.safetensors"));
    let refused = block_on(editor.adopt(&PolicyWeights::checkpoint("v2", "c"))).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Invalid);
    kill(editor.process().unwrap());
    wait_until("the death is known", || editor.health().deaths == 1);
    assert!(make(&editor, [1])[0].is_ok());
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 2);
}

fn weights_that_kill_leave_the_earlier_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adoptions");
    let editor = editor(plugin(json!({"adoptions": path})));
    block_on(editor.adopt(&PolicyWeights::adapter("v1", "a"))).unwrap();
    let died = block_on(editor.adopt(&PolicyWeights::adapter("deadly", "b"))).unwrap_err();
    assert_eq!(died.kind, FailureKind::Crashed);
    assert!(make(&editor, [1])[0].is_ok());
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 2);
}

fn an_end_leaves_nothing() {
    for config in [json!({}), json!({"shutdown": "ignore"}), json!({"slow_ms": 60_000})] {
        let mut plugin = plugin(config);
        plugin.limits.grace = Duration::from_millis(200);
        let editor = editor(plugin);
        let process = editor.process().unwrap();
        block_on(async {
            let edit = editor.edit(edits([1]), &NobodyWatches);
            tokio::time::timeout(Duration::from_millis(20), edit).await.ok();
        });
        drop(editor);
        assert!(!is_alive(process) && !std::path::Path::new(&format!("/proc/{process}")).exists());
    }
}

fn many_plugins_at_a_time() {
    let editors: Vec<_> = (0..12).map(|_| editor(plugin(json!({})))).collect();
    let processes: Vec<i32> = editors.iter().map(|editor| editor.process().unwrap()).collect();
    for editor in &editors {
        assert!(make(editor, [1, 2])[1].is_ok());
    }
    drop(editors);
    assert!(processes.into_iter().all(|process| !is_alive(process)));
}
