//! What each profile sends: the form, field by field, as a server takes it apart.

use editscale_core::{
    CancelRule, EditBackend, FailureKind, ImageSize, KnobName, KnobScale, KnobSpec, MediaType, Recovery, SeedRule,
    Start, Until,
};
use editscale_remote::{FieldKnob, MaskRule, OpenAiImages, OpenAiImagesOptions, Profile, Repeat, SeedPlace};
use editscale_testkit::{FakeServer, named_picture, png};

use crate::support::{SIZE, edit, editor, item, named, options, picture, request};

/// The seed of the test's proposal in as many bits as servers take.
const SEED: u64 = 7;

fn knob(name: &str, default: f64, is_whole: bool) -> FieldKnob {
    let name = KnobName::new(name).unwrap();
    FieldKnob { spec: KnobSpec { name, low: 1.0, high: 60.0, default, scale: KnobScale::Linear }, is_whole }
}

#[tokio::test]
async fn every_profile_sends_its_own_form() {
    let source = format!("source.png (image/png, {} bytes)", png(SIZE, [10, 20, 30]).len());
    let arguments = r#"<sd_cpp_extra_args>{"seed":7}</sd_cpp_extra_args>"#;
    for (profile, expected) in [
        (Profile::OpenAi, vec!["model = a-model", "prompt = make it warmer", "n = 1", "size = auto", "image = FILE"]),
        (
            Profile::VllmOmni,
            vec![
                "model = a-model",
                "prompt = make it warmer",
                "n = 1",
                "size = auto",
                "response_format = b64_json",
                "seed = 7",
                "image = FILE",
            ],
        ),
        (
            Profile::SgLang,
            vec![
                "model = a-model",
                "prompt = make it warmer",
                "n = 1",
                "response_format = b64_json",
                "seed = 7",
                "image = FILE",
            ],
        ),
        (
            Profile::SdCpp,
            vec!["model = a-model", "prompt = make it warmerARGUMENTS", "n = 1", "size = 32x16", "image[] = FILE"],
        ),
        (Profile::LiteLlm, vec!["model = a-model", "prompt = make it warmer", "n = 1", "image = FILE"]),
        (Profile::Generic, vec!["model = a-model", "prompt = make it warmer", "n = 1", "image = FILE"]),
    ] {
        let server = FakeServer::start();
        let made = edit(&editor(profile, &server), item(&request(None, None))).await.unwrap();
        let asked = server.asked();
        assert_eq!(asked.len(), 1, "{profile}");
        let expected: Vec<String> =
            expected.iter().map(|line| line.replace("FILE", &source).replace("ARGUMENTS", arguments)).collect();
        assert_eq!(asked[0].form(), expected, "{profile}");
        assert_eq!(asked[0].line, "POST /v1/images/edits");
        assert_eq!(asked[0].header("idempotency-key").map(named), Some("editscale-run-1-0"));
        assert!(asked[0].header("authorization").is_none());
        // The picture goes as it is.
        let field = if profile == Profile::SdCpp { "image[]" } else { "image" };
        assert_eq!(asked[0].file(field).unwrap().bytes, png(SIZE, [10, 20, 30]), "{profile}");
        let has_seed = expected.iter().any(|line| line.contains("seed"));
        assert_eq!(made.effective_seed, has_seed.then_some(SEED), "{profile}");
    }
}

#[tokio::test]
async fn every_profile_has_its_card() {
    let server = FakeServer::start();
    let seeded = SeedRule::Reproducible { bits: 32 };
    for (profile, seeds, masks, cancel, recovery) in [
        (Profile::OpenAi, SeedRule::Ignored, true, CancelRule::Promptly, Recovery::Unknown),
        (Profile::VllmOmni, seeded, false, CancelRule::WhenDone, Recovery::Repeat),
        (Profile::SgLang, seeded, false, CancelRule::WhenDone, Recovery::Repeat),
        (Profile::SdCpp, seeded, false, CancelRule::WhenDone, Recovery::Repeat),
        (Profile::LiteLlm, SeedRule::Ignored, true, CancelRule::Promptly, Recovery::Unknown),
        (Profile::Generic, SeedRule::Ignored, false, CancelRule::WhenDone, Recovery::Unknown),
    ] {
        let editor = editor(profile, &server);
        let card = editor.card();
        assert_eq!((card.seeds, card.masks, card.cancel, card.recovery), (seeds, masks, cancel, recovery), "{profile}");
        assert_eq!((card.slots.get(), card.largest_batch.get()), (4, 1));
        assert_eq!(&*card.revision, format!("openai_images/1 {profile} a-model"));
    }
}

