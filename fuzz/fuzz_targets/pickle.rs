//! Pickles: any bytes are read as plain data or refused, and what was read comes back from its own pickle.

#![no_main]

use editscale_pickle::{Pickled, read, write};
use libfuzzer_sys::fuzz_target;

/// Whether two values are the same; numbers by their bits, since what is not a number is not equal to itself.
fn is_same(one: &Pickled, other: &Pickled) -> bool {
    match (one, other) {
        (Pickled::Float(one), Pickled::Float(other)) => one.to_bits() == other.to_bits(),
        (Pickled::List(one), Pickled::List(other)) | (Pickled::Tuple(one), Pickled::Tuple(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Pickled::Dict(one), Pickled::Dict(other)) => {
            let mut both = one.iter().zip(other);
            one.len() == other.len() && both.all(|(one, other)| is_same(&one.0, &other.0) && is_same(&one.1, &other.1))
        }
        _ => one == other,
    }
}

fuzz_target!(|bytes: &[u8]| {
    match read(bytes) {
        Err(error) => assert!(!error.to_string().is_empty(), "refused without a reason"),
        Ok(value) => {
            let written = write(&value).expect("what was read can be written");
            // What is shared in one pickle is written out in the next, which may be more than is read.
            let Ok(again) = read(&written) else { return };
            assert!(is_same(&value, &again), "it comes back as another: {value:?} as {again:?}");
        }
    }
});
