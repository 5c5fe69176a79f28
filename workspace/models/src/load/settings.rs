//! The `config.json` of a part of a pipeline, key by key: nothing in it that would change the result is passed over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::load::{LoadError, MOST_SIZE, read_json};

/// The keys of a configuration file. Every reader takes a key's default, which holds where the key is absent, and refuses
/// what does not fit with an error that names the file, the key, what was expected and what was found.
#[derive(Debug)]
pub struct Settings {
    file: PathBuf,
    values: BTreeMap<String, Value>,
}

impl Settings {
    /// Reads a file that holds one JSON object.
    pub fn read(file: &Path) -> Result<Self, LoadError> {
        Ok(Self { file: file.to_owned(), values: read_json(file)? })
    }

    /// The error for a key that does not say what is expected.
    pub fn refuse(&self, key: &str, expected: impl std::fmt::Display) -> LoadError {
        let found = self.values.get(key).map_or_else(|| "absent".to_owned(), shortened);
        LoadError::content(&self.file, format!("`{key}` is {found}: expected {expected}"))
    }

    /// A key's value through a conversion, or the default where the key is absent.
    fn value<T>(
        &self,
        key: &str,
        default: T,
        expected: &str,
        convert: impl Fn(&Value) -> Option<T>,
    ) -> Result<T, LoadError> {
        match self.values.get(key) {
            None => Ok(default),
            Some(value) => convert(value).ok_or_else(|| self.refuse(key, expected)),
        }
    }

    /// A size: a number from 1 to 2^20, which is larger than any model's.
    pub fn size(&self, key: &str, default: usize) -> Result<usize, LoadError> {
        self.value(key, default, &format!("1 to {MOST_SIZE}"), size)
    }

    /// A list of sizes, at least one and at most `most` of them.
    pub fn sizes(&self, key: &str, default: &[usize], most: usize) -> Result<Vec<usize>, LoadError> {
        let expected = format!("a list of 1 to {most} numbers from 1 to {MOST_SIZE}");
        self.value(key, default.to_vec(), &expected, |value| list(value, most, size))
    }

    /// `count` sizes: a list of that length, or one number for all.
    pub fn size_or_sizes(&self, key: &str, default: usize, count: usize) -> Result<Vec<usize>, LoadError> {
        let expected = format!("a number from 1 to {MOST_SIZE} or a list of {count} such numbers");
        self.value(key, vec![default; count], &expected, |value| {
            let all = size(value).map(|size| vec![size; count]).or_else(|| list(value, count, size))?;
            (all.len() == count).then_some(all)
        })
    }

    /// A list of at most `most` words.
    pub fn words(&self, key: &str, default: &[&str], most: usize) -> Result<Vec<String>, LoadError> {
        let default = default.iter().map(|&word| word.to_owned()).collect();
        let expected = format!("a list of 1 to {most} words");
        self.value(key, default, &expected, |value| list(value, most, |word| word.as_str().map(str::to_owned)))
    }

    /// A finite number.
    pub fn number(&self, key: &str, default: f64) -> Result<f64, LoadError> {
        let finite = |value: &Value| value.as_f64().filter(|&number| (number as f32).is_finite());
        self.value(key, default, "a finite number", finite)
    }

    /// A list of so many finite numbers.
    pub fn numbers(&self, key: &str, default: &[f64], count: usize) -> Result<Vec<f64>, LoadError> {
        let expected = format!("a list of {count} finite numbers");
        let finite = |value: &Value| value.as_f64().filter(|&number| (number as f32).is_finite());
        let found = self.value(key, default.to_vec(), &expected, |value| list(value, count, finite))?;
        if found.len() == count { Ok(found) } else { Err(self.refuse(key, expected)) }
    }

    /// A number above zero, also in single precision.
    pub fn positive(&self, key: &str, default: f64) -> Result<f64, LoadError> {
        let positive = |value: &Value| value.as_f64().filter(|&n| n > 0.0 && (n as f32).is_normal());
        self.value(key, default, "a number above 0", positive)
    }

    /// True or false.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, LoadError> {
        self.value(key, default, "true or false", Value::as_bool)
    }

    /// Reads the file of a network that has to name its class: beside one file of weights there may lie that of anything.
    pub fn read_of(file: &Path, class: &str) -> Result<Self, LoadError> {
        let settings = Self::read(file)?;
        if settings.is_unset("_class_name") {
            return Err(settings.refuse("_class_name", format!("\"{class}\"")));
        }
        settings.expect_class(class)?;
        Ok(settings)
    }

    /// Whether a key is absent or null.
    pub fn is_unset(&self, key: &str) -> bool {
        self.values.get(key).is_none_or(Value::is_null)
    }

    /// Refuses every key that is not in `read`, unless `fixed` lists the value it has, or it is null and not known at all. A
    /// key is listed once for each value that it may have. Keys that begin with an underscore say who wrote the file.
    pub fn refuse_others(&self, read: &[&str], fixed: &[(&str, Fixed)]) -> Result<(), LoadError> {
        for (key, value) in &self.values {
            if key.starts_with('_') || read.contains(&key.as_str()) {
                continue;
            }
            let allowed: Vec<Fixed> = fixed.iter().filter(|(name, _)| name == key).map(|(_, fixed)| *fixed).collect();
            if allowed.is_empty() && !value.is_null() {
                return Err(self.refuse(key, "null, as this setting is not known here"));
            }
            if !allowed.is_empty() && !allowed.iter().any(|fixed| fixed.is(value)) {
                let allowed: Vec<String> = allowed.iter().map(Fixed::to_string).collect();
                return Err(self.refuse(key, allowed.join(" or ")));
            }
        }
        Ok(())
    }

    /// Refuses a file whose `_class_name` says that it is for something else.
    pub fn expect_class(&self, name: &str) -> Result<(), LoadError> {
        match self.values.get("_class_name") {
            None => Ok(()),
            Some(found) if found.as_str() == Some(name) => Ok(()),
            Some(_) => Err(self.refuse("_class_name", format!("\"{name}\""))),
        }
    }
}

/// What a key may say that is not read. An absent one is always right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fixed {
    /// Null only.
    Null,
    /// False, null, or a list of nothing else.
    False,
    /// This number.
    Number(f64),
    /// This word.
    Word(&'static str),
    /// Anything: the key changes no result.
    Anything,
}

impl Fixed {
    fn is(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::False => match value {
                Value::Array(all) => all.iter().all(|one| one == false),
                one => one.is_null() || one == false,
            },
            Self::Number(number) => value.as_f64() == Some(number),
            Self::Word(word) => value.as_str() == Some(word),
            Self::Anything => true,
        }
    }
}

impl std::fmt::Display for Fixed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => write!(f, "null"),
            Self::False => write!(f, "false"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => write!(f, "\"{word}\""),
            Self::Anything => write!(f, "anything"),
        }
    }
}

fn size(value: &Value) -> Option<usize> {
    let size = usize::try_from(value.as_u64()?).ok()?;
    (1..=MOST_SIZE).contains(&size).then_some(size)
}

fn list<T>(value: &Value, most: usize, convert: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    let all = value.as_array().filter(|all| (1..=most).contains(&all.len()))?;
    all.iter().map(convert).collect()
}

/// A value as JSON, cut where it is long.
fn shortened(value: &Value) -> String {
    const MOST: usize = 120;
    let text = value.to_string();
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST).chain(['…']).collect() }
}
