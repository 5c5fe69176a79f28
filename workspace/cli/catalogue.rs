//! Every editor, reward and critic of this program, crate by crate.

use editscale_config::Catalogue;

/// What recipes can name.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue::new(
        &[editscale_darkroom::EDITORS, editscale_models::EDITORS, editscale_plugin::EDITORS, editscale_remote::EDITORS],
        &[editscale_darkroom::REWARDS, editscale_models::REWARDS, editscale_plugin::REWARDS, editscale_remote::JUDGES],
    )
    .with_critics(&[editscale_darkroom::CRITICS, editscale_remote::CRITICS])
}
