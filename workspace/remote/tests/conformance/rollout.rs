//! `SGLang`'s `/rollout/generate`: what is sent, the trajectory that comes back, and answers that are none.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use editscale_core::{
    CancelRule, Candidate, Cost, EditBackend, EditBatch, EditItem, EditorName, Failure, FailureKind, ImageSize,
    KnobName, KnobScale, KnobSpec, MediaType, NobodyWatches, Recovery, Sampler, SeedRule, Trajectory, Usd, Watch,
};
use editscale_remote::{
    FieldKnob, GeneratorDevice, PictureLimits, Prices, Repeat, RolloutSampler, SgLangRollout, SgLangRolloutOptions,
};
use editscale_testkit::{FakeServer, Packed, ServerFault, named_picture, png, rollout_sample};
use serde_json::json;

use crate::support::{Listening, SIZE, connection, item, request};

/// An answer for seed 7, as the libraries write it that `SGLang` 0.5.23 uses: msgspec 0.22, safetensors 0.8. Half precision,
/// and more in it than is read.
const THEIRS: &[u8] = include_bytes!("../data/rollout.msgpack");

fn options(server: &FakeServer) -> SgLangRolloutOptions {
    SgLangRolloutOptions::new(EditorName::new("far").unwrap(), "a-model", connection(&[server.root()]))
}

async fn edit(options: SgLangRolloutOptions, item: EditItem) -> Result<Candidate, Failure> {
    watched(options, item, &NobodyWatches).await
}

async fn watched(options: SgLangRolloutOptions, item: EditItem, watch: &dyn Watch) -> Result<Candidate, Failure> {
    SgLangRollout::new(options).unwrap().edit(EditBatch { items: vec![item] }, watch).await.remove(0)
}

/// What becomes of these bytes.
async fn answered(bytes: Vec<u8>, change: impl Fn(&mut SgLangRolloutOptions)) -> Result<Candidate, Failure> {
    let server = FakeServer::start();
    server.fail([ServerFault::Bytes("application/msgpack", bytes)]);
    // What is no answer is asked for again where that is harmless; here the first answer is the one that matters.
    let mut options = SgLangRolloutOptions { repeat: Some(Repeat::Never), ..options(&server) };
    change(&mut options);
    let result = edit(options, item(&request(None, None))).await;
    assert_eq!(server.asked().len(), 1);
    result
}

/// A sample as it should be, for the request of these tests.
fn sample() -> Packed {
    rollout_sample(
        &json!({"prompt": "make it warmer", "seed": 7, "rollout_sde_type": "sde", "rollout_return_dit_trajectory": true}),
    )
}

fn list(sample: Packed) -> Vec<u8> {
    Packed::List(vec![sample]).pack()
}

fn pixels(file: &[u8]) -> (png::ColorType, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    (frame.color_type, pixels)
}

#[tokio::test]
async fn the_request_is_what_the_server_reads() {
    let server = FakeServer::start();
    let made = edit(options(&server), item(&request(None, None))).await.unwrap();
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "POST /rollout/generate");
    let source = asked.json()["image_path"][0].as_str().unwrap().to_owned();
    assert!(source.starts_with("data:image/png;base64,iVBOR"), "the server reads data URLs where it says path");
    assert_eq!(
        asked.json(),
        json!({
            "prompt": "make it warmer", "image_path": [source], "seed": 7, "generator_device": "cuda",
            "num_outputs_per_prompt": 1, "rollout": true, "rollout_sde_type": "sde", "rollout_noise_level": 0.7,
            "rollout_log_prob_no_const": false, "rollout_debug_mode": false, "rollout_return_denoising_env": false,
            "rollout_return_dit_trajectory": true, "suppress_logs": true,
        })
    );
    assert_eq!((made.effective_seed, made.notes.len()), (Some(7), 0));
}

