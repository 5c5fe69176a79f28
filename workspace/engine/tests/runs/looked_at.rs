//! How pictures look: asked for only where the search wants to know, once for each picture, and known again after a resume.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use editscale_core::{
    CandidateId, Cards, Decision, EditRequest, Need, PerceptualHash, Remaining, Search, SearchFactory, Trial,
};
use editscale_engine::read_run;
use editscale_testkit::FakeLook;

use crate::{Scene, World, carry_out, copy_run, policy, scene};

/// Looks at pictures, or does not.
const LOOKING: usize = 3;

fn looking(kind: usize) -> (Scene, FakeLook) {
    let mut scene = scene(&World { kind, ..World::default() });
    let look = FakeLook::default();
    scene.job.ports.look = Arc::new(look.clone());
    (scene, look)
}

#[test]
fn pictures_are_looked_at_once_and_only_where_the_search_wants_to_know() {
    for kind in [0, LOOKING] {
        let (scene, look) = looking(kind);
        let path = scene.folder.path().join("run");
        carry_out(&scene.job, &path);
        let record = read_run(&path).unwrap();
        let hashes = record.candidates.iter().map(|each| each.made.as_ref().unwrap().as_ref().unwrap().hash);
        let (known, all) = (hashes.clone().flatten().count(), hashes.count());
        let wants = policy(kind).looks();
        assert_eq!(look.asked.load(Ordering::Relaxed), if wants { all as u64 } else { 0 }, "kind {kind}");
        assert_eq!((known > 0, known < all), (wants, true), "kind {kind}: every seventh cannot be read");
        let text = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
        assert_eq!(text.matches("\"perceptual_hash\"").count(), known, "kind {kind}");
    }
}

/// Remembers what it is told of looks.
#[derive(Debug)]
struct Told(Arc<dyn SearchFactory>, Arc<std::sync::Mutex<BTreeMap<CandidateId, Option<PerceptualHash>>>>);

struct Telling(Box<dyn Search>, Arc<std::sync::Mutex<BTreeMap<CandidateId, Option<PerceptualHash>>>>);

impl SearchFactory for Told {
    fn revision(&self) -> String {
        self.0.revision()
    }

    fn needs(&self) -> Vec<Need> {
        self.0.needs()
    }

    fn largest_run(&self) -> u64 {
        self.0.largest_run()
    }

    fn looks(&self) -> bool {
        self.0.looks()
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        Box::new(Telling(self.0.start(request, cards), Arc::clone(&self.1)))
    }
}

impl Search for Telling {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        let mut told = self.1.lock().unwrap();
        for trial in trials {
            let Trial::Scored { id, hash, .. } = trial else { continue };
            told.insert(*id, *hash);
        }
        self.0.decide(trials, left)
    }
}

/// I3, I11: a run that is taken up tells its search what it was told before, and looks at no picture that it has looked at.
#[test]
fn a_run_taken_up_anywhere_knows_how_its_pictures_look() {
    let told_of = |path: &std::path::Path, lines: Option<usize>| {
        let (mut scene, look) = looking(LOOKING);
        let told = Arc::default();
        scene.job.search = Arc::new(Told(scene.job.search, Arc::clone(&told)));
        let into = scene.folder.path().join("run");
        if let Some(lines) = lines {
            copy_run(path, &into, lines);
        }
        carry_out(&scene.job, &into);
        let told = told.lock().unwrap().clone();
        (scene, into, told, look.asked.load(Ordering::Relaxed))
    };
    let (_kept, path, expected, asked) = told_of(std::path::Path::new(""), None);
    assert_eq!(asked, expected.len() as u64);
    let text = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for cut in (0..=lines.len()).step_by(5) {
        let known = lines[..cut].iter().filter(|line| line.contains("\"event\":\"edited\"")).count() as u64;
        let (_, _, told, again) = told_of(&path, Some(cut));
        assert_eq!((told, again), (expected.clone(), asked - known), "cut at {cut}");
    }
}

#[test]
fn a_hash_that_is_none_is_a_named_error() {
    let (scene, _) = looking(LOOKING);
    let path = scene.folder.path().join("run");
    carry_out(&scene.job, &path);
    let text = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
    let at = text.find("\"perceptual_hash\":\"").unwrap() + "\"perceptual_hash\":\"".len();
    for bad in ["+0123456789abcde", "xyz", ""] {
        let changed = format!("{}{bad}{}", &text[..at], &text[at + 16..]);
        std::fs::write(path.join("journal.jsonl"), changed).unwrap();
        let error = read_run(&path).unwrap_err().to_string();
        assert!(error.contains("expected 16 hexadecimal digits"), "{error}");
    }
}
