//! Who may ask: whoever was given the address, from this machine, and no page of another site in the same browser.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Uri;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::Desk;

/// The page may run and show what comes from here and nothing else, is never framed, sends its address to nobody, and nothing
/// of it stays in a cache.
const GUARDS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Lets requests through that know the token. The address that people open has it; their browser gets it as a cookie, so that
/// it is in no history and in no address that the page shows.
pub(super) async fn guarded(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let mut response = match check(&desk.token, &request) {
        Ok(None) => next.run(request).await,
        Ok(Some(cookie)) => ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response(),
        Err((status, words)) => (status, words).into_response(),
    };
    for (name, value) in GUARDS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

type Refused = (StatusCode, &'static str);

/// Whether a request may pass; a cookie where it came with the address that people open.
fn check(token: &str, request: &Request) -> Result<Option<String>, Refused> {
    let (headers, uri) = (request.headers(), request.uri());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_local(host) {
        // A page that was made to believe that its own name is this machine's would otherwise get in.
        return Err((StatusCode::FORBIDDEN, "this review answers only to its own name on this machine\n"));
    }
    if is_foreign(headers, host, request.method()) {
        return Err((StatusCode::FORBIDDEN, "the request comes from a page of another site\n"));
    }
    let name = cookie_name(host);
    if let Some(given) = query_token(uri).filter(|_| uri.path() == "/" && request.method() == Method::GET) {
        return if is_same(given, token) {
            Ok(Some(format!("{name}={token}; HttpOnly; SameSite=Strict; Path=/")))
        } else {
            Err(unknown())
        };
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut cookies = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let knows = bearer.is_some_and(|given| is_same(given, token))
        || cookies.any(|(other, given)| other == name && is_same(given, token));
    if knows { Ok(None) } else { Err(unknown()) }
}

fn unknown() -> Refused {
    (
        StatusCode::UNAUTHORIZED,
        "open the address that `editscale curate review` printed: it has the token that is missing here\n",
    )
}

/// Ports share cookies; each desk has one of its own.
fn cookie_name(host: &str) -> String {
    let port = host.rsplit(':').next().filter(|port| port.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or("80");
    format!("editscale_review_{port}")
}

fn query_token(uri: &Uri) -> Option<&str> {
    uri.query()?.split('&').find_map(|part| part.strip_prefix("token="))
}

/// Compares without telling by its time how much of a guess is right.
fn is_same(given: &str, token: &str) -> bool {
    given.len() == token.len() && given.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    is_loopback || name.eq_ignore_ascii_case("localhost")
}

/// Whether a browser says that a page of another site asks. Following a link to the page is no such thing.
fn is_foreign(headers: &HeaderMap, host: &str, method: &Method) -> bool {
    let header_of = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let has_origin = header_of("origin").is_some_and(|origin| origin.strip_prefix("http://") != Some(host));
    let is_link = method.is_safe() && header_of("sec-fetch-mode") == Some("navigate");
    let site = header_of("sec-fetch-site");
    has_origin || (!is_link && site.is_some_and(|site| site != "same-origin" && site != "none"))
}
