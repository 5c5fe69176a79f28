//! Recipes as the models that clients can choose.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use crate::offer::Offer;
use crate::service::Service;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// A recipe.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Model {
    /// What requests call it.
    id: String,
    /// Always `model`.
    object: &'static str,
    /// Seconds since 1970 at which the server was started.
    created: u64,
    /// Always `editscale`.
    owned_by: &'static str,
    /// One line for people.
    about: String,
    /// The recipe that this is another name of.
    alias_of: Option<String>,
    /// Who makes candidates.
    editors: Vec<String>,
    /// Who judges them.
    rewards: Vec<String>,
    /// What decides what to try and what to keep.
    policy: &'static str,
}

impl Model {
    fn new(service: &Service, offer: &Offer) -> Self {
        let created = service.opened().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self {
            id: offer.name.clone(),
            object: "model",
            created,
            owned_by: "editscale",
            about: offer.about.clone(),
            alias_of: None,
            editors: offer.recipe.editors().iter().map(|editor| editor.name.to_string()).collect(),
            rewards: offer.recipe.rewards().iter().map(|reward| reward.name.to_string()).collect(),
            policy: offer.recipe.settings().search.kind(),
        }
    }

    fn named(self, alias: &str) -> Self {
        Self { alias_of: Some(self.id), id: alias.to_owned(), ..self }
    }
}

/// All recipes.
#[derive(Debug, Serialize, ToSchema)]
struct ModelList {
    /// Always `list`.
    object: &'static str,
    /// The usual one first; then other names.
    data: Vec<Model>,
}

/// The recipes that this server makes edits with, and other names of theirs.
#[utoipa::path(
    get, path = "/v1/models", tag = "models",
    responses(
        (status = 200, body = ModelList),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
    )
)]
async fn list(State(app): State<Arc<App>>, _: Caller) -> Json<ModelList> {
    let service = &app.service;
    let own = service.offers().iter().map(|offer| Model::new(service, offer));
    let others = service.settings().aliases.iter().filter_map(|(alias, recipe)| {
        let offer = service.checker().offer(Some(recipe)).ok()?;
        Some(Model::new(service, &offer).named(alias))
    });
    Json(ModelList { object: "list", data: own.chain(others).collect() })
}

/// One recipe.
#[utoipa::path(
    get, path = "/v1/models/{id}", tag = "models", params(("id" = String, Path, description = "the recipe, or another name of it")),
    responses(
        (status = 200, body = Model),
        (status = 400, description = "the path cannot be read", body = ErrorBody),
        (status = 401, description = "no key, or one that is not known", body = ErrorBody),
        (status = 403, description = "from another site", body = ErrorBody),
        (status = 404, description = "no such recipe", body = ErrorBody),
    )
)]
async fn show(
    State(app): State<Arc<App>>,
    _: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Model>, ApiError> {
    let Path(id) = path?;
    let offer = app.service.checker().offer(Some(&id))?;
    let model = Model::new(&app.service, &offer);
    Ok(Json(if model.id == id { model } else { model.named(&id) }))
}
