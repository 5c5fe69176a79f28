//! Editing models: InstructPix2Pix and FLUX.1 Kontext.

pub mod flux_kontext;
