//! InstructPix2Pix and FLUX.1 Kontext on the processor beside diffusers, with random pipelines of middle size: steps of both
//! denoisers, both decoders, and four candidates in one batch beside four requests of one.
//!
//! `OMP_WAIT_POLICY=passive RAYON_NUM_THREADS=2 EDITSCALE_PARITY_PYTHON=venv/bin/python cargo bench -p editscale-models
//! --bench editors`. Figures with their machine stand in `docs/benchmarks.md`.
//!
//! Our steps are calls of [`Pipeline::predict`], as the editor makes them: with guidance a candidate of InstructPix2Pix is
//! three rows of the UNet. The reference calls its network with as many rows, and nothing around it. What it
//! computes of the text in every step we compute once, before. Both sides take turns, the one that goes first changes.
//!
//! Arguments `networks`, `edits` and `steps` choose a part; `steps` are steps and decodings of all local editors alone, and want the
//! folders of `make_middle.py` beside the others. `EDITSCALE_ROUNDS` changes how often everything is measured.
//! `EDITSCALE_EDITORS` names a folder for the pipelines, which are made where they are missing; with one that has them, our
//! own times are measured without a Python, too.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails where it cannot go on")]

mod photograph;
mod reference;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use editscale_core::{
    CandidateId, Edge, EditBatch, EditCounters, EditItem, EditRequest, EditorName, Image, Instruction, KnobName, Knobs,
    Lineage, LocalEditor, NobodyWatches, Noise, Proposal, RunId, Seed, Start, Until,
};
use editscale_models::editors::diffusion::{Ask, DiffusionEditor, DiffusionOptions, Identity, Pipeline, Prepared, Row};
use editscale_models::editors::noise::normal;
use editscale_models::editors::{flux_kontext, instruct_pix2pix, qwen_image_edit, step1x_edit};
use editscale_models::layers::Compute;
use photograph::photograph;
use reference::{PYTHON, Reference, median, python, rounds, script, threads};
use serde::Deserialize;
use serde_json::{Value, json};

const SOURCE: &str = "examples/photos/flower.jpg";
const INSTRUCTION: &str = "Make the sky bluer and add a small boat on the lake";

/// Pixels of an edge, eight to a latent: 32×32 latents.
const PIX2PIX_EDGE: u32 = 256;
/// Sixteen to a token: 32×32 tokens of the result, and as many of the source.
const KONTEXT_EDGE: u32 = 512;
/// Tokens of Kontext's text.
const TEXT: usize = 128;

/// Pixels of an edge where whole edits are timed, and steps of a candidate.
const EDIT_EDGE: u32 = 256;
const STEPS: usize = 4;
/// Candidates of a batch there.
const CANDIDATES: u32 = 4;
/// Rounds of everything, where `EDITSCALE_ROUNDS` does not say.
const ROUNDS: usize = 7;
/// Rounds of edits, at most: each makes eight candidates of either model.
const EDIT_ROUNDS: usize = 3;

/// How long something took.
#[derive(Deserialize, Clone, Copy)]
struct Times {
    seconds: f64,
    /// Of all threads together: what other programs took of the machine is not in it.
    processor_seconds: f64,
}

impl Times {
    fn of(run: impl FnOnce()) -> Self {
        let (start, busy) = (Instant::now(), processor_seconds());
        run();
        Self { seconds: start.elapsed().as_secs_f64(), processor_seconds: processor_seconds() - busy }
    }
}

/// What this program has used of the processor, where the system tells, to a hundredth of a second.
fn processor_seconds() -> f64 {
    const TICKS_OF_A_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The program's name ends with the last bracket; user and system time are the 12th and 13th number behind it.
    let numbers = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    numbers.filter_map(|number| number.parse::<f64>().ok()).sum::<f64>() / TICKS_OF_A_SECOND
}

/// The folders of both pipelines.
struct Folders {
    pix2pix: PathBuf,
    kontext: PathBuf,
}

impl Folders {
    /// Makes the pipelines that are not there; none where that takes a Python that is not there.
    fn new(home: &Path, python: Option<&Path>) -> Option<Self> {
        let folder = |kind: &str| {
            let folder = home.join(kind);
            // Written last.
            if !folder.join("model_index.json").exists() {
                let mut command = Command::new(python?);
                command.arg(script("editors/make_pipelines.py")).args(["--mid", "--seed", "1", "--kind", kind]);
                let status = command.arg("--out").arg(&folder).stdout(std::process::Stdio::null()).status();
                assert!(status.unwrap().success(), "the pipeline was made");
            }
            Some(folder)
        };
        Some(Self { pix2pix: folder("instruct_pix2pix")?, kontext: folder("flux_kontext")? })
    }

