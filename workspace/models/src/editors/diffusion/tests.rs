//! The shared loop over a pipeline whose networks are plain formulas.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use candle_core::{DType, Device, Tensor};
use editscale_core::{
    CandidateId, Digest, Edge, EditBatch, EditCounters, EditItem, EditRequest, EditorName, Failure, FailureKind, Image,
    ImageSize, Instruction, KnobName, Knobs, Lineage, LocalEditor, MediaType, NobodyWatches, Noise, Proposal, RunId,
    Seed, Start, Until, Watch,
};
use editscale_picture::Rgb8;

use super::*;
use crate::editors::cancel::unless_cancelled;
use crate::editors::cases::CancelsAfter;
use crate::editors::noise;
use crate::editors::samplers::{Ddim, DiffusionConfig, EulerAncestral, FlowConfig, FlowEuler, Sampler};

mod steering;

const STEPS: usize = 6;

/// Predicts a share of the latents plus a number that the instruction stands for; the sampler is given.
#[derive(Debug)]
struct Formula {
    sampler: Arc<dyn Sampler>,
    row_bytes: u64,
    breaks_at: Option<f32>,
    /// How many numbers its answers lack.
    lacks: usize,
    /// The most rows that its memory holds.
    most_rows: usize,
    /// How many of the first pictures of a call have no level.
    undecodable: usize,
    /// What loading took since it was asked last, in milliseconds.
    load_ms: AtomicU64,
}

impl Pipeline for Formula {
    type Conditions = f32;

    const LAYOUT: Layout = Layout::Planes;

    fn prepare(&mut self, ask: Ask<'_>) -> Result<Prepared<f32>, Failure> {
        let strength = ask.knobs.get("guidance").unwrap_or(1.0) as f32;
        Ok(Prepared {
            conditions: ask.instruction.len() as f32 * 0.1 * strength,
            geometry: Geometry { channels: 3, rows: 4, columns: 5 },
            sampler: Arc::clone(&self.sampler),
            evaluations: 2,
            activations: Activations { pass: 0, row: self.row_bytes, decode: self.row_bytes },
            notes: Vec::new(),
            counters: EditCounters { text_encodes: 1, ..EditCounters::default() },
        })
    }

    fn predict(&self, rows: &[Row<'_, f32>], watch: &dyn Watch) -> candle_core::Result<Vec<Vec<f32>>> {
        // As between two blocks.
        unless_cancelled(watch)?;
        if rows.len() > self.most_rows {
            candle_core::bail!("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")");
        }
        let broken = |row: &Row<'_, f32>| self.breaks_at.is_some_and(|at| row.timestep <= at);
        let said = |row: &Row<'_, f32>| {
            let of = |x: &f32| if broken(row) { f32::NAN } else { 0.4 * x + *row.conditions - row.timestep * 1e-4 };
            row.input.iter().skip(self.lacks).map(of).collect()
        };
        Ok(rows.iter().map(said).collect())
    }

    fn decode(&self, latents: &[&[f32]], geometry: Geometry) -> candle_core::Result<Vec<Option<Rgb8>>> {
        // Every difference of latents is to be seen.
        let byte = |value: &f32| ((value * 7.3).rem_euclid(1.0) * 255.0) as u8;
        let picture = |latents: &&[f32]| Rgb8 {
            width: geometry.columns,
            height: geometry.rows,
            data: latents.iter().map(byte).collect(),
        };
        Ok(latents.iter().enumerate().map(|(at, it)| (at >= self.undecodable).then(|| picture(it))).collect())
    }

    fn device(&self) -> &Device {
        &Device::Cpu
    }

    fn take_load_ms(&self) -> u64 {
        self.load_ms.swap(0, Ordering::Relaxed)
    }
}

fn config() -> DiffusionConfig {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scheduler_config.json");
    let text = r#"{"_class_name": "EulerAncestralDiscreteScheduler", "beta_schedule": "scaled_linear", "beta_start": 0.00085,
        "beta_end": 0.012, "clip_sample": false}"#;
    std::fs::write(&file, text).unwrap();
    DiffusionConfig::read(&file).unwrap()
}

