//! The JSON that one edit is sent as.

use editscale_core::{EditItem, Failure, MediaType};
use serde_json::{Value, json};

use super::SgLangRollout;
use super::options::RolloutSampler;
use crate::editors::item::{SEED_BITS, effective, file, sent};
use crate::editors::knobs::values;
use crate::editors::wish::Wish;
use crate::http::multipart::Payload;
use crate::picture::received::data_url;

/// The most bytes of a picture that is sent.
const MOST_BYTES: usize = 50_000_000;

/// A request, and what became of the wishes behind it.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) payload: Payload,
    pub(super) seed: u64,
    /// The seed as it was sent, where that is not the proposal's own.
    pub(super) effective_seed: Option<u64>,
    pub(super) wish: Wish,
}

impl SgLangRollout {
    /// Writes the request. Tensors for debugging, which are on by default, are several times the trajectory and are turned
    /// off. The one without a constant would make log-probabilities that are none, so that is off too, except where the
    /// server wants it on: where no step adds noise there are none to speak of.
    pub(super) fn body(&self, item: &EditItem) -> Result<Form, Failure> {
        let options = &self.options;
        let reads = |media| matches!(media, MediaType::Png | MediaType::Jpeg | MediaType::WebP);
        let source = file(&item.start, MOST_BYTES, reads)?;
        let seed = sent(item.proposal.seed, SEED_BITS);
        let wished = item.request.output_size;
        let size = wished.map(|size| options.sizes.nearest(size));
        let mut body = json!({
            "prompt": &*item.proposal.instruction,
            "image_path": [data_url(item.start.media().mime(), &source)],
            "seed": seed,
            "generator_device": options.generator_device.word(),
            "num_outputs_per_prompt": 1,
            "rollout": true,
            "rollout_sde_type": options.sampler.word(),
            "rollout_noise_level": options.noise_level,
            "rollout_log_prob_no_const": options.sampler == RolloutSampler::Ode,
            "rollout_debug_mode": false,
            "rollout_return_denoising_env": false,
            "rollout_return_dit_trajectory": options.keeps_trajectory,
            "suppress_logs": true,
        });
        if let Some(size) = size {
            body["width"] = size.width.into();
            body["height"] = size.height.into();
        }
        if let Some(steps) = &options.noisy_steps {
            body["rollout_sde_step_indices"] = steps.iter().copied().collect();
        }
        if let Some(negative) = &options.negative_prompt {
            body["negative_prompt"] = negative.as_str().into();
        }
        for (name, value) in values(&options.knobs, &item.proposal) {
            body[name.as_str()] = Value::Number(value);
        }
        let wish = Wish { wished, asked: size };
        Ok(Form { payload: Payload::json(&body), seed, effective_seed: effective(seed, item), wish })
    }
}
