//! The JSON that one edit is sent as.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_core::{EditItem, Failure, MediaType};
use serde_json::{Map, Value, json};

use super::Gemini;
use super::sizes::{Frame, nearest};
use crate::editors::item::file;
use crate::editors::knobs::values;
use crate::http::multipart::Payload;

/// The most bytes of a picture that is sent. A request may have 20 MB, of which base64 takes a third more than the picture.
const MOST_BYTES: usize = 14_000_000;

impl Gemini {
    /// Writes the request. Anything that the service would refuse is refused here, where nothing was sent.
    pub(super) fn body(&self, item: &EditItem, seed: u64) -> Result<(Payload, Frame), Failure> {
        let reads = |media| matches!(media, MediaType::Png | MediaType::Jpeg | MediaType::WebP);
        let source = file(&item.start, MOST_BYTES, reads)?;
        let frame = nearest(item.request.output_size, &self.options.aspects, &self.options.resolutions);
        let picture = json!({"mimeType": item.start.media().mime(), "data": STANDARD.encode(&*source)});
        let mut body = json!({
            "contents": [{"role": "user", "parts": [{"text": &*item.proposal.instruction}, {"inlineData": picture}]}],
            "generationConfig": self.generation(item, seed, &frame),
        });
        if !self.options.safety.is_empty() {
            let setting = |(category, threshold)| json!({"category": category, "threshold": threshold});
            body["safetySettings"] = self.options.safety.iter().map(setting).collect();
        }
        Ok((Payload::json(&body), frame))
    }

    fn generation(&self, item: &EditItem, seed: u64, frame: &Frame) -> Value {
        let mut image = Map::new();
        let parts = [("aspectRatio", &frame.aspect), ("imageSize", &frame.resolution)];
        for (name, value) in parts.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            image.insert(name.to_owned(), value.as_str().into());
        }
        let mut generation = json!({"responseModalities": ["IMAGE"], "seed": seed});
        if !image.is_empty() {
            generation["imageConfig"] = Value::Object(image);
        }
        for (name, value) in values(&self.options.knobs, &item.proposal) {
            generation[name.as_str()] = Value::Number(value);
        }
        generation
    }
}