fn samplers() -> Vec<Arc<dyn Sampler>> {
    vec![
        Arc::new(EulerAncestral::new(&config(), STEPS)),
        Arc::new(Ddim::new(&config(), STEPS, 0.0)),
        Arc::new(Ddim::new(&config(), STEPS, 1.0)),
        Arc::new(FlowEuler::new(&FlowConfig::published(), STEPS, 64, 0.0)),
        Arc::new(FlowEuler::new(&FlowConfig::published(), STEPS, 64, 0.7)),
    ]
}

fn editor_with(sampler: &Arc<dyn Sampler>, options: DiffusionOptions, row_bytes: u64) -> DiffusionEditor<Formula> {
    let identity = Identity {
        name: EditorName::new("formula").unwrap(),
        revision: "formula/1".into(),
        steps: STEPS,
        most_evaluations: 2,
        is_stochastic: sampler.is_stochastic(),
        knobs: vec![Knob { name: "guidance", default: 0.5, low: 1.0, high: 3.0 }],
    };
    let pipeline = Formula {
        sampler: Arc::clone(sampler),
        row_bytes,
        breaks_at: None,
        lacks: 0,
        most_rows: 100,
        undecodable: 0,
        load_ms: AtomicU64::new(0),
    };
    DiffusionEditor::new(&identity, pipeline, options).unwrap()
}

fn editor(sampler: &Arc<dyn Sampler>) -> DiffusionEditor<Formula> {
    let options = DiffusionOptions { keeps_trajectory: true, ..DiffusionOptions::new(false) };
    editor_with(sampler, options, 1)
}

fn item(id: u32, seed: u64, start: Start, until: Until) -> EditItem {
    let bytes: Arc<[u8]> = Arc::from(&b"source"[..]);
    let size = ImageSize { width: 10, height: 8 };
    let source = Image::new(Digest::from_bytes([7; 32]), MediaType::Png, size, Arc::new(bytes));
    let request = EditRequest {
        source: source.clone(),
        instruction: Instruction::new("make it better").unwrap(),
        mask: None,
        output_size: None,
        seed: Seed::new(1).unwrap(),
    };
    let proposal = Proposal {
        id: CandidateId(id),
        editor: EditorName::new("formula").unwrap(),
        start,
        until,
        seed: Seed::new(seed).unwrap(),
        noise: Noise::Own,
        instruction: request.instruction.shared(),
        knobs: Knobs::default(),
        lineage: Lineage { parent: None, edge: Edge::Fresh },
    };
    let run = RunId::new("run").unwrap();
    EditItem { run, request: Arc::new(request), proposal, start: source, path: Vec::new(), earlier: None }
}

fn fresh(id: u32, seed: u64) -> EditItem {
    item(id, seed, Start::Source, Until::Finished)
}

fn edit(editor: &mut DiffusionEditor<Formula>, items: &[EditItem]) -> Vec<Result<editscale_core::Candidate, Failure>> {
    editor.edit(&EditBatch { items: items.to_vec() }, &NobodyWatches)
}

fn good(editor: &mut DiffusionEditor<Formula>, items: &[EditItem]) -> Vec<editscale_core::Candidate> {
    edit(editor, items).into_iter().map(|result| result.expect("a candidate")).collect()
}

#[test]
fn a_seed_is_the_same_picture_in_any_batch() {
    for sampler in samplers() {
        let items: Vec<EditItem> = (0..5).map(|at| fresh(at, 100 + u64::from(at))).collect();
        let together = good(&mut editor(&sampler), &items);
        for cut in [1, 2, 3] {
            let mut apart =
                editor_with(&sampler, DiffusionOptions { activation_bytes: cut, ..DiffusionOptions::new(false) }, 1);
            let apart = good(&mut apart, &items);
            for (one, other) in together.iter().zip(&apart) {
                assert_eq!(one.image.bytes, other.image.bytes, "{sampler:?}");
            }
            let passes: u64 = apart.iter().map(|each| each.counters.denoiser_passes).sum();
            assert_eq!(passes, STEPS as u64 * 5_u64.div_ceil(cut));
        }
        let passes: u64 = together.iter().map(|each| each.counters.denoiser_passes).sum();
        assert_eq!(passes, STEPS as u64, "one pass a step for all");
        assert!(together.iter().all(|each| each.cost.nfe == 2 * STEPS as u64));
        let other = good(&mut editor(&sampler), &[fresh(9, 100)]);
        assert_eq!(other[0].image.bytes, together[0].image.bytes, "the number of a candidate does not matter");
    }
}

