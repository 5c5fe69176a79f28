//! A client that costs little: one connection, one request at a time.

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Who is asked.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Such as `http://127.0.0.1:8080`.
    pub(crate) url: String,
    pub(crate) key: Option<String>,
    pub(crate) reward: Option<String>,
}

impl Target {
    fn address(&self) -> Result<&str> {
        let rest = self.url.strip_prefix("http://").context("expected a URL that begins with http://")?;
        Ok(rest.trim_end_matches('/'))
    }

    /// A whole request about these.
    pub(crate) fn question(&self, source: &[u8], candidates: &[&[u8]]) -> Result<Vec<u8>> {
        let url = |file: &[u8]| format!("data:image/png;base64,{}", STANDARD.encode(file));
        let item = |candidate: &&[u8]| serde_json::json!({"instruction": "make it warmer", "source": url(source), "candidate": url(candidate)});
        let items: Vec<_> = candidates.iter().map(item).collect();
        let mut body = serde_json::json!({"items": items});
        if let Some(reward) = &self.reward {
            body["reward"] = reward.as_str().into();
        }
        let (body, address) = (body.to_string(), self.address()?);
        let key = self.key.as_ref().map(|key| format!("authorization: Bearer {key}\r\n")).unwrap_or_default();
        let head = format!("POST /v1/score HTTP/1.1\r\nhost: {address}\r\n{key}content-type: application/json\r\n");
        Ok(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes())
    }

    pub(crate) async fn connect(&self) -> Result<Line> {
        let stream = TcpStream::connect(self.address()?).await.with_context(|| format!("cannot reach {}", self.url))?;
        stream.set_nodelay(true)?;
        Ok(Line { stream, read: Vec::with_capacity(4096) })
    }
}

/// A connection that is kept.
pub(crate) struct Line {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Line {
    /// Asks, and tells the status of the answer. An item without a score counts as status 0.
    pub(crate) async fn ask(&mut self, question: &[u8]) -> Result<u16> {
        self.stream.write_all(question).await?;
        self.read.clear();
        let (end, length) = loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                bail!("the server hung up");
            }
            let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.read[..end])?.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
            break (end + 4, length.unwrap_or(0_usize));
        };
        while self.read.len() < end + length {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                bail!("the server hung up");
            }
        }
        let status = std::str::from_utf8(self.read.get(9..12).unwrap_or_default())?.parse()?;
        let failed = self.read[end..].windows(8).any(|words| words == b"\"error\":");
        Ok(if failed && status == 200 { 0 } else { status })
    }
}
