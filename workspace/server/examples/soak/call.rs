//! Calls of a server, as a client makes them that has one connection, and a server as a child process.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_picture::{EncodeOptions, Metadata, Pixels, encode};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A server in a process of its own, which ends with this.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it and waits until it says where it is.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).spawn()?;
        let stdout = child.stdout.take().context("no stdout")?;
        for line in std::io::BufRead::lines(std::io::BufReader::new(stdout)) {
            if let Some((_, address)) = line?.split_once("http://") {
                return Ok(Self { child, address: address.trim().parse()? });
            }
        }
        bail!("the server did not start")
    }

    /// kill -9, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Memory in RAM, in bytes, where the system says so in a file.
    #[allow(dead_code, reason = "not every program asks")]
    pub(crate) fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A client with one connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    host: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    #[allow(dead_code, reason = "not every program asks")]
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), host: address.to_string() })
    }

    /// Asks and waits for the answer. `headers` are whole lines.
    pub(crate) async fn ask(&mut self, line: &str, headers: &str, body: &str) -> Result<Answer> {
        let (host, length) = (&self.host, body.len());
        let request = format!(
            "{line} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let mut first = String::new();
        self.stream.read_line(&mut first).await?;
        let status = first.split(' ').nth(1).context("the connection ended")?.parse()?;
        let (mut length, mut retry_after) = (0, None);
        loop {
            let mut header = String::new();
            self.stream.read_line(&mut header).await?;
            match header.trim_end().split_once(": ") {
                Some(("content-length", value)) => length = value.parse()?,
                Some(("retry-after", value)) => retry_after = value.parse().ok(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Answer { status, retry_after, body })
    }
}

/// What a run of this recipe is asked for with.
pub(crate) fn wish(recipe: &str) -> Result<String> {
    let pixels = Pixels::new(4, 4, vec![[0.5, 0.4, 0.3]; 16]).context("no picture")?;
    let bytes = encode(&pixels, &Metadata::default(), EncodeOptions::PNG)?;
    let image = format!("data:image/png;base64,{}", STANDARD.encode(bytes));
    Ok(json!({"image": image, "instruction": "make it warmer", "recipe": recipe}).to_string())
}
