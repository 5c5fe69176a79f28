//! Bodies: built once, sent as often as it takes. A copy is a count in memory, not the bytes.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use reqwest::header::HeaderValue;

use super::pieces::Pieces;

/// A body and its media type.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    pub(crate) media: HeaderValue,
    pub(crate) bytes: Pieces,
}

impl Payload {
    /// A JSON text.
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self { media: HeaderValue::from_static("application/json"), bytes: value.to_string().into_bytes().into() }
    }
}

/// A form with files (RFC 7578), field by field.
#[derive(Debug, Default)]
pub(crate) struct Multipart<'a> {
    fields: Vec<Field<'a>>,
}

#[derive(Debug)]
struct Field<'a> {
    name: String,
    /// The file's name and media type, where it is one.
    file: Option<(String, &'static str)>,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    Copied(Cow<'a, [u8]>),
    /// A file that is sent from where it is.
    Shared(Bytes),
}

impl AsRef<[u8]> for Content<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Copied(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl<'a> Multipart<'a> {
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        let content = Content::Copied(value.as_bytes().to_vec().into());
        self.fields.push(Field { name: name.to_owned(), file: None, content });
    }

    pub(crate) fn file(&mut self, name: &str, file: String, media: &'static str, bytes: impl Into<Cow<'a, [u8]>>) {
        let content = Content::Copied(bytes.into());
        self.fields.push(Field { name: name.to_owned(), file: Some((file, media)), content });
    }

    /// A file that is not copied.
    pub(crate) fn shared(&mut self, name: &str, file: String, media: &'static str, bytes: Arc<[u8]>) {
        let content = Content::Shared(Bytes::from_owner(bytes));
        self.fields.push(Field { name: name.to_owned(), file: Some((file, media)), content });
    }

    /// The whole form. The boundary is one that no field holds.
    pub(crate) fn finish(self) -> Payload {
        let boundary = self.boundary();
        let (mut pieces, mut copied) = (Pieces::default(), BytesMut::new());
        for field in self.fields {
            copied.extend_from_slice(field.head(&boundary).as_bytes());
            match field.content {
                Content::Copied(bytes) => copied.extend_from_slice(&bytes),
                Content::Shared(bytes) => {
                    pieces.push(copied.split().freeze());
                    pieces.push(bytes);
                }
            }
            copied.extend_from_slice(b"\r\n");
        }
        copied.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        pieces.push(copied.freeze());
        let media = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"));
        // A boundary is letters, digits and dashes: it always fits.
        let media = media.unwrap_or_else(|_| HeaderValue::from_static("multipart/form-data"));
        Payload { media, bytes: pieces }
    }

    fn boundary(&self) -> String {
        let mut number = 0_u64;
        loop {
            let boundary = format!("editscale-part-{number:016x}");
            let is_free = |field: &Field<'_>| memmem::find(field.content.as_ref(), boundary.as_bytes()).is_none();
            if self.fields.iter().all(is_free) {
                return boundary;
            }
            number += 1;
        }
    }
}

impl Field<'_> {
    fn head(&self, boundary: &str) -> String {
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(&self.name));
        match &self.file {
            // Writing to a text cannot fail.
            Some((name, media)) => {
                _ = write!(head, "; filename=\"{}\"\r\nContent-Type: {media}\r\n\r\n", quoted(name));
            }
            None => head.push_str("\r\n\r\n"),
        }
        head
    }
}

/// As browsers quote names in forms.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_what_the_standard_says() {
        let mut form = Multipart::default();
        form.text("prompt", "a \"b\"\nc");
        form.file("image", "source.png".to_owned(), "image/png", &b"\x89PNG"[..]);
        let payload = form.finish();
        let expected = b"--editscale-part-0000000000000000\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n\
            a \"b\"\nc\r\n--editscale-part-0000000000000000\r\nContent-Disposition: form-data; name=\"image\"; \
            filename=\"source.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--editscale-part-0000000000000000--\r\n";
        assert_eq!(payload.bytes.concat(), expected[..]);
        assert_eq!(payload.media, "multipart/form-data; boundary=editscale-part-0000000000000000");
        let mut shared = Multipart::default();
        shared.text("prompt", "a \"b\"\nc");
        shared.shared("image", "source.png".to_owned(), "image/png", Arc::from(&b"\x89PNG"[..]));
        let shared = shared.finish();
        assert_eq!((shared.bytes.concat(), shared.bytes.len()), (expected.to_vec(), expected.len()));
    }

    #[test]
    fn a_field_cannot_end_the_form() {
        let mut form = Multipart::default();
        form.text("prompt", "--editscale-part-0000000000000000--");
        let payload = form.finish();
        assert!(payload.media.to_str().unwrap().ends_with("0000000000000001"));
    }
}
