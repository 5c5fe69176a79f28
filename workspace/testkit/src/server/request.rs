//! A request as the server reads it, forms taken apart.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The method and the path.
    pub line: String,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The fields of a form.
    pub fields: Vec<Field>,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The file's name and media type, where it is one.
    pub file: Option<(String, String)>,
    /// Its value.
    pub bytes: Vec<u8>,
}

impl Asked {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a field that is a text.
    pub fn text(&self, name: &str) -> Option<String> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        Some(String::from_utf8_lossy(&field.bytes).into_owned())
    }

    /// A file of the form.
    pub fn file(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name && field.file.is_some())
    }

    /// The form in words: `NAME = VALUE`, and files as `NAME = FILE (MEDIA, N bytes)`.
    pub fn form(&self) -> Vec<String> {
        let say = |field: &Field| match &field.file {
            Some((file, media)) => format!("{} = {file} ({media}, {} bytes)", field.name, field.bytes.len()),
            None => format!("{} = {}", field.name, String::from_utf8_lossy(&field.bytes)),
        };
        self.fields.iter().map(say).collect()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

pub(super) fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let line = format!("{} {}", words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let mut asked = Asked { line, headers, fields: Vec::new(), body: Vec::new() };
    let length = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body).ok()?;
    let boundary = asked.header("content-type").and_then(|kind| kind.split("boundary=").nth(1).map(str::to_owned));
    if let Some(boundary) = boundary {
        asked.fields = fields(&asked.body, &boundary);
    }
    Some(asked)
}

fn fields(body: &[u8], boundary: &str) -> Vec<Field> {
    let mark = format!("--{boundary}");
    let parts = split(body, mark.as_bytes());
    parts.into_iter().filter_map(field).collect()
}

fn field(part: &[u8]) -> Option<Field> {
    let end = find(part, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&part[..end]);
    let quoted = |name: &str| {
        let rest = head.split(&format!("; {name}=\"")).nth(1)?;
        rest.split('"').next().map(str::to_owned)
    };
    let media = head.split("Content-Type: ").nth(1).map(|rest| rest.lines().next().unwrap_or_default().to_owned());
    let bytes = part[end + 4..].strip_suffix(b"\r\n")?.to_vec();
    Some(Field { name: quoted("name")?, file: quoted("filename").zip(media), bytes })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = find(rest, mark) {
        parts.push(&rest[..at]);
        rest = &rest[at + mark.len()..];
    }
    parts
}