#[test]
fn paused_and_gone_on_from_equals_never_paused() {
    for sampler in samplers() {
        let whole = good(&mut editor(&sampler), &[fresh(0, 5)]).remove(0);
        for at in 0..=STEPS as u32 {
            let mut editor = editor(&sampler);
            let paused = good(&mut editor, &[item(0, 5, Start::Source, Until::Step(at))]).remove(0);
            assert_eq!(paused.trajectory.as_ref().unwrap().steps(), at as usize);
            let resumed = item(1, 5, Start::Paused(CandidateId(0)), Until::Finished);
            let resumed = good(&mut editor, &[resumed]).remove(0);
            assert_eq!(resumed.image.bytes, whole.image.bytes, "{sampler:?} paused at {at}");
            assert_eq!(resumed.trajectory, whole.trajectory, "{sampler:?} paused at {at}");
            assert_eq!(paused.cost.nfe + resumed.cost.nfe, whole.cost.nfe, "the preview costs nothing more");
        }
    }
}

#[test]
fn a_fork_has_noise_of_its_own_where_the_sampler_adds_any() {
    for sampler in samplers() {
        let mut editor = editor(&sampler);
        good(&mut editor, &[item(0, 5, Start::Source, Until::Step(3))]);
        let forks: Vec<EditItem> =
            (0..3).map(|at| item(1 + at, 50 + u64::from(at), Start::Paused(CandidateId(0)), Until::Finished)).collect();
        let forks = good(&mut editor, &forks);
        let differ = forks[0].image.bytes != forks[1].image.bytes && forks[1].image.bytes != forks[2].image.bytes;
        assert_eq!(differ, sampler.is_stochastic(), "{sampler:?}");
        let ways: Vec<_> = forks.iter().map(|fork| fork.trajectory.clone().unwrap()).collect();
        let before = 4 * ways[0].latents.len() / (STEPS + 1);
        assert_eq!(ways[0].latents[..before], ways[1].latents[..before], "they part after the pause");
    }
}

#[test]
fn a_state_that_was_let_go_is_made_again_from_its_path() {
    for sampler in samplers() {
        let first = item(0, 5, Start::Source, Until::Step(2));
        let second = item(1, 6, Start::Paused(CandidateId(0)), Until::Step(4));
        let third = item(2, 7, Start::Paused(CandidateId(1)), Until::Finished);
        let mut held = editor(&sampler);
        good(&mut held, std::slice::from_ref(&first));
        good(&mut held, &[EditItem { path: vec![first.proposal.clone()], ..second.clone() }]);
        let path = vec![first.proposal.clone(), second.proposal.clone()];
        let third = EditItem { path, ..third };
        let expected = good(&mut held, std::slice::from_ref(&third)).remove(0);
        let mut anew = editor(&sampler);
        let made = good(&mut anew, std::slice::from_ref(&third)).remove(0);
        assert_eq!((made.image.bytes, made.trajectory), (expected.image.bytes.clone(), expected.trajectory.clone()));
        assert_eq!(made.cost.nfe, 2 * STEPS as u64, "all of it was made");
        held.release(&[(third.run.clone(), CandidateId(0)), (third.run.clone(), CandidateId(1))]);
        assert_eq!(held.paused_bytes(), 0);
        assert_eq!(good(&mut held, std::slice::from_ref(&third)).remove(0).image.bytes, expected.image.bytes);
        let none = DiffusionOptions { paused_bytes: 0, ..DiffusionOptions::new(false) };
        let mut forgetful = editor_with(&sampler, none, 1);
        good(&mut forgetful, std::slice::from_ref(&first));
        assert_eq!(forgetful.paused_bytes(), 0, "nothing is held beyond the bound");
        assert_eq!(good(&mut forgetful, &[third]).remove(0).image.bytes, expected.image.bytes);
    }
}

