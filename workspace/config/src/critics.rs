//! The critics that a recipe lists, with their names.

use editscale_core::CriticName;
use editscale_schema::{
    Absent, Documented, Fields, Key, Keys, Map, Mistake, Mistakes, Name, Node, Section, Yaml, quote,
};

use crate::Catalogue;
use crate::recipe::Critic;

pub(crate) const CRITICS: Section = Section {
    name: "critics",
    allowed: "a list of critics",
    default: "no critics",
    meaning: "what writes about candidates and says what to ask the editor for next; for policies that ask critics",
};

const NAME: Key<Name<CriticName>> = Key {
    name: "name",
    rule: Name(CriticName::new),
    absent: Absent::Unset("the name of its model"),
    meaning: "what the recipe calls it; two critics of one model need different names",
};

const MODEL: Section = Section { name: "model", allowed: "one critic", default: "required", meaning: "what writes" };

pub(crate) const CRITIC_KEYS: Keys = &[&MODEL as &dyn Documented, &NAME];

/// The critics, if all are right; an empty list where the recipe has none.
pub(crate) fn read_critics(top: &Fields<'_>, catalogue: &Catalogue) -> Option<Vec<Critic>> {
    let Some(entry) = top.entry(CRITICS.name) else { return Some(Vec::new()) };
    let mut names = Vec::new();
    let items = top.list(entry)?.iter();
    // All are read before the first that is wrong ends it, for the mistakes in them.
    let read: Vec<Option<Critic>> = items.map(|item| read_one(item, catalogue, &mut names, top.mistakes())).collect();
    read.into_iter().collect()
}

fn read_one(
    node: &Node,
    catalogue: &Catalogue,
    names: &mut Vec<CriticName>,
    mistakes: &Mistakes<'_>,
) -> Option<Critic> {
    let fields = Map::item("a critic", node).read(CRITIC_KEYS, mistakes)?;
    let model = match fields.entry(MODEL.name) {
        Some(entry) => catalogue.critic_kinds().read(&entry.node, &entry.key_span, mistakes),
        None => fields.lacking(MODEL.name, "write `model: {darkroom_critic: {}}`"),
    };
    let name = if fields.has(NAME.name) {
        fields.take(&NAME)
    } else {
        model.as_ref().and_then(|model| CriticName::new(model.kind()).ok())
    }?;
    if names.contains(&name) {
        let at = fields.span_of(if fields.has(NAME.name) { NAME.name } else { MODEL.name });
        let message = format!("there are two critics called {}", quote(name.as_str()));
        fields.error(&at, Mistake::new(message).hint("give one of them another `name`"));
    }
    names.push(name.clone());
    Some(Critic { name, model: model? })
}

/// As a resolved recipe has them; nothing where there are none.
pub(crate) fn write_critics(critics: &[Critic]) -> Option<(&'static str, Yaml)> {
    let write = |critic: &Critic| {
        let keys = [Some(("model".to_owned(), critic.model.write())), NAME.write(Some(&critic.name))];
        Yaml::Map(keys.into_iter().flatten().collect())
    };
    (!critics.is_empty()).then(|| (CRITICS.name, Yaml::List(critics.iter().map(write).collect())))
}
