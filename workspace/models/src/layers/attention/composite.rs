//! Attention out of candle's own operations, for cards: segments of one shape go together, a block of queries at a time.

use std::collections::BTreeMap;
use std::ops::Range;

use candle_core::{DType, Device, Result, Tensor};

use crate::layers::attention::{Segment, check};

/// The most scores that one softmax takes. candle's kernels for cards index in 32 bits, and a block of this size takes
/// 512 MiB in single precision, which bounds the memory as well.
const MOST_SCORES: usize = 1 << 27;

/// See [`attend`](super::attend). Any device and type.
pub(super) fn attend(queries: &Tensor, keys: &Tensor, values: &Tensor, segments: &[Segment]) -> Result<Tensor> {
    check(queries, keys, values, segments)?;
    let (queries, keys, values) = (&queries.contiguous()?, &keys.contiguous()?, &values.contiguous()?);
    let mut shapes: BTreeMap<Shape, Vec<&Segment>> = BTreeMap::new();
    for segment in segments {
        let Segment { queries, causal, .. } = segment;
        let shape = Shape { length: queries.len(), seen: segment.key_count(), causal: *causal };
        shapes.entry(shape).or_default().push(segment);
    }
    let (rows, heads, width) = queries.dims3()?;
    let (mut order, mut parts) = (Vec::with_capacity(rows), Vec::new());
    for (shape, alike) in shapes {
        // Few enough segments at a time that even one row of queries of each stays within bounds.
        let most = (MOST_SCORES / (heads * shape.seen)).max(1);
        for alike in alike.chunks(most) {
            order.extend(alike.iter().flat_map(|segment| segment.queries.clone().map(|row| row as u32)));
            parts.push(shape.attend([queries, keys, values], alike)?);
        }
    }
    let all = if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(&parts, 0)? };
    if order.iter().enumerate().all(|(at, row)| at == *row as usize) {
        return all.reshape((rows, heads * width));
    }
    // From the order of shapes back to the order of rows.
    let mut back = vec![0_u32; rows];
    order.iter().enumerate().for_each(|(at, &row)| back[row as usize] = at as u32);
    let back = Tensor::from_vec(back, rows, queries.device())?;
    all.index_select(&back, 0)?.reshape((rows, heads * width))
}

/// What segments that go together have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    /// Query rows of a segment.
    length: usize,
    /// Key rows of a segment.
    seen: usize,
    causal: bool,
}

impl Shape {
    /// Attention of segments of this shape, by queries, keys and values: [segments · length, heads, width].
    fn attend(self, [queries, keys, values]: [&Tensor; 3], segments: &[&Segment]) -> Result<Tensor> {
        let Self { length, seen, causal } = self;
        let (_, heads, width) = queries.dims3()?;
        let key_heads = keys.dim(1)?;
        let (count, share) = (segments.len(), heads / key_heads);
        let pick = |tensor: &Tensor, rows: Vec<u32>, (rows_of_each, heads): (usize, usize)| {
            // [segments, rows, heads, width] → [segments, heads, rows, width]
            select(tensor, rows)?.reshape((count, rows_of_each, heads, width))?.transpose(1, 2)?.contiguous()
        };
        let query_rows = segments.iter().flat_map(|segment| segment.queries.clone()).map(|row| row as u32).collect();
        let key_rows = segments.iter().flat_map(|segment| segment.keys.iter().cloned().flatten());
        let key_rows: Vec<u32> = key_rows.map(|row| row as u32).collect();
        let queries = (pick(queries, query_rows, (length, heads))? / (width as f64).sqrt())?;
        let keys = pick(keys, key_rows.clone(), (seen, key_heads))?;
        let values = pick(values, key_rows, (seen, key_heads))?;
        let step = (MOST_SCORES / (count * heads * seen)).clamp(1, length);
        let mut blocks = Vec::new();
        for start in (0..length).step_by(step) {
            let rows = step.min(length - start);
            let block = queries.narrow(2, start, rows)?.reshape((count, key_heads, share * rows, width))?;
            // The softmax is in single precision, as the reference has it, whatever the activations.
            let mut scores = block.matmul(&keys.transpose(2, 3)?)?.to_dtype(DType::F32)?;
            if causal {
                let hidden = self.hidden(start..start + rows, scores.device())?;
                scores = scores.reshape((count, heads, rows, seen))?.broadcast_add(&hidden)?;
                scores = scores.reshape((count, key_heads, share * rows, seen))?;
            }
            let weights = candle_nn::ops::softmax_last_dim(&scores)?.to_dtype(values.dtype())?;
            blocks.push(weights.matmul(&values)?.reshape((count, heads, rows, width))?);
        }
        Tensor::cat(&blocks, 2)?.transpose(1, 2)?.reshape((count * length, heads, width))
    }

    /// Negative infinity where one of some rows of a causal segment may not look, else 0: [rows, seen].
    fn hidden(self, rows: Range<usize>, device: &Device) -> Result<Tensor> {
        let (before, count) = (self.seen - self.length, rows.len());
        let mask = rows
            .flat_map(|row| (0..self.seen).map(move |key| if key > before + row { f32::NEG_INFINITY } else { 0.0 }));
        Tensor::from_vec(mask.collect(), (count, self.seen), device)
    }
}

/// Some rows of a tensor: without a copy where they follow each other, as most do.
fn select(tensor: &Tensor, rows: Vec<u32>) -> Result<Tensor> {
    let follows = rows.windows(2).all(|pair| pair[0] + 1 == pair[1]);
    match rows.first() {
        Some(&first) if follows => tensor.narrow(0, first as usize, rows.len()),
        _ => tensor.index_select(&Tensor::new(rows, tensor.device())?, 0),
    }
}