    fn reference(&self, python: &Path) -> Reference {
        let arguments =
            ["--pix2pix".as_ref(), self.pix2pix.as_os_str(), "--kontext".as_ref(), self.kontext.as_os_str()];
        Reference::start(python, "editors/bench_reference.py", &arguments)
    }

    fn load_pix2pix(&self) -> (Identity, instruct_pix2pix::InstructPix2Pix) {
        let options = instruct_pix2pix::Options { steps: STEPS, ..instruct_pix2pix::Options::on(Compute::cpu()) };
        instruct_pix2pix::load(&self.pix2pix, editor_name(), options, &DiffusionOptions::new(false)).unwrap()
    }

    fn load_kontext(&self, edge: u32) -> (Identity, flux_kontext::FluxKontext) {
        let options = flux_kontext::Options {
            steps: STEPS,
            max_pixels: (edge * edge) as usize,
            is_source_fitted: false,
            text_tokens: TEXT,
            ..flux_kontext::Options::on(Compute::cpu())
        };
        flux_kontext::load(&self.kontext, editor_name(), options, &DiffusionOptions::new(false)).unwrap()
    }
}

fn editor_name() -> EditorName {
    EditorName::new("editor").unwrap()
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Something that both sides do.
struct Case<'a> {
    name: String,
    question: Value,
    ours: Box<dyn Fn() + 'a>,
}

impl Case<'_> {
    /// Both sides in turns, and a row of the table.
    fn measure(&self, mut reference: Option<&mut Reference>, rounds: usize) {
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        (self.ours)();
        for round in 0..rounds {
            let mut ask = || reference.as_mut().map(|it| it.ask::<Times>(&self.question.to_string()));
            if round % 2 == 0 {
                theirs.extend(ask());
            }
            ours.push(Times::of(&self.ours));
            if round % 2 == 1 {
                theirs.extend(ask());
            }
        }
        println!("| {} | {} |", self.name, columns(&theirs, &ours));
    }
}

/// Seconds of the fastest rounds, then the ratio of both sides' seconds, then that of their time on the processor.
fn columns(theirs: &[Times], ours: &[Times]) -> String {
    let seconds = |times: &[Times]| least(&times.iter().map(|times| times.seconds).collect::<Vec<_>>());
    let ratio = |of: fn(&Times) -> f64| {
        median(&ours.iter().zip(theirs).map(|(ours, theirs)| of(ours) / of(theirs)).collect::<Vec<_>>())
    };
    if theirs.is_empty() {
        return format!("| {:.3} | |", seconds(ours));
    }
    let (elapsed, busy) = (ratio(|times| times.seconds), ratio(|times| times.processor_seconds));
    format!("{:.3} | {:.3} | {elapsed:.2} | {busy:.2}", seconds(theirs), seconds(ours))
}

/// A candidate of a pipeline before its first step.
fn prepared<P: Pipeline>(pipeline: &mut P, start: &Image, knobs: &Knobs) -> Prepared<P::Conditions> {
    pipeline.prepare(Ask { start, instruction: INSTRUCTION, knobs, output_size: None }).unwrap()
}

/// A step of as many candidates, on noise.
fn step<'a, P: Pipeline>(
    pipeline: &'a P,
    prepared: &'a Prepared<P::Conditions>,
    candidates: u64,
    timestep: f32,
) -> Box<dyn Fn() + 'a> {
    let geometry = prepared.geometry;
    let noise = move |seed| P::LAYOUT.arranged(normal(Seed::new(seed).unwrap(), 0, geometry.count()), geometry);
    let noise: Vec<Vec<f32>> = (0..candidates).map(noise).collect();
    Box::new(move || {
        let row = |input: &Vec<f32>| Row { conditions: &prepared.conditions, geometry, input: input.clone(), timestep };
        let rows: Vec<_> = noise.iter().map(row).collect();
        black_box(pipeline.predict(&rows, &NobodyWatches).unwrap());
    })
}

/// Decoding the picture of noise.
fn decoding<'a, P: Pipeline>(pipeline: &'a P, prepared: &Prepared<P::Conditions>) -> Box<dyn Fn() + 'a> {
    let geometry = prepared.geometry;
    let noise = normal(Seed::new(1).unwrap(), 0, geometry.count());
    Box::new(move || drop(black_box(pipeline.decode(&[&noise], geometry).unwrap())))
}

