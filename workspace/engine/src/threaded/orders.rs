//! Orders to the threads of models, beside the queue of their work.

use std::sync::Mutex;

use super::{Model, lock};

/// The orders that a thread has not yet seen; none once it has ended, so that nobody waits for its answer.
pub(super) struct Orders<M: Model>(Mutex<Option<Vec<M::Order>>>);

impl<M: Model> Orders<M> {
    pub(super) fn open() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }

    pub(super) fn put(&self, order: M::Order) {
        if let Some(orders) = &mut *lock(&self.0) {
            orders.push(order);
        }
    }

    pub(super) fn take(&self) -> Vec<M::Order> {
        lock(&self.0).as_mut().map(std::mem::take).unwrap_or_default()
    }
}

/// Closes a thread's orders when it ends, however it ends.
pub(super) struct Closing<'a, M: Model>(pub(super) &'a Orders<M>);

impl<M: Model> Drop for Closing<'_, M> {
    fn drop(&mut self) {
        *lock(&self.0.0) = None;
    }
}
