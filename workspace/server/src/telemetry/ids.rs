//! The names under which a request is found again: its own, and that of the trace that it is a part of.

use std::future::Future;

use axum::http::{HeaderMap, HeaderValue};

/// The header of a request's name.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// The header of a trace's name, as the W3C has it.
pub(crate) const TRACE_PARENT: &str = "traceparent";

tokio::task_local! {
    static IDS: TraceIds;
}

/// The names of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceIds {
    /// The request's own, taken over from its client where that is sane.
    pub request: String,
    /// The trace's, in 32 hexadecimal digits.
    pub trace: String,
    /// The caller's span, or one that is made up where there is no caller's trace.
    span: String,
    flags: u8,
}

impl TraceIds {
    /// The names that a request brings, and new ones for what it does not bring.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let request = text(REQUEST_ID).filter(|id| is_sane(id)).map_or_else(|| digits(128), str::to_owned);
        let (trace, span, flags) = text(TRACE_PARENT).and_then(parse).unwrap_or_else(|| (digits(128), digits(64), 1));
        Self { request, trace, span, flags }
    }

    /// As a `traceparent` header says it.
    pub fn parent(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace, self.span, self.flags)
    }

    /// Whether the caller brought its own trace, recorded or not.
    #[cfg(test)]
    fn flags(&self) -> u8 {
        self.flags
    }
}

/// Does something in the name of a request.
pub(crate) fn within<F: Future>(ids: TraceIds, work: F) -> impl Future<Output = F::Output> {
    IDS.scope(ids, work)
}

/// Does something in the name of a request, without waiting for anything.
pub(crate) fn within_sync<T>(ids: Option<TraceIds>, work: impl FnOnce() -> T) -> T {
    match ids {
        Some(ids) => IDS.sync_scope(ids, work),
        None => work(),
    }
}

/// The names of the request that is being answered, where one is.
pub(crate) fn current() -> Option<TraceIds> {
    IDS.try_with(Clone::clone).ok()
}

/// What can stand in a log without breaking it.
fn is_sane(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b'+' | b'='))
}

/// Random hexadecimal digits. Names without chance would still be names, so that nothing fails for want of it.
fn digits(bits: u32) -> String {
    let half = || getrandom::u64().map_or(1, |chance| chance.max(1));
    if bits > 64 { format!("{:016x}{:016x}", half(), half()) } else { format!("{:016x}", half()) }
}

/// `VERSION-TRACE-SPAN-FLAGS` in lower-case hexadecimal digits; later versions may have more behind it.
fn parse(header: &str) -> Option<(String, String, u8)> {
    let mut parts = header.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_some = |text: &str| text.bytes().any(|byte| byte != b'0');
    let is_whole = is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    let is_known = version != "ff" && (version != "00" || parts.next().is_none());
    if !(is_whole && is_known && is_some(trace) && is_some(span)) {
        return None;
    }
    Some((trace.to_owned(), span.to_owned(), u8::from_str_radix(flags, 16).ok()? & 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn of(name: &'static str, value: &str) -> TraceIds {
        TraceIds::of(&[(name.parse().unwrap(), value.parse().unwrap())].into_iter().collect())
    }

    #[test]
    fn sane_names_are_taken_over_and_others_are_not() {
        assert_eq!(of(REQUEST_ID, "a-b_c.1").request, "a-b_c.1");
        for wrong in ["", "a b", "a\"b", &"x".repeat(129), "ä"] {
            let made = of(REQUEST_ID, wrong).request;
            assert!(made.len() == 32 && is_sane(&made), "{wrong}");
        }
        assert_ne!(of(REQUEST_ID, "").request, of(REQUEST_ID, "").request);
    }

    #[test]
    fn traces_are_taken_over_as_the_standard_says() {
        let sent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let ids = of(TRACE_PARENT, &sent);
        assert_eq!((ids.trace.as_str(), ids.flags(), ids.parent()), (TRACE, 1, sent));
        let later = of(TRACE_PARENT, &format!("cc-{TRACE}-00f067aa0ba902b7-01-more"));
        assert_eq!(later.trace, TRACE);
        for wrong in [
            String::new(),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
        ] {
            let made = of(TRACE_PARENT, &wrong);
            assert!(made.trace != TRACE && parse(&made.parent()).is_some(), "{wrong}");
        }
    }
}
