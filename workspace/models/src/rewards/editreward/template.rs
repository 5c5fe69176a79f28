//! The chat template of a model directory, and Python's `str.format` as far as prompts use it.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, context};
use serde_json::Value;

use crate::rewards::editreward::{Directory, LoadError};

const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
const NAME: &str = "chat";

/// The longest template that is read; those of released models have some thousand bytes.
const LONGEST: usize = 64 << 10;

/// A template that turns a conversation into the text that the model reads.
pub(super) struct ChatTemplate {
    environment: Environment<'static>,
    /// The file that it comes from.
    file: &'static str,
}

impl ChatTemplate {
    /// Reads `chat_template.jinja`, else `chat_template.json`, else the `chat_template` of `tokenizer_config.json`: the
    /// order of transformers.
    pub(super) fn load(directory: &Directory) -> Result<Self, LoadError> {
        let (name, text) = Self::find(directory)?;
        Self::new(name, text)
            .map_err(|error| directory.content(name, format!("its chat template is broken: {}", told(&error))))
    }

    fn find(directory: &Directory) -> Result<(&'static str, String), LoadError> {
        if directory.read_if_there("chat_template.jinja")?.is_some() {
            return Ok(("chat_template.jinja", directory.read_text("chat_template.jinja")?));
        }
        for name in ["chat_template.json", TOKENIZER_CONFIG] {
            let template = directory.read_json(name)?.and_then(|json| text_of(json.get("chat_template")?));
            if let Some(template) = template {
                return Ok((name, template));
            }
        }
        let reason = "has no `chat_template`, and there is no `chat_template.jinja` or `chat_template.json` beside it";
        Err(directory.content(TOKENIZER_CONFIG, reason))
    }

    /// Compiles a template, with the settings that transformers gives it, and its `raise_exception`.
    fn new(file: &'static str, text: String) -> Result<Self, Error> {
        if text.len() > LONGEST {
            let message = format!("it has {} bytes: expected at most {LONGEST}", text.len());
            return Err(Error::new(ErrorKind::SyntaxError, message));
        }
        let mut environment = Environment::new();
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        // Millions of steps are no conversation any more.
        environment.set_fuel(Some(1_000_000));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<(), Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_template_owned(NAME, text)?;
        Ok(Self { environment, file })
    }

    /// The file that it comes from.
    pub(super) fn file(&self) -> &'static str {
        self.file
    }

    /// One user's turn of two pictures and a text, and the beginning of the answer.
    pub(super) fn render(&self, text: &str) -> Result<String, String> {
        let image = context! { type => "image", image => "picture" };
        let text = context! { type => "text", text => text };
        let messages = vec![context! { role => "user", content => vec![image.clone(), image, text] }];
        let template = self.environment.get_template(NAME).map_err(|error| told(&error))?;
        template
            .render(context! { messages => messages, add_generation_prompt => true })
            .map_err(|error| format!("the chat template failed: {}", told(&error)))
    }
}

/// A template, or the one called `default` of several.
fn text_of(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let named = value.as_array()?.iter().find(|each| each.get("name").and_then(Value::as_str) == Some("default"))?;
    named.get("template")?.as_str().map(ToOwned::to_owned)
}

fn told(error: &Error) -> String {
    match (error.detail(), error.line()) {
        (Some(detail), Some(line)) => format!("{detail} (line {line})"),
        _ => error.to_string(),
    }
}

/// A prompt with the place where the instruction goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prompt(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Instruction,
}

/// The field that stands for the instruction.
const FIELD: &str = "text_prompt";

impl Prompt {
    /// Reads a format string: `{text_prompt}` is the instruction, doubled braces are braces.
    pub(super) fn parse(format: &str) -> Result<Self, String> {
        let (mut pieces, mut text) = (Vec::new(), String::new());
        let mut rest = format;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                text.push_str(brace);
                rest = after;
            } else if brace == "{" && rest.starts_with(FIELD) && rest[FIELD.len()..].starts_with('}') {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(Piece::Instruction);
                rest = &rest[FIELD.len() + 1..];
            } else {
                let line = format[..format.len() - rest.len()].lines().count();
                return Err(format!("has a `{brace}` in line {line} that is neither `{{{FIELD}}}` nor doubled"));
            }
        }
        text.push_str(rest);
        pieces.push(Piece::Text(text));
        if !pieces.contains(&Piece::Instruction) {
            return Err(format!("has no `{{{FIELD}}}`: expected the place where the instruction goes"));
        }
        Ok(Self(pieces))
    }

    /// The prompt for an instruction, which is put in as it is.
    pub(super) fn fill(&self, instruction: &str) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Instruction => instruction.to_owned(),
        };
        self.0.iter().map(piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_filled_as_python_does() {
        let prompt = Prompt::parse("a {{x}} {text_prompt}\n{text_prompt}}}").expect("a prompt");
        assert_eq!(prompt.fill("{1} %s"), "a {x} {1} %s\n{1} %s}");
        for bad in ["no place", "{other}", "{text_prompt", "}", "{}", "{text_prompt!r}"] {
            assert!(Prompt::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn templates_see_what_transformers_gives_them() {
        let text = "{%- for m in messages -%}\n  {% if loop.first and m.role.startswith('us') %}\nS\n{% endif %}\n\
                    {%- for c in m['content'] -%}{{ c.get('text', '[' ~ c['type'] ~ ']') }}{%- endfor -%}{%- endfor -%}\
                    {% if add_generation_prompt %}A{% endif %}{{ unknown }}";
        let template = ChatTemplate::new("x", text.to_owned()).expect("compiles");
        assert_eq!(template.render("hi <b>"), Ok("S\n[image][image]hi <b>A".to_owned()));
        let failing = ChatTemplate::new("x", "{{ raise_exception('no pictures here') }}".to_owned()).expect("compiles");
        assert!(failing.render("x").is_err_and(|error| error.contains("no pictures here")));
    }
}
