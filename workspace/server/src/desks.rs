//! Work beside the runtime's threads, so much of it at a time: each piece may hold a decoded picture.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::refusal::Refusal;

/// Where things are read and computed. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Desks(Arc<Semaphore>);

impl Desks {
    /// So many.
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }

    /// One for each processor.
    pub(crate) fn of_this_machine() -> Self {
        Self::new(available_parallelism().map_or(2, usize::from))
    }

    /// Does something at the next desk that is free. The desk is taken until that is done, whether anybody waits for it or not.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let desk = Arc::clone(&self.0).acquire_owned().await.map_err(Refusal::broken)?;
        let done = spawn_blocking(move || (work(), desk));
        done.await.map(|(made, _)| made).map_err(Refusal::broken)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn whoever_leaves_frees_no_desk_at_which_there_is_work() {
        let desks = Desks::new(1);
        let ((begun, begins), (let_end, end)) = (oneshot::channel(), mpsc::channel::<()>());
        let at_work = desks.clone();
        let leaver = tokio::spawn(async move {
            let work = move || begun.send(()).ok().and_then(|()| end.recv().ok());
            at_work.work(work).await
        });
        begins.await.unwrap();
        leaver.abort();
        assert!(leaver.await.is_err_and(|error| error.is_cancelled()));
        assert_eq!(desks.0.available_permits(), 0);
        let_end.send(()).unwrap();
        assert_eq!(desks.work(|| 7).await, Ok(7));
    }
}
