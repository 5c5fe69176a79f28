//! Candidates of one source that people put in an order, as the metrics see them.

use std::sync::Arc;

use editscale_study::judges::{HumanOrder, Pair, Preference, PublishedOrder, ScoredGroup, pairs_of_group};

use super::Said;
use super::evaluate::Scored;
use crate::{Human, JudgedCandidate, JudgedCase};

/// One group of candidates with an order of people.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    /// Who made each candidate.
    pub(super) models: Arc<[Option<String>]>,
    /// The collection that the source comes from.
    pub(super) dataset: Option<Arc<str>>,
    /// Scores, and the order as the published code reads it.
    pub(super) published: ScoredGroup<PublishedOrder>,
    /// The order as it is meant; nothing where it cannot be read.
    pub(super) order: Option<Arc<HumanOrder>>,
}

impl Comparison {
    /// The case's order with the scores of a judge, and whether every candidate has one. Nothing where people put candidates in
    /// no order: where there is only one, or where some have no rating.
    pub(super) fn of(case: &JudgedCase, said: &Said) -> Option<(Comparison, bool)> {
        let text = ranking(case)?;
        let compared = compared(case);
        let (scores, candidates) =
            (compared.iter().map(|edit| said.of(edit)).collect::<Option<Vec<f64>>>(), compared.len());
        let is_judged = scores.is_some();
        let human = PublishedOrder::new(text, candidates);
        let order = human.rightly().ok().map(Arc::new);
        let published = ScoredGroup { scores: scores.unwrap_or_else(|| vec![0.0; candidates]), human };
        let models = compared.iter().map(|candidate| candidate.model.clone()).collect();
        let dataset = case.dataset.as_deref().map(Arc::from);
        Some((Comparison { models, dataset, published, order }, is_judged))
    }

    /// The scores of the candidates.
    pub(super) fn scores(&self) -> &[f64] {
        &self.published.scores
    }

    /// All pairs as the published code reads them.
    pub(super) fn published_pairs(&self) -> impl Iterator<Item = Pair> {
        let ScoredGroup { scores, human } = &self.published;
        places(scores.len()).filter_map(move |(i, j)| {
            Some(Pair { human: human.preference(i, j), margin: scores.get(i)? - scores.get(j)? })
        })
    }

    /// All pairs as they are meant; none where the order cannot be read.
    pub(super) fn pairs(&self) -> Vec<Pair> {
        let pairs = self.order.as_deref().map(|order| pairs_of_group(self.scores(), order));
        pairs.and_then(Result::ok).unwrap_or_default()
    }

    /// Each pair in which `model` made one of the two, as a comparison of that one with the other.
    pub(super) fn pairs_of_model<'a>(&'a self, model: &'a str) -> impl Iterator<Item = Comparison> + 'a {
        let made = move |at: usize| self.models.get(at).is_some_and(|made| made.as_deref() == Some(model));
        let both = places(self.scores().len()).flat_map(|(i, j)| [(i, j), (j, i)]);
        both.filter(move |(own, other)| made(*own) && !made(*other)).filter_map(|(own, other)| self.pair(own, other))
    }

    fn pair(&self, i: usize, j: usize) -> Option<Comparison> {
        let human = PublishedOrder::new(word(self.order.as_ref()?.preference(i, j)?), 2);
        let models = Arc::from([self.models.get(i)?.clone(), self.models.get(j)?.clone()]);
        let scores = vec![*self.scores().get(i)?, *self.scores().get(j)?];
        let order = human.rightly().ok().map(Arc::new);
        Some(Comparison { models, dataset: self.dataset.clone(), published: ScoredGroup { scores, human }, order })
    }
}

impl Scored for Comparison {
    fn size(&self) -> usize {
        self.scores().len()
    }

    fn with_scores(&self, scores: &[f64]) -> Comparison {
        let published = ScoredGroup { scores: scores.to_vec(), human: self.published.human.clone() };
        Comparison { models: self.models.clone(), dataset: None, published, order: self.order.clone() }
    }
}

/// The places of all pairs, i before j.
pub(super) fn places(candidates: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..candidates).flat_map(move |i| (i + 1..candidates).map(move |j| (i, j)))
}

/// The candidates that people compared: of a verdict on two, the first two.
pub(super) fn compared(case: &JudgedCase) -> &[JudgedCandidate] {
    match case.human {
        Human::Preferred(_) => case.candidates.get(..2).unwrap_or_default(),
        Human::Ranking(_) | Human::Rated => &case.candidates,
    }
}

/// What people said of a case as a ranking; nothing of ratings that are not all there.
pub(super) fn ranking(case: &JudgedCase) -> Option<String> {
    match &case.human {
        _ if compared(case).len() < 2 => None,
        Human::Ranking(text) => Some(text.clone()),
        Human::Preferred(preference) => Some(word(*preference).to_owned()),
        Human::Rated => {
            let ratings: Option<Vec<f64>> = case.candidates.iter().map(|candidate| candidate.rating).collect();
            Some(ranking_of(&ratings?))
        }
    }
}

/// A verdict on two in the published code's words, in which a tie has to say how good it is.
fn word(preference: Preference) -> &'static str {
    match preference {
        Preference::First => "A>B",
        Preference::Tie => "A=B=Good",
        Preference::Second => "B>A",
    }
}

/// Ratings as a ranking, the largest first. Two candidates are written as the published code reads them.
fn ranking_of(ratings: &[f64]) -> String {
    if let [first, second] = ratings {
        return word(Preference::of(*first, *second)).to_owned();
    }
    let mut order: Vec<(u8, f64)> = (b'A'..=b'Z').zip(ratings.iter().copied()).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut text = String::new();
    let mut before: Option<f64> = None;
    for (letter, rating) in order {
        let sign = before.map_or("", |before| if before == rating { "=" } else { ">" });
        text.push_str(sign);
        text.push(char::from(letter));
        before = Some(rating);
    }
    text
}
