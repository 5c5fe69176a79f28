//! What was computed and may be needed again, within a bound.

use std::hash::Hash;
use std::sync::Arc;

use candle_core::Tensor;
use lru::LruCache;

/// Values by key, the longest unused let go when they weigh too much together.
#[derive(Debug)]
pub(crate) struct Cache<K: Hash + Eq, V> {
    kept: LruCache<K, (Arc<V>, u64)>,
    bound: u64,
    weight: u64,
}

impl<K: Hash + Eq, V> Cache<K, V> {
    /// An empty cache of at most this weight.
    pub(crate) fn new(bound: u64) -> Self {
        Self { kept: LruCache::unbounded(), bound, weight: 0 }
    }

    /// The value under a key, which is now the one used last.
    pub(crate) fn get(&mut self, key: &K) -> Option<Arc<V>> {
        self.kept.get(key).map(|(value, _)| Arc::clone(value))
    }

    /// Keeps a value, and lets go of others as needed. One that is too heavy by itself is not kept.
    pub(crate) fn keep(&mut self, key: K, value: Arc<V>, weight: u64) {
        self.remove(&key);
        // What can never fit does not push out the others.
        if weight > self.bound {
            return;
        }
        self.kept.put(key, (value, weight));
        self.weight += weight;
        while self.weight > self.bound
            && let Some((_, (_, gone))) = self.kept.pop_lru()
        {
            self.weight -= gone;
        }
    }

    /// Lets go of everything.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        self.weight = 0;
    }

    /// Lets go of one.
    pub(crate) fn remove(&mut self, key: &K) {
        if let Some((_, weight)) = self.kept.pop(key) {
            self.weight -= weight;
        }
    }

    /// What is kept weighs.
    pub(crate) fn weight(&self) -> u64 {
        self.weight
    }
}

/// The bytes of a tensor's numbers.
pub(crate) fn bytes(tensor: &Tensor) -> u64 {
    (tensor.elem_count() * tensor.dtype().size_in_bytes()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unused_goes_first() {
        let mut cache = Cache::new(10);
        for key in 0..3 {
            cache.keep(key, Arc::new(key), 4);
        }
        assert_eq!((cache.get(&0), cache.get(&1), cache.get(&2)), (None, Some(Arc::new(1)), Some(Arc::new(2))));
        cache.get(&1);
        cache.keep(3, Arc::new(3), 4);
        assert!(cache.get(&2).is_none() && cache.get(&1).is_some());
        cache.keep(1, Arc::new(9), 1);
        assert_eq!((cache.get(&1), cache.weight()), (Some(Arc::new(9)), 5));
        cache.keep(4, Arc::new(4), 11);
        assert!(cache.get(&4).is_none());
        assert_eq!((cache.get(&3), cache.weight()), (Some(Arc::new(3)), 5));
    }
}
