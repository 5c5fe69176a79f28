//! Latents as tokens: each square of two by two becomes one.

/// Latents [channels, rows, columns] as tokens [rows / 2 · columns / 2, channels · 4]; of a token the channel changes slowest,
/// then the row of the square, then its column. Rows and columns are even.
pub(super) fn pack(latents: &[f32], [channels, rows, columns]: [usize; 3]) -> Vec<f32> {
    moved(latents, [channels, rows, columns], |from, to| (from, to))
}

/// The other way round.
pub(super) fn unpack(tokens: &[f32], dims: [usize; 3]) -> Vec<f32> {
    moved(tokens, dims, |from, to| (to, from))
}

/// Copies each number from its place in one order to that in the other; `ends` says which is which.
fn moved(
    numbers: &[f32],
    [channels, rows, columns]: [usize; 3],
    ends: impl Fn(usize, usize) -> (usize, usize),
) -> Vec<f32> {
    let mut out = vec![0.0; numbers.len()];
    for channel in 0..channels {
        for row in 0..rows {
            for column in 0..columns {
                let plane = (channel * rows + row) * columns + column;
                let token = (row / 2) * (columns / 2) + column / 2;
                let within = channel * 4 + (row % 2) * 2 + column % 2;
                let (from, to) = ends(plane, token * channels * 4 + within);
                out[to] = numbers[from];
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_become_tokens_and_come_back() {
        let dims = [2, 4, 6];
        let latents: Vec<f32> = (0..48).map(|value| value as f32).collect();
        let tokens = pack(&latents, dims);
        assert_eq!(tokens[..8], [0.0, 1.0, 6.0, 7.0, 24.0, 25.0, 30.0, 31.0]);
        assert_eq!(unpack(&tokens, dims), latents);
    }
}
