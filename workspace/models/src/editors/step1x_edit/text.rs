//! From an instruction and a picture to what the denoiser reads of them.

use std::sync::Arc;

use candle_core::Tensor;
use editscale_core::{Failure, TowerPictures};
use editscale_picture::Rgb8;

use crate::cache::bytes;
use crate::editors::conditioner::Conditioner;
use crate::editors::failure::{failed, invalid, unencoded};
use crate::editors::step1x_edit::places::{SeenPicture, text_places};
use crate::editors::step1x_edit::{Prompt, Version};
use crate::encoders::vision_language::{
    EncodedPrompt, EncoderError, EncoderPicture, EncoderPrompt, PixelBounds, VisionLanguageEncoder,
};
use crate::pictures::Size;

/// Bounds of the first of two times that v1.0 and v1.1 bring a picture to a size: all that `qwen_vl_utils` does.
const WIDE: PixelBounds = PixelBounds { least: 4 * 28 * 28, most: 16384 * 28 * 28 };

/// The encoder, and how a version uses it.
#[derive(Debug)]
pub(super) struct TextReader {
    pub(super) encoder: Conditioner,
    pub(super) version: Version,
}

/// What is kept of an encoded prompt.
#[derive(Debug)]
pub(super) struct KeptStates {
    /// The last states: [tokens, width].
    pub(super) states: Tensor,
    /// What went into the encoder: [tokens, width].
    pub(super) embeddings: Tensor,
    /// Which tokens are marked.
    pub(super) marks: Vec<bool>,
    /// Where tokens lie, in v1.2.
    pub(super) places: Option<Vec<[f32; 3]>>,
    /// What was not read.
    pub(super) note: Option<Arc<str>>,
    /// What became of the picture in the vision tower.
    pub(super) pictures: TowerPictures,
}

impl KeptStates {
    /// What they take in memory.
    pub(super) fn bytes(&self) -> u64 {
        bytes(&self.states) + bytes(&self.embeddings)
    }
}

impl TextReader {
    /// A picture as the encoder sees it, of what it is worked on as.
    pub(super) fn see(&self, worked: &Rgb8) -> Result<EncoderPicture, Failure> {
        let [least, most] = self.version.seen_pixels();
        let encoder = self.encoder.get()?;
        let see = || {
            let bounds = PixelBounds { least, most };
            if self.version == Version::V1_2 {
                return encoder.picture(worked, bounds);
            }
            let first = encoder.picture(worked, WIDE)?;
            encoder.picture(first.pixels(), bounds)
        };
        see().map_err(|error| unencoded(&error))
    }

    /// Encodes an instruction about a picture that is worked on in a size, on the encoder's device.
    pub(super) fn encode(
        &self,
        instruction: &str,
        picture: &EncoderPicture,
        worked: Size,
    ) -> Result<KeptStates, Failure> {
        let (version, encoder) = (self.version, self.encoder.get()?);
        let prompt = Prompt::new(version, encoder.words(), instruction, picture.tokens());
        let prompt = prompt.map_err(|error| invalid(error.to_string()))?;
        let encoded = self.run(&encoder, &prompt, picture).map_err(|error| unencoded(&error))?;
        let (dropped, most) = (version.dropped(), version.most_tokens());
        if prompt.ids.len() <= dropped {
            let found = prompt.ids.len();
            return Err(invalid(format!(
                "the prompt has {found} tokens: expected more than the {dropped} that are dropped"
            )));
        }
        let all = prompt.ids.len() - dropped;
        let count = all.min(most);
        let kept = |tensor: &Tensor| {
            // A copy, so that what is dropped does not stay in memory.
            let part = tensor.narrow(0, dropped, count).and_then(|part| part.force_contiguous());
            part.map_err(|error| failed("encoding the text", &error))
        };
        let is_kept = dropped..dropped + count;
        let places = (version == Version::V1_2).then(|| {
            let moments: Vec<u32> = encoded.positions[is_kept.clone()].iter().map(|place| place[0]).collect();
            text_places(&moments, &seen(&encoder, &prompt.ids[is_kept.clone()], (picture, worked)))
        });
        let note =
            format!("the model reads {most} tokens, the picture's included: it has not read the last {}", all - count);
        Ok(KeptStates {
            states: kept(&encoded.states)?,
            embeddings: kept(&encoded.embeddings)?,
            marks: prompt.is_marked[is_kept].to_vec(),
            places,
            note: (all > count).then(|| note.into()),
            pictures: encoded.pictures,
        })
    }

    /// Tokens that v1.0 and v1.1 hide, v1.2 only does not count.
    fn run(
        &self,
        encoder: &VisionLanguageEncoder,
        prompt: &Prompt,
        picture: &EncoderPicture,
    ) -> Result<EncodedPrompt, EncoderError> {
        let visible = prompt.visible();
        let pictures = std::slice::from_ref(picture);
        let asked = EncoderPrompt { ids: &prompt.ids, pictures, visible: None };
        match self.version {
            Version::V1_0 | Version::V1_1 => encoder.encode(&EncoderPrompt { visible: Some(&visible), ..asked }),
            Version::V1_2 => encoder.encode_counting(&asked, &visible),
        }
    }
}

/// The picture among kept tokens, with the size that it is worked on in.
fn seen(encoder: &VisionLanguageEncoder, ids: &[u32], (picture, worked): (&EncoderPicture, Size)) -> SeenPicture {
    let token = encoder.words().picture();
    let start = ids.iter().position(|id| *id == token).unwrap_or(ids.len());
    let end = ids.iter().rposition(|id| *id == token).map_or(start, |at| at + 1);
    let vision = &encoder.config().vision;
    let columns = picture.size().width / (vision.patch_size * vision.spatial_merge_size);
    SeenPicture { tokens: start..end, columns: columns.max(1), seen: picture.size(), worked }
}
