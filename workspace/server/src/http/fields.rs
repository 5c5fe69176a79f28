//! What a request sends, as multipart or as JSON, under one roof: named fields, each a text or a file.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_core::ImageSize;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::{nested, slim};

/// More fields than this are no form that anybody fills in.
const MOST: usize = 64;

/// A file that was sent.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) bytes: Arc<[u8]>,
}

/// The fields of a request.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// Files by their field's name, without the brackets of a list.
    pub(crate) files: Vec<(String, File)>,
    /// All else. Texts of a multipart request are JSON where they can be read as such and the field is no plain text; fields such
    /// as `budget[edits]` are an object.
    pub(crate) values: Map<String, Value>,
    /// Whether it came as JSON.
    pub(crate) is_json: bool,
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let media =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = media.to_ascii_lowercase();
        if media.starts_with("multipart/form-data") {
            return multipart(Multipart::from_request(request, state).await?).await;
        }
        if media.starts_with("application/json") {
            return json(Bytes::from_request(request, state).await?).await;
        }
        let message = "expected the media type multipart/form-data or application/json";
        Err(ApiError::unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
    }
}

async fn json(bytes: Bytes) -> Result<Fields, ApiError> {
    let bad = |message: String| ApiError::unreadable(StatusCode::BAD_REQUEST, message);
    match slim::read(bytes).await.map_err(bad)? {
        Value::Object(values) => Ok(Fields { values, is_json: true, ..Fields::default() }),
        _ => Err(bad("expected a JSON object".to_owned())),
    }
}

async fn multipart(mut form: Multipart) -> Result<Fields, ApiError> {
    let bad = |message: String| ApiError::unreadable(StatusCode::BAD_REQUEST, message);
    let mut fields = Fields::default();
    while let Some(field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        if fields.files.len() + fields.values.len() >= MOST {
            return Err(bad(format!("expected at most {MOST} fields")));
        }
        if let Some(file) = field.file_name().map(str::to_owned) {
            let bytes: Arc<[u8]> = field.bytes().await?.as_ref().into();
            let name = name.strip_suffix("[]").unwrap_or(&name);
            fields.files.push((name.to_owned(), File { name: file, bytes }));
            continue;
        }
        let text = field.bytes().await?;
        let text = std::str::from_utf8(&text).map_err(|_| bad(format!("the field `{name}` is no UTF-8 text")))?;
        nested::insert(&mut fields.values, &name, text).map_err(bad)?;
    }
    Ok(fields)
}

/// A value of the wrong kind.
fn wrong(param: &'static str, expected: &str, found: &Value) -> ApiError {
    let found: String = found.to_string().chars().take(60).collect();
    ApiError::invalid(param, format!("`{param}`: expected {expected}, found {found}"))
}

impl Fields {
    /// Takes a field, where it is there. JSON's null, and an empty text of a form, is not there.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let value = self.values.remove(name)?;
        let is_empty = !self.is_json && value.as_str().is_some_and(str::is_empty);
        (!value.is_null() && !is_empty).then_some(value)
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, "a text", &other)),
        }
    }

    /// A value that is not plain text: of a form, its text read as JSON.
    fn plain(&mut self, name: &'static str) -> Result<Option<Value>, ApiError> {
        match self.take(name) {
            Some(Value::String(text)) if !self.is_json => match serde_json::from_str(&text) {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err(wrong(name, "JSON", &Value::String(text))),
            },
            value => Ok(value),
        }
    }

    /// A whole number of at least 0.
    pub(crate) fn whole(&mut self, name: &'static str) -> Result<Option<u64>, ApiError> {
        let value = self.plain(name)?;
        value.map(|value| value.as_u64().ok_or_else(|| wrong(name, "a whole number", &value))).transpose()
    }

    /// A number.
    pub(crate) fn number(&mut self, name: &'static str) -> Result<Option<f64>, ApiError> {
        let value = self.plain(name)?;
        value.map(|value| value.as_f64().ok_or_else(|| wrong(name, "a number", &value))).transpose()
    }

    /// A flag.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<bool, ApiError> {
        let value = self.plain(name)?;
        value.map_or(Ok(false), |value| value.as_bool().ok_or_else(|| wrong(name, "true or false", &value)))
    }

    /// An object.
    pub(crate) fn object(&mut self, name: &'static str) -> Result<Option<Value>, ApiError> {
        match self.plain(name)? {
            Some(value) if !value.is_object() => Err(wrong(name, "an object", &value)),
            value => Ok(value),
        }
    }

    /// Takes the files of a field.
    pub(crate) fn files_of(&mut self, name: &str) -> Vec<File> {
        let (taken, left) = std::mem::take(&mut self.files).into_iter().partition(|(field, _)| field == name);
        self.files = left;
        Vec::into_iter(taken).map(|(_, file)| file).collect()
    }

    /// The first field that nobody has taken.
    pub(crate) fn left_over(&self) -> Option<&str> {
        self.values.keys().map(String::as_str).chain(self.files.iter().map(|(name, _)| name.as_str())).next()
    }

    /// Refuses fields that nobody has taken.
    pub(crate) fn check_all_taken(&self) -> Result<(), ApiError> {
        match self.left_over() {
            None => Ok(()),
            Some(name) => {
                let name: String = name.chars().take(60).collect();
                Err(ApiError::unreadable(StatusCode::BAD_REQUEST, format!("there is no field `{name}`")))
            }
        }
    }
}

/// A size such as `1024x768`; nothing where it is none.
pub(crate) fn size_of(text: &str) -> Option<ImageSize> {
    let (width, height) = text.split_once('x')?;
    Some(ImageSize { width: width.parse().ok()?, height: height.parse().ok()? })
}

/// The bytes of a data URL, or of bare base64.
pub(crate) fn bytes_of(text: &str) -> Result<Vec<u8>, String> {
    let data = match text.strip_prefix("data:") {
        Some(rest) => rest.split_once(";base64,").ok_or("expected a data URL with `;base64,`")?.1,
        None if text.starts_with("http://") || text.starts_with("https://") => {
            return Err("this server does not fetch addresses: send the picture as a data URL".to_owned());
        }
        None => text,
    };
    // By vectors, which do not say where a mistake is.
    let data = data.trim();
    let read = base64_simd::STANDARD.decode_to_vec(data).or_else(|_| STANDARD.decode(data));
    read.map_err(|error| format!("the base64 cannot be read: {error}"))
}

/// The same as a file of this field.
pub(crate) fn from_data_url(param: &'static str, text: &str) -> Result<File, ApiError> {
    let bytes = bytes_of(text).map_err(|message| ApiError::invalid(param, format!("`{param}`: {message}")))?;
    Ok(File { name: "image".to_owned(), bytes: bytes.into() })
}
