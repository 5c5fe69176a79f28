//! From the tensors of an answer to a trajectory.

use editscale_core::Trajectory;

use super::item::Item;
use super::options::SgLangRolloutOptions;
use super::tensor::{Packed, Tensor};

/// The way of a sample through the latent space, as far as the server tells it.
#[derive(Debug)]
pub(super) enum Way {
    /// All of it.
    Whole(Trajectory),
    /// The server left this part out, for which nothing is made up.
    Lacks(&'static str),
}

/// The way of a sample; or why what there is of it is none.
///
/// Latents x are noised by sigma as rectified flows have it, x = (1 - sigma) picture + sigma noise, and log-probabilities are
/// means over the latents' dimensions, as ours are. The server writes one time more than there are steps, which is zero and
/// is dropped.
pub(super) fn way(item: &Item<'_>, options: &SgLangRolloutOptions) -> Result<Way, String> {
    let Some(steps) = &item.dit_trajectory else { return Ok(Way::Lacks("dit_trajectory")) };
    let Some(latents) = &steps.latents else { return Ok(Way::Lacks("latents")) };
    let Some(timesteps) = &steps.timesteps else { return Ok(Way::Lacks("timesteps")) };
    let Some(sigmas) = &steps.sigmas else { return Ok(Way::Lacks("sigmas")) };
    let Some(probabilities) = &item.rollout_log_probs else { return Ok(Way::Lacks("rollout_log_probs")) };
    let probabilities = list(probabilities, "rollout_log_probs")?;
    let count = probabilities.len();
    let mut timesteps = finite(list(timesteps, "timesteps")?, "timesteps")?;
    if timesteps.len() == count + 1 {
        timesteps.pop();
    }
    let sigmas = finite(list(sigmas, "sigmas")?, "sigmas")?;
    let Tensor { shape, values } = latents.tensor("latents")?;
    let instants = shape.first().copied().unwrap_or_default();
    if count == 0 || timesteps.len() != count || sigmas.len() != count + 1 || instants != count + 1 {
        let (times, levels) = (timesteps.len(), sigmas.len());
        return Err(format!(
            "expected {count} times and {} sigmas and instants for {count} steps, found {times}, {levels} and {instants}",
            count + 1
        ));
    }
    let log_probabilities = logarithms(&probabilities, &sigmas, options)?;
    let (latents, shape) = (finite(values, "latents")?, shape.get(1..).unwrap_or_default().to_vec());
    Ok(Way::Whole(Trajectory { shape, latents, timesteps, sigmas, log_probabilities }))
}

fn list(packed: &Packed<'_>, name: &str) -> Result<Vec<f32>, String> {
    let tensor = packed.tensor(name)?;
    if tensor.shape.len() == 1 {
        Ok(tensor.values)
    } else {
        Err(format!("`{name}`: expected a list, found {:?}", tensor.shape))
    }
}

fn finite(values: Vec<f32>, name: &str) -> Result<Vec<f32>, String> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(format!("`{name}`: expected finite numbers, found {value}")),
        None => Ok(values),
    }
}

/// The server writes 0 for a step that adds no noise. A last step down to sigma 0 adds none either where the noise is a part
/// of sigma, which the server writes as a number that is none.
fn logarithms(found: &[f32], sigmas: &[f32], options: &SgLangRolloutOptions) -> Result<Vec<Option<f32>>, String> {
    let one = |(step, value): (usize, &f32)| match options.adds_noise(step) {
        false => Ok(None),
        true if value.is_finite() => Ok(Some(*value)),
        true if sigmas.get(step + 1) == Some(&0.0) => Ok(None),
        true => Err(format!("`rollout_log_probs`: expected a finite number for step {step}, found {value}")),
    };
    found.iter().enumerate().map(one).collect()
}
