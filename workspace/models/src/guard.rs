//! Work that the library of tokenizers may panic at.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is an answer: that of a file that is not right.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Does what the library may panic at, on files that are not right. Such a panic becomes an error, and prints nothing.
pub(crate) fn guarded<T>(work: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, String> {
    quieten();
    let before = IS_GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(before);
    done.map_err(|_| "the tokenizer fails on it".to_owned())?.map_err(|error| error.to_string())
}

/// Has panics of guarded work told to nobody; all others go to whom they were told before.
fn quieten() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_GUARDED.try_with(Cell::get).unwrap_or_default() {
                tell(panic);
            }
        }));
    });
}
