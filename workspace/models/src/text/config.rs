//! What `tokenizer_config.json` and the files beside it say: special tokens, lengths, and settings that would change ids.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tokenizers::AddedToken;

use crate::load::{LoadError, read_json};

const CONFIG: &str = "tokenizer_config.json";
const MAP: &str = "special_tokens_map.json";
const ADDED: &str = "added_tokens.json";

/// Lengths above this stand for none: transformers writes 10³⁰ where there is no limit.
const MOST_LENGTH: f64 = 1e6;

/// The settings of a tokenizer.
#[derive(Debug)]
pub(super) struct TokenizerConfig {
    file: PathBuf,
    config: Map<String, Value>,
    /// `special_tokens_map.json`, where it counts.
    map: Map<String, Value>,
    map_file: PathBuf,
    /// Tokens that are declared with their ids, by id.
    pub(super) declared: Vec<(u32, AddedToken)>,
}

impl TokenizerConfig {
    /// Reads what is there; each of the files may be missing. `classes` are the kinds of tokenizer that are expected.
    pub(super) fn read(folder: &Path, classes: &[&str]) -> Result<Self, LoadError> {
        let (file, map_file) = (folder.join(CONFIG), folder.join(MAP));
        let config = object(&file)?;
        // Newer configurations declare their tokens themselves, and the older file is not looked at.
        let is_newer = config.contains_key("added_tokens_decoder");
        let map = if is_newer { Map::new() } else { object(&map_file)? };
        let mut settings = Self { file, config, map, map_file, declared: Vec::new() };
        settings.refuse(classes)?;
        settings.declared = settings.declared_tokens()?;
        let added = folder.join(ADDED);
        match object(&added)?.keys().next() {
            Some(token) if !is_newer => {
                let reason = format!("adds `{token}`: tokens are read from `added_tokens_decoder` of `{CONFIG}` only");
                Err(LoadError::content(&added, reason))
            }
            _ => Ok(settings),
        }
    }

    fn fail(&self, reason: impl Into<String>) -> LoadError {
        LoadError::content(&self.file, reason)
    }

    /// Settings under which other ids would come out.
    fn refuse(&self, classes: &[&str]) -> Result<(), LoadError> {
        match self.config.get("tokenizer_class") {
            None | Some(Value::Null) => {}
            Some(Value::String(class)) if classes.contains(&class.as_str()) => {}
            Some(other) => {
                return Err(self.fail(format!("`tokenizer_class` is {other}: expected one of {}", classes.join(", "))));
            }
        }
        for side in ["padding_side", "truncation_side"] {
            match self.config.get(side) {
                None | Some(Value::Null) => {}
                Some(Value::String(value)) if value == "right" => {}
                Some(other) => return Err(self.fail(format!("`{side}` is {other}: expected \"right\""))),
            }
        }
        match self.config.get("split_special_tokens") {
            None | Some(Value::Null | Value::Bool(false)) => Ok(()),
            Some(other) => Err(self.fail(format!("`split_special_tokens` is {other}: expected false"))),
        }
    }

    fn declared_tokens(&self) -> Result<Vec<(u32, AddedToken)>, LoadError> {
        let key = "added_tokens_decoder";
        let declared = match self.config.get(key) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Object(declared)) => declared,
            Some(_) => return Err(self.fail(format!("`{key}` is no object: expected one of ids and tokens"))),
        };
        let mut tokens = Vec::with_capacity(declared.len());
        for (id, value) in declared {
            let number = id.parse().map_err(|_| self.fail(format!("`{key}` has the key `{id}`: expected an id")))?;
            let special = matches!(value.get("special"), Some(Value::Bool(true)));
            let token = token_of(value, special).map_err(|reason| self.fail(format!("`{key}.{id}` {reason}")))?;
            tokens.push((number, token));
        }
        tokens.sort_by_key(|(id, _)| *id);
        Ok(tokens)
    }

    /// A special token by its role, `default` where none is named. Flags are those of its declaration, or, where it is named
    /// by an object, of that; `is_normalized` is for a token that is neither.
    pub(super) fn special(&self, role: &str, default: &str, is_normalized: bool) -> Result<AddedToken, LoadError> {
        let (file, value) = match (self.map.get(role), self.config.get(role)) {
            (Some(value), _) if !value.is_null() => (&self.map_file, value),
            (_, Some(value)) => (&self.file, value),
            _ => (&self.file, &Value::Null),
        };
        let token = match value {
            Value::Null => AddedToken::from(default, true).normalized(is_normalized),
            Value::String(text) if !text.is_empty() => AddedToken::from(text.as_str(), true).normalized(is_normalized),
            other => token_of(other, true).map_err(|reason| LoadError::content(file, format!("`{role}` {reason}")))?,
        };
        let declared = self.declared.iter().find(|(_, declared)| declared.content == token.content);
        Ok(declared.map_or(token, |(_, declared)| declared.clone().special(true)))
    }

    /// Texts of further special tokens.
    pub(super) fn additional(&self) -> Result<Vec<String>, LoadError> {
        let key = "additional_special_tokens";
        let values = match self.map.get(key).or_else(|| self.config.get(key)) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(_) => return Err(self.fail(format!("`{key}` is no list: expected one of tokens"))),
        };
        let text = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            other => token_of(other, true).map(|token| token.content),
        };
        let texts = values.iter().map(text).collect::<Result<_, _>>();
        texts.map_err(|reason| self.fail(format!("`{key}` has an entry that {reason}")))
    }

    /// `model_max_length`, where it is a limit. One below `least` leaves no room for a text, and is refused.
    pub(super) fn length(&self, least: usize) -> Result<Option<usize>, LoadError> {
        let value = self.config.get("model_max_length").unwrap_or(&Value::Null);
        let length = |value: f64| value as usize;
        match value.as_f64() {
            None if value.is_null() => Ok(None),
            Some(value) if value > MOST_LENGTH => Ok(None),
            Some(value) if value >= 0.0 && value.fract() == 0.0 && length(value) >= least => Ok(Some(length(value))),
            _ => {
                let expected = format!("expected a whole number of at least {least}");
                Err(self.fail(format!("`model_max_length` is {value}: {expected}")))
            }
        }
    }
}

/// A JSON object, empty where there is no such file.
fn object(file: &Path) -> Result<Map<String, Value>, LoadError> {
    if file.exists() { read_json(file) } else { Ok(Map::new()) }
}

/// A token as an object; without `normalized`, it is as for tokens that are not special, as transformers has it.
fn token_of(value: &Value, special: bool) -> Result<AddedToken, String> {
    let Value::Object(fields) = value else {
        return Err(format!("is {value}: expected a token, as text or as an object"));
    };
    let content = match fields.get("content") {
        Some(Value::String(content)) if !content.is_empty() => content.as_str(),
        _ => return Err("has no text `content`".to_owned()),
    };
    let flag = |name: &str, default: bool| match fields.get(name) {
        None => Ok(default),
        Some(Value::Bool(value)) => Ok(*value),
        Some(other) => Err(format!("has `{name}` as {other}: expected true or false")),
    };
    Ok(AddedToken::from(content, special)
        .normalized(flag("normalized", true)?)
        .lstrip(flag("lstrip", false)?)
        .rstrip(flag("rstrip", false)?)
        .single_word(flag("single_word", false)?))
}
