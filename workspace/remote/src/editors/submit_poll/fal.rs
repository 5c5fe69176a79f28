//! Jobs in the queue of fal.

use editscale_core::BoxFuture;
use reqwest::Method;
use serde_json::Value;

use super::replicate::steps;
use crate::fleet::jobs::{Jobs, Line, Standing, Stopped};
use crate::http::client::Reply;
use crate::trouble::error::{ErrorClass, RemoteError};

/// A job. Its id holds three addresses: where its status is asked for, its result, and its end.
pub(super) struct Job;

impl Jobs for Job {
    fn admitted(&self, reply: &Reply, line: &Line) -> Result<String, RemoteError> {
        let answer = line.json(reply)?;
        let addresses = ["status_url", "response_url", "cancel_url"].map(|name| answer[name].as_str());
        let [Some(status), Some(response), Some(cancel)] = addresses else {
            return Err(line.malformed("expected the addresses of a job, found others"));
        };
        Ok([status, response, cancel].join("|"))
    }

    fn look<'a>(&'a self, id: &'a str, line: &'a Line) -> BoxFuture<'a, Result<Standing, RemoteError>> {
        Box::pin(async move {
            let [status, response, _] = addresses(id, line)?;
            let mut status = line.address(status)?;
            status.query_pairs_mut().append_pair("logs", "1");
            let answer = line.json(&line.at(Method::GET, status, None, |_| false).await?)?;
            match answer["status"].as_str() {
                Some("IN_QUEUE") => Ok(Standing::Waiting),
                Some("IN_PROGRESS") => Ok(progress(&answer)),
                // Which a job is also when it failed.
                Some("COMPLETED") if !answer["error"].is_null() || !answer["error_type"].is_null() => {
                    Ok(Standing::Failed(failed(&answer, line)))
                }
                Some("COMPLETED") => result(response, line).await,
                _ => Err(line.malformed("expected the status of a job, found something else")),
            }
        })
    }

    /// Before its servers get hold of a request, fal refuses it without naming it: then nothing was queued. One that has a
    /// name may be. What ran into the time limit that was asked for would do so again.
    fn refused(&self, reply: &Reply, error: RemoteError) -> RemoteError {
        let code = reply.header("x-fal-error-type").map(str::to_owned).filter(|code| is_word(code));
        let error = RemoteError { code: error.code.or(code), ..error };
        if reply.status == 504 && reply.header("x-fal-request-timeout-type").is_some() {
            let message = format!("{}; it did not begin within the time that was asked for", error.message);
            return RemoteError { should_retry: Some(false), maybe_done: false, message, ..error };
        }
        match reply.header("x-fal-request-id") {
            Some(_) => error.perhaps_created(),
            None if matches!(reply.status, 502..=504) => RemoteError { maybe_done: false, ..error },
            None => error,
        }
    }

    fn cancels(&self) -> bool {
        true
    }

    fn cancel<'a>(&'a self, id: &'a str, line: &'a Line) -> BoxFuture<'a, Result<Stopped, RemoteError>> {
        Box::pin(async move {
            let [_, _, cancel] = addresses(id, line)?;
            match line.at(Method::PUT, line.address(cancel)?, None, |_| false).await {
                // It was taken out of the queue; or the model was told to stop, which it may do or not.
                Ok(reply) => Ok(match line.json(&reply)?["status"].as_str() {
                    Some("OK") => Stopped::BeforeWork,
                    _ => Stopped::AtWork,
                }),
                // It had ended.
                Err(error) if matches!(error.status, Some(400)) => Ok(Stopped::AtWork),
                Err(error) => Err(error),
            }
        })
    }
}

fn addresses<'a>(id: &'a str, line: &Line) -> Result<[&'a str; 3], RemoteError> {
    let parts: Vec<&str> = id.split('|').collect();
    parts.try_into().map_err(|_| line.malformed("expected three addresses of a job, found others"))
}

fn progress(answer: &Value) -> Standing {
    let logs = answer["logs"].as_array();
    let mut messages = logs.into_iter().flatten().rev().filter_map(|log| log["message"].as_str());
    let found = messages.find_map(steps);
    found.map_or(Standing::Waiting, |(step, steps)| Standing::Working { step, steps })
}

/// The result of a job that is done. An error in its place that says what kind it is, is the job's own.
async fn result(response: &str, line: &Line) -> Result<Standing, RemoteError> {
    match line.at(Method::GET, line.address(response)?, None, |_| false).await {
        Ok(reply) => Ok(Standing::Done(line.json(&reply)?)),
        // A refusal of the input is billed where the model had begun.
        Err(error) if matches!(error.status, Some(400 | 422)) => {
            Ok(Standing::Failed(RemoteError { maybe_done: true, ..error }))
        }
        // A failure inside is not, and may pass.
        Err(error) if error.status.is_some_and(|status| status >= 500) && error.code.is_some() => {
            Ok(Standing::Failed(RemoteError { maybe_done: false, ..error }))
        }
        Err(error) => Err(error),
    }
}

/// What became of a job that was completed with an error, by the name that fal has for it.
fn failed(answer: &Value, line: &Line) -> RemoteError {
    let code = answer["error_type"].as_str();
    let message = answer["error"].as_str().map_or_else(|| answer["error"].to_string(), str::to_owned);
    let error = line.failed(code, &message);
    let class = match code.unwrap_or_default() {
        // Failures of its own machines are not billed, and may pass.
        "internal_error" | "startup_timeout" => ErrorClass::Retryable,
        code if code.starts_with("runner_") => ErrorClass::Retryable,
        "request_timeout" => ErrorClass::TimedOut,
        "bad_request" => return RemoteError { class: ErrorClass::BadRequest, ..error },
        _ => return error,
    };
    RemoteError { class, maybe_done: false, ..error }
}

fn is_word(text: &str) -> bool {
    text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The addresses of the pictures: models have one or a list.
pub(super) fn pictures(answer: &Value) -> Vec<&str> {
    let list = answer["images"].as_array().into_iter().flatten();
    let one = Some(&answer["image"]);
    let addresses = list.chain(one).filter_map(|picture| picture["url"].as_str().or_else(|| picture.as_str()));
    addresses.filter(|address| !address.is_empty()).collect()
}
