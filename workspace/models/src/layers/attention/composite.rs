//! Attention out of candle's own operations, for cards: rows that see the same keys go together, and those whose numbers of rows
//! and keys are the same, a block of queries at a time.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use candle_core::{DType, Device, Result, Tensor};

use crate::layers::attention::{Segment, check};

/// The most scores that one softmax takes. candle's kernels for cards index in 32 bits, and a block of this size takes
/// 512 MiB in single precision, which bounds the memory as well.
const MOST_SCORES: usize = 1 << 27;

/// Blocks of queries are multiples of so many rows where they can be: what kernels of matrix products take at a time.
const TILE: usize = 128;

/// See [`attend`](super::attend). Any device and type.
pub(super) fn attend(queries: &Tensor, keys: &Tensor, values: &Tensor, segments: &[Segment]) -> Result<Tensor> {
    attend_within([queries, keys, values], segments, MOST_SCORES)
}

/// The same by queries, keys and values, with another bound of what one softmax takes.
fn attend_within([queries, keys, values]: [&Tensor; 3], segments: &[Segment], most: usize) -> Result<Tensor> {
    check(queries, keys, values, segments)?;
    let (queries, keys, values) = (&queries.contiguous()?, &keys.contiguous()?, &values.contiguous()?);
    let mut shapes: BTreeMap<Shape, Vec<Seers<'_>>> = BTreeMap::new();
    for seers in seers(segments) {
        shapes.entry(seers.shape()).or_default().push(seers);
    }
    let (rows, heads, width) = queries.dims3()?;
    let (mut order, mut parts) = (Vec::with_capacity(rows), Vec::new());
    for (shape, alike) in shapes {
        for alike in alike.chunks(shape.together(heads, most)) {
            order.extend(alike.iter().flat_map(Seers::rows));
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

/// Query rows that see the same keys: of one causal segment, or of all others with these keys, as a text and its pictures are.
struct Seers<'a> {
    queries: Vec<Range<usize>>,
    keys: &'a [Range<usize>],
    causal: bool,
}

/// Brings segments together that see the same keys, so that these are laid out for products once.
fn seers(segments: &[Segment]) -> Vec<Seers<'_>> {
    let (mut all, mut places) = (Vec::<Seers<'_>>::new(), HashMap::new());
    for Segment { queries, keys, causal } in segments {
        let place = if *causal { all.len() } else { *places.entry(keys.as_slice()).or_insert(all.len()) };
        match all.get_mut(place) {
            Some(seers) => seers.queries.push(queries.clone()),
            None => all.push(Seers { queries: vec![queries.clone()], keys, causal: *causal }),
        }
    }
    all
}

impl Seers<'_> {
    fn rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.queries.iter().flat_map(|queries| queries.clone().map(|row| row as u32))
    }

    fn shape(&self) -> Shape {
        let count = |ranges: &[Range<usize>]| ranges.iter().map(ExactSizeIterator::len).sum();
        Shape { length: count(&self.queries), seen: count(self.keys), causal: self.causal }
    }
}

/// What rows that go together have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    /// Query rows that see the same keys.
    length: usize,
    /// Key rows that they see.
    seen: usize,
    causal: bool,
}

impl Shape {
    /// How many of this shape go together: so few that even one row of queries of each stays within a bound of scores.
    fn together(self, heads: usize, most: usize) -> usize {
        (most / (heads * self.seen)).max(1)
    }

    /// How many rows of queries of each of so many, with so many heads, go through one softmax.
    fn rows(self, (count, heads): (usize, usize), most: usize) -> usize {
        match most / (count * heads * self.seen) {
            all if all >= self.length => self.length,
            some if some > TILE => some - some % TILE,
            few => few.max(1),
        }
    }

    /// Attention of rows of this shape, by queries, keys and values, so many at a time: [count · length, heads, width].
    fn attend(self, [queries, keys, values]: [&Tensor; 3], alike: &[Seers<'_>], step: usize) -> Result<Tensor> {
        let Self { length, seen, causal } = self;
        let (_, heads, width) = queries.dims3()?;
        let key_heads = keys.dim(1)?;
        let (count, share) = (alike.len(), heads / key_heads);
        let pick = |tensor: &Tensor, rows: Vec<u32>, (rows_of_each, heads): (usize, usize)| {
            // [count, rows, heads, width] → [count, heads, rows, width]
            select(tensor, rows)?.reshape((count, rows_of_each, heads, width))?.transpose(1, 2)?.contiguous()
        };
        let query_rows = alike.iter().flat_map(Seers::rows).collect();
        let key_rows = alike.iter().flat_map(|seers| seers.keys.iter().cloned().flatten());
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

    /// A text and its pictures, of two requests: what each sees is laid out once, and its rows come back where they were.
    #[test]
    fn rows_that_see_the_same_go_together() {
        let segment = |queries: Range<usize>, request: usize| {
            let keys = [vec![0..5, 12..30], vec![5..12, 30..60]][request].clone();
            Segment { queries, keys, causal: false }
        };
        let segments = [segment(0..5, 0), segment(5..12, 1), segment(12..30, 0), segment(30..60, 1)];
        let together = seers(&segments);
        assert_eq!(together.iter().map(|seers| seers.queries.len()).collect::<Vec<_>>(), [2, 2]);
        let random = || Tensor::randn(0.0_f32, 1.0, (60, 2, 8), &Device::Cpu).unwrap();
        let (queries, keys, values) = (random(), random(), random());
        let apart = segments.iter().map(|own| {
            let rows = queries.narrow(0, own.queries.start, own.queries.len()).unwrap();
            let alone = Segment { queries: 0..own.queries.len(), ..own.clone() };
            attend(&rows, &keys, &values, &[alone]).unwrap()
        });
        let apart = Tensor::cat(&apart.collect::<Vec<_>>(), 0).unwrap();
        let off = (attend(&queries, &keys, &values, &segments).unwrap() - apart).unwrap();
        assert!(off.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap() < 1e-6);
    }

    #[test]
    fn blocks_are_whole_tiles_where_they_can_be() {
        let shape = |length: usize| Shape { length, seen: 8704, causal: false };
        assert_eq!(shape(8704).rows((1, 24), MOST_SCORES), 640);
        assert_eq!(shape(600).rows((1, 24), MOST_SCORES), 600);
        assert_eq!(shape(8704).rows((8, 24), MOST_SCORES), 80);
    }
}
