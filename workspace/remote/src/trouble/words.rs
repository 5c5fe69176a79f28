//! What an error's body says, whichever of the usual shapes it has.

use serde_json::Value;

/// The most characters of a server's words that are kept.
const MOST_CHARACTERS: usize = 300;

/// The most bytes of an error that are looked at.
const MOST_BYTES: usize = 64 << 10;

/// A server's words about an error, brought into one shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// For people.
    pub(crate) message: String,
    /// The server's name for this error.
    pub(crate) code: Option<String>,
    /// The server's name for the kind of error.
    pub(crate) kind: Option<String>,
}

impl Words {
    /// Reads a body. The shapes, in this order: an object or a text under `error`, a text, an object or a list under
    /// `detail`, a `message`, a page of HTML, plain text.
    ///
    /// Secrets are hidden before anything is cut short, so that no half of one is left.
    pub(crate) fn of(body: &[u8], hide: impl Fn(&str) -> String) -> Self {
        let words = Self::read(body);
        let word = |word: Option<String>| word.map(|word| short(&hide(&word)));
        Self { message: short(&hide(&words.message)), code: word(words.code), kind: word(words.kind) }
    }

    /// The words as they stand there, secrets and all.
    fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(beginning(body));
        match serde_json::from_str::<Value>(&text) {
            Ok(value) => Self::of_json(&value),
            Err(_) => Self { message: of_text(&text), ..Self::default() },
        }
    }

    fn of_json(value: &Value) -> Self {
        match (&value["error"], &value["detail"]) {
            (Value::Object(_), _) if value["node_errors"].is_object() => Self::of_graph(value),
            (Value::Object(_), _) => Self::of_object(&value["error"]),
            (Value::String(error), _) => Self::of_string(error, value),
            (_, Value::String(detail)) => {
                let kind = text(&value["error_type"]);
                Self { message: detail.clone(), code: text(&value["code"]), kind }
            }
            (_, Value::Array(list)) => {
                let kind = list.first().and_then(|first| text(&first["type"]));
                Self { message: of_list(list), code: None, kind }
            }
            (_, Value::Object(_)) => Self::of_object(&value["detail"]),
            _ if value["message"].is_string() => Self::of_object(value),
            // Google's routes that stream answer with a list of one.
            _ if value[0]["error"].is_object() => Self::of_object(&value[0]["error"]),
            _ => Self { message: value.to_string(), ..Self::default() },
        }
    }

    fn of_object(object: &Value) -> Self {
        let message = text(&object["message"]).or_else(|| text(&object["msg"])).unwrap_or_else(|| object.to_string());
        // Google has a number as its code and the word as its status.
        let code = text(&object["status"]).or_else(|| text(&object["code"]));
        Self { message, code, kind: text(&object["type"]) }
    }

    /// `ComfyUI` says what is wrong with a graph node by node, beside an error that sums it up.
    fn of_graph(value: &Value) -> Self {
        let whole = Self::of_object(&value["error"]);
        let nodes = of_nodes(&value["node_errors"]);
        let said = text(&value["error"]["details"]).filter(|details| nodes.is_empty() && !details.is_empty());
        let more: Vec<String> = said.into_iter().chain(nodes).collect();
        let message = std::iter::once(whole.message).chain(more).collect::<Vec<_>>().join(": ");
        Self { message, ..whole }
    }

    /// Where a message stands beside it, the text under `error` is a word for the kind.
    fn of_string(error: &str, value: &Value) -> Self {
        match text(&value["message"]) {
            Some(message) => Self { message, code: Some(error.to_owned()), kind: None },
            None => Self { message: error.to_owned(), code: text(&value["code"]), kind: text(&value["type"]) },
        }
    }

    /// Whether any of these stands in the code or the kind.
    pub(crate) fn is_called(&self, names: &[&str]) -> bool {
        let is = |word: &Option<String>| word.as_deref().is_some_and(|word| names.contains(&word));
        is(&self.code) || is(&self.kind)
    }

    /// Whether the code holds any of these.
    pub(crate) fn is_called_like(&self, parts: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| parts.iter().any(|part| code.contains(part)))
    }

    /// Whether the message speaks of any of these.
    pub(crate) fn speaks_of(&self, phrases: &[&str]) -> bool {
        let message = self.message.to_lowercase();
        phrases.iter().any(|phrase| message.contains(phrase))
    }
}

