//! The files of the small judge that is part of the program: see `docs/nano.md`.

macro_rules! bytes {
    ($name:literal) => {
        include_bytes!(concat!("../../../nano/", $name)).as_slice()
    };
}

/// The weights.
pub(super) const WEIGHTS: &[u8] = bytes!("model.safetensors");

const FILES: [(&str, &[u8]); 7] = [
    ("config.json", bytes!("config.json")),
    ("preprocessor_config.json", bytes!("preprocessor_config.json")),
    ("tokenizer.json", bytes!("tokenizer.json")),
    ("tokenizer_config.json", bytes!("tokenizer_config.json")),
    ("prompts/instruction_following.txt", bytes!("prompts/instruction_following.txt")),
    ("prompts/visual_quality.txt", bytes!("prompts/visual_quality.txt")),
    ("prompts/tail.txt", bytes!("prompts/tail.txt")),
];

/// A file beside the weights.
pub(super) fn file(name: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
}
