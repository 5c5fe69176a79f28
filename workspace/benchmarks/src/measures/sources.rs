//! Which cases are no independent witnesses: those of one source picture or of one group.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::JudgedCase;

/// What each case comes from, by a name that does not depend on the order of the cases. Cases with one source picture have one
/// name, as have those of one group of one part, and those that are linked by others; a case whose picture could not be read
/// stands for itself.
pub(super) fn sources(cases: &[JudgedCase]) -> Vec<Arc<str>> {
    let mut links = Links { before: (0..cases.len()).collect() };
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (number, case) in cases.iter().enumerate() {
        let source = case.source.as_ref().map(|source| ("", &*source.digest));
        let group = case.group.as_deref().map(|group| (&*case.part, group));
        for key in source.into_iter().chain(group) {
            let first = *seen.entry(key).or_insert(number);
            links.join(first, number);
        }
    }
    let mut names: BTreeMap<usize, Arc<str>> = BTreeMap::new();
    for (number, case) in cases.iter().enumerate() {
        let own = name(case);
        let least = names.entry(links.root(number)).or_insert_with(|| own.clone());
        if own < *least {
            *least = own;
        }
    }
    (0..cases.len()).filter_map(|number| names.get(&links.root(number)).cloned()).collect()
}

fn name(case: &JudgedCase) -> Arc<str> {
    let own = || format!("{}/{}", case.part, case.id);
    Arc::from(case.source.as_ref().map_or_else(own, |source| source.digest.clone()))
}

/// Sets of cases; each case names an earlier one of its set, or itself.
struct Links {
    before: Vec<usize>,
}

impl Links {
    fn root(&self, mut number: usize) -> usize {
        while let Some(before) = self.before.get(number).copied().filter(|before| *before != number) {
            number = before;
        }
        number
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        if let Some(before) = self.before.get_mut(one.max(other)) {
            *before = one.min(other);
        }
    }
}
