//! From the fields of a request to a wish, and to what its pictures are to look like.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use editscale_config::Retain;
use editscale_picture::Format;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::caller::Caller;
use super::super::error::ApiError;
use super::super::fields::{Fields, File, from_data_url};
use super::super::runs::{idempotency, seconds, sections, size};
use super::pictures::Wanted;
use crate::refusal::Refusal;
use crate::service::Service;
use crate::wish::{MaskRule, Picture, Wish};

/// Longer prompts than this are taken nowhere; the official limit is the same.
const LONGEST_PROMPT: usize = 32_000;

/// Partial pictures of a stream where the client does not say how many.
const USUAL_PARTIALS: u64 = 3;

/// What to edit and how. As a form, `image` (or `image[]`) and `mask` are files, and objects are JSON or fields such as
/// `budget[edits]`.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "it is read field by field, for messages that say which one is wrong")]
pub(super) struct EditImageRequest {
    /// The picture as a data URL, or in an object or a list of one as in `images`.
    image: Option<Value>,
    /// The picture as a list of one `{"image_url": "data:image/png;base64,…"}`.
    images: Option<Value>,
    /// What to do to it.
    #[schema(min_length = 1, max_length = 32_000)]
    prompt: String,
    /// Where to edit: a picture of the source's size that is transparent there. A data URL or `{"image_url": …}`.
    mask: Option<Value>,
    /// The recipe's name, or another name of it; the first recipe where it is not said.
    model: Option<String>,
    /// How many of the best, 1 to 10.
    #[schema(minimum = 1, maximum = 10)]
    n: Option<u8>,
    /// `auto` or `WIDTHxHEIGHT` in pixels.
    #[schema(pattern = "^(auto|[1-9][0-9]{0,4}x[1-9][0-9]{0,4})$")]
    size: Option<String>,
    /// `png`, `jpeg` or `webp`; as the recipe says where it is not said.
    #[schema(pattern = "^(png|jpeg|webp)$")]
    output_format: Option<String>,
    /// Quality of JPEG files.
    #[schema(minimum = 0, maximum = 100)]
    output_compression: Option<u8>,
    /// `b64_json` (the usual) or `url`: an address at this server that holds for an hour.
    #[schema(pattern = "^(b64_json|url)$")]
    response_format: Option<String>,
    /// Whether to answer with a stream of events.
    stream: Option<bool>,
    /// How many of the best so far a stream has at most; 3 where it is not said.
    #[schema(minimum = 0, maximum = 3)]
    partial_images: Option<u8>,
    /// Has no effect here: `auto`, `low`, `medium`, `high`, `xhigh`, `max` or `standard`.
    #[schema(pattern = "^(auto|low|medium|high|xhigh|max|standard)$")]
    quality: Option<String>,
    /// `auto`, or `opaque`: what is transparent is laid on white.
    #[schema(pattern = "^(auto|opaque)$")]
    background: Option<String>,
    /// Has no effect here: `auto` or `low`.
    #[schema(pattern = "^(auto|low)$")]
    moderation: Option<String>,
    /// Has no effect here: `low` or `high`.
    #[schema(pattern = "^(low|high)$")]
    input_fidelity: Option<String>,
    /// Has no effect here.
    user: Option<String>,
    /// Has no effect here.
    safety_identifier: Option<String>,
    /// The root of all seeds, below 2^53; 0 where it is not said.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    seed: Option<u64>,
    /// What the run may spend, in the words of recipes; never more than its recipe allows.
    budget: Option<Value>,
    /// Another search than the recipe's, in the words of recipes.
    search: Option<Value>,
    /// Another rule to stop by than the recipe's, in the words of recipes.
    stop: Option<Value>,
    /// How many seconds it may take, waiting included.
    #[schema(exclusive_minimum = 0)]
    deadline_secs: Option<f64>,
    /// Whether the answer has the whole trace of the run.
    trace: Option<bool>,
}

/// What a client asks for.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) wish: Wish,
    /// What the answer is to look like.
    pub(super) display: Wanted,
    /// As a stream, with at most so many partial pictures.
    pub(super) partials: Option<u64>,
}

