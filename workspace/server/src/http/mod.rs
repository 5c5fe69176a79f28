//! The door for HTTP. Every group of routes is a file, with its documentation for the `OpenAPI` document at each handler.

pub(crate) mod caller;
mod candidates;
pub(crate) mod error;
pub(crate) mod fields;
mod files;
mod health;
pub(crate) mod image;
mod images;
mod intake;
mod metrics;
mod models;
mod nested;
mod openapi;
mod page;
mod parts;
mod patient;
mod reply;
mod runs;
mod score;
mod serve;
pub(crate) mod slim;
mod thumbnail;
mod watched;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::any;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::keys::Keys;
use crate::mcp::Door;
use crate::service::Service;

pub use serve::{ServeError, serve};

/// What every handler can reach.
#[derive(Debug)]
pub struct App {
    /// Recipes and runs.
    pub service: Arc<Service>,
    /// Who may call.
    pub keys: Keys,
}

#[derive(OpenApi)]
#[openapi(info(
    title = "editscale",
    description = "Better pictures out of an image-editing model: recipes served as editors, rewards served as scorers."
))]
struct Document;

/// All routes, and the document that describes them.
fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(images::routes())
        .merge(models::routes())
        .merge(runs::routes())
        .merge(candidates::routes())
        .merge(files::routes())
        .merge(score::routes())
        .merge(page::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(openapi::routes())
}

/// The `OpenAPI` document.
fn document() -> utoipa::openapi::OpenApi {
    openapi::completed(routes().into_openapi())
}

/// Everything that is served.
pub fn router(app: Arc<App>) -> Router {
    let door = Door::new(&app.service);
    let agents = move |caller, request| door.clone().handle(caller, request);
    let (router, _) = routes().split_for_parts();
    router
        .route("/mcp", any(agents))
        .fallback(error::no_route)
        .method_not_allowed_fallback(error::no_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), caller::known))
        // Bodies have limits of their own, whoever reads them.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(&app), intake::bounded))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), watched::watched))
        .with_state(app)
}
