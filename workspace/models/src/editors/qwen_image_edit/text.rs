//! From an instruction and pictures to what the transformer reads of them.

use candle_core::Tensor;
use editscale_core::{Failure, TowerPictures};
use editscale_picture::Rgb8;

use crate::editors::conditioner::Conditioner;
use crate::editors::failure::{invalid, unencoded};
use crate::editors::qwen_image_edit::release::{DROPPED, Release};
use crate::editors::qwen_image_edit::size::sized;
use crate::encoders::vision_language::{EncoderError, EncoderPicture, EncoderPrompt};
use crate::pictures::{Filter, Size, resize};

/// The encoder, and how pictures and prompts are brought into its form.
#[derive(Debug)]
pub(super) struct TextReader {
    pub(super) encoder: Conditioner,
    pub(super) release: Release,
    /// About how many pixels of a picture the encoder sees, before its own processor sizes it.
    pub(super) pixels: usize,
}

impl TextReader {
    /// A picture as the encoder sees it: brought to its size by Lanczos' filter, then to that of its processor.
    pub(super) fn picture(&self, pixels: &Rgb8) -> Result<EncoderPicture, Failure> {
        let encoder = self.encoder.get()?;
        let shape = Size { height: pixels.height, width: pixels.width };
        let smaller = resize(pixels.clone(), sized(shape, self.pixels), Filter::Lanczos);
        encoder.picture(&smaller, encoder.bounds()).map_err(|error| unencoded(&error))
    }

    /// States [tokens, width] of an instruction about pictures, on the encoder's device, and what became of these. What comes
    /// before the user's words is left out.
    pub(super) fn states(
        &self,
        instruction: &str,
        pictures: &[EncoderPicture],
    ) -> Result<(Tensor, TowerPictures), Failure> {
        let encoder = self.encoder.get()?;
        let words = encoder.words();
        if let Some(token) = words.steering(instruction) {
            return Err(invalid(format!("the text has `{token}` in it, which steers the encoder: leave it out")));
        }
        let encode = || {
            let ids = words.ids(&self.release.prompt(instruction, pictures.len()))?;
            let ids = encoder.expanded(&ids, pictures);
            let encoded = encoder.encode(&EncoderPrompt { ids: &ids, pictures, visible: None })?;
            Ok((encoded.states.narrow(0, DROPPED, ids.len().saturating_sub(DROPPED))?, encoded.pictures))
        };
        encode().map_err(|error: EncoderError| unencoded(&error))
    }
}
