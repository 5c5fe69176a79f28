//! The body that one edit is sent as.

use editscale_core::{EditItem, Failure, ImageSize, MediaType};
use serde_json::{Map, Value, json};

use super::SubmitPoll;
use super::options::SizePlace;
use super::service::Service;
use crate::editors::item::{SEED_BITS, effective, file, sent};
use crate::editors::knobs::values;
use crate::editors::masks;
use crate::editors::wish::Wish;
use crate::picture::received::data_url;

/// The most bytes of a picture that is sent: what BFL takes.
const MOST_BYTES: usize = 20_000_000;

/// A body, and what became of the wishes behind it.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) json: Value,
    /// The seed as it was sent, where that is not the proposal's own.
    pub(super) effective_seed: Option<u64>,
    pub(super) wish: Wish,
}

impl SubmitPoll {
    /// Writes the body. Anything that the service would refuse or ignore is refused here, where nothing was sent.
    pub(super) fn body(&self, item: &EditItem) -> Result<Body, Failure> {
        let options = &self.options;
        let reads = |media| matches!(media, MediaType::Png | MediaType::Jpeg | MediaType::WebP);
        let source = self.picture(item.start.media().mime(), &file(&item.start, MOST_BYTES, reads)?);
        let mask = masks::white(item, &options.name, options.inputs.mask.is_some())?;
        let seed = options.inputs.seed.as_ref().map(|_| sent(item.proposal.seed, SEED_BITS));
        let wished = item.request.output_size;
        let size = wished.filter(|_| options.size != SizePlace::Nowhere).map(|size| options.sizes.nearest(size));
        let mut input = options.fields.clone();
        let mut set = |name: &str, value: Value| _ = input.insert(name.to_owned(), value);
        set(&options.inputs.prompt, item.proposal.instruction.as_ref().into());
        set(&options.inputs.picture, if options.inputs.picture_is_list { json!([source]) } else { source });
        if let (Some(name), Some(mask)) = (&options.inputs.mask, mask) {
            set(name, self.picture("image/png", &mask));
        }
        if let (Some(name), Some(seed)) = (&options.inputs.seed, seed) {
            set(name, seed.into());
        }
        values(&options.knobs, &item.proposal).into_iter().for_each(|(name, value)| set(&name, value.into()));
        self.ask_for(size, &mut set);
        let effective_seed = seed.and_then(|seed| effective(seed, item));
        Ok(Body { json: self.whole(input), effective_seed, wish: Wish { wished, asked: size } })
    }

    /// A picture as the service takes it.
    fn picture(&self, mime: &str, bytes: &[u8]) -> Value {
        let url = data_url(mime, bytes);
        match self.options.service {
            Service::Bfl => url.split_once(',').map_or("", |(_, data)| data).into(),
            Service::Fal | Service::Replicate => url.into(),
        }
    }

    fn ask_for(&self, size: Option<ImageSize>, set: &mut impl FnMut(&str, Value)) {
        let Some(ImageSize { width, height }) = size else { return };
        match &self.options.size {
            SizePlace::Nowhere => {}
            SizePlace::Sides { width: wide, height: high } => {
                set(wide, width.into());
                set(high, height.into());
            }
            SizePlace::Object(name) => set(name, json!({"width": width, "height": height})),
            SizePlace::Proportion(name) => {
                let common = common(width, height).max(1);
                set(name, format!("{}:{}", width / common, height / common).into());
            }
        }
    }

    fn whole(&self, mut input: Map<String, Value>) -> Value {
        match self.options.service {
            Service::Bfl => {
                // A language model would rewrite the instruction.
                input.insert("prompt_upsampling".to_owned(), false.into());
                // Its own would be JPEG, whose losses a judge sees.
                input.entry("output_format").or_insert_with(|| "png".into());
                Value::Object(input)
            }
            Service::Fal => Value::Object(input),
            Service::Replicate => match self.options.model.split_once(':') {
                Some((_, version)) => json!({"version": version, "input": input}),
                None => json!({"input": input}),
            },
        }
    }
}

/// The greatest common divisor.
fn common(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common(b, a % b) }
}
