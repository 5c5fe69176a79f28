//! What operators ask: whether the server lives, and whether it can work.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use super::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
}
