//! Folders of models, of which one file is not as it should be: all that is wrong is told, and a folder in which nothing is wrong
//! can be loaded and used.
//!
//! The first byte chooses the file, and what follows takes its place; nothing takes it away. The folders are those of the tests.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use editscale_core::{EditorName, ImageSize, MediaType};
use editscale_fuzz::end_at_our_own_panics;
use editscale_models::editors::diffusion::DiffusionOptions;
use editscale_models::editors::{Depth, flux_kontext, instruct_pix2pix, verify_to};
use editscale_models::encoders::vision_language::{EncoderPlaces, EncoderPrompt, VisionLanguageEncoder};
use editscale_models::layers::Compute;
use editscale_models::load::LoadError;
use editscale_models::rewards::editreward::{self, Directory, EditReward, Pair};
use editscale_testkit::{named_picture, png};
use libfuzzer_sys::fuzz_target;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../workspace/models/tests/fixtures");

const KONTEXT: &str = "editors/pipelines/kontext_f16";
const PIX2PIX: &str = "editors/pipelines/pix2pix_f16";
const ENCODER: &str = "encoders/models/pipeline_f16";
const JUDGE: &str = "editreward/models/small_budget_f16";

/// Those that can be replaced. Seeds go by the order: what is new comes last.
const FILES: [(&str, &str); 35] = [
    (KONTEXT, "model_index.json"),
    (KONTEXT, "scheduler/scheduler_config.json"),
    (KONTEXT, "text_encoder/config.json"),
    (KONTEXT, "text_encoder/model.safetensors"),
    (KONTEXT, "text_encoder_2/config.json"),
    (KONTEXT, "tokenizer/merges.txt"),
    (KONTEXT, "tokenizer/special_tokens_map.json"),
    (KONTEXT, "tokenizer/tokenizer_config.json"),
    (KONTEXT, "tokenizer/vocab.json"),
    (KONTEXT, "tokenizer_2/tokenizer.json"),
    (KONTEXT, "tokenizer_2/tokenizer_config.json"),
    (KONTEXT, "transformer/config.json"),
    (KONTEXT, "transformer/diffusion_pytorch_model.safetensors.index.json"),
    (KONTEXT, "vae/config.json"),
    (PIX2PIX, "model_index.json"),
    (PIX2PIX, "scheduler/scheduler_config.json"),
    (PIX2PIX, "text_encoder/config.json"),
    (PIX2PIX, "tokenizer/added_tokens.json"),
    (PIX2PIX, "tokenizer/tokenizer.json"),
    (PIX2PIX, "tokenizer/tokenizer_config.json"),
    (PIX2PIX, "unet/config.json"),
    (PIX2PIX, "vae/config.json"),
    (ENCODER, "processor/preprocessor_config.json"),
    (ENCODER, "processor/tokenizer.json"),
    (ENCODER, "text_encoder/config.json"),
    (JUDGE, "config.json"),
    (JUDGE, "preprocessor_config.json"),
    (JUDGE, "prompts/instruction_following.txt"),
    (JUDGE, "prompts/tail.txt"),
    (JUDGE, "tokenizer.json"),
    (JUDGE, "tokenizer_config.json"),
    (JUDGE, "chat_template.jinja"),
    (JUDGE, "chat_template.json"),
    (JUDGE, "model.safetensors"),
    (JUDGE, "model.safetensors.index.json"),
];

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder").keep();
    for base in [KONTEXT, PIX2PIX, ENCODER, JUDGE] {
        copy(&Path::new(FIXTURES).join(base), &folder.join(base));
    }
    folder
});

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the folder of a test") {
        let from = entry.expect("the folder of a test").path();
        let to = to.join(from.file_name().expect("a name"));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("a file is copied");
        }
    }
}

fn look(base: &str, is_weights: bool) {
    let folder = FOLDER.join(base);
    let name = EditorName::new("local").expect("a name");
    let (compute, shared) = (Compute::cpu(), DiffusionOptions::new(false));
    let loaded = match base {
        KONTEXT if verify_to(&folder, Depth::Headers).is_ok() => {
            let options = flux_kontext::Options { steps: 1, ..flux_kontext::Options::on(compute) };
            flux_kontext::load(&folder, name, options, &shared).map(drop)
        }
        PIX2PIX if verify_to(&folder, Depth::Headers).is_ok() => {
            let options = instruct_pix2pix::Options { steps: 1, ..instruct_pix2pix::Options::on(compute) };
            instruct_pix2pix::load(&folder, name, options, &shared).map(drop)
        }
        JUDGE if editreward::verify(&folder).is_ok() => judge(folder, compute),
        ENCODER => return encode(&folder, &compute),
        _ => return,
    };
    // Weights may hold what is no number, or end behind their header.
    if let (false, Err(error)) = (is_weights, loaded) {
        panic!("nothing is wrong with it, but it cannot be loaded: {error}");
    }
}

fn judge(folder: PathBuf, compute: Compute) -> Result<(), LoadError> {
    let mut judge = EditReward::load(&Directory::Folder(folder), editreward::Options::on(compute))?;
    let size = ImageSize { width: 32, height: 16 };
    let picture = |colour| named_picture(png(size, colour), MediaType::Png, size);
    let (source, edited) = (picture([10, 20, 30]), picture([200, 100, 50]));
    let said = judge.judge(&[Pair { source, edited, instruction: "make it brighter".into() }], &|| false);
    assert_eq!(said.len(), 1, "one verdict a pair");
    Ok(())
}

fn encode(folder: &Path, compute: &Compute) {
    let Ok(places) = EncoderPlaces::of(folder) else { return };
    let Ok(encoder) = VisionLanguageEncoder::open(&places, compute) else { return };
    let Ok(ids) = encoder.words().ids("make it brighter") else { return };
    let prompt = EncoderPrompt { ids: &ids, pictures: &[], visible: None };
    if let Ok(encoded) = encoder.encode(&prompt) {
        assert_eq!(encoded.positions.len(), ids.len(), "one place a token");
    }
}

fuzz_target!(init: end_at_our_own_panics(), |bytes: &[u8]| {
    let Some((file, rest)) = bytes.split_first() else { return };
    let (base, name) = FILES[usize::from(*file) % FILES.len()];
    let path = FOLDER.join(base).join(name);
    if rest.is_empty() { drop(fs::remove_file(&path)) } else { fs::write(&path, rest).expect("a file is written") }
    look(base, name.ends_with(".safetensors"));
    match fs::copy(Path::new(FIXTURES).join(base).join(name), &path) {
        Ok(_) => {}
        Err(_) => drop(fs::remove_file(&path)),
    }
});
