//! Editors, a folder a dialect.

pub(crate) mod openai_images;
