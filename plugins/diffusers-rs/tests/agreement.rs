//! Agreement with editscale's own editor, which agrees with diffusers, on the same random weights; and of what the fixtures
//! of diffusers hold, with diffusers itself.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and shows what it measured"
)]

mod pipelines;

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use editscale_core::{Candidate, EditBatch, KnobName, LocalEditor, NobodyWatches, Start, Until};
use editscale_diffusers_rs::load::open;
use editscale_diffusers_rs::networks::{Autoencoder, ClipText, UNet};
use editscale_diffusers_rs::settings::Settings;
use editscale_models::editors::diffusion::{DiffusionEditor, DiffusionOptions, Injected};
use editscale_models::editors::instruct_pix2pix::{self, unet};
use editscale_models::editors::noise::normal;
use editscale_models::layers::Compute;
use editscale_models::layers::autoencoder_kl::AutoencoderKl;
use editscale_picture::{Limits, decode_rgb8};
use pipelines::{DEEP, FLAT, UNetShape, fixtures, image, item, most, name, pipeline, scheduler, source};
use serde_json::{Value, json};

/// How far a network's numbers may be apart.
const TOLERANCE: f32 = 1e-3;
/// How far latents may be apart, as a share of the largest: they begin as large as the sampler's greatest noise level.
const LATENTS: f32 = 1e-4;

fn settings(folder: &Path, more: &Value) -> Settings {
    let mut config = json!({"dir": folder, "steps": 4, "trajectory": true}).as_object().unwrap().clone();
    config.extend(more.as_object().unwrap().clone());
    Settings::read(config).unwrap()
}

/// Editscale's own editor under the same settings.
fn theirs(settings: &Settings) -> DiffusionEditor<instruct_pix2pix::InstructPix2Pix> {
    let options = instruct_pix2pix::Options {
        steps: settings.steps as usize,
        guidance: settings.guidance,
        image_guidance: settings.image_guidance,
        sampler: settings.sampler.kind(),
        eta: settings.eta,
        max_pixels: settings.max_pixels as usize,
        ..instruct_pix2pix::Options::on(Compute::cpu())
    };
    let injected = settings.latents.as_ref().map(|file| Injected::load(Path::new(file)).unwrap());
    let shared = DiffusionOptions {
        injected,
        keeps_trajectory: true,
        result_size: settings.result_size.size(),
        ..DiffusionOptions::new(false)
    };
    let (identity, pipeline) = instruct_pix2pix::load(Path::new(&settings.dir), name(), options, &shared).unwrap();
    DiffusionEditor::new(&identity, pipeline, shared).unwrap()
}

/// Two candidates of a picture, the second with other scales of guidance.
fn edit(editor: &mut dyn LocalEditor, case: &str) -> Vec<Candidate> {
    let source = image(&source(case));
    let mut items: Vec<_> = (0..2).map(|id| item(&source, id, Start::Source, Until::Finished)).collect();
    let knobs = &mut items[1].proposal.knobs;
    knobs.set(KnobName::new("guidance").unwrap(), 3.0).unwrap();
    knobs.set(KnobName::new("image_guidance").unwrap(), 2.0).unwrap();
    let made = editor.edit(&EditBatch { items }, &NobodyWatches);
    made.into_iter().map(|made| made.unwrap()).collect()
}

#[test]
fn whole_edits_are_those_of_the_candle_editor() {
    let table: [(&str, UNetShape, &str, Value); 8] = [
        ("pix2pix_f16", FLAT, "EulerAncestralDiscreteScheduler", json!({})),
        ("pix2pix_f16", FLAT, "DDIMScheduler", json!({})),
        ("pix2pix_f16", FLAT, "DDIMScheduler", json!({"eta": 0.6})),
        ("pix2pix_f16", FLAT, "PNDMScheduler", json!({"sampler": "ddim"})),
        ("pix2pix_f16", FLAT, "EulerAncestralDiscreteScheduler", json!({"guidance": 1.0})),
        ("pix2pix_f16", FLAT, "EulerAncestralDiscreteScheduler", json!({"max_pixels": 600, "result_size": "source"})),
        ("pix2pix_deep_bf16", DEEP, "EulerAncestralDiscreteScheduler", json!({})),
        ("pix2pix_deep_bf16", DEEP, "DDIMScheduler", json!({"eta": 1.0})),
    ];
    for (fixture, shape, class, more) in table {
        let folder = pipeline(fixture, shape, &scheduler(class));
        let settings = settings(folder.path(), &more);
        // Its sides are no multiples of the U-Net's resolutions.
        for case in ["euler", "ddim_tall"] {
            let ours = edit(&mut open(&settings, name()).unwrap(), case);
            let theirs = edit(&mut theirs(&settings), case);
            for (ours, theirs) in ours.iter().zip(&theirs) {
                let what = format!("{fixture} {class} {more} {case}");
                check_pair(ours, theirs, &what);
            }
        }
    }
}

