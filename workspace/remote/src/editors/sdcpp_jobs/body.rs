//! The body that one edit is sent as.

use editscale_core::{EditItem, Failure, ImageSize, MediaType};
use serde_json::{Map, Value, json};

use super::SdCppJobs;
use super::options::{PictureUse, place};
use crate::editors::item::{SEED_BITS, effective, file, sent};
use crate::editors::knobs::values;
use crate::editors::masks;
use crate::editors::wish::Wish;
use crate::picture::received::data_url;

/// The most bytes of a picture that is sent.
const MOST_BYTES: usize = 50_000_000;

/// A body, and what became of the wishes behind it.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) json: Value,
    /// The seed as it was sent, where that is not the proposal's own.
    pub(super) effective_seed: Option<u64>,
    pub(super) wish: Wish,
}

impl SdCppJobs {
    /// Writes the body. Anything that the server would refuse or ignore is refused here, where nothing was sent.
    pub(super) fn body(&self, item: &EditItem) -> Result<Body, Failure> {
        let reads = |media| matches!(media, MediaType::Png | MediaType::Jpeg | MediaType::Bmp);
        let source = file(&item.start, MOST_BYTES, reads)?;
        let source = data_url(item.start.media().mime(), &source);
        let mask = masks::white(item, &self.options.name, true)?;
        let seed = sent(item.proposal.seed, SEED_BITS);
        let wished = item.request.output_size;
        // Its own size would be one that has nothing to do with the picture.
        let size = self.options.sizes.nearest(wished.unwrap_or_else(|| item.start.size()));
        let mut fields = self.options.fields.clone();
        if let Some(mask) = mask {
            // What the mask keeps is taken from the picture that denoising starts at.
            fields.insert("init_image".to_owned(), source.clone().into());
            fields.insert("mask_image".to_owned(), data_url("image/png", &mask).into());
            fields.entry("strength").or_insert_with(|| 1.0.into());
        }
        match self.options.picture {
            PictureUse::Reference => fields.insert("ref_images".to_owned(), json!([source])),
            PictureUse::Start => fields.insert("init_image".to_owned(), source.into()),
        };
        let ImageSize { width, height } = size;
        let own =
            [("width", width.into()), ("height", height.into()), ("seed", seed.into()), ("batch_count", 1.into())];
        fields.extend(own.map(|(name, value): (&str, Value)| (name.to_owned(), value)));
        fields.insert("prompt".to_owned(), item.proposal.instruction.as_ref().into());
        for (name, value) in values(&self.options.knobs, &item.proposal) {
            set(&mut fields, place(&name).unwrap_or_default(), &name, Value::Number(value));
        }
        let wish = Wish { wished, asked: Some(size) };
        Ok(Body { json: Value::Object(fields), effective_seed: effective(seed, item), wish })
    }
}

/// Sets a field of the object at a JSON pointer, which is made where there is none.
fn set(fields: &mut Map<String, Value>, place: &str, name: &str, value: Value) {
    let mut at = fields;
    for step in place.split('/').filter(|step| !step.is_empty()) {
        let next = at.entry(step).or_insert_with(|| json!({}));
        if !next.is_object() {
            *next = json!({});
        }
        let Some(object) = next.as_object_mut() else { return };
        at = object;
    }
    at.insert(name.to_owned(), value);
}
