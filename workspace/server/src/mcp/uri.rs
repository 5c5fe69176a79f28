//! The addresses of resources: `editscale://runs/RUN/source`, `…/candidates/N`, `…/trace`.

/// What every one of them begins with.
pub(crate) const SCHEME: &str = "editscale://";

/// The templates, for clients that fill in.
pub(crate) const SOURCE: &str = "editscale://runs/{run}/source";
pub(crate) const CANDIDATE: &str = "editscale://runs/{run}/candidates/{candidate}";
pub(crate) const TRACE: &str = "editscale://runs/{run}/trace";

/// What an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The picture that a run edits.
    Source(String),
    /// A candidate's picture.
    Candidate(String, u32),
    /// A run's trace.
    Trace(String),
}

/// Reads an address; nothing where it is none of ours.
pub(crate) fn read(uri: &str) -> Option<Place> {
    let path = uri.strip_prefix(SCHEME)?.strip_prefix("runs/")?;
    let (run, rest) = path.split_once('/')?;
    let is_name = !run.is_empty() && run.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !is_name {
        return None;
    }
    match rest {
        "source" => Some(Place::Source(run.to_owned())),
        "trace" => Some(Place::Trace(run.to_owned())),
        other => Some(Place::Candidate(run.to_owned(), number(other.strip_prefix("candidates/")?)?)),
    }
}

/// A number written as we write it, so that a picture has one address.
pub(crate) fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number: &u32| number.to_string() == text)
}

pub(crate) fn source(run: &str) -> String {
    format!("{SCHEME}runs/{run}/source")
}

pub(crate) fn candidate(run: &str, candidate: u32) -> String {
    format!("{SCHEME}runs/{run}/candidates/{candidate}")
}

pub(crate) fn trace(run: &str) -> String {
    format!("{SCHEME}runs/{run}/trace")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back_and_nothing_else_does() {
        assert_eq!(read(&source("r1")), Some(Place::Source("r1".to_owned())));
        assert_eq!(read(&candidate("r1", 12)), Some(Place::Candidate("r1".to_owned(), 12)));
        assert_eq!(read(&trace("r1")), Some(Place::Trace("r1".to_owned())));
        for other in [
            "editscale://runs/r1",
            "editscale://runs//source",
            "editscale://runs/../source",
            "editscale://runs/a%2fb/source",
            "editscale://runs/r1/candidates/+1",
            "editscale://runs/r1/candidates/01",
            "editscale://runs/r1/candidates/-1",
            "editscale://runs/r1/candidates/1/image",
            "editscale://runs/r1/journal.jsonl",
            "file:///etc/passwd",
            "http://runs/r1/source",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
