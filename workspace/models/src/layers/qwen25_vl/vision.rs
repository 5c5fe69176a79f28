//! The vision tower: patches of pictures to tokens of the decoder's width.

use candle_core::{Device, Result, Tensor};

use crate::layers::qwen25_vl::windows::{Windows, windows};
use crate::layers::qwen25_vl::{Grid, VisionConfig};
use crate::layers::{Linear, RmsNorm, RopeTables, Rotary, Scope, Segment, Swiglu, attend, in_place, rotate};
use crate::weights::WeightError;

/// ε of all of the tower's normalisations; the reference has it in code, not in the configuration.
const EPSILON: f64 = 1e-6;

/// Base of the rotation's frequencies, likewise.
const THETA: f64 = 10_000.0;

/// The tower with its weights.
#[derive(Debug, Clone)]
pub struct VisionTower {
    config: VisionConfig,
    embed: Linear,
    blocks: Vec<Block>,
    merger: Merger,
    rotary: Rotary,
}

#[derive(Debug, Clone)]
struct Block {
    norm1: RmsNorm,
    qkv: Linear,
    proj: Linear,
    norm2: RmsNorm,
    mlp: Swiglu,
    sees_all: bool,
    heads: usize,
}

/// Joins the patches of a merged token.
#[derive(Debug, Clone)]
struct Merger {
    norm: RmsNorm,
    inner: Linear,
    outer: Linear,
    width: usize,
}

/// What all blocks share for one batch of pictures.
struct Layout {
    cosines: Tensor,
    sines: Tensor,
    windows: Vec<Segment>,
    pictures: Vec<Segment>,
}

impl VisionTower {
    /// Loads `patch_embed`, `blocks` and `merger`.
    pub fn load(
        scope: &Scope<'_>,
        config: &VisionConfig,
        tables: RopeTables,
    ) -> std::result::Result<Self, WeightError> {
        let (width, patch) = (config.hidden_size, config.patch_size);
        let shape = [width, config.in_channels, config.temporal_patch_size, patch, patch];
        let embed = scope.at("patch_embed").at("proj");
        // Kernel and stride are equal, so the convolution is a product with the flattened patch.
        let kernel = embed.kept("weight", &shape)?.flatten_from(1);
        let kernel = kernel.map_err(|source| embed.device_error("weight", source))?;
        let blocks = (0..config.depth).map(|at| Block::load(&scope.at("blocks").at(at), config, at));
        Ok(Self {
            embed: Linear::new(kernel, None),
            blocks: blocks.collect::<std::result::Result<_, _>>()?,
            merger: Merger::load(&scope.at("merger"), config)?,
            rotary: Rotary::new(THETA, config.head_width() / 2, tables),
            config: config.clone(),
        })
    }

    /// The same weights with other tables.
    #[must_use]
    pub fn with_tables(&self, tables: RopeTables) -> Self {
        Self { rotary: Rotary::new(THETA, self.config.head_width() / 2, tables), ..self.clone() }
    }

    /// The tower's shape.
    pub fn config(&self) -> &VisionConfig {
        &self.config
    }

    /// Tokens [merged tokens of all pictures, decoder width] of patches [patches of all pictures, numbers of a patch].
    /// `grids` are the pictures in order. Pictures do not see each other. `watch` is shown the activations on the way: after
    /// the patch embedding (0) and each block, rows in window order.
    pub fn forward(
        &self,
        patches: &Tensor,
        grids: &[Grid],
        watch: &mut dyn FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        let windows = self.windows(grids);
        let order = token_order(&windows);
        let merge = self.config.spatial_merge_size * self.config.spatial_merge_size;
        let patch_order: Vec<u32> =
            order.iter().flat_map(|&token| (token * merge..(token + 1) * merge).map(|patch| patch as u32)).collect();
        let layout = self.layout(grids, &windows, &patch_order, patches.device())?;
        let patch_order = Tensor::new(patch_order, patches.device())?;
        let mut hidden = self.embed.forward(&patches.index_select(&patch_order, 0)?)?;
        watch(0, &hidden)?;
        for (at, block) in self.blocks.iter().enumerate() {
            hidden = block.forward(&hidden, &layout)?;
            watch(at + 1, &hidden)?;
        }
        let mut back = vec![0_u32; order.len()];
        order.iter().enumerate().for_each(|(at, &token)| back[token] = at as u32);
        self.merger.forward(&hidden)?.index_select(&Tensor::new(back, patches.device())?, 0)
    }