impl Order {
    /// Reads the fields of a request.
    pub(super) fn read(mut fields: Fields, caller: Caller, headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut wish = wish(&mut fields, caller)?;
        wish.idempotency = idempotency(headers, &wish)?;
        check_without_effect(&mut fields)?;
        let opaque = is_opaque(&mut fields)?;
        let partials = within(&mut fields, "partial_images", (0, 3))?.unwrap_or(USUAL_PARTIALS);
        let is_stream = fields.flag("stream")?;
        let base = base(&mut fields, headers)?;
        if is_stream && base.is_some() {
            let message = "`response_format`: a stream has pictures as b64_json alone";
            return Err(ApiError::invalid("response_format", message));
        }
        let compression = within(&mut fields, "output_compression", (0, 100))?;
        let display = Wanted {
            count: within(&mut fields, "n", (1, 10))?.unwrap_or(1) as usize,
            format: format(&mut fields)?,
            opaque,
            quality: compression.map(|quality| quality.max(1) as u8),
            base,
            trace: fields.flag("trace")?,
            ignored: ignored(&fields),
        };
        Ok(Self { wish, display, partials: is_stream.then_some(partials) })
    }

    /// The same, and a recipe that keeps fewer pictures than are asked for is told to keep as many.
    pub(super) fn keeping_enough(mut self, service: &Service) -> Result<Self, Refusal> {
        let offer = service.checker().offer(self.wish.recipe.as_deref())?;
        let kept = match offer.recipe.settings().retain {
            Retain::All(_) => return Ok(self),
            Retain::Best(best) => best.count as usize,
            Retain::Winner(_) => 1,
        };
        if self.display.count > kept {
            self.wish.sections.push(("retain", json!({"best": {"count": self.display.count}})));
        }
        Ok(self)
    }
}

fn wish(fields: &mut Fields, caller: Caller) -> Result<Wish, ApiError> {
    let source = source(fields)?;
    Ok(Wish {
        recipe: fields.text("model")?,
        source: Picture::File { name: source.name, bytes: source.bytes },
        instruction: prompt(fields)?,
        mask: mask(fields)?.map(|mask| (mask.bytes, MaskRule::Transparent)),
        size: fields.text("size")?.filter(|text| text != "auto").map(|text| size(&text)).transpose()?,
        seed: fields.whole("seed")?,
        sections: sections(fields)?,
        deadline: fields.number("deadline_secs")?.map(|secs| seconds("deadline_secs", secs)).transpose()?,
        owner: caller.0,
        idempotency: None,
        tied: true,
    })
}

fn prompt(fields: &mut Fields) -> Result<String, ApiError> {
    let prompt = fields.text("prompt")?.ok_or_else(|| {
        ApiError::invalid("prompt", "`prompt` is missing: say what to change, for example \"make it warmer\"")
    })?;
    match prompt.chars().count() {
        found if found > LONGEST_PROMPT => {
            let message = format!("`prompt`: expected at most {LONGEST_PROMPT} characters, found {found}");
            Err(ApiError::invalid("prompt", message))
        }
        _ => Ok(prompt),
    }
}

/// The one picture that is to be edited.
fn source(fields: &mut Fields) -> Result<File, ApiError> {
    let mut files = fields.files_of("image");
    files.append(&mut fields.files_of("images"));
    let mut values = Vec::new();
    for value in ["image", "images"].into_iter().filter_map(|name| fields.take(name)) {
        match value {
            Value::Array(several) => values.extend(several),
            one => values.push(one),
        }
    }
    match (files.len() + values.len(), files.pop(), values.pop()) {
        (1, Some(file), None) => Ok(file),
        (1, None, Some(value)) => data_url("image", &value),
        (0, ..) => Err(ApiError::invalid("image", "`image` is missing: expected the picture that is to be edited")),
        (found, ..) => {
            let message = format!("`image`: this server edits one picture at a time, found {found}");
            Err(ApiError::invalid("image", message))
        }
    }
}

fn mask(fields: &mut Fields) -> Result<Option<File>, ApiError> {
    let mut files = fields.files_of("mask");
    let value = fields.take("mask");
    match (files.len() + usize::from(value.is_some()), files.pop(), value) {
        (0 | 1, file @ Some(_), None) => Ok(file),
        (0 | 1, None, value) => value.map(|value| data_url("mask", &value)).transpose(),
        (found, ..) => Err(ApiError::invalid("mask", format!("`mask`: expected one picture, found {found}"))),
    }
}

/// A data URL, alone or in an object as the images API has it.
fn data_url(param: &'static str, value: &Value) -> Result<File, ApiError> {
    let url = value.get("image_url").unwrap_or(value);
    let url = url.get("url").unwrap_or(url);
    if value.get("file_id").is_some() {
        let message = format!("`{param}`: this server keeps no uploaded files: send the picture as `image_url`");
        return Err(ApiError::invalid(param, message));
    }
    let text = url.as_str().ok_or_else(|| {
        ApiError::invalid(param, format!("`{param}`: expected a data URL, or an object with one as `image_url`"))
    })?;
    from_data_url(param, text)
}

