//! Attention over packed rows: every query row is told which key rows it may look at.
//!
//! No path builds the full score matrix: the processor's goes over blocks of keys with a running softmax, the cards' over
//! blocks of queries.

mod blocked;
mod composite;
mod multiply;

use std::ops::Range;

use candle_core::{DType, Result, Tensor};

/// Query rows that look at the same key rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The query rows. Segments cover all query rows in order, without a gap.
    pub queries: Range<usize>,
    /// The key rows, as ranges that follow each other in the sequence.
    pub keys: Vec<Range<usize>>,
    /// Whether the last range belongs to the queries themselves, row by row, and each query sees of it only what does not
    /// come after it.
    pub causal: bool,
}

impl Segment {
    /// Rows that look at themselves only, all of them.
    pub fn full(rows: Range<usize>) -> Self {
        Self { queries: rows.clone(), keys: vec![rows], causal: false }
    }

    /// How many keys a query sees at most.
    pub fn key_count(&self) -> usize {
        self.keys.iter().map(ExactSizeIterator::len).sum()
    }
}

/// Scaled dot-product attention, `softmax(Q Kᵀ / sqrt(width)) V` for every segment and head.
///
/// Queries [rows, heads, width], keys and values [key rows, key heads, width]; `heads` is a multiple of `key heads`, and
/// neighbouring query heads share a key head. The answer is [rows, heads · width].
pub fn attend(queries: &Tensor, keys: &Tensor, values: &Tensor, segments: &[Segment]) -> Result<Tensor> {
    if queries.device().is_cpu() && queries.dtype() == DType::F32 {
        return blocked::attend(queries, keys, values, segments);
    }
    composite::attend(queries, keys, values, segments)
}

