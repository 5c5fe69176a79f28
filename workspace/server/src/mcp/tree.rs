//! The edits of a conversation: a tree, because one can go back and go on from there in another way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::trouble::Trouble;

/// More edits than this are no conversation.
const MOST: usize = 1000;

/// The number of an edit, from 1. It is said as `e1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct EditId(pub(crate) u32);

impl std::fmt::Display for EditId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "e{}", self.0)
    }
}

impl EditId {
    /// Reads `e1` and the like; nothing where it is no such thing.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('e')?;
        let is_plain = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_plain { digits.parse().ok().map(Self) } else { None }
    }
}

/// A candidate of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) run: String,
    pub(crate) candidate: u32,
}

/// What an edit was asked to do and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Deed {
    /// The edit that it goes on from; nothing where it began from a picture.
    pub(crate) parent: Option<EditId>,
    pub(crate) made: Made,
    pub(crate) instruction: String,
    pub(crate) recipe: String,
    pub(crate) utility: Option<f64>,
}

/// The edits, and which one is current.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    deeds: Vec<Deed>,
    current: Option<EditId>,
}

/// One edit of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct NodeForm {
    /// Its name in this conversation, such as `e3`.
    pub(crate) edit: String,
    /// The edit that it goes on from; null where it began from a picture.
    pub(crate) parent: Option<String>,
    /// Whether the next `refine_edit` goes on from it.
    pub(crate) is_current: bool,
    /// What was asked for.
    pub(crate) instruction: String,
    /// The recipe that made it.
    pub(crate) recipe: String,
    /// How good the recipe's objective finds it; compares within one run, and between runs where the recipe's scale is absolute.
    pub(crate) utility: Option<f64>,
    /// Its picture, as a resource.
    pub(crate) image: String,
    /// The picture that its run edited, as a resource.
    pub(crate) source: String,
}

impl Tree {
    /// Adds an edit, which becomes the current one.
    pub(crate) fn add(&mut self, deed: Deed) -> EditId {
        self.deeds.push(deed);
        let id = EditId(self.deeds.len() as u32);
        self.current = Some(id);
        id
    }

    /// Whether another one can be added.
    pub(crate) fn check_room(&self) -> Result<(), Trouble> {
        if self.deeds.len() < MOST {
            return Ok(());
        }
        Err(Trouble::new("full", format!("the conversation has {MOST} edits: begin another one")))
    }

    pub(crate) fn current(&self) -> Option<EditId> {
        self.current
    }

    /// An edit by its number.
    pub(crate) fn find(&self, id: EditId) -> Result<&Deed, Trouble> {
        let found = (id.0 as usize).checked_sub(1).and_then(|place| self.deeds.get(place));
        found.ok_or_else(|| Trouble::absent(format!("this conversation has no edit `{id}`: it has {}", self.span())))
    }

    fn span(&self) -> String {
        match self.deeds.len() {
            0 => "none yet".to_owned(),
            1 => "e1 alone".to_owned(),
            count => format!("e1 to e{count}"),
        }
    }

    /// The edit of which this candidate is the picture. A candidate that another one won over becomes an edit beside the winner;
    /// one of an earlier conversation begins anew.
    pub(crate) fn of(&mut self, made: &Made, otherwise: impl FnOnce() -> Deed) -> EditId {
        if let Some(place) = self.deeds.iter().position(|deed| deed.made == *made) {
            return EditId(place as u32 + 1);
        }
        let sibling = self.deeds.iter().find(|deed| deed.made.run == made.run).cloned();
        let other = otherwise();
        let deed = match sibling {
            Some(sibling) => Deed { made: made.clone(), utility: other.utility, ..sibling },
            None => other,
        };
        self.deeds.push(deed);
        EditId(self.deeds.len() as u32)
    }

    /// Makes an edit the current one.
    pub(crate) fn go_to(&mut self, id: EditId) -> Result<(), Trouble> {
        self.find(id)?;
        self.current = Some(id);
        Ok(())
    }

    /// Goes back to what the current edit went on from. Returns the edit that was undone; it stays in the tree.
    pub(crate) fn undo(&mut self) -> Result<EditId, Trouble> {
        let none = || Trouble::new("nothing_to_undo", "no edit is current: there is nothing to undo");
        let id = self.current.ok_or_else(none)?;
        self.current = self.find(id)?.parent;
        Ok(id)
    }

    /// One edit as it is sent.
    pub(crate) fn node(&self, id: EditId) -> Result<NodeForm, Trouble> {
        let deed = self.find(id)?;
        Ok(NodeForm {
            edit: id.to_string(),
            parent: deed.parent.map(|parent| parent.to_string()),
            is_current: self.current == Some(id),
            instruction: super::trouble::quoted(&deed.instruction, 200),
            recipe: deed.recipe.clone(),
            utility: deed.utility,
            image: super::uri::candidate(&deed.made.run, deed.made.candidate),
            source: super::uri::source(&deed.made.run),
        })
    }

    /// All edits in the order in which they were made.
    pub(crate) fn nodes(&self) -> Vec<NodeForm> {
        (1..=self.deeds.len() as u32).filter_map(|number| self.node(EditId(number)).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed(parent: Option<EditId>, run: &str, candidate: u32) -> Deed {
        let made = Made { run: run.to_owned(), candidate };
        Deed { parent, made, instruction: "warmer".to_owned(), recipe: "quick".to_owned(), utility: None }
    }

    #[test]
    fn one_goes_back_and_on_in_another_way() {
        let mut tree = Tree::default();
        assert!(tree.undo().is_err());
        let first = tree.add(deed(None, "r1", 0));
        let second = tree.add(deed(Some(first), "r2", 3));
        assert_eq!((tree.undo().unwrap(), tree.current()), (second, Some(first)));
        let branch = tree.add(deed(Some(first), "r3", 1));
        assert_eq!(branch, EditId(3));
        tree.go_to(second).unwrap();
        assert_eq!(tree.undo().unwrap(), second);
        assert_eq!((tree.undo().unwrap(), tree.current()), (first, None));
        assert!(tree.undo().is_err() && tree.go_to(EditId(4)).is_err() && tree.go_to(EditId(0)).is_err());
        let parents: Vec<Option<String>> = tree.nodes().into_iter().map(|node| node.parent).collect();
        assert_eq!(parents, [None, Some("e1".to_owned()), Some("e1".to_owned())]);
    }

    #[test]
    fn another_candidate_of_a_run_stands_beside_its_winner() {
        let mut tree = Tree::default();
        let first = tree.add(deed(None, "r1", 0));
        let second = tree.add(deed(Some(first), "r2", 3));
        let made = |run: &str, candidate| Made { run: run.to_owned(), candidate };
        assert_eq!(tree.of(&made("r2", 3), || unreachable!()), second);
        let other = tree.of(&made("r2", 5), || deed(None, "r2", 5));
        assert_eq!((other, tree.find(other).unwrap().parent), (EditId(3), Some(first)));
        let foreign = tree.of(&made("r9", 1), || deed(None, "r9", 1));
        assert_eq!((foreign, tree.find(foreign).unwrap().parent), (EditId(4), None));
        assert_eq!(tree.current(), Some(second), "naming an edit does not go to it");
    }

    #[test]
    fn only_numbers_after_an_e_name_edits() {
        assert_eq!(EditId::read("e12"), Some(EditId(12)));
        for other in ["e", "12", "e-1", "e+1", "E1", "e1.png", "e99999999999", "edit"] {
            assert_eq!(EditId::read(other), None, "{other}");
        }
    }
}