fn check_pair(ours: &Candidate, theirs: &Candidate, what: &str) {
    let (way, other) = (ours.trajectory.as_ref().unwrap(), theirs.trajectory.as_ref().unwrap());
    assert_eq!((&way.shape, &way.timesteps, &way.sigmas), (&other.shape, &other.timesteps, &other.sigmas), "{what}");
    let off = most(&way.latents, &other.latents);
    let pixels = |candidate: &Candidate| decode_rgb8(&candidate.image.bytes, &Limits::default()).unwrap();
    let (picture, other_picture) = (pixels(ours), pixels(theirs));
    let levels = picture.data.iter().zip(&other_picture.data).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    let largest = way.latents.iter().fold(1.0, |most: f32, value| most.max(value.abs()));
    println!(
        "{what}: latents up to {largest:.1} within {off:.1e}, {:.1e} of the largest; pictures within {levels} levels",
        off / largest
    );
    assert!(off <= LATENTS * largest, "{what}: latents up to {largest} are off by {off}");
    assert_eq!(picture.data.len(), other_picture.data.len(), "{what}");
    assert!(levels <= 1, "{what}: pictures are off by {levels} levels");
    assert_eq!(ours.cost, theirs.cost, "{what}");
    assert_eq!(ours.notes, theirs.notes, "{what}");
}

#[test]
fn noise_of_a_file_takes_the_place_of_that_of_the_seeds() {
    let folder = pipeline("pix2pix_f16", FLAT, &scheduler("DDIMScheduler"));
    let file = folder.path().join("noise.safetensors");
    let seed = editscale_core::Seed::new(99).unwrap();
    let latents = Tensor::from_vec(normal(seed, 0, 2 * 4 * 4 * 6), (2, 4, 4, 6), &Device::Cpu).unwrap();
    candle_core::safetensors::save(&HashMap::from([("latents", latents)]), &file).unwrap();
    let injected = settings(folder.path(), &json!({"latents": file}));
    let ours = edit(&mut open(&injected, name()).unwrap(), "euler");
    for (ours, theirs) in ours.iter().zip(&edit(&mut theirs(&injected), "euler")) {
        check_pair(ours, theirs, "noise of a file");
    }
    let seeded = open(&settings(folder.path(), &json!({})), name()).unwrap();
    let revision = &open(&injected, name()).unwrap().card().revision.clone();
    assert_ne!(&seeded.card().revision, revision, "noise decides pictures");
}