#[test]
fn what_cannot_be_gone_on_from_is_said() {
    let sampler = &samplers()[0];
    let mut editor = editor(sampler);
    good(&mut editor, &[item(0, 5, Start::Source, Until::Step(4))]);
    let unknown = item(1, 5, Start::Paused(CandidateId(8)), Until::Finished);
    let back = item(2, 5, Start::Paused(CandidateId(0)), Until::Step(3));
    let results = edit(&mut editor, &[unknown, back, fresh(3, 1)]);
    let said: Vec<String> =
        results.iter().filter_map(|result| result.as_ref().err()).map(ToString::to_string).collect();
    assert_eq!(said.len(), 2);
    assert!(said[0].contains("was not paused by this editor"), "{}", said[0]);
    assert!(said[1].contains("paused at step 4"), "{}", said[1]);
}

/// What a batch of forks of one lost state has cost, all together, is what its card says at most.
#[test]
fn making_a_state_again_is_paid_once_and_within_the_card() {
    for sampler in samplers() {
        let first = item(0, 5, Start::Source, Until::Step(3));
        let fork = |id: u32, guidance: f64| {
            let mut fork = item(id, 60 + u64::from(id), Start::Paused(CandidateId(0)), Until::Finished);
            fork.path = vec![first.proposal.clone()];
            fork.proposal.knobs.set(KnobName::new("guidance").unwrap(), guidance).unwrap();
            fork
        };
        let forks = [fork(1, 2.0), fork(2, 3.0), fork(3, 2.0)];
        let mut forgetful = editor(&sampler);
        let made = good(&mut forgetful, &forks);
        let most = forgetful.card().cost.nfe;
        assert_eq!(made[0].cost.nfe, most, "the way there, and on");
        assert_eq!([made[1].cost.nfe, made[2].cost.nfe], [most / 2; 2], "on from there only");
        // With other settings the paused state's last answer is not taken for theirs.
        let mut held = editor(&sampler);
        good(&mut held, std::slice::from_ref(&first));
        for (held, remade) in good(&mut held, &forks).iter().zip(&made) {
            assert_eq!(held.image.bytes, remade.image.bytes);
            assert_eq!(held.cost.nfe, most / 2);
        }
        let mut broken = editor(&sampler);
        broken.pipeline.breaks_at = Some(sampler.timesteps()[1]);
        let costs: Vec<u64> =
            edit(&mut broken, &forks).iter().map(|made| made.as_ref().unwrap_err().cost.nfe).collect();
        assert_eq!(costs, [4, 0, 0], "two evaluations of two steps, once");
        // Stopped once the state is there, before anything goes on from it.
        let cancelled = editor(&sampler).edit(&EditBatch { items: forks.to_vec() }, &CancelsAfter::new(6));
        let costs: Vec<u64> = cancelled.iter().map(|made| made.as_ref().unwrap_err().cost.nfe).collect();
        assert_eq!(costs, [6, 0, 0], "two evaluations of three steps, once");
    }
}

#[test]
fn lost_states_are_made_again_together() {
    let sampler = &samplers()[0];
    let roots: Vec<EditItem> = (0..3).map(|id| item(id, u64::from(id), Start::Source, Until::Step(2))).collect();
    let on = |root: &EditItem| {
        let id = root.proposal.id;
        let on = item(10 + id.0, 70 + u64::from(id.0), Start::Paused(id), Until::Finished);
        EditItem { path: vec![root.proposal.clone()], ..on }
    };
    let on: Vec<EditItem> = roots.iter().map(on).collect();
    let made = good(&mut editor(sampler), &on);
    let passes: u64 = made.iter().map(|made| made.counters.denoiser_passes).sum();
    assert_eq!(passes, STEPS as u64, "two passes there and four on, for all three");
    let mut held = editor(sampler);
    good(&mut held, &roots);
    assert!(good(&mut held, &on).iter().zip(&made).all(|(held, made)| held.image.bytes == made.image.bytes));
}

