//! What sets the servers that speak this dialect apart.

use std::fmt;

use editscale_core::{CancelRule, ImageSize, MediaType};

use crate::editors::size::SizeRule;
use crate::trouble::retry::Repeat;

/// What sides are multiples of where a model works on blocks of pixels.
const BLOCK: u32 = 16;

/// A server, or a kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// GPT-Image at `OpenAI`.
    OpenAi,
    /// `vLLM-Omni` 0.30.
    VllmOmni,
    /// `SGLang` Diffusion 0.5.
    SgLang,
    /// The server of stable-diffusion.cpp.
    SdCpp,
    /// The `LiteLLM` proxy, in front of any of many services.
    LiteLlm,
    /// Anything else: only what every server knows is sent.
    Generic,
}

/// Where the seed is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedPlace {
    /// Nowhere: every call gives another picture.
    Nowhere,
    /// Into the field `seed`.
    Field,
    /// Into `<sd_cpp_extra_args>` at the end of the prompt.
    PromptArguments,
}

/// How a mask is sent. Ours are white where editing is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskRule {
    /// The server has none, or ignores it.
    None,
    /// As the alpha of a PNG: transparent where editing is allowed.
    Transparent,
    /// As it is: white where editing is allowed.
    White,
}

/// What is sent for a size that the request leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenSize {
    /// Nothing: the server takes that of the picture.
    Nothing,
    /// The word `auto`.
    Auto,
    /// The picture's own size, because the server would take one of its own.
    OfThePicture,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 6] = [Self::OpenAi, Self::VllmOmni, Self::SgLang, Self::SdCpp, Self::LiteLlm, Self::Generic];

    /// The word used in recipes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::VllmOmni => "vllm_omni",
            Self::SgLang => "sglang",
            Self::SdCpp => "sdcpp",
            Self::LiteLlm => "litellm",
            Self::Generic => "generic",
        }
    }

    /// The field that carries the picture. stable-diffusion.cpp reads no other than this one; all others read both.
    pub(crate) fn picture_field(self) -> &'static str {
        if self == Self::SdCpp { "image[]" } else { "image" }
    }

    /// The field that carries a mask.
    pub(crate) fn mask_field(self) -> &'static str {
        if self == Self::VllmOmni { "mask_image" } else { "mask" }
    }

    pub(crate) fn seeds(self) -> SeedPlace {
        match self {
            Self::VllmOmni | Self::SgLang => SeedPlace::Field,
            Self::SdCpp => SeedPlace::PromptArguments,
            Self::OpenAi | Self::LiteLlm | Self::Generic => SeedPlace::Nowhere,
        }
    }

    /// `SGLang` reads a mask and does nothing with it; stable-diffusion.cpp looks for it among the fields that are no
    /// files and so never finds it. `vLLM-Omni` reads one as a file, but of its models only FLUX.2 klein does anything with
    /// it (0.30.0), and takes white as we do: a recipe for that one can say so with [`MaskRule::White`].
    pub(crate) fn masks(self) -> MaskRule {
        match self {
            Self::OpenAi | Self::LiteLlm => MaskRule::Transparent,
            Self::VllmOmni | Self::SgLang | Self::SdCpp | Self::Generic => MaskRule::None,
        }
    }

    /// The size nearest to a wish that a model can be asked for. The sizes of the GPT-Image models before 2 are fixed; those of
    /// the later ones have sides that are multiples of 16, the longer at most three times the shorter. Models of servers of
    /// one's own work on blocks of 16 pixels.
    pub(crate) fn nearest(self, model: &str, wished: ImageSize) -> ImageSize {
        let blocks = SizeRule::MultipleOf(BLOCK);
        match self {
            Self::OpenAi if model.starts_with("gpt-image-1") => {
                let fixed = [(1024, 1024), (1536, 1024), (1024, 1536)];
                SizeRule::OneOf(fixed.map(|(width, height)| ImageSize { width, height }).to_vec()).nearest(wished)
            }
            Self::OpenAi => {
                let ImageSize { width, height } = blocks.nearest(wished);
                // The shorter side grows: nothing of what was asked for is lost.
                let least = |side: u32| side.div_ceil(3).next_multiple_of(BLOCK);
                ImageSize { width: width.max(least(height)), height: height.max(least(width)) }
            }
            Self::VllmOmni | Self::SgLang | Self::SdCpp => blocks.nearest(wished),
            Self::LiteLlm | Self::Generic => wished,
        }
    }

    pub(crate) fn open_size(self) -> OpenSize {
        match self {
            Self::OpenAi | Self::VllmOmni => OpenSize::Auto,
            Self::SdCpp => OpenSize::OfThePicture,
            Self::SgLang | Self::LiteLlm | Self::Generic => OpenSize::Nothing,
        }
    }

    /// GPT-Image refuses this field; stable-diffusion.cpp does not know it.
    pub(crate) fn response_format(self) -> Option<&'static str> {
        matches!(self, Self::VllmOmni | Self::SgLang).then_some("b64_json")
    }

    /// Formats that the server reads.
    pub(crate) fn reads(self, media: MediaType) -> bool {
        match self {
            Self::SdCpp => matches!(media, MediaType::Png | MediaType::Jpeg | MediaType::Bmp),
            _ => matches!(media, MediaType::Png | MediaType::Jpeg | MediaType::WebP),
        }
    }

    /// None of the edit routes listens for a caller that hangs up, except where a proxy counts the connection.
    pub(crate) fn cancel(self) -> CancelRule {
        match self {
            Self::OpenAi | Self::LiteLlm => CancelRule::Promptly,
            Self::VllmOmni | Self::SgLang | Self::SdCpp | Self::Generic => CancelRule::WhenDone,
        }
    }

    /// An edit on a server of one's own gives the same picture again and costs nothing but time.
    pub(crate) fn repeat(self, is_free: bool) -> Repeat {
        match self {
            Self::VllmOmni | Self::SgLang | Self::SdCpp if is_free => Repeat::Harmless,
            _ => Repeat::Never,
        }
    }
}

/// Fields that this program writes itself, that would make the answer another, or that would change what a candidate is:
/// `enhance_prompt` lets a language model rewrite the instruction.
pub(crate) const OWN_FIELDS: [&str; 15] = [
    "enhance_prompt",
    "image",
    "image[]",
    "mask",
    "mask_image",
    "model",
    "n",
    "partial_images",
    "prompt",
    "response_format",
    "seed",
    "size",
    "stream",
    "url",
    "url[]",
];

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_size_is_taken() {
        let size = |(width, height)| ImageSize { width, height };
        for (model, wanted, expected) in [
            ("gpt-image-1", (1000, 1000), (1024, 1024)),
            ("gpt-image-1-mini", (4000, 3000), (1536, 1024)),
            ("gpt-image-1", (600, 900), (1024, 1536)),
            ("gpt-image-2", (1000, 7), (1008, 336)),
            ("gpt-image-2", (500, 3000), (1008, 3008)),
            ("gpt-image-2", (1024, 640), (1024, 640)),
        ] {
            assert_eq!(Profile::OpenAi.nearest(model, size(wanted)), size(expected), "{model} {wanted:?}");
        }
        assert_eq!(Profile::Generic.nearest("any", size((7, 9))), size((7, 9)));
    }
}
