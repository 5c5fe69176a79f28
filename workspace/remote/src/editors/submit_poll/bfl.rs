//! Jobs at Black Forest Labs.

use std::sync::{Arc, OnceLock};

use editscale_core::{BoxFuture, Usd};
use reqwest::{Method, Url};
use serde_json::Value;

use crate::fleet::jobs::{Jobs, Line, Standing};
use crate::http::client::Reply;
use crate::trouble::error::{ErrorClass, RemoteError};

/// Millionths of a dollar that a credit costs.
const CREDIT: f64 = 10_000.0;

/// What the service says that a job costs.
#[derive(Debug, Default)]
pub(super) struct Bill(OnceLock<Usd>);

impl Bill {
    pub(super) fn known(&self) -> Option<Usd> {
        self.0.get().copied()
    }

    fn read(&self, answer: &Value) {
        let cost = answer["cost"].as_f64().filter(|cost| cost.is_finite() && *cost >= 0.0);
        if let Some(credits) = cost {
            // Set once: a job is submitted under this bill until one submission is taken.
            self.0.set(Usd { micros: (credits * CREDIT).ceil() as u64 }).ok();
        }
    }
}

/// A job. Its id is the address to ask at, which can be that of a region.
pub(super) struct Job {
    pub(super) bill: Arc<Bill>,
}

impl Jobs for Job {
    fn admitted(&self, reply: &Reply, line: &Line) -> Result<String, RemoteError> {
        let answer = line.json(reply)?;
        self.bill.read(&answer);
        if let Some(address) = answer["polling_url"].as_str() {
            return Ok(address.to_owned());
        }
        // Servers that have but one region name no address.
        let id = answer["id"].as_str().ok_or_else(|| line.malformed("expected the address to ask at, found none"))?;
        let mut address = line.endpoint().at("get_result");
        address.query_pairs_mut().append_pair("id", id);
        Ok(address.into())
    }

    fn refused(&self, _: &Reply, error: RemoteError) -> RemoteError {
        error.perhaps_created()
    }

    fn look<'a>(&'a self, id: &'a str, line: &'a Line) -> BoxFuture<'a, Result<Standing, RemoteError>> {
        Box::pin(async move {
            let home = line.endpoint().base().clone();
            let reply = line.at(Method::GET, line.address(id)?, None, |url| is_region(&home, url)).await?;
            standing(line.json(&reply)?, line)
        })
    }
}

fn standing(answer: Value, line: &Line) -> Result<Standing, RemoteError> {
    let status = answer["status"].as_str().unwrap_or_default();
    let lower = status.to_lowercase();
    if lower.contains("moderated") {
        let message = line.said(&format!("the job ended as `{status}`"));
        let error = RemoteError { code: Some(lower), ..RemoteError::new(ErrorClass::Moderated, message) };
        // A request is looked at before it is worked on, its picture after.
        return Ok(Standing::Failed(RemoteError { maybe_done: !status.starts_with("Request"), ..error }));
    }
    Ok(match status {
        "Ready" => Standing::Done(answer),
        "Task not found" => Standing::Unknown,
        "Error" | "Failed" => Standing::Failed(line.failed(None, &format!("{status}: {}", details(&answer)))),
        "" => return Err(line.malformed("expected the status of a job, found none")),
        // `Pending`, and whatever other ways there are of not being done.
        _ => progress(&answer).map_or(Standing::Waiting, |step| Standing::Working { step, steps: 100 }),
    })
}

/// A share, in hundredths.
fn progress(answer: &Value) -> Option<u32> {
    let share = answer["progress"].as_f64().filter(|share| *share > 0.0 && *share <= 1.0)?;
    Some((share * 100.0).round() as u32)
}

fn details(answer: &Value) -> String {
    ["details", "error", "result"].iter().map(|field| &answer[*field]).find(|value| !value.is_null()).map_or_else(
        || "nothing more".to_owned(),
        |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    )
}

/// Whether an address is one of the service's own regions, which want to see the secret too.
fn is_region(home: &Url, url: &Url) -> bool {
    let is_own = |url: &Url| url.host_str().is_some_and(|host| host == "bfl.ai" || host.ends_with(".bfl.ai"));
    url.scheme() == "https" && is_own(home) && is_own(url)
}

/// The addresses of the pictures.
pub(super) fn pictures(answer: &Value) -> Vec<&str> {
    answer["result"]["sample"].as_str().into_iter().filter(|address| !address.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_see_the_secret_and_nobody_else_does() {
        let url = |text: &str| Url::parse(text).unwrap();
        for (home, address, expected) in [
            ("https://api.bfl.ai/v1", "https://api.us1.bfl.ai/v1/get_result?id=1", true),
            ("https://api.bfl.ai/v1", "http://api.us1.bfl.ai/v1/get_result?id=1", false),
            ("https://api.bfl.ai/v1", "https://api.bfl.ai.example.org/v1", false),
            ("https://api.bfl.ai/v1", "https://evilbfl.ai/v1", false),
            ("https://proxy.example.org/v1", "https://api.us1.bfl.ai/v1", false),
        ] {
            assert_eq!(is_region(&url(home), &url(address)), expected, "{address}");
        }
    }
}
