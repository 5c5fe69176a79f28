//! What a transaction does to items: every method is a request or a part of one.

use std::time::Duration;

use rusqlite::types::ToSql;
use rusqlite::{CachedStatement, OptionalExtension, Row, Transaction, params};

use super::alive;
use super::clock;
use super::database::Facts;
use super::trouble::unusable;
use crate::Place;
use crate::queue::{End, Entry, GiveBack, Item, Lease, LeaseToken, QueueError, Recorded, Spent, Tallies};

const WAITING: i64 = 0;
const LEASED: i64 = 1;
const DONE: i64 = 2;
const SKIPPED: i64 = 3;
const DEAD: i64 = 4;

/// One transaction.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    transaction: Transaction<'a>,
    facts: &'a Facts,
    /// What the transaction adds to the tallies; written once, at its end.
    change: Change,
}

/// What becomes of the tallies.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Change {
    entered: i64,
    /// By state.
    states: [i64; 5],
    candidates: i64,
    spent: Spent,
}

impl Change {
    fn moved(&mut self, from: i64, to: i64) {
        for (state, by) in [(from, -1), (to, 1)] {
            if let Some(count) = self.states.get_mut(state as usize) {
                *count += by;
            }
        }
    }

    fn born(&mut self, state: i64) {
        self.entered += 1;
        if let Some(count) = self.states.get_mut(state as usize) {
            *count += 1;
        }
    }
}

/// A leased item as it stands.
struct Held {
    state: i64,
    lease: Option<i64>,
    deliveries: u32,
    vain: Spent,
}

impl<'a> Batch<'a> {
    pub(super) fn new(transaction: Transaction<'a>, facts: &'a Facts) -> Self {
        Self { transaction, facts, change: Change::default() }
    }

    pub(super) fn commit(self) -> rusqlite::Result<()> {
        if self.change != Change::default() {
            self.write_change()?;
        }
        self.transaction.commit()
    }

    fn write_change(&self) -> rusqlite::Result<()> {
        let Change { entered, states: [waiting, leased, done, skipped, dead], candidates, spent } = self.change;
        let update = "UPDATE tallies SET entered = entered + ?1, waiting = waiting + ?2, leased = leased + ?3, \
            done = done + ?4, skipped = skipped + ?5, dead = dead + ?6, candidates = candidates + ?7, edits = edits + ?8, \
            reward_calls = reward_calls + ?9, nfe = nfe + ?10, tokens = tokens + ?11, usd_micros = usd_micros + ?12, \
            wall_secs = wall_secs + ?13";
        let counts: [i64; 12] = [
            entered,
            waiting,
            leased,
            done,
            skipped,
            dead,
            candidates,
            spent.edits as i64,
            spent.reward_calls as i64,
            spent.nfe as i64,
            spent.tokens as i64,
            spent.usd_micros as i64,
        ];
        let mut values: Vec<&dyn ToSql> = counts.iter().map(|count| count as &dyn ToSql).collect();
        values.push(&spent.wall_secs);
        self.cached(update)?.execute(values.as_slice())?;
        Ok(())
    }

    fn cached(&self, text: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.transaction.prepare_cached(text)
    }

    fn unusable(&self, reason: String) -> QueueError {
        unusable(&self.facts.queue, reason)
    }

    /// Enters what was not entered before.
    pub(super) fn enter(&mut self, entries: &[Entry]) -> rusqlite::Result<Result<(), QueueError>> {
        let before = self.tallies()?;
        let fresh = entries.iter().filter(|entry| entry.item().ordinal >= before.entered);
        for (expected, entry) in (before.entered..).zip(fresh) {
            let item = entry.item();
            if before.is_complete {
                let reason =
                    format!("all {} items had been entered, and item {} comes now", before.entered, item.ordinal);
                return Ok(Err(self.unusable(reason)));
            }
            if item.ordinal != expected {
                let reason = format!("expected item {expected} to be entered next, found item {}", item.ordinal);
                return Ok(Err(self.unusable(reason)));
            }
        }
        for entry in entries.iter().filter(|entry| entry.item().ordinal >= before.entered) {
            self.insert(entry)?;
        }
        Ok(Ok(()))
    }

