//! Work that somebody else's library may panic at, on files that are not right.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is an answer: that of a file that is not right.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Does what the library of tokenizers may panic at. Such a panic becomes an error, and prints nothing.
pub(crate) fn guarded<T>(work: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, String> {
    quietly(work).ok_or("the tokenizer fails on it")?.map_err(|error| error.to_string())
}

/// Does what may panic. Of such a panic comes nothing, and nothing is printed.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    quieten();
    let before = IS_GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(before);
    done.ok()
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
