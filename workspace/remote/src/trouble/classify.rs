//! From a status, headers and a body to a class.

use std::time::SystemTime;

use serde_json::Value;

use super::error::{ErrorClass, RemoteError};
use super::google::Details;
use super::retry::asked_wait;
use super::words::{Words, short};
use crate::http::client::Reply;
use crate::http::endpoint::Endpoint;

/// What servers call it when they will not make a picture.
const MODERATED: [&str; 7] = [
    "moderation_blocked",
    "content_policy_violation",
    "content_filter",
    "content_filtered",
    "image_safety",
    "PROHIBITED_CONTENT",
    "sensitive_content",
];
const MODERATED_PHRASES: [&str; 5] =
    ["safety system", "content policy", "content management policy", "moderation", "flagged as sensitive"];
/// Parts of names: Volcengine Ark says in one name what was looked at and what was found, such as
/// `InputImageSensitiveContentDetected.PrivacyInformation` or `OutputImageRiskDetection`.
const MODERATED_PARTS: [&str; 3] = ["SensitiveContentDetected", "RiskDetection", "PolicyViolation"];
const QUOTA: [&str; 11] = [
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "budget_exceeded",
    "insufficient_balance",
    "quota_exceeded",
    "AccountOverdueError",
    "OperationDenied.ServiceOverdue",
    "QuotaExceeded",
    "ServiceOverdue",
    "SetLimitExceeded",
];
const QUOTA_PHRASES: [&str; 5] = [
    "exceeded your current quota",
    "insufficient credit",
    "insufficient balance",
    "budget has been exceeded",
    "billing",
];
/// What servers call it when they do not know whoever asks, though they say it under status 400.
const AUTH: [&str; 4] = ["auth_error", "authentication_error", "invalid_api_key", "no_db_connection"];
/// Failures inside the server that come under status 400: Ark's own check of contents did not answer.
const INSIDE: [&str; 1] = ["ContentSecurityDetectionError"];
const DEAD_PHRASES: [&str; 6] =
    ["is dead", "has died", "not running", "enginedead", "engine is shut", "has terminated"];

/// The error in an answer whose status is not one of success.
pub(crate) fn refused(endpoint: &Endpoint, reply: &Reply) -> RemoteError {
    let words = Words::of(&reply.body, |text| endpoint.hide(text));
    let details = Details::of(&reply.body);
    let class = details.class(reply.status, class(reply.status, &words));
    let said = if words.message.is_empty() { "nothing more" } else { &words.message };
    let should_retry: Option<bool> = reply.header("x-should-retry").and_then(|word| word.parse().ok());
    let not_again = if should_retry == Some(false) { "; it says that another attempt makes no sense" } else { "" };
    let advice = advice(endpoint, reply);
    let message = format!("{} answered with status {}: {said}{not_again}{advice}", endpoint.base(), reply.status);
    let request_id = reply.header("x-request-id").map(|text| endpoint.hide(text).chars().take(100).collect());
    RemoteError {
        class,
        message,
        status: Some(reply.status),
        code: words.code.or(words.kind),
        request_id,
        after: asked_wait(reply, SystemTime::now()).or(details.after),
        should_retry,
        // A gateway that lost its server does not know what that one did; and 303 says that it was done.
        maybe_done: matches!(reply.status, 303 | 502 | 504 | 520..=524)
            && reply.header("x-should-retry") != Some("true"),
        cost: None,
    }
}

/// What a user can do about statuses that are seldom a matter of the request: a wrong address, and a server that moved.
fn advice(endpoint: &Endpoint, reply: &Reply) -> String {
    match reply.status {
        404 | 405 => "; is the address right up to and with the version, such as `/v1`?".to_owned(),
        300..400 => {
            let to = reply.header("location").map_or_else(|| "nowhere".to_owned(), |to| short(&endpoint.hide(to)));
            format!(
                "; it leads to {to}, and redirects are not followed with a secret: write the address that it leads to"
            )
        }
        _ => String::new(),
    }
}

