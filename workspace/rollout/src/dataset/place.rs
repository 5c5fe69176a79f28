//! Places as numbers: the file first, then what its reader needs to find the row again.

use crate::Place;

/// A place out of its numbers.
pub(super) fn place<const N: usize>(numbers: [u64; N]) -> Place {
    Place(numbers.map(|number| number.to_string()).join(":"))
}

/// The numbers of a place.
pub(super) fn numbers<const N: usize>(place: &Place) -> Option<[u64; N]> {
    let numbers: Vec<u64> = place.0.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    numbers.try_into().ok()
}

/// A number that counts something in memory.
pub(super) fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
