//! Finding 64-bit hashes that differ in few bits.

use crate::StudyError;

/// Beyond this, a quarter of a hash may differ in more bits than are worth trying out.
pub(super) const LARGEST_RADIUS: u32 = 15;

/// The hash is cut into this many bands.
const BANDS: usize = 4;
/// Bits of a band.
const WIDTH: u32 = 16;

/// An index of hashes by each of their four quarters: of hashes that differ in at most r bits, one quarter differs in
/// at most r/4 (Norouzi, Punjani and Fleet 2012). Keeps 16 bytes a hash and 1 MiB.
#[derive(Debug, Clone)]
pub struct HammingIndex<'a> {
    hashes: &'a [u64],
    bands: [Band; BANDS],
}

/// The numbers of the hashes, sorted by one quarter.
#[derive(Debug, Clone)]
struct Band {
    /// Where the numbers of each value begin, and after the last where they end.
    starts: Vec<u32>,
    numbers: Vec<u32>,
}

impl<'a> HammingIndex<'a> {
    /// Sorts the hashes four times. Fails on more than 2³² − 1 of them.
    pub fn new(hashes: &'a [u64]) -> Result<HammingIndex<'a>, StudyError> {
        count(hashes.len())?;
        Ok(HammingIndex { hashes, bands: [0, 1, 2, 3].map(|band| Band::new(hashes, band)) })
    }

    /// Calls `visit` once with the number of each hash that differs from this one in at most `radius` bits, and in how
    /// many. Tries 1 value of each quarter up to radius 3, 17 up to 7, 137 up to 11 and 697 up to 15, beyond which it
    /// fails. Where many hashes share a quarter, as those of pictures on white do, each of them is looked at.
    pub fn within(&self, hash: u64, radius: u32, mut visit: impl FnMut(u32, u32)) -> Result<(), StudyError> {
        check_radius(radius)?;
        let near = radius / BANDS as u32;
        for band in 0..BANDS {
            for_each_near(quarter(hash, band), near, &mut |value| {
                for number in self.bands[band].of(value) {
                    let found = self.hashes[*number as usize];
                    let distance = (found ^ hash).count_ones();
                    // The first quarter that is near enough is the one that reports.
                    let is_first = (0..band).all(|earlier| quarter(found ^ hash, earlier).count_ones() > near);
                    if distance <= radius && is_first {
                        visit(*number, distance);
                    }
                }
            });
        }
        Ok(())
    }
}

impl Band {
    /// Sorts by counting.
    fn new(hashes: &[u64], band: usize) -> Band {
        let mut starts = vec![0_u32; (1 << WIDTH) + 1];
        hashes.iter().for_each(|hash| starts[usize::from(quarter(*hash, band)) + 1] += 1);
        (1..starts.len()).for_each(|value| starts[value] += starts[value - 1]);
        let (mut next, mut numbers) = (starts.clone(), vec![0; hashes.len()]);
        for (number, hash) in (0_u32..).zip(hashes) {
            let place = &mut next[usize::from(quarter(*hash, band))];
            numbers[*place as usize] = number;
            *place += 1;
        }
        Band { starts, numbers }
    }

    fn of(&self, value: u16) -> &[u32] {
        let value = usize::from(value);
        &self.numbers[self.starts[value] as usize..self.starts[value + 1] as usize]
    }
}

fn quarter(hash: u64, band: usize) -> u16 {
    (hash >> (WIDTH as usize * band)) as u16
}

/// Calls with every value that differs in at most `flips` bits, once each: bits are flipped from the highest down.
fn for_each_near(value: u16, flips: u32, visit: &mut impl FnMut(u16)) {
    fn flip(value: u16, below: u32, flips: u32, visit: &mut impl FnMut(u16)) {
        visit(value);
        if flips > 0 {
            (0..below).for_each(|bit| flip(value ^ (1 << bit), bit, flips - 1, visit));
        }
    }
    flip(value, WIDTH, flips, visit);
}

pub(super) fn check_radius(radius: u32) -> Result<(), StudyError> {
    if radius <= LARGEST_RADIUS { Ok(()) } else { Err(StudyError::Radius { radius, largest: LARGEST_RADIUS }) }
}

/// Rows are counted in 32 bits here.
pub(super) fn count(rows: usize) -> Result<u32, StudyError> {
    u32::try_from(rows).map_err(|_| StudyError::Rows { rows })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn near_values_are_tried_once_each() {
        for (flips, expected) in [(0, 1), (1, 17), (2, 137), (3, 697)] {
            let mut tried = Vec::new();
            for_each_near(0b1010, flips, &mut |value| tried.push(value));
            assert_eq!(tried.len(), expected);
            assert!(tried.iter().all(|value| (value ^ 0b1010).count_ones() <= flips));
            tried.sort_unstable();
            tried.dedup();
            assert_eq!(tried.len(), expected);
        }
    }

    #[test]
    fn too_far_is_refused() {
        let found = HammingIndex::new(&[1]).unwrap().within(1, 16, |_, _| ());
        assert_eq!(found, Err(StudyError::Radius { radius: 16, largest: 15 }));
    }

    proptest! {
        // Each case sorts into four times 65,536 bins.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_index_finds_what_looking_at_all_does(
            centre in any::<u64>(),
            flips in prop::collection::vec(prop::collection::vec(0_u32..64, 0..20), 0..40),
            radius in 0_u32..16
        ) {
            let hashes: Vec<u64> =
                flips.iter().map(|bits| bits.iter().fold(centre, |hash, bit| hash ^ (1 << bit))).collect();
            let mut found = Vec::new();
            let index = HammingIndex::new(&hashes).unwrap();
            index.within(centre, radius, |number, distance| found.push((number, distance))).unwrap();
            found.sort_unstable();
            let all = (0_u32..).zip(&hashes).map(|(number, hash)| (number, (hash ^ centre).count_ones()));
            prop_assert_eq!(found, all.filter(|(_, distance)| *distance <= radius).collect::<Vec<_>>());
        }
    }
}
