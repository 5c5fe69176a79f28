//! Predictions at Replicate.

use editscale_core::BoxFuture;
use reqwest::Method;
use serde_json::Value;

use crate::fleet::jobs::{Jobs, Line, Standing, Stopped, is_name};
use crate::http::client::Reply;
use crate::trouble::error::{ErrorClass, RemoteError};

/// A prediction, by its name.
pub(super) struct Job;

impl Jobs for Job {
    fn admitted(&self, reply: &Reply, line: &Line) -> Result<String, RemoteError> {
        let answer = line.json(reply)?;
        let id = answer["id"].as_str().filter(|id| is_name(id));
        id.map(str::to_owned).ok_or_else(|| line.malformed("expected the name of a prediction, found none"))
    }

    fn refused(&self, _: &Reply, error: RemoteError) -> RemoteError {
        error.perhaps_created()
    }

    fn look<'a>(&'a self, id: &'a str, line: &'a Line) -> BoxFuture<'a, Result<Standing, RemoteError>> {
        Box::pin(async move {
            if !is_name(id) {
                return Ok(Standing::Unknown);
            }
            let reply = line.ask(Method::GET, &format!("predictions/{id}"), None).await?;
            standing(line.json(&reply)?, line)
        })
    }

    fn cancels(&self) -> bool {
        true
    }

    fn cancel<'a>(&'a self, id: &'a str, line: &'a Line) -> BoxFuture<'a, Result<Stopped, RemoteError>> {
        Box::pin(async move {
            let reply = line.ask(Method::POST, &format!("predictions/{id}/cancel"), None).await?;
            let answer = line.json(&reply)?;
            let is_stopped = matches!(answer["status"].as_str(), Some("canceled" | "aborted"));
            // The time that it ran is what is paid.
            Ok(if is_stopped && answer["started_at"].is_null() { Stopped::BeforeWork } else { Stopped::AtWork })
        })
    }
}

fn standing(answer: Value, line: &Line) -> Result<Standing, RemoteError> {
    Ok(match answer["status"].as_str() {
        Some("starting") => Standing::Waiting,
        Some("processing") => {
            let found = answer["logs"].as_str().and_then(steps);
            found.map_or(Standing::Waiting, |(step, steps)| Standing::Working { step, steps })
        }
        Some("succeeded") => Standing::Done(answer),
        Some("failed") => {
            let error = &answer["error"];
            let message = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
            Standing::Failed(line.failed(None, &message))
        }
        Some("canceled") => {
            let message = line.said("the prediction was canceled on the server, by its deadline or by another client");
            Standing::Failed(RemoteError::maybe_done(ErrorClass::TimedOut, message))
        }
        // Its deadline came before it began.
        Some("aborted") => {
            let message = line.said("the prediction did not begin before its deadline");
            Standing::Failed(RemoteError::new(ErrorClass::TimedOut, message))
        }
        _ => return Err(line.malformed("expected the status of a prediction, found something else")),
    })
}

/// The last progress in a log, as the Python library tqdm writes it: `50%|█████     | 14/28 [00:07<00:07,  2.00it/s]`.
pub(super) fn steps(log: &str) -> Option<(u32, u32)> {
    let count = |piece: &str| {
        let (step, rest) = piece.trim_start().split_once('/')?;
        let (steps, _) = rest.split_once(' ')?;
        let (step, steps): (u32, u32) = (step.parse().ok()?, steps.parse().ok()?);
        (step <= steps && steps > 0).then_some((step, steps))
    };
    log.rsplit('|').find_map(count)
}

/// The addresses of the pictures: models have one or a list.
pub(super) fn pictures(answer: &Value) -> Vec<&str> {
    let output = &answer["output"];
    let list = output.as_array().into_iter().flatten().filter_map(Value::as_str);
    output.as_str().into_iter().chain(list).filter(|address| !address.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_from_logs() {
        for (log, expected) in [
            (
                "Using seed: 7\n  0%|          | 0/28 [00:00<?, ?it/s]\r 50%|█████     | 14/28 [00:07<00:07,  2.0it/s]",
                Some((14, 28)),
            ),
            ("100%|██████████| 28/28 [00:14<00:00,  2.0it/s]\nEncoding…", Some((28, 28))),
            ("| 5/4 [", None),
            ("a|b|c 1/2", None),
            ("", None),
        ] {
            assert_eq!(steps(log), expected, "{log}");
        }
    }
}
