//! The committed cases of `tests/parity/editors`, for tests of all editors.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use candle_core::{DType, Device, Tensor};
use editscale_core::{
    Candidate, CandidateId, Digest, Edge, EditBatch, EditCounters, EditItem, EditRequest, EditorName, Image, ImageSize,
    Instruction, Knobs, Lineage, LocalEditor, MediaType, NobodyWatches, Noise, Proposal, RunId, Seed, Start,
    TowerPictures, Until, Watch,
};
use editscale_picture::{Limits, Rgb8, decode_rgb8};
use serde::Deserialize;

use crate::editors::diffusion::{DiffusionEditor, DiffusionOptions, Injected, Pipeline};
use crate::editors::samplers::Sampler;
use crate::layers::Compute;
use crate::weights::Storage;

/// Relative to the largest number of what is compared: ten times the reference's own rounding. Texts are held to this.
pub(super) const TIGHT: f32 = 2e-5;
/// The same for sources, for the denoiser's answers, and for what comes of them.
pub(super) const LOOSE: f32 = 1e-4;

/// Wants the work until it has been asked a number of times.
pub(super) struct CancelsAfter(AtomicU32);

impl CancelsAfter {
    pub(super) fn new(looks: u32) -> Self {
        Self(AtomicU32::new(looks))
    }
}

impl Watch for CancelsAfter {
    fn cancelled(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
    }
}

pub(super) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/editors")
}

/// One run of the reference.
#[derive(Deserialize)]
pub(super) struct Case {
    pub(super) pipeline: String,
    pub(super) kind: String,
    pub(super) request: Asked,
    pub(super) read: [usize; 2],
    pub(super) output: [usize; 2],
    pub(super) latents: [usize; 3],
    pub(super) branches: usize,
    pub(super) steps_made: usize,
    #[serde(skip)]
    pub(super) name: String,
    #[serde(skip)]
    pub(super) tensors: HashMap<String, Tensor>,
    #[serde(skip)]
    folder: PathBuf,
}

#[derive(Deserialize, Clone)]
pub(super) struct Asked {
    pub(super) instruction: String,
    pub(super) steps: usize,
    pub(super) guidance: f64,
    pub(super) image_guidance: f64,
    pub(super) eta: f64,
    pub(super) candidates: usize,
    pub(super) height: Option<u32>,
    pub(super) width: Option<u32>,
    pub(super) max_area: Option<usize>,
    pub(super) max_sequence_length: Option<usize>,
    pub(super) auto_resize: Option<bool>,
}

/// The cases of one kind.
pub(super) fn cases(kind: &str) -> Vec<Case> {
    let cases: Vec<Case> = cases_in(&fixtures().join("cases")).into_iter().filter(|case| case.kind == kind).collect();
    assert!(cases.len() >= 8, "{} cases of {kind}", cases.len());
    cases
}

/// The cases of a folder, in the order of their names.
pub(super) fn cases_in(folder: &Path) -> Vec<Case> {
    let entries = fs::read_dir(folder).expect("the cases");
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    let read = |folder: PathBuf| {
        let case: Case = serde_json::from_slice(&fs::read(folder.join("case.json")).expect("a case")).expect("a case");
        let tensors =
            candle_core::safetensors::load(folder.join("tensors.safetensors"), &Device::Cpu).expect("tensors");
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        Case { name, tensors, folder, ..case }
    };
    folders.into_iter().map(read).collect()
}