/// What a body says that is not what was expected, for the end of a sentence that is still to be told without secrets and to
/// be cut short.
pub(crate) fn found(body: &[u8]) -> String {
    let said = Words::read(body).message;
    if said.trim().is_empty() { "nothing".to_owned() } else { said }
}

/// What an error has to say stands at its beginning; the rest could be anything.
pub(super) fn beginning(body: &[u8]) -> &[u8] {
    body.get(..MOST_BYTES).unwrap_or(body)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What a check of fields found, each with its place: `body.size: not a size`.
fn of_list(list: &[Value]) -> String {
    let one = |each: &Value| {
        let message = text(&each["msg"]).or_else(|| text(each)).unwrap_or_else(|| each.to_string());
        let place: Vec<String> = each["loc"].as_array().into_iter().flatten().filter_map(text).collect();
        if place.is_empty() { message } else { format!("{}: {message}", place.join(".")) }
    };
    list.iter().take(5).map(one).collect::<Vec<_>>().join("; ")
}

/// What is wrong with each node: `node 3 (KSampler): Value not in list: sampler_name`.
pub(crate) fn of_nodes(errors: &Value) -> Vec<String> {
    let one = |(id, node): (&String, &Value)| {
        let say = |error: &Value| {
            let parts = [&error["message"], &error["details"]].map(text);
            parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
        };
        let said: Vec<String> = node["errors"].as_array().into_iter().flatten().map(say).collect();
        format!("node {id} ({}): {}", text(&node["class_type"]).unwrap_or_default(), said.join(", "))
    };
    errors.as_object().into_iter().flatten().take(5).map(one).collect()
}

fn of_text(text: &str) -> String {
    let start = text.trim_start();
    let lower = start.get(..64.min(start.len())).unwrap_or(start).to_lowercase();
    if lower.starts_with("traceback (most recent call last)") {
        // What went wrong stands last; before it stands where.
        return text.trim_end().lines().next_back().unwrap_or_default().to_owned();
    }
    if !lower.starts_with('<') {
        return text.trim().to_owned();
    }
    let title = start.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(title, _)| title);
    title.map_or_else(|| "a page of HTML".to_owned(), |title| format!("a page of HTML called `{}`", title.trim()))
}

/// One line of limited length, as [`plain`] has it.
pub(crate) fn short(text: &str) -> String {
    cut(&plain(text), MOST_CHARACTERS)
}

/// At most so many characters of a text, and a mark where there are more.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// One line that reads as it is written: without control characters, without what cannot be seen, and without what turns the
/// order of letters around. A server could make a terminal or a reader believe something else with those.
pub(crate) fn plain(text: &str) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let words = words.map(|word| word.replace(is_hidden, "")).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Characters of Unicode's category `Cf` that are in use: marks of direction, joiners, invisible operators, tags.
fn is_hidden(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_reads_as_it_is_written() {
        for (said, expected) in [
            ("  two\r\n\tlines ", "two lines"),
            ("\u{1b}[2Jgone\u{7f}", "[2Jgone"),
            ("good \u{202e}dab\u{202c} \u{2066}x\u{2069}", "good dab x"),
            ("a\u{200b}d\u{ad}m\u{feff}in\u{e0041}", "admin"),
            ("schön 中 😀", "schön 中 😀"),
            ("\u{200b} \u{2028}", ""),
        ] {
            assert_eq!(plain(said), expected, "{said:?}");
        }
        assert_eq!(short(&"é".repeat(400)), format!("{}…", "é".repeat(300)));
    }
}
