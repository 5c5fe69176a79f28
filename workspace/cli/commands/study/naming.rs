//! What groups are called: by `--group`, else by their policy, and where that is the same for several, by their folders.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What is known of a group that may name it.
#[derive(Debug, Clone, Default)]
pub(super) struct Naming {
    /// What `--group` calls it.
    pub(super) given: Option<String>,
    /// The policy of its first run.
    pub(super) policy: String,
    /// The folder in which all its runs are.
    pub(super) folder: Option<PathBuf>,
}

impl Naming {
    /// Takes note of one more of its runs.
    pub(super) fn holds(&mut self, run: &Path) {
        let shared = |folder: &PathBuf| {
            let same = folder.components().zip(run.components()).take_while(|(one, other)| one == other);
            same.map(|(one, _)| one).collect()
        };
        self.folder = Some(self.folder.as_ref().map_or_else(|| run.to_owned(), shared));
    }

    /// The name of the folder so many levels up.
    fn folder(&self, up: usize) -> Option<String> {
        let folder = self.folder.as_deref()?.ancestors().nth(up)?;
        folder.file_name().and_then(OsStr::to_str).map(ToOwned::to_owned)
    }
}

/// A name for each group, no two of which are the same.
pub(super) fn names(groups: &[Naming]) -> Vec<String> {
    let wanted = |group: &Naming| group.given.clone().unwrap_or_else(|| group.policy.clone());
    let mut names: Vec<String> = groups.iter().map(wanted).collect();
    let policies: BTreeSet<&String> = groups.iter().map(|group| &group.policy).collect();
    for policy in policies {
        let alike: Vec<usize> = (0..groups.len()).filter(|place| names[*place] == *policy).collect();
        let unnamed: Vec<usize> = alike.iter().copied().filter(|place| groups[*place].given.is_none()).collect();
        if alike.len() > 1 {
            let others: BTreeSet<String> =
                (0..names.len()).filter(|place| !unnamed.contains(place)).map(|place| names[place].clone()).collect();
            let found = (0..2).find_map(|up| folders(groups, &unnamed, (up, &others)));
            let found = found.unwrap_or_else(|| numbered(policy, &others, unnamed.len()));
            unnamed.into_iter().zip(found).for_each(|(place, name)| names[place] = name);
        }
    }
    names
}

/// The names of these groups' folders, where they differ from each other and from other names.
fn folders(groups: &[Naming], places: &[usize], (up, others): (usize, &BTreeSet<String>)) -> Option<Vec<String>> {
    let names: Vec<String> = places.iter().map(|place| groups[*place].folder(up)).collect::<Option<_>>()?;
    let different: BTreeSet<&String> = names.iter().collect();
    (different.len() == names.len() && different.iter().all(|name| !others.contains(*name))).then_some(names)
}

/// `beam`, `beam 2`, `beam 3`, as far as they are free.
fn numbered(policy: &str, others: &BTreeSet<String>, count: usize) -> Vec<String> {
    let name = |number: usize| if number == 1 { policy.to_owned() } else { format!("{policy} {number}") };
    (1..).map(name).filter(|name| !others.contains(name)).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(given: Option<&str>, policy: &str, runs: &[&str]) -> Naming {
        let given = given.map(ToOwned::to_owned);
        let mut group = Naming { given, policy: policy.to_owned(), folder: None };
        runs.iter().for_each(|run| group.holds(Path::new(run)));
        group
    }

    #[test]
    fn folders_tell_groups_of_one_policy_apart() {
        let beam = || group(None, "beam", &["runs/beam/1"]);
        let six = || group(None, "best", &["runs/six/1", "runs/six/2"]);
        for (groups, expected) in [
            (vec![six(), beam()], &["best", "beam"][..]),
            (vec![six(), group(None, "best", &["runs/twelve/1", "runs/twelve/2"]), beam()], &["six", "twelve", "beam"]),
            // One run each, called alike: by what holds them.
            (vec![group(None, "best", &["a/x"]), group(None, "best", &["b/x"])], &["a", "b"]),
            // Runs of several recipes in one folder.
            (vec![group(None, "best", &["a/1", "a/2"]), group(None, "best", &["a/3", "a/4"])], &["best", "best 2"]),
            (vec![group(Some("best"), "best", &["a/1"]), six()], &["best", "six"]),
            (vec![group(Some("six"), "best", &["a/1"]), six(), six()], &["six", "best", "best 2"]),
        ] {
            assert_eq!(names(&groups), expected, "{groups:?}");
        }
    }
}
