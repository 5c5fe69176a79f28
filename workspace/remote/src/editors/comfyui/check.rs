//! A workflow against what a server has: its nodes, its models, and the ranges of its numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use reqwest::Method;
use serde_json::{Map, Value};

use super::ComfyUi;
use super::workflow::{Place, source};
use crate::fleet::jobs::Line;
use crate::trouble::error::RemoteError;

/// Something about a server that will keep a workflow from being done there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowFinding {
    /// The server's address.
    pub server: String,
    /// The node's id in the workflow, where it is about one.
    pub node: Option<String>,
    /// A sentence for people.
    pub message: String,
}

impl fmt::Display for WorkflowFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.server, self.message)
    }
}

/// What the server says of the classes that the workflow uses.
type Classes = BTreeMap<String, Value>;

impl ComfyUi {
    /// Asks every server what it has and compares: classes of nodes, required inputs, names of models and other choices,
    /// ranges of numbers. An empty list says that the workflow fits. A server that does not answer is a finding.
    pub async fn inspect(&self) -> Vec<WorkflowFinding> {
        let mut findings = Vec::new();
        for line in self.fleet.lines() {
            let found = match self.classes(&line).await {
                Ok(classes) => self.compare(&classes),
                Err(error) => vec![(None, error.message)],
            };
            let server = line.endpoint().base().to_string();
            findings.extend(found.into_iter().map(|(node, message)| {
                let message = line.endpoint().hide(&message);
                WorkflowFinding { server: server.clone(), node, message }
            }));
        }
        findings
    }

    async fn classes(&self, line: &Line) -> Result<Classes, RemoteError> {
        let mut classes = Classes::new();
        let wanted: BTreeSet<&str> = self.template.workflow.nodes().map(|(_, class, _)| class).collect();
        for class in wanted {
            let reply = line.ask(Method::GET, &format!("object_info/{class}"), None).await?;
            let mut answer = line.json(&reply)?;
            let known = answer.as_object_mut().and_then(|answer| answer.remove(class));
            classes.extend(known.map(|known| (class.to_owned(), known)));
        }
        Ok(classes)
    }

    fn compare(&self, classes: &Classes) -> Vec<(Option<String>, String)> {
        let mut found = Vec::new();
        for (id, class, inputs) in self.template.workflow.nodes() {
            let named = self.template.workflow.named(id);
            let Some(known) = classes.get(class) else {
                found.push((id, format!("{named}: the server has no such class; a package of nodes may be missing")));
                continue;
            };
            found.extend(self.of_inputs(id, inputs, known).into_iter().map(|said| (id, format!("{named}: {said}"))));
            found.extend(self.of_links(inputs, classes).into_iter().map(|said| (id, format!("{named}: {said}"))));
            if self.template.outputs.iter().any(|output| output == id) && known["output_node"] != true {
                found.push((id, format!("{named} is no output: the server saves nothing of it")));
            }
        }
        found.into_iter().map(|(id, message)| (Some(id.to_owned()), message)).collect()
    }

    fn of_inputs(&self, id: &str, inputs: &Map<String, Value>, class: &Value) -> Vec<String> {
        let mut found = Vec::new();
        let groups = [&class["input"]["required"], &class["input"]["optional"]];
        for (name, declared) in groups[0].as_object().into_iter().flatten() {
            if !inputs.contains_key(name) && !is_dynamic(declared) {
                found.push(format!("the input `{name}` is required and missing"));
            }
        }
        for (name, value) in inputs {
            let place = Place { node: id.to_owned(), input: name.clone() };
            match groups.iter().find_map(|group| group.get(name)) {
                Some(declared) => found.extend(self.of_value(&place, value, declared)),
                None if self.template.is_bound(&place) && !groups.iter().any(|group| has_dynamic(group)) => {
                    found.push(format!("the input `{name}` is bound, and the class has none of that name"));
                }
                None => {}
            }
        }
        found
    }

    fn of_value(&self, place: &Place, value: &Value, declared: &Value) -> Option<String> {
        if source(value).is_some() {
            return None;
        }
        let name = &place.input;
        if let Some(choices) = choices(declared) {
            let is_picture = self.template.picture_places().any(|picture| picture == place);
            // Files in folders are not in the list, and good all the same.
            let is_deep = value.as_str().is_some_and(|name| name.contains('/')) && declared[1]["image_upload"] == true;
            let is_fine = is_picture || is_deep || choices.contains(value);
            return (!is_fine).then(|| format!("`{name}` is {value}, and the server has {}", some(choices)));
        }
        let range = &declared[1];
        let (low, high) = self.template.reach(place, self.options.seed_bits).or(value.as_f64().map(|it| (it, it)))?;
        let is_low = range["min"].as_f64().is_some_and(|least| low < least);
        let is_high = range["max"].as_f64().is_some_and(|most| high > most);
        let within = || format!("{} to {}", range["min"], range["max"]);
        (is_low || is_high).then(|| format!("`{name}` can be from {low} to {high}, and the server takes {}", within()))
    }

    fn of_links(&self, inputs: &Map<String, Value>, classes: &Classes) -> Vec<String> {
        let broken = |(name, value): (&String, &Value)| {
            let (from, slot) = (source(value)?, value[1].as_u64()?);
            let made = classes.get(self.template.workflow.class(from)?)?["output"].as_array()?.len() as u64;
            let from = self.template.workflow.named(from);
            (slot >= made).then(|| format!("`{name}` is result {slot} of {from}, which has {made}"))
        };
        inputs.iter().filter_map(broken).collect()
    }
}

/// The values that can be chosen from: a list in place of the type, or beside the type `COMBO`.
fn choices(declared: &Value) -> Option<&Vec<Value>> {
    declared[0].as_array().or_else(|| (declared[0] == "COMBO").then(|| declared[1]["options"].as_array()).flatten())
}

/// Inputs that stand for others, whose names follow from what is chosen.
fn is_dynamic(declared: &Value) -> bool {
    declared[0].as_str().is_some_and(|kind| kind.starts_with("COMFY_"))
}

fn has_dynamic(group: &Value) -> bool {
    group.as_object().is_some_and(|group| group.values().any(is_dynamic))
}

/// The first few of a list.
fn some(choices: &[Value]) -> String {
    let shown: Vec<String> = choices.iter().take(8).map(Value::to_string).collect();
    match choices.len() {
        0 => "nothing to choose from".to_owned(),
        count if count > shown.len() => format!("{} and {} more", shown.join(", "), count - shown.len()),
        _ => shown.join(", "),
    }
}
