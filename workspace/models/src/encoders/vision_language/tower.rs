//! The vision tower, loaded once for all who use the same weights, with what it has made of pictures.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{Result as Computed, Tensor};
use editscale_core::Digest;
use rayon::prelude::*;

use crate::cache::{Cache, bytes};
use crate::encoders::shelf::{Origin, Shelf, Weights};
use crate::encoders::vision_language::{EncoderPicture, TOWER};
use crate::layers::qwen25_vl::{Grid, VisionConfig, VisionTower};
use crate::layers::{Compute, RopeTables, Scope};
use crate::load::LoadError;
use crate::weights::Checkpoint;

/// The most bytes of features that are kept: some ten of the largest pictures.
const KEPT_BYTES: u64 = 256 << 20;

/// Weights, whatever tables they are used with.
static WEIGHTS: Shelf<VisionTower> = Shelf::new();

/// Towers, each with its tables and what it has made of pictures.
static TOWERS: Shelf<SharedTower> = Shelf::new();

/// A vision tower that others may use as well, and the features of the pictures that it saw last.
#[derive(Debug)]
pub(crate) struct SharedTower {
    /// What keeps the weights findable.
    weights: Arc<VisionTower>,
    own: VisionTower,
    compute: Compute,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    kept: Cache<Digest, Tensor>,
    computed: u64,
    found: u64,
}

/// What became of a picture.
#[derive(Debug, Clone)]
pub(crate) struct Features {
    /// Its tokens, [tokens, decoder width].
    pub(crate) tokens: Tensor,
    /// Whether nobody had asked for them before, in this call or an earlier one.
    pub(crate) are_new: bool,
}

impl SharedTower {
    /// The tower of a checkpoint.
    pub(crate) fn open(
        checkpoint: &Arc<Checkpoint>,
        config: &VisionConfig,
        tables: RopeTables,
        compute: &Compute,
    ) -> Result<Arc<Self>, LoadError> {
        let weights = Weights::below(checkpoint, TOWER)?;
        let origin = Origin { weights, facts: format!("{config:?}"), compute: compute.clone() };
        let load = || Self::load(checkpoint, config, compute);
        let of_tables = Origin { facts: format!("{config:?} {tables:?}"), ..origin.clone() };
        TOWERS.get(of_tables, || Ok(Self::of(WEIGHTS.get(origin, load)?, tables, compute, KEPT_BYTES)))
    }

    /// The same, for nobody else, which keeps nothing.
    pub(crate) fn alone(
        checkpoint: &Checkpoint,
        config: &VisionConfig,
        tables: RopeTables,
        compute: &Compute,
    ) -> Result<Arc<Self>, LoadError> {
        let weights = Arc::new(Self::load(checkpoint, config, compute)?);
        Ok(Arc::new(Self::of(weights, tables, compute, 0)))
    }

    fn load(checkpoint: &Checkpoint, config: &VisionConfig, compute: &Compute) -> Result<VisionTower, LoadError> {
        let scope = Scope::root(checkpoint, compute).at(TOWER.trim_end_matches('.'));
        Ok(VisionTower::load(&scope, config, RopeTables::Exact)?)
    }

    fn of(weights: Arc<VisionTower>, tables: RopeTables, compute: &Compute, bound: u64) -> Self {
        let state = State { kept: Cache::new(bound), computed: 0, found: 0 };
        Self { own: weights.with_tables(tables), weights, compute: compute.clone(), state: Mutex::new(state) }
    }

    /// The features of pictures, in order; those that are not known go through the tower together. `go_on` is asked between
    /// blocks. Others wait meanwhile: what two ask for at a time is computed once.
    pub(crate) fn features(
        &self,
        pictures: &[EncoderPicture],
        go_on: &dyn Fn() -> Computed<()>,
    ) -> Computed<Vec<Features>> {
        let mut state = self.state();
        let mut known: Vec<Option<Features>> = Vec::with_capacity(pictures.len());
        let mut fresh: Vec<&EncoderPicture> = Vec::new();
        for picture in pictures {
            let kept = state.kept.get(&picture.key());
            known.push(kept.map(|tokens| Features { tokens: (*tokens).clone(), are_new: false }));
            if known.last().is_some_and(Option::is_none) && fresh.iter().all(|other| other.key() != picture.key()) {
                fresh.push(picture);
            }
        }
        let made = self.run(&fresh, go_on)?;
        state.computed += fresh.len() as u64;
        state.found += (pictures.len() - fresh.len()) as u64;
        for (picture, tokens) in fresh.iter().zip(&made) {
            state.kept.keep(picture.key(), Arc::new(tokens.clone()), bytes(tokens));
        }
        let lost = || candle_core::Error::Msg("a picture was not encoded".to_owned());
        let mut are_told = vec![false; fresh.len()];
        let of = |(picture, known): (&EncoderPicture, Option<Features>)| {
            let new = || {
                let place = fresh.iter().position(|other| other.key() == picture.key())?;
                let are_new = !std::mem::replace(&mut are_told[place], true);
                Some(Features { tokens: made[place].clone(), are_new })
            };
            known.or_else(new).ok_or_else(lost)
        };
        pictures.iter().zip(known).map(of).collect()
    }

    /// The tokens of pictures that go through the tower together, each on its own.
    fn run(&self, pictures: &[&EncoderPicture], go_on: &dyn Fn() -> Computed<()>) -> Computed<Vec<Tensor>> {
        if pictures.is_empty() {
            return Ok(Vec::new());
        }
        let grids: Vec<Grid> = pictures.iter().map(|picture| picture.grid()).collect();
        let patches: usize = grids.iter().map(|grid| grid.patches()).sum();
        let values: Vec<f32> = pictures.par_iter().flat_map_iter(|picture| picture.patches()).collect();
        let width = values.len() / patches;
        let Compute { device, dtype, .. } = &self.compute;
        let values = Tensor::from_vec(values, (patches, width), device)?.to_dtype(*dtype)?;
        let tokens = self.own.forward(&values, &grids, &mut |_, _| go_on())?;
        let mut start = 0;
        let part = |picture: &&EncoderPicture| {
            start += picture.tokens();
            // A copy of its own rows: what is kept must not hold on to the tokens of all. `copy` would take all of them.
            tokens.narrow(0, start - picture.tokens(), picture.tokens())?.force_contiguous()
        };
        pictures.iter().map(part).collect()
    }

    /// How many pictures were computed, and how many were found.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let state = self.state();
        (state.computed, state.found)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the weights of both are one.
    pub(crate) fn is_one_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.weights, &other.weights)
    }

    /// The tower itself.
    #[cfg(test)]
    pub(crate) fn network(&self) -> &VisionTower {
        &self.own
    }
}
