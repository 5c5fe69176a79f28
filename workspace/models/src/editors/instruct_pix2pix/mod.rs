//! InstructPix2Pix (Brooks, Holynski and Efros, 2023): a Stable Diffusion that also sees the picture to edit.

pub mod unet;
