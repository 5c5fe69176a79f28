//! Which items go into which call.

use std::collections::HashMap;

use editscale_core::{Digest, RewardItem};

/// Places of items in their list, those of one source and instruction together; groups in the order of their first items.
pub(super) fn groups(items: &[RewardItem]) -> Vec<Vec<usize>> {
    let mut known: HashMap<(Digest, &str), usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let key = (item.request.source.digest(), item.request.instruction.as_str());
        let number = *known.entry(key).or_insert(groups.len());
        match groups.get_mut(number) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    groups
}

/// Cuts groups into batches of at most `most`. A batch ends with its group where it is three quarters full: to encode a source
/// once more costs more than a batch that is not quite full.
pub(super) fn pointwise(groups: &[Vec<usize>], most: usize) -> Vec<Vec<usize>> {
    let most = most.max(1);
    let mut batches = Vec::new();
    let mut batch: Vec<usize> = Vec::new();
    for group in groups {
        let would_be_cut = batch.len() + group.len() > most;
        if would_be_cut && batch.len() * 4 >= most * 3 {
            batches.push(std::mem::take(&mut batch));
        }
        for place in group {
            batch.push(*place);
            if batch.len() == most {
                batches.push(std::mem::take(&mut batch));
            }
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_end_with_groups_where_they_are_nearly_full() {
        let groups = |sizes: &[usize]| {
            let mut next = 0..;
            sizes.iter().map(|size| next.by_ref().take(*size).collect()).collect::<Vec<Vec<usize>>>()
        };
        let sizes = |of: &[usize], most| pointwise(&groups(of), most).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(&[3, 3, 3], 4), [3, 3, 3], "three of four are enough");
        assert_eq!(sizes(&[2, 4, 1], 4), [4, 3], "half a batch is not");
        assert_eq!(sizes(&[9], 4), [4, 4, 1]);
        assert_eq!(sizes(&[1, 1, 1], 1), [1, 1, 1]);
        assert_eq!(sizes(&[], 8), [0; 0]);
        let batches = pointwise(&groups(&[5, 1, 7, 2, 2, 9]), 6);
        assert_eq!(batches.concat(), (0..26).collect::<Vec<_>>(), "each once, in order");
    }
}
