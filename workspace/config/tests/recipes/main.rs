//! Tests of the crate by what its users see: one binary, a module for each matter.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cards;
mod generate;
mod keys;
mod limits;
mod mistakes;
mod properties;
mod raw;
mod valid;

use editscale_config::Recipe;

/// Everything that is found in a file, as people see it.
fn report(bytes: impl AsRef<[u8]>) -> String {
    let report = Recipe::parse(bytes.as_ref()).map_or_else(|errors| errors, |(_, warnings)| warnings);
    report.render("recipe.yaml", bytes.as_ref())
}

/// The recipe of a file that is right.
fn recipe(text: &str) -> Recipe {
    match Recipe::parse(text.as_bytes()) {
        Ok((recipe, _)) => recipe,
        Err(report) => panic!("{}", report.render("recipe.yaml", text.as_bytes())),
    }
}

/// A right recipe with another search.
fn with_search(search: &str) -> String {
    format!("version: 1\neditor: {{darkroom: {{}}}}\nrewards: [{{model: {{photometric: {{}}}}}}]\nsearch: {search}\n")
}