/// Checks that the shapes fit each other and the segments fit the shapes.
fn check(queries: &Tensor, keys: &Tensor, values: &Tensor, segments: &[Segment]) -> Result<()> {
    let (rows, heads, width) = queries.dims3()?;
    let (key_rows, key_heads, key_width) = keys.dims3()?;
    let are_shared = key_heads > 0 && heads > 0 && heads % key_heads == 0;
    if keys.dims() != values.dims() || width != key_width || width == 0 || !are_shared {
        let (queries, keys, values) = (queries.dims(), keys.dims(), values.dims());
        let expected =
            "expected heads of one width, and as many heads of values as of keys, a divisor of those of queries";
        candle_core::bail!("attention: queries {queries:?}, keys {keys:?} and values {values:?}: {expected}");
    }
    let mut next = 0;
    for segment in segments {
        let own = segment.keys.last().map_or(0, ExactSizeIterator::len);
        let is_causal_right = !segment.causal || own == segment.queries.len();
        let is_inside = segment.keys.iter().all(|keys| keys.start <= keys.end && keys.end <= key_rows);
        if segment.queries.start != next || segment.key_count() == 0 || !is_causal_right || !is_inside {
            candle_core::bail!("attention: segment {segment:?} does not fit {rows} rows and {key_rows} keys");
        }
        next = segment.queries.end;
    }
    if next != rows {
        candle_core::bail!("attention: segments cover {next} of {rows} rows");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use candle_core::{D, Device};
    use proptest::prelude::*;

    use super::*;

    /// Attention as the formula says it, one query at a time, in double precision.
    fn plain(queries: &Tensor, keys: &Tensor, values: &Tensor, segments: &[Segment]) -> Result<Tensor> {
        let (_, heads, width) = queries.dims3()?;
        let share = heads / keys.dim(1)?;
        let mut rows = Vec::new();
        for segment in segments {
            for (at, row) in segment.queries.clone().enumerate() {
                let mut seen: Vec<u32> =
                    segment.keys.iter().flat_map(|keys| keys.start as u32..keys.end as u32).collect();
                if segment.causal {
                    seen.truncate(segment.key_count() - segment.queries.len() + at + 1);
                }
                let seen = Tensor::new(seen, &Device::Cpu)?;
                for head in 0..heads {
                    let of_head = |all: &Tensor| {
                        let own = all.narrow(1, head / share, 1)?.squeeze(1)?.contiguous()?;
                        own.index_select(&seen, 0)?.to_dtype(DType::F64)
                    };
                    let (key, value) = (of_head(keys)?, of_head(values)?);
                    let query = queries.get(row)?.get(head)?.to_dtype(DType::F64)?.unsqueeze(0)?;
                    let scores = (query.matmul(&key.t()?)? / (width as f64).sqrt())?;
                    rows.push(candle_nn::ops::softmax(&scores, D::Minus1)?.matmul(&value)?);
                }
            }
        }
        Tensor::cat(&rows, 0)?.reshape((queries.dim(0)?, heads * width))?.to_dtype(DType::F32)
    }

    fn difference(a: &Tensor, b: &Tensor) -> f32 {
        (a - b).and_then(|off| off.abs()?.max_all()?.to_scalar()).unwrap_or(f32::NAN)
    }

    /// Segments as trees and windows make them: some keys before, some in between, then the rows' own.
    fn segments(lengths: &[(usize, usize, bool)], before: usize) -> (Vec<Segment>, usize) {
        let mut segments = Vec::new();
        let mut next = 0;
        for &(length, seen, causal) in lengths {
            let mut keys = Vec::new();
            if seen.min(before) > 0 {
                keys.push(0..seen.min(before));
            }
            let other = before + next / 2..before + next;
            if seen % 3 == 0 && !other.is_empty() {
                keys.push(other);
            }
            keys.push(before + next..before + next + length);
            segments.push(Segment { queries: next..next + length, keys, causal });
            next += length;
        }
        (segments, next)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn both_paths_are_the_formula(
            lengths in prop::collection::vec((1_usize..90, 0_usize..70, any::<bool>()), 1..4),
            before in 0_usize..60,
            (share, key_heads, width) in (1_usize..8, 1_usize..3, prop::sample::select(vec![4_usize, 16, 20, 80])),
        ) {
            let (segments, rows) = segments(&lengths, before);
            let random = |shape: (usize, usize, usize)| Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap();
            let queries = random((rows, share * key_heads, width));
            let (keys, values) = (random((before + rows, key_heads, width)), random((before + rows, key_heads, width)));
            let right = plain(&queries, &keys, &values, &segments).unwrap();
            let blocked = blocked::attend(&queries, &keys, &values, &segments).unwrap();
            let composite = composite::attend(&queries, &keys, &values, &segments).unwrap();
            prop_assert!(difference(&blocked, &right) < 1e-5, "blocked is off by {}", difference(&blocked, &right));
            prop_assert!(difference(&composite, &right) < 1e-5, "composite is off by {}", difference(&composite, &right));
        }
    }

    #[test]
    fn long_sequences_go_over_many_blocks() {
        let random = |shape: (usize, usize, usize)| Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap();
        let (queries, keys, values) = (random((700, 2, 8)), random((2300, 1, 8)), random((2300, 1, 8)));
        let segments = [Segment { queries: 0..700, keys: vec![0..1500, 1600..2300], causal: true }];
        let right = plain(&queries, &keys, &values, &segments).unwrap();
        let off = difference(&blocked::attend(&queries, &keys, &values, &segments).unwrap(), &right);
        assert!(off < 1e-5, "off by {off}");
        assert!(difference(&composite::attend(&queries, &keys, &values, &segments).unwrap(), &right) < 1e-5);
    }

    #[test]
    fn segments_that_do_not_fit_are_refused() {
        let tensor = Tensor::zeros((4, 2, 8), DType::F32, &Device::Cpu).unwrap();
        let bad = [
            vec![Segment::full(0..3)],
            vec![Segment::full(1..4)],
            vec![Segment { queries: 0..4, keys: vec![0..5], causal: false }],
            vec![Segment { queries: 0..4, keys: vec![0..3], causal: true }],
            vec![Segment { queries: 0..4, keys: vec![], causal: false }],
        ];
        for segments in bad {
            assert!(attend(&tensor, &tensor, &tensor, &segments).is_err(), "{segments:?}");
        }
    }

    #[test]
    fn heads_that_do_not_fit_are_refused() {
        let zeros = |heads: usize, width: usize| Tensor::zeros((4, heads, width), DType::F32, &Device::Cpu).unwrap();
        for ((heads, width), (key_heads, key_width)) in
            [((0, 8), (1, 8)), ((2, 0), (1, 0)), ((2, 8), (0, 8)), ((3, 8), (2, 8)), ((2, 8), (2, 4))]
        {
            let (queries, keys) = (zeros(heads, width), zeros(key_heads, key_width));
            for attend in [attend, composite::attend] {
                let refused = attend(&queries, &keys, &keys, &[Segment::full(0..4)]);
                assert!(refused.is_err(), "{heads} of {width}, {key_heads} of {key_width}");
            }
        }
    }
}
