//! What a request's path and query say, with mistakes told in the shape of all errors.

use axum::extract::{FromRequestParts, Path as RawPath, Query as RawQuery};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// The variable parts of a path. One that cannot be read names nothing.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = RawPath::<T>::from_request_parts(parts, state).await;
        let absent = |error: axum::extract::rejection::PathRejection| {
            ApiError::new(StatusCode::NOT_FOUND, "invalid_request_error", "not_found", error.body_text())
        };
        Ok(Self(read.map_err(absent)?.0))
    }
}

/// The query.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = RawQuery::<T>::from_request_parts(parts, state).await;
        let bad = |error: axum::extract::rejection::QueryRejection| {
            ApiError::unreadable(StatusCode::BAD_REQUEST, error.body_text())
        };
        Ok(Self(read.map_err(bad)?.0))
    }
}
