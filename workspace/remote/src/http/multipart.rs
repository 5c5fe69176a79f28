//! Bodies: built once, sent as often as it takes. A copy is a count in memory, not the bytes.

use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use reqwest::header::HeaderValue;

/// A body and its media type.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    pub(crate) media: HeaderValue,
    pub(crate) bytes: Bytes,
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
    bytes: std::borrow::Cow<'a, [u8]>,
}

impl<'a> Multipart<'a> {
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.fields.push(Field { name: name.to_owned(), file: None, bytes: value.as_bytes().to_vec().into() });
    }

    pub(crate) fn file(
        &mut self,
        name: &str,
        file: String,
        media: &'static str,
        bytes: impl Into<std::borrow::Cow<'a, [u8]>>,
    ) {
        self.fields.push(Field { name: name.to_owned(), file: Some((file, media)), bytes: bytes.into() });
    }

    /// The whole form. The boundary is one that no field holds.
    pub(crate) fn finish(self) -> Payload {
        let boundary = self.boundary();
        let length: usize = self.fields.iter().map(|field| field.bytes.len() + 256).sum();
        let mut body = BytesMut::with_capacity(length + 64);
        for field in &self.fields {
            body.extend_from_slice(field.head(&boundary).as_bytes());
            body.extend_from_slice(&field.bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let media = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"));
        // A boundary is letters, digits and dashes: it always fits.
        let media = media.unwrap_or_else(|_| HeaderValue::from_static("multipart/form-data"));
        Payload { media, bytes: body.freeze() }
    }

    fn boundary(&self) -> String {
        let mut number = 0_u64;
        loop {
            let boundary = format!("editscale-part-{number:016x}");
            let is_free = |field: &Field<'_>| memmem::find(&field.bytes, boundary.as_bytes()).is_none();
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
        assert_eq!(payload.bytes, expected[..]);
        assert_eq!(payload.media, "multipart/form-data; boundary=editscale-part-0000000000000000");
    }

    #[test]
    fn a_field_cannot_end_the_form() {
        let mut form = Multipart::default();
        form.text("prompt", "--editscale-part-0000000000000000--");
        let payload = form.finish();
        assert!(payload.media.to_str().unwrap().ends_with("0000000000000001"));
    }
}
