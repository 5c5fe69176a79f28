//! MCP over HTTP: one handler behind `/mcp`, whose sessions belong to the callers that began them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::agent::Agent;
use super::desk::Desk;
use super::roots::Roots;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::slim;
use crate::runs::Owner;
use crate::service::Service;

/// The header that names a session.
const SESSION: &str = "mcp-session-id";

/// So many sessions one caller may have at a time.
const MOST: usize = 256;

/// A session without a message for so long is over.
const SILENCE: Duration = Duration::from_secs(1800);

/// The door: `handle` is called for every request to `/mcp`.
#[derive(Clone)]
pub(crate) struct Door(Arc<Shared>);

struct Shared {
    service: StreamableHttpService<Agent, LocalSessionManager>,
    sessions: Arc<LocalSessionManager>,
    owners: Mutex<HashMap<String, Owner>>,
    /// The most bytes of a message.
    most: usize,
}

impl Door {
    /// A door to the recipes of a service. Agents over HTTP may name the files of its settings' folders.
    pub(crate) fn new(service: &Arc<Service>) -> Self {
        let settings = service.settings();
        let roots = Roots::new(&settings.roots).unwrap_or_else(|error| {
            tracing::error!(%error, "agents can name no files");
            Roots::default()
        });
        let desk = Desk::new(Arc::clone(service), roots, settings.agent_budget);
        let mut sessions = LocalSessionManager::default();
        sessions.session_config.keep_alive = Some(SILENCE);
        let sessions = Arc::new(sessions);
        let config = config(settings.body_bytes);
        let end = end_in_time(service.closing().clone(), desk.under_way.clone(), config.cancellation_token.clone());
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(end);
        }
        let agent = move || Ok(Agent::new(Arc::clone(&desk), None));
        let service = StreamableHttpService::new(agent, Arc::clone(&sessions), config);
        Self(Arc::new(Shared { service, sessions, owners: Mutex::default(), most: settings.body_bytes }))
    }

    /// Answers a request of a caller that is known.
    pub(crate) async fn handle(self, caller: Caller, request: Request) -> Response {
        let (session, method) = (session_of(request.headers()), request.method().clone());
        if let Some(refused) = self.refused(session.as_deref(), &caller.0).await {
            return refused.into_response();
        }
        let request = match looked_at(request, self.0.most).await {
            Ok(request) => request,
            Err(error) => return error.into_response(),
        };
        let response = self.0.service.handle(request).await.map(Body::new);
        if let Some(begun) = session_of(response.headers()) {
            self.owners().insert(begun, caller.0);
        } else if let Some(session) = session.filter(|_| method == Method::DELETE) {
            self.owners().remove(&session);
        }
        told(response, &method)
    }

    fn owners(&self) -> MutexGuard<'_, HashMap<String, Owner>> {
        self.0.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why a request is not let through: its session is another's, or it would be one too many.
    async fn refused(&self, session: Option<&str>, caller: &Owner) -> Option<ApiError> {
        if let Some(session) = session {
            let is_own = self.owners().get(session).is_some_and(|owner| owner == caller);
            return (!is_own).then(no_session);
        }
        if self.owners().values().filter(|owner| *owner == caller).count() < MOST {
            return None;
        }
        // Sessions that have ended by themselves are forgotten when there is need for room.
        let alive = self.0.sessions.sessions.read().await;
        self.owners().retain(|session, _| alive.contains_key(session.as_str()));
        drop(alive);
        (self.owners().values().filter(|owner| *owner == caller).count() >= MOST).then(too_many)
    }
}

/// Ends all sessions, whose streams would otherwise never end, once the server is about to end and no call is under way.
async fn end_in_time(closing: CancellationToken, under_way: TaskTracker, end: CancellationToken) {
    closing.cancelled().await;
    under_way.close();
    under_way.wait().await;
    // The last answers are on their way.
    tokio::time::sleep(Duration::from_millis(100)).await;
    end.cancel();
}

fn config(body_bytes: usize) -> StreamableHttpServerConfig {
    // Names of hosts and origins are looked at before, by rules that know whether there are keys.
    StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_max_request_body_bytes(body_bytes)
}

/// The request, with a message that is not too large once it is read.
async fn looked_at(request: Request, most: usize) -> Result<Request, ApiError> {
    let (parts, body) = request.into_parts();
    let unreadable = |message: String| ApiError::unreadable(StatusCode::BAD_REQUEST, message);
    let bytes = to_bytes(body, most).await.map_err(|error| unreadable(error.to_string()))?;
    slim::check(&bytes).map_err(unreadable)?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn session_of(headers: &HeaderMap) -> Option<String> {
    headers.get(SESSION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The answer as clients expect it: a session that ended while it was spoken to is none, and one that was ended leaves nothing.
fn told(mut response: Response, method: &Method) -> Response {
    match response.status() {
        StatusCode::INTERNAL_SERVER_ERROR => return no_session().into_response(),
        StatusCode::ACCEPTED if method == Method::DELETE => *response.status_mut() = StatusCode::NO_CONTENT,
        _ => {}
    }
    response
}

fn no_session() -> ApiError {
    let message = "there is no such session of this caller, or not any more: begin another one";
    ApiError::new(StatusCode::NOT_FOUND, "invalid_request_error", "not_found", message)
}

fn too_many() -> ApiError {
    let message = format!("the caller has {MOST} sessions: end one with DELETE");
    let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "too_many_sessions", message);
    ApiError { after: Some(Duration::from_secs(10)), ..error }
}
