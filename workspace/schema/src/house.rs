//! What the editors and rewards of one process share.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Things that the editors and rewards of one process share, such as a cache of decoded pictures: one of each type, made when
/// it is first asked for.
#[derive(Clone, Default)]
pub struct House {
    shared: Arc<Mutex<BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>>>,
}

impl House {
    /// The one thing of this type.
    pub fn shared<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let one = shared.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        // What lies under the id of a type is of that type.
        Arc::clone(one).downcast().unwrap_or_default()
    }
}

impl fmt::Debug for House {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("House").field("things", &shared.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_of_each_type() {
        let house = House::default();
        let first = house.shared::<Mutex<u32>>();
        *first.lock().unwrap() = 7;
        assert_eq!(*house.clone().shared::<Mutex<u32>>().lock().unwrap(), 7);
        assert_eq!(*house.shared::<Mutex<i64>>().lock().unwrap(), 0);
    }
}