/// The networks one by one, before anything is rounded to levels.
#[test]
fn networks_are_those_of_the_candle_editor() {
    for (fixture, shape) in [("pix2pix_f16", FLAT), ("pix2pix_deep_bf16", DEEP)] {
        let folder = pipeline(fixture, shape, &scheduler("DDIMScheduler"));
        let seed = editscale_core::Seed::new(3).unwrap();
        let random = |stream, shape: &[usize]| {
            Tensor::from_vec(normal(seed, stream, shape.iter().product()), shape, &Device::Cpu).unwrap()
        };
        let flat = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();

        let ours = Autoencoder::load(&folder.path().join("vae"), tch::Device::Cpu).unwrap();
        let theirs = AutoencoderKl::load(&folder.path().join("vae"), &Compute::cpu()).unwrap();
        let picture = random(0, &[1, 3, 40, 64]).clamp(-1.0, 1.0).unwrap();
        let encoded = most(&ours.encode(&flat(&picture), 40, 64).unwrap(), &flat(&theirs.encode(&picture).unwrap()));
        let latents = random(1, &[1, 4, 5, 7]);
        let scaled = (&latents / ours.config().scaling_factor).unwrap();
        let decoded = most(&ours.decode(&flat(&latents), 5, 7).unwrap(), &flat(&theirs.decode(&scaled).unwrap()));

        let ours = UNet::load(&folder.path().join("unet"), tch::Device::Cpu).unwrap();
        let theirs = unet::UNet::load(&folder.path().join("unet"), &Compute::cpu()).unwrap();
        let width = theirs.config().cross_attention_dim;
        let (latents, text) = (random(2, &[1, 8, 5, 7]), random(3, &[9, width]));
        let prepared = theirs.prepare(std::slice::from_ref(&text)).unwrap();
        let batch = unet::UNetBatch { latents: latents.clone(), timesteps: vec![321.0], text: prepared, of: vec![0] };
        let predicted = flat(&theirs.forward(&batch, &NobodyWatches).unwrap());
        let torch = |tensor: &Tensor| {
            let dims: Vec<i64> = tensor.dims().iter().map(|extent| *extent as i64).collect();
            tch::Tensor::from_slice(&flat(tensor)).view(dims.as_slice())
        };
        let ours = ours.predict(&torch(&latents), 321.0, &torch(&text).unsqueeze(0)).unwrap();
        let predicted = most(&ours, &predicted);
        println!("{fixture}: encoded {encoded:.1e}, decoded {decoded:.1e}, predicted {predicted:.1e}");
        assert!([encoded, decoded, predicted].iter().all(|off| *off <= TOLERANCE), "{fixture}");
    }
}

/// The text encoder and the autoencoder against what diffusers itself computed with the fixtures' weights.
#[test]
fn text_and_picture_are_those_of_diffusers() {
    for case in ["euler", "ddim_tall", "deep_euler"] {
        let folder = fixtures().join("cases").join(case);
        let told: Value = serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
        let tensors = candle_core::safetensors::load(folder.join("tensors.safetensors"), &Device::Cpu).unwrap();
        let tensor =
            |name: &str| tensors[name].to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let pipeline = fixtures().join("pipelines").join(told["pipeline"].as_str().unwrap());
        let ids: Vec<u32> = serde_json::from_value(told["ids"]["clip"].clone()).unwrap();
        let text = ClipText::load(&pipeline.join("text_encoder"), tch::Device::Cpu).unwrap();
        let off = most(&text.encode(&ids).unwrap(), &tensor("text.hidden"));
        assert!(off <= TOLERANCE, "{case}: the text is off by {off}");
        let autoencoder = Autoencoder::load(&pipeline.join("vae"), tch::Device::Cpu).unwrap();
        let picture = decode_rgb8(&std::fs::read(folder.join("source.png")).unwrap(), &Limits::default()).unwrap();
        let planes: Vec<f32> = (0..3)
            .flat_map(|channel| {
                picture.data.iter().skip(channel).step_by(3).map(|value| 2.0 * (f32::from(*value) / 255.0) - 1.0)
            })
            .collect();
        let read: [usize; 2] = serde_json::from_value(told["read"].clone()).unwrap();
        if read == [picture.width, picture.height] {
            let latents = autoencoder.encode(&planes, picture.height, picture.width).unwrap();
            let off = most(&latents, &tensor("source.latents"));
            assert!(off <= TOLERANCE, "{case}: the source is off by {off}");
        }
    }
}

#[test]
fn what_the_crate_cannot_build_is_refused_with_the_reason() {
    let refused = open(&settings(&fixtures().join("pipelines/pix2pix_f16"), &json!({})), name()).map(drop);
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("`norm_num_groups` is 4: expected 32") && said.contains("`instruct_pix2pix`"), "{said}");
    let said = open(&settings(&fixtures().join("pipelines/kontext_f16"), &json!({})), name()).map(drop);
    assert!(said.unwrap_err().to_string().contains("names another pipeline"));
    let said = open(&settings(Path::new("nowhere"), &json!({})), name()).map(drop).unwrap_err().to_string();
    assert!(said.contains("nowhere"), "{said}");
}