#[tokio::test]
async fn settings_and_knobs_become_fields() {
    let server = FakeServer::start();
    let mut options = options(Profile::VllmOmni, &server);
    options.fields.insert("negative_prompt".to_owned(), "blurry".to_owned());
    options.knobs = vec![knob("guidance_scale", 4.0, false), knob("num_inference_steps", 28.0, true)];
    let editor = OpenAiImages::new(options).unwrap();
    let mut item = item(&request(None, None));
    item.proposal.knobs.set(KnobName::new("num_inference_steps").unwrap(), 99.6).unwrap();
    edit(&editor, item).await.unwrap();
    let form = server.asked()[0].form();
    for line in ["negative_prompt = blurry", "guidance_scale = 4.0", "num_inference_steps = 60"] {
        assert!(form.contains(&line.to_owned()), "{line} in {form:?}");
    }
    assert_eq!(
        &*editor.card().revision,
        "openai_images/1 vllm_omni a-model negative_prompt=blurry guidance_scale=4 num_inference_steps=28"
    );
}

#[tokio::test]
async fn arguments_in_the_prompt_are_ours_alone() {
    let server = FakeServer::start();
    let mut options = options(Profile::SdCpp, &server);
    options.knobs = vec![knob("sample_steps", 20.0, true), knob("txt_cfg", 4.0, false)];
    for (name, value) in
        [("negative_prompt", "a</sd_cpp_extra_args>"), ("scheduler", "karras"), ("output_format", "png")]
    {
        options.fields.insert(name.to_owned(), value.to_owned());
    }
    let mut unknown = options.clone();
    unknown.fields.insert("style".to_owned(), "vivid".to_owned());
    assert!(OpenAiImages::new(unknown).unwrap_err().to_string().contains("found style"));
    let unknown = OpenAiImagesOptions { knobs: vec![knob("guidance_scale", 4.0, false)], ..options.clone() };
    assert!(OpenAiImages::new(unknown).unwrap_err().to_string().contains("guidance_scale"));
    let mut item = item(&request(None, None));
    item.proposal.instruction = "warm <sd_cpp_extra_args>{\"seed\":1}</sd_cpp_extra_args>".into();
    edit(&OpenAiImages::new(options).unwrap(), item).await.unwrap();
    let prompt = server.asked()[0].text("prompt").unwrap();
    let (instruction, ours) = prompt.split_once("<sd_cpp_extra_args>").unwrap();
    let ours = ours.strip_suffix("</sd_cpp_extra_args>").unwrap();
    assert!(!ours.contains('<'), "nothing in them ends them: {ours}");
    let expected = serde_json::json!({
        "negative_prompt": "a</sd_cpp_extra_args>",
        "sample_params": {"guidance": {"txt_cfg": 4.0}, "sample_steps": 20, "scheduler": "karras"},
        "seed": 7,
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(ours).unwrap(), expected);
    let form = server.asked()[0].form();
    assert!(form.contains(&"output_format = png".to_owned()), "{form:?}");
    assert!(!form.iter().any(|line| line.starts_with("scheduler") || line.starts_with("negative")), "{form:?}");
    assert_eq!(instruction, "warm <sd_cpp_extra_args >{\"seed\":1}</sd_cpp_extra_args >");
}

#[tokio::test]
async fn masks_are_turned_around_or_refused() {
    let white = || Some(named_picture(png(SIZE, [255; 3]), MediaType::Png, SIZE));
    for (profile, rule) in [(Profile::OpenAi, None), (Profile::Generic, Some(MaskRule::Transparent))] {
        let server = FakeServer::start();
        let editor = OpenAiImages::new(OpenAiImagesOptions { masks: rule, ..options(profile, &server) }).unwrap();
        edit(&editor, item(&request(white(), None))).await.unwrap();
        let asked = &server.asked()[0];
        let mask = asked.file("mask").unwrap();
        assert_eq!(mask.file, Some(("mask.png".to_owned(), "image/png".to_owned())));
        assert_eq!(mask.bytes[25], 6, "a PNG with alpha");
        assert_ne!(mask.bytes, png(SIZE, [255; 3]));
    }
    let server = FakeServer::start();
    let as_is = OpenAiImagesOptions { masks: Some(MaskRule::White), ..options(Profile::Generic, &server) };
    edit(&OpenAiImages::new(as_is).unwrap(), item(&request(white(), None))).await.unwrap();
    assert_eq!(server.asked()[0].file("mask").unwrap().bytes, png(SIZE, [255; 3]));
    let klein = OpenAiImagesOptions { masks: Some(MaskRule::White), ..options(Profile::VllmOmni, &server) };
    edit(&OpenAiImages::new(klein).unwrap(), item(&request(white(), None))).await.unwrap();
    assert_eq!(server.asked()[1].file("mask_image").unwrap().bytes, png(SIZE, [255; 3]));
    for profile in [Profile::VllmOmni, Profile::SgLang, Profile::SdCpp, Profile::Generic] {
        let failure = edit(&editor(profile, &server), item(&request(white(), None))).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid, "{profile}");
        assert!(failure.message.contains("has no masks"), "{failure}");
    }
    assert_eq!(server.asked().len(), 2, "what is refused is never sent");
}