#[test]
fn what_failed_candidates_shared_is_on_the_account_of_one_that_did_not() {
    let mut editor = editor(&samplers()[1]);
    // The first of the batch has the first pass on its account, and answers beyond single precision.
    let mut broken = fresh(0, 1);
    broken.proposal.knobs.set(KnobName::new("guidance").unwrap(), 1e39).unwrap();
    let results = edit(&mut editor, &[broken, fresh(1, 2), fresh(2, 3)]);
    assert_eq!(results[0].as_ref().unwrap_err().kind, FailureKind::Malformed);
    let mut counters = EditCounters::default();
    results.iter().flatten().for_each(|candidate| counters += candidate.counters);
    let passes = STEPS as u64;
    let expected = EditCounters { text_encodes: 3, denoiser_passes: passes, image_decodes: 2, ..Default::default() };
    assert_eq!(counters, expected);
    // The same where the one that has the passes on its account has no picture in the end.
    let mut editor = self::editor(&samplers()[1]);
    editor.pipeline.undecodable = 1;
    let results = edit(&mut editor, &[fresh(0, 1), fresh(1, 2), fresh(2, 3)]);
    assert_eq!(results[0].as_ref().unwrap_err().kind, FailureKind::Malformed);
    let mut counters = EditCounters::default();
    results.iter().flatten().for_each(|candidate| counters += candidate.counters);
    assert_eq!(counters, expected);
}

#[test]
fn the_time_that_loading_takes_is_on_one_account() {
    let mut editor = editor(&samplers()[1]);
    let mut broken = fresh(0, 1);
    broken.proposal.knobs.set(KnobName::new("guidance").unwrap(), 1e39).unwrap();
    let batch = [broken, fresh(1, 2), fresh(2, 3)];
    for took in [1700, 0] {
        editor.pipeline.load_ms = AtomicU64::new(took);
        let results = edit(&mut editor, &batch);
        let told: Vec<u64> = results.iter().flatten().map(|candidate| candidate.counters.load_ms).collect();
        assert_eq!(told, [took, 0]);
    }
}

#[test]
fn sizes_that_no_picture_may_have_are_refused_before_anything_is_paid() {
    let mut item = fresh(0, 1);
    let size = Some(ImageSize { width: 1 << 15, height: 1 << 15 });
    item.request = Arc::new(EditRequest { output_size: size, ..(*item.request).clone() });
    let failure = edit(&mut editor(&samplers()[0]), &[item.clone()]).remove(0).unwrap_err();
    assert!(failure.cost.nfe == 0 && failure.message.contains("pixels"), "{failure}");
    item.request =
        Arc::new(EditRequest { output_size: Some(ImageSize { width: 0, height: 9 }), ..(*item.request).clone() });
    let failure = edit(&mut editor(&samplers()[0]), &[item]).remove(0).unwrap_err();
    assert!(failure.message.contains("no pixels"), "{failure}");
}

#[test]
fn a_knob_reaches_to_what_the_recipe_says() {
    let editor = editor(&samplers()[0]);
    let [knob] = &editor.card().knobs[..] else { panic!("one knob") };
    assert_eq!((knob.name.as_str(), knob.low, knob.default, knob.high), ("guidance", 0.5, 0.5, 3.0));
}

#[test]
fn cancelling_ends_all_within_a_pass_and_counts_what_was_spent() {
    // One look before each candidate is begun; then one before each pass, and another within it.
    let all = 2 + 2 * STEPS as u32;
    for (looks, evaluations) in [(0, 0), (1, 0), (2, 0), (3, 0), (8, 6), (9, 6), (all - 1, 2 * (STEPS as u64 - 1))] {
        let mut editor = editor(&samplers()[1]);
        let batch = EditBatch { items: vec![fresh(0, 1), fresh(1, 2)] };
        for failure in editor.edit(&batch, &CancelsAfter::new(looks)) {
            let failure = failure.unwrap_err();
            assert_eq!((failure.kind, failure.cost.nfe), (FailureKind::Cancelled, evaluations), "{looks} looks");
        }
    }
}

#[test]
fn an_answer_that_is_no_number_fails_its_candidate_only() {
    let mut editor = editor(&samplers()[1]);
    editor.pipeline.breaks_at = Some(500.0);
    let failure = edit(&mut editor, &[fresh(0, 1)]).remove(0).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed);
    assert!(failure.message.contains("not finite") && failure.cost.nfe > 0, "{failure}");
}

#[test]
fn an_answer_that_is_not_one_for_each_of_the_latents_is_no_picture() {
    let mut editor = editor(&samplers()[1]);
    editor.pipeline.lacks = 1;
    let failure = edit(&mut editor, &[fresh(0, 1)]).remove(0).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Crashed);
    assert!(
        failure.message.contains("before step 1 has 59 numbers: expected 60") && failure.cost.nfe == 2,
        "{failure}"
    );
}

