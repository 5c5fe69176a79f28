//! How many items come to a reward together, of late.

/// After so many calls what was seen before them is forgotten.
const WINDOW: u32 = 8;

/// The most items that were there at a time, waiting or under way, in the last calls.
#[derive(Debug, Default)]
pub(super) struct Company {
    latest: usize,
    earlier: usize,
    calls: u32,
}

impl Company {
    /// So many are there.
    pub(super) fn see(&mut self, items: usize) {
        self.latest = self.latest.max(items);
    }

    /// A call was answered.
    pub(super) fn pass(&mut self) {
        self.calls += 1;
        if self.calls == WINDOW {
            *self = Self { latest: 0, earlier: self.latest, calls: 0 };
        }
    }

    /// How many may be expected.
    pub(super) fn expected(&self) -> usize {
        self.latest.max(self.earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_is_expected_for_a_while() {
        let mut company = Company::default();
        company.see(16);
        for _ in 0..WINDOW {
            company.see(1);
            company.pass();
            assert_eq!(company.expected(), 16);
        }
        for _ in 0..WINDOW {
            company.see(1);
            company.pass();
        }
        assert_eq!(company.expected(), 1);
    }
}