/// The error in an event of a stream that had begun well. Whether it is paid for is not known.
pub(crate) fn reported(endpoint: &Endpoint, event: &Value) -> RemoteError {
    let words = Words::of(event.to_string().as_bytes(), |text| endpoint.hide(text));
    // vLLM writes the status that the error would have had as its code. Without one, what is called by none of the known
    // names is a failure inside the server.
    let status = event["error"]["code"].as_u64().filter(|code| (400..600).contains(code));
    let class = match (status, class(status.unwrap_or(400) as u16, &words)) {
        (None, ErrorClass::BadRequest) => ErrorClass::Retryable,
        (_, known) => known,
    };
    let message = format!("{} reported within its answer: {}", endpoint.base(), words.message);
    RemoteError { code: words.code.or(words.kind), ..RemoteError::maybe_done(class, message) }
}

fn class(status: u16, words: &Words) -> ErrorClass {
    let is_named = words.is_called(&MODERATED) || words.is_called_like(&MODERATED_PARTS);
    if status == 451 || (status < 500 && (is_named || words.speaks_of(&MODERATED_PHRASES))) {
        return ErrorClass::Moderated;
    }
    let is_quota = words.is_called(&QUOTA) || words.speaks_of(&QUOTA_PHRASES);
    match status {
        402 => ErrorClass::Quota,
        400 | 403 | 429 if is_quota => ErrorClass::Quota,
        401 | 403 | 407 => ErrorClass::Auth,
        400 if words.is_called(&AUTH) => ErrorClass::Auth,
        400 if words.is_called(&INSIDE) => ErrorClass::Retryable,
        429 | 529 => ErrorClass::Overloaded,
        408 | 409 | 425 => ErrorClass::Retryable,
        501 | 505 => ErrorClass::BadRequest,
        503 if words.speaks_of(&DEAD_PHRASES) => ErrorClass::Dead,
        503 => ErrorClass::Overloaded,
        500..=599 => ErrorClass::Retryable,
        400..=499 => ErrorClass::BadRequest,
        // A redirect is not followed with a picture and a secret in hand; anything else below 400 is no answer at all.
        _ => ErrorClass::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;
    use crate::http::secret::Secret;
    use editscale_schema::remote::SecretHeader;

    fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> RemoteError {
        let secret = Secret::new("sk-verysecret");
        let endpoint = Endpoint::new("https://api.example.org/v1", secret, &SecretHeader::Bearer).unwrap();
        let header = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        let headers = headers.iter().map(header).collect::<HeaderMap>();
        refused(&endpoint, &Reply { status, headers, body: body.to_owned().into() })
    }

    #[test]
    fn wrong_addresses_are_told_of_as_such() {
        let wrong = reply(404, &[], r#"{"detail":"Not Found"}"#);
        assert!(wrong.message.contains("Not Found; is the address right up to and with the version"), "{wrong}");
        let moved = reply(308, &[("location", "https://other.example/v1/?key=sk-verysecret")], "");
        assert!(moved.message.contains("it leads to https://other.example/v1/?key=[secret]"), "{moved}");
        assert!(!reply(400, &[], "no").message.contains("address"));
    }

    #[test]
    fn the_error_table() {
        use ErrorClass::{Auth, BadRequest, Dead, Malformed, Moderated, Overloaded, Quota, Retryable};
        for (status, body, class, words) in [
            // An object under `error`: OpenAI, vLLM (its code is a number), Google.
            (
                400,
                r#"{"error":{"message":"bad size","type":"invalid_request_error","code":null}}"#,
                BadRequest,
                "bad size",
            ),
            (400, r#"{"error":{"message":"no","type":"x","code":"moderation_blocked"}}"#, Moderated, "no"),
            (400, r#"{"error":{"message":"Rejected by our safety system."}}"#, Moderated, "safety system"),
            (429, r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#, Overloaded, "slow down"),
            (429, r#"{"error":{"message":"pay","code":"insufficient_quota"}}"#, Quota, "pay"),
            (400, r#"{"error":{"message":"limit","code":"billing_hard_limit_reached"}}"#, Quota, "limit"),
            (401, r#"{"error":{"message":"Incorrect API key"}}"#, Auth, "Incorrect API key"),
            (404, r#"{"error":{"message":"no such model","code":404}}"#, BadRequest, "no such model"),
            (501, r#"{"error":{"message":"not this API","code":501}}"#, BadRequest, "not this API"),
            (403, r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"no"}}"#, Auth, "no"),
            (500, r#"{"error":{"message":"oh"}}"#, Retryable, "oh"),
            // The LiteLLM proxy without a database, shown a key that it does not know.
            (400, r#"{"error":{"message":"No connected db.","type":"no_db_connection","code":"400"}}"#, Auth, "db"),
            // A text under `error`: stable-diffusion.cpp, SGLang once its backend is gone.
            (400, r#"{"error":"prompt required"}"#, BadRequest, "prompt required"),
            (500, r#"{"error":"server_error","message":"out of memory"}"#, Retryable, "out of memory"),
            (503, r#"{"error":"The backend is dead"}"#, Dead, "The backend is dead"),
            (503, r#"{"error":"busy"}"#, Overloaded, "busy"),
            // `detail`: FastAPI, as a text, a list or an object.
            (400, r#"{"detail":"num_images must be 1"}"#, BadRequest, "num_images must be 1"),
            (
                422,
                r#"{"detail":[{"loc":["body","size"],"msg":"not a size","type":"x"}]}"#,
                BadRequest,
                "body.size: not a size",
            ),
            (402, r#"{"detail":"Insufficient credits"}"#, Quota, "Insufficient credits"),
            (400, r#"{"detail":{"message":"deep"}}"#, BadRequest, "deep"),
            (429, r#"{"message":"Too many requests"}"#, Overloaded, "Too many requests"),
            // Plain text and HTML.
            (500, "Internal Server Error", Retryable, "Internal Server Error"),
            (
                500,
                "Traceback (most recent call last):\n  File \"app.py\", line 1\nKeyError: 'images'\n",
                Retryable,
                ": KeyError",
            ),
            (502, "<html><head><title>502 Bad Gateway</title></head></html>", Retryable, "`502 Bad Gateway`"),
            (503, "<!DOCTYPE html><p>no", Overloaded, "a page of HTML"),
            (529, "", Overloaded, "nothing more"),
            (408, "", Retryable, "nothing more"),
            (413, "too large", BadRequest, "too large"),
            (451, "", Moderated, "nothing more"),
            (307, "", Malformed, "nothing more"),
            (400, "[1]", BadRequest, "[1]"),
        ] {
            let error = reply(status, &[], body);
            assert_eq!(error.class, class, "{status} {body}");
            assert!(error.message.contains(words), "{error} should speak of {words}");
            assert!(error.message.contains(&status.to_string()), "{error}");
        }
    }

    #[test]
    fn a_gateway_that_lost_its_server_leaves_it_open_what_was_done() {
        for (status, headers, expected) in [
            (500, &[][..], false),
            (503, &[], false),
            (502, &[], true),
            (504, &[], true),
            (524, &[], true),
            (303, &[], true),
            (307, &[], false),
            (502, &[("x-should-retry", "true")], false),
        ] {
            assert_eq!(reply(status, headers, "").maybe_done, expected, "{status} {headers:?}");
        }
    }

    #[test]
    fn secrets_and_long_texts_do_not_get_through() {
        let body =
            format!(r#"{{"error":{{"message":"key sk-verysecret {}","code":"sk-verysecret"}}}}"#, "x".repeat(5000));
        let cut = format!(r#"{{"error":"{}sk-verysecret"}}"#, "x".repeat(292));
        assert!(!reply(401, &[], &cut).message.contains("sk-v"));
        let error = reply(401, &[("x-request-id", "sk-verysecret")], &body);
        let text = format!("{error} {error:?}");
        assert!(!text.contains("verysecret"), "{text}");
        assert!(error.message.chars().count() < 400);
    }
}
