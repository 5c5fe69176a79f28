//! Which tensors a checkpoint of this judge holds.

use std::collections::HashSet;

use crate::layers::qwen25_vl::{self, Config, affine};
use crate::load::LoadError;
use crate::rewards::editreward::heads::{MAPS, OUTPUTS};
use crate::weights::{Checkpoint, TensorFacts};

/// The projection to the vocabulary. Checkpoints keep it from their base model, and the judge never uses it.
pub(super) const UNUSED: &str = "lm_head.weight";

/// The inner widths of a head in the released checkpoints.
pub(super) const HEAD_HIDDEN: [usize; 2] = [1024, 16];

type Tensors = Vec<(String, Vec<usize>)>;

/// Every tensor by its canonical name, with its shape, in the order in which they are passed through. `vocabulary` is the
/// number of embeddings, `head_hidden` the inner widths of a head. `lm_head.weight` is not among them.
pub fn expected_tensors(config: &Config, vocabulary: usize, head_hidden: [usize; 2]) -> Vec<(String, Vec<usize>)> {
    let mut tensors = qwen25_vl::expected_tensors(config, vocabulary);
    (0..2).for_each(|at| head(&format!("rm_heads.head_{at}"), config.text.hidden_size, head_hidden, &mut tensors));
    tensors
}

/// Refuses tensors that the configuration knows nothing of: a judge with some of its layers left out scores otherwise.
pub(super) fn refuse_strangers(config: &Config, checkpoint: &Checkpoint) -> Result<(), LoadError> {
    let expected = expected_tensors(config, 0, [0, 0]);
    let expected: HashSet<&str> = expected.iter().map(|(name, _)| name.as_str()).chain([UNUSED]).collect();
    let strangers: Vec<(&str, TensorFacts)> = checkpoint.facts().filter(|(name, _)| !expected.contains(name)).collect();
    match strangers.first() {
        Some((name, facts)) => {
            let others = format!("{} tensors that `config.json` knows nothing of", strangers.len());
            let reason = format!("holds {others}, the first `{name}`: expected those of this model");
            Err(LoadError::content(&facts.file, reason))
        }
        None => Ok(()),
    }
}

fn head(root: &str, inputs: usize, hidden: [usize; 2], tensors: &mut Tensors) {
    let widths = [inputs, hidden[0], hidden[1], OUTPUTS];
    for (map, edge) in MAPS.into_iter().zip(widths.windows(2)) {
        affine(&format!("{root}.{map}"), edge[0], edge[1], tensors);
    }
}
