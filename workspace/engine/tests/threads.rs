//! Models on threads of their own: what one that panics, lies or cannot be made costs, and how work is called off.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use editscale_core::{
    Candidate, CandidateId, Edge, EditBackend, EditBatch, EditItem, EditorCard, EncodedImage, Failure, FailureKind,
    ImageSize, Knobs, Lineage, LocalEditor, MediaType, NobodyWatches, Noise, Proposal, RunId, Start, Until, Watch,
};
use editscale_engine::{SpawnError, ThreadedEditor};
use editscale_testkit::{editor_card, request};

/// What an editor does with its next batch.
#[derive(Debug, Clone, Copy)]
enum Act {
    Make,
    Panic,
    AnswerNothing,
    /// Works until it is cancelled.
    Dawdle,
    /// Says that it leaves, and that it has done a step.
    Tell,
}

/// What all editors of a test have in common: their acts in order, how many were made, and what they were told.
#[derive(Debug, Default)]
struct Script {
    acts: Mutex<VecDeque<Act>>,
    made: AtomicU32,
    is_out_of_memory: AtomicBool,
    released: AtomicU32,
    dawdling: AtomicU32,
}

struct Scripted(EditorCard, Arc<Script>);

impl LocalEditor for Scripted {
    fn card(&self) -> &EditorCard {
        &self.0
    }

    fn edit(&mut self, batch: &EditBatch, watch: &dyn Watch) -> Vec<Result<Candidate, Failure>> {
        let act = self.1.acts.lock().unwrap().pop_front().unwrap_or(Act::Make);
        match act {
            Act::Make => {}
            Act::Panic => panic!("as scripted"),
            Act::AnswerNothing => return Vec::new(),
            Act::Dawdle => {
                self.1.dawdling.fetch_add(1, Ordering::Relaxed);
                while !watch.cancelled() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                return batch.items.iter().map(|_| Err(Failure::new(FailureKind::Cancelled, "cancelled"))).collect();
            }
            Act::Tell => {
                watch.submitted(0, "key", None);
                watch.step(0, 1, 2);
            }
        }
        let size = ImageSize { width: 1, height: 1 };
        let image = EncodedImage { media: MediaType::Png, size, bytes: b"made".as_slice().into() };
        batch.items.iter().map(|_| Ok(Candidate::new(image.clone()))).collect()
    }

    fn release(&mut self, paused: &[(RunId, CandidateId)]) {
        self.1.released.fetch_add(paused.len() as u32, Ordering::Relaxed);
    }
}

fn spawn(slots: u32, acts: &[Act]) -> (Result<ThreadedEditor, SpawnError>, Arc<Script>) {
    let script = Arc::new(Script { acts: Mutex::new(acts.iter().copied().collect()), ..Script::default() });
    let (mut card, shared) = (editor_card("scripted"), Arc::clone(&script));
    card.slots = NonZeroU32::new(slots).unwrap();
    let make = move || {
        if shared.is_out_of_memory.load(Ordering::Relaxed) {
            return Err("out of memory".to_owned());
        }
        shared.made.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Scripted(card.clone(), Arc::clone(&shared))) as Box<dyn LocalEditor>)
    };
    (ThreadedEditor::spawn(make), script)
}

fn batch(items: u32) -> EditBatch {
    let request = Arc::new(request(1));
    let item = |id| EditItem {
        run: RunId::new("run").unwrap(),
        request: Arc::clone(&request),
        proposal: Proposal {
            id: CandidateId(id),
            editor: editor_card("scripted").name,
            start: Start::Source,
            until: Until::Finished,
            seed: request.seed,
            noise: Noise::Own,
            instruction: request.instruction.shared(),
            knobs: Knobs::default(),
            lineage: Lineage { parent: None, edge: Edge::Fresh },
        },
        start: request.source.clone(),
        path: Vec::new(),
        earlier: None,
    };
    EditBatch { items: (0..items).map(item).collect() }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The class and message of each failure, "made" for a picture.
fn words(answers: &[Result<Candidate, Failure>]) -> Vec<String> {
    let word = |answer: &Result<Candidate, Failure>| match answer {
        Ok(_) => "made".to_owned(),
        Err(failure) => format!("{}: {failure}", failure.kind.word()),
    };
    answers.iter().map(word).collect()
}

#[test]
fn a_model_that_panics_or_lies_costs_its_batch_and_is_made_anew() {
    let (editor, script) = spawn(1, &[Act::Panic, Act::Make, Act::AnswerNothing, Act::Make]);
    let editor = editor.unwrap();
    let answers = block_on(async {
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.extend(words(&editor.edit(batch(2), &NobodyWatches).await));
        }
        answers
    });
    let panicked = "crashed: the model panicked: as scripted";
    let lied = "malformed: the model answered 0 items of 2: expected one answer an item";
    assert_eq!(answers, [panicked, panicked, "made", "made", lied, lied, "made", "made"]);
    assert_eq!(script.made.load(Ordering::Relaxed), 3);
}