/// A whole number between two, both included.
fn within(fields: &mut Fields, name: &'static str, (low, high): (u64, u64)) -> Result<Option<u64>, ApiError> {
    match fields.whole(name)? {
        Some(found) if !(low..=high).contains(&found) => {
            Err(ApiError::invalid(name, format!("`{name}`: expected {low} to {high}, found {found}")))
        }
        number => Ok(number),
    }
}

/// One of several words.
fn word(fields: &mut Fields, name: &'static str, words: &[&str]) -> Result<Option<String>, ApiError> {
    let found = fields.text(name)?;
    match &found {
        Some(other) if !words.contains(&other.as_str()) => {
            let other: String = other.chars().take(40).collect();
            Err(ApiError::invalid(name, format!("`{name}`: expected {}, found `{other}`", words.join(", "))))
        }
        _ => Ok(found),
    }
}

fn format(fields: &mut Fields) -> Result<Option<Format>, ApiError> {
    let found = word(fields, "output_format", &["png", "jpeg", "webp"])?;
    Ok(found.map(|word| match word.as_str() {
        "jpeg" => Format::Jpeg,
        "webp" => Format::WebP,
        _ => Format::Png,
    }))
}

/// Checks what has no effect here, so that a mistake does not show only at another server.
fn check_without_effect(fields: &mut Fields) -> Result<(), ApiError> {
    word(fields, "quality", &["auto", "low", "medium", "high", "xhigh", "max", "standard"])?;
    word(fields, "moderation", &["auto", "low"])?;
    word(fields, "input_fidelity", &["low", "high"])?;
    fields.text("user")?;
    fields.text("safety_identifier")?;
    Ok(())
}

/// Whether what is transparent is to be laid on white.
fn is_opaque(fields: &mut Fields) -> Result<bool, ApiError> {
    match word(fields, "background", &["auto", "opaque", "transparent"])?.as_deref() {
        Some("transparent") => {
            let message = "`background`: no editor here makes a transparent background: expected auto or opaque";
            Err(ApiError::invalid("background", message))
        }
        word => Ok(word == Some("opaque")),
    }
}

/// The names of what nobody has read.
fn ignored(fields: &Fields) -> Vec<String> {
    let names = fields.values.keys().chain(fields.files.iter().map(|(name, _)| name));
    let mut names: Vec<String> = names.map(|name| name.chars().take(60).collect()).collect();
    names.sort();
    names.dedup();
    names
}

/// What addresses of this server begin with for this client, where pictures are wanted by address.
fn base(fields: &mut Fields, headers: &HeaderMap) -> Result<Option<Arc<str>>, ApiError> {
    if word(fields, "response_format", &["b64_json", "url"])?.as_deref() != Some("url") {
        return Ok(None);
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(|host| is_plain(host));
    let host = host.ok_or_else(|| {
        ApiError::invalid("response_format", "`response_format`: expected a header `host` to make addresses with")
    })?;
    // Behind several proxies there is a list, and the first is the client's.
    let sent = headers.get("x-forwarded-proto").and_then(|sent| sent.to_str().ok()).unwrap_or_default();
    let first = sent.split(',').next().unwrap_or_default().trim();
    let scheme = if first.eq_ignore_ascii_case("https") { "https" } else { "http" };
    Ok(Some(format!("{scheme}://{host}").into()))
}

/// Whether a host is one that can stand in an address.
fn is_plain(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_begin_as_the_client_knows_this_server() {
        for (host, proto, expected) in [
            ("localhost:8080", None, Some("http://localhost:8080")),
            ("edits.example", Some("https"), Some("https://edits.example")),
            ("edits.example", Some("HTTPS, http"), Some("https://edits.example")),
            ("[::1]:80", Some("javascript"), Some("http://[::1]:80")),
            ("a/b", None, None),
            ("", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("host", host.parse().unwrap());
            if let Some(proto) = proto {
                headers.insert("x-forwarded-proto", proto.parse().unwrap());
            }
            let mut fields = Fields { is_json: true, ..Fields::default() };
            fields.values.insert("response_format".to_owned(), json!("url"));
            let found = base(&mut fields, &headers).ok().flatten();
            assert_eq!(found.as_deref(), expected, "{host} {proto:?}");
        }
    }
}
