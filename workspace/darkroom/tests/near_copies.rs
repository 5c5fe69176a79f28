//! Near copies among real candidates: the darkroom edits a photograph, the engine looks at what comes, and a search that
//! deduplicates gives children to no two that look the same.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use editscale_core::{
    CandidateId, EditRequest, EditorName, Image, ImageSize, Instruction, LocalEditor, LocalReward, MediaType,
    PerceptualHash, RewardName, RunId, SearchFactory, Seed, Silent,
};
use editscale_darkroom::{DarkroomEditor, DarkroomRecipe, PhotometricReward, Scenes};
use editscale_engine::{
    CandidateRecord, Job, Limits, Manifest, Ports, RunDirectory, StopSignal, ThreadedEditor, ThreadedReward, digest_of,
    read_run, run,
};
use editscale_picture::{DecodeCache, EncodeOptions, Looker, decode, decode_rgb8, encode, perceptual_hash};
use editscale_search::{Beam, BeamSize, EdgeMix, Likeness, Rules, StopRule, Weighted};

/// Most bits in which near copies differ here.
const BITS: u32 = 2;

const INSTRUCTION: &str = "make it brighter and increase the contrast";

/// A photograph of 160 pixels.
fn source() -> Image {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/photos/coffee.jpg");
    let picture = decode(&std::fs::read(path).unwrap(), &editscale_picture::Limits::default()).unwrap();
    let small = picture.pixels.reduced(160);
    let bytes: Arc<[u8]> = encode(&small, &picture.metadata, EncodeOptions::PNG).unwrap().into();
    let size = ImageSize { width: small.width(), height: small.height() };
    Image::new(digest_of(&bytes), MediaType::Png, size, Arc::new(bytes))
}

fn ports() -> Ports {
    let (pictures, scenes) = (Arc::new(DecodeCache::default()), Arc::new(Scenes::default()));
    let shared = (Arc::clone(&pictures), Arc::clone(&scenes));
    let editor = move || {
        let (pictures, scenes) = (Arc::clone(&pictures), Arc::clone(&scenes));
        let name = EditorName::new("darkroom").unwrap();
        let editor = DarkroomEditor::new(name, &DarkroomRecipe::default(), pictures, scenes);
        Ok(Box::new(editor.unwrap()) as Box<dyn LocalEditor>)
    };
    let reward = move || {
        let (pictures, scenes) = (Arc::clone(&shared.0), Arc::clone(&shared.1));
        let reward = PhotometricReward::new(RewardName::new("photometric").unwrap(), pictures, scenes);
        Ok(Box::new(reward.with_features()) as Box<dyn LocalReward>)
    };
    Ports {
        editors: vec![Arc::new(ThreadedEditor::spawn(editor).unwrap())],
        rewards: vec![Arc::new(ThreadedReward::spawn(reward).unwrap())],
        critics: Vec::new(),
        look: Arc::new(Looker),
        observer: Arc::new(Silent),
    }
}

fn beam(near: Likeness) -> Arc<dyn SearchFactory> {
    let objective = Weighted::new(vec![(RewardName::new("photometric").unwrap(), 1.0)]).unwrap();
    let rules = Rules { objective: Arc::new(objective), stop: StopRule::default() };
    let edges = EdgeMix { re_edit: 1.0, edit_of_edit: 2.0, fresh: 1.0 };
    let beam = Beam::new(BeamSize { width: 3, children: 3, depth: 2 }, edges, rules).unwrap();
    Arc::new(beam.deduplicated(near))
}

/// The candidates of a run in this folder.
fn candidates(search: Arc<dyn SearchFactory>, folder: &Path) -> Vec<CandidateRecord> {
    let request = EditRequest {
        source: source(),
        instruction: Instruction::new(INSTRUCTION).unwrap(),
        mask: None,
        output_size: None,
        seed: Seed::new(3).unwrap(),
    };
    let ports = ports();
    let (editors, rewards) = Manifest::revisions(&ports.cards());
    let manifest = Manifest {
        run: RunId::new("near-copies").unwrap(),
        program: "test".to_owned(),
        created: SystemTime::UNIX_EPOCH,
        request: request.clone(),
        source_name: "coffee.png".to_owned(),
        recipe: String::new(),
        resolved_recipe: String::new(),
        search: search.revision(),
        objective: "weighted".to_owned(),
        budget: Limits::default().budget,
        editors,
        rewards,
        critics: Vec::new(),
        continues: None,
    };
    let mut directory = RunDirectory::create(folder).unwrap();
    directory.begin(&manifest).unwrap();
    let (run_id, request) = (manifest.run.clone(), Arc::new(request));
    let job = Job { run: run_id, request, search, ports, limits: Limits::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(&job, &mut directory, StopSignal::never())).unwrap();
    read_run(folder).unwrap().candidates
}

/// The hashes of the pictures that are there.
fn hashes(candidates: &[CandidateRecord]) -> BTreeMap<CandidateId, PerceptualHash> {
    let hash = |each: &CandidateRecord| Some((each.proposal.id, each.made.as_ref()?.as_ref().ok()?.hash?));
    candidates.iter().filter_map(hash).collect()
}

/// The least distance between two candidates that have children in one round.
fn nearest_parents(candidates: &[CandidateRecord]) -> u32 {
    let hashes = hashes(candidates);
    let mut nearest = 64;
    for round in 1..=2 {
        let parents =
            candidates.iter().filter(|each| each.round == round).filter_map(|each| each.proposal.lineage.parent);
        let parents: std::collections::BTreeSet<CandidateId> = parents.collect();
        for (a, b) in parents.iter().flat_map(|a| parents.iter().map(move |b| (a, b))).filter(|(a, b)| a < b) {
            nearest = nearest.min(hashes[a].distance(hashes[b]));
        }
    }
    nearest
}

#[test]
fn near_copies_of_one_photograph_have_no_children_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    // A distance of 0 between equal bytes alone: it looks, and lets near copies be.
    let plain = candidates(beam(Likeness::new(Some(0), Some(1.0)).unwrap()), &folder.path().join("plain"));
    let distinct = candidates(beam(Likeness::new(Some(BITS), None).unwrap()), &folder.path().join("distinct"));
    assert!(nearest_parents(&plain) <= BITS, "touch-ups of one picture are near copies");
    assert!(nearest_parents(&distinct) > BITS);
}

#[test]
fn what_is_looked_at_is_the_picture_that_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let candidates = candidates(beam(Likeness::new(Some(BITS), None).unwrap()), &folder.path().join("run"));
    let hashes = hashes(&candidates);
    assert_eq!(hashes.len(), candidates.len());
    for each in &candidates {
        let bytes = each.made.as_ref().unwrap().as_ref().unwrap().image.read().unwrap();
        let pixels = decode_rgb8(&bytes, &editscale_picture::Limits::default()).unwrap();
        assert_eq!(hashes[&each.proposal.id].0, perceptual_hash(&pixels));
        let features = each.card.iter().next().unwrap().1.as_ref().unwrap().features();
        assert_eq!(features.map(|features| features.len()), Some(97), "read back from the journal");
    }
}
