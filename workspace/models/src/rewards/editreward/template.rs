//! The chat template of a model directory.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, context};
use serde_json::Value;

use crate::load::LoadError;
use crate::rewards::editreward::Directory;

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
        const JINJA: &str = "chat_template.jinja";
        const KEY: &str = "chat_template";
        if directory.read_if_there(JINJA)?.is_some() {
            return Ok((JINJA, directory.read_text(JINJA)?));
        }
        for name in ["chat_template.json", TOKENIZER_CONFIG] {
            let json = directory.read_json(name)?.unwrap_or_default();
            if let Some(value) = json.get(KEY).filter(|value| !value.is_null()) {
                let reason = format!("`{KEY}` is neither a text nor a list of them with one called `default`");
                return Ok((name, text_of(value).ok_or_else(|| directory.content(name, reason))?));
            }
        }
        let reason = format!("has no `{KEY}`, and there is no `{JINJA}` or `chat_template.json` beside it");
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

#[cfg(test)]
mod tests {
    use super::*;

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