#[tokio::test]
async fn settings_become_fields() {
    let server = FakeServer::start();
    let name = KnobName::new("num_inference_steps").unwrap();
    let spec = KnobSpec { name, low: 1.0, high: 60.0, default: 6.0, scale: KnobScale::Linear };
    let mut set = options(&server);
    set.sampler = RolloutSampler::Cps;
    set.noise_level = 0.5;
    set.noisy_steps = Some(BTreeSet::from([0, 2]));
    set.negative_prompt = Some("blurry".to_owned());
    set.generator_device = GeneratorDevice::Cpu;
    set.knobs = vec![FieldKnob { spec, is_whole: true }];
    let made = edit(set, item(&request(None, Some(ImageSize { width: 50, height: 33 })))).await.unwrap();
    let asked = server.asked()[0].json();
    for (name, value) in [
        ("rollout_sde_type", json!("cps")),
        ("rollout_noise_level", json!(0.5)),
        ("rollout_sde_step_indices", json!([0, 2])),
        ("negative_prompt", json!("blurry")),
        ("generator_device", json!("cpu")),
        ("num_inference_steps", json!(6)),
        ("width", json!(48)),
        ("height", json!(32)),
    ] {
        assert_eq!(asked[name], value, "{name}");
    }
    assert_eq!(made.image.size, ImageSize { width: 48, height: 32 });
    assert_eq!(&*made.notes[0], "the size 50x33 is not to be had; 48x32 was asked for");
    let way = made.trajectory.unwrap();
    assert_eq!(way.steps(), 6);
    assert_eq!(way.log_probabilities, [Some(-1.0), None, Some(-3.0), None, None, None]);
}

#[test]
fn cards_are_true() {
    let server = FakeServer::start();
    let card = SgLangRollout::new(options(&server)).unwrap().card().clone();
    assert_eq!((card.seeds, card.sampler), (SeedRule::Reproducible { bits: 32 }, Sampler::Stochastic));
    assert_eq!((card.masks, card.cancel, card.recovery), (false, CancelRule::WhenDone, Recovery::Repeat));
    assert_eq!(
        &*card.revision,
        "sglang_rollout/1 a-model sde noise_level=0.7 generator_device=cuda sizes=MultipleOf(16)"
    );
    let mut still = options(&server);
    still.sampler = RolloutSampler::Ode;
    still.prices = Prices { picture: Usd { micros: 5 }, ..Prices::default() };
    let card = SgLangRollout::new(still).unwrap().card().clone();
    assert_eq!((card.sampler, card.recovery), (Sampler::Deterministic, Recovery::Unknown));
    assert_eq!(
        (&*card.revision, card.cost.usd.micros),
        ("sglang_rollout/1 a-model ode generator_device=cuda sizes=MultipleOf(16)", 5)
    );
}

#[test]
fn options_that_cannot_be_are_refused() {
    let server = FakeServer::start();
    let bad = |change: &dyn Fn(&mut SgLangRolloutOptions)| {
        let mut options = options(&server);
        change(&mut options);
        SgLangRollout::new(options).unwrap_err().to_string()
    };
    for level in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(bad(&|options| options.noise_level = level).contains("noise_level"), "{level}");
    }
    assert!(bad(&|options| options.repeat = Some(Repeat::Keyed)).contains("repeat"));
    assert!(
        bad(&|options| {
            options.sampler = RolloutSampler::Ode;
            options.noisy_steps = Some(BTreeSet::from([1]));
        })
        .contains("noisy_steps")
    );
}

#[tokio::test]
async fn an_answer_of_the_servers_own_libraries_is_read() {
    let made = answered(THEIRS.to_vec(), |_| {}).await.unwrap();
    assert_eq!((made.image.media, made.image.size), (MediaType::Png, ImageSize { width: 6, height: 4 }));
    let (colour, pixels) = pixels(&made.image.bytes);
    assert_eq!(colour, png::ColorType::Rgb);
    // Half of 255 is cut off, as the server cuts off.
    let row = [[255, 0, 0], [255, 0, 0], [255, 0, 0], [255, 127, 0], [255, 127, 0], [255, 127, 0]].concat();
    assert_eq!(pixels, row.repeat(4));
    let Trajectory { shape, latents, timesteps, sigmas, log_probabilities } =
        Trajectory::clone(&made.trajectory.unwrap());
    assert_eq!((shape, latents.len()), (vec![5, 2], 40));
    assert_eq!(latents[..3], [-0.801_931_44, -1.324_358_9, -0.248_361_62]);
    assert_eq!(timesteps, [1000.0, 750.0, 375.0], "the time after the last step is no step's");
    assert_eq!(sigmas, [1.0, 0.75, 0.375, 0.0]);
    assert_eq!(log_probabilities, [Some(-0.5), Some(-0.25), Some(0.125)]);
}

