//! Agents over HTTP: with keys, with sessions and without.

use std::net::SocketAddr;
use std::sync::Arc;

use editscale_core::Budget;
use editscale_server::{App, Keys, Service, serve};
use rmcp::model::{ProtocolVersion, ReadResourceRequestParams};
use rmcp::service::{ClientLifecycleMode, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientServiceExt, RoleClient, ServiceExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::seat::{Listener, bad, good, photograph, result, service};

struct House {
    address: SocketAddr,
    service: Arc<Service>,
    end: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), editscale_server::ServeError>>,
    _folder: tempfile::TempDir,
}

impl House {
    async fn open(keys: Keys) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().unwrap();
        let service = service(folder.path(), |settings| {
            settings.agent_budget = Budget { edits: Some(6), ..Budget::default() };
            settings.roots = vec![folder.path().to_owned()];
            settings.body_bytes = 1 << 20;
        });
        std::fs::write(folder.path().join("sea.png"), photograph()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Arc::new(App { service: Arc::clone(&service), keys });
        let (end, told) = oneshot::channel();
        let ended = tokio::spawn(serve(app, listener, async { drop(told.await) }));
        Self { address, service, end, ended, _folder: folder }
    }

    fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    fn transport(&self, key: &str) -> StreamableHttpClientTransport<reqwest::Client> {
        let config = StreamableHttpClientTransportConfig::with_uri(self.url()).auth_header(key);
        StreamableHttpClientTransport::with_client(reqwest::Client::new(), config)
    }

    /// A client of the versions that have sessions.
    async fn with_session(&self, key: &str) -> RunningService<RoleClient, Listener> {
        Listener::new(ProtocolVersion::V_2025_11_25).serve(self.transport(key)).await.unwrap()
    }

    /// A client of the version that has none.
    async fn without_session(&self, key: &str) -> RunningService<RoleClient, Listener> {
        let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
        Listener::new(ProtocolVersion::V_2026_07_28)
            .serve_with_lifecycle(self.transport(key), ClientLifecycleMode::Discover { preferred_versions })
            .await
            .unwrap()
    }
}

fn two_keys() -> (Keys, String, String) {
    let ((mine, line), (yours, other)) = (Keys::make("me").unwrap(), Keys::make("you").unwrap());
    (Keys::parse(&format!("{line}{other}")).unwrap(), mine, yours)
}

fn warmer() -> Value {
    json!({"image": "sea.png", "instruction": "make it warmer"})
}

#[tokio::test]
async fn sessions_and_runs_belong_to_their_callers() {
    let (keys, mine, yours) = two_keys();
    let house = House::open(keys).await;
    let (me, you) = (house.with_session(&mine).await, house.with_session(&yours).await);
    let made = good(result(&me, "edit_image", warmer()).await);
    assert_eq!((&made["edit"], &made["budget_left"]["edits"]), (&json!("e1"), &json!(2)));
    let uri = made["image"]["uri"].as_str().unwrap();
    assert!(me.read_resource(ReadResourceRequestParams::new(uri)).await.is_ok());
    assert!(you.read_resource(ReadResourceRequestParams::new(uri)).await.is_err());
    assert!(you.list_resources(None).await.unwrap().resources.is_empty());
    let stolen = json!({"image": uri, "instruction": "x"});
    assert_eq!(bad(&result(&you, "edit_image", stolen).await)["error"], "not_found");
    let listed = json!({"conversation": made["conversation"]});
    assert_eq!(bad(&result(&you, "list_edits", listed.clone()).await)["error"], "not_found");
    // Another session of the same caller can go on with a conversation, and has one of its own.
    let again = house.with_session(&mine).await;
    assert_eq!(good(result(&again, "list_edits", listed).await)["current"], "e1");
    assert_eq!(good(result(&again, "list_edits", json!({})).await)["current"], Value::Null);
}

