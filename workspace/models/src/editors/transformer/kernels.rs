//! Fused row-wise operations in single precision on the processor: what [`operations`](super::operations) uses there.
//!
//! Each reads its inputs where they lie, columns within wider rows included, and writes its output once.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::layers::activation::gelu_tanh;
use crate::layers::cpu::{TASK, plain, sum_of, vectorised};

/// ε of all normalisations.
pub(super) const EPSILON: f32 = 1e-6;

/// Rows of a task for outputs of a width.
fn rows_a_task(width: usize) -> usize {
    (TASK / width.max(1)).max(1)
}

fn single(values: Vec<f32>, shape: impl Into<Shape>) -> (CpuStorage, Shape) {
    (CpuStorage::F32(values), shape.into())
}

/// `layer_norm(x) · (1 + scale) + shift` of rows [rows, width], with shift and scale from [items, columns].
pub(super) struct Modulate {
    /// The item of every row.
    pub(super) owners: Arc<[u32]>,
    /// The column where an item's shift begins.
    pub(super) shift: usize,
    /// The column where its scale begins.
    pub(super) scale: usize,
}

impl CustomOp2 for Modulate {
    fn name(&self) -> &'static str {
        "modulate"
    }

    fn cpu_fwd(&self, rows: &CpuStorage, l1: &Layout, values: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (count, width) = l1.shape().dims2()?;
        let (items, columns) = l2.shape().dims2()?;
        check_owners(&self.owners, count, items)?;
        if self.shift.max(self.scale) + width > columns {
            bail!("modulation has {columns} columns: too few for rows of {width}");
        }
        let (rows, values) = (plain(rows, l1)?, plain(values, l2)?);
        let mut out = vec![0.0; rows.len()];
        let step = rows_a_task(width);
        let tasks =
            out.par_chunks_mut(step * width).zip(rows.par_chunks(step * width)).zip(self.owners.par_chunks(step));
        tasks.for_each(|((out, rows), owners)| {
            for ((out, row), &owner) in out.chunks_exact_mut(width).zip(rows.chunks_exact(width)).zip(owners) {
                let own = &values[owner as usize * columns..][..columns];
                let (shift, scale) = (&own[self.shift..][..width], &own[self.scale..][..width]);
                vectorised(ModulateLoop { out, row, shift, scale });
            }
        });
        Ok(single(out, l1.shape().clone()))
    }
}

fn check_owners(owners: &[u32], rows: usize, items: usize) -> Result<()> {
    if owners.len() != rows || owners.iter().any(|&owner| owner as usize >= items) {
        bail!("{} owners do not fit {rows} rows of {items} items", owners.len());
    }
    Ok(())
}

struct ModulateLoop<'a> {
    out: &'a mut [f32],
    row: &'a [f32],
    shift: &'a [f32],
    scale: &'a [f32],
}

impl WithSimd for ModulateLoop<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.row.len() as f32;
        let mean = sum_of(self.row, |value| value) / width;
        let variance = sum_of(self.row, |value| (value - mean) * (value - mean)) / width;
        let inverse = 1.0 / (variance + EPSILON).sqrt();
        for (((out, &value), &shift), &scale) in self.out.iter_mut().zip(self.row).zip(self.shift).zip(self.scale) {
            *out = ((value - mean) * inverse).mul_add(1.0 + scale, shift);
        }
    }
}

/// `x + gate · y` of rows [rows, width], with the gate from [items, columns].
pub(super) struct AddGated {
    /// The item of every row.
    pub(super) owners: Arc<[u32]>,
    /// The column where an item's gate begins.
    pub(super) gate: usize,
}

impl CustomOp3 for AddGated {
    fn name(&self) -> &'static str {
        "add-gated"
    }

    fn cpu_fwd(
        &self,
        base: &CpuStorage,
        l1: &Layout,
        update: &CpuStorage,
        l2: &Layout,
        values: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (count, width) = l1.shape().dims2()?;
        let (items, columns) = l3.shape().dims2()?;
        check_owners(&self.owners, count, items)?;
        if l1.shape() != l2.shape() || self.gate + width > columns {
            bail!("gated rows {:?} and {:?} do not fit each other", l1.shape(), l2.shape());
        }
        let (base, update, values) = (plain(base, l1)?, plain(update, l2)?, plain(values, l3)?);
        let mut out = vec![0.0; base.len()];
        let step = rows_a_task(width);
        let inputs =
            base.par_chunks(step * width).zip(update.par_chunks(step * width)).zip(self.owners.par_chunks(step));
        out.par_chunks_mut(step * width).zip(inputs).for_each(|(out, ((base, update), owners))| {
            let rows = base.chunks_exact(width).zip(update.chunks_exact(width)).zip(owners);
            for (out, ((base, update), &owner)) in out.chunks_exact_mut(width).zip(rows) {
                let gate = &values[owner as usize * columns + self.gate..][..width];
                vectorised(AddGatedLoop { out, base, update, gate });
            }
        });
        Ok(single(out, l1.shape().clone()))
    }
}

