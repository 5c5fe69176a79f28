//! Guidance away from a negative prompt.

/// The velocity of every token, [tokens, width], guided: `negative + scale · (positive − negative)`, brought to the length that the
/// positive one has. The longer a scale makes it, the more it would burn the picture.
pub(super) fn guided(positive: &[f32], negative: &[f32], scale: f32, width: usize) -> Vec<f32> {
    let mut all = Vec::with_capacity(positive.len());
    for (positive, negative) in positive.chunks(width.max(1)).zip(negative.chunks(width.max(1))) {
        let away = |(positive, negative): (&f32, &f32)| negative + scale * (positive - negative);
        let combined: Vec<f32> = positive.iter().zip(negative).map(away).collect();
        let length = length(&combined);
        let factor = if length > 0.0 { self::length(positive) / length } else { 0.0 };
        all.extend(combined.into_iter().map(|value| value * factor));
    }
    all
}

fn length(values: &[f32]) -> f32 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_keeps_its_length_and_turns_away() {
        let (positive, negative) = ([3.0, 4.0, 1.0, 0.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let found = guided(&positive, &negative, 2.0, 2);
        // Away from (3, 0) by twice as far as (3, 4) is: (3, 8), brought to length 5.
        let factor = 5.0 / 73.0_f32.sqrt();
        let expected = [3.0 * factor, 8.0 * factor, 1.0, 0.0, 0.0, 0.0];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        let same = guided(&positive, &negative, 1.0, 2);
        assert!(same.iter().zip(positive).all(|(a, b)| (a - b).abs() < 1e-6), "{same:?}");
    }
}
