//! Other weights for models on threads: every model takes them up, or none does.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use editscale_core::{
    AdoptedPolicy, Candidate, Edge, EditBackend, EditBatch, EditItem, EditorCard, EncodedImage, Failure, FailureKind,
    ImageSize, Knobs, Lineage, LocalEditor, MediaType, NobodyWatches, Noise, PolicyKind, PolicySupport, PolicyWeights,
    Proposal, RunId, Start, Until, Watch,
};
use editscale_engine::ThreadedEditor;
use editscale_testkit::{editor_card, request};

/// What a model does with the next weights it is to take up.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Take,
    Refuse,
    Panic,
    /// Finds another file than the other models do.
    Differ,
    /// Takes them up once the test says so.
    Linger,
}

/// What all models of a test have in common.
#[derive(Debug)]
struct World {
    acts: Mutex<VecDeque<Act>>,
    /// Models at work wait for each other, so that each of several edits is made by another.
    together: Barrier,
    made: AtomicU32,
    has_panic: AtomicBool,
    may_go_on: AtomicBool,
    /// The files were written over.
    is_overwritten: AtomicBool,
}

/// A model whose pictures are the version of its weights.
struct Student {
    card: EditorCard,
    world: Arc<World>,
    version: Arc<str>,
}

impl LocalEditor for Student {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit(&mut self, batch: &EditBatch, _: &dyn Watch) -> Vec<Result<Candidate, Failure>> {
        self.world.together.wait();
        assert!(!self.world.has_panic.swap(false, Ordering::Relaxed), "as scripted");
        let size = ImageSize { width: 1, height: 1 };
        let image = EncodedImage { media: MediaType::Png, size, bytes: self.version.as_bytes().into() };
        batch.items.iter().map(|_| Ok(Candidate::new(image.clone()))).collect()
    }

    fn adopts(&self) -> PolicySupport {
        PolicySupport { adapters: true, checkpoints: false }
    }

