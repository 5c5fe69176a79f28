//! Noise that means something: the same seed gives the same numbers, on every machine, in any order, alone or in a batch.
//!
//! The generator is counter-based: Philox4x32 with ten rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
//! easy as 1, 2, 3", SC 2011). Its key is the seed, lower half first; its counter is made of the number of the block (64
//! bits, lower half first), of the stream, and of 0. The four words of a block become four normal numbers by Box and
//! Muller's transform: of the words a, b the pair `r cos φ`, `r sin φ` with `r = sqrt(−2 ln((a + 1) / 2^32))` and
//! `φ = 2π b / 2^32`, computed in double precision by functions that are the same everywhere, rounded to single precision.
//!
//! Stream 0 is the noise that a candidate starts from; stream k + 1 is what is added in its step k; stream 2^32 − 1 − k is what
//! takes steps back from before step k. Numbers are laid out as the latents are: channels, rows, columns.

use editscale_core::Seed;
use rayon::prelude::*;

const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
const ROUNDS: usize = 10;

/// One block of Philox4x32-10.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let [low, high] = [(counter[0], MULTIPLIERS[0]), (counter[2], MULTIPLIERS[1])]
            .map(|(word, multiplier)| u64::from(word) * u64::from(multiplier));
        let upper = |product: u64| (product >> 32) as u32;
        counter = [upper(high) ^ counter[1] ^ key[0], high as u32, upper(low) ^ counter[3] ^ key[1], low as u32];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// Two words to two independent normal numbers.
fn box_muller(a: u32, b: u32) -> [f32; 2] {
    const UNIT: f64 = 1.0 / 4_294_967_296.0;
    let radius = libm::sqrt(-2.0 * libm::log((f64::from(a) + 1.0) * UNIT));
    let angle = std::f64::consts::TAU * f64::from(b) * UNIT;
    [(radius * libm::cos(angle)) as f32, (radius * libm::sin(angle)) as f32]
}

/// The first `count` normal numbers of a stream of a seed.
pub fn normal(seed: Seed, stream: u32, count: usize) -> Vec<f32> {
    let key = [seed.get() as u32, (seed.get() >> 32) as u32];
    let mut numbers = vec![0.0; count];
    numbers.par_chunks_mut(4).enumerate().for_each(|(block, out)| {
        let block = block as u64;
        let words = philox([block as u32, (block >> 32) as u32, stream, 0], key);
        let [first, second] = [box_muller(words[0], words[1]), box_muller(words[2], words[3])];
        out.iter_mut().zip([first[0], first[1], second[0], second[1]]).for_each(|(out, number)| *out = number);
    });
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors that the authors' library is tested with.
    #[test]
    fn the_generator_is_the_published_one() {
        let table = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in table {
            assert_eq!(philox(counter, key), expected);
        }
    }

    #[test]
    fn numbers_are_normal_and_streams_are_apart() {
        let seed = Seed::new(20_261_125).unwrap();
        let numbers = normal(seed, 0, 100_001);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let powers =
            |power: i32| mean(&numbers.iter().map(|number| f64::from(*number).powi(power)).collect::<Vec<_>>());
        for (power, expected, tolerance) in [(1, 0.0, 0.015), (2, 1.0, 0.02), (3, 0.0, 0.05), (4, 3.0, 0.12)] {
            assert!((powers(power) - expected).abs() < tolerance, "moment {power} is {}", powers(power));
        }
        for other in [normal(seed, 1, 100_001), normal(Seed::new(20_261_126).unwrap(), 0, 100_001)] {
            let products: Vec<f64> = numbers.iter().zip(&other).map(|(a, b)| f64::from(a * b)).collect();
            assert!(mean(&products).abs() < 0.015);
        }
        assert_eq!(numbers[..10], normal(seed, 0, 10)[..], "a longer sequence begins as the shorter");
        assert!(numbers.iter().all(|number| number.is_finite()));
    }

    /// Held so that seeds mean the same in later versions.
    #[test]
    fn numbers_stay_what_they_are() {
        let numbers = normal(Seed::new(7).unwrap(), 2, 6);
        assert_eq!(numbers, [0.204_942_72, -0.278_564_13, 0.200_858_35, 1.346_595_3, 0.065_815_45, 0.375_573_04]);
    }
}
