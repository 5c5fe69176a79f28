//! Which run is which: digests of all that decides it.

use editscale_core::{Digest, Instruction, Seed};
use editscale_engine::{CriticRevision, EditorRevision, RewardRevision, digest_of};

use crate::group::PolicyStamp;

/// What the runs of one process have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeIdentity {
    /// The digest of the resolved recipe.
    pub recipe: Digest,
    /// Editors, rewards and critics by name, with what exactly answers.
    revisions: Vec<(String, String)>,
}

impl RecipeIdentity {
    /// That of a resolved recipe, at work with these.
    pub fn new(resolved: &str, editors: &[EditorRevision], rewards: &[RewardRevision]) -> Self {
        let editors = editors.iter().map(|editor| (format!("editor {}", editor.name), editor.revision.clone()));
        let rewards = rewards.iter().map(|reward| (format!("reward {}", reward.name), reward.revision.clone()));
        Self { recipe: digest_of(resolved.as_bytes()), revisions: editors.chain(rewards).collect() }
    }

    /// The same with these critics; without any it is what it was.
    #[must_use]
    pub fn with_critics(mut self, critics: &[CriticRevision]) -> Self {
        let named = |critic: &CriticRevision| (format!("critic {}", critic.name), critic.revision.clone());
        self.revisions.extend(critics.iter().map(named));
        self
    }
}

/// What is asked for in one row.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The source's bytes.
    pub source: Digest,
    /// The mask's bytes.
    pub mask: Option<Digest>,
    /// What to do.
    pub instruction: &'a Instruction,
    /// The row's number in the data set: rows that are equal in all else stay apart.
    pub row: u64,
    /// What the data set calls the row.
    pub row_id: &'a str,
    /// Which of its repeats.
    pub repeat: u32,
    /// The root of the run's seeds.
    pub seed: Seed,
}

/// The digest of source, mask, instruction and recipe: equal for the repeats of a row, and for equal rows.
pub fn group_id(asked: &Asked<'_>, recipe: &RecipeIdentity) -> Digest {
    digest(&[
        "editscale-group/1",
        &asked.source.to_string(),
        &asked.mask.map_or_else(String::new, |mask| mask.to_string()),
        asked.instruction.as_str(),
        &recipe.recipe.to_string(),
    ])
}

/// The digest of all that decides a run: what is asked for, the recipe, what answers to its names, row, repeat, seed and weights.
pub fn rollout_id(asked: &Asked<'_>, recipe: &RecipeIdentity, policy: &PolicyStamp) -> Digest {
    let group = group_id(asked, recipe).to_string();
    let (row, repeat, seed) = (asked.row.to_string(), asked.repeat.to_string(), asked.seed.to_string());
    let mut parts =
        vec!["editscale-rollout/1", &group, &row, asked.row_id, &repeat, &seed, &policy.version, &policy.checksum];
    parts.extend(recipe.revisions.iter().flat_map(|(name, revision)| [name.as_str(), revision.as_str()]));
    digest(&parts)
}

/// The root seed of a row's run: the row's own where the data set gives one, otherwise made of the data set's root seed and
/// the row's name, so that rows that come or go do not change those of others.
pub fn row_seed(own: Option<Seed>, root: Seed, row_id: &str, repeat: u32) -> Seed {
    let first = own.unwrap_or_else(|| {
        let bytes = *digest(&["editscale-seed/1", &root.to_string(), row_id]).as_bytes();
        let number = bytes.iter().take(7).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        // Seven bytes are 56 bits; the upper 53 of them are a seed.
        Seed::new(number >> 3).unwrap_or(root)
    });
    if repeat == 0 { first } else { first.mix(u64::from(repeat)) }
}

/// The root seed of a group that is sampled again for the `resampled`-th time; 0 is the first.
pub fn resampled_seed(seed: Seed, resampled: u32) -> Seed {
    if resampled == 0 { seed } else { seed.mix((1 << 40) | u64::from(resampled)) }
}

/// A digest over texts with their lengths, so that no two lists of texts run together.
fn digest(parts: &[&str]) -> Digest {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    digest_of(&bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn whatever_decides_a_run_changes_its_name() {
        let instruction = |text| Instruction::new(text).unwrap();
        let (warmer, colder) = (instruction("warmer"), instruction("colder"));
        let seed = |number| Seed::new(number).unwrap();
        let base = Asked {
            source: digest_of(b"a"),
            mask: None,
            instruction: &warmer,
            row: 0,
            row_id: "1",
            repeat: 0,
            seed: seed(7),
        };
        let recipe = |text: &str, revision: &str| {
            let editor = EditorRevision { name: "e".into(), revision: revision.into(), is_reproducible: true };
            RecipeIdentity::new(text, &[editor], &[])
        };
        let rewarded = |revision: &str| {
            let reward = RewardRevision { name: "e".into(), revision: revision.into(), range: None };
            RecipeIdentity::new("r", &[], &[reward])
        };
        let criticised = |revision: &str| {
            let critic = CriticRevision { name: "e".into(), revision: revision.into() };
            RecipeIdentity::new("r", &[], &[]).with_critics(&[critic])
        };
        let stamp = |version: &str| PolicyStamp { version: version.into(), checksum: String::new() };
        let variants = [
            (base, recipe("r", "1"), stamp("")),
            (Asked { source: digest_of(b"b"), ..base }, recipe("r", "1"), stamp("")),
            (Asked { mask: Some(digest_of(b"m")), ..base }, recipe("r", "1"), stamp("")),
            (Asked { instruction: &colder, ..base }, recipe("r", "1"), stamp("")),
            (Asked { row_id: "2", ..base }, recipe("r", "1"), stamp("")),
            (Asked { row: 1, ..base }, recipe("r", "1"), stamp("")),
            (Asked { repeat: 1, ..base }, recipe("r", "1"), stamp("")),
            (Asked { seed: seed(8), ..base }, recipe("r", "1"), stamp("")),
            (base, recipe("s", "1"), stamp("")),
            (base, recipe("r", "2"), stamp("")),
            (base, recipe("r", "1"), stamp("step-1")),
            (base, rewarded("1"), stamp("")),
            (base, rewarded("2"), stamp("")),
            (base, criticised("1"), stamp("")),
            (base, criticised("2"), stamp("")),
        ];
        let ids: BTreeSet<String> =
            variants.iter().map(|(asked, recipe, stamp)| rollout_id(asked, recipe, stamp).to_string()).collect();
        assert_eq!(ids.len(), variants.len());
        let group = |asked| group_id(&asked, &recipe("r", "1"));
        assert_eq!(group(base), group(Asked { repeat: 3, row_id: "9", seed: seed(1), ..base }));
    }

    #[test]
    fn seeds_follow_from_names_alone() {
        let root = Seed::new(3).unwrap();
        let seeds: BTreeSet<Seed> = (0..100)
            .flat_map(|row: u32| (0..4).map(move |repeat| row_seed(None, root, &row.to_string(), repeat)))
            .collect();
        assert_eq!(seeds.len(), 400);
        assert_eq!(row_seed(Some(root), Seed::new(9).unwrap(), "a", 0), root);
        assert_ne!(row_seed(Some(root), root, "a", 1), root);
        assert_eq!(resampled_seed(root, 0), root);
        assert_ne!(resampled_seed(root, 1), root.mix(1));
    }
}
