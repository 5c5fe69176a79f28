//! One server: its address, and what it is shown to let us in.

use editscale_schema::remote::SecretHeader;
use reqwest::Url;
use reqwest::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderMap, HeaderName, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use serde_json::Value;

use super::secret::Secret;
use crate::SetupError;

/// Headers that say where a request goes, where it ends, or what is in it.
const OWN_HEADERS: [HeaderName; 9] =
    [CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// A server's address and its secret.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    base: Url,
    headers: HeaderMap,
    secret: Option<Secret>,
}

impl Endpoint {
    /// Checks an address such as `https://api.example.org/v1`, to which the paths of a dialect are appended. A name or a
    /// password in it is refused: errors show addresses.
    pub(crate) fn new(base: &str, secret: Option<Secret>, place: &SecretHeader) -> Result<Self, SetupError> {
        let base = address(base, secret.as_ref())?;
        let mut headers = HeaderMap::new();
        if let Some(secret) = &secret {
            let bad = |reason: &str| SetupError::Secret { place: "its header".into(), reason: reason.to_owned() };
            let (name, prefix) = match place {
                SecretHeader::Bearer => (AUTHORIZATION, "Bearer ".to_owned()),
                SecretHeader::Scheme(scheme) => {
                    let is_word = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
                    let scheme = if is_word { scheme } else { return Err(bad("its scheme is no word")) };
                    (AUTHORIZATION, format!("{scheme} "))
                }
                SecretHeader::Named(name) => {
                    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("it is no header name"))?;
                    if OWN_HEADERS.contains(&name) || name == "idempotency-key" {
                        return Err(bad("expected a header that is not a part of HTTP itself"));
                    }
                    (name, String::new())
                }
            };
            headers.insert(name, secret.header(&prefix).ok_or_else(|| bad("it does not fit into a header"))?);
        }
        Ok(Self { base, headers, secret })
    }

    /// The address of one of its paths, such as `images/edits`.
    pub(crate) fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        url
    }

    /// The address of a path that stands beside the version, such as `/v1`, that its address may end in.
    pub(crate) fn beside_version(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let last = url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let digits = last.strip_prefix('v').unwrap_or_default();
        let is_version = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            if is_version {
                segments.pop();
            }
            segments.extend(path.split('/'));
        }
        url
    }

    /// What it is shown to let us in.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The address, which holds no secret.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// A text without this server's secret.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.secret.as_ref().map_or_else(|| text.to_owned(), |secret| secret.hide(text))
    }

    /// The same for every text in a value, the names of fields too.
    pub(crate) fn hide_in(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.hide(&text)),
            Value::Array(list) => list.into_iter().map(|each| self.hide_in(each)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, each)| (self.hide(&name), self.hide_in(each))).collect()
            }
            other => other,
        }
    }
}

fn address(text: &str, secret: Option<&Secret>) -> Result<Url, SetupError> {
    let shown = secret.map_or_else(|| text.to_owned(), |secret| secret.hide(text));
    let bad = |text: &str, reason: &str| SetupError::Address { text: text.to_owned(), reason: reason.to_owned() };
    let url = Url::parse(text).map_err(|error| bad(&shown, &error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        let bare = format!("{}://…@{}", url.scheme(), url.host_str().unwrap_or_default());
        return Err(bad(&bare, "it holds a name or a password: give a secret instead"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        let bare = shown.split(['?', '#']).next().unwrap_or_default().to_owned();
        return Err(bad(&bare, "expected no `?` and no `#`"));
    }
    if secret.is_some_and(|secret| secret.is_in(text) || secret.is_in(url.as_str())) {
        return Err(bad(&shown, "it holds the secret, and errors show addresses"));
    }
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(bad(&shown, "expected https://HOST/…")),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn paths_are_appended() {
        for base in ["http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1/"] {
            let endpoint = Endpoint::new(base, None, &SecretHeader::Bearer).unwrap();
            assert_eq!(endpoint.at("images/edits").as_str(), "http://127.0.0.1:8000/v1/images/edits");
        }
    }

    #[test]
    fn secrets_stand_where_the_server_looks_for_them() {
        for (place, name, value) in [
            (SecretHeader::Bearer, "authorization", Some("Bearer hunter2")),
            (SecretHeader::Named("x-key".to_owned()), "x-key", Some("hunter2")),
            (SecretHeader::Scheme("Key".to_owned()), "authorization", Some("Key hunter2")),
            (SecretHeader::Scheme("Two words".to_owned()), "authorization", None),
        ] {
            let endpoint = Endpoint::new("https://example.org", Secret::new("hunter2"), &place);
            let found = endpoint.ok().map(|endpoint| endpoint.headers()[name].clone());
            assert_eq!(found.as_ref().map(HeaderValue::as_bytes), value.map(str::as_bytes), "{place:?}");
        }
    }

    #[test]
    fn values_are_told_without_the_secret() {
        let endpoint = Endpoint::new("https://example.org", Secret::new("hunter2"), &SecretHeader::Bearer).unwrap();
        let told = endpoint.hide_in(serde_json::json!({"hunter2": [{"a": "is hunter2", "b": 7}]}));
        assert_eq!(told, serde_json::json!({"[secret]": [{"a": "is [secret]", "b": 7}]}));
    }

    #[test]
    fn a_secret_goes_into_no_header_of_http_itself() {
        for name in ["Host", "content-length", "Transfer-Encoding", "connection", "Idempotency-Key", "a b", "x:y", ""] {
            let place = SecretHeader::Named(name.to_owned());
            assert!(Endpoint::new("https://example.org", Secret::new("7"), &place).is_err(), "{name}");
        }
    }

    #[test]
    fn addresses_with_secrets_are_refused_without_showing_them() {
        for base in [
            "https://me:hunter2@example.org/v1",
            "https://example.org/v1?key=hunter2",
            "hunter2://example.org",
            "https://example.org/hunter2/v1",
            "https://Hunter2.example.org/v1",
        ] {
            let secret = Secret::new("hunter2");
            let error = Endpoint::new(base, secret, &SecretHeader::Bearer).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        let endpoint = Endpoint::new("https://example.org", Secret::new("hunter2"), &SecretHeader::Bearer).unwrap();
        assert!(!format!("{endpoint:?}").contains("hunter2"));
    }
}