#[tokio::test]
async fn steps_without_noise_have_no_probability() {
    let server = FakeServer::start();
    for (sampler, expected) in [
        (RolloutSampler::Sde, [Some(-1.0), Some(-2.0), Some(-3.0), Some(-4.0)]),
        (RolloutSampler::Cps, [Some(-1.0), Some(-2.0), Some(-3.0), None]),
        (RolloutSampler::Ode, [None; 4]),
    ] {
        let made =
            edit(SgLangRolloutOptions { sampler, ..options(&server) }, item(&request(None, None))).await.unwrap();
        assert_eq!(made.trajectory.unwrap().log_probabilities, expected, "{sampler:?}");
        let asked = server.asked().last().unwrap().json();
        assert_eq!(asked["rollout_log_prob_no_const"], sampler == RolloutSampler::Ode, "the server asks for this");
    }
}

#[tokio::test]
async fn seeds_tell_candidates_apart_and_make_them_again() {
    let server = FakeServer::start();
    let make = |seed| {
        let mut item = item(&request(None, None));
        item.proposal.seed = editscale_core::Seed::new(seed).unwrap();
        edit(options(&server), item)
    };
    let (first, again, other) = (make(7).await.unwrap(), make(7).await.unwrap(), make(8).await.unwrap());
    assert_eq!((&first.image, &first.trajectory), (&again.image, &again.trajectory));
    assert_ne!(first.image, other.image);
}

#[tokio::test]
async fn what_is_not_there_is_not_made_up() {
    let way = sample().get("dit_trajectory").unwrap().clone();
    for (sample, missing) in [
        (sample().without("dit_trajectory"), "dit_trajectory"),
        (sample().with("dit_trajectory", Packed::Nil), "dit_trajectory"),
        (sample().with("dit_trajectory", way.clone().without("latents")), "latents"),
        (sample().with("dit_trajectory", way.clone().with("timesteps", Packed::Nil)), "timesteps"),
        (sample().with("dit_trajectory", way.without("sigmas")), "sigmas"),
        (sample().with("rollout_log_probs", Packed::Nil), "rollout_log_probs"),
    ] {
        let made = answered(list(sample), |_| {}).await.unwrap();
        assert_eq!(made.trajectory, None);
        assert_eq!(&*made.notes[0], format!("there is no trajectory: the server sent no `{missing}`"));
    }
    let made = answered(list(sample()), |options| options.keeps_trajectory = false).await.unwrap();
    assert_eq!((made.trajectory, made.notes.len()), (None, 0));
}

#[tokio::test]
async fn pictures_of_every_kind_are_encoded() {
    let half = |value: f32| ((value.to_bits() >> 16) as u16).to_le_bytes();
    for (tensor, colour, expected) in [
        (Packed::floats(&[1, 1, 2], &[0.0, 1.0]), png::ColorType::Grayscale, vec![0, 255]),
        (Packed::floats(&[3, 1, 1], &[1.004, 0.5, -0.004]), png::ColorType::Rgb, vec![255, 127, 0]),
        (Packed::floats(&[4, 1, 1, 1], &[1.0, 0.5, 0.0, 0.25]), png::ColorType::Rgba, vec![255, 127, 0, 63]),
        (
            Packed::tensor("BF16", &[1, 1, 2], &[half(0.5), half(1.0)].concat()),
            png::ColorType::Grayscale,
            vec![127, 255],
        ),
        (Packed::tensor("F64", &[1, 1, 1], &0.5_f64.to_le_bytes()), png::ColorType::Grayscale, vec![127]),
    ] {
        let made = answered(list(sample().with("generated_output", tensor)), |_| {}).await.unwrap();
        assert_eq!(pixels(&made.image.bytes), (colour, expected));
    }
}

