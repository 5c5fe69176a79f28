//! Where items stand, in a few bytes each: what they are and how they ended is read from the journal when it is asked for.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::journal::Journal;
use super::line::Line;
use crate::queue::{End, Entry, GiveBack, Item, Lease, LeaseToken, QueueError, QueueRules, Recorded, Spent, Tallies};

/// Leases of all queues of a process have numbers of their own.
static LEASES: AtomicU64 = AtomicU64::new(1);

/// A queue in the hands of this process.
#[derive(Debug)]
pub(super) struct State {
    journal: Journal,
    rules: QueueRules,
    items: Items,
}

#[derive(Debug, Default)]
struct Items {
    slots: Vec<Slot>,
    waiting: BTreeSet<u64>,
    /// Given back, and when they wait again.
    later: BTreeSet<(Instant, u64)>,
    leased: HashMap<u64, Held>,
    /// Spent on items that were given back.
    vain: HashMap<u64, Spent>,
    tallies: Tallies,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Where the line is that entered it.
    entered: u64,
    /// Where the line is that ended it; 0 while it has not.
    ended: u64,
    deliveries: u32,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    lease: u64,
    until: Instant,
}

impl State {
    pub(super) fn open(folder: &std::path::Path, rules: QueueRules, name: &str) -> Result<Self, QueueError> {
        let mut items = Items::default();
        let journal = Journal::open(folder, name, |at, line| items.happened(at, &line))?;
        Ok(Self { journal, rules, items })
    }

    /// Writes down what happened, and then lets it happen.
    fn write(&mut self, lines: &[Line]) -> Result<(), QueueError> {
        let places = self.journal.append(lines)?;
        for (at, line) in places.into_iter().zip(lines) {
            self.items.happened(at, line).map_err(|reason| self.journal.unusable(reason))?;
        }
        Ok(())
    }

    pub(super) fn enter(&mut self, entries: Vec<Entry>) -> Result<(), QueueError> {
        let known = self.items.tallies.entered;
        let fresh: Vec<Entry> = entries.into_iter().filter(|entry| item_of(entry).ordinal >= known).collect();
        for (expected, entry) in (known..).zip(&fresh) {
            let found = item_of(entry).ordinal;
            if self.items.tallies.is_complete {
                return Err(self
                    .journal
                    .unusable(format!("all {known} items had been entered, and item {found} comes now")));
            }
            if found != expected {
                let reason = format!("expected item {expected} to be entered next, found item {found}");
                return Err(self.journal.unusable(reason));
            }
        }
        self.write(&fresh.into_iter().map(Line::Entered).collect::<Vec<_>>())
    }

    pub(super) fn complete(&mut self) -> Result<(), QueueError> {
        if self.items.tallies.is_complete { Ok(()) } else { self.write(&[Line::Complete]) }
    }

    pub(super) fn lease(&mut self, most: usize) -> Result<Vec<Lease>, QueueError> {
        self.take_back()?;
        let ordinals: Vec<u64> = self.items.waiting.iter().take(most).copied().collect();
        if ordinals.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<Item> = ordinals.iter().map(|ordinal| self.item(*ordinal)).collect::<Result<_, _>>()?;
        self.write(&[Line::Leased(ordinals)])?;
        let until = deadline(self.rules.lease);
        let leases = found.into_iter().map(|item| {
            let lease = LEASES.fetch_add(1, Ordering::Relaxed);
            self.items.leased.insert(item.ordinal, Held { lease, until });
            let delivery = self.items.slot(item.ordinal).map_or(1, |slot| slot.deliveries);
            Lease { item, delivery, token: LeaseToken(lease.to_string()) }
        });
        Ok(leases.collect())
    }

    /// Lets items wait whose time has come: those given back, and those whose lease is over.
    fn take_back(&mut self) -> Result<(), QueueError> {
        let now = Instant::now();
        while let Some((due, ordinal)) = self.items.later.first().copied().filter(|(due, _)| *due <= now) {
            self.items.later.remove(&(due, ordinal));
            self.items.waiting.insert(ordinal);
        }
        let over: Vec<u64> =
            self.items.leased.iter().filter(|(_, held)| held.until <= now).map(|(ordinal, _)| *ordinal).collect();
        for ordinal in over {
            let deliveries = self.items.slot(ordinal).map_or(0, |slot| slot.deliveries);
            if deliveries < self.rules.deliveries {
                self.items.let_wait(ordinal);
                continue;
            }
            let reason = "its worker ended or fell silent each time, the last one without a word".to_owned();
            let spent = self.items.vain.get(&ordinal).copied().unwrap_or_default();
            let end = End::Dead { reason, deliveries, spent };
            self.write(&[Line::Ended { ordinal, end, spent: Spent::default() }])?;
        }
        Ok(())
    }

