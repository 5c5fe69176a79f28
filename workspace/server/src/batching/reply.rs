//! What one caller is answered: one answer an item, sent once all are there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use editscale_core::{Failure, Judgement, Watch};
use tokio::sync::oneshot;

/// What a reward says of one item.
pub(crate) type Answer = Result<Judgement, Failure>;

/// Where the answers of one caller come together.
#[derive(Debug)]
pub(super) struct Reply {
    gone: AtomicBool,
    gathered: Mutex<Gathered>,
}

#[derive(Debug)]
struct Gathered {
    answers: Vec<Option<Answer>>,
    missing: usize,
    whole: Option<oneshot::Sender<Vec<Answer>>>,
}

impl Reply {
    /// Of so many answers. Should it be dropped before all are there, the receiver hears of it.
    pub(super) fn new(items: usize) -> (Arc<Self>, oneshot::Receiver<Vec<Answer>>) {
        let (whole, receiver) = oneshot::channel();
        let gathered = Gathered { answers: vec![None; items], missing: items, whole: Some(whole) };
        (Arc::new(Self { gone: AtomicBool::new(false), gathered: Mutex::new(gathered) }), receiver)
    }

    /// Answers an item; the last answer sends them all.
    pub(super) fn put(&self, place: usize, answer: Answer) {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let Gathered { answers, missing, whole } = &mut *gathered;
        let Some(slot @ None) = answers.get_mut(place) else { return };
        *slot = Some(answer);
        *missing -= 1;
        if *missing == 0
            && let Some(whole) = whole.take()
        {
            // A caller that is gone does not want them.
            whole.send(std::mem::take(answers).into_iter().flatten().collect()).ok();
        }
    }

    /// The caller does not want its answers any more.
    pub(super) fn leave(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// Whether it does not.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}

/// All that a call under way is for. It is cancelled once all of them are gone.
pub(super) struct Crowd(pub(super) Vec<Arc<Reply>>);

impl Watch for Crowd {
    fn cancelled(&self) -> bool {
        self.0.iter().all(|reply| reply.is_gone())
    }
}
