//! The editors that a recipe lists: one without a name, or several with names.

use editscale_core::EditorName;
use editscale_schema::{Entry, Fields, MOST_ITEMS, Mistake, Mistakes, Name, Rule, Section, Value, quote};

use crate::Catalogue;
use crate::recipe::Editor;
use crate::sections::Purpose;

pub(crate) const EDITOR: Section = Section {
    name: "editor",
    allowed: "one editor",
    default: "required to edit, or `editors`",
    meaning: "what makes candidates",
};

pub(crate) const EDITORS: Section = Section {
    name: "editors",
    allowed: "a map from names to editors",
    default: "required to edit, or `editor`",
    meaning: "several editors under names of your own; a search that does not route uses the first",
};

/// The editors of a recipe, with different names: at least one, unless it is for judging.
pub(crate) fn read_editors(top: &Fields<'_>, catalogue: &Catalogue, purpose: Purpose) -> Option<Vec<Editor>> {
    let one = top.entry(EDITOR.name);
    let several = top.entry(EDITORS.name);
    if one.is_none() && several.is_none() {
        if purpose == Purpose::Judging {
            return Some(Vec::new());
        }
        return top.lacking(
            EDITOR.name,
            "a first one is `editor: {darkroom: {}}`; what only judges needs neither it nor `search`",
        );
    }
    if let (Some(one), Some(several)) = (one, several) {
        let later = if one.key_span.start > several.key_span.start { one } else { several };
        let mistake = Mistake::new("`editor` and `editors` cannot both be given")
            .hint("put the one editor among the several, under a name");
        top.error(&later.key_span, mistake);
    }
    let one = one.and_then(|entry| read_editor(entry, catalogue, top.mistakes()));
    let several = several.and_then(|entry| read_named_editors(entry, catalogue, top.mistakes()));
    several.or(one.map(|one| vec![one]))
}

/// An editor without a name of its own.
fn read_editor(entry: &Entry, catalogue: &Catalogue, mistakes: &Mistakes<'_>) -> Option<Editor> {
    let model = catalogue.editor_kinds().read(&entry.node, &entry.key_span, mistakes)?;
    Some(Editor { name: EditorName::new(model.kind()).ok()?, model })
}

fn read_named_editors(entry: &Entry, catalogue: &Catalogue, mistakes: &Mistakes<'_>) -> Option<Vec<Editor>> {
    let message = match &entry.node.value {
        Value::Refused => return None,
        Value::Map(entries) if (1..=MOST_ITEMS).contains(&entries.len()) => {
            let read: Vec<_> = entries.iter().map(|entry| read_named_editor(entry, catalogue, mistakes)).collect();
            return read.into_iter().collect();
        }
        Value::Map(entries) => {
            format!("`editors` has {} editors: expected 1 to {MOST_ITEMS}", entries.len())
        }
        _ => "`editors` must be a map from names to editors".into(),
    };
    mistakes.error(entry.place(), Mistake::new(message).hint("write `editors: {mine: {darkroom: {}}}`"));
    None
}

fn read_named_editor(entry: &Entry, catalogue: &Catalogue, mistakes: &Mistakes<'_>) -> Option<Editor> {
    let name = EditorName::new(&entry.key).ok();
    if name.is_none() {
        let rule = Name(EditorName::new);
        let message = format!("{} cannot name an editor: expected {}", quote(&entry.key), rule.expected());
        mistakes.error(&entry.key_span, Mistake::new(message));
    }
    let model = catalogue.editor_kinds().read(&entry.node, &entry.key_span, mistakes);
    Some(Editor { name: name?, model: model? })
}
