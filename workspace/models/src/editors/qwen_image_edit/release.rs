//! What the releases differ in.

/// How many tokens of a prompt come before what the transformer sees of it: the turn of the system and the beginning of the user's.
pub(super) const DROPPED: usize = 64;

/// What a prompt begins with in all releases. The models were trained with these words.
const BEFORE: &str = "<|im_start|>system\nDescribe the key features of the input image (color, shape, size, texture, objects, \
                      background), then explain how the user's text instruction should alter or modify the image. Generate a \
                      new image that meets the user's requirements while maintaining consistency with the original input where \
                      appropriate.<|im_end|>\n<|im_start|>user\n";

/// What it ends with.
const AFTER: &str = "<|im_end|>\n<|im_start|>assistant\n";

/// Where a picture is seen.
const PICTURE: &str = "<|vision_start|><|image_pad|><|vision_end|>";

/// A kind of release, as the class of its pipeline has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// August 2025: one picture, which the encoder sees as large as the autoencoder does.
    Single,
    /// From September 2025 on: one picture or several, which have numbers, and of which the encoder sees small ones.
    Several,
}

impl Release {
    /// The prompt of an instruction about so many pictures.
    pub(super) fn prompt(self, instruction: &str, pictures: usize) -> String {
        let seen: String = match self {
            Self::Single => PICTURE.to_owned(),
            Self::Several => (1..=pictures).map(|number| format!("Picture {number}: {PICTURE}")).collect(),
        };
        format!("{BEFORE}{seen}{instruction}{AFTER}")
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn hash(text: &str) -> String {
        Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The hashes are those of the published templates, with a pair of braces for the instruction.
    #[test]
    fn prompts_are_the_published_ones() {
        let single = Release::Single.prompt("{}", 1);
        assert_eq!(hash(&single), "846b0a7896f4ed820b88206dd2f23dbad7d2f1f2327589ab63be5ccc01c6f3a0");
        let several = Release::Several.prompt("{}", 0);
        assert_eq!(hash(&several), "d5d65822319c122831aa17afe5322570a88232ba8475cd5cd0b9822f56d83857");
        let two = Release::Several.prompt("Swap them", 2);
        assert!(two.contains(&format!("user\nPicture 1: {PICTURE}Picture 2: {PICTURE}Swap them<|im_end|>")), "{two}");
    }
}