impl Case {
    /// What an editor's own tests need to know of the case beside what all have.
    pub(super) fn own<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&fs::read(self.folder.join("case.json")).expect("a case")).expect("a case")
    }

    /// Puts a file of the case's noise into a folder.
    pub(super) fn save_noise(&self, folder: &Path) {
        candle_core::safetensors::save(&self.noise(), folder.join("noise.safetensors")).expect("noise");
    }

    /// A copy of the case's pipeline with the case's own scheduler, and with a file of the case's noise.
    pub(super) fn pipeline_folder(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        copy(&fixtures().join("pipelines").join(&self.pipeline), folder.path());
        let scheduler = folder.path().join("scheduler/scheduler_config.json");
        fs::copy(self.folder.join("scheduler_config.json"), scheduler).expect("the scheduler");
        self.save_noise(folder.path());
        folder
    }

    fn noise(&self) -> HashMap<String, Tensor> {
        let unpacked = self.tensors.get("initial_latents.unpacked");
        let latents = unpacked.or_else(|| self.tensors.get("initial_latents")).expect("initial latents").clone();
        let steps: Vec<Tensor> =
            (0..self.steps_made).filter_map(|step| self.tensors.get(&format!("noise.{step}")).cloned()).collect();
        let noise = (steps.len() == self.steps_made).then(|| Tensor::stack(&steps, 1).expect("noise"));
        let noise = noise.map(|noise| ("noise".to_owned(), noise));
        std::iter::once(("latents".to_owned(), latents)).chain(noise).collect()
    }

    pub(super) fn source(&self) -> Image {
        image(&self.folder.join("source.png"))
    }

    pub(super) fn output_size(&self) -> Option<ImageSize> {
        Some(ImageSize { width: self.request.width?, height: self.request.height? })
    }

    /// The item of a candidate, numbered from 0.
    pub(super) fn item(&self, id: u32, start: Start, until: Until) -> EditItem {
        let request = EditRequest {
            source: self.source(),
            // The empty text is no instruction of a request; a proposal may have it.
            instruction: Instruction::new("x").unwrap(),
            mask: None,
            output_size: self.output_size(),
            seed: Seed::new(1).unwrap(),
        };
        let proposal = Proposal {
            id: CandidateId(id),
            editor: editor_name(),
            start,
            until,
            seed: Seed::new(u64::from(id)).unwrap(),
            noise: Noise::Own,
            instruction: self.request.instruction.as_str().into(),
            knobs: Knobs::default(),
            lineage: Lineage { parent: None, edge: Edge::Fresh },
        };
        let (run, start) = (RunId::new("run").unwrap(), request.source.clone());
        EditItem { run, request: Arc::new(request), proposal, start, path: Vec::new(), earlier: None }
    }

    pub(super) fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("{}: no tensor `{name}`", self.name))
    }

    /// Checks numbers against all of a tensor.
    pub(super) fn close(&self, name: &str, ours: &[f32], tolerance: f32) {
        let theirs: Vec<f32> =
            self.tensor(name).flatten_all().unwrap().to_dtype(DType::F32).unwrap().to_vec1().unwrap();
        let off = off(ours, &theirs);
        assert!(off <= tolerance, "{}: `{name}` is off by {off}", self.name);
    }

    /// Checks numbers against one candidate's part of a tensor.
    fn close_part(&self, name: &str, candidate: usize, ours: &[f32], tolerance: f32) {
        let off = off(ours, &self.part(name, candidate));
        assert!(off <= tolerance, "{}: `{name}` of candidate {candidate} is off by {off}", self.name);
    }

    /// One candidate's part of a tensor.
    pub(super) fn part(&self, name: &str, candidate: usize) -> Vec<f32> {
        self.tensor(name).get(candidate).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    /// Every step of the sampler, from what the reference had before it.
    pub(super) fn check_sampler(&self, sampler: &dyn Sampler, arrange: impl Fn(Vec<f32>) -> Vec<f32>) {
        if self.tensors.contains_key("sigmas") {
            self.close("sigmas", sampler.sigmas(), 1e-5);
        }
        let guided = |step: usize| {
            let name = format!("guided.{step}");
            if self.tensors.contains_key(&name) { name } else { format!("denoiser.{step}") }
        };
        for candidate in 0..self.request.candidates {
            let unit = self.part("initial_latents", candidate);
            let mut latents: Vec<f32> = unit.iter().map(|value| value * sampler.initial_scale()).collect();
            for step in 0..self.steps_made {
                let prediction = self.part(&guided(step), candidate);
                let noise = if sampler.adds_noise(step) {
                    arrange(self.part(&format!("noise.{step}"), candidate))
                } else {
                    Vec::new()
                };
                let clean = sampler.clean(step, &latents, &prediction);
                let after = sampler.step(step, &latents, &prediction, &noise).latents;
                self.close_part(&format!("clean.{step}"), candidate, &clean, TIGHT);
                self.close_part(&format!("latents.{step}"), candidate, &after, TIGHT);
                latents = self.part(&format!("latents.{step}"), candidate);
            }
        }
    }

    /// The whole edit: latents at the end, and pictures to the level.
    pub(super) fn check_edit<P: Pipeline>(&self, editor: &mut DiffusionEditor<P>) -> Vec<Candidate> {
        let count = self.request.candidates as u32;
        let items = (0..count).map(|id| self.item(id, Start::Source, Until::Finished)).collect();
        let made = editor.edit(&EditBatch { items }, &NobodyWatches);
        let made: Vec<Candidate> = made.into_iter().map(|made| made.expect("a candidate")).collect();
        for (at, candidate) in made.iter().enumerate() {
            self.close_part("final.latents", at, final_latents(candidate), LOOSE);
            // A request for another shape is worked on in that shape, and brought to the very size at the end.
            let asked = self.output_size().map(|size| [size.width as usize, size.height as usize]);
            if asked.is_none_or(|asked| asked == self.output) {
                self.check_picture(at, &pixels_of(&candidate.image.bytes));
            }
        }
        made
    }

    /// What making its candidates took: so many texts were encoded, and the source once for all. Answers what vision towers saw.
    pub(super) fn check_counters(&self, made: &[Candidate], text_encodes: u64) -> TowerPictures {
        let mut counters = EditCounters::default();
        made.iter().for_each(|candidate| counters += candidate.counters);
        let expected = EditCounters {
            text_encodes,
            image_encodes: 1,
            denoiser_passes: self.steps_made as u64,
            image_decodes: self.request.candidates as u64,
            pictures: counters.pictures,
            ..EditCounters::default()
        };
        assert_eq!(counters, expected, "{}", self.name);
        counters.pictures
    }

    /// A candidate's picture, to the level.
    pub(super) fn check_picture(&self, candidate: usize, picture: &Rgb8) {
        let image = self.tensor("image").get(candidate).unwrap();
        assert_eq!([picture.width, picture.height], self.output, "{}", self.name);
        let theirs: Vec<u8> = image.flatten_all().unwrap().to_vec1().unwrap();
        let most = picture.data.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(1), "{}: the picture of candidate {candidate} is off by {most:?}", self.name);
    }
}

