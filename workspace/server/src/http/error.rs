//! Errors as clients of the images API know them: `{"error": {"message", "type", "param", "code"}}`.

use axum::Json;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

use crate::refusal::Refusal;

/// Codes of requests that were carried out and came to nothing. Official clients send every 409 again, which would pay
/// for the same edit twice; they heed a header that says not to.
const ENDED: [&str; 2] = ["cancelled", "deadline_passed"];

/// Something that was not done, on its way to the client.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) error: ErrorForm,
    pub(crate) after: Option<Duration>,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ErrorForm {
    /// A sentence for people: the thing, what was expected, what was found.
    message: String,
    /// `invalid_request_error`, `authentication_error`, `rate_limit_error`, `run_error` or `server_error`.
    r#type: &'static str,
    /// The field that is at fault.
    param: Option<&'static str>,
    /// A word for programs.
    code: &'static str,
}

/// The body of every answer that is no success.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorForm,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, error: ErrorForm { message: message.into(), r#type: kind, param: None, code }, after: None }
    }

    /// A request whose field is at fault.
    pub(crate) fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", "invalid_value", message);
        error.error.param = Some(param);
        error
    }

    /// A request that cannot be read.
    pub(crate) fn unreadable(status: StatusCode, message: impl Into<String>) -> Self {
        let code = if status == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "unreadable" };
        Self::new(status, "invalid_request_error", code, message)
    }

    /// The word for programs.
    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.error.code
    }

    /// The body, for where it is sent inside of a stream.
    pub(crate) fn body(&self) -> ErrorBody {
        ErrorBody { error: self.error.clone() }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        let plain = |status, kind, code| Self::new(status, kind, code, message.clone());
        match refusal {
            Refusal::Invalid { param, .. } => Self::invalid(param, message),
            Refusal::Absent { what: "model", .. } => {
                plain(StatusCode::NOT_FOUND, "invalid_request_error", "model_not_found")
            }
            Refusal::Absent { .. } => plain(StatusCode::NOT_FOUND, "invalid_request_error", "not_found"),
            Refusal::Conflict(_) => plain(StatusCode::CONFLICT, "invalid_request_error", "conflict"),
            Refusal::Busy { after, .. } => {
                let busy = plain(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "queue_full");
                Self { after: Some(after), ..busy }
            }
            Refusal::Closing => {
                let closing = plain(StatusCode::SERVICE_UNAVAILABLE, "server_error", "shutting_down");
                Self { after: Some(Duration::from_secs(5)), ..closing }
            }
            Refusal::InVain(_) => plain(StatusCode::UNPROCESSABLE_ENTITY, "run_error", "run_failed"),
            Refusal::Late(_) => plain(StatusCode::UNPROCESSABLE_ENTITY, "run_error", "deadline_passed"),
            Refusal::Broken(_) => {
                tracing::error!(message, "the server failed");
                // What it says names files of this machine.
                let message = "the server could not do this; its log says why, under the id of this request";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "internal", message)
            }
        }
    }
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        Self::unreadable(rejection.status(), rejection.body_text())
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        Self::unreadable(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::unreadable(StatusCode::BAD_REQUEST, rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::unreadable(StatusCode::BAD_REQUEST, rejection.body_text())
    }
}

impl From<MultipartRejection> for ApiError {
    fn from(rejection: MultipartRejection) -> Self {
        Self::unreadable(rejection.status(), rejection.body_text())
    }
}

impl From<MultipartError> for ApiError {
    fn from(error: MultipartError) -> Self {
        Self::unreadable(error.status(), error.body_text())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if let Some(after) = self.after {
            let secs = after.as_secs_f64().ceil() as u64;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs.max(1)));
        }
        if ENDED.contains(&self.error.code) {
            response.headers_mut().insert("x-should-retry", HeaderValue::from_static("false"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A path that nothing is at.
pub(super) async fn no_route(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    let message = format!("there is nothing at {path}");
    ApiError::new(StatusCode::NOT_FOUND, "invalid_request_error", "not_found", message)
}

/// A path that has no such method.
pub(crate) async fn no_method(method: Method, uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    let message = format!("{path} does not take {method}");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request_error", "method_not_allowed", message)
}