    fn insert(&mut self, entry: &Entry) -> rusqlite::Result<()> {
        let (state, ending) = match entry {
            Entry::Work(_) => (WAITING, None),
            Entry::Skipped { reason, .. } => (SKIPPED, Some(json(&End::Skipped { reason: reason.clone() }))),
        };
        let Item { ordinal, row, repeat, place } = entry.item();
        let insert = "INSERT INTO items (ordinal, line, repeat, place, state, ending) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.cached(insert)?.execute(params![*ordinal as i64, *row as i64, repeat, place.0, state, ending])?;
        self.change.born(state);
        Ok(())
    }

    pub(super) fn complete(&mut self) -> rusqlite::Result<()> {
        self.cached("UPDATE tallies SET is_complete = 1")?.execute([])?;
        Ok(())
    }

    /// Whether `lease` would find something, or nothing will ever come.
    pub(super) fn is_worth_leasing(&mut self) -> rusqlite::Result<bool> {
        let waits = "SELECT EXISTS (SELECT 1 FROM items WHERE state = 0 AND due <= ?1) \
            OR EXISTS (SELECT 1 FROM items WHERE state = 1 AND due <= ?1)";
        let waits: bool = self.cached(waits)?.query_row([clock::now()], |row| row.get(0))?;
        Ok(waits || !self.ended_holders()?.is_empty() || self.tallies()?.is_over())
    }

    /// Hands out what waits, lowest ordinals first; before that, takes back what nobody holds any more.
    pub(super) fn lease(&mut self, most: usize) -> rusqlite::Result<Vec<Lease>> {
        self.take_back()?;
        let found: Vec<(Item, u32)> = {
            let waits = "SELECT ordinal, line, repeat, place, deliveries FROM items \
                WHERE state = 0 AND due <= ?1 ORDER BY ordinal LIMIT ?2";
            let mut waits = self.cached(waits)?;
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            waits
                .query_map(params![clock::now(), most], |row| Ok((item(row)?, row.get(4)?)))?
                .collect::<Result<_, _>>()?
        };
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.number_leases(found.len())?;
        let until = self.lease_end();
        let update = "UPDATE items SET state = 1, deliveries = deliveries + 1, due = ?2, lease = ?3, worker = ?4 WHERE ordinal = ?1";
        let mut leases = Vec::with_capacity(found.len());
        for (number, (item, deliveries)) in (first..).zip(found) {
            self.cached(update)?.execute(params![item.ordinal as i64, until, number, self.facts.worker])?;
            self.change.moved(WAITING, LEASED);
            leases.push(Lease { item, delivery: deliveries + 1, token: LeaseToken(number.to_string()) });
        }
        Ok(leases)
    }

    fn number_leases(&self, count: usize) -> rusqlite::Result<i64> {
        let last: i64 = self
            .cached("UPDATE facts SET leases = leases + ?1 RETURNING leases")?
            .query_row([count as i64], |row| row.get(0))?;
        Ok(last - count as i64 + 1)
    }

    fn lease_end(&self) -> i64 {
        after_now(self.facts.rules.lease)
    }

