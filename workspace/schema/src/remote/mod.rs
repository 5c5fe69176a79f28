//! What every editor, judge and critic behind HTTP is told: which servers, how they are called, what it costs, and the fields
//! that go into each request.

mod calls;
mod fields;
mod knobs;
mod polls;
mod prices;
mod rules;
mod servers;

pub use calls::{CALL_KEYS, CALLS, CallSettings};
pub use fields::{FIELDS, FieldValue, read_fields, write_fields};
pub use knobs::{KNOB_KEYS, KNOBS, KnobSetting, read_knobs, write_knobs};
pub use polls::{POLL_KEYS, POLLS, PollSettings};
pub use prices::{PRICE_KEYS, PRICES, PriceSettings};
pub use servers::{SERVER_KEYS, SERVERS, SecretHeader, SecretPlace, ServerSettings};

use crate::document::yaml::Yaml;
use crate::fields::Fields;
use crate::key::{Absent, Key};
use crate::rule::{Text, Word};

/// What every editor, judge and critic behind HTTP is told.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteSettings {
    /// The servers, at least one; several are replicas.
    pub servers: Vec<ServerSettings>,
    /// How a secret is shown to a server that names no header for it. No key says so: it follows from what is chosen.
    pub usual_header: SecretHeader,
    /// How they are called.
    pub calls: CallSettings,
    /// What calls cost.
    pub prices: PriceSettings,
    /// What else tells one revision of the answers from another.
    pub revision: Option<String>,
    /// Whether a call that may have been done is sent again.
    pub repeat: Option<RepeatChoice>,
}

/// Whether a call that may have been done is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepeatChoice {
    /// Never.
    Never,
    /// Always: doing it twice harms nobody.
    Harmless,
    /// Under its key, which the server does once.
    Keyed,
}

/// What tells revisions apart.
pub const REVISION: Key<Text> = Key {
    name: "revision",
    rule: Text,
    absent: Absent::Unset("none"),
    meaning: "what else tells one revision of the answers from another, such as the commit of the weights; a run is resumed \
              under the same one only",
};

/// Whether lost calls are sent again.
pub const REPEAT: Key<Word<RepeatChoice>> = Key {
    name: "repeat",
    rule: Word(&[("never", RepeatChoice::Never), ("harmless", RepeatChoice::Harmless), ("keyed", RepeatChoice::Keyed)]),
    absent: Absent::Unset("by the server, see docs/remote.md"),
    meaning: "whether a call whose answer got lost is sent again: never, always because doing it twice harms nobody, or \
              because the server does calls under one `Idempotency-Key` once",
};

impl RemoteSettings {
    /// Reads them among the options of an editor or judge.
    pub fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let servers = servers::read_servers(fields);
        let calls = fields.section(&CALLS, CALL_KEYS, CallSettings::read);
        let prices = fields.section(&PRICES, PRICE_KEYS, PriceSettings::read);
        let (revision, repeat) = (fields.take(&REVISION), fields.take(&REPEAT));
        let usual_header = SecretHeader::default();
        Some(Self { servers: servers?, usual_header, calls: calls?, prices: prices?, revision, repeat })
    }

    /// Whether calls may cost money that the recipe has no prices for: whoever asks for a secret, or stands elsewhere behind
    /// `https`, may send a bill.
    pub fn may_cost(&self) -> bool {
        let is_elsewhere =
            |server: &ServerSettings| server.url.starts_with("https://") && !rules::is_this_machine(&server.url);
        self.servers.iter().any(|server| server.secret.is_some() || is_elsewhere(server))
    }

    /// All that is set, as it stands among the options of an editor or judge.
    pub fn write(&self) -> impl Iterator<Item = (String, Yaml)> + use<> {
        let servers = Yaml::List(self.servers.iter().map(ServerSettings::write).collect());
        let written = [
            Some((SERVERS.name.to_owned(), servers)),
            Some((CALLS.name.to_owned(), self.calls.write())),
            Some((PRICES.name.to_owned(), self.prices.write())),
            REVISION.write(self.revision.as_ref()),
            REPEAT.write(self.repeat.as_ref()),
        ];
        written.into_iter().flatten()
    }
}
