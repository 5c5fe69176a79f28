//! Networks that are all kept loaded, or loaded in turn where a card cannot hold them together.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::load::LoadError;

/// Which networks of an editor are loaded at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Residency {
    /// All, from the beginning to the end.
    #[default]
    Together,
    /// Those of one turn: encoders, then the denoiser, then the decoder. Each turn that begins loads its own anew.
    InTurn,
}

/// The turns that an editor's networks take, and the time that loading them took. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Turns(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    residency: Residency,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What can be let go, with its turn.
    places: Vec<(usize, Weak<dyn Place>)>,
    /// What loading took, and is on nobody's account yet.
    took: Duration,
    /// How often a network was loaded after the beginning.
    loads: u64,
}

/// Where a network is while it is loaded.
trait Place: Send + Sync {
    fn leave(&self);
}

/// A network that can be loaded again.
pub struct Resident<T> {
    turn: usize,
    turns: Turns,
    place: Arc<Mutex<Option<Arc<T>>>>,
    load: Box<dyn Fn() -> Result<T, LoadError> + Send + Sync>,
}

impl Turns {
    /// Of an editor whose networks are kept so.
    pub fn new(residency: Residency) -> Self {
        Self(Arc::new(Inner { residency, state: Mutex::default() }))
    }

    /// Which networks are loaded at a time.
    pub fn residency(&self) -> Residency {
        self.0.residency
    }

    /// A network that is used in a turn, together with all others of that turn. Where all are kept loaded it is loaded now, else
    /// when it is first asked for.
    pub fn resident<T: Send + Sync + 'static>(
        &self,
        turn: usize,
        load: impl Fn() -> Result<T, LoadError> + Send + Sync + 'static,
    ) -> Result<Resident<T>, LoadError> {
        let place = Arc::new(Mutex::new(None));
        let of_any: Arc<dyn Place> = place.clone();
        self.state().places.push((turn, Arc::downgrade(&of_any)));
        let resident = Resident { turn, turns: self.clone(), place, load: Box::new(load) };
        if self.0.residency == Residency::Together {
            // What is loaded before the first edit is on no candidate's account.
            *guarded(&resident.place) = Some(Arc::new((resident.load)()?));
        }
        Ok(resident)
    }

    /// The milliseconds that loading took since this was asked last, rounded up.
    pub fn take_load_ms(&self) -> u64 {
        let took = std::mem::take(&mut self.state().took);
        u64::try_from(took.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
    }

    /// How often a network was loaded because it was asked for and was not there.
    pub fn loads(&self) -> u64 {
        self.state().loads
    }

    /// Lets go of what other turns have loaded.
    fn begin(&self, turn: usize) {
        let mut state = self.state();
        state.places.retain(|(_, place)| place.strong_count() > 0);
        let others = state.places.iter().filter(|(other, _)| *other != turn);
        others.filter_map(|(_, place)| place.upgrade()).for_each(|place| place.leave());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        guarded(&self.0.state)
    }
}

impl<T> Resident<T> {
    /// The network, loaded if need be; what other turns have loaded is let go before. It stays loaded for as long as somebody
    /// holds it, whatever turn it is.
    pub fn get(&self) -> Result<Arc<T>, LoadError> {
        if self.turns.residency() == Residency::InTurn {
            self.turns.begin(self.turn);
        }
        let mut place = guarded(&self.place);
        if let Some(loaded) = &*place {
            return Ok(Arc::clone(loaded));
        }
        let start = Instant::now();
        let loaded = Arc::new((self.load)()?);
        let mut state = self.turns.state();
        state.took += start.elapsed();
        state.loads += 1;
        drop(state);
        *place = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// Whether it is loaded.
    pub fn is_loaded(&self) -> bool {
        guarded(&self.place).is_some()
    }
}

impl<T: Send + Sync> Place for Mutex<Option<Arc<T>>> {
    fn leave(&self) {
        *guarded(self) = None;
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("places", &self.places.len())
            .field("took", &self.took)
            .field("loads", &self.loads)
            .finish()
    }
}

impl<T> fmt::Debug for Resident<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resident")
            .field("turn", &self.turn)
            .field("is_loaded", &self.is_loaded())
            .finish_non_exhaustive()
    }
}

fn guarded<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A network that counts how many of its kind are loaded, and how often any was.
    #[derive(Debug)]
    struct Network(Arc<[AtomicUsize; 2]>);

    impl Network {
        fn load(counts: &Arc<[AtomicUsize; 2]>) -> Self {
            counts.iter().for_each(|count| _ = count.fetch_add(1, Ordering::SeqCst));
            std::thread::sleep(Duration::from_millis(2));
            Self(Arc::clone(counts))
        }
    }

    impl Drop for Network {
        fn drop(&mut self) {
            self.0[0].fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn editor(residency: Residency) -> (Turns, [Resident<Network>; 3], Arc<[AtomicUsize; 2]>) {
        let (turns, counts) = (Turns::new(residency), Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]));
        let resident = |turn: usize| {
            let counts = Arc::clone(&counts);
            turns.resident(turn, move || Ok(Network::load(&counts))).unwrap()
        };
        let all = [resident(0), resident(1), resident(1)];
        (turns, all, counts)
    }

    #[test]
    fn networks_that_are_kept_are_loaded_once() {
        let (turns, all, counts) = editor(Residency::Together);
        for _ in 0..3 {
            all.iter().for_each(|resident| drop(resident.get().unwrap()));
        }
        assert_eq!(counts.each_ref().map(|count| count.load(Ordering::SeqCst)), [3, 3]);
        assert_eq!((turns.take_load_ms(), turns.loads()), (0, 0));
    }

    #[test]
    fn a_turn_lets_go_of_the_others() {
        let (turns, [encoder, denoiser, decoder], counts) = editor(Residency::InTurn);
        let now = || counts.each_ref().map(|count| count.load(Ordering::SeqCst));
        assert_eq!(now(), [0, 0], "nothing is loaded before it is needed");
        encoder.get().unwrap();
        encoder.get().unwrap();
        assert_eq!(now(), [1, 1]);
        assert!(turns.take_load_ms() >= 2);
        denoiser.get().unwrap();
        assert_eq!((now(), encoder.is_loaded()), ([1, 2], false));
        decoder.get().unwrap();
        denoiser.get().unwrap();
        assert_eq!(now(), [2, 3], "networks of one turn stay together");
        assert!(turns.take_load_ms() >= 4);
        assert_eq!((turns.take_load_ms(), turns.loads()), (0, 3), "time is on one account");
        encoder.get().unwrap();
        assert_eq!(now(), [1, 4]);
        drop((encoder, denoiser, decoder));
        assert_eq!(now()[0], 0);
    }

    #[test]
    fn what_somebody_holds_stays() {
        let (_, [encoder, denoiser, _], counts) = editor(Residency::InTurn);
        let held = encoder.get().unwrap();
        denoiser.get().unwrap();
        assert_eq!(counts[0].load(Ordering::SeqCst), 2);
        drop(held);
        assert_eq!(counts[0].load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_network_that_cannot_be_loaded_is_asked_for_again() {
        let (turns, tries) = (Turns::new(Residency::InTurn), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&tries);
        let resident = turns.resident(0, move || match counted.fetch_add(1, Ordering::SeqCst) {
            0 => Err(LoadError::content(Path::new("weights"), "is not there")),
            _ => Ok(7),
        });
        let resident = resident.unwrap();
        assert!(resident.get().is_err_and(|error| error.to_string() == "weights: is not there"));
        assert_eq!(*resident.get().unwrap(), 7);
    }
}