    /// The windows of each picture.
    fn windows(&self, grids: &[Grid]) -> Vec<Windows> {
        let VisionConfig { spatial_merge_size: merge, .. } = self.config;
        grids.iter().map(|&grid| windows(grid, merge, self.config.window_cells())).collect()
    }

    fn layout(&self, grids: &[Grid], windows: &[Windows], patch_order: &[u32], device: &Device) -> Result<Layout> {
        let merge = self.config.spatial_merge_size;
        let places: Vec<(u32, u32)> = grids.iter().flat_map(|grid| grid.places(merge)).collect();
        let places: Vec<(u32, u32)> = patch_order.iter().map(|&patch| places[patch as usize]).collect();
        let (cosines, sines) = self.rotary.grid(&places, device)?;
        let patches = windows.iter().flat_map(|windows| &windows.sizes).map(|size| size * merge * merge);
        let pictures = full_segments(grids.iter().map(|grid| grid.patches()));
        Ok(Layout { cosines, sines, windows: full_segments(patches), pictures })
    }
}

/// Merged tokens of all pictures in window order.
fn token_order(windows: &[Windows]) -> Vec<usize> {
    let mut order = Vec::new();
    for windows in windows {
        let before = order.len();
        order.extend(windows.order.iter().map(|token| before + token));
    }
    order
}

/// Segments of these lengths, one behind the other.
fn full_segments(lengths: impl Iterator<Item = usize>) -> Vec<Segment> {
    let mut next = 0;
    let segment = |length: usize| {
        next += length;
        Segment::full(next - length..next)
    };
    lengths.map(segment).collect()
}

impl Block {
    fn load(scope: &Scope<'_>, config: &VisionConfig, at: usize) -> std::result::Result<Self, WeightError> {
        let width = config.hidden_size;
        Ok(Self {
            norm1: RmsNorm::load(&scope.at("norm1"), width, EPSILON)?,
            qkv: Linear::load(&scope.at("attn").at("qkv"), width, 3 * width)?,
            proj: Linear::load(&scope.at("attn").at("proj"), width, width)?,
            norm2: RmsNorm::load(&scope.at("norm2"), width, EPSILON)?,
            mlp: Swiglu::load(&scope.at("mlp"), width, config.intermediate_size, true)?,
            sees_all: config.fullatt_block_indexes.contains(&at),
            heads: config.num_heads,
        })
    }

    fn forward(&self, hidden: &Tensor, layout: &Layout) -> Result<Tensor> {
        let (rows, width) = hidden.dims2()?;
        let qkv = self.qkv.forward(&self.norm1.forward(hidden)?)?;
        let part = |at: usize| qkv.narrow(1, at * width, width)?.reshape((rows, self.heads, width / self.heads));
        let queries = rotate(&part(0)?, &layout.cosines, &layout.sines)?;
        let keys = rotate(&part(1)?, &layout.cosines, &layout.sines)?;
        let segments = if self.sees_all { &layout.pictures } else { &layout.windows };
        let attended = attend(&queries, &keys, &part(2)?, segments)?;
        let hidden = in_place::sum(self.proj.forward(&attended)?, hidden)?;
        in_place::sum(self.mlp.forward(&self.norm2.forward(&hidden)?)?, &hidden)
    }
}

impl Merger {
    fn load(scope: &Scope<'_>, config: &VisionConfig) -> std::result::Result<Self, WeightError> {
        let width = config.hidden_size * config.spatial_merge_size * config.spatial_merge_size;
        Ok(Self {
            norm: RmsNorm::load(&scope.at("ln_q"), config.hidden_size, EPSILON)?,
            inner: Linear::load(&scope.at("mlp").at(0), width, width)?,
            outer: Linear::load(&scope.at("mlp").at(2), width, config.out_hidden_size)?,
            width,
        })
    }

    fn forward(&self, patches: &Tensor) -> Result<Tensor> {
        let joined = self.norm.forward(patches)?.reshape(((), self.width))?;
        self.outer.forward(&self.inner.forward(&joined)?.gelu_erf()?)
    }
}
