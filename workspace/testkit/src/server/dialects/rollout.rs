//! The route `/rollout/generate` of `SGLang` Diffusion.

use serde_json::Value;

use super::colour;
use crate::server::exchange::Answer;
use crate::server::msgpack::Packed;
use crate::server::request::Asked;
use crate::server::{ServerFault, State};

/// Steps where the request does not say how many.
const STEPS: usize = 4;
/// The dimensions of the latents.
const LATENTS: [usize; 2] = [2, 3];

pub(super) fn answer(state: &mut State, asked: &Asked, fault: Option<&ServerFault>) -> Option<Answer> {
    if asked.line != "POST /rollout/generate" {
        return None;
    }
    let asked = asked.json();
    state.made.push(format!("rollout {}", asked["seed"]));
    let count = ServerFault::pictures(fault);
    let samples = Packed::List(vec![rollout_sample(&asked); count]);
    Some(Answer::of("application/msgpack", samples.pack()))
}

/// One sample of an answer to this request, as the server writes it when nothing goes wrong.
pub fn rollout_sample(asked: &Value) -> Packed {
    let seed = asked["seed"].as_u64().unwrap_or(42);
    let side = |name: &str, usual: u64| asked[name].as_u64().unwrap_or(usual) as usize;
    let (width, height) = (side("width", 16), side("height", 8));
    let colour = colour(asked["prompt"].as_str().unwrap_or_default(), &seed.to_string());
    let pixels: Vec<f32> =
        colour.iter().flat_map(|byte| vec![f32::from(*byte) / 255.0 + 1e-4; width * height]).collect();
    let sample = Packed::map([
        ("request_id", Packed::Text("r-1".to_owned())),
        ("prompt", Packed::Text(asked["prompt"].as_str().unwrap_or_default().to_owned())),
        ("seed", Packed::Whole(seed)),
        ("generated_output", Packed::floats(&[3, 1, height, width], &pixels)),
        ("rollout_debug_tensors", Packed::Nil),
        ("denoising_env", Packed::Nil),
        ("inference_time_s", Packed::Number(0.5)),
    ]);
    let steps = side("num_inference_steps", STEPS as u64);
    let (way, probabilities) = way(asked, seed, steps);
    let way = if asked["rollout_return_dit_trajectory"] == true { way } else { Packed::Nil };
    sample.with("dit_trajectory", way).with("rollout_log_probs", probabilities)
}

/// Latents that follow from the seed, sigmas from 1 to 0, one time more than there are steps.
fn way(asked: &Value, seed: u64, steps: usize) -> (Packed, Packed) {
    let sigmas: Vec<f32> = (0..=steps).map(|step| 1.0 - step as f32 / steps as f32).collect();
    let times: Vec<f32> = sigmas.iter().map(|sigma| sigma * 1000.0).collect();
    let count: usize = LATENTS.iter().product();
    let latents: Vec<f32> = (0..(steps + 1) * count).map(|at| (seed % 1000) as f32 + at as f32 / 8.0).collect();
    let noisy = asked["rollout_sde_step_indices"].as_array();
    let is_noisy = |step: usize| noisy.is_none_or(|noisy| noisy.iter().any(|index| index == step));
    let probability = |step: usize| match asked["rollout_sde_type"].as_str() {
        Some("cps") if step + 1 == steps => f32::NAN,
        Some("sde" | "cps") if is_noisy(step) => -1.0 - step as f32,
        _ => 0.0,
    };
    let probabilities: Vec<f32> = (0..steps).map(probability).collect();
    let way = Packed::map([
        ("latents", Packed::floats(&[&[steps + 1], &LATENTS[..]].concat(), &latents)),
        ("timesteps", Packed::floats(&[steps + 1], &times)),
        ("sigmas", Packed::floats(&[steps + 1], &sigmas)),
    ]);
    (way, Packed::floats(&[steps], &probabilities))
}
