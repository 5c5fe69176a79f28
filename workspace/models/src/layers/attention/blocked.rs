//! Attention on the processor: blocks of queries against blocks of keys, with a running softmax.
//!
//! The running softmax is that of Milakov and Gimelshein (2018) as used by FlashAttention (Dao et al., 2022): each block of
//! keys updates a row's greatest score, its sum of exponentials and its weighted sum of values.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::layers::attention::multiply::{Matrix, multiply};
use crate::layers::attention::{Segment, check};
use crate::layers::cpu::{exp, greatest, plain, sum_of, vectorised};

/// How many rows of queries (over all heads that share a key head) one task takes.
const QUERIES: usize = 256;

/// How many keys a block has. A block of scores takes QUERIES · KEYS · 4 bytes and has to stay in the cache of one core.
const KEYS: usize = 256;

/// See [`attend`](super::attend). Single precision on the processor.
pub(super) fn attend(queries: &Tensor, keys: &Tensor, values: &Tensor, segments: &[Segment]) -> Result<Tensor> {
    check(queries, keys, values, segments)?;
    let operation = Blocked { segments: segments.to_vec() };
    queries.contiguous()?.apply_op3_no_bwd(&keys.contiguous()?, &values.contiguous()?, &operation)
}

struct Blocked {
    segments: Vec<Segment>,
}

/// Sizes of all heads.
#[derive(Clone, Copy)]
struct Heads {
    /// Query heads to a key head.
    share: usize,
    key_heads: usize,
    width: usize,
}

/// The work of one thread at a time: some query rows of a segment, and one key head.
struct Task<'a> {
    segment: &'a Segment,
    /// Query rows, within all.
    rows: Range<usize>,
    key_head: usize,
}

/// Keys and values, [key rows, key heads, width] each.
#[derive(Clone, Copy)]
struct KeysAndValues<'a> {
    keys: &'a [f32],
    values: &'a [f32],
}

impl CustomOp3 for Blocked {
    fn name(&self) -> &'static str {
        "blocked-attention"
    }

    fn cpu_fwd(
        &self,
        queries: &CpuStorage,
        l1: &Layout,
        keys: &CpuStorage,
        l2: &Layout,
        values: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, heads, width) = l1.shape().dims3()?;
        let (_, key_heads, _) = l2.shape().dims3()?;
        let sizes = Heads { share: heads / key_heads, key_heads, width };
        let queries = plain(queries, l1)?;
        let stored = KeysAndValues { keys: plain(keys, l2)?, values: plain(values, l3)? };
        let tasks = tasks(&self.segments, sizes);
        let done: Vec<Vec<f32>> = tasks.par_iter().map(|task| task.run(queries, stored, sizes)).collect();
        let out = joined(&done, sizes);
        Ok((CpuStorage::F32(out), Shape::from((rows, heads * width))))
    }
}

fn tasks(segments: &[Segment], sizes: Heads) -> Vec<Task<'_>> {
    let step = (QUERIES / sizes.share).max(1);
    let blocks = segments.iter().flat_map(|segment| {
        let starts = segment.queries.clone().step_by(step);
        starts.map(move |start| (segment, start..(start + step).min(segment.queries.end)))
    });
    blocks
        .flat_map(|(segment, rows)| {
            (0..sizes.key_heads).map(move |key_head| Task { segment, rows: rows.clone(), key_head })
        })
        .collect()
}

/// What tasks made, in their order, as [rows, heads, width]: tasks of the same rows follow each other, one a key head.
fn joined(done: &[Vec<f32>], Heads { share, key_heads, width }: Heads) -> Vec<f32> {
    let mut out = Vec::with_capacity(done.iter().map(Vec::len).sum());
    for heads in done.chunks_exact(key_heads) {
        let mut rows: Vec<_> = heads.iter().map(|head| head.chunks_exact(share * width)).collect();
        let count = rows.first().map_or(0, ExactSizeIterator::len);
        for _ in 0..count {
            rows.iter_mut().filter_map(Iterator::next).for_each(|row| out.extend_from_slice(row));
        }
    }
    out
}

/// The state of a running softmax: one row for every query row and head.
struct Running {
    /// The greatest score so far.
    most: Vec<f32>,
    /// The sum of exponentials so far.
    sums: Vec<f32>,
    /// The weighted sum of values so far, [rows, width].
    out: Vec<f32>,
}

