//! The file itself: made, or checked that it is the queue that it should be.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::alive::{self, Alive};
use super::batch::Batch;
use super::clock;
use super::trouble::{trouble, unusable};
use crate::queue::{QueueError, QueueRules};

/// `edQu`: what the file says that it is.
const APPLICATION: i64 = 0x6564_5175;
/// The version of the schema that is written and read.
const VERSION: i64 = 1;
/// How often a busy database is tried, a few milliseconds apart: for about ten seconds.
const BUSY_TRIES: i32 = 2000;

/// An open queue.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    facts: Facts,
    _alive: Alive,
}

/// What all transactions of one open queue share.
#[derive(Debug)]
pub(super) struct Facts {
    /// The file, for messages.
    pub(super) queue: String,
    pub(super) rules: QueueRules,
    /// The number of this worker.
    pub(super) worker: i64,
    /// Where the lock files of all workers lie.
    pub(super) workers: PathBuf,
}

impl Database {
    pub(super) fn open(path: &Path, rules: QueueRules, name: &str) -> Result<Self, QueueError> {
        let queue = path.display().to_string();
        refuse_network(path).map_err(|reason| unusable(&queue, reason))?;
        let say = |error: rusqlite::Error| trouble(&queue, &error);
        let mut connection = Connection::open(path).map_err(say)?;
        connection.busy_handler(Some(wait_a_little)).map_err(say)?;
        recognize(&connection, &queue)?;
        configure(&connection).map_err(say)?;
        let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(say)?;
        make(&begun, rules, name).map_err(say)?;
        recognize(&begun, &queue)?;
        agree(&begun, &queue, (rules, name))?;
        end_leases_of_another_boot(&begun).map_err(say)?;
        let workers = path.with_file_name("workers");
        let disk = |error: std::io::Error| unusable(&queue, format!("{}: {error}", workers.display()));
        let alive = Alive::begin(&workers).map_err(disk)?;
        let worker = enlist(&begun, &workers, alive.name()).map_err(say)?;
        begun.commit().map_err(say)?;
        Ok(Self { connection, facts: Facts { queue, rules, worker, workers }, _alive: alive })
    }

    pub(super) fn queue(&self) -> &str {
        &self.facts.queue
    }

    pub(super) fn begin(&mut self, behavior: TransactionBehavior) -> rusqlite::Result<Batch<'_>> {
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        Ok(Batch::new(transaction, &self.facts))
    }
}

fn wait_a_little(tries: i32) -> bool {
    thread::sleep(Duration::from_millis(if tries < 100 { 1 } else { 5 }));
    tries < BUSY_TRIES
}

/// Refuses what is no queue, or one of a later version, before anything is written to it.
fn recognize(connection: &Connection, queue: &str) -> Result<(), QueueError> {
    let read =
        |what| connection.query_row(what, [], |row| row.get::<_, i64>(0)).map_err(|error| trouble(queue, &error));
    let (application, version) = (read("PRAGMA application_id")?, read("PRAGMA user_version")?);
    let is_empty = read("SELECT count(*) FROM sqlite_master")? == 0;
    match (application, version) {
        (0, 0) if is_empty => Ok(()),
        (APPLICATION, VERSION) => Ok(()),
        (APPLICATION, newer) => {
            Err(unusable(queue, format!("expected a work queue of version {VERSION}, found version {newer}")))
        }
        _ => Err(unusable(queue, "expected a work queue, found another program's SQLite database")),
    }
}

/// A commit is safe from a kill of any process; after a loss of power, the last few may have to be done again.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match mode {
            // Two processes that make the file at once: SQLite does not ask the busy handler here.
            Err(error) if is_busy(&error) && wait_a_little(tries) => tries += 1,
            Err(error) => return Err(error),
            Ok(_) => break,
        }
    }
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY")
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