/// The largest difference, relative to the largest number of the reference.
pub(super) fn off(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(1e-3_f32, |most, value| most.max(value.abs()));
    ours.iter().zip(theirs).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs())) / largest
}

/// Where a candidate's way ends.
pub(super) fn final_latents(candidate: &Candidate) -> &[f32] {
    let way = candidate.trajectory.as_ref().expect("a trajectory");
    &way.latents[way.latents.len() - way.shape.iter().product::<usize>()..]
}

/// One candidate of an editor.
pub(super) fn make<P: Pipeline>(editor: &mut DiffusionEditor<P>, item: EditItem) -> Candidate {
    editor.edit(&EditBatch { items: vec![item] }, &NobodyWatches).remove(0).expect("a candidate")
}

/// A seed is the same picture alone and among others, to the level.
pub(super) fn check_batches<P: Pipeline>(case: &Case, mut editor: DiffusionEditor<P>) {
    let items: Vec<_> = (0..4).map(|id| case.item(id, Start::Source, Until::Finished)).collect();
    let together = editor.edit(&EditBatch { items: items.clone() }, &NobodyWatches);
    for (item, among) in items.into_iter().zip(together) {
        let alone = make(&mut editor, item);
        same_pictures(&alone.image.bytes, &among.expect("a candidate").image.bytes, 1, &case.name);
    }
}

/// A narrow type goes through every layer, and its picture comes near; on the processor, which convolves no brain floats.
pub(super) fn check_half_precision<P: Pipeline>(case: &Case, editor: impl Fn(Compute) -> DiffusionEditor<P>) {
    let picture = |dtype| {
        let compute = Compute { device: Device::Cpu, dtype, kept: Storage::As(dtype) };
        make(&mut editor(compute), case.item(0, Start::Source, Until::Finished)).image.bytes
    };
    same_pictures(&picture(DType::F16), &picture(DType::F32), 6, &case.name);
}

/// Paused after a step and gone on from equals never paused. The answer is the paused one, the resumed one, and the whole.
pub(super) fn check_pause<P: Pipeline>(case: &Case, editor: &mut DiffusionEditor<P>) -> [Candidate; 3] {
    let whole = make(editor, case.item(0, Start::Source, Until::Finished));
    let paused = make(editor, case.item(0, Start::Source, Until::Step(1)));
    let mut resumed = case.item(1, Start::Paused(CandidateId(0)), Until::Finished);
    resumed.proposal.seed = Seed::new(0).unwrap();
    let resumed = make(editor, resumed);
    assert_eq!(resumed.trajectory, whole.trajectory, "{}", case.name);
    assert_eq!(resumed.image.bytes, whole.image.bytes, "{}", case.name);
    [paused, resumed, whole]
}

/// What the shared loop is told of a case's folder.
pub(super) fn injecting(folder: &Path) -> DiffusionOptions {
    let injected = Injected::load(&folder.join("noise.safetensors")).expect("noise");
    DiffusionOptions { injected: Some(injected), keeps_trajectory: true, ..DiffusionOptions::new(false) }
}

pub(super) fn editor_name() -> EditorName {
    EditorName::new("editor").unwrap()
}

fn pixels_of(bytes: &[u8]) -> Rgb8 {
    decode_rgb8(bytes, &Limits::default()).expect("a picture")
}

/// Two files whose pixels differ by so many levels at most.
fn same_pictures(ours: &[u8], theirs: &[u8], levels: u8, name: &str) {
    let (ours, theirs) = (pixels_of(ours), pixels_of(theirs));
    assert_eq!((ours.width, ours.height), (theirs.width, theirs.height), "{name}");
    let most = ours.data.iter().zip(&theirs.data).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(most <= Some(levels), "{name}: the pictures differ by {most:?} levels");
}

pub(super) fn image(path: &Path) -> Image {
    let bytes: Arc<[u8]> = fs::read(path).expect("a picture").into();
    let facts = editscale_picture::probe(&bytes, &Limits::default()).expect("a picture");
    let size = ImageSize { width: facts.width, height: facts.height };
    Image::new(Digest::from_bytes(*blake3::hash(&bytes).as_bytes()), MediaType::Png, size, Arc::new(bytes))
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}
