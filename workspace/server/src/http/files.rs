//! Pictures by a signed address, for clients that are given a URL.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use super::App;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
}
