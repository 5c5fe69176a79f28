//! The servers that have one model.

use std::num::NonZeroU32;

use super::rules::{HeaderName, ServerAddress, VariableName};
use crate::document::tree::{Entry, Node, Value};
use crate::document::yaml::Yaml;
use crate::fields::{Fields, Map};
use crate::key::{Absent, Key, Keys, Section};
use crate::report::mistakes::Mistake;
use crate::rule::{Text, Whole};

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// Its address, to which the paths of a dialect are appended.
    pub url: String,
    /// Where its secret is.
    pub secret: Option<SecretPlace>,
    /// The header that carries the secret, where it is not the usual one of the dialect.
    pub secret_header: Option<String>,
    /// Calls that it works on at a time.
    pub concurrency: NonZeroU32,
    /// The most calls a minute in the long run.
    pub per_minute: Option<NonZeroU32>,
    /// Calls at once after a quiet time, where calls a minute are limited.
    pub burst: Option<NonZeroU32>,
}

/// Where a secret is; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// An environment variable.
    Environment(String),
    /// A file.
    File(String),
}

/// How a server is shown a secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SecretHeader {
    /// `Authorization: Bearer SECRET`.
    #[default]
    Bearer,
    /// A header of this name with nothing but the secret, such as `api-key`.
    Named(String),
    /// `Authorization: SCHEME SECRET` with this scheme, such as `Key`.
    Scheme(String),
}

pub const SERVERS: Section = Section {
    name: "servers",
    allowed: "a list of servers, at least one",
    default: "required",
    meaning: "the servers that have the model; several are replicas, and each call goes to the one that has least to do",
};

const URL: Key<ServerAddress> = Key {
    name: "url",
    rule: ServerAddress,
    absent: Absent::Refused,
    meaning: "its address up to and with the version, to which the paths of its dialect are appended",
};

const SECRET_ENV: Key<VariableName> = Key {
    name: "secret_env",
    rule: VariableName,
    absent: Absent::Unset("no secret"),
    meaning: "the environment variable that holds its secret; the secret itself is never in a recipe",
};

const SECRET_FILE: Key<Text> = Key {
    name: "secret_file",
    rule: Text,
    absent: Absent::Unset("no secret"),
    meaning: "the file that holds its secret, from the folder in which the program runs",
};

const SECRET_HEADER: Key<HeaderName> = Key {
    name: "secret_header",
    rule: HeaderName,
    absent: Absent::Unset("as the dialect has it"),
    meaning: "the header that carries the secret and nothing else, such as `api-key`; usually it is `Authorization: Bearer`",
};

const CONCURRENCY: Key<Whole> = Key {
    name: "concurrency",
    rule: Whole { low: 1, high: 4096 },
    absent: Absent::Default(1),
    meaning: "calls that it works on at a time",
};

const PER_MINUTE: Key<Whole> = Key {
    name: "per_minute",
    rule: Whole { low: 1, high: 1_000_000 },
    absent: Absent::Unset("no limit"),
    meaning: "the most calls a minute in the long run; pauses that the server asks for are kept in any case",
};

const BURST: Key<Whole> = Key {
    name: "burst",
    rule: Whole { low: 1, high: 1_000_000 },
    absent: Absent::Unset("as many as `concurrency`"),
    meaning: "calls at once after a quiet time, where `per_minute` is set",
};

pub const SERVER_KEYS: Keys = &[&URL, &SECRET_ENV, &SECRET_FILE, &SECRET_HEADER, &CONCURRENCY, &PER_MINUTE, &BURST];

const HINT: &str = "a first one is `servers: [{url: \"http://127.0.0.1:8000/v1\"}]`";

