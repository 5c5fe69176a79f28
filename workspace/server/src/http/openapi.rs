//! The document that describes all routes, made whole: what every route has in common is said here once.

use std::sync::{Arc, OnceLock};

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, PathItem, Ref, RefOr};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::caller::is_open;

/// What the document calls API keys.
const KEY: &str = "key";

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(document))
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operations",
    responses((status = 200, description = "an OpenAPI document", content_type = "application/json", body = serde_json::Value))
)]
async fn document() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    // The document is made of texts and numbers alone, which are always JSON.
    let text = TEXT.get_or_init(|| serde_json::to_string(&super::document()).unwrap_or_default());
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text.as_str()).into_response()
}

/// Says of every route what all have in common: who may call, and how it is refused.
pub(super) fn completed(mut document: OpenApi) -> OpenApi {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("an API key; servers without keys answer to their own machine alone"));
    document.components.get_or_insert_default().add_security_scheme(KEY, SecurityScheme::Http(scheme.build()));
    for (path, item) in &mut document.paths.paths {
        let is_open = is_open(path);
        operations(item).for_each(|operation| complete(operation, is_open));
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, head, options, trace, .. } = item;
    [get, put, post, delete, patch, head, options, trace].into_iter().filter_map(Option::as_mut)
}

fn complete(operation: &mut Operation, is_open: bool) {
    let mut refused =
        vec![("403", "from a page of another site, or under a name of another machine"), ("500", "the server failed")];
    if !is_open {
        refused.push(("401", "no key, or one that is not known"));
        operation.security.get_or_insert_with(|| {
            let none: [String; 0] = [];
            vec![SecurityRequirement::new(KEY, none)]
        });
    }
    if operation.request_body.is_some() {
        refused.extend([("408", "the body did not arrive in time"), ("413", "the body is too large")]);
    }
    for (status, description) in refused {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| error(description));
    }
}

fn error<T>(description: &str) -> RefOr<T>
where
    RefOr<T>: From<utoipa::openapi::Response>,
{
    let schema = Ref::from_schema_name("ErrorBody");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content("application/json", content).build().into()
}