fn make(begun: &Transaction<'_>, rules: QueueRules, name: &str) -> rusqlite::Result<()> {
    let there = begun.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0))?;
    if there > 0 {
        return Ok(());
    }
    begun.execute_batch(include_str!("schema.sql"))?;
    let lease = i64::try_from(rules.lease.as_millis()).unwrap_or(i64::MAX);
    let insert = "INSERT INTO facts (one, name, lease_ms, deliveries, boot) VALUES (1, ?1, ?2, ?3, ?4)";
    begun.execute(insert, params![name, lease, rules.deliveries, clock::boot()])?;
    begun.execute_batch(&format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}"))
}

/// Whether the queue is the one of this run. Other rules than before are taken over: they bind whoever comes from here on.
fn agree(begun: &Transaction<'_>, queue: &str, (rules, name): (QueueRules, &str)) -> Result<(), QueueError> {
    let say = |error: rusqlite::Error| trouble(queue, &error);
    let found: Option<String> =
        begun.query_row("SELECT name FROM facts", [], |row| row.get(0)).optional().map_err(say)?;
    let found = found.ok_or_else(|| unusable(queue, "it is damaged: it does not say what run it belongs to"))?;
    if found != name {
        return Err(unusable(queue, format!("it belongs to another run: expected {name}, found {found}")));
    }
    let lease = i64::try_from(rules.lease.as_millis()).unwrap_or(i64::MAX);
    begun.execute("UPDATE facts SET lease_ms = ?1, deliveries = ?2", params![lease, rules.deliveries]).map_err(say)?;
    Ok(())
}

/// Times of another boot mean nothing, and whoever held a lease then is gone.
fn end_leases_of_another_boot(begun: &Transaction<'_>) -> rusqlite::Result<()> {
    let boot = clock::boot();
    if begun.execute("UPDATE facts SET boot = ?1 WHERE boot <> ?1", [&boot])? > 0 {
        begun.execute("UPDATE items SET due = 0 WHERE state IN (0, 1) AND due > 0", [])?;
    }
    Ok(())
}

/// Numbers a worker, and strikes off those that have ended: their leases are over.
fn enlist(begun: &Transaction<'_>, workers: &Path, name: &str) -> rusqlite::Result<i64> {
    let mut list = begun.prepare("SELECT id, name FROM workers")?;
    let known: Vec<(i64, String)> =
        list.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    for (id, other) in known {
        if alive::has_ended(workers, &other) {
            begun.execute("UPDATE items SET due = 0 WHERE state = 1 AND worker = ?1", [id])?;
            begun.execute("DELETE FROM workers WHERE id = ?1", [id])?;
            alive::bury(workers, &other);
        }
    }
    begun.execute("INSERT INTO workers (name) VALUES (?1)", [name])?;
    Ok(begun.last_insert_rowid())
}

/// Machines that share a network file system do not see each other's shared memory, which the queue lives by.
fn refuse_network(path: &Path) -> Result<(), String> {
    let Some(name) = network(path) else { return Ok(()) };
    Err(format!(
        "it lies on a network file system ({name}), where SQLite does not keep what it was given; put the queue on a disk of \
         this machine, or use `--shard` or NATS"
    ))
}

#[cfg(target_os = "linux")]
fn network(path: &Path) -> Option<&'static str> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let kind = rustix::fs::statfs(folder).ok()?.f_type;
    let known: [(u32, &str); 8] = [
        (0x6969, "NFS"),
        (0x0BD0_0BD0, "Lustre"),
        (0xFF53_4D42, "CIFS"),
        (0xFE53_4D42, "SMB"),
        (0x4750_4653, "GPFS"),
        (0x1983_0326, "BeeGFS"),
        (0x00C3_6400, "Ceph"),
        (0x5346_414F, "AFS"),
    ];
    known.into_iter().find(|(magic, _)| *magic == kind as u32).map(|(_, name)| name)
}

#[cfg(not(target_os = "linux"))]
fn network(_path: &Path) -> Option<&'static str> {
    None
}
