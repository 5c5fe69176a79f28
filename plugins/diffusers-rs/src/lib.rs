//! `InstructPix2Pix` on libtorch, as a plugin of editscale.
//!
//! What decides a candidate beside its networks is editscale's own: the loop, the samplers, noise from seeds, sizes, the
//! tokenizer, paused states. The networks are those of the crate `diffusers`, with weights read by editscale. So the two
//! editors, this one and `instruct_pix2pix`, can be compared number by number.
//!
//! | module | what it holds |
//! |---|---|
//! | [`settings`] | what a recipe's `config` may say |
//! | [`networks`] | text encoder, autoencoder and U-Net on libtorch, and what of them the crate can build |
//! | [`pipeline`] | the three under editscale's loop |
//! | [`load`] | from a folder to an editor |
//! | [`plugin`] | an editor of editscale as a plugin |

pub mod load;
pub mod networks;
pub mod pipeline;
mod pixels;
pub mod plugin;
pub mod settings;
