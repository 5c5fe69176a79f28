//! From text to a tree, with limits. YAML that recipes do not use is refused by name: several documents, directives,
//! anchors and aliases (and with them everything that grows when it is expanded), merge keys, tags, keys that are not
//! words.
//!
//! The parser is the one inside `serde-saphyr`, used without serde: serde stops at the first mistake, and a recipe's
//! author wants all of them.

use editscale_schema::scalar;
use editscale_schema::{Entry, Mistake, Mistakes, Node, Scalar, Span, Value, quote};
use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, StructureStyle, options};

use crate::document::syntax;

/// The most values that may stand inside each other.
pub(crate) const DEPTH_LIMIT: usize = 64;

/// Reads the document of `text`; nothing where there is none, or it is beyond reading.
pub(crate) fn read(text: &str, mistakes: &Mistakes<'_>) -> Option<Node> {
    let mut reader = Reader { mistakes, open: Vec::new(), root: None, documents: 0 };
    let end = text.len();
    for next in Parser::new_from_str_with_options(text, parser_options()) {
        match next {
            Ok((event, span)) => {
                let tag = span.tag_span().map(|tag| bytes(&tag, end));
                if !reader.take(event, bytes(&span, end), tag) {
                    return None;
                }
            }
            Err(error) => {
                reader.refuse_syntax(&error, text);
                return None;
            }
        }
    }
    if reader.root.is_none() {
        let hint = "a recipe begins with `version: 1`; see `configs/quickstart.yaml` for a whole one";
        mistakes.error(&(0..0), Mistake::new("the recipe is empty").hint(hint));
    }
    reader.root
}

fn parser_options() -> Options {
    // One level more than is allowed, so that the limit is this file's own and is reported in its words.
    options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        disallow_directives: true,
        flow_nesting_limit: DEPTH_LIMIT + 1,
        block_nesting_limit: DEPTH_LIMIT + 1,
    }
}

fn bytes(span: &granit_parser::Span, end: usize) -> Span {
    span.byte_range().unwrap_or(end..end)
}

/// A list or map whose end has not come yet.
struct Open {
    start: Span,
    /// Whether it stands in brackets.
    in_brackets: bool,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<Key>, seen: HashMap<String, Span> },
}

/// A key whose value has not come yet.
struct Key {
    /// `None`: refused, and so is its value.
    name: Option<String>,
    span: Span,
}

struct Reader<'m, 't> {
    mistakes: &'m Mistakes<'t>,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

impl Reader<'_, '_> {
    /// Takes an event; false where reading on is of no use.
    fn take(&mut self, event: Event<'_>, span: Span, tag: Option<Span>) -> bool {
        if let Some(tag) = tag {
            let hint = "leave it out: the key decides the type";
            self.mistakes.error(&tag, Mistake::new("tags are not part of recipes").hint(hint));
        }
        match event {
            Event::DocumentStart(..) => return self.begin_document(&span),
            Event::Scalar(text, style, ..) => self.scalar(&text, style, span),
            Event::SequenceStart(style, ..) => return self.begin(span, style, Content::List(Vec::new())),
            Event::MappingStart(style, ..) => {
                let (entries, seen) = (Vec::new(), HashMap::new());
                return self.begin(span, style, Content::Map { entries, key: None, seen });
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(&span),
            Event::Anchor(_, name) => self.refuse_sharing(&format!("anchor {}", quote(&format!("&{name}"))), &span),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse_sharing("alias", &span);
                self.place(Node::refused(span));
            }
            _ => {}
        }
        true
    }

    fn begin_document(&mut self, span: &Span) -> bool {
        self.documents += 1;
        if self.documents > 1 {
            let hint = "put each recipe in a file of its own";
            self.mistakes.error(span, Mistake::new("a second document begins here").hint(hint));
        }
        self.documents == 1
    }

    fn refuse_sharing(&self, what: &str, span: &Span) {
        let message = format!("{what}: anchors and aliases are not part of recipes");
        self.mistakes.error(span, Mistake::new(message).hint("write the value out where it is used"));
    }

    fn refuse_syntax(&self, error: &ScanError, text: &str) {
        let at = syntax::place(error.kind(), text, error.marker().byte_offset().unwrap_or(text.len()));
        let unclosed = self.open.last().filter(|open| open.in_brackets);
        let opener = unclosed.map(|open| self.mistakes.lines().place(&open.start));
        self.mistakes.error(&(at..at + 1), syntax::explain(error.kind(), opener.as_ref()));
    }

    fn begin(&mut self, start: Span, style: StructureStyle, content: Content) -> bool {
        if self.open.len() == DEPTH_LIMIT {
            self.mistakes.error(&(start.start..start.start + 1), syntax::too_deep());
            return false;
        }
        self.open.push(Open { start, in_brackets: style == StructureStyle::Flow, content });
        true
    }

    fn end(&mut self, span: &Span) {
        let Some(Open { start, content, .. }) = self.open.pop() else { return };
        let value = match content {
            Content::List(items) => Value::List(items),
            Content::Map { entries, .. } => Value::Map(entries),
        };
        self.place(Node { span: start.start..span.end.max(start.end), value });
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) {
        let quoted = style != ScalarStyle::Plain;
        let mistakes = self.mistakes;
        if let Some(Content::Map { key: key @ None, seen, .. }) = self.innermost() {
            let is_merge = text == "<<" && !quoted;
            *key = Some(if is_merge { merge_key(span, mistakes) } else { plain_key(text, span, seen, mistakes) });
            return;
        }
        let meaning = if quoted { Scalar::Text(text.into()) } else { scalar::plain(text) };
        self.place(Node { span, value: Value::Scalar(meaning) });
    }

    fn innermost(&mut self) -> Option<&mut Content> {
        self.open.last_mut().map(|open| &mut open.content)
    }

    /// Puts a whole value where it belongs.
    fn place(&mut self, node: Node) {
        let mistakes = self.mistakes;
        match self.innermost() {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, key, .. }) => match key.take() {
                Some(Key { name: Some(name), span }) => {
                    entries.push(Entry { key: name, key_span: span, node });
                }
                Some(Key { name: None, .. }) => {}
                None => *key = Some(refused_key(&node, mistakes)),
            },
        }
    }
}

fn merge_key(span: Span, mistakes: &Mistakes<'_>) -> Key {
    let hint = "write the keys out where they are used";
    mistakes.error(&span, Mistake::new("merge keys are not part of recipes").hint(hint));
    Key { name: None, span }
}

/// A key by its name, which no other key of its map has.
fn plain_key(text: &str, span: Span, seen: &mut HashMap<String, Span>, mistakes: &Mistakes<'_>) -> Key {
    if let Some(first) = seen.get(text) {
        let line = mistakes.lines().number(first.start);
        let message = format!("duplicate key {}", quote(text));
        mistakes.error(&span, Mistake::new(message).hint(format!("it is already given in line {line}")));
        return Key { name: None, span };
    }
    seen.insert(text.into(), span.clone());
    Key { name: Some(text.into()), span }
}

fn refused_key(node: &Node, mistakes: &Mistakes<'_>) -> Key {
    if node.value != Value::Refused {
        mistakes.error(&node.span, Mistake::new("a list or map cannot be a key"));
    }
    Key { name: None, span: node.span.clone() }
}