    fn adopt(&mut self, weights: &PolicyWeights) -> Result<AdoptedPolicy, Failure> {
        let act = self.world.acts.lock().unwrap().pop_front().unwrap_or(Act::Take);
        match act {
            Act::Take | Act::Differ => {}
            Act::Refuse => return Err(Failure::new(FailureKind::Invalid, "as scripted")),
            Act::Panic => panic!("as scripted"),
            Act::Linger => {
                while !self.world.may_go_on.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
        self.version = Arc::clone(&weights.version);
        let is_other = act == Act::Differ || self.world.is_overwritten.load(Ordering::Relaxed);
        let checksum = format!("{} of {}", if is_other { "other" } else { "sum" }, weights.version);
        Ok(AdoptedPolicy { version: Arc::clone(&weights.version), checksum: checksum.into() })
    }
}

fn spawn(slots: u32) -> (ThreadedEditor, Arc<World>) {
    let world = Arc::new(World {
        acts: Mutex::default(),
        together: Barrier::new(slots as usize),
        made: AtomicU32::new(0),
        has_panic: AtomicBool::new(false),
        may_go_on: AtomicBool::new(false),
        is_overwritten: AtomicBool::new(false),
    });
    let (mut card, shared) = (editor_card("student"), Arc::clone(&world));
    card.slots = NonZeroU32::new(slots).unwrap();
    let make = move || {
        shared.made.fetch_add(1, Ordering::Relaxed);
        let student = Student { card: card.clone(), world: Arc::clone(&shared), version: "base".into() };
        Ok(Box::new(student) as Box<dyn LocalEditor>)
    };
    (ThreadedEditor::spawn(make).unwrap(), world)
}

fn batch() -> EditBatch {
    let request = Arc::new(request(1));
    let item = EditItem {
        run: RunId::new("run").unwrap(),
        request: Arc::clone(&request),
        proposal: Proposal {
            id: editscale_core::CandidateId(0),
            editor: editor_card("student").name,
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
    EditBatch { items: vec![item] }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What each model works with.
async fn versions(editor: &ThreadedEditor) -> Vec<String> {
    let edits = (0..editor.card().slots.get()).map(|_| editor.edit(batch(), &NobodyWatches));
    let word = |mut answers: Vec<Result<Candidate, Failure>>| match answers.remove(0) {
        Ok(candidate) => String::from_utf8(candidate.image.bytes.to_vec()).unwrap(),
        Err(failure) => format!("{}: {failure}", failure.kind.word()),
    };
    let mut versions: Vec<String> = futures_util::future::join_all(edits).await.into_iter().map(word).collect();
    versions.sort();
    versions
}

fn adapter(version: &str) -> PolicyWeights {
    PolicyWeights::adapter(version, "adapter.safetensors")
}

#[test]
fn every_model_takes_up_the_weights_or_none_does() {
    let failing = [
        (vec![Act::Refuse], "invalid: as scripted"),
        (vec![Act::Take, Act::Refuse], "invalid: as scripted"),
        (vec![Act::Take, Act::Take, Act::Panic], "crashed: the model panicked: as scripted"),
        (vec![Act::Panic, Act::Panic, Act::Panic], "crashed: the model panicked: as scripted"),
        // One of them cannot be put back either: it is made anew.
        (vec![Act::Take, Act::Take, Act::Refuse, Act::Panic], "invalid: as scripted"),
    ];
    for before in [None, Some("first")] {
        for (acts, expected) in &failing {
            block_on(async {
                let (editor, world) = spawn(3);
                if let Some(version) = before {
                    let adopted = editor.adopt(&adapter(version)).await.unwrap();
                    assert_eq!((&*adopted.version, &*adopted.checksum), (version, "sum of first"));
                }
                let earlier = before.unwrap_or("base");
                assert_eq!(versions(&editor).await, [earlier; 3]);
                world.acts.lock().unwrap().extend(acts);
                let failure = editor.adopt(&adapter("second")).await.unwrap_err();
                assert_eq!(format!("{}: {failure}", failure.kind.word()), *expected);
                assert_eq!(versions(&editor).await, [earlier; 3], "{acts:?}");
                assert_eq!(&*editor.adopt(&adapter("third")).await.unwrap().checksum, "sum of third");
                assert_eq!(versions(&editor).await, ["third"; 3]);
                editor.adopt(&PolicyWeights::base("base")).await.unwrap();
                assert_eq!(versions(&editor).await, ["base"; 3]);
            });
        }
    }
}

#[test]
fn models_that_find_different_weights_go_back() {
    let (editor, world) = spawn(2);
    block_on(async {
        world.acts.lock().unwrap().push_back(Act::Differ);
        let failure = editor.adopt(&adapter("new")).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed);
        for part in ["the models took up different weights as policy `new`", "sum of new", "other of new"] {
            assert!(failure.message.contains(part), "{failure}");
        }
        assert_eq!(versions(&editor).await, ["base"; 2]);
    });
}

#[test]
fn a_model_that_is_made_anew_takes_up_what_is_in_force() {
    let (editor, world) = spawn(2);
    block_on(async {
        editor.adopt(&adapter("new")).await.unwrap();
        world.has_panic.store(true, Ordering::Relaxed);
        assert_eq!(versions(&editor).await, ["crashed: the model panicked: as scripted", "new"]);
        assert_eq!(versions(&editor).await, ["new"; 2]);
        assert_eq!(world.made.load(Ordering::Relaxed), 3);
    });
}

/// The one thread ends: its pictures would not be those of the checksum that was told.
#[test]
fn weights_that_were_written_over_are_not_taken_up_again() {
    let (editor, world) = spawn(1);
    block_on(async {
        editor.adopt(&adapter("new")).await.unwrap();
        world.is_overwritten.store(true, Ordering::Relaxed);
        world.has_panic.store(true, Ordering::Relaxed);
        versions(&editor).await;
        let reason = "`student` died and could not be made anew: policy `new` (the adapter `adapter.safetensors`, \
                      scale 1) is not what it was: expected the checksum sum of new, found other of new";
        assert_eq!(versions(&editor).await, [format!("crashed: {reason}")]);
        let failure = editor.adopt(&adapter("newer")).await.unwrap_err();
        assert_eq!((failure.kind, &*failure.message), (FailureKind::Crashed, reason));
        assert_eq!(editor.trouble().as_deref(), Some(reason));
    });
}

#[test]
fn a_caller_that_is_gone_leaves_the_earlier_weights() {
    let (editor, world) = spawn(3);
    block_on(async {
        world.acts.lock().unwrap().extend([Act::Take, Act::Linger]);
        let dropped = tokio::time::timeout(Duration::from_millis(50), editor.adopt(&adapter("new"))).await;
        assert!(dropped.is_err());
        world.may_go_on.store(true, Ordering::Relaxed);
        assert_eq!(versions(&editor).await, ["base"; 3]);
    });
}

/// Models wait for each other while they take weights up: two at a time must not wait crosswise.
#[test]
fn weights_are_taken_up_one_after_the_other() {
    let (editor, _) = spawn(4);
    block_on(async {
        for round in 0..50 {
            let names: Vec<PolicyWeights> = (0..3).map(|number| adapter(&format!("{round}-{number}"))).collect();
            let all = futures_util::future::join_all(names.iter().map(|weights| editor.adopt(weights))).await;
            assert!(all.iter().all(Result::is_ok));
            let versions = versions(&editor).await;
            assert!(versions.iter().all(|version| *version == versions[0]), "{versions:?}");
        }
    });
}

#[test]
fn weights_of_a_kind_that_the_editor_cannot_take_up_reach_no_model() {
    let (editor, world) = spawn(1);
    assert_eq!(editor.adopts(), PolicySupport { adapters: true, checkpoints: false });
    world.acts.lock().unwrap().push_back(Act::Panic);
    let weights = PolicyWeights::checkpoint("new", "model");
    let failure = block_on(editor.adopt(&weights)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert!(matches!(weights.kind, PolicyKind::Checkpoint(_)) && world.acts.lock().unwrap().len() == 1);
}
