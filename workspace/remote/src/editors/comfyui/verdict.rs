//! What the server says went wrong with an edit that it took.

use serde_json::Value;

use crate::fleet::jobs::Line;
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::words::of_nodes;

/// The error in what the history has of an edit; nothing where it ended well.
pub(crate) fn failure(entry: &Value, line: &Line) -> Option<RemoteError> {
    let status = &entry["status"];
    if status["status_str"] != "error" {
        return None;
    }
    let messages = status["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let message = |name: &str| messages.iter().find(|message| message[0] == name).map(|message| &message[1]);
    if let Some(error) = message("execution_error") {
        return Some(execution(error, line));
    }
    if message("execution_interrupted").is_some() {
        let said = line.said("somebody interrupted the edit at the server");
        let error = RemoteError::maybe_done(ErrorClass::Retryable, said);
        return Some(RemoteError { should_retry: Some(false), ..error });
    }
    Some(RemoteError::maybe_done(ErrorClass::Retryable, line.said("the edit failed, and the server does not say why")))
}

/// A node that raised an exception does so again, unless it was short of memory.
fn execution(error: &Value, line: &Line) -> RemoteError {
    let word = |name: &str| error[name].as_str().unwrap_or("unknown").trim();
    let (id, class) = (word("node_id"), word("node_type"));
    let (kind, said) = (word("exception_type"), word("exception_message"));
    let said: Vec<&str> = said.split_whitespace().collect();
    let message = line.said(&format!("node {id} ({class}) failed: {kind}: {}", said.join(" ")));
    let lower = format!("{kind} {message}").to_lowercase();
    let is_short = lower.contains("outofmemory") || lower.contains("out of memory");
    let class = if is_short { ErrorClass::Retryable } else { ErrorClass::BadRequest };
    RemoteError { code: Some(line.endpoint().hide(kind)), ..RemoteError::maybe_done(class, message) }
}

/// A graph is taken as soon as one of its outputs can be made. Where none of those that are wanted can, nothing that is
/// wanted will be.
pub(crate) fn refused_outputs(answer: &Value, outputs: &[String], line: &Line) -> Option<RemoteError> {
    let errors = answer["node_errors"].as_object()?;
    let fails = |output: &String| {
        errors.values().any(|node| {
            node["dependent_outputs"]
                .as_array()
                .is_some_and(|failing| failing.iter().any(|each| each == output.as_str()))
        })
    };
    if errors.is_empty() || !outputs.iter().all(fails) {
        return None;
    }
    let said = of_nodes(&answer["node_errors"]).join("; ");
    Some(RemoteError::new(ErrorClass::BadRequest, line.said(&format!("the workflow was refused: {said}"))))
}
