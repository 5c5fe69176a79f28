//! What the server counts and measures of itself.
