//! What several targets share.

use std::{panic, process};

/// Ends the program where code of ours panics, even where somebody would catch that.
///
/// Decoders and tokenizers are other people's code, whose panics our readers catch and tell as refusals. A panic of ours would
/// pass for one of theirs.
pub fn end_at_our_own_panics() {
    panic::set_hook(Box::new(|info| {
        let file = info.location().map_or("", |location| location.file());
        if file.contains("workspace/") || file.contains("fuzz_targets/") {
            eprintln!("{info}");
            process::abort();
        }
    }));
}
