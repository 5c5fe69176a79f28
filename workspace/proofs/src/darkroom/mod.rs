//! Policies on real photographs: the embedded editor, its rewards, and a judge that no policy sees.

pub mod held_out;
pub mod photos;
pub mod requests;
pub mod studio;
