//! Critics, a folder a dialect.

pub(crate) mod chat;

use editscale_schema::CriticKind;

/// The critics behind HTTP that recipes can name.
pub const CRITICS: &[CriticKind] = &[CriticKind::of::<chat::ChatCriticRecipe>()];
