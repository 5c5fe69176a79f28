//! Recipes: any bytes are read or refused with places inside the file, and what is read comes back from its own text.

#![no_main]

use std::sync::LazyLock;

use editscale_config::{Catalogue, Recipe};
use libfuzzer_sys::fuzz_target;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    Catalogue::new(
        &[editscale_darkroom::EDITORS, editscale_plugin::EDITORS, editscale_remote::EDITORS],
        &[editscale_darkroom::REWARDS, editscale_plugin::REWARDS, editscale_remote::JUDGES],
    )
});

fuzz_target!(|bytes: &[u8]| {
    match Recipe::parse(bytes, &CATALOGUE) {
        Err(report) => {
            assert!(report.has_errors(), "refused without a reason");
            report.render("recipe.yaml", bytes);
        }
        Ok((recipe, warnings)) => {
            warnings.render("recipe.yaml", bytes);
            let text = recipe.to_yaml();
            match Recipe::parse(text.as_bytes(), &CATALOGUE) {
                Ok((again, _)) => assert_eq!(again.to_yaml(), text, "the resolved recipe reads as another"),
                Err(report) => {
                    panic!("the resolved recipe is refused:\n{}", report.render("resolved.yaml", text.as_bytes()))
                }
            }
        }
    }
});
