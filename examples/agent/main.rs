//! An agent that edits a photograph: it plans, edits, looks at scores, accepts or undoes, branches, and keeps a trace.
//!
//! usage: agent PICTURE FOLDER PROGRAM [ARGUMENTS…]
//!
//! `PROGRAM ARGUMENTS…` is a server of tools that is started as a child process, for example `editscale mcp --root .`; it must be
//! allowed to read the picture and to write into the folder. The planner here is a script, so that nothing else is needed; a language
//! model takes its place by implementing the one trait of `planner.rs`.

mod planner;
mod tools;
mod trace;

use std::path::PathBuf;

use anyhow::{Context, Result};
use planner::{Action, Planner, Scripted, Seen};
use serde_json::{Value, json};
use tools::{Answer, Tools};
use trace::Trace;

/// What one edit may spend; what the whole conversation may spend is the server's business.
const EACH: u64 = 4;

/// No plan takes longer than this.
const STEPS: usize = 60;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: agent PICTURE FOLDER PROGRAM [ARGUMENTS…]";
    let picture = std::path::absolute(arguments.next().context(usage)?)?;
    let folder = std::path::absolute(arguments.next().context(usage)?)?;
    let program = arguments.next().context(usage)?;
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let tools = Tools::start(&program, arguments).await?;
    let mut agent = Agent { tools, picture, trace: Trace::create(&folder.join("trace.jsonl"))?, seen: Seen::default() };
    agent.look_around().await?;
    agent.follow(&mut Scripted::landscape()).await?;
    agent.save(&folder.join("final.png")).await?;
    agent.tools.stop().await
}

/// An agent at work.
struct Agent {
    tools: Tools,
    picture: PathBuf,
    trace: Trace,
    seen: Seen,
}

impl Agent {
    /// Finds out what can be done, and with what.
    async fn look_around(&mut self) -> Result<()> {
        let recipes = self.act("list_recipes", json!({})).await?.good()?;
        let names = recipes["recipes"].as_array().into_iter().flatten().filter_map(|recipe| recipe["name"].as_str());
        self.trace.say(&format!("recipes: {}", names.collect::<Vec<_>>().join(", ")));
        self.trace.say(&format!("budget:  {}", recipes["budget_left"]));
        // With several rewards, no one of them says how good an edit can be.
        let usual = &recipes["recipes"][0];
        let is_known = usual["scale"] == "absolute" && usual["rewards"].as_array().is_some_and(|all| all.len() == 1);
        self.seen.greatest = usual["rewards"][0]["greatest"].as_f64().filter(|_| is_known);
        Ok(())
    }

    /// Does what a planner says until it has done all or the budget is spent.
    async fn follow(&mut self, planner: &mut impl Planner) -> Result<()> {
        for _ in 0..STEPS {
            let (action, why) = planner.next(&self.seen);
            self.trace.decision(&action, &why)?;
            let (tool, arguments) = match &action {
                Action::Edit { instruction } => self.edit(instruction),
                Action::Compare { source, candidates, goal } => {
                    let named: Vec<String> = candidates.iter().map(|edit| self.name(edit.as_deref())).collect();
                    let source = self.name(source.as_deref());
                    ("compare_edits", json!({"source": source, "candidates": named, "instruction": goal}))
                }
                Action::Undo => ("undo_edit", json!({})),
                Action::GoTo { edit } => ("go_to_edit", json!({"edit": edit})),
                Action::Done => return Ok(()),
            };
            let answer = self.act(tool, arguments).await?;
            self.learn(&action, answer);
        }
        Ok(())
    }

    /// The first edit begins from the picture, and later ones go on from the current edit.
    fn edit(&self, instruction: &str) -> (&'static str, Value) {
        let budget = json!({"edits": EACH});
        match &self.seen.current {
            Some(_) => ("refine_edit", json!({"instruction": instruction, "budget": budget})),
            None => ("edit_image", json!({"image": self.name(None), "instruction": instruction, "budget": budget})),
        }
    }

    /// What tools call an edit; the picture itself where it is none.
    fn name(&self, edit: Option<&str>) -> String {
        edit.map_or_else(|| self.picture.display().to_string(), str::to_owned)
    }

    async fn act(&mut self, tool: &'static str, arguments: Value) -> Result<Answer> {
        let answer = self.tools.call(tool, arguments.clone()).await?;
        self.trace.call(tool, &arguments, &answer)?;
        Ok(answer)
    }

    /// Remembers what came of an action, for the planner.
    fn learn(&mut self, action: &Action, answer: Answer) {
        if let Answer::Good(told) = &answer {
            let edit = |value: &Value| value.as_str().map(str::to_owned);
            match action {
                Action::Edit { .. } => {
                    self.seen.before = self.seen.current.take();
                    self.seen.current = edit(&told["edit"]);
                }
                Action::Undo | Action::GoTo { .. } => self.seen.current = edit(&told["current"]["edit"]),
                Action::Compare { .. } | Action::Done => {}
            }
        }
        self.seen.last = Some(answer);
    }

    /// Writes the current edit, where there is one.
    async fn save(&mut self, path: &std::path::Path) -> Result<()> {
        if self.seen.current.is_none() {
            self.trace.say("nothing was accepted: the picture stays as it is");
            return Ok(());
        }
        let saved = self.act("save_edit", json!({"save_to": path.display().to_string()})).await?.good()?;
        let edits = self.act("list_edits", json!({})).await?.good()?;
        self.trace.say(&format!("spent:   {}", edits["spent"]));
        self.trace.say(&format!("saved:   {} as {}", saved["edit"], saved["saved_to"]));
        Ok(())
    }
}
