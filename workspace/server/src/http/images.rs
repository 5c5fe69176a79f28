//! The images API that existing clients speak: `POST /v1/images/edits`.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use super::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
}
