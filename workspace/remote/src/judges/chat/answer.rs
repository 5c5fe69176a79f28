//! The scores in what a judge said to one question.

use super::parse::scores;
use super::rubric::{Aspect, Rubric};
use crate::trouble::error::{ErrorClass, RemoteError};

/// The score of one aspect: the least of those that it asks for.
pub(crate) fn score(text: &str, aspect: &Aspect, rubric: &Rubric) -> Result<f64, RemoteError> {
    let found = scores(text, &aspect.scores, rubric.low, rubric.high)
        .map_err(|reason| RemoteError::new(ErrorClass::Malformed, format!("about {}: {reason}", aspect.part)))?;
    Ok(found.into_iter().fold(f64::INFINITY, f64::min))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_an_aspects_scores_is_its_own() {
        let rubric = Rubric::standard().unwrap();
        let of = |text: &str| score(text, &rubric.aspects[0], &rubric).map_err(|error| error.class);
        assert_eq!(of(r#"{"reasoning": "", "followed": 8, "preserved": 6}"#), Ok(6.0));
        assert_eq!(of("fine, I guess"), Err(ErrorClass::Malformed));
    }
}
