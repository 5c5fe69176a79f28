//! The page itself: all of it is in the program.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use super::Desk;

const HTML: &str = include_str!("../page/index.html");
const STYLE: &str = include_str!("../page/review.css");

/// The page's scripts, by their names.
const SCRIPTS: [(&str, &str); 4] = [
    ("/review.js", include_str!("../page/review.js")),
    ("/dom.js", include_str!("../page/dom.js")),
    ("/cards.js", include_str!("../page/cards.js")),
    ("/desk.js", include_str!("../page/desk.js")),
];

pub(super) fn routes() -> Router<Arc<Desk>> {
    let file = |media: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, media)], text).into_response() })
    };
    let pages = Router::new()
        .route("/", file("text/html; charset=utf-8", HTML))
        .route("/page.css", file("text/css; charset=utf-8", editscale_page::STYLE))
        .route("/review.css", file("text/css; charset=utf-8", STYLE));
    SCRIPTS.iter().fold(pages, |router, (path, text)| router.route(path, file("text/javascript; charset=utf-8", text)))
}