    /// Ends leases whose time is over or whose worker has ended.
    fn take_back(&mut self) -> rusqlite::Result<()> {
        for worker in self.ended_holders()? {
            self.cached("UPDATE items SET due = 0 WHERE state = 1 AND worker = ?1")?.execute([worker])?;
        }
        let over: Vec<(i64, u32, Spent)> = {
            let mut over = self.cached("SELECT ordinal, deliveries, vain FROM items WHERE state = 1 AND due <= ?1")?;
            let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, spent(row, 2)?));
            over.query_map([clock::now()], read)?.collect::<Result<_, _>>()?
        };
        for (ordinal, deliveries, vain) in over {
            if deliveries >= self.facts.rules.deliveries {
                self.finish(ordinal, LEASED, &End::silent(deliveries, vain))?;
            } else {
                self.put_back(ordinal, 0, LEASED)?;
            }
        }
        Ok(())
    }

    /// Workers that hold leases and have ended.
    fn ended_holders(&self) -> rusqlite::Result<Vec<i64>> {
        let held = "SELECT id, name FROM workers WHERE id <> ?1 AND EXISTS (SELECT 1 FROM items WHERE state = 1 AND worker = id)";
        let mut held = self.cached(held)?;
        let holders = held.query_map([self.facts.worker], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        let mut ended = Vec::new();
        for holder in holders {
            let (id, name) = holder?;
            if alive::has_ended(&self.facts.workers, &name) {
                ended.push(id);
            }
        }
        Ok(ended)
    }

    fn put_back(&mut self, ordinal: i64, due: i64, from: i64) -> rusqlite::Result<()> {
        let update = "UPDATE items SET state = 0, due = ?2, lease = NULL, worker = NULL WHERE ordinal = ?1";
        self.cached(update)?.execute([ordinal, due])?;
        self.change.moved(from, WAITING);
        Ok(())
    }

    /// Writes an end down. What it says was spent is counted by the caller.
    fn finish(&mut self, ordinal: i64, from: i64, end: &End) -> rusqlite::Result<()> {
        let state = match end {
            End::Done(done) => {
                self.change.candidates += i64::from(done.candidates);
                DONE
            }
            End::Skipped { .. } => SKIPPED,
            End::Dead { .. } => DEAD,
        };
        let update =
            "UPDATE items SET state = ?2, due = 0, lease = NULL, worker = NULL, ending = ?3 WHERE ordinal = ?1";
        self.cached(update)?.execute(params![ordinal, state, json(end)])?;
        self.change.moved(from, state);
        Ok(())
    }

    fn held(&self, ordinal: u64) -> rusqlite::Result<Option<Held>> {
        let mut held = self.cached("SELECT state, lease, deliveries, vain FROM items WHERE ordinal = ?1")?;
        let read = |row: &Row<'_>| {
            Ok(Held { state: row.get(0)?, lease: row.get(1)?, deliveries: row.get(2)?, vain: spent(row, 3)? })
        };
        held.query_row([ordinal as i64], read).optional()
    }

    /// The item, if this lease still holds it.
    fn held_by(&self, lease: &Lease) -> rusqlite::Result<Option<Held>> {
        let number = lease.token.0.parse::<i64>().ok();
        let held = self.held(lease.item.ordinal)?;
        Ok(held.filter(|held| held.state == LEASED && held.lease.is_some() && held.lease == number))
    }

    pub(super) fn extend(&mut self, lease: &Lease) -> rusqlite::Result<Result<(), QueueError>> {
        if self.held_by(lease)?.is_none() {
            return Ok(Err(lost(lease)));
        }
        let update = "UPDATE items SET due = ?2 WHERE ordinal = ?1";
        self.cached(update)?.execute([lease.item.ordinal as i64, self.lease_end()])?;
        Ok(Ok(()))
    }

    pub(super) fn end(&mut self, ordinal: u64, end: &End) -> rusqlite::Result<Result<Recorded, QueueError>> {
        let Some(held) = self.held(ordinal)? else {
            return Ok(Err(self.unusable(format!("it has no item {ordinal}, which has ended"))));
        };
        if held.state > LEASED {
            return Ok(Ok(Recorded::Already));
        }
        self.finish(ordinal as i64, held.state, end)?;
        self.change.spent += end.spent();
        Ok(Ok(Recorded::First))
    }

    pub(super) fn give_back(
        &mut self,
        lease: &Lease,
        why: GiveBack,
    ) -> rusqlite::Result<Result<Option<End>, QueueError>> {
        let Some(held) = self.held_by(lease)? else { return Ok(Err(lost(lease))) };
        let ordinal = lease.item.ordinal as i64;
        match why {
            GiveBack::Stopping => self.put_back_uncounted(ordinal, 0),
            GiveBack::InUse { after } => self.put_back_uncounted(ordinal, after_now(after)),
            GiveBack::Again { after, reason, spent } => {
                self.change.spent += spent;
                let vain = held.vain + spent;
                if held.deliveries >= self.facts.rules.deliveries {
                    let end = End::Dead { reason, deliveries: held.deliveries, spent: vain };
                    self.finish(ordinal, LEASED, &end)?;
                    return Ok(Ok(Some(end)));
                }
                self.cached("UPDATE items SET vain = ?2 WHERE ordinal = ?1")?.execute(params![ordinal, json(&vain)])?;
                self.put_back(ordinal, after_now(after), LEASED)?;
                Ok(Ok(None))
            }
        }
    }

    /// Puts an item back whose delivery does not count.
    fn put_back_uncounted(&mut self, ordinal: i64, due: i64) -> rusqlite::Result<Result<Option<End>, QueueError>> {
        self.cached("UPDATE items SET deliveries = deliveries - 1 WHERE ordinal = ?1")?.execute([ordinal])?;
        self.put_back(ordinal, due, LEASED)?;
        Ok(Ok(None))
    }

    /// Ends in order, up to the first item that has none.
    pub(super) fn ended(&mut self, from: u64, most: usize) -> rusqlite::Result<Result<Vec<(Item, End)>, QueueError>> {
        let select = "SELECT ordinal, line, repeat, place, state, ending FROM items WHERE ordinal >= ?1 ORDER BY ordinal LIMIT ?2";
        let mut select = self.cached(select)?;
        let (from, most) = (i64::try_from(from).unwrap_or(i64::MAX), i64::try_from(most).unwrap_or(i64::MAX));
        let mut rows = select.query([from, most])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let state: i64 = row.get(4)?;
            if state <= LEASED || row.get::<_, i64>(0)? != from + found.len() as i64 {
                break;
            }
            let ending: String = row.get(5)?;
            match serde_json::from_str(&ending) {
                Ok(end) => found.push((item(row)?, end)),
                Err(error) => {
                    return Ok(Err(self.unusable(format!("the end of an item is damaged: {error}: {ending}"))));
                }
            }
        }
        Ok(Ok(found))
    }

    pub(super) fn reopen(&mut self, ordinal: u64) -> rusqlite::Result<Result<(), QueueError>> {
        let select = "SELECT state, ending FROM items WHERE ordinal = ?1";
        let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?));
        let found = self.cached(select)?.query_row([ordinal as i64], read).optional()?;
        let (state, ending) = match found {
            None => return Ok(Err(self.unusable(format!("it has no item {ordinal} to put back")))),
            Some((SKIPPED, _)) => {
                return Ok(Err(self.unusable(format!("item {ordinal} was skipped: its row cannot be used"))));
            }
            Some((WAITING | LEASED, _)) => return Ok(Ok(())),
            Some((state, ending)) => (state, ending.unwrap_or_default()),
        };
        if let Ok(End::Done(done)) = serde_json::from_str(&ending) {
            self.change.candidates -= i64::from(done.candidates);
        }
        self.cached("UPDATE items SET deliveries = 0, vain = NULL, ending = NULL WHERE ordinal = ?1")?
            .execute([ordinal as i64])?;
        self.put_back(ordinal as i64, 0, state)?;
        Ok(Ok(()))
    }

    pub(super) fn tallies(&mut self) -> rusqlite::Result<Tallies> {
        if self.change != Change::default() {
            self.write_change()?;
            self.change = Change::default();
        }
        self.cached("SELECT * FROM tallies")?.query_row([], |row| {
            let count = |name: &str| row.get::<_, i64>(name).map(|count| count.max(0) as u64);
            Ok(Tallies {
                entered: count("entered")?,
                is_complete: row.get("is_complete")?,
                waiting: count("waiting")?,
                leased: count("leased")?,
                done: count("done")?,
                skipped: count("skipped")?,
                dead: count("dead")?,
                candidates: count("candidates")?,
                spent: Spent {
                    edits: count("edits")?,
                    reward_calls: count("reward_calls")?,
                    nfe: count("nfe")?,
                    tokens: count("tokens")?,
                    usd_micros: count("usd_micros")?,
                    wall_secs: row.get("wall_secs")?,
                },
            })
        })
    }
}

/// A time from now on, on the clock of leases.
fn after_now(time: Duration) -> i64 {
    clock::now().saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    let count = |index: usize| row.get::<_, i64>(index).map(|count| count as u64);
    Ok(Item { ordinal: count(0)?, row: count(1)?, repeat: row.get(2)?, place: Place(row.get(3)?) })
}

/// What was spent in vain; nothing where nothing is written.
fn spent(row: &Row<'_>, index: usize) -> rusqlite::Result<Spent> {
    let text: Option<String> = row.get(index)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

fn lost(lease: &Lease) -> QueueError {
    QueueError::LeaseLost { ordinal: lease.item.ordinal }
}

/// Ends and sums are numbers and texts, which always become JSON.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
