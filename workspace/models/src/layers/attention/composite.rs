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
    attend_within([queries, keys, values], segments, MOST_SCORES)
}

/// The same by queries, keys and values, with another bound of what one softmax takes.
fn attend_within([queries, keys, values]: [&Tensor; 3], segments: &[Segment], most: usize) -> Result<Tensor> {
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
        for alike in alike.chunks(shape.together(heads, most)) {
            order.extend(alike.iter().flat_map(|segment| segment.queries.clone().map(|row| row as u32)));
            let step = shape.rows((alike.len(), heads), most);
            parts.push(shape.attend([queries, keys, values], alike, step)?);
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
    /// How many segments of this shape go together: so few that even one row of queries of each stays within a bound of scores.
    fn together(self, heads: usize, most: usize) -> usize {
        (most / (heads * self.seen)).max(1)
    }

    /// How many rows of queries of each of so many segments, with so many heads, go through one softmax.
    fn rows(self, (segments, heads): (usize, usize), most: usize) -> usize {
        (most / (segments * heads * self.seen)).min(self.length).max(1)
    }

    /// Attention of segments of this shape, by queries, keys and values, so many rows at a time: [segments · length, heads, width].
    fn attend(self, [queries, keys, values]: [&Tensor; 3], segments: &[&Segment], step: usize) -> Result<Tensor> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What the editors ask of a card: heads, tokens of text and pictures of a request, and requests at a time.
    const REQUESTS: [(&str, usize, usize, usize); 7] = [
        ("Step1X-Edit, 1024x1024 and its source", 24, 640 + 2 * 4096, 1),
        ("the same, eight candidates", 24, 640 + 2 * 4096, 8),
        ("Qwen-Image-Edit, the first release", 24, 1369 + 15 + 2 * 4096, 1),
        ("2509 with two references", 24, 400 + 3 * 4096, 4),
        ("2511 with three references", 24, 600 + 4 * 4096, 8),
        ("a hundred candidates", 24, 640 + 2 * 4096, 100),
        ("sixteen megapixels", 24, 2 * 65_536, 1),
    ];

    /// The kernels count scores in 32 bits: 24 heads of 9460 tokens at once are more than they can.
    #[test]
    fn no_softmax_passes_what_kernels_can_count() {
        const { assert!(MOST_SCORES < 1 << 31) };
        for (name, heads, tokens, requests) in REQUESTS {
            let shape = Shape { length: tokens, seen: tokens, causal: false };
            let together = shape.together(heads, MOST_SCORES).min(requests);
            for count in [1, together] {
                let scores = count * heads * shape.rows((count, heads), MOST_SCORES) * tokens;
                assert!(scores <= MOST_SCORES, "{name}: {scores} scores");
            }
            if requests > 1 || tokens > 9459 {
                assert!(requests * heads * tokens * tokens >= 1 << 31, "{name} would pass without blocks");
            }
        }
    }

    #[test]
    fn blocks_of_any_bound_are_the_same() {
        let random = |rows: usize, heads: usize| Tensor::randn(0.0_f32, 1.0, (rows, heads, 8), &Device::Cpu).unwrap();
        let (queries, keys, values) = (random(60, 4), random(90, 2), random(90, 2));
        let segment = |from: usize, causal: bool| Segment {
            queries: from..from + 15,
            keys: vec![0..30, 30 + from..45 + from],
            causal,
        };
        let segments = [segment(0, false), segment(15, true), segment(30, false), segment(45, true)];
        let within = |most: usize| attend_within([&queries, &keys, &values], &segments, most).unwrap();
        let whole = within(usize::MAX);
        // From one row of one segment at a time to all of them.
        for most in [1, 180, 400, 1000, 5400, 10_000] {
            let off = (within(most) - &whole).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(off < 1e-6, "at most {most} scores at a time: off by {off}");
        }
    }
}
