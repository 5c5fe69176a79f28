//! Weights: taken up between groups, and written into every row.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use editscale_core::{
    AdoptedPolicy, BoxFuture, Candidate, EditBackend, EditBatch, EditorCard, Failure, FailureKind, PolicySupport,
    PolicyWeights, Watch,
};
use editscale_rollout::drive::PolicyPlan;

use crate::desk::{Desk, column};

/// An editor that takes up weights, and says so where an edit is under way meanwhile.
struct Adopter {
    inner: Arc<dyn EditBackend>,
    under_way: AtomicU64,
    disturbed: AtomicBool,
    adopted: Mutex<Vec<String>>,
}

impl EditBackend for Adopter {
    fn card(&self) -> &EditorCard {
        self.inner.card()
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(async move {
            self.under_way.fetch_add(1, Ordering::SeqCst);
            let made = self.inner.edit(batch, watch).await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            made
        })
    }

    fn adopts(&self) -> PolicySupport {
        PolicySupport { adapters: true, checkpoints: false }
    }

    fn adopt<'a>(&'a self, weights: &'a PolicyWeights) -> BoxFuture<'a, Result<AdoptedPolicy, Failure>> {
        Box::pin(async move {
            if self.under_way.load(Ordering::SeqCst) > 0 {
                self.disturbed.store(true, Ordering::SeqCst);
            }
            if &*weights.version == "broken" {
                return Err(Failure::new(FailureKind::Invalid, "no such weights"));
            }
            self.adopted.lock().unwrap().push(weights.version.to_string());
            Ok(AdoptedPolicy {
                version: Arc::clone(&weights.version),
                checksum: format!("sum of {}", weights.version).into(),
            })
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_change_between_groups_and_every_row_names_its_own() {
    let mut desk = Desk::new(40);
    let announcement = desk.folder.path().join("policy.json");
    desk.editor.delay = Arc::new(|_| Duration::from_millis(20));
    let path = announcement.clone();
    desk.editor.fails = Arc::new(move |_, call| {
        // The trainer announces newer weights in the middle, some that cannot be, and some that nobody can read.
        let text = match call {
            20 => r#"{"version": "second", "adapter": "a.safetensors"}"#,
            60 => r#"{"version": "broken", "adapter": "b.safetensors"}"#,
            100 => r#"{"version": ""#,
            _ => return None,
        };
        fs::write(&path, text).unwrap();
        None
    });
    let adopter = Arc::new(Adopter {
        inner: Arc::new(desk.editor.clone()),
        under_way: AtomicU64::new(0),
        disturbed: AtomicBool::new(false),
        adopted: Mutex::default(),
    });
    desk.backend = Some(Arc::clone(&adopter) as _);
    let weights = PolicyWeights::adapter("first", "0.safetensors");
    desk.policy = Some(PolicyPlan {
        editor: Arc::clone(&adopter) as _,
        weights,
        follow: Some(announcement),
        look_every: Duration::from_millis(1),
    });
    assert!(desk.run().await.unwrap().is_over);
    assert!(!adopter.disturbed.load(Ordering::SeqCst), "weights changed while an edit was under way");
    assert_eq!(*adopter.adopted.lock().unwrap(), ["first", "second"]);
    let (versions, sums) = (column(&desk.out(), "policy_version"), column(&desk.out(), "policy_checksum"));
    let counts = |version: &str| versions.iter().filter(|found| *found == version).count();
    assert!(counts("first") >= 4 && counts("second") >= 4 && counts("first") + counts("second") == 160, "{versions:?}");
    assert!(versions.iter().zip(&sums).all(|(version, sum)| *sum == format!("sum of {version}")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_that_cannot_be_taken_up_at_the_start_end_the_drive() {
    let mut desk = Desk::new(1);
    let editor = Arc::new(desk.editor.clone());
    let weights = PolicyWeights::adapter("first", "0.safetensors");
    desk.policy = Some(PolicyPlan { editor, weights, follow: None, look_every: Duration::from_millis(1) });
    let error = desk.run().await.unwrap_err().to_string();
    assert!(error.contains("cannot take up policy `first`"), "{error}");
    assert_eq!(desk.editor.asked.load(Ordering::Relaxed), 0);
}
