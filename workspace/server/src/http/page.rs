//! The page at `/`, and what it loads: all of it is in the program.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;

/// What is below this tells nothing of anybody's runs, and needs no key.
pub(super) const FOLDER: &str = "/page/";

/// The page may run and show what comes from here and nothing else, is never framed, and sends its address to nobody.
const GUARDS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    // Asked again each time, which costs an answer without a body.
    (header::CACHE_CONTROL, "no-cache"),
];

/// A file of the page.
struct File {
    path: &'static str,
    media: &'static str,
    text: &'static str,
}

macro_rules! file {
    ($name:literal, $media:literal) => {
        File { path: concat!("/page/", $name), media: $media, text: include_str!(concat!("../page/", $name)) }
    };
}

macro_rules! script {
    ($name:literal) => {
        file!($name, "text/javascript; charset=utf-8")
    };
}

const HTML: &str = "text/html; charset=utf-8";

static FILES: [File; 15] = [
    File { path: "/", media: HTML, text: include_str!("../page/index.html") },
    file!("app.css", "text/css; charset=utf-8"),
    file!("favicon.svg", "image/svg+xml"),
    script!("app.js"),
    script!("api.js"),
    script!("cards.js"),
    script!("compare.js"),
    script!("compose.js"),
    script!("dom.js"),
    script!("home.js"),
    script!("lineage.js"),
    script!("pictures.js"),
    script!("run.js"),
    script!("state.js"),
    script!("words.js"),
];

/// Each file with what tells its version from others.
static TAGS: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| FILES.iter().map(|file| tag(file.text)).collect());

fn tag(text: &str) -> HeaderValue {
    let digest = blake3::hash(text.as_bytes()).to_hex();
    // Hexadecimal digits can stand in a header.
    HeaderValue::from_str(&format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    let parts = FILES.iter().zip(TAGS.iter()).filter(|(file, _)| file.path != "/");
    parts.fold(OpenApiRouter::new().routes(routes!(page)), |router, (file, tag)| {
        router.route(file.path, get(move |headers: HeaderMap| async move { answer(file, tag, &headers) }))
    })
}

/// The page for people: drop a picture, watch candidates arrive, compare, pick, go on.
#[utoipa::path(
    get, path = "/", tag = "page",
    responses(
        (status = 200, description = "the page", content_type = "text/html", body = String),
        (status = 304, description = "the page has not changed"),
    )
)]
async fn page(headers: HeaderMap) -> Response {
    let [page, ..] = &FILES;
    // There is a tag for every file.
    let tag = TAGS.first().cloned().unwrap_or(HeaderValue::from_static("\"\""));
    answer(page, &tag, &headers)
}

fn answer(file: &'static File, tag: &HeaderValue, asked: &HeaderMap) -> Response {
    let is_known = asked.get_all(header::IF_NONE_MATCH).iter().any(|known| names(known, tag));
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from(file.text) });
    let headers = response.headers_mut();
    for (name, value) in GUARDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::ETAG, tag.clone());
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media));
    }
    response
}

/// Whether a list of known versions has this one. A proxy that compresses marks it as weak.
fn names(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else { return false };
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_known_again() {
        let tag = tag("text");
        let text = tag.to_str().unwrap();
        for (known, expected) in [
            (text.to_owned(), true),
            (format!("W/{text}"), true),
            (format!("\"other\", {text}"), true),
            ("*".to_owned(), true),
            ("\"other\"".to_owned(), false),
            (text.trim_matches('"').to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(names(&HeaderValue::from_str(&known).unwrap(), &tag), expected, "{known}");
        }
    }

    #[test]
    fn scripts_import_what_is_served() {
        let served: Vec<&str> = FILES.iter().map(|file| file.path).collect();
        for file in &FILES {
            assert!(file.path == "/" || file.path.starts_with(FOLDER), "{}", file.path);
            for named in file.text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(served.contains(&format!("{FOLDER}{named}").as_str()), "{} imports {named}", file.path);
            }
        }
    }
}
