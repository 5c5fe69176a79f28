//! Jobs, as every dialect has them in which work is submitted and then asked about.

use crate::server::request::Asked;
use crate::server::{JobPlace, ServerFault, State};

/// Work that was submitted.
pub(in crate::server) struct Job {
    /// The picture's file.
    pub(super) file: Vec<u8>,
    /// Looks until it is done.
    left: usize,
    is_cancelled: bool,
    is_ended: bool,
}

impl Job {
    pub(in crate::server) fn is_cancelled(&self) -> bool {
        self.is_cancelled
    }
}

/// How a job stands.
pub(super) enum Stand {
    Queued,
    /// At work: so many of four steps are done.
    Working(usize),
    Done,
    Cancelled,
}

/// Takes a job in. Its name is counted.
pub(super) fn submit(state: &mut State, made: String, file: Vec<u8>) -> String {
    let id = format!("job-{}", state.jobs.len() + 1);
    state.made.push(made);
    let job = Job { file, left: state.looks, is_cancelled: false, is_ended: false };
    state.jobs.insert(id.clone(), job);
    let under_way = state.jobs.values().filter(|job| !job.is_ended).count();
    state.most_jobs = state.most_jobs.max(under_way);
    id
}

/// One look at a job; nothing where there is no such job.
pub(super) fn look(state: &mut State, id: &str) -> Option<Stand> {
    let (stays, looks) = (state.jobs_stay.filter(|_| !state.is_open), state.looks);
    let job = state.jobs.get_mut(id)?;
    if job.is_cancelled {
        return Some(Stand::Cancelled);
    }
    match stays {
        Some(JobPlace::Queued) => return Some(Stand::Queued),
        Some(JobPlace::Working) => return Some(Stand::Working(1)),
        None if job.left == 0 => {
            job.is_ended = true;
            return Some(Stand::Done);
        }
        None => {}
    }
    job.left -= 1;
    Some(if job.left + 1 == looks && looks > 1 { Stand::Queued } else { Stand::Working(4 - job.left.min(4)) })
}

/// Cancels a job that has not ended; whether it was there and had not.
pub(super) fn cancel(state: &mut State, id: &str) -> bool {
    let Some(job) = state.jobs.get_mut(id).filter(|job| !job.is_ended) else { return false };
    (job.is_cancelled, job.is_ended) = (true, true);
    true
}

/// The host that a client knows the server by.
pub(super) fn host(asked: &Asked) -> String {
    asked.header("host").unwrap_or_default().to_owned()
}

/// The addresses of a job's pictures, which lie among the server's files.
pub(super) fn results(state: &mut State, asked: &Asked, id: &str, fault: Option<&ServerFault>) -> Vec<String> {
    let name = format!("{id}.png");
    let file = state.jobs[id].file.clone();
    state.files.entry(name.clone()).or_insert((200, Vec::new(), file));
    let url = format!("http://{}/files/{name}", host(asked));
    match fault {
        Some(ServerFault::Address(address)) => vec![address.clone()],
        Some(ServerFault::Base64(text)) => vec![format!("data:image/png;base64,{text}")],
        _ => vec![url; ServerFault::pictures(fault)],
    }
}
