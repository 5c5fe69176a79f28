//! What a judge is asked, and how its answers become a score.

use std::collections::BTreeSet;
use std::path::Path;

use editscale_core::PartName;

use crate::SetupError;
use crate::judges::asking::prompt::{Prompt, prompt_file};

/// The places of a prompt.
const PLACES: [&str; 3] = ["instruction", "low", "high"];

/// Which pictures a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AspectPictures {
    /// The source, then the candidate.
    Both,
    /// The candidate alone.
    Edited,
}

/// One question: a prompt, and the scores that its answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aspect {
    /// The part of the score that it becomes.
    pub part: PartName,
    /// Which pictures are shown.
    pub pictures: AspectPictures,
    /// The scores in the answer, by their names; the least of them is the part's.
    pub scores: Vec<String>,
    /// The prompt's text, with the places `{{instruction}}`, `{{low}}` and `{{high}}`.
    pub prompt: String,
}

/// How the parts become one score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combination {
    /// The geometric mean: a picture that fails in one part fails. With two parts this is the `√(semantic · quality)` of
    /// `VIEScore` (Ku et al., ACL 2024).
    GeometricMean,
    /// The arithmetic mean.
    Mean,
    /// The least.
    Least,
}

/// The questions of a judge, and how their answers become a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Rubric {
    /// The questions; each is one call a vote.
    pub aspects: Vec<Aspect>,
    /// The least score.
    pub low: f64,
    /// The greatest score.
    pub high: f64,
    /// How the parts become one score.
    pub combination: Combination,
}

impl Rubric {
    /// Two questions in our own words, from 0 to 10: whether the instruction was followed and the rest preserved, and how
    /// the picture looks.
    pub fn standard() -> Result<Self, SetupError> {
        let aspect = |part: &str, pictures, scores: [&str; 2], prompt: &str| {
            let part = PartName::new(part).map_err(|error| SetupError::setting("part", "a name", &error))?;
            let scores = scores.map(str::to_owned).to_vec();
            Ok::<_, SetupError>(Aspect { part, pictures, scores, prompt: prompt.to_owned() })
        };
        let followed = include_str!("../../../prompts/instruction_following.txt");
        let looks = include_str!("../../../prompts/quality.txt");
        let aspects = vec![
            aspect("instruction_following", AspectPictures::Both, ["followed", "preserved"], followed)?,
            aspect("quality", AspectPictures::Edited, ["natural", "clean"], looks)?,
        ];
        Ok(Self { aspects, low: 0.0, high: 10.0, combination: Combination::GeometricMean })
    }

    /// Replaces an aspect's prompt by a file's text.
    pub fn with_prompt_file(mut self, part: &str, file: &Path) -> Result<Self, SetupError> {
        let bad = |reason: String| SetupError::Prompt { aspect: part.to_owned(), reason };
        let text = prompt_file(part, file)?;
        let aspect = self.aspects.iter_mut().find(|aspect| aspect.part.as_str() == part);
        aspect.ok_or_else(|| bad("belongs to no aspect of this rubric".to_owned()))?.prompt = text;
        Ok(self)
    }

    /// Checks it and cuts the prompts.
    pub(crate) fn prompts(&self) -> Result<Vec<Prompt>, SetupError> {
        if self.aspects.is_empty() || self.aspects.len() > 16 {
            return Err(SetupError::setting("aspects", "1 to 16", &self.aspects.len()));
        }
        let is_range = self.low.is_finite() && self.high.is_finite() && self.low < self.high;
        if !is_range || (self.combination == Combination::GeometricMean && self.low < 0.0) {
            let expected = "a range, from 0 on for a geometric mean";
            return Err(SetupError::setting("low and high", expected, &format!("{} to {}", self.low, self.high)));
        }
        // A part is found by its name: of two of one name, one could not be.
        let parts: BTreeSet<&str> = self.aspects.iter().map(|aspect| aspect.part.as_str()).collect();
        if parts.len() < self.aspects.len() {
            return Err(SetupError::setting("aspects", "each part once", &"one twice"));
        }
        self.aspects.iter().map(prompt_of).collect()
    }

    /// One score of the parts, in their order.
    pub(crate) fn combine(&self, parts: &[f64]) -> f64 {
        let count = parts.len().max(1) as f64;
        match self.combination {
            // Two parts are the published form. A square root is exact wherever it is computed; a compiler may or may not
            // make one of a power, and equal votes would differ in their last digit.
            Combination::GeometricMean if parts.len() == 2 => parts.iter().product::<f64>().sqrt(),
            Combination::GeometricMean => parts.iter().product::<f64>().powf(1.0 / count),
            Combination::Mean => parts.iter().sum::<f64>() / count,
            Combination::Least => parts.iter().copied().fold(f64::INFINITY, f64::min),
        }
    }
}

fn prompt_of(aspect: &Aspect) -> Result<Prompt, SetupError> {
    let bad = |reason: String| SetupError::Prompt { aspect: aspect.part.to_string(), reason };
    if aspect.scores.is_empty() || aspect.scores.iter().any(|name| name.is_empty() || name == "reasoning") {
        return Err(bad("asks for no scores, or for one without a name of its own".to_owned()));
    }
    Prompt::new(&aspect.prompt, &PLACES).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_combined() {
        for (combination, expected) in
            [(Combination::GeometricMean, 6.0), (Combination::Mean, 6.5), (Combination::Least, 4.0)]
        {
            let rubric = Rubric { combination, ..Rubric::standard().unwrap() };
            assert!((rubric.combine(&[4.0, 9.0]) - expected).abs() < 1e-12);
        }
        assert_eq!(Rubric::standard().unwrap().combine(&[0.0, 9.0]), 0.0);
    }

    #[test]
    fn a_users_prompt_takes_the_place_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prompt.txt");
        std::fs::write(&file, "Rate {{instruction}}").unwrap();
        let rubric = Rubric::standard().unwrap().with_prompt_file("quality", &file).unwrap();
        assert_eq!(rubric.aspects[1].prompt, "Rate {{instruction}}");
        assert!(rubric.prompts().is_ok());
        assert!(rubric.clone().with_prompt_file("speed", &file).is_err());
        std::fs::write(&file, "Rate {{prompt}}").unwrap();
        let error = rubric.with_prompt_file("quality", &file).unwrap().prompts().unwrap_err().to_string();
        assert!(error.contains("`quality`") && error.contains("{{prompt}}"), "{error}");
    }

    #[test]
    fn rubrics_that_mean_nothing_are_refused() {
        let standard = Rubric::standard().unwrap();
        for rubric in [
            Rubric { aspects: Vec::new(), ..standard.clone() },
            Rubric { aspects: vec![standard.aspects[0].clone(); 2], ..standard.clone() },
            Rubric { low: 10.0, ..standard.clone() },
            Rubric { low: -1.0, ..standard.clone() },
            Rubric { high: f64::NAN, ..standard.clone() },
        ] {
            assert!(rubric.prompts().is_err(), "{rubric:?}");
        }
    }
}
