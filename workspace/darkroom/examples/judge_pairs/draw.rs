//! Numbers counted from a seed.

use editscale_core::Seed;

/// A row of numbers that a seed gives: the same on every machine and on any number of threads.
pub(crate) struct Draw {
    root: Seed,
    count: u64,
}

impl Draw {
    pub(crate) fn new(root: Seed) -> Self {
        Self { root, count: 0 }
    }

    /// The next seed of the row.
    pub(crate) fn seed(&mut self) -> Seed {
        self.count += 1;
        self.root.mix(self.count)
    }

    /// In 0..1.
    pub(crate) fn unit(&mut self) -> f32 {
        self.seed().unit() as f32
    }

    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    pub(crate) fn chance(&mut self, share: f32) -> bool {
        self.unit() < share
    }

    /// One of `things`, all alike likely; there must be one.
    pub(crate) fn one<T: Copy>(&mut self, things: &[T]) -> T {
        let place = (self.seed().unit() * things.len() as f64) as usize;
        things[place.min(things.len() - 1)]
    }

    /// One of `things`, likely by its weight; there must be one.
    pub(crate) fn weighted<T: Copy>(&mut self, things: &[T], weight: impl Fn(&T) -> f32) -> T {
        let mut left = self.unit() * things.iter().map(&weight).sum::<f32>();
        let found = things.iter().find(|thing| {
            left -= weight(thing);
            left < 0.0
        });
        *found.unwrap_or(&things[things.len() - 1])
    }
}
