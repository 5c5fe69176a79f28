//! What the agent decided and did: a JSON object a line, and a short account for people.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::planner::Action;
use crate::tools::Answer;

/// The trace of one run of the agent.
pub(crate) struct Trace {
    file: File,
    step: u32,
}

impl Trace {
    /// Begins one.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file, step: 0 })
    }

    /// Notes what the planner wants, and why.
    pub(crate) fn decision(&mut self, action: &Action, why: &str) -> Result<()> {
        self.step += 1;
        let (word, about) = match action {
            Action::Edit { instruction } => ("edit", json!(instruction)),
            Action::Compare { source, candidates, goal } => {
                ("compare", json!({"source": source, "candidates": candidates, "goal": goal}))
            }
            Action::Undo => ("undo", Value::Null),
            Action::GoTo { edit } => ("go to", json!(edit)),
            Action::Done => ("done", Value::Null),
        };
        let named = match &about {
            Value::Null => String::new(),
            Value::Object(asked) => asked.get("candidates").map(ToString::to_string).unwrap_or_default(),
            other => other.to_string(),
        };
        self.say(&format!("{:>3}. {word:<8}{named} ({why})", self.step));
        self.write(&json!({"step": self.step, "plan": word, "about": about, "decision": why}))
    }

    /// Notes what a tool was asked and what it answered.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value, answer: &Answer) -> Result<()> {
        let (is_good, told) = match answer {
            Answer::Good(told) => (true, told),
            Answer::Bad(told) => (false, told),
        };
        if let Some(account) = account(told) {
            self.say(&format!("       {account}"));
        }
        self.write(&json!({"step": self.step, "tool": tool, "arguments": arguments, "done": is_good, "answer": told}))
    }

    /// A line for people.
    #[expect(clippy::print_stdout, clippy::unused_self, reason = "the account is what the example is run for")]
    pub(crate) fn say(&self, line: &str) {
        println!("{line}");
    }

    fn write(&mut self, line: &Value) -> Result<()> {
        writeln!(self.file, "{line}").context("cannot write the trace")
    }
}

/// What is worth saying of an answer.
fn account(told: &Value) -> Option<String> {
    if let Some(error) = told["error"].as_str() {
        return Some(format!("{error}: {}", told["message"].as_str().unwrap_or_default()));
    }
    if let Some(ranking) = told["ranking"].as_array() {
        let one = |it: &Value| {
            let name = it["image"].as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
            format!("{name} {:.4}", it["utility"].as_f64().unwrap_or(f64::NAN))
        };
        return Some(ranking.iter().map(one).collect::<Vec<_>>().join(", "));
    }
    let (edit, utility) = (told["edit"].as_str()?, told["utility"].as_f64()?);
    let asked = told["asked"].as_u64()?;
    Some(format!("{edit}: the best of {asked} candidates, utility {utility:.4}"))
}
