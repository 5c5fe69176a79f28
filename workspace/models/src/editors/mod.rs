//! Editing models: InstructPix2Pix and FLUX.1 Kontext.

pub mod instruct_pix2pix;