struct AddGatedLoop<'a> {
    out: &'a mut [f32],
    base: &'a [f32],
    update: &'a [f32],
    gate: &'a [f32],
}

impl WithSimd for AddGatedLoop<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (((out, &base), &update), &gate) in self.out.iter_mut().zip(self.base).zip(self.update).zip(self.gate) {
            *out = gate.mul_add(update, base);
        }
    }
}

/// Heads out of columns of rows [rows, columns]: normalised by their root mean square, then turned by tables
/// [turned rows, width] that hold cosines (first half) and sines. The answer is [rows, heads, width].
#[derive(Debug, Clone, Copy)]
pub(in crate::editors) struct TurnedHeads {
    /// The column where heads begin.
    pub(in crate::editors) column: usize,
    /// How many heads there are.
    pub(in crate::editors) heads: usize,
    /// How many rows, from the first on, are not turned.
    pub(in crate::editors) unturned: usize,
}

impl CustomOp3 for TurnedHeads {
    fn name(&self) -> &'static str {
        "turned-heads"
    }

    fn cpu_fwd(
        &self,
        fused: &CpuStorage,
        l1: &Layout,
        weight: &CpuStorage,
        l2: &Layout,
        tables: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (count, columns) = l1.shape().dims2()?;
        let (width, (turned, table)) = (l2.shape().dims1()?, l3.shape().dims2()?);
        let all = self.heads * width;
        if self.column + all > columns || table != width || self.unturned + turned < count || width % 2 != 0 {
            bail!("heads at {} of {:?} do not fit tables {:?}", self.column, l1.shape(), l3.shape());
        }
        let (fused, weight, tables) = (plain(fused, l1)?, plain(weight, l2)?, plain(tables, l3)?);
        let mut out = vec![0.0; count * all];
        let step = rows_a_task(all);
        out.par_chunks_mut(step * all).enumerate().for_each(|(task, out)| {
            for (at, out) in out.chunks_exact_mut(all).enumerate() {
                let row = task * step + at;
                let heads = &fused[row * columns + self.column..][..all];
                let table = row.checked_sub(self.unturned).map(|row| &tables[row * width..][..width]);
                vectorised(TurnLoop { out, heads, weight, table });
            }
        });
        Ok(single(out, (count, self.heads, width)))
    }
}

struct TurnLoop<'a> {
    out: &'a mut [f32],
    heads: &'a [f32],
    weight: &'a [f32],
    table: Option<&'a [f32]>,
}

impl WithSimd for TurnLoop<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.weight.len();
        for (out, head) in self.out.chunks_exact_mut(width).zip(self.heads.chunks_exact(width)) {
            let inverse = 1.0 / (sum_of(head, |value| value * value) / width as f32 + EPSILON).sqrt();
            for ((out, &value), &weight) in out.iter_mut().zip(head).zip(self.weight) {
                *out = value * inverse * weight;
            }
            if let Some(table) = self.table {
                let (cosines, sines) = table.split_at(width / 2);
                for ((pair, &cosine), &sine) in out.chunks_exact_mut(2).zip(cosines).zip(sines) {
                    let (real, imaginary) = (pair[0], pair[1]);
                    pair[0] = real * cosine - imaginary * sine;
                    pair[1] = imaginary * cosine + real * sine;
                }
            }
        }
    }
}

/// Rows [rows, width] beside `gelu` of columns from one on of rows [rows, columns].
pub(super) struct BesideGelu {
    /// The column where what is activated begins.
    pub(super) column: usize,
}

impl CustomOp2 for BesideGelu {
    fn name(&self) -> &'static str {
        "beside-gelu"
    }

    fn cpu_fwd(&self, rows: &CpuStorage, l1: &Layout, fused: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let ((count, width), (others, columns)) = (l1.shape().dims2()?, l2.shape().dims2()?);
        if count != others || self.column >= columns {
            bail!("{:?} and {:?} do not lie beside each other", l1.shape(), l2.shape());
        }
        let (rows, fused) = (plain(rows, l1)?, plain(fused, l2)?);
        let all = width + columns - self.column;
        let mut out = vec![0.0; count * all];
        let step = rows_a_task(all);
        let inputs = rows.par_chunks(step * width).zip(fused.par_chunks(step * columns));
        out.par_chunks_mut(step * all).zip(inputs).for_each(|(out, (rows, fused))| {
            let inputs = rows.chunks_exact(width).zip(fused.chunks_exact(columns));
            for (out, (row, fused)) in out.chunks_exact_mut(all).zip(inputs) {
                let (left, right) = out.split_at_mut(width);
                left.copy_from_slice(row);
                vectorised(GeluLoop { out: right, values: &fused[self.column..] });
            }
        });
        Ok(single(out, (count, all)))
    }
}

struct GeluLoop<'a> {
    out: &'a mut [f32],
    values: &'a [f32],
}

impl WithSimd for GeluLoop<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (out, &value) in self.out.iter_mut().zip(self.values) {
            *out = gelu_tanh(value);
        }
    }
}
