//! Which weights edit.

use editscale_core::EditorName;
use editscale_schema::{Absent, Documented, Fields, Key, Keys, Mistake, Name, Number, Text, Yaml};

/// The weights that an editor is to work with, and where newer ones are announced.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// What the trainer calls them.
    pub version: String,
    /// Which editor; the first where there is no name.
    pub editor: Option<EditorName>,
    /// An adapter (a file) that is laid over the editor's own weights.
    pub adapter: Option<String>,
    /// A whole checkpoint (a folder or a hub's name) that a server is to load.
    pub checkpoint: Option<String>,
    /// How much of the adapter counts.
    pub scale: f64,
    /// A file in which a trainer announces newer weights.
    pub follow: Option<String>,
}

const VERSION: Key<Text> = Key {
    name: "version",
    rule: Text,
    absent: Absent::Refused,
    meaning: "what the trainer calls these weights, such as `step-0`: written into every row",
};
const EDITOR: Key<Name<EditorName>> = Key {
    name: "editor",
    rule: Name(EditorName::new),
    absent: Absent::Unset("the recipe's first editor"),
    meaning: "whose weights they are",
};
const ADAPTER: Key<Text> = Key {
    name: "adapter",
    rule: Text,
    absent: Absent::Unset("no adapter"),
    meaning: "a LoRA adapter in diffusers' format, laid over the editor's own weights",
};
const CHECKPOINT: Key<Text> = Key {
    name: "checkpoint",
    rule: Text,
    absent: Absent::Unset("the editor's own weights"),
    meaning: "a checkpoint as the editor's server knows it, which it is told to load",
};
const SCALE: Key<Number> = Key {
    name: "scale",
    rule: Number::from(0.0, 100.0),
    absent: Absent::Default(1.0),
    meaning: "how much of the adapter counts",
};
const FOLLOW: Key<Text> = Key {
    name: "follow",
    rule: Text,
    absent: Absent::Unset("the weights stay"),
    meaning: "a JSON file with `version` and `adapter` or `checkpoint` that a trainer replaces; looked at between groups",
};

pub(super) const KEYS: Keys = &[&VERSION as &dyn Documented, &EDITOR, &ADAPTER, &CHECKPOINT, &SCALE, &FOLLOW];

impl Policy {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        let (version, editor) = (fields.take(&VERSION), fields.take(&EDITOR));
        let (adapter, checkpoint) = (fields.take(&ADAPTER), fields.take(&CHECKPOINT));
        let (scale, follow) = (fields.take(&SCALE), fields.take(&FOLLOW));
        if adapter.is_some() && checkpoint.is_some() {
            let mistake = Mistake::new("`adapter` and `checkpoint` exclude each other")
                .hint("an adapter is laid over the editor's own weights, a checkpoint replaces them");
            fields.error(&fields.span_of(CHECKPOINT.name), mistake);
        }
        Some(Self { version: version?, editor, adapter, checkpoint, scale: scale?, follow })
    }

    pub(super) fn write(&self) -> Yaml {
        let keys = [
            VERSION.write(Some(&self.version)),
            EDITOR.write(self.editor.as_ref()),
            ADAPTER.write(self.adapter.as_ref()),
            CHECKPOINT.write(self.checkpoint.as_ref()),
            SCALE.write(Some(&self.scale)),
            FOLLOW.write(self.follow.as_ref()),
        ];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}
