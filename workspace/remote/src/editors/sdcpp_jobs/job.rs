//! One job: its name, its states, and how it is stopped.

use editscale_core::BoxFuture;
use reqwest::Method;

use crate::fleet::jobs::{Jobs, Line, Standing, Stopped, is_name};
use crate::http::client::Reply;
use crate::trouble::error::{ErrorClass, RemoteError};

pub(super) struct Job;

impl Jobs for Job {
    fn admitted(&self, reply: &Reply, line: &Line) -> Result<String, RemoteError> {
        let answer = line.json(reply)?;
        let id = answer["id"].as_str().filter(|id| is_name(id));
        id.map(str::to_owned).ok_or_else(|| line.malformed("expected the name of a job, found none"))
    }

    fn look<'a>(&'a self, id: &'a str, line: &'a Line) -> BoxFuture<'a, Result<Standing, RemoteError>> {
        Box::pin(async move {
            if !is_name(id) {
                return Ok(Standing::Unknown);
            }
            let reply = line.ask(Method::GET, &format!("jobs/{id}"), None).await?;
            let job = line.json(&reply)?;
            Ok(match job["status"].as_str() {
                Some("queued" | "generating") => Standing::Waiting,
                Some("completed") => Standing::Done(job),
                // It did all the work, so that the same would come of it again.
                Some("failed") => {
                    let error = &job["error"];
                    let message = error["message"].as_str().unwrap_or("nothing more");
                    Standing::Failed(line.failed(error["code"].as_str(), message))
                }
                Some("cancelled") => {
                    let message = line.said("the job was cancelled by another client");
                    Standing::Failed(RemoteError::new(ErrorClass::Retryable, message))
                }
                _ => return Err(line.malformed("expected the status of a job, found something else")),
            })
        })
    }

    fn cancels(&self) -> bool {
        true
    }

    fn cancel<'a>(&'a self, id: &'a str, line: &'a Line) -> BoxFuture<'a, Result<Stopped, RemoteError>> {
        Box::pin(async move {
            match line.ask(Method::POST, &format!("jobs/{id}/cancel"), None).await {
                Ok(reply) if line.json(&reply)?["status"] == "cancelled" => Ok(Stopped::BeforeWork),
                Ok(_) => Ok(Stopped::AtWork),
                // It is at work by now, which cannot be interrupted.
                Err(error) if error.status == Some(409) => Ok(Stopped::WorksOn),
                Err(error) => Err(error),
            }
        })
    }
}
