//! What Google's services write beside the words of an error (`google.rpc`): when to come back, and what has run out.

use std::time::Duration;

use serde_json::Value;

use super::error::ErrorClass;
use super::words::beginning;

/// The `details` of an error, as far as they change what is done about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Details {
    /// `RetryInfo.retryDelay`.
    pub(crate) after: Option<Duration>,
    /// Whether an allowance has run out that comes back tomorrow at the earliest.
    runs_out_daily: bool,
    /// Whether an allowance has run out that comes back within a minute.
    runs_out_shortly: bool,
    /// Whether the key is not known, which comes under status 400.
    is_bad_key: bool,
}

impl Details {
    /// Reads a body; one of another service has none.
    pub(crate) fn of(body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(beginning(body)) else { return Self::default() };
        // Routes that stream answer with a list of one.
        let error = body.get(0).unwrap_or(&body).get("error");
        let details = error.and_then(|error| error["details"].as_array());
        let mut all = Self::default();
        details.into_iter().flatten().for_each(|detail| all.add(detail));
        all
    }

    fn add(&mut self, detail: &Value) {
        let kind = detail["@type"].as_str().and_then(|name| name.rsplit('.').next()).unwrap_or_default();
        match kind {
            "RetryInfo" => self.after = detail["retryDelay"].as_str().and_then(duration),
            "ErrorInfo" => self.is_bad_key |= detail["reason"] == "API_KEY_INVALID",
            "QuotaFailure" => {
                let ids =
                    detail["violations"].as_array().into_iter().flatten().filter_map(|each| each["quotaId"].as_str());
                for id in ids {
                    self.runs_out_daily |= id.contains("PerDay");
                    self.runs_out_shortly |= id.contains("PerMinute");
                }
            }
            _ => {}
        }
    }

    /// The class, given the one that status and words make it. Their words for a limit of a minute are those for an
    /// account that is out of money, so that only the details tell.
    pub(crate) fn class(self, status: u16, class: ErrorClass) -> ErrorClass {
        match status {
            400 if self.is_bad_key => ErrorClass::Auth,
            429 if self.runs_out_daily => ErrorClass::Quota,
            429 if self.runs_out_shortly || self.after.is_some() => ErrorClass::Overloaded,
            _ => class,
        }
    }
}

/// A duration as protobuf writes it in JSON: `27s`, `27.5s`.
fn duration(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.strip_suffix('s')?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn details_tell_a_busy_minute_from_an_empty_account() {
        let quota =
            |id: &str| json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": id}]});
        let retry = |delay: &str| json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay});
        let minute = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier");
        let day = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier");
        for (details, class, after) in [
            (vec![minute.clone(), retry("27.5s")], ErrorClass::Overloaded, Some(27_500)),
            (vec![minute.clone()], ErrorClass::Overloaded, None),
            (vec![retry("3s")], ErrorClass::Overloaded, Some(3000)),
            (vec![minute, day, retry("3s")], ErrorClass::Quota, Some(3000)),
            (vec![retry("soon")], ErrorClass::Quota, None),
            (vec![retry("-3s")], ErrorClass::Quota, None),
            (vec![json!(7)], ErrorClass::Quota, None),
            (vec![], ErrorClass::Quota, None),
        ] {
            let body = json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": details}});
            for body in [body.clone(), json!([body])] {
                let found = Details::of(body.to_string().as_bytes());
                assert_eq!(found.class(429, ErrorClass::Quota), class, "{body}");
                assert_eq!(found.after, after.map(Duration::from_millis), "{body}");
            }
        }
        // Nobody has so much to say, and its values could be many more bytes than their text.
        let body = json!({"error": {"details": [retry("3s")]}, "more": vec![0; 1 << 20]});
        assert_eq!(Details::of(body.to_string().as_bytes()), Details::default());
        assert_eq!(Details::of(b"Internal Server Error"), Details::default());
        assert_eq!(Details::of(b"{\"error\":\"text\"}"), Details::default());
    }
}