    fn item(&mut self, ordinal: u64) -> Result<Item, QueueError> {
        let slot = self.known(ordinal)?;
        match self.journal.read(slot.entered)? {
            Line::Entered(Entry::Work(item) | Entry::Skipped { item, .. }) => Ok(item),
            other => {
                Err(self.journal.unusable(format!("expected item {ordinal} at byte {}, found {other:?}", slot.entered)))
            }
        }
    }

    fn known(&self, ordinal: u64) -> Result<Slot, QueueError> {
        self.items.slot(ordinal).ok_or_else(|| self.journal.unusable(format!("it has no item {ordinal}")))
    }

    fn holds(&self, lease: &Lease) -> Result<(), QueueError> {
        let held = self.items.leased.get(&lease.item.ordinal);
        let is_held = held.is_some_and(|held| held.lease.to_string() == lease.token.0);
        if is_held { Ok(()) } else { Err(QueueError::LeaseLost { ordinal: lease.item.ordinal }) }
    }

    pub(super) fn extend(&mut self, lease: &Lease) -> Result<(), QueueError> {
        self.holds(lease)?;
        if let Some(held) = self.items.leased.get_mut(&lease.item.ordinal) {
            held.until = deadline(self.rules.lease);
        }
        Ok(())
    }

    pub(super) fn end(&mut self, ordinal: u64, end: End) -> Result<Recorded, QueueError> {
        if self.known(ordinal)?.ended > 0 {
            return Ok(Recorded::Already);
        }
        let spent = match &end {
            End::Done(done) => done.spent,
            End::Dead { spent, .. } => *spent,
            End::Skipped { .. } => Spent::default(),
        };
        self.write(&[Line::Ended { ordinal, end, spent }])?;
        Ok(Recorded::First)
    }

    pub(super) fn give_back(&mut self, lease: &Lease, why: GiveBack) -> Result<Option<End>, QueueError> {
        self.holds(lease)?;
        let ordinal = lease.item.ordinal;
        let (after, reason, spent) = match why {
            GiveBack::Stopping => return self.write(&[Line::Stopped(ordinal)]).map(|()| None),
            GiveBack::InUse { after } => {
                self.write(&[Line::Stopped(ordinal)])?;
                self.put_off(ordinal, after);
                return Ok(None);
            }
            GiveBack::Again { after, reason, spent } => (after, reason, spent),
        };
        let deliveries = self.known(ordinal)?.deliveries;
        if deliveries >= self.rules.deliveries {
            let vain = self.items.vain.get(&ordinal).copied().unwrap_or_default();
            let end = End::Dead { reason, deliveries, spent: vain + spent };
            self.write(&[Line::Ended { ordinal, end: end.clone(), spent }])?;
            return Ok(Some(end));
        }
        self.write(&[Line::Again { ordinal, spent }])?;
        self.put_off(ordinal, after);
        Ok(None)
    }

    /// Keeps an item that waits from being handed out for a time.
    fn put_off(&mut self, ordinal: u64, after: Duration) {
        if !after.is_zero() {
            self.items.waiting.remove(&ordinal);
            self.items.later.insert((deadline(after), ordinal));
        }
    }

    pub(super) fn ended(&mut self, from: u64, most: usize) -> Result<Vec<(Item, End)>, QueueError> {
        let mut found = Vec::new();
        for ordinal in (from..self.items.tallies.entered).take(most) {
            let Some(slot) = self.items.slot(ordinal).filter(|slot| slot.ended > 0) else { break };
            let end = match self.journal.read(slot.ended)? {
                Line::Ended { end, .. } => end,
                Line::Entered(Entry::Skipped { reason, .. }) => End::Skipped { reason },
                other => {
                    let reason = format!("expected the end of item {ordinal} at byte {}, found {other:?}", slot.ended);
                    return Err(self.journal.unusable(reason));
                }
            };
            found.push((self.item(ordinal)?, end));
        }
        Ok(found)
    }

