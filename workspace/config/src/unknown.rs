//! Names of things that the recipe does not have.

use editscale_schema::{Mistake, list, nearest, quote};

/// That the recipe has no `what` of this name, with the one that may be meant, or all that there are.
pub(crate) fn unknown<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n str> + Clone) -> Mistake {
    let hint = match nearest(name, known.clone()) {
        Some(meant) => format!("did you mean {}?", quote(meant)),
        None => format!("its {what}s are {}", list(known)),
    };
    Mistake::new(format!("the recipe has no {what} {}", quote(name))).hint(hint)
}
