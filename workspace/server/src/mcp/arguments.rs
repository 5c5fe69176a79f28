//! What the tools take, each with its schema.

use editscale_core::ImageSize;
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::purse::BudgetForm;
use super::trouble::{Trouble, quoted};
use crate::http::fields::size_of;

/// Reads the arguments of a tool. What is wrong is told to the model, which can do better.
pub(crate) fn read<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Trouble> {
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| Trouble::invalid("the arguments are wrong").reported(&error.to_string()))
}

/// Nothing but where.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plain {
    /// The conversation, as earlier results name it. Leave it out to go on with the one of this connection.
    #[expect(dead_code, reason = "it is read before the tool is")]
    pub(crate) conversation: Option<String>,
}

/// A picture to edit, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditArguments {
    /// The picture: a path within the folders that may be used, a resource such as `editscale://runs/RUN/source`, an edit of this
    /// conversation such as `e1`, or a data URL.
    pub(crate) image: String,
    /// What to change, in plain words, for example "make it warmer".
    pub(crate) instruction: String,
    #[serde(flatten)]
    pub(crate) how: How,
}

/// What to go on from, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefineArguments {
    /// What to go on from: an edit of this conversation such as `e1`, or any candidate of a run as `RUN:NUMBER` or as
    /// `editscale://runs/RUN/candidates/NUMBER`. The current edit where it is left out.
    pub(crate) from: Option<String>,
    /// What to change further, in plain words.
    pub(crate) instruction: String,
    #[serde(flatten)]
    pub(crate) how: How,
}

/// How an edit is made.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct How {
    /// The conversation, as earlier results name it. Leave it out to go on with the one of this connection.
    #[expect(dead_code, reason = "it is read before the tool is")]
    pub(crate) conversation: Option<String>,
    /// A recipe that `list_recipes` tells of. The usual one, or the one of what is refined, where it is left out.
    pub(crate) recipe: Option<String>,
    /// What this call may spend at most; never more than is left of the conversation's budget.
    pub(crate) budget: Option<BudgetForm>,
    /// Another search than the recipe's, in the words of recipes, for example `{"best_of_n": {"samples": 4}}`.
    pub(crate) search: Option<Map<String, Value>>,
    /// Another rule to stop by than the recipe's, in the words of recipes, for example `{"target_score": 0.9}`.
    pub(crate) stop: Option<Map<String, Value>>,
    /// The root of all seeds; 0 where it is left out. Another one gives other candidates.
    pub(crate) seed: Option<u64>,
    /// The size of the result as `WIDTHxHEIGHT` in pixels; as the editor has it where it is left out.
    pub(crate) size: Option<String>,
    /// A picture of the image's size, named in the same ways: white is where to edit.
    pub(crate) mask: Option<String>,
    /// Where to write the result: a path within the folders that may be used, ending in .png, .jpg or .webp. Nothing is ever
    /// overwritten.
    pub(crate) save_to: Option<String>,
    /// Whether to show the result within the answer, at most 512 pixels large.
    #[serde(default)]
    pub(crate) inline: bool,
}

/// A pair to judge.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScoreArguments {
    /// The conversation, as earlier results name it. Leave it out to go on with the one of this connection.
    #[expect(dead_code, reason = "it is read before the tool is")]
    pub(crate) conversation: Option<String>,
    /// The picture before: a path, an editscale:// resource, an edit such as `e1`, or a data URL.
    pub(crate) source: String,
    /// The picture after, named in the same ways.
    pub(crate) edited: String,
    /// What was asked for.
    pub(crate) instruction: String,
    /// The recipe whose rewards judge. The usual one where it is left out.
    pub(crate) recipe: Option<String>,
}

/// Pictures to compare.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompareArguments {
    /// The conversation, as earlier results name it. Leave it out to go on with the one of this connection.
    #[expect(dead_code, reason = "it is read before the tool is")]
    pub(crate) conversation: Option<String>,
    /// The picture before: a path, an editscale:// resource, an edit such as `e1`, or a data URL.
    pub(crate) source: String,
    /// 2 to 64 pictures after, named in the same ways. The source itself may be among them.
    #[schemars(length(min = 2, max = 64))]
    pub(crate) candidates: Vec<String>,
    /// What was asked for.
    pub(crate) instruction: String,
    /// The recipe whose rewards judge. The usual one where it is left out.
    pub(crate) recipe: Option<String>,
}

/// Which edit to go to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoToArguments {
    /// The conversation, as earlier results name it. Leave it out to go on with the one of this connection.
    #[expect(dead_code, reason = "it is read before the tool is")]
    pub(crate) conversation: Option<String>,
    /// An edit of this conversation such as `e1`, or any candidate of a run as `RUN:NUMBER` or as
    /// `editscale://runs/RUN/candidates/NUMBER`, which becomes an edit.
    pub(crate) edit: String,
    /// Whether to show its picture within the answer, at most 512 pixels large.
    #[serde(default)]
    pub(crate) inline: bool,
}

/// What to write where.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveArguments {
    /// The conversation, as earlier results name it. Leave it out to go on with the one of this connection.
    #[expect(dead_code, reason = "it is read before the tool is")]
    pub(crate) conversation: Option<String>,
    /// An edit of this conversation such as `e1`, or any candidate of a run as `RUN:NUMBER` or as
    /// `editscale://runs/RUN/candidates/NUMBER`. The current edit where it is left out.
    pub(crate) edit: Option<String>,
    /// Where to write it: a path within the folders that may be used, ending in .png, .jpg or .webp. Nothing is ever overwritten.
    pub(crate) save_to: String,
}

/// A size such as `1024x768`.
pub(crate) fn size(text: &str) -> Result<ImageSize, Trouble> {
    size_of(text).ok_or_else(|| {
        let found = quoted(text, 40);
        Trouble::invalid(format!("`size`: expected WIDTHxHEIGHT in pixels, as in 1024x768, found `{found}`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_arguments_are_told_of() {
        let object = |text: &str| serde_json::from_str::<JsonObject>(text).unwrap();
        let good = object(r#"{"image": "a.png", "instruction": "warmer", "seed": 3, "budget": {"edits": 2}}"#);
        let read_well: EditArguments = read(good).unwrap();
        assert_eq!((read_well.how.seed, read_well.how.budget.unwrap().edits), (Some(3), Some(2)));
        for bad in [
            r#"{"image": "a.png"}"#,
            r#"{"image": "a.png", "instruction": "warmer", "sed": 3}"#,
            r#"{"image": "a.png", "instruction": "warmer", "seed": -3}"#,
            r#"{"image": "a.png", "instruction": "warmer", "search": "best_of_n"}"#,
            r#"{"image": "a.png", "instruction": "warmer", "budget": {"edit": 1}}"#,
        ] {
            assert!(read::<EditArguments>(object(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!(size("10x20").unwrap(), ImageSize { width: 10, height: 20 });
        for bad in ["", "10", "10x", "x20", "-1x2", "10×20", "10x20x30"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
