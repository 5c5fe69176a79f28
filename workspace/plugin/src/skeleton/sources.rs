//! What skeletons are made of: the sources of the SDKs and their examples, as parts of the program.

use editscale_sdk::PluginKind;

use super::Language;

pub(super) const RUST_REWARD: &str = include_str!("../../../sdk/examples/brightness_reward.rs");
pub(super) const RUST_EDITOR: &str = include_str!("../../../sdk/examples/tint_editor.rs");
pub(super) const PYTHON_REWARD: &str = include_str!("../../../../plugins/python-sdk/examples/brightness.py");
pub(super) const PYTHON_EDITOR: &str = include_str!("../../../../plugins/python-sdk/examples/warmer.py");

/// What the examples call themselves.
pub(super) fn example_name(language: Language, kind: PluginKind) -> &'static str {
    match (language, kind) {
        (_, PluginKind::Reward) => "brightness",
        (Language::Rust, PluginKind::Editor) => "tint",
        (Language::Python, PluginKind::Editor) => "warmer",
    }
}

/// The classes of the examples in Python.
pub(super) fn python_class(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::Reward => "Brightness",
        PluginKind::Editor => "Warmer",
    }
}

/// A file of an SDK: its path and its text.
type Source = (&'static str, &'static str);

macro_rules! sources {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!($folder, $path)))),+]
    };
}

/// The crate `editscale-sdk`, without its tests.
pub(super) const RUST_SDK: &[Source] = sources!("../../../sdk/src/":
    "lib.rs",
    "protocol/cards.rs",
    "protocol/frame.rs",
    "protocol/messages.rs",
    "protocol/mod.rs",
    "protocol/pictures.rs",
    "protocol/version.rs",
    "protocol/work.rs",
    "serve/call.rs",
    "serve/config.rs",
    "serve/desk.rs",
    "serve/editor.rs",
    "serve/failed.rs",
    "serve/incoming.rs",
    "serve/mod.rs",
    "serve/outbox.rs",
    "serve/picture.rs",
    "serve/plugin.rs",
    "serve/process.rs",
    "serve/reward.rs",
    "serve/session.rs",
    "serve/work.rs",
);

/// What plugins need of the package `editscale`.
pub(super) const PYTHON_SDK: &[Source] = sources!("../../../../plugins/python-sdk/src/editscale/":
    "__init__.py",
    "py.typed",
    "plugins/__init__.py",
    "plugins/_frames.py",
    "plugins/_serve.py",
    "plugins/_session.py",
    "plugins/_spool.py",
    "plugins/_streams.py",
    "plugins/_version.py",
    "plugins/_wire.py",
    "plugins/base.py",
    "plugins/call.py",
    "plugins/cards.py",
    "plugins/config.py",
    "plugins/failures.py",
    "plugins/paused.py",
    "plugins/pictures.py",
    "plugins/trajectories.py",
    "plugins/work.py",
);
