//! Sequences that begin alike, as a tree: every common beginning is there once.

/// One place of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Item {
    /// A token with an embedding.
    Token(u32),
    /// The token at a place within a picture.
    Picture {
        /// Which picture.
        picture: usize,
        /// Which of its tokens.
        at: usize,
    },
}

/// A run of items that some sequences have in common behind its parent.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) root: usize,
    pub(super) parent: Option<usize>,
    pub(super) items: Vec<Item>,
    children: Vec<usize>,
}

/// A tree for each root: sequences of different roots share nothing.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// The nodes without a parent.
    tops: Vec<usize>,
    size: usize,
}

impl Tree {
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Items in all.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Adds a sequence of at least one item below a root; the answer is the node at whose end it ends. Nodes keep their
    /// numbers and ends when others are added, and a sequence never ends within another.
    pub(super) fn add(&mut self, root: usize, items: &[Item]) -> usize {
        let (mut parent, mut rest) = (None, items);
        loop {
            let Some(next) = self.child(root, parent, rest[0]) else {
                return self.push(root, parent, rest.to_vec());
            };
            let common = self.nodes[next].items.iter().zip(rest).take_while(|(a, b)| a == b).count();
            rest = &rest[common..];
            if common == self.nodes[next].items.len() {
                if rest.is_empty() {
                    return next;
                }
                parent = Some(next);
            } else {
                let head = self.split(next, common);
                if rest.is_empty() {
                    return head;
                }
                parent = Some(head);
            }
        }
    }

    fn child(&self, root: usize, parent: Option<usize>, first: Item) -> Option<usize> {
        let siblings = parent.map_or(&self.tops, |parent| &self.nodes[parent].children);
        let begins = |&&node: &&usize| self.nodes[node].root == root && self.nodes[node].items[0] == first;
        siblings.iter().find(begins).copied()
    }

    fn push(&mut self, root: usize, parent: Option<usize>, items: Vec<Item>) -> usize {
        let node = self.nodes.len();
        self.size += items.len();
        self.nodes.push(Node { root, parent, items, children: Vec::new() });
        self.siblings(parent).push(node);
        node
    }

    fn siblings(&mut self, parent: Option<usize>) -> &mut Vec<usize> {
        match parent {
            Some(parent) => &mut self.nodes[parent].children,
            None => &mut self.tops,
        }
    }

    /// Parts a node after some items. The rear keeps its number, since sequences end there; the answer is the front.
    fn split(&mut self, node: usize, common: usize) -> usize {
        let (root, parent) = (self.nodes[node].root, self.nodes[node].parent);
        let rear = self.nodes[node].items.split_off(common);
        let front_items = std::mem::replace(&mut self.nodes[node].items, rear);
        let front = self.nodes.len();
        self.nodes.push(Node { root, parent, items: front_items, children: vec![node] });
        self.nodes[node].parent = Some(front);
        self.siblings(parent).iter_mut().filter(|sibling| **sibling == node).for_each(|sibling| *sibling = front);
        front
    }

    /// The nodes from a root down to this node.
    pub(super) fn path(&self, node: usize) -> Vec<usize> {
        let mut path: Vec<usize> = std::iter::successors(Some(node), |&node| self.nodes[node].parent).collect();
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn sequence(tree: &Tree, end: usize) -> Vec<Item> {
        tree.path(end).iter().flat_map(|&node| tree.nodes()[node].items.clone()).collect()
    }

    proptest! {
        /// Few tokens make many common beginnings; the last token makes no sequence the beginning of another.
        #[test]
        fn every_beginning_is_there_once(
            sequences in prop::collection::vec((0_usize..2, prop::collection::vec(0_u32..3, 0..9)), 1..24),
        ) {
            let sequences: Vec<(usize, Vec<Item>)> = sequences
                .into_iter()
                .map(|(root, tokens)| (root, tokens.into_iter().chain([9]).map(Item::Token).collect()))
                .collect();
            let mut tree = Tree::default();
            let ends: Vec<usize> = sequences.iter().map(|(root, items)| tree.add(*root, items)).collect();
            for ((root, items), &end) in sequences.iter().zip(&ends) {
                prop_assert_eq!(&sequence(&tree, end), items);
                prop_assert_eq!(tree.nodes()[end].root, *root);
            }
            let beginnings: HashSet<(usize, &[Item])> =
                sequences.iter().flat_map(|(root, items)| (1..=items.len()).map(|end| (*root, &items[..end]))).collect();
            prop_assert_eq!(tree.size(), beginnings.len());
            prop_assert_eq!(tree.nodes().iter().map(|node| node.items.len()).sum::<usize>(), tree.size());
        }
    }
}
