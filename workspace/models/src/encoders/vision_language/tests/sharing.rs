//! What is loaded once and computed once.

use std::sync::Arc;

use editscale_core::{Image, ImageSize, MediaType};

use super::*;
use crate::layers::RopeTables;
use crate::layers::qwen25_vl::canonical;
use crate::rewards::editreward::{Directory, EditReward, Options, Pair};
use crate::weights::{Checkpoint, Storage};

#[test]
fn weights_of_the_same_content_are_loaded_once() {
    let (folder, first) = alone("plain_bf16");
    let second = opened(folder.path());
    assert!(first.shares_weights_with(&second));
    // Other files with the same bytes.
    let copy = copied(folder.path());
    assert!(first.shares_weights_with(&opened(copy.path())));
    // One number is another.
    changed_weights(copy.path());
    assert!(!first.shares_weights_with(&opened(copy.path())));
    // One that no sample holds.
    let copy = copied(folder.path());
    let file = copy.path().join("model-00002-of-00002.safetensors");
    let mut bytes = fs::read(&file).unwrap();
    let place = bytes.len() / 4;
    bytes[place] ^= 1;
    fs::write(&file, bytes).unwrap();
    let sample = |folder: &Path| Checkpoint::open(folder, canonical).unwrap().sample().unwrap();
    assert_eq!(sample(copy.path()), sample(folder.path()));
    assert!(!first.shares_weights_with(&opened(copy.path())));
    // Another type.
    let half = Compute { kept: Storage::Stored, ..Compute::cpu() };
    let places = EncoderPlaces::of(folder.path()).unwrap();
    assert!(!first.shares_weights_with(&VisionLanguageEncoder::open(&places, &half).unwrap()));
}

#[test]
fn other_tables_share_weights_and_no_pictures() {
    let (folder, exact) = alone("plain_bf16");
    let places = EncoderPlaces { tables: RopeTables::Official, ..EncoderPlaces::of(folder.path()).unwrap() };
    let official = VisionLanguageEncoder::open(&places, &Compute::cpu()).unwrap();
    assert!(exact.shares_weights_with(&official));
    let states = |encoder: &VisionLanguageEncoder| encode(encoder, "wide.png").to_vec2::<f32>().unwrap();
    assert_ne!(states(&exact), states(&official));
    for encoder in [&exact, &official] {
        assert_eq!(encoder.counters(), EncoderCounters { pictures_computed: 1, pictures_found: 0, prompts: 1 });
    }
}

/// The states of a prompt with a picture.
fn encode(encoder: &VisionLanguageEncoder, name: &str) -> candle_core::Tensor {
    let pictures = [encoder.picture(&pixels(name), encoder.bounds()).unwrap()];
    let ids = encoder.expanded(&[5, encoder.words().picture(), 6], &pictures);
    encoder.encode(&EncoderPrompt { ids: &ids, pictures: &pictures, visible: None }).unwrap().states
}

#[test]
fn a_picture_is_computed_once() {
    let (folder, first) = alone("pipeline_f16");
    let second = opened(folder.path());
    let right = encode(&first, "wide.png").to_vec2::<f32>().unwrap();
    assert_eq!(encode(&first, "wide.png").to_vec2::<f32>().unwrap(), right);
    assert_eq!(encode(&second, "wide.png").to_vec2::<f32>().unwrap(), right);
    assert_eq!(first.counters(), EncoderCounters { pictures_computed: 1, pictures_found: 2, prompts: 2 });
    // The same picture twice in a prompt, and another one.
    let picture = |name: &str| first.picture(&pixels(name), first.bounds()).unwrap();
    let pictures = [picture("tall.png"), picture("tall.png"), picture("wide.png")];
    let pad = first.words().picture();
    let ids = first.expanded(&[5, pad, 6, pad, pad], &pictures);
    first.encode(&EncoderPrompt { ids: &ids, pictures: &pictures, visible: None }).unwrap();
    assert_eq!(second.counters(), EncoderCounters { pictures_computed: 2, pictures_found: 4, prompts: 1 });
}

/// A judge's folder as an encoder: what both see alike is computed once, whoever sees it first.
#[test]
fn the_judge_finds_what_an_editor_has_seen() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/editreward");
    let folder = copied(&models.join("models/small_budget_f16"));
    changed_weights(folder.path());
    let encoder = opened(folder.path());
    let read = |name: &str| fs::read(models.join("cases/budget").join(name)).unwrap();
    let bytes = read("source.png");
    let picture = encoder.picture(&decode_rgb8(&bytes, &Limits::default()).unwrap(), encoder.bounds()).unwrap();
    let ids = encoder.expanded(&[encoder.words().picture()], std::slice::from_ref(&picture));
    encoder.encode(&EncoderPrompt { ids: &ids, pictures: &[picture], visible: None }).unwrap();
    assert_eq!(encoder.counters().pictures_computed, 1);
    let pair = Pair { source: image(&bytes), edited: image(&read("negative.png")), instruction: "warmer".into() };
    let judged = |options: Options| {
        let mut judge = EditReward::load(&Directory::Folder(folder.path().to_owned()), options).unwrap();
        judge.judge(std::slice::from_ref(&pair), &|| false).remove(0).unwrap()
    };
    let options = |shares, rope_tables| Options { shares, rope_tables, ..Options::on(Compute::cpu()) };
    // With other tables nothing is shared but weights.
    let official = judged(options(true, RopeTables::Official));
    assert_eq!((official.counters.image_encodes, encoder.counters().pictures_computed), (2, 1));
    assert_eq!(judged(options(false, RopeTables::Official)).fused, official.fused, "sharing weights changes nothing");
    let shared = judged(options(true, RopeTables::Exact));
    assert_eq!(shared.counters.image_encodes, 1, "the edited picture");
    assert_eq!((encoder.counters().pictures_computed, encoder.counters().pictures_found), (2, 1));
    let alone = judged(options(false, RopeTables::Exact));
    assert_eq!(alone.counters.image_encodes, 2);
    assert!(
        (alone.fused.mean - shared.fused.mean).abs() < 1e-5 && (alone.fused.sigma - shared.fused.sigma).abs() < 1e-5
    );
    assert_eq!(encoder.counters().pictures_computed, 2, "a judge that shares nothing moves no counter");
}

fn image(bytes: &[u8]) -> Image {
    let facts = editscale_picture::probe(bytes, &Limits::default()).unwrap();
    let size = ImageSize { width: facts.width, height: facts.height };
    let digest = editscale_core::Digest::from_bytes(*blake3::hash(bytes).as_bytes());
    Image::new(digest, MediaType::Png, size, Arc::new(Arc::<[u8]>::from(bytes)))
}
