//! What was wished for, what was asked for, and what people should know where something else came.

use std::sync::Arc;

use editscale_core::ImageSize;

/// A wish for a size, and what became of it on its way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wish {
    /// The size that the request wishes for.
    pub(crate) wished: Option<ImageSize>,
    /// The size that the server is asked for; none where that is up to the server.
    pub(crate) asked: Option<ImageSize>,
}

/// What people should know of an answer with so many pictures, of which the first has this size.
pub(crate) fn notes(count: usize, wish: Wish, made: ImageSize) -> Vec<Arc<str>> {
    spare(count).into_iter().chain(wish.lost(made)).chain(wish.other(made)).collect()
}

/// That there are more pictures than one, where there are.
pub(crate) fn spare(count: usize) -> Option<Arc<str>> {
    let note = || format!("the server sent {count} pictures where 1 was asked for; the first was kept").into();
    (count > 1).then(note)
}

impl Wish {
    /// That another size than the one that was wished for had to be asked for, unless that one came all the same.
    fn lost(self, made: ImageSize) -> Option<Arc<str>> {
        let wished = self.wished.filter(|wished| self.asked != Some(*wished) && made != *wished)?;
        let asked = self.asked.map_or_else(|| "its own".to_owned(), |asked| asked.to_string());
        Some(format!("the size {wished} is not to be had; {asked} was asked for").into())
    }

    /// That another size came than the one that was asked for.
    fn other(self, made: ImageSize) -> Option<Arc<str>> {
        let asked = self.asked.filter(|asked| *asked != made)?;
        Some(format!("the server made {made} where {asked} was asked for").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_otherwise_is_said() {
        let size = |width| ImageSize { width, height: 1 };
        let lost = "the size 5x1 is not to be had; 4x1 was asked for";
        for (count, wished, asked, made, expected) in [
            (1, None, None, 9, &[][..]),
            (1, Some(5), Some(5), 5, &[]),
            (1, Some(5), Some(4), 4, &[lost]),
            (1, Some(5), Some(4), 5, &["the server made 5x1 where 4x1 was asked for"]),
            (1, Some(5), Some(4), 3, &[lost, "the server made 3x1 where 4x1 was asked for"]),
            (1, Some(5), None, 9, &["the size 5x1 is not to be had; its own was asked for"]),
            (1, Some(5), None, 5, &[]),
            (3, None, Some(4), 4, &["the server sent 3 pictures where 1 was asked for; the first was kept"]),
        ] {
            let wish = Wish { wished: wished.map(size), asked: asked.map(size) };
            let notes = notes(count, wish, size(made));
            assert_eq!(notes.iter().map(|note| &**note).collect::<Vec<_>>(), expected, "{wish:?}");
        }
    }
}