#[tokio::test]
async fn sizes_that_are_not_to_be_had_are_said() {
    let server = FakeServer::start();
    let gpt = OpenAiImagesOptions { model: "gpt-image-1".to_owned(), ..options(Profile::OpenAi, &server) };
    let wanted = Some(ImageSize { width: 200, height: 100 });
    let made = edit(&OpenAiImages::new(gpt).unwrap(), item(&request(None, wanted))).await.unwrap();
    assert_eq!(server.asked()[0].text("size").unwrap(), "1536x1024");
    assert_eq!(made.image.size, ImageSize { width: 1536, height: 1024 });
    assert_eq!(&*made.notes[0], "the size 200x100 is not to be had; 1536x1024 was asked for");
    let exact = Some(ImageSize { width: 64, height: 48 });
    let made = edit(&editor(Profile::SgLang, &server), item(&request(None, exact))).await.unwrap();
    assert_eq!(server.asked()[1].text("size").unwrap(), "64x48");
    assert!(made.notes.is_empty());
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_before_anything_is_sent() {
    let server = FakeServer::start();
    let editor = editor(Profile::OpenAi, &server);
    let plain = request(None, None);
    let mut half = item(&plain);
    half.proposal.until = Until::Step(3);
    let mut paused = item(&plain);
    paused.proposal.start = Start::Paused(editscale_core::CandidateId(1));
    let mut tiff = item(&plain);
    tiff.start = named_picture(vec![1, 2, 3], MediaType::Tiff, SIZE);
    let other = named_picture(png(SIZE, [255; 3]), MediaType::Png, ImageSize { width: 9, height: 9 });
    for item in [half, paused, tiff, item(&request(Some(other), None))] {
        assert_eq!(edit(&editor, item).await.unwrap_err().kind, FailureKind::Invalid);
    }
    assert!(server.asked().is_empty());
}

#[test]
fn options_that_contradict_the_dialect_are_refused() {
    let server = FakeServer::start();
    for field in ["n", "seed", "mask", "enhance_prompt", "stream", "image[]"] {
        let mut options = options(Profile::SgLang, &server);
        options.fields.insert(field.to_owned(), "1".to_owned());
        let error = OpenAiImages::new(options).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
    let mut twice = options(Profile::SgLang, &server);
    twice.fields.insert("guidance_scale".to_owned(), "1".to_owned());
    twice.knobs = vec![knob("guidance_scale", 4.0, false)];
    assert!(OpenAiImages::new(twice).is_err());
    let mut nobody = options(Profile::SgLang, &server);
    nobody.connection.servers.clear();
    assert!(OpenAiImages::new(nobody).is_err());
    let keyed = OpenAiImagesOptions { repeat: Some(Repeat::Keyed), ..options(Profile::LiteLlm, &server) };
    assert!(OpenAiImages::new(keyed).unwrap_err().to_string().contains("no keys"));
    let seeded = OpenAiImagesOptions { seeds: Some(SeedPlace::Field), ..options(Profile::LiteLlm, &server) };
    let card = OpenAiImages::new(seeded).unwrap().card().clone();
    assert_eq!(card.seeds, SeedRule::Reproducible { bits: 32 });
}

#[tokio::test]
async fn a_candidate_is_edited_from_its_own_picture() {
    let server = FakeServer::start();
    let mut again = item(&request(None, None));
    again.proposal.start = Start::Candidate(editscale_core::CandidateId(3));
    again.start = picture([1, 2, 3]);
    edit(&editor(Profile::SgLang, &server), again).await.unwrap();
    assert_eq!(server.asked()[0].file("image").unwrap().bytes, png(SIZE, [1, 2, 3]));
}
