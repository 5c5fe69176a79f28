//! The JSON that one edit is sent as.

use editscale_core::{EditItem, Failure, ImageSize};
use serde_json::{Value, json};

use super::{Ark, SEED_BITS};
use crate::editors::item::{effective, file, invalid, sent};
use crate::editors::knobs::values;
use crate::editors::wish::Wish;
use crate::http::multipart::Payload;
use crate::picture::received::data_url;

/// The most bytes of a picture that is sent.
const MOST_BYTES: usize = 10_000_000;
/// The most pixels of a picture that is sent.
const MOST_PIXELS: u64 = 36_000_000;
/// The shortest side of a picture that is sent must be longer than this.
const SHORTEST_SIDE: u32 = 14;

/// A request, and what became of the wishes behind it.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) payload: Payload,
    /// The seed as it was sent, where that is not the proposal's own.
    pub(super) effective_seed: Option<u64>,
    pub(super) wish: Wish,
}

impl Ark {
    /// Writes the request. Anything that the service would refuse is refused here, where nothing was sent.
    pub(super) fn body(&self, item: &EditItem) -> Result<Form, Failure> {
        self.fits(item.start.size())?;
        let source = file(&item.start, MOST_BYTES, |media| self.generation.reads(media))?;
        let size = self.size(item);
        let mut body = json!({
            "model": self.options.model,
            "prompt": &*item.proposal.instruction,
            "image": data_url(item.start.media().mime(), &source),
            "size": size.map_or_else(|| Value::from(self.word()), |size| size.to_string().into()),
            "response_format": if self.options.is_inline { "b64_json" } else { "url" },
            "watermark": false,
        });
        if self.generation.has_series() {
            body["sequential_image_generation"] = "disabled".into();
        }
        let has_seeds = self.options.has_seeds.unwrap_or_else(|| self.generation.has_seeds());
        let seed = has_seeds.then(|| sent(item.proposal.seed, SEED_BITS));
        if let Some(seed) = seed {
            body["seed"] = seed.into();
        }
        for (name, value) in values(&self.options.knobs, &item.proposal) {
            body[name.as_str()] = Value::Number(value);
        }
        let wish = Wish { wished: item.request.output_size, asked: size };
        let effective_seed = seed.and_then(|seed| effective(seed, item));
        Ok(Form { payload: Payload::json(&body), effective_seed, wish })
    }

    fn fits(&self, size: ImageSize) -> Result<(), Failure> {
        let (short, long) = (size.width.min(size.height), size.width.max(size.height));
        let (longest, pixels) = (self.generation.longest_input(), u64::from(size.width) * u64::from(size.height));
        if short > SHORTEST_SIDE && f64::from(long) <= longest * f64::from(short) && pixels <= MOST_PIXELS {
            return Ok(());
        }
        let message = format!(
            "expected a picture of at most {MOST_PIXELS} pixels, with sides longer than {SHORTEST_SIDE} and at most \
             {longest} to 1, found {size}"
        );
        Err(invalid(message))
    }

    /// The size to ask for. Left open, the service would make a square of whatever it is given.
    fn size(&self, item: &EditItem) -> Option<ImageSize> {
        let wished = item.request.output_size;
        let own = self.options.size.is_none().then(|| item.start.size());
        self.generation.nearest(wished.or(own)?)
    }

    fn word(&self) -> &str {
        let usual = self.generation.words().first().copied().unwrap_or_default();
        self.options.size.as_deref().unwrap_or(usual)
    }
}
