//! What the database says when it cannot, in words for people.

use rusqlite::{Error, ErrorCode};

use crate::queue::QueueError;

pub(super) fn unusable(queue: &str, reason: impl Into<String>) -> QueueError {
    QueueError::Unusable { queue: queue.to_owned(), reason: reason.into() }
}

/// Tells passing trouble from what needs somebody to look after it.
pub(super) fn trouble(queue: &str, error: &Error) -> QueueError {
    let Some(code) = error.sqlite_error_code() else {
        return unusable(queue, error.to_string());
    };
    let meaning = match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            let reason = format!("other processes have written to it for too long: {error}");
            return QueueError::Away { queue: queue.to_owned(), reason };
        }
        ErrorCode::DiskFull => {
            "the disk is full, or a limit on its use is reached; nothing was lost, make room and start again"
        }
        ErrorCode::ReadOnly => "it cannot be written: a file, its folder or the disk is read-only",
        ErrorCode::NotADatabase => "expected a work queue, found a file that is no SQLite database",
        ErrorCode::DatabaseCorrupt => {
            "it is damaged; keep a copy and begin a new one, packs that exist are found again"
        }
        ErrorCode::CannotOpen => "its file cannot be opened; does the folder exist, and may this user write there?",
        ErrorCode::SystemIoFailure => "the disk failed",
        ErrorCode::PermissionDenied => "this user may not read or write it",
        _ => return unusable(queue, error.to_string()),
    };
    unusable(queue, format!("{meaning} ({error})"))
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn only_a_busy_database_is_worth_waiting_for() {
        let say = |code| trouble("q", &Error::SqliteFailure(ffi::Error::new(code), None));
        assert!(matches!(say(ffi::SQLITE_BUSY), QueueError::Away { .. }));
        for (code, words) in [
            (ffi::SQLITE_FULL, "disk is full"),
            (ffi::SQLITE_READONLY, "read-only"),
            (ffi::SQLITE_NOTADB, "no SQLite database"),
            (ffi::SQLITE_CORRUPT, "damaged"),
            (ffi::SQLITE_CANTOPEN, "cannot be opened"),
            (ffi::SQLITE_IOERR, "disk failed"),
        ] {
            let error = say(code);
            assert!(matches!(error, QueueError::Unusable { .. }) && error.to_string().contains(words), "{error}");
        }
    }
}