#[tokio::test]
async fn without_sessions_conversations_are_named() {
    let (keys, mine, yours) = two_keys();
    let house = House::open(keys).await;
    let (me, you) = (house.without_session(&mine).await, house.without_session(&yours).await);
    let made = good(result(&me, "edit_image", warmer()).await);
    let refused = bad(&result(&me, "refine_edit", json!({"instruction": "brighter"})).await);
    assert_eq!(refused["error"], "no_current_edit");
    let further = json!({"instruction": "brighter", "conversation": made["conversation"]});
    assert_eq!(bad(&result(&you, "refine_edit", further.clone()).await)["error"], "not_found");
    let refined = good(result(&me, "refine_edit", further.clone()).await);
    assert_eq!((&refined["parent"], &refined["budget_left"]["edits"]), (&json!("e1"), &json!(0)));
    assert_eq!(bad(&result(&me, "refine_edit", further).await)["error"], "budget_exhausted");
    assert!(!me.service().heard.lock().unwrap().is_empty(), "progress comes along");
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",
    "capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}"#;

fn post(house: &House, headers: &[(&str, &str)], body: &str) -> reqwest::RequestBuilder {
    let request = reqwest::Client::new().post(house.url());
    let request = request.header("accept", "application/json, text/event-stream");
    let request = request.header("content-type", "application/json");
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(body.to_owned())
}

#[tokio::test]
async fn nobody_speaks_in_the_session_of_another() {
    let (keys, mine, yours) = two_keys();
    let house = House::open(keys).await;
    let bearer = |key: &str| format!("Bearer {key}");
    let my_key = bearer(&mine);
    let begun = post(&house, &[("authorization", &*my_key)], INITIALIZE).send().await.unwrap();
    assert_eq!(begun.status(), 200);
    let session = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let own = [("authorization", &*my_key), ("mcp-session-id", &*session)];
    let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(post(&house, &own, ready).send().await.unwrap().status(), 202);
    let ping = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    let client = reqwest::Client::new();
    for (key, status) in [(&yours, 404), (&mine, 200)] {
        let key = bearer(key);
        let headers = [("authorization", &*key), ("mcp-session-id", &*session)];
        assert_eq!(post(&house, &headers, ping).send().await.unwrap().status(), status);
        let with = |request: reqwest::RequestBuilder| {
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
        };
        let stream = with(client.get(house.url()).header("accept", "text/event-stream")).send().await.unwrap();
        assert_eq!(stream.status(), status);
        drop(stream);
        let ended = with(client.delete(house.url())).send().await.unwrap().status();
        assert_eq!(ended, if status == 200 { 204 } else { 404 });
    }
    assert_eq!(post(&house, &own, ping).send().await.unwrap().status(), 404, "it has ended");
    for headers in [vec![], vec![("authorization", "Bearer es-wrong")]] {
        assert_eq!(post(&house, &headers, INITIALIZE).send().await.unwrap().status(), 401);
    }
}

#[tokio::test]
async fn without_keys_only_this_machine_may_call_and_no_page_of_another_site() {
    let house = House::open(Keys::default()).await;
    let own = format!("http://{}", house.address);
    for (headers, status) in [
        (vec![], 200),
        (vec![("origin", &*own)], 200),
        (vec![("origin", "http://evil.example")], 403),
        (vec![("host", "evil.example")], 403),
    ] {
        assert_eq!(post(&house, &headers, INITIALIZE).send().await.unwrap().status(), status, "{headers:?}");
    }
    let large = format!("{{\"jsonrpc\":\"2.0\",\"x\":\"{}\"}}", "y".repeat(house.service.settings().body_bytes));
    let answered = post(&house, &[], &large).send().await;
    assert!(answered.is_err() || answered.is_ok_and(|answer| answer.status() == 413));
    for (body, headers) in [
        ("", vec![]),
        ("{}", vec![]),
        ("[]", vec![]),
        ("null", vec![]),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, vec![]),
        (r#"{"jsonrpc":"2.0","id":1,"method":"nothing"}"#, vec![("mcp-protocol-version", "2026-07-28")]),
        (INITIALIZE, vec![("mcp-session-id", "nothing")]),
        (INITIALIZE, vec![("mcp-protocol-version", "1999-01-01")]),
    ] {
        let status = post(&house, &headers, body).send().await.unwrap().status();
        assert!(status.is_client_error(), "{body} {headers:?} {status}");
    }
    for method in ["GET", "DELETE", "PUT", "PATCH", "OPTIONS"] {
        let request = reqwest::Client::new().request(method.parse().unwrap(), house.url());
        let status = request.send().await.unwrap().status();
        assert!(status.is_client_error(), "{method} {status}");
    }
}

#[tokio::test]
async fn a_caller_cannot_begin_sessions_without_end() {
    let house = House::open(Keys::default()).await;
    let mut statuses = Vec::new();
    for _ in 0..258 {
        statuses.push(post(&house, &[], INITIALIZE).send().await.unwrap().status().as_u16());
    }
    assert!(statuses[..256].iter().all(|status| *status == 200) && statuses[257] == 429, "{statuses:?}");
}

#[tokio::test]
async fn a_server_ends_although_clients_listen() {
    let house = House::open(Keys::default()).await;
    let client = Listener::new(ProtocolVersion::V_2025_11_25)
        .serve(StreamableHttpClientTransport::with_client(
            reqwest::Client::new(),
            StreamableHttpClientTransportConfig::with_uri(house.url()),
        ))
        .await
        .unwrap();
    good(result(&client, "list_recipes", json!({})).await);
    house.end.send(()).unwrap();
    // Well within the time that is allowed for requests under way.
    let ended = tokio::time::timeout(house.service.settings().drain / 2, house.ended).await;
    ended.expect("it ends").unwrap().unwrap();
}
