//! Editing models: InstructPix2Pix and FLUX.1 Kontext.
