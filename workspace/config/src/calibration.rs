//! How a reward's scores become values on people's scale: a file, or knots.

use editscale_schema::{
    Absent, Documented, Entry, Fields, Key, Keys, Map, Mistake, Mistakes, Node, Scalar, Section, Text, Value, Word,
    Yaml, quote,
};
use editscale_study::StudyError;
use editscale_study::calibration::{Between, Knot, MonotoneMap};

/// How a reward's scores become values on people's scale.
#[derive(Debug, Clone, PartialEq)]
pub enum Calibration {
    /// What a file says, a path from the recipe's folder.
    File(String),
    /// What the recipe itself says.
    Here(Calibrated),
}

/// A monotone map, and what it was fitted to.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibrated {
    /// From scores to values, at least two knots.
    pub map: MonotoneMap,
    /// The revision of the reward whose scores it was fitted to, where that is known.
    pub revision: Option<String>,
}

/// The most knots of a map.
const MOST: usize = 4096;

const EXAMPLE: &str = "write `calibration: judge.json`, or `calibration: {knots: [[0, 1], [1, 5]]}`";

pub(crate) const CALIBRATION: Section = Section {
    name: "calibration",
    allowed: "a file, or a map",
    default: "scores as they are",
    meaning: "how its scores become values on people's scale; `editscale bench calibrate` fits one and writes the file, \
              whose path is from the recipe's folder",
};

const KNOTS: Section = Section {
    name: "knots",
    allowed: "a list of `[score, value]`, at least 2",
    default: "required",
    meaning: "scores that rise, and their values, which never fall; level before the first and behind the last",
};

const BETWEEN: Key<Word<Between>> = Key {
    name: "between",
    rule: Word(&[("line", Between::Lines), ("step", Between::Steps)]),
    absent: Absent::Default(Between::Lines),
    meaning: "what happens between knots: a straight line, or the value of the knot below",
};

const REVISION: Key<Text> = Key {
    name: "revision",
    rule: Text,
    absent: Absent::Unset("any revision"),
    meaning: "the revision of the reward whose scores it was fitted to; another one is warned of",
};

pub(crate) const CALIBRATION_KEYS: Keys = &[&KNOTS as &dyn Documented, &BETWEEN, &REVISION];

impl Calibration {
    /// Reads the value of `calibration`; nothing where it is wrong, which is reported.
    pub(crate) fn read(entry: &Entry, mistakes: &Mistakes<'_>) -> Option<Self> {
        match &entry.node.value {
            Value::Refused => None,
            Value::Map(_) => {
                let fields = Map::of(entry).read(CALIBRATION_KEYS, mistakes)?;
                Calibrated::read(&fields).map(Self::Here)
            }
            Value::Scalar(Scalar::Text(path)) if !path.trim().is_empty() && !path.contains(char::is_control) => {
                Some(Self::File(path.clone()))
            }
            _ => {
                let message = format!("{} must be the path of a file, or a map with knots", quote(CALIBRATION.name));
                mistakes.error(entry.place(), Mistake::new(message).hint(EXAMPLE));
                None
            }
        }
    }

    pub(crate) fn write(&self) -> (String, Yaml) {
        let value = match self {
            Self::File(path) => Yaml::text(path),
            Self::Here(here) => here.write(),
        };
        (CALIBRATION.name.to_owned(), value)
    }
}

impl Calibrated {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (between, has_revision) = (fields.take(&BETWEEN), fields.has(REVISION.name));
        let revision = fields.take(&REVISION);
        let Some(entry) = fields.entry(KNOTS.name) else { return fields.lacking(KNOTS.name, EXAMPLE) };
        let map = read_map(entry, between?, fields.mistakes())?;
        (revision.is_some() || !has_revision).then_some(Self { map, revision })
    }

    fn write(&self) -> Yaml {
        let number = |value: f64| Yaml::plain(format!("{value:?}"));
        let knot = |knot: &Knot| Yaml::List(vec![number(knot.score), number(knot.value)]);
        let knots = (KNOTS.name.to_owned(), Yaml::List(self.map.knots().iter().map(knot).collect()));
        let keys = [Some(knots), BETWEEN.write(Some(&self.map.between())), REVISION.write(self.revision.as_ref())];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}

fn read_map(entry: &Entry, between: Between, mistakes: &Mistakes<'_>) -> Option<MonotoneMap> {
    let nodes = match &entry.node.value {
        Value::Refused => return None,
        Value::List(nodes) if (2..=MOST).contains(&nodes.len()) => nodes,
        Value::List(nodes) => {
            let message = format!("`knots` has {} of them: expected 2 to {MOST}", nodes.len());
            mistakes.error(entry.place(), Mistake::new(message).hint(EXAMPLE));
            return None;
        }
        _ => {
            mistakes.error(entry.place(), Mistake::new("`knots` must be a list of `[score, value]`").hint(EXAMPLE));
            return None;
        }
    };
    let knots: Vec<Option<Knot>> = nodes.iter().map(|node| read_knot(node, mistakes)).collect();
    let knots: Vec<Knot> = knots.into_iter().collect::<Option<_>>()?;
    MonotoneMap::new(knots, between).map_err(|error| mistakes.error(&place_of(&error, entry, nodes), told(&error))).ok()
}

fn read_knot(node: &Node, mistakes: &Mistakes<'_>) -> Option<Knot> {
    let number = |node: &Node| match &node.value {
        Value::Scalar(Scalar::Whole(whole)) => Some(*whole as f64),
        Value::Scalar(Scalar::Number { value, .. }) if value.is_finite() => Some(value + 0.0),
        _ => None,
    };
    let found = match &node.value {
        Value::Refused => return None,
        Value::List(ends) => match ends.as_slice() {
            [score, value] => number(score).zip(number(value)),
            _ => None,
        },
        _ => None,
    };
    if found.is_none() {
        let mistake = Mistake::new("a knot is a score and its value, two finite numbers").hint("write `[0.5, 3]`");
        mistakes.error(&node.span, mistake);
    }
    found.map(|(score, value)| Knot { score, value })
}

fn place_of(error: &StudyError, entry: &Entry, nodes: &[Node]) -> editscale_schema::Span {
    let node = if let StudyError::Knots { index } = error { nodes.get(*index) } else { None };
    node.map_or_else(|| entry.place().clone(), |node| node.span.clone())
}

fn told(error: &StudyError) -> Mistake {
    match error {
        StudyError::Knots { .. } => {
            Mistake::new("a knot must have a higher score than the one before, and a value that is not lower")
                .hint("order the knots by their scores; of values that fall, fit a map that does not")
        }
        other => Mistake::new(other.to_string()),
    }
}
