//! Rows to cases.

use std::path::{Path, PathBuf};

use editscale_rollout::{Row, RowPicture};
use editscale_study::judges::Preference;
use serde_json::Value;

use super::form::Shape;
use super::part::{Named, Part};
use super::vote::preference;
use crate::{Candidate, Case, Human};

/// The folder that relative paths begin in, where it is not that of the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Images {
    /// The folder that the data set reader has them begin in.
    pub(super) beside: PathBuf,
    /// The folder that was named.
    pub(super) named: Option<PathBuf>,
}

impl Images {
    pub(super) fn place(&self, picture: RowPicture) -> RowPicture {
        match (picture, &self.named) {
            (RowPicture::File(path), Some(named)) => {
                let relative = path.strip_prefix(&self.beside).map(Path::to_owned);
                RowPicture::File(relative.map_or(path, |relative| named.join(relative)))
            }
            (picture, _) => picture,
        }
    }
}

/// A row, and which of its columns is which part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) row: &'a Row,
    pub(super) named: &'a Named,
}

impl Parts<'_> {
    fn value(&self, part: Part) -> Option<&Value> {
        let name = self.named.get(&part)?;
        self.row.extra.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, part: Part) -> Option<String> {
        match self.value(part)? {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A number, also one that a table holds as text; fails where something else is there.
    pub(super) fn number(&self, part: Part) -> Result<Option<f64>, String> {
        let Some(value) = self.value(part) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) if text.trim().is_empty() => return Ok(None),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let finite = number.filter(|number: &f64| number.is_finite());
        let found: String = value.to_string().chars().take(60).collect();
        let name = self.named.get(&part).map_or(part.name(), String::as_str);
        finite.map(Some).ok_or_else(|| format!("expected a number in `{name}` ({part}), found {found}"))
    }

    /// The ranking as it is written; that of an object such as `human_vote` is its `ranking`.
    pub(super) fn ranking(&self) -> Result<String, String> {
        let name = self.named.get(&Part::Ranking).map_or("ranking", String::as_str);
        let text = match self.value(Part::Ranking) {
            Some(Value::Object(fields)) => fields.get("ranking"),
            other => other,
        };
        match text {
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Some(other) => Err(format!("expected a ranking such as `A>B` in `{name}`, found {other}")),
            None => Err(format!("expected a ranking such as `A>B` in `{name}`, found none")),
        }
    }

    fn models(&self, count: usize) -> Vec<Option<String>> {
        let of_list = |value: &Value| match value {
            Value::Array(models) => models.iter().map(|model| model.as_str().map(ToOwned::to_owned)).collect(),
            _ => Vec::new(),
        };
        let mut models: Vec<Option<String>> = match self.value(Part::Models) {
            Some(list) => of_list(list),
            None if count == 2 => vec![self.text(Part::ModelA), self.text(Part::ModelB)],
            None => Vec::new(),
        };
        models.resize(count, None);
        models
    }
}

/// The case that a row is by itself. Its id is the row's.
pub(super) fn case(shape: Shape, parts: Parts<'_>, part: &str, images: &Images) -> Result<Case, String> {
    let (human, candidates) = match shape {
        Shape::Rated => rated(parts)?,
        Shape::Ranked => ranked(parts)?,
        Shape::Pair | Shape::PairOfGroup | Shape::Chosen => pair(shape, parts)?,
    };
    let place = |candidate: Candidate| Candidate { picture: images.place(candidate.picture), ..candidate };
    Ok(Case {
        id: parts.row.id.clone(),
        part: part.to_owned(),
        dataset: parts.text(Part::Dataset),
        group: parts.text(Part::Group),
        instruction: parts.row.instruction.clone(),
        source: images.place(parts.row.source.clone()),
        candidates: candidates.into_iter().map(place).collect(),
        human,
    })
}

type Read = Result<(Human, Vec<Candidate>), String>;

fn rated(parts: Parts<'_>) -> Read {
    let rating = parts.number(Part::Rating)?;
    let name = parts.named.get(&Part::Rating).map_or("rating", String::as_str);
    let rating = rating.ok_or_else(|| format!("expected a rating in `{name}`, found none"))?;
    let [picture] = parts.row.edited.as_slice() else {
        return Err(format!("expected one picture after, found {}", parts.row.edited.len()));
    };
    let candidate = Candidate { picture: picture.clone(), model: parts.text(Part::Model), rating: Some(rating) };
    Ok((Human::Rated, vec![candidate]))
}

fn ranked(parts: Parts<'_>) -> Read {
    let ranking = parts.ranking()?;
    let edited = &parts.row.edited;
    if !(2..=26).contains(&edited.len()) {
        return Err(format!("expected from 2 to 26 pictures after, found {}", edited.len()));
    }
    let candidates = edited.iter().zip(parts.models(edited.len()));
    let candidates = candidates.map(|(picture, model)| Candidate { picture: picture.clone(), model, rating: None });
    Ok((Human::Ranking(ranking), candidates.collect()))
}

fn pair(shape: Shape, parts: Parts<'_>) -> Read {
    let [first, second] = parts.row.edited.as_slice() else {
        return Err(format!("expected two pictures after, found {}", parts.row.edited.len()));
    };
    let [model_a, model_b] = <[Option<String>; 2]>::try_from(parts.models(2)).unwrap_or_default();
    let ratings = [parts.number(Part::RatingA)?, parts.number(Part::RatingB)?];
    let human = match parts.named.get(&Part::Preference) {
        _ if shape == Shape::Chosen => Preference::First,
        Some(name) => {
            let found =
                parts.value(Part::Preference).ok_or_else(|| format!("expected a verdict in `{name}`, found none"))?;
            let said = preference(found, [model_a.as_deref(), model_b.as_deref()]);
            said.map_err(|reason| format!("`{name}`: {reason}"))?
        }
        None => of_ratings(ratings)?,
    };
    let candidates = vec![
        Candidate { picture: first.clone(), model: model_a, rating: ratings[0] },
        Candidate { picture: second.clone(), model: model_b, rating: ratings[1] },
    ];
    Ok((Human::Preferred(human), candidates))
}

fn of_ratings(ratings: [Option<f64>; 2]) -> Result<Preference, String> {
    match ratings {
        [Some(first), Some(second)] => Ok(Preference::of(first, second)),
        [None, None] => Err("expected a rating of both pictures, found none".to_owned()),
        _ => Err("expected a rating of both pictures, found one".to_owned()),
    }
}
