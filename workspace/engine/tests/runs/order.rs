//! Whatever the order of completion, the slots and the batches: a search sees the same trials, decides the same,
//! spends no more than it may, and charges the same for every candidate; and what was made can be made again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use editscale_core::{CandidateId, Decision, EditRequest, Ledger, Outcome, Remaining, Search, SearchFactory, Trial};
use editscale_engine::{digest_of, read_run};
use proptest::prelude::*;

use crate::{World, block_on, carry_out, copy_run, journal, scene, world};

/// Fails the test when a search is given trials out of ask order, twice, or incomplete (I4).
#[derive(Debug)]
struct Strict(Arc<dyn SearchFactory>);

struct StrictSearch {
    inner: Box<dyn Search>,
    expected: Vec<CandidateId>,
}

impl SearchFactory for Strict {
    fn revision(&self) -> String {
        self.0.revision()
    }

    fn needs(&self) -> Vec<editscale_core::Need> {
        self.0.needs()
    }

    fn largest_run(&self) -> u64 {
        self.0.largest_run()
    }

    fn looks(&self) -> bool {
        self.0.looks()
    }

    fn start(&self, request: &EditRequest, cards: &editscale_core::Cards) -> Box<dyn Search> {
        Box::new(StrictSearch { inner: self.0.start(request, cards), expected: Vec::new() })
    }
}

impl Search for StrictSearch {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        let ids: Vec<CandidateId> = trials.iter().filter_map(Trial::id).collect();
        assert_eq!(ids, self.expected, "trials come in ask order, one a proposal");
        let decision = self.inner.decide(trials, left);
        self.expected = match &decision {
            Decision::Explore { proposals, .. } => proposals.iter().map(|proposal| proposal.id).collect(),
            _ => Vec::new(),
        };
        decision
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// I3, I4, I7: whatever the order of completion, the slots and the batches, a search sees the same trials in ask
    /// order, decides the same, spends no more than the budget, and is charged the same for every candidate.
    #[test]
    fn runs_do_not_depend_on_the_order_of_completion(world in world(), shuffles in prop::array::uniform2(any::<u64>())) {
        let mut seen: Option<(Vec<String>, Outcome, Vec<Option<Ledger>>)> = None;
        for (index, shuffle) in shuffles.into_iter().enumerate() {
            let slots = if index == 0 { world.slots } else { 1 + (shuffle % 7) as u32 };
            let mut scene = scene(&World { shuffle, slots, ..world.clone() });
            scene.job.search = Arc::new(Strict(scene.job.search));
            let path = scene.folder.path().join("run");
            let mut outcome = carry_out(&scene.job, &path);
            let limits = world.budget;
            prop_assert!(limits.edits.is_none_or(|most| outcome.ledger.edits <= most));
            prop_assert!(limits.reward_calls.is_none_or(|most| outcome.ledger.reward_calls <= most));
            prop_assert!(limits.nfe.is_none_or(|most| outcome.ledger.cost.nfe <= most));
            outcome.ledger.wall = Duration::ZERO;
            let (journal, charged) = (journal(&path), charged(&path));
            if let Some((lines, known, charges)) = &seen {
                prop_assert_eq!(lines, &journal);
                prop_assert_eq!(known, &outcome);
                prop_assert_eq!(charges, &charged);
            }
            seen = Some((journal, outcome, charged));
        }
    }

    /// I11: a journal cut anywhere leads to the same outcome, and what it holds is not done again.
    #[test]
    fn a_run_resumed_from_any_cut_ends_the_same(world in world(), cut in 0.0f64..1.0) {
        let scene = scene(&world);
        let whole = scene.folder.path().join("whole");
        let mut expected = carry_out(&scene.job, &whole);
        let cut_run = scene.folder.path().join("cut");
        copy_run(&whole, &cut_run, 0);
        let text = std::fs::read(whole.join("journal.jsonl")).unwrap();
        let kept = &text[..(text.len() as f64 * cut) as usize];
        std::fs::write(cut_run.join("journal.jsonl"), kept).unwrap();
        let mut outcome = carry_out(&scene.job, &cut_run);
        prop_assert_eq!(journal(&cut_run), journal(&whole));
        expected.ledger.wall = Duration::ZERO;
        outcome.ledger.wall = Duration::ZERO;
        prop_assert_eq!(outcome, expected);
    }
}

/// What had been spent when each candidate could be chosen, active time left out.
fn charged(path: &Path) -> Vec<Option<Ledger>> {
    let timeless = |known: Ledger| Ledger { wall: Duration::ZERO, ..known };
    read_run(path).unwrap().candidates.into_iter().map(|each| each.known_at.map(timeless)).collect()
}

/// I5: what a proposal says makes its candidate again.
#[test]
fn candidates_are_made_again_from_the_journal() {
    let scene = scene(&World::default());
    let path = scene.folder.path().join("run");
    carry_out(&scene.job, &path);
    let record = read_run(&path).unwrap();
    let images: BTreeMap<CandidateId, _> = record
        .candidates
        .iter()
        .map(|each| (each.proposal.id, each.made.as_ref().unwrap().as_ref().unwrap().image.clone()))
        .collect();
    for each in &record.candidates {
        let start = match each.proposal.start {
            editscale_core::Start::Candidate(id) => images[&id].clone(),
            _ => scene.job.request.source.clone(),
        };
        let item = editscale_core::EditItem {
            run: scene.job.run.clone(),
            request: Arc::clone(&scene.job.request),
            proposal: each.proposal.clone(),
            start,
            path: Vec::new(),
            earlier: None,
        };
        let batch = editscale_core::EditBatch { items: vec![item] };
        let made = block_on(scene.job.ports.editors[0].edit(batch, &editscale_core::NobodyWatches));
        let digest = digest_of(&made[0].as_ref().unwrap().image.bytes);
        assert_eq!(digest, images[&each.proposal.id].digest());
    }
}