fn measure_networks(folders: &Folders, mut reference: Option<&mut Reference>, rounds: usize) {
    let (_, mut pix2pix) = folders.load_pix2pix();
    let (_, mut kontext) = folders.load_kontext(KONTEXT_EDGE);
    let mut unguided = Knobs::default();
    unguided.set(KnobName::new("guidance").unwrap(), 1.0).unwrap();
    let source = photograph(SOURCE, PIX2PIX_EDGE, None);
    let plain = prepared(&mut pix2pix, &source, &unguided);
    let guided = prepared(&mut pix2pix, &source, &Knobs::default());
    let tokens = prepared(&mut kontext, &photograph(SOURCE, KONTEXT_EDGE, None), &Knobs::default());
    let unet = |what: &str, rows: u64, ours| Case {
        name: format!("UNet, {what} ({rows} rows of 32×32 latents)"),
        question: json!({ "unet": { "rows": rows, "side": 32 } }),
        ours,
    };
    let transformer = |rows: u64| Case {
        name: format!("Kontext, {rows} × (32×32 + 32×32 + {TEXT}) tokens"),
        question: json!({ "transformer": { "rows": rows, "side": 32, "text": TEXT } }),
        ours: step(&kontext, &tokens, rows, 0.5),
    };
    let decoder = |name: &str, side: usize, ours| Case {
        name: format!("decoder of {name}, {0}×{0} pixels", 8 * side),
        question: json!({ "decode": { "model": name, "rows": 1, "side": side } }),
        ours,
    };
    let cases = [
        unet("one candidate without guidance", 1, step(&pix2pix, &plain, 1, 501.0)),
        unet("one candidate", 3, step(&pix2pix, &guided, 1, 501.0)),
        unet("four candidates", 12, step(&pix2pix, &guided, 4, 501.0)),
        transformer(1),
        decoder("instruct_pix2pix", 32, decoding(&pix2pix, &guided)),
        decoder("flux_kontext", 64, decoding(&kontext, &tokens)),
    ];
    println!("| what | diffusers | ours | ours / diffusers | on the processor |\n|---|---|---|---|---|");
    cases.iter().for_each(|case| case.measure(reference.as_deref_mut(), rounds));
}

/// A step with guidance and a decoding by one pipeline alone: seconds of the fastest round, then the least on the processor.
fn measure_step<P: Pipeline>(name: &str, edge: u32, (_, mut pipeline): (Identity, P), rounds: usize) {
    let prepared = prepared(&mut pipeline, &photograph(SOURCE, edge, None), &Knobs::default());
    let time = prepared.sampler.timesteps()[0];
    for (what, ours) in [("step", step(&pipeline, &prepared, 1, time)), ("decoding", decoding(&pipeline, &prepared))] {
        let times: Vec<Times> = (0..=rounds).map(|_| Times::of(&ours)).skip(1).collect();
        let seconds = least(&times.iter().map(|times| times.seconds).collect::<Vec<_>>());
        let busy = least(&times.iter().map(|times| times.processor_seconds).collect::<Vec<_>>());
        println!("| {name} {edge}×{edge}, {what} | {seconds:.3} | {busy:.2} |");
    }
}

/// The pipelines that are there, of a folder.
fn measure_steps(home: &Path, folders: &Folders, rounds: usize) {
    let (step1x, qwen) = (home.join("step1x_edit"), home.join("qwen_image_edit"));
    let shared = DiffusionOptions::new(false);
    println!("| what | s | on the processor, s |\n|---|---|---|");
    measure_step("InstructPix2Pix", PIX2PIX_EDGE, folders.load_pix2pix(), rounds);
    measure_step("Kontext", KONTEXT_EDGE, folders.load_kontext(KONTEXT_EDGE), rounds);
    if step1x.exists() {
        let options =
            step1x_edit::Options { size_level: KONTEXT_EDGE as usize, ..step1x_edit::Options::on(Compute::cpu()) };
        let files = step1x_edit::Files { dir: Some(step1x), ..step1x_edit::Files::default() };
        measure_step(
            "Step1X-Edit",
            KONTEXT_EDGE,
            step1x_edit::load(&files, editor_name(), options, &shared).unwrap(),
            rounds,
        );
    }
    if qwen.exists() {
        let pixels = (KONTEXT_EDGE * KONTEXT_EDGE) as usize;
        let options = qwen_image_edit::Options {
            max_pixels: pixels,
            source_pixels: pixels,
            ..qwen_image_edit::Options::on(Compute::cpu())
        };
        measure_step(
            "Qwen-Image-Edit",
            KONTEXT_EDGE,
            qwen_image_edit::load(&qwen, editor_name(), options, &shared).unwrap(),
            rounds,
        );
    }
}