/// The servers, if there are any and all are right.
pub(super) fn read_servers(fields: &Fields<'_>) -> Option<Vec<ServerSettings>> {
    let Some(entry) = fields.entry(SERVERS.name) else { return fields.lacking(SERVERS.name, HINT) };
    let items = fields.list(entry)?;
    if items.is_empty() {
        let mistake = Mistake::new("`servers` is empty: expected at least one server").hint(HINT);
        fields.error(entry.place(), mistake);
        return None;
    }
    items.iter().for_each(|item| hide_unknown(item, fields));
    let read = |item| ServerSettings::read(&Map::item("a server", item).read(SERVER_KEYS, fields.mistakes())?);
    let servers: Vec<Option<ServerSettings>> = items.iter().map(read).collect();
    let servers: Vec<ServerSettings> = servers.into_iter().collect::<Option<_>>()?;
    for (place, server) in servers.iter().enumerate() {
        let bare = |server: &ServerSettings| server.url.trim_end_matches('/').to_owned();
        if servers.iter().take(place).any(|earlier| bare(earlier) == bare(server)) {
            let mistake = Mistake::new(format!("there are two servers at {}", server.url))
                .hint("raise `concurrency` where one server takes more calls at a time");
            fields.error(entry.place(), mistake);
        }
    }
    Some(servers)
}

/// What stands under a key that no server has may be a secret that was meant for it.
fn hide_unknown(item: &Node, fields: &Fields<'_>) {
    let Value::Map(entries) = &item.value else { return };
    let is_known = |entry: &&Entry| SERVER_KEYS.iter().any(|key| key.name() == entry.key);
    entries.iter().filter(|entry| !is_known(entry)).for_each(|entry| fields.mistakes().hide(&entry.node.span));
}

impl ServerSettings {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let url = fields.take(&URL);
        let (variable, file) = (fields.take(&SECRET_ENV), fields.take(&SECRET_FILE));
        let secret_header = fields.take(&SECRET_HEADER);
        let count = |key: &Key<Whole>| fields.take(key).and_then(|count| NonZeroU32::new(count as u32));
        let (concurrency, per_minute, burst) = (count(&CONCURRENCY), count(&PER_MINUTE), count(&BURST));
        Self::check(fields, url.as_deref());
        let secret = variable.map(SecretPlace::Environment).or(file.map(SecretPlace::File));
        Some(Self { url: url?, secret, secret_header, concurrency: concurrency?, per_minute, burst })
    }

    /// What the keys are to each other.
    fn check(fields: &Fields<'_>, url: Option<&str>) {
        let has_secret = fields.has(SECRET_ENV.name) || fields.has(SECRET_FILE.name);
        if fields.has(SECRET_ENV.name) && fields.has(SECRET_FILE.name) {
            let mistake = Mistake::new("`secret_env` and `secret_file` cannot both be given").hint("keep one of them");
            fields.error(&fields.span_of(SECRET_FILE.name), mistake);
        }
        if fields.has(SECRET_HEADER.name) && !has_secret {
            let mistake = Mistake::new("`secret_header` has no meaning without a secret")
                .hint("add `secret_env`, or leave `secret_header` out");
            fields.error(&fields.span_of(SECRET_HEADER.name), mistake);
        }
        if fields.has(BURST.name) && !fields.has(PER_MINUTE.name) {
            let mistake = Mistake::new("`burst` has no meaning without `per_minute`").hint("leave `burst` out");
            fields.error(&fields.span_of(BURST.name), mistake);
        }
        if has_secret && url.is_some_and(|url| url.starts_with("http://") && !super::rules::is_this_machine(url)) {
            let mistake = Mistake::new("the secret travels unencrypted: anybody on the way can read it")
                .hint("write `https://`, if the server has it");
            fields.mistakes().warn(&fields.span_of(URL.name), mistake);
        }
    }

    pub(super) fn write(&self) -> Yaml {
        let count = |count: NonZeroU32| u64::from(count.get());
        let (variable, file) = match &self.secret {
            Some(SecretPlace::Environment(variable)) => (Some(variable), None),
            Some(SecretPlace::File(file)) => (None, Some(file)),
            None => (None, None),
        };
        let written = [
            URL.write(Some(&self.url)),
            SECRET_ENV.write(variable),
            SECRET_FILE.write(file),
            SECRET_HEADER.write(self.secret_header.as_ref()),
            CONCURRENCY.write(Some(&count(self.concurrency))),
            PER_MINUTE.write(self.per_minute.map(count).as_ref()),
            BURST.write(self.burst.map(count).as_ref()),
        ];
        Yaml::Map(written.into_iter().flatten().collect())
    }
}