    pub(super) fn reopen(&mut self, ordinal: u64) -> Result<(), QueueError> {
        let slot = self.known(ordinal)?;
        if slot.ended == 0 {
            return Ok(());
        }
        match self.journal.read(slot.ended)? {
            Line::Ended { end: End::Done(done), .. } => {
                self.write(&[Line::Reopened { ordinal, candidates: Some(done.candidates) }])
            }
            Line::Ended { end: End::Dead { .. }, .. } => self.write(&[Line::Reopened { ordinal, candidates: None }]),
            _ => Err(self.journal.unusable(format!("item {ordinal} was skipped: its row cannot be used"))),
        }
    }

    pub(super) fn tallies(&self) -> Tallies {
        let leased = self.items.leased.len() as u64;
        Tallies { leased, waiting: (self.items.waiting.len() + self.items.later.len()) as u64, ..self.items.tallies }
    }
}

impl Items {
    fn slot(&self, ordinal: u64) -> Option<Slot> {
        self.slots.get(usize::try_from(ordinal).ok()?).copied()
    }

    fn slot_mut(&mut self, ordinal: u64) -> Result<&mut Slot, String> {
        let index = usize::try_from(ordinal).unwrap_or(usize::MAX);
        self.slots.get_mut(index).ok_or_else(|| format!("item {ordinal} was never entered"))
    }

    /// Takes an item from wherever it waits or is held.
    fn take(&mut self, ordinal: u64) {
        self.leased.remove(&ordinal);
        self.waiting.remove(&ordinal);
        self.later.retain(|(_, later)| *later != ordinal);
    }

    fn let_wait(&mut self, ordinal: u64) {
        self.leased.remove(&ordinal);
        self.waiting.insert(ordinal);
    }

    /// What a line of the journal does, be it read or just written.
    fn happened(&mut self, at: u64, line: &Line) -> Result<(), String> {
        match line {
            Line::Entered(entry) => return self.entered(at, entry),
            Line::Complete => self.tallies.is_complete = true,
            Line::Leased(ordinals) => {
                // Read from the file, it is the lease of a process that has ended.
                let until = Instant::now();
                for ordinal in ordinals {
                    self.slot_mut(*ordinal)?.deliveries += 1;
                    self.take(*ordinal);
                    self.leased.insert(*ordinal, Held { lease: 0, until });
                }
            }
            Line::Stopped(ordinal) => {
                let slot = self.slot_mut(*ordinal)?;
                slot.deliveries = slot.deliveries.saturating_sub(1);
                self.let_wait(*ordinal);
            }
            Line::Again { ordinal, spent } => {
                self.slot_mut(*ordinal)?;
                *self.vain.entry(*ordinal).or_default() += *spent;
                self.tallies.spent += *spent;
                self.let_wait(*ordinal);
            }
            Line::Ended { ordinal, end, spent } => return self.ended(at, (*ordinal, end, *spent)),
            Line::Reopened { ordinal, candidates } => return self.reopened(*ordinal, *candidates),
        }
        Ok(())
    }

    fn entered(&mut self, at: u64, entry: &Entry) -> Result<(), String> {
        let ordinal = item_of(entry).ordinal;
        if ordinal != self.tallies.entered {
            return Err(format!("expected item {}, found item {ordinal}", self.tallies.entered));
        }
        let is_skipped = matches!(entry, Entry::Skipped { .. });
        self.tallies.entered += 1;
        self.slots.push(Slot { entered: at, ended: if is_skipped { at } else { 0 }, deliveries: 0 });
        if is_skipped {
            self.tallies.skipped += 1;
        } else {
            self.waiting.insert(ordinal);
        }
        Ok(())
    }

    fn reopened(&mut self, ordinal: u64, candidates: Option<u32>) -> Result<(), String> {
        let slot = self.slot_mut(ordinal)?;
        (slot.ended, slot.deliveries) = (0, 0);
        self.waiting.insert(ordinal);
        let ended = if candidates.is_some() { &mut self.tallies.done } else { &mut self.tallies.dead };
        *ended = ended.saturating_sub(1);
        self.tallies.candidates = self.tallies.candidates.saturating_sub(u64::from(candidates.unwrap_or(0)));
        Ok(())
    }

    fn ended(&mut self, at: u64, (ordinal, end, spent): (u64, &End, Spent)) -> Result<(), String> {
        self.slot_mut(ordinal)?.ended = at;
        self.take(ordinal);
        self.vain.remove(&ordinal);
        self.tallies.spent += spent;
        self.tallies.count(end);
        Ok(())
    }
}

fn item_of(entry: &Entry) -> &Item {
    match entry {
        Entry::Work(item) | Entry::Skipped { item, .. } => item,
    }
}

fn deadline(after: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(after).unwrap_or(now + Duration::from_secs(1 << 30))
}