#[test]
fn a_model_that_cannot_be_made_is_told_of_with_the_reason() {
    let (editor, script) = spawn(1, &[Act::Panic]);
    let editor = editor.unwrap();
    script.is_out_of_memory.store(true, Ordering::Relaxed);
    let answers = block_on(async {
        editor.edit(batch(1), &NobodyWatches).await;
        words(&editor.edit(batch(2), &NobodyWatches).await)
    });
    assert_eq!(answers, ["crashed: `scripted` died and could not be made anew: out of memory"; 2]);

    let script = Arc::new(Script::default());
    script.is_out_of_memory.store(true, Ordering::Relaxed);
    let error = ThreadedEditor::spawn(|| Err("out of memory".to_owned())).unwrap_err();
    assert_eq!(error.to_string(), "cannot make `editor`: out of memory");
}

/// Wants the work until it is told otherwise; remembers what it heard.
#[derive(Debug, Default)]
struct Caller {
    is_cancelled: AtomicBool,
    heard: Mutex<Vec<String>>,
}

impl Watch for Caller {
    fn cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    fn step(&self, item: usize, step: u32, steps: u32) {
        self.heard.lock().unwrap().push(format!("item {item}: step {step} of {steps}"));
    }

    fn submitted(&self, item: usize, key: &str, _: Option<&str>) {
        self.heard.lock().unwrap().push(format!("item {item} leaves as {key}"));
    }
}

/// The one thread is busy, and so is its queue: what waits there, and what waits for room there, is called off at once.
#[test]
fn work_that_has_not_begun_is_called_off_at_once() {
    let (editor, script) = spawn(1, &[Act::Dawdle]);
    let editor = editor.unwrap();
    let (busy, unwanted) = (Caller::default(), Caller::default());
    block_on(async {
        let end = async {
            while script.dawdling.load(Ordering::Relaxed) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            unwanted.is_cancelled.store(true, Ordering::Relaxed);
            let begun = Instant::now();
            let (queued, outside) = tokio::join!(editor.edit(batch(1), &unwanted), editor.edit(batch(2), &unwanted));
            assert!(begun.elapsed() < Duration::from_secs(5));
            assert_eq!(words(&queued), ["cancelled: cancelled before it was begun"]);
            assert_eq!(words(&outside), ["cancelled: cancelled before it was begun"; 2]);
            busy.is_cancelled.store(true, Ordering::Relaxed);
        };
        let (dawdled, ()) = tokio::join!(editor.edit(batch(1), &busy), end);
        assert_eq!(words(&dawdled), ["cancelled: cancelled"]);
        assert_eq!(words(&editor.edit(batch(1), &NobodyWatches).await), ["made"], "the thread is free again");
    });
}

/// A future that is dropped ends the work that it waited for.
#[test]
fn work_whose_caller_is_gone_ends() {
    let (editor, _) = spawn(1, &[Act::Dawdle]);
    let editor = editor.unwrap();
    block_on(async {
        let dropped = tokio::time::timeout(Duration::from_millis(50), editor.edit(batch(1), &NobodyWatches)).await;
        assert!(dropped.is_err());
        assert_eq!(words(&editor.edit(batch(1), &NobodyWatches).await), ["made"]);
    });
}

#[test]
fn what_a_model_says_is_heard_in_order_and_every_model_is_told_to_release() {
    let (editor, script) = spawn(3, &[Act::Tell]);
    let editor = editor.unwrap();
    let caller = Caller::default();
    editor.release(&[(RunId::new("run").unwrap(), CandidateId(0)), (RunId::new("run").unwrap(), CandidateId(1))]);
    block_on(async {
        assert_eq!(words(&editor.edit(batch(1), &caller).await), ["made"]);
        // Threads that wait are woken for an order; a batch for each would do as well.
        let began = Instant::now();
        while script.released.load(Ordering::Relaxed) < 6 && began.elapsed() < Duration::from_secs(60) {
            editor.edit(batch(1), &NobodyWatches).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert_eq!(*caller.heard.lock().unwrap(), ["item 0 leaves as key", "item 0: step 1 of 2"]);
    assert_eq!((script.made.load(Ordering::Relaxed), script.released.load(Ordering::Relaxed)), (3, 6));
}
