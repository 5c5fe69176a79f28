//! What values that have to do with servers may be.

use crate::document::scalar::Scalar;
use crate::document::yaml::Yaml;
use crate::rule::{Complaint, Rule};

/// The address of a server, without secrets in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerAddress;

/// The longest address.
const LONGEST: usize = 2048;

impl Rule for ServerAddress {
    type Value = String;

    fn read(&self, found: &Scalar) -> Result<String, Complaint> {
        let Scalar::Text(text) = found else { return Err(Complaint::PLAIN) };
        let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
            let is_bare = text.contains('.') && !text.contains("://");
            return Err(if is_bare { Complaint::hint("begin it with `https://`") } else { Complaint::PLAIN });
        };
        if host(rest).contains('@') {
            return Err(Complaint::hint("take the name and password out, and give `secret_env`").secret());
        }
        if text.contains(['?', '#']) {
            return Err(Complaint::hint("leave out what follows `?` and `#`; a key belongs into `secret_env`").secret());
        }
        let is_plain = !text.contains(|character: char| character.is_whitespace() || character.is_control());
        let is_address = !host(rest).is_empty() && is_plain && text.len() <= LONGEST;
        if is_address { Ok(text.clone()) } else { Err(Complaint::PLAIN) }
    }

    fn expected(&self) -> String {
        "an address such as `https://api.example.org/v1`".into()
    }

    fn show(&self, value: &String) -> Yaml {
        Yaml::text(value)
    }
}

fn host(rest: &str) -> &str {
    rest.split('/').next().unwrap_or_default()
}

/// Whether an address leads to this machine.
pub(super) fn is_this_machine(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host(rest);
    let name = host
        .strip_prefix('[')
        .and_then(|rest| rest.split(']').next())
        .unwrap_or_else(|| host.split(':').next().unwrap_or_default());
    let is_loopback = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    name.eq_ignore_ascii_case("localhost") || name == "::1" || name.strip_prefix("127.").is_some_and(is_loopback)
}

/// The name of an environment variable.
#[derive(Debug, Clone, Copy)]
pub(super) struct VariableName;

impl Rule for VariableName {
    type Value = String;

    fn read(&self, found: &Scalar) -> Result<String, Complaint> {
        let Scalar::Text(text) = found else { return Err(Complaint::PLAIN) };
        let bare = text.strip_prefix('$').unwrap_or(text);
        let is_name = bare.len() <= 128
            && bare.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && bare.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
        match (is_name, bare.len() == text.len()) {
            (true, true) => Ok(text.clone()),
            (true, false) => Err(Complaint::hint("write the name without `$`")),
            _ => Err(Complaint::hint("a secret itself is never in a recipe: write the variable's name").secret()),
        }
    }

    fn expected(&self) -> String {
        "the name of an environment variable".into()
    }

    fn show(&self, value: &String) -> Yaml {
        Yaml::text(value)
    }
}

/// The name of a header.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeaderName;

impl Rule for HeaderName {
    type Value = String;

    fn read(&self, found: &Scalar) -> Result<String, Complaint> {
        let Scalar::Text(text) = found else { return Err(Complaint::PLAIN) };
        let is_name = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if is_name { Ok(text.clone()) } else { Err(Complaint::PLAIN.secret()) }
    }

    fn expected(&self) -> String {
        "the name of a header, such as `api-key`".into()
    }

    fn show(&self, value: &String) -> Yaml {
        Yaml::text(value)
    }
}