impl Task<'_> {
    /// The attention of this task's rows: [rows · share, width], the heads of a row following each other.
    fn run(&self, queries: &[f32], stored: KeysAndValues<'_>, sizes: Heads) -> Vec<f32> {
        let Heads { share, width, .. } = sizes;
        let queries = self.scaled_queries(queries, sizes);
        let count = self.rows.len() * share;
        let mut running =
            Running { most: vec![f32::NEG_INFINITY; count], sums: vec![0.0; count], out: vec![0.0; count * width] };
        let mut scores = vec![0.0; count * self.segment.key_count().min(KEYS)];
        for (block, seen) in self.blocks() {
            let stride = sizes.key_heads * width;
            let from = block.start * stride + self.key_head * width;
            let keys = Matrix::rows(&stored.keys[from..], block.len(), width, stride);
            let values = Matrix::rows(&stored.values[from..], block.len(), width, stride);
            let queries = Matrix::rows(&queries, count, width, width);
            multiply(&mut scores, false, queries, keys.transposed());
            let columns = block.len();
            vectorised(Weigh { running: &mut running, scores: &mut scores[..count * columns], seen, columns, sizes });
            let weights = Matrix::rows(&scores, count, columns, columns);
            multiply(&mut running.out, true, weights, values);
        }
        for (row, sum) in running.out.chunks_exact_mut(width).zip(&running.sums) {
            row.iter_mut().for_each(|value| *value /= sum);
        }
        running.out
    }

    /// The rows' queries, [rows · share, width], with the scale in them.
    fn scaled_queries(&self, queries: &[f32], sizes: Heads) -> Vec<f32> {
        let Heads { share, key_heads, width } = sizes;
        let scale = 1.0 / (width as f32).sqrt();
        let heads = share * width;
        let mut scaled = Vec::with_capacity(self.rows.len() * heads);
        for row in self.rows.clone() {
            let from = row * key_heads * heads + self.key_head * heads;
            scaled.extend(queries[from..from + heads].iter().map(|value| value * scale));
        }
        scaled
    }

    /// The blocks of keys that these rows look at, and how many keys of each block each row sees.
    fn blocks(&self) -> impl Iterator<Item = (Range<usize>, Seen)> + '_ {
        let last = self.segment.keys.len() - 1;
        let ranges =
            self.segment.keys.iter().enumerate().map(move |(at, keys)| (at == last && self.segment.causal, keys));
        ranges.flat_map(move |(is_causal, keys)| {
            // A causal row sees as many of its own keys as there are rows up to it.
            let first = self.rows.start - self.segment.queries.start;
            let end = if is_causal { keys.start + first + self.rows.len() } else { keys.end };
            (keys.start..end).step_by(KEYS).map(move |start| {
                let block = start..(start + KEYS).min(end);
                let seen = if is_causal {
                    Seen::UpTo { first: (keys.start + first + 1) as isize - start as isize, most: block.len() }
                } else {
                    Seen::All(block.len())
                };
                (block, seen)
            })
        })
    }
}

/// How many keys of a block a row sees, from the first on.
#[derive(Clone, Copy)]
enum Seen {
    All(usize),
    /// The task's first row sees `first` of them, each next row one more; never fewer than none or more than `most`.
    UpTo {
        first: isize,
        most: usize,
    },
}

impl Seen {
    #[inline(always)]
    fn of(self, row: usize) -> usize {
        match self {
            Self::All(count) => count,
            Self::UpTo { first, most } => (first + row as isize).clamp(0, most as isize) as usize,
        }
    }
}

/// Turns a block of scores, [rows · share, columns], into weights, and brings what was summed before to the new scale.
struct Weigh<'a> {
    running: &'a mut Running,
    scores: &'a mut [f32],
    seen: Seen,
    columns: usize,
    sizes: Heads,
}

impl WithSimd for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Heads { share, width, .. } = self.sizes;
        for (row, scores) in self.scores.chunks_exact_mut(self.columns).enumerate() {
            let (scores, hidden) = scores.split_at_mut(self.seen.of(row / share));
            hidden.fill(0.0);
            if !scores.is_empty() {
                self.running.weigh(row, scores, width);
            }
        }
    }
}

impl Running {
    /// The same for one row.
    #[inline(always)]
    fn weigh(&mut self, row: usize, scores: &mut [f32], width: usize) {
        let before = self.most[row];
        let most = greatest(scores).max(before);
        for score in scores.iter_mut() {
            *score = exp(*score - most);
        }
        if most > before && before > f32::NEG_INFINITY {
            let shrink = exp(before - most);
            self.sums[row] *= shrink;
            self.out[row * width..(row + 1) * width].iter_mut().for_each(|value| *value *= shrink);
        }
        self.most[row] = most;
        self.sums[row] += sum_of(scores, |weight| weight);
    }
}
