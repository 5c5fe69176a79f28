//! A WebSocket to a named server (RFC 6455). The handshake goes through the same client as everything else, with its
//! secret, its proxy and its certificates; frames are read by `tungstenite`, within limits.

use reqwest::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use reqwest::{Upgraded, Url};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::client::Http;
use super::endpoint::Endpoint;

const KEY: HeaderName = HeaderName::from_static("sec-websocket-key");
const VERSION: HeaderName = HeaderName::from_static("sec-websocket-version");

/// A WebSocket.
pub(crate) type Socket = WebSocketStream<Upgraded>;

/// Opens one. A message longer than `most_bytes` ends it.
pub(crate) async fn open(http: &Http, home: &Endpoint, url: Url, most_bytes: usize) -> Result<Socket, String> {
    let key = generate_key();
    let mut headers: HeaderMap = home.headers().clone();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(VERSION, HeaderValue::from_static("13"));
    headers.insert(KEY, HeaderValue::from_str(&key).map_err(|error| error.to_string())?);
    let upgraded = http.upgrade(url, headers).await;
    let (answer, stream) = upgraded.map_err(|broken| home.hide(&broken.to_string()))?;
    let accepted = answer.get("sec-websocket-accept").and_then(|value| value.to_str().ok());
    if accepted != Some(derive_accept_key(key.as_bytes()).as_str()) {
        return Err("the server took the handshake for something else".to_owned());
    }
    let limits = WebSocketConfig::default().max_message_size(Some(most_bytes)).max_frame_size(Some(most_bytes));
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, Some(limits)).await)
}