/// The item of a candidate of a request.
fn item(request: &Arc<EditRequest>, id: u32) -> EditItem {
    let proposal = Proposal {
        id: CandidateId(id),
        editor: editor_name(),
        start: Start::Source,
        until: Until::Finished,
        seed: Seed::new(u64::from(id)).unwrap(),
        noise: Noise::Own,
        instruction: INSTRUCTION.into(),
        knobs: Knobs::default(),
        lineage: Lineage { parent: None, edge: Edge::Fresh },
    };
    let start = request.source.clone();
    EditItem {
        run: RunId::new("run").unwrap(),
        request: Arc::clone(request),
        proposal,
        start,
        path: Vec::new(),
        earlier: None,
    }
}

/// Makes a batch with an editor that has seen nothing before; loading it does not count.
fn edit<P: Pipeline>(load: impl Fn() -> (Identity, P), items: Vec<EditItem>) -> (Times, EditCounters) {
    let (identity, pipeline) = load();
    let mut editor = DiffusionEditor::new(&identity, pipeline, DiffusionOptions::new(false)).unwrap();
    let (batch, mut made) = (EditBatch { items }, Vec::new());
    let times = Times::of(|| made = editor.edit(&batch, &NobodyWatches));
    let mut counters = EditCounters::default();
    made.into_iter().for_each(|made| counters += made.unwrap().counters);
    (times, counters)
}

/// The same for as many requests, one after the other.
fn edit_apart<P: Pipeline>(load: impl Fn() -> (Identity, P), items: Vec<EditItem>) -> (Times, EditCounters) {
    let add = |(all, mut counters): (Times, EditCounters), item| {
        let (times, counted) = edit(&load, vec![item]);
        counters += counted;
        let seconds = all.seconds + times.seconds;
        (Times { seconds, processor_seconds: all.processor_seconds + times.processor_seconds }, counters)
    };
    items.into_iter().fold((Times { seconds: 0.0, processor_seconds: 0.0 }, EditCounters::default()), add)
}

/// One batch beside as many requests of one candidate each.
fn measure_edits<P: Pipeline>(name: &str, load: impl Fn() -> (Identity, P), rounds: usize) {
    let request = Arc::new(EditRequest {
        source: photograph(SOURCE, EDIT_EDGE, None),
        instruction: Instruction::new(INSTRUCTION).unwrap(),
        mask: None,
        output_size: None,
        seed: Seed::new(1).unwrap(),
    });
    let items = || (0..CANDIDATES).map(|id| item(&request, id)).collect();
    let (mut apart, mut batch, mut counted) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        if round % 2 == 0 {
            batch.push(edit(&load, items()));
        }
        apart.push(edit_apart(&load, items()));
        if round % 2 == 1 {
            batch.push(edit(&load, items()));
        }
    }
    for (_, counters) in [&apart[0], &batch[0]] {
        let EditCounters { text_encodes, image_encodes, denoiser_passes, image_decodes, .. } = counters;
        counted.push(format!("{text_encodes} / {image_encodes} / {denoiser_passes} / {image_decodes}"));
    }
    let times = |of: &[(Times, EditCounters)]| of.iter().map(|(times, _)| *times).collect::<Vec<_>>();
    println!("| {name} | {} | {} |", columns(&times(&apart), &times(&batch)), counted.join(" | "));
}

fn main() {
    let home = std::env::var_os("EDITSCALE_EDITORS").map(PathBuf::from);
    let can_do_without = home.is_some() && std::env::var_os(PYTHON).is_none();
    let python = if can_do_without { None } else { python() };
    let rounds = rounds(ROUNDS);
    let passing = tempfile::tempdir().unwrap();
    let home = home.as_deref().unwrap_or(passing.path());
    let Some(folders) = Folders::new(home, python.as_deref()) else { return };
    println!("{} threads, f32, {rounds} rounds; seconds of the fastest, ratios are medians of rounds\n", threads());
    let parts: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if is_wanted("networks") {
        let mut reference = python.map(|python| folders.reference(&python));
        measure_networks(&folders, reference.as_mut(), rounds);
    }
    // Only where it is asked for: what the other two measure is among it.
    if parts.iter().any(|part| part == "steps") {
        measure_steps(home, &folders, rounds);
    }
    if is_wanted("edits") {
        let counted = "counted are texts / sources encoded / passes of the denoiser / pictures decoded";
        println!("\n{EDIT_EDGE}×{EDIT_EDGE} pixels, {STEPS} steps; {counted}\n");
        println!(
            "| model | {CANDIDATES} requests | one batch | batch / requests | on the processor | apart | in a batch |"
        );
        println!("|---|---|---|---|---|---|---|");
        let rounds = rounds.min(EDIT_ROUNDS);
        measure_edits("InstructPix2Pix", || folders.load_pix2pix(), rounds);
        measure_edits("Kontext", || folders.load_kontext(EDIT_EDGE), rounds);
    }
}
