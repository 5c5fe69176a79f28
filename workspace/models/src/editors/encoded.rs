//! What was encoded and may be needed again.

use std::hash::Hash;
use std::sync::Arc;

use editscale_core::Failure;

use crate::cache::Cache;

/// Texts or pictures of earlier calls, encoded, within a bound on memory.
#[derive(Debug)]
pub struct Encoded<K: Hash + Eq, V> {
    kept: Cache<K, V>,
    bytes: fn(&V) -> u64,
}

impl<K: Hash + Eq, V> Encoded<K, V> {
    /// Of at most so many bytes; `bytes` tells those of one.
    pub fn new(bound: u64, bytes: fn(&V) -> u64) -> Self {
        Self { kept: Cache::new(bound), bytes }
    }

    /// Lets go of everything.
    pub fn forget(&mut self) {
        self.kept.clear();
    }

    /// What is known under a key, else what is made and kept for later.
    pub fn get_or(&mut self, key: K, make: impl FnOnce() -> Result<V, Failure>) -> Result<Arc<V>, Failure> {
        if let Some(known) = self.kept.get(&key) {
            return Ok(known);
        }
        let made = Arc::new(make()?);
        self.kept.keep(key, Arc::clone(&made), (self.bytes)(&made));
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use editscale_core::FailureKind;

    use super::*;

    #[test]
    fn what_is_known_is_not_made_again() {
        let mut encoded: Encoded<u8, u8> = Encoded::new(2, |_| 1);
        let fail = || Err(Failure::new(FailureKind::Crashed, "made again"));
        assert!(encoded.get_or(1, fail).is_err(), "a failure is not kept");
        assert_eq!(encoded.get_or(1, || Ok(7)).ok().as_deref(), Some(&7));
        assert_eq!(encoded.get_or(1, fail).ok().as_deref(), Some(&7));
        encoded.get_or(2, || Ok(8)).unwrap();
        encoded.get_or(3, || Ok(9)).unwrap();
        assert!(encoded.get_or(1, fail).is_err(), "the longest unused was let go");
    }
}