#[test]
fn noise_from_a_file_takes_the_place_of_the_seeds() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("noise.safetensors");
    let random = |shape: &[usize]| Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap();
    let tensors = std::collections::HashMap::from([
        ("latents".to_owned(), random(&[2, 3, 4, 5])),
        ("noise".to_owned(), random(&[2, STEPS, 3, 4, 5])),
    ]);
    candle_core::safetensors::save(&tensors, &file).unwrap();
    let load = || DiffusionOptions { injected: Some(Injected::load(&file).unwrap()), ..DiffusionOptions::new(false) };
    for sampler in samplers() {
        let mut editor = editor_with(&sampler, DiffusionOptions { keeps_trajectory: true, ..load() }, 1);
        let [zero, one, same] =
            [(0, 1), (1, 2), (0, 3)].map(|(id, seed)| good(&mut editor, &[fresh(id, seed)]).remove(0));
        assert_eq!(zero.image.bytes, same.image.bytes, "seeds do not matter");
        assert_ne!(zero.image.bytes, one.image.bytes);
        let expected: Vec<f32> = tensors["latents"].get(1).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let began = &one.trajectory.unwrap().latents[..60];
        let off = began.iter().zip(&expected).map(|(a, b)| (a - b * sampler.initial_scale()).abs()).fold(0.0, f32::max);
        assert!(off < 1e-6);
        let said = edit(&mut editor, &[fresh(2, 1)]).remove(0).unwrap_err().to_string();
        assert!(said.contains("noise.safetensors") && said.contains("[2] rows"), "{said}");
    }
    candle_core::safetensors::save(&std::collections::HashMap::from([("latents", random(&[1, 4, 4, 5]))]), &file)
        .unwrap();
    let mut editor = editor_with(&samplers()[0], load(), 1);
    let said = edit(&mut editor, &[fresh(0, 1)]).remove(0).unwrap_err().to_string();
    assert!(said.contains("[4, 4, 5]") && said.contains("[3, 4, 5]"), "{said}");
    let wrong = Tensor::zeros((1, 2), DType::F32, &Device::Cpu).unwrap();
    candle_core::safetensors::save(&std::collections::HashMap::from([("latents", wrong)]), &file).unwrap();
    assert!(Injected::load(&file).unwrap_err().to_string().contains("expected 4 dimensions"));
}

#[test]
fn pictures_are_brought_to_the_size_that_is_asked_for() {
    let sampler = &samplers()[1];
    let size = |options: DiffusionOptions, asked: Option<ImageSize>| {
        let mut item = fresh(0, 1);
        item.request = Arc::new(EditRequest { output_size: asked, ..(*item.request).clone() });
        let size = good(&mut editor_with(sampler, options, 1), &[item]).remove(0).image.size;
        (size.width, size.height)
    };
    let to_source = || DiffusionOptions { result_size: ResultSize::Source, ..DiffusionOptions::new(false) };
    assert_eq!(size(DiffusionOptions::new(false), None), (5, 4));
    assert_eq!(size(to_source(), None), (10, 8));
    assert_eq!(size(to_source(), Some(ImageSize { width: 7, height: 3 })), (7, 3));
}

#[test]
fn a_card_that_runs_out_of_memory_is_asked_for_less_at_a_time() {
    let sampler = &samplers()[0];
    let items: Vec<EditItem> = (0..5).map(|at| fresh(at, u64::from(at))).collect();
    let expected = good(&mut editor(sampler), &items);
    let mut small = editor(sampler);
    small.pipeline.most_rows = 2;
    let made = good(&mut small, &items);
    assert!(made.iter().zip(&expected).all(|(made, expected)| made.image.bytes == expected.image.bytes));
    small.pipeline.most_rows = 0;
    let failure = edit(&mut small, &items).remove(0).unwrap_err();
    assert!(failure.message.contains("`activation_mib`"), "{failure}");
}

#[test]
fn masks_are_refused() {
    let mut item = fresh(0, 1);
    item.request = Arc::new(EditRequest { mask: Some(item.start.clone()), ..(*item.request).clone() });
    let failure = edit(&mut editor(&samplers()[0]), &[item]).remove(0).unwrap_err();
    assert!(failure.message.contains("mask"));
}