#[tokio::test]
async fn answers_that_are_none_are_told() {
    let with = |name: &str, value: Packed| list(sample().with(name, value));
    let way = |name: &str, value: Packed| {
        let way = sample().get("dit_trajectory").unwrap().clone().with(name, value);
        list(sample().with("dit_trajectory", way))
    };
    let picture = |shape: &[usize], values: &[f32]| with("generated_output", Packed::floats(shape, values));
    let good = Packed::floats(&[1, 1, 1], &[0.5]);
    let huge = Packed::floats(&[1, 1, 1], &[0.5])
        .with("shape", Packed::List(vec![Packed::Whole(3), Packed::Whole(1 << 40), Packed::Whole(1 << 40)]));
    let mut long_header = (1_u64 << 40).to_le_bytes().to_vec();
    long_header.extend(b"{}");
    // A list that says it has 4 thousand million samples; 100 lists within each other; a map that is cut off.
    let endless = vec![0xdd, 0xff, 0xff, 0xff, 0xff];
    let deep = [&[0x91; 100][..], &[0x81, 0xa1, b'x'], &[0x91; 100], &[0xc0]].concat();
    let nested = list(sample().with("denoising_env", (0..200).fold(Packed::Nil, |inner, _| Packed::List(vec![inner]))));
    let cut = list(sample())[..300].to_vec();
    for (bytes, words) in [
        (b"<html><title>Welcome</title></html>".to_vec(), "expected a list of samples"),
        (br#"{"detail":"x"}"#.to_vec(), "expected a list of samples"),
        (Vec::new(), "expected a list of samples"),
        (endless, "expected a list of samples"),
        (deep, "expected a list of samples"),
        (nested, "depth"),
        (cut, "expected a list of samples"),
        (Packed::List(Vec::new()).pack(), "expected one sample, found none"),
        (Packed::Map(Vec::new()).pack(), "expected a list of samples"),
        (list(sample().without("generated_output")), "expected one picture, found none"),
        (with("generated_output", Packed::Text("a".to_owned())), "expected a list of samples"),
        (with("generated_output", good.clone().with("__tensor__", Packed::Flag(false))), "expected a tensor"),
        (with("generated_output", good.clone().with("data", Packed::Bytes(vec![1, 2]))), "safetensors file"),
        (with("generated_output", good.clone().with("data", Packed::Bytes(long_header))), "header of at most 4096"),
        (with("generated_output", good.with("shape", Packed::List(vec![Packed::Whole(1); 9]))), "at most 8 dimensions"),
        (with("generated_output", huge), "at most 64000000 pixels"),
        (with("generated_output", Packed::tensor("F32", &[1, 1, 2], &[0; 4])), "safetensors file"),
        (with("generated_output", Packed::tensor("U8", &[1, 1, 1], &[9])), "expected numbers, found U8"),
        (picture(&[2, 1, 1], &[0.0; 2]), "1, 3 or 4 channels, found 2"),
        (picture(&[1, 1], &[0.0]), "expected one picture [channels, rows, columns]"),
        (picture(&[3, 2, 1, 1], &[0.0; 6]), "found a tensor of [3, 2, 1, 1]"),
        (picture(&[1, 0, 1], &[]), "found 1x0"),
        (picture(&[1, 1, 1], &[f32::NAN]), "between 0 and 1, found NaN"),
        (picture(&[1, 1, 1], &[-1.0]), "between 0 and 1, found -1"),
        (with("seed", Packed::Whole(9)), "a sample of seed 7, found one of 9"),
        (with("rollout_log_probs", Packed::floats(&[3], &[0.0; 3])), "for 3 steps"),
        (with("rollout_log_probs", Packed::floats(&[2, 2], &[0.0; 4])), "expected a list, found [2, 2]"),
        (with("rollout_log_probs", Packed::floats(&[4], &[f32::NAN; 4])), "a finite number for step 0"),
        (with("rollout_log_probs", Packed::floats(&[0], &[])), "for 0 steps"),
        (way("sigmas", Packed::floats(&[4], &[0.0; 4])), "found 4, 4 and 5"),
        (way("timesteps", Packed::floats(&[2], &[0.0; 2])), "found 2, 5 and 5"),
        (way("sigmas", Packed::floats(&[5], &[f32::INFINITY; 5])), "expected finite numbers, found inf"),
        (way("latents", Packed::floats(&[5, 1], &[f32::NAN; 5])), "`latents`: expected finite numbers"),
        (way("latents", Packed::floats(&[], &[1.0])), "and 0"),
    ] {
        let failure = answered(bytes, |_| {}).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{failure}");
        assert!(failure.message.contains(words), "{failure} should speak of {words}");
    }
    let small = PictureLimits { pixels: 100, ..PictureLimits::default() };
    let failure = answered(list(sample()), |options| options.limits = small).await.unwrap_err();
    assert!(failure.message.contains("at most 100 pixels"), "{failure}");
}

#[tokio::test]
async fn samples_are_counted() {
    let server = FakeServer::start();
    server.fail([ServerFault::Pictures(3)]);
    let prices = Prices { picture: Usd { micros: 7 }, ..Prices::default() };
    let made = edit(SgLangRolloutOptions { prices, ..options(&server) }, item(&request(None, None))).await.unwrap();
    assert_eq!(made.cost.usd, Usd { micros: 21 });
    assert_eq!(&*made.notes[0], "the server sent 3 pictures where 1 was asked for; the first was kept");
}

#[tokio::test]
async fn the_error_table() {
    for (status, body, kind, attempts, words) in [
        (
            400,
            r#"{"detail":"Invalid sampling params: rollout_noise_level must be finite"}"#,
            FailureKind::Invalid,
            1,
            "rollout_noise_level",
        ),
        (
            422,
            r#"{"detail":[{"loc":["body","seed"],"msg":"Input should be a valid integer","type":"int"}]}"#,
            FailureKind::Invalid,
            1,
            "body.seed",
        ),
        (404, r#"{"detail":"Not Found"}"#, FailureKind::Invalid, 1, "Not Found"),
        (500, r#"{"detail":"Generation failed: CUDA out of memory"}"#, FailureKind::Unavailable, 4, "out of memory"),
        (500, "Internal Server Error", FailureKind::Unavailable, 4, "Internal Server Error"),
        (503, r#"{"error":"the scheduler is dead"}"#, FailureKind::Unavailable, 4, "dead"),
        (502, "<html><title>502 Bad Gateway</title></html>", FailureKind::Unavailable, 4, "502 Bad Gateway"),
    ] {
        let server = FakeServer::start();
        server.fail(vec![ServerFault::Answer(status, Vec::new(), body.to_owned()); 9]);
        let failure = edit(options(&server), item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, server.asked().len()), (kind, attempts), "{status} {body}: {failure}");
        assert!(failure.message.contains(words), "{failure}");
    }
}

#[tokio::test]
async fn lost_answers_are_made_again_where_that_is_free() {
    for fault in [ServerFault::Lost, ServerFault::Cut(100)] {
        let server = FakeServer::start();
        let whole = edit(options(&server), item(&request(None, None))).await.unwrap();
        server.fail([fault.clone()]);
        let again = edit(options(&server), item(&request(None, None))).await.unwrap();
        assert_eq!((again.image, again.trajectory), (whole.image, whole.trajectory), "{fault:?}");
        server.fail([fault.clone()]);
        let prices = Prices { picture: Usd { micros: 7 }, ..Prices::default() };
        let paid = SgLangRolloutOptions { prices, ..options(&server) };
        let failure = edit(paid, item(&request(None, None))).await.unwrap_err();
        assert_eq!((failure.kind, failure.cost.usd.micros), (FailureKind::Ambiguous, 7), "{fault:?}");
    }
}

#[tokio::test]
async fn what_the_server_would_ignore_is_refused() {
    let server = FakeServer::start();
    let white = named_picture(png(SIZE, [255; 3]), MediaType::Png, SIZE);
    let failure = edit(options(&server), item(&request(Some(white), None))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    let mut half = item(&request(None, None));
    half.proposal.until = editscale_core::Until::Step(2);
    assert_eq!(edit(options(&server), half).await.unwrap_err().kind, FailureKind::Invalid);
    assert!(server.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_edit_keeps_its_slot_busy_until_the_server_is_done() {
    let server = FakeServer::start();
    server.fail([ServerFault::Hold]);
    let watch = Arc::new(Listening::default());
    let (watching, options) = (Arc::clone(&watch), options(&server));
    let task = tokio::spawn(async move { watched(options, item(&request(None, None)), &*watching).await });
    let waiting = server.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for_work(1)).await.unwrap();
    watch.cancel.store(true, Ordering::Relaxed);
    let failure = task.await.unwrap().unwrap_err();
    assert_eq!((failure.kind, failure.cost), (FailureKind::Cancelled, Cost::default()));
    server.let_go();
}
