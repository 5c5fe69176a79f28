//! Tests of the crate by what its users see: one binary, a module for each matter.

mod mistakes;

use editscale_config::Recipe;

/// Everything that is found in a file, as people see it.
fn report(bytes: impl AsRef<[u8]>) -> String {
    let report = Recipe::parse(bytes.as_ref()).map_or_else(|errors| errors, |(_, warnings)| warnings);
    report.render("recipe.yaml", bytes.as_ref())
}
