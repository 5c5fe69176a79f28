//! A workflow as `ComfyUI` exports it for its API: a node by its id, with its class and its inputs.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::SetupError;

/// What a place must hold before something is written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A whole number from 0.
    Whole,
    /// Any number.
    Number,
    /// Anything but what another node makes.
    Plain,
}

impl Kind {
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Whole => value.is_u64(),
            Self::Number => value.is_number(),
            Self::Plain => true,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Whole => "a whole number",
            Self::Number => "a number",
            Self::Plain => "a value",
        }
    }
}

/// One input of one node, which an edit fills in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) node: String,
    pub(crate) input: String,
}

/// The nodes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Workflow {
    nodes: Map<String, Value>,
}

impl Workflow {
    /// Reads an exported workflow. Files of the editor's own, with lists of nodes and links, are another format.
    pub(crate) fn parse(text: &str) -> Result<Self, SetupError> {
        const EXPECTED: &str = "a workflow in API format, as the menu `Export (API)` of ComfyUI writes it";
        let bad = |found: String| SetupError::setting("workflow", EXPECTED, &found);
        let value: Value = serde_json::from_str(text).map_err(|error| bad(format!("no JSON: {error}")))?;
        let Value::Object(nodes) = value else { return Err(bad("JSON that is no object".to_owned())) };
        if nodes.get("nodes").is_some_and(Value::is_array) {
            return Err(bad("one in the format that the menu `Save` writes, with lists of nodes and links".to_owned()));
        }
        if nodes.get("prompt").is_some_and(Value::is_object) {
            return Err(bad("the body of a request: give what stands under `prompt`".to_owned()));
        }
        if nodes.is_empty() {
            return Err(bad("no nodes".to_owned()));
        }
        let workflow = Self { nodes };
        for (id, node) in &workflow.nodes {
            workflow.check_node(id, node).map_err(bad)?;
        }
        match workflow.circle() {
            Some(id) => {
                Err(bad(format!("nodes that wait for each other in a circle, {} among them", workflow.named(id))))
            }
            None => Ok(workflow),
        }
    }

    /// A node that waits for itself, whichever others lie between: nothing of such a workflow can be done.
    fn circle(&self) -> Option<&str> {
        let mut is_fine = BTreeSet::new();
        for start in self.nodes.keys() {
            // Each node on the way from `start`, with those that it waits for and that were not yet looked at.
            let mut way = vec![(start.as_str(), self.sources(start))];
            let mut on_way = BTreeSet::from([start.as_str()]);
            while let Some((id, sources)) = way.last_mut() {
                match sources.pop() {
                    Some(source) if on_way.contains(source) => return Some(source),
                    Some(source) if is_fine.contains(source) => {}
                    Some(source) => {
                        on_way.insert(source);
                        way.push((source, self.sources(source)));
                    }
                    None => {
                        on_way.remove(*id);
                        is_fine.insert(*id);
                        way.pop();
                    }
                }
            }
        }
        None
    }

    /// The nodes that make what a node takes.
    fn sources(&self, id: &str) -> Vec<&str> {
        let inputs = self.nodes.get(id).and_then(|node| node["inputs"].as_object());
        inputs.into_iter().flat_map(Map::values).filter_map(source).collect()
    }

    fn check_node(&self, id: &str, node: &Value) -> Result<(), String> {
        if !node["class_type"].is_string() {
            return Err(format!("node {id} without a `class_type`"));
        }
        let Some(inputs) = node["inputs"].as_object() else { return Err(format!("node {id} without `inputs`")) };
        for (name, value) in inputs {
            if let Some(source) = source(value)
                && !self.nodes.contains_key(source)
            {
                return Err(format!("node {id}, whose `{name}` comes from node {source}, which is not there"));
            }
        }
        Ok(())
    }

    /// The input that a JSON pointer such as `/3/inputs/seed` points at, which must hold a value of this kind.
    pub(crate) fn place(&self, setting: &str, pointer: &str, kind: Kind) -> Result<Place, SetupError> {
        let setting = format!("{setting}: {pointer}");
        let expected = format!("a pointer such as /3/inputs/name to {}", kind.words());
        let bad = |found: String| SetupError::setting(&setting, &expected, &found);
        let tokens: Option<Vec<String>> =
            pointer.strip_prefix('/').map(|rest| rest.split('/').map(unescaped).collect());
        let Some([node, middle, input]) = tokens.as_deref() else {
            return Err(bad("something else".to_owned()));
        };
        let known = self.nodes.get(node).ok_or_else(|| bad(format!("no node {node}")))?;
        let named = self.named(node);
        if middle != "inputs" {
            return Err(bad(format!("`{middle}` of {named}")));
        }
        let value = known["inputs"].get(input);
        let value = value.ok_or_else(|| bad(format!("no `{input}` among the inputs of {named}")))?;
        if let Some(source) = source(value) {
            return Err(bad(format!("{named}, whose `{input}` is made by {}: point there", self.named(source))));
        }
        if !kind.holds(value) {
            return Err(bad(format!("{value} as the `{input}` of {named}")));
        }
        Ok(Place { node: node.clone(), input: input.clone() })
    }

    /// A node with its class, for people: `node 3 (KSampler)`.
    pub(crate) fn named(&self, id: &str) -> String {
        format!("node {id} ({})", self.class(id).unwrap_or("unknown"))
    }

    pub(crate) fn class(&self, id: &str) -> Option<&str> {
        self.nodes.get(id)?["class_type"].as_str()
    }

    /// What an input holds.
    pub(crate) fn value(&self, place: &Place) -> Option<&Value> {
        self.nodes.get(&place.node)?["inputs"].get(&place.input)
    }

    /// Writes a value. The place is one that [`Self::place`] gave.
    pub(crate) fn set(&mut self, place: &Place, value: Value) {
        if let Some(slot) = self.nodes.get_mut(&place.node).and_then(|node| node["inputs"].get_mut(&place.input)) {
            *slot = value;
        }
    }

    /// Every node: its id, its class and its inputs.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (&str, &str, &Map<String, Value>)> {
        self.nodes
            .iter()
            .filter_map(|(id, node)| Some((id.as_str(), node["class_type"].as_str()?, node["inputs"].as_object()?)))
    }

    /// As the server takes it.
    pub(crate) fn to_json(&self) -> Value {
        Value::Object(self.nodes.clone())
    }
}

/// The node that makes an input's value, where it is a link: `["4", 0]`.
pub(crate) fn source(value: &Value) -> Option<&str> {
    match value.as_array()?.as_slice() {
        [Value::String(node), Value::Number(_)] => Some(node),
        _ => None,
    }
}

/// A token of a JSON pointer (RFC 6901).
fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}
