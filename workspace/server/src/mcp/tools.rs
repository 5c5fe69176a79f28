//! The tools that agents see: names, titles, descriptions, schemas, and what they change.

use std::sync::LazyLock;

use rmcp::model::{Tool as Described, ToolAnnotations};
use schemars::JsonSchema;

use super::answers::{CompareAnswer, EditAnswer, EditsAnswer, MovedAnswer, RecipesAnswer, SavedAnswer, ScoreAnswer};
use super::arguments::{
    CompareArguments, EditArguments, GoToArguments, Plain, RefineArguments, SaveArguments, ScoreArguments,
};

/// One of the tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    ListRecipes,
    EditImage,
    RefineEdit,
    ScoreEdit,
    CompareEdits,
    ListEdits,
    UndoEdit,
    GoToEdit,
    SaveEdit,
}

impl Tool {
    const ALL: [Self; 9] = [
        Self::ListRecipes,
        Self::EditImage,
        Self::RefineEdit,
        Self::ScoreEdit,
        Self::CompareEdits,
        Self::ListEdits,
        Self::UndoEdit,
        Self::GoToEdit,
        Self::SaveEdit,
    ];

    /// The tool of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::ListRecipes => "list_recipes",
            Self::EditImage => "edit_image",
            Self::RefineEdit => "refine_edit",
            Self::ScoreEdit => "score_edit",
            Self::CompareEdits => "compare_edits",
            Self::ListEdits => "list_edits",
            Self::UndoEdit => "undo_edit",
            Self::GoToEdit => "go_to_edit",
            Self::SaveEdit => "save_edit",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::ListRecipes => "List recipes",
            Self::EditImage => "Edit an image",
            Self::RefineEdit => "Refine an edit",
            Self::ScoreEdit => "Score an edit",
            Self::CompareEdits => "Compare edits",
            Self::ListEdits => "List edits",
            Self::UndoEdit => "Undo an edit",
            Self::GoToEdit => "Go to an edit",
            Self::SaveEdit => "Save an edit",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::ListRecipes => {
                "Which recipes there are: who edits, who judges, how they search, what they may spend; which folders may be used; \
                 what is left of the budget. Costs nothing."
            }
            Self::EditImage => {
                "Edits a picture as an instruction says: several candidates are made and judged, and the best one is kept. \
                 It becomes the current edit. Spends from the conversation's budget."
            }
            Self::RefineEdit => {
                "Goes on from the current edit, or from an earlier edit or any candidate, with a further instruction. The result \
                 becomes the current edit. Spends from the conversation's budget."
            }
            Self::ScoreEdit => {
                "Judges how well an edited picture follows an instruction, by the rewards of a recipe. Spends reward calls of \
                 the conversation's budget."
            }
            Self::CompareEdits => {
                "Ranks several pictures by how well they follow an instruction, by the rewards of one recipe; ties are told. Spends \
                 reward calls of the conversation's budget."
            }
            Self::ListEdits => {
                "The edits of the conversation as a tree: which goes on from which, which is current, what was spent and what is \
                 left. Costs nothing."
            }
            Self::UndoEdit => {
                "Goes back to what the current edit went on from. Nothing is deleted: `go_to_edit` takes the undone edit up again. \
                 Costs nothing."
            }
            Self::GoToEdit => {
                "Makes an earlier edit, or a candidate that did not win, the current one, to go on from it: a branch. Costs nothing."
            }
            Self::SaveEdit => {
                "Writes the current edit, or another one, to a file within the folders that may be used. Never overwrites. Costs \
                 nothing."
            }
        }
    }

    /// Whether it changes nothing but what is left of the budget.
    fn only_reads(self) -> bool {
        matches!(self, Self::ListRecipes | Self::ListEdits | Self::ScoreEdit | Self::CompareEdits)
    }

    fn described(self) -> Described {
        let hints = ToolAnnotations::with_title(self.title())
            .read_only(self.only_reads())
            .destructive(false)
            .idempotent(self.only_reads() || self == Self::GoToEdit)
            // Editors and judges may be servers elsewhere.
            .open_world(matches!(self, Self::EditImage | Self::RefineEdit | Self::ScoreEdit | Self::CompareEdits));
        let tool = match self {
            Self::ListRecipes => self.with::<Plain, RecipesAnswer>(),
            Self::EditImage => self.with::<EditArguments, EditAnswer>(),
            Self::RefineEdit => self.with::<RefineArguments, EditAnswer>(),
            Self::ScoreEdit => self.with::<ScoreArguments, ScoreAnswer>(),
            Self::CompareEdits => self.with::<CompareArguments, CompareAnswer>(),
            Self::ListEdits => self.with::<Plain, EditsAnswer>(),
            Self::UndoEdit => self.with::<Plain, MovedAnswer>(),
            Self::GoToEdit => self.with::<GoToArguments, MovedAnswer>(),
            Self::SaveEdit => self.with::<SaveArguments, SavedAnswer>(),
        };
        tool.with_title(self.title()).with_annotations(hints)
    }

    fn with<Takes: JsonSchema + 'static, Gives: JsonSchema + 'static>(self) -> Described {
        let tool = Described::new(self.name(), self.about(), rmcp::model::JsonObject::new());
        tool.with_input_schema::<Takes>().with_output_schema::<Gives>()
    }
}

/// All tools as they are listed.
pub(crate) fn all() -> &'static [Described] {
    static TOOLS: LazyLock<Vec<Described>> = LazyLock::new(|| Tool::ALL.into_iter().map(Tool::described).collect());
    &TOOLS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_says_what_it_takes_and_gives() {
        for tool in all() {
            let takes = serde_json::to_value(&*tool.input_schema).unwrap();
            assert_eq!(takes["type"], "object", "{}", tool.name);
            let properties = takes["properties"].as_object().unwrap();
            assert!(properties.contains_key("conversation"), "{}", tool.name);
            assert!(properties.values().all(|property| property["description"].is_string()), "{}", tool.name);
            let gives = serde_json::to_value(tool.output_schema.as_deref().unwrap()).unwrap();
            assert_eq!(gives["type"], "object", "{}", tool.name);
            let hints = tool.annotations.as_ref().unwrap();
            assert!(!hints.is_destructive() && hints.title.is_some() && tool.title.is_some());
            assert_eq!(Tool::named(&tool.name).map(Tool::name), Some(&*tool.name));
        }
        assert_eq!(Tool::named("delete_everything"), None);
    }
}
