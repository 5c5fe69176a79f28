//! A conversation in tokens: where they stand, and what each of them sees.

use std::ops::Range;

use candle_core::Tensor;
use editscale_core::TowerPictures;

use crate::encoders::vision_language::{EncoderError, EncoderPicture};
use crate::layers::Segment;
use crate::layers::qwen25_vl::{Grid, multimodal_positions};

/// What is to be encoded.
#[derive(Debug, Clone, Copy)]
pub struct EncoderPrompt<'a> {
    /// The tokens; a picture's token stands as often as the picture has tokens.
    pub ids: &'a [u32],
    /// The pictures, in the order in which they stand.
    pub pictures: &'a [EncoderPicture],
    /// Which tokens are seen, where not all are: nobody looks at the others, and positions do not count them. They look at
    /// what is seen before them, and have a state as well.
    pub visible: Option<&'a [bool]>,
}

/// A prompt, encoded where the encoder computes.
#[derive(Debug, Clone)]
pub struct EncodedPrompt {
    /// States behind the final normalisation, [tokens, width], in the encoder's type.
    pub states: Tensor,
    /// What went into the decoder, [tokens, width]: embeddings, with features where pictures stand.
    pub embeddings: Tensor,
    /// Time, row and column of each token.
    pub positions: Vec<[u32; 3]>,
    /// What became of its pictures in the vision tower.
    pub pictures: TowerPictures,
}

/// How a prompt goes through the decoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) positions: Vec<[u32; 3]>,
    pub(super) segments: Vec<Segment>,
    /// For each token the row of embeddings of all words, then of all pictures, that goes in.
    pub(super) rows: Vec<u32>,
    /// The tokens that are words.
    pub(super) words: Vec<u32>,
}

impl Plan {
    /// Of a prompt whose pictures stand under the id `picture`; `merge` is the edge of a merged token in patches.
    pub(super) fn new(prompt: &EncoderPrompt<'_>, picture: u32, merge: usize) -> Result<Self, EncoderError> {
        check(prompt, picture)?;
        let ids = prompt.ids;
        let visible = prompt.visible.map_or_else(|| vec![true; ids.len()], <[bool]>::to_vec);
        let grids: Vec<Grid> = prompt.pictures.iter().map(EncoderPicture::grid).collect();
        let seen: Vec<u32> = ids.iter().zip(&visible).filter(|(_, visible)| **visible).map(|(id, _)| *id).collect();
        let mut counted = multimodal_positions(&seen, picture, &grids, merge).into_iter();
        // The reference fills up with ones.
        let place = |visible: &bool| if *visible { counted.next().unwrap_or([1; 3]) } else { [1; 3] };
        let positions = visible.iter().map(place).collect();
        let words: Vec<u32> = ids.iter().copied().filter(|id| *id != picture).collect();
        Ok(Self { positions, segments: segments(&visible), rows: rows(ids, picture), words })
    }
}

fn check(prompt: &EncoderPrompt<'_>, picture: u32) -> Result<(), EncoderError> {
    let fail = |reason: String| Err(EncoderError::Prompt(reason));
    let EncoderPrompt { ids, pictures, visible } = *prompt;
    if ids.is_empty() {
        return fail("it has no tokens: expected at least one".to_owned());
    }
    let (found, expected) =
        (ids.iter().filter(|id| **id == picture).count(), pictures.iter().map(EncoderPicture::tokens).sum::<usize>());
    if found != expected {
        let count = pictures.len();
        return fail(format!("it has {found} places for pictures: expected {expected}, as its {count} pictures have"));
    }
    let Some(visible) = visible else { return Ok(()) };
    if visible.len() != ids.len() {
        return fail(format!("its mask is for {} tokens: expected {}", visible.len(), ids.len()));
    }
    match ids.iter().zip(visible).position(|(id, visible)| *id == picture && !visible) {
        Some(at) => fail(format!("token {at} is a picture's and hidden: expected all of a picture to be seen")),
        None => Ok(()),
    }
}

/// The row of each token: words come first, then all pictures.
fn rows(ids: &[u32], picture: u32) -> Vec<u32> {
    let (mut word, mut feature) = (0, ids.iter().filter(|id| **id != picture).count() as u32);
    let next = |counter: &mut u32| {
        *counter += 1;
        *counter - 1
    };
    ids.iter().map(|id| if *id == picture { next(&mut feature) } else { next(&mut word) }).collect()
}

/// What each run of tokens sees: those before it that are seen, and itself if it is. What would see nothing sees itself.
fn segments(visible: &[bool]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut seen: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for run in visible.chunk_by(|a, b| a == b) {
        let rows = start..start + run.len();
        start = rows.end;
        if run[0] {
            let keys = seen.iter().cloned().chain([rows.clone()]).collect();
            segments.push(Segment { queries: rows.clone(), keys, causal: true });
            seen.push(rows);
        } else if seen.is_empty() {
            segments.extend(rows.map(|row| Segment::full(row..row + 1)));
        } else {
            segments.push(Segment { queries: rows, keys: seen.clone(), causal: false });
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_sees_what_is_hidden() {
        let found = segments(&[false, false, true, true, false, true]);
        let segment =
            |queries: Range<usize>, keys: &[Range<usize>], causal| Segment { queries, keys: keys.to_vec(), causal };
        let expected = [
            segment(0..1, &[0..1], false),
            segment(1..2, &[1..2], false),
            segment(2..4, &[2..4], true),
            segment(4..5, &[2..4], false),
            segment(5..6, &[2..4, 5..6], true),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn words_come_before_pictures() {
        assert_eq!(rows(&[5, 9, 9, 6, 9], 9), [0, 2, 3, 1, 4]);
    }
}
