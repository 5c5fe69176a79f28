//! What headers say of an encoder that is not loaded.

use super::quantised::quantise;
use super::*;

fn facts(places: &EncoderPlaces) -> (u32, usize, String) {
    let EncoderFacts { largest_id, rows, config } = EncoderFacts::read(places).unwrap();
    (largest_id.unwrap(), rows.unwrap(), format!("{:?}", config.unwrap()))
}

#[test]
fn headers_say_of_an_encoder_what_is_said_once_it_is_loaded() {
    for name in MODELS {
        let loaded = opened(&model(name));
        let expected = (loaded.words().largest_id(), loaded.vocabulary(), format!("{:?}", loaded.config()));
        assert_eq!(facts(&EncoderPlaces::of(&model(name)).unwrap()), expected, "{name}");
    }
}

#[test]
fn the_header_of_a_quantised_decoder_says_how_many_tokens_it_has() {
    let folder = copied(&model("plain_bf16"));
    let expected = facts(&EncoderPlaces::of(folder.path()).unwrap());
    let language = quantise(folder.path(), candle_core::quantized::GgmlDType::F32);
    assert_eq!(facts(&EncoderPlaces::of(folder.path()).unwrap().with_language(&language)), expected);
    // Without it the folder has no decoder.
    let said = EncoderFacts::read(&EncoderPlaces::of(folder.path()).unwrap()).unwrap_err().to_string();
    assert!(said.contains("model.language_model."), "{said}");
}

#[test]
fn headers_that_are_not_those_of_the_configuration_are_refused() {
    for (key, value, says) in [
        ("num_hidden_layers", 9, "`model.language_model.layers."),
        ("intermediate_size", 8, "[8, "),
        ("num_hidden_layers", 1, "which `config.json` knows nothing of"),
    ] {
        let folder = copied(&model("plain_bf16"));
        let file = folder.path().join("config.json");
        let mut config: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let text = if config["text_config"].is_object() { &mut config["text_config"] } else { &mut config };
        text[key] = value.into();
        text.as_object_mut().unwrap().remove("layer_types");
        fs::write(&file, config.to_string()).unwrap();
        let said = EncoderFacts::read(&EncoderPlaces::of(folder.path()).unwrap()).unwrap_err().to_string();
        assert!(said.contains(says), "{key}: {said}");
        let loaded = VisionLanguageEncoder::open(&EncoderPlaces::of(folder.path()).unwrap(), &Compute::cpu());
        assert!(loaded.is_err(), "{key}");
    }
}
