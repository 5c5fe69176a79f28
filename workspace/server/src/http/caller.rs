//! Who calls. With keys, whoever has one; without, this machine alone, and no page of another site in its browser.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::{App, page};
use crate::keys::LOCAL;
use crate::runs::Owner;

/// Paths that anybody may see: they tell nothing of anybody's runs.
const OPEN: [&str; 4] = ["/", "/healthz", "/readyz", "/openapi.json"];

/// Paths below which a request proves by itself that it may see what it asks for.
const SIGNED: &str = "/files/";

/// Whether anybody may see what is at this path.
pub(super) fn is_open(path: &str) -> bool {
    OPEN.contains(&path) || path.starts_with(SIGNED) || path.starts_with(page::FOLDER)
}

/// The caller that the request was found to come from.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Owner);

impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| unknown("expected an API key"))
    }
}

fn unknown(message: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "authentication_error", "invalid_api_key", message)
}

/// Lets requests through whose caller is known, and says who it is.
pub(super) async fn known(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let is_open = is_open(request.uri().path());
    let is_foreign = !request.method().is_safe() && is_cross_site(request.headers());
    let caller = match caller(&app, request.headers()) {
        _ if is_foreign => return foreign_page().into_response(),
        Ok(caller) => Some(caller),
        Err(error) if !is_open || error.status == StatusCode::FORBIDDEN => return error.into_response(),
        Err(_) => None,
    };
    if let Some(caller) = &caller {
        request.extensions_mut().insert(caller.clone());
    }
    let mut response = next.run(request).await;
    if let Some(caller) = caller {
        // For the log.
        response.extensions_mut().insert(caller);
    }
    response
}

fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    check_origin(headers)?;
    if app.keys.is_empty() {
        // A page that was made to believe that its own name is this machine's would otherwise get in.
        return if is_local(headers) { Ok(Caller(Owner(LOCAL.to_owned()))) } else { Err(foreign()) };
    }
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let is_bearer = |scheme: &str| scheme.eq_ignore_ascii_case("bearer");
    let key = sent.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| is_bearer(scheme)).map(|(_, key)| key);
    let key = key.ok_or_else(|| unknown("expected an API key: send `Authorization: Bearer KEY`"))?;
    app.keys.owner(key.trim()).map(Caller).ok_or_else(|| unknown("the API key is not known here"))
}

fn foreign() -> ApiError {
    let message =
        "without API keys this server answers only to its own name on this machine (localhost, 127.0.0.1 or [::1])";
    ApiError::new(StatusCode::FORBIDDEN, "authentication_error", "foreign_host", message)
}

/// The name under which this server was called.
fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = host(headers) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    is_loopback || name.eq_ignore_ascii_case("localhost")
}

/// Refuses what a browser sends for a page of another site.
fn check_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let from = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    if from.is_some() && from == host(headers) {
        return Ok(());
    }
    Err(foreign_page())
}

fn foreign_page() -> ApiError {
    let message = "the request comes from a page of another site";
    ApiError::new(StatusCode::FORBIDDEN, "authentication_error", "foreign_origin", message)
}

/// Whether a browser says that a page of another site made the request, as it does also where it leaves the origin out.
fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_names_of_this_machine_are_local() {
        for (host, expected) in [
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("127.0.0.1:1", true),
            ("127.8.8.8", true),
            ("[::1]:80", true),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("192.168.0.2", false),
            ("[fe80::1]", false),
            ("", false),
        ] {
            assert_eq!(is_local(&headers(&[("host", host)])), expected, "{host}");
        }
        assert!(!is_local(&headers(&[])));
    }

    #[test]
    fn a_browser_that_names_another_site_is_believed() {
        for (site, expected) in [("cross-site", true), ("same-origin", false), ("none", false)] {
            assert_eq!(is_cross_site(&headers(&[("sec-fetch-site", site)])), expected, "{site}");
        }
        assert!(!is_cross_site(&headers(&[])));
    }

    #[test]
    fn a_page_may_call_its_own_server_alone() {
        let check = |origin| check_origin(&headers(&[("host", "localhost:80"), ("origin", origin)])).is_ok();
        assert!(check("http://localhost:80") && check("https://localhost:80"));
        for other in ["http://evil.example", "null", "http://localhost:81", "localhost:80"] {
            assert!(!check(other), "{other}");
        }
    }
}
