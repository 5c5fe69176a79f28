//! Which items a plugin died of: suspects are tried alone, and what kills it alone so often is not given to it any more.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use editscale_core::{Digest, EditItem, Image, Proposal, RewardItem, Start, Until};

/// What decides an item: pictures, instruction, seed, knobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// Its first digits, for messages.
    pub(crate) fn short(self) -> String {
        self.0.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }

    /// That of several items which are only ever tried together.
    pub(crate) fn of_all(keys: &[Self]) -> Self {
        match keys {
            [one] => *one,
            several => {
                let mut words = Words::new("set");
                several.iter().for_each(|key| words.bytes(&key.0));
                words.end()
            }
        }
    }
}

/// A digest of words, each told apart from the next.
struct Words(blake3::Hasher);

impl Words {
    fn new(kind: &str) -> Self {
        let mut words = Self(blake3::Hasher::new());
        words.bytes(kind.as_bytes());
        words
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    fn picture(&mut self, image: Option<&Image>) {
        self.bytes(image.map(Image::digest).as_ref().map_or(&[][..], |digest: &Digest| digest.as_bytes()));
    }

    fn proposal(&mut self, proposal: &Proposal) {
        self.bytes(proposal.instruction.as_bytes());
        self.number(proposal.seed.get());
        match proposal.start {
            Start::Source => self.bytes(b"source"),
            // Their pictures are told besides.
            Start::Candidate(_) => self.bytes(b"candidate"),
            Start::Paused(_) => self.bytes(b"paused"),
        }
        match proposal.until {
            Until::Finished => self.bytes(b"finished"),
            Until::Step(step) => self.number(step.into()),
        }
        for (name, value) in proposal.knobs.iter() {
            self.bytes(name.as_str().as_bytes());
            self.number(value.to_bits());
        }
    }

    fn end(self) -> Key {
        Key(*self.0.finalize().as_bytes())
    }
}

/// That of an edit.
pub(crate) fn edit_key(item: &EditItem) -> Key {
    let mut words = Words::new("edit");
    let request = &item.request;
    words.picture(Some(&request.source));
    words.picture(request.mask.as_ref());
    words.picture(Some(&item.start));
    words.bytes(request.instruction.as_str().as_bytes());
    let size = request.output_size.map_or((0, 0), |size| (size.width, size.height));
    words.number(size.0.into());
    words.number(size.1.into());
    item.path.iter().chain([&item.proposal]).for_each(|proposal| words.proposal(proposal));
    words.end()
}

/// That of a judgement.
pub(crate) fn reward_key(item: &RewardItem) -> Key {
    let mut words = Words::new("score");
    words.picture(Some(&item.request.source));
    words.picture(item.request.mask.as_ref());
    words.picture(Some(&item.candidate));
    words.bytes(item.request.instruction.as_str().as_bytes());
    words.end()
}

/// The most items that are remembered: with more, the plugin is what is wrong.
const MOST: usize = 100_000;

/// What is known of items that were under way when a plugin died.
#[derive(Debug)]
pub(crate) struct Quarantine {
    crashes: u32,
    known: Mutex<BTreeMap<Key, Record>>,
}

#[derive(Debug, Clone, Default)]
struct Record {
    alone: u32,
    reason: String,
}

/// What is to be done with an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may be given together with others.
    Free,
    /// It is tried alone.
    Suspect,
    /// It is not given any more; the words say why.
    Quarantined(String),
}

impl Quarantine {
    /// Where an item that killed the plugin `crashes` times is not given any more.
    pub(crate) fn new(crashes: u32) -> Self {
        Self { crashes: crashes.max(1), known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Key, Record>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn standing(&self, key: Key) -> Standing {
        match self.known().get(&key) {
            None => Standing::Free,
            Some(record) if record.alone < self.crashes => Standing::Suspect,
            Some(Record { alone, reason }) => Standing::Quarantined(format!(
                "item {} is in quarantine: the plugin died of it {alone} times, the last time like this: {reason}",
                key.short()
            )),
        }
    }

    /// It was under way, among others, when the plugin died.
    pub(crate) fn suspect(&self, key: Key) {
        record(&mut self.known(), key);
    }

    /// It was all that was under way when the plugin died.
    pub(crate) fn blame(&self, key: Key, reason: &str) {
        let mut known = self.known();
        let record = record(&mut known, key);
        record.alone += 1;
        reason.clone_into(&mut record.reason);
    }

    /// The plugin answered it.
    pub(crate) fn clear(&self, key: Key) {
        self.known().remove(&key);
    }

    /// How many items are in quarantine.
    pub(crate) fn count(&self) -> usize {
        self.known().values().filter(|record| record.alone >= self.crashes).count()
    }
}

/// What is known of an item. Where too many are remembered, another one makes room for it.
fn record(known: &mut BTreeMap<Key, Record>, key: Key) -> &mut Record {
    if known.len() >= MOST && !known.contains_key(&key) {
        known.pop_first();
    }
    known.entry(key).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_an_item_stays_while_it_is_blamed() {
        let quarantine = Quarantine::new(2);
        let key = |number: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&(number as u64).to_be_bytes());
            Key(key)
        };
        (0..MOST).for_each(|number| quarantine.suspect(key(number)));
        quarantine.blame(key(0), "first");
        quarantine.blame(key(0), "second");
        assert!(matches!(quarantine.standing(key(0)), Standing::Quarantined(_)));
        quarantine.suspect(key(MOST));
        assert_eq!(quarantine.known().len(), MOST);
    }

    #[test]
    fn only_what_kills_alone_is_locked_away() {
        let quarantine = Quarantine::new(2);
        let [guilty, innocent] = [Key([1; 32]), Key([2; 32])];
        quarantine.suspect(guilty);
        quarantine.suspect(innocent);
        assert_eq!(quarantine.standing(guilty), Standing::Suspect);
        quarantine.blame(guilty, "first");
        quarantine.clear(innocent);
        assert_eq!((quarantine.standing(guilty), quarantine.count()), (Standing::Suspect, 0));
        quarantine.blame(guilty, "second");
        assert!(matches!(quarantine.standing(guilty), Standing::Quarantined(words) if words.ends_with("second")));
        assert_eq!((quarantine.standing(innocent), quarantine.count()), (Standing::Free, 1));
    }
}
