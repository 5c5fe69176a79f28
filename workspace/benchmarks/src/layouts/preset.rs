//! The benchmarks by name, where each is published, and under which licence.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A benchmark whose layout is read. As JSON: its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Preset {
    /// EditReward-Bench of TIGER-Lab: groups of two, three and four edits in people's order.
    EditRewardBench,
    /// GenAI-Bench, its part on editing: votes on pairs.
    GenaiBench,
    /// AURORA-Bench: people's verdicts on pairs, and ratings of single edits.
    AuroraBench,
    /// `ImagenHub`, its part on text-guided editing: ratings of single edits, by editing model.
    Imagenhub,
    /// Pairs of one's own.
    Pairs,
    /// Ratings of one's own.
    Ratings,
}

/// Facts about a published benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its name as people write it.
    pub title: &'static str,
    /// Where it lies.
    pub at: &'static str,
    /// How to get it with tools of one's own; nothing where there is no command.
    pub command: Option<&'static str>,
    /// The licence, as far as it is known.
    pub licence: &'static str,
    /// What else one must know to find it.
    pub note: &'static str,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::EditRewardBench, Self::GenaiBench, Self::AuroraBench, Self::Imagenhub, Self::Pairs, Self::Ratings];

    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::EditRewardBench => "editreward-bench",
            Self::GenaiBench => "genai-bench",
            Self::AuroraBench => "aurora-bench",
            Self::Imagenhub => "imagenhub",
            Self::Pairs => "pairs",
            Self::Ratings => "ratings",
        }
    }

    /// The benchmark of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Where it is published; of one's own data, what a file must hold.
    pub fn published(self) -> Published {
        match self {
            Self::EditRewardBench => EDIT_REWARD_BENCH,
            Self::GenaiBench => GENAI_BENCH,
            Self::AuroraBench => AURORA_BENCH,
            Self::Imagenhub => IMAGENHUB,
            Self::Pairs => PAIRS,
            Self::Ratings => RATINGS,
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Preset {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'a> Deserialize<'a> for Preset {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::from_name(&name).ok_or_else(|| D::Error::custom(format!("there is no benchmark `{name}`")))
    }
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(command) = self.command else {
            return write!(f, "{} {}", self.at, self.note);
        };
        let Self { title, at, licence, note, .. } = self;
        writeln!(f, "{title} is published at {at} (licence: {licence}). Nothing is downloaded here; get it with")?;
        write!(f, "    {command}\n{note}")
    }
}

const EDIT_REWARD_BENCH: Published = Published {
    title: "EditReward-Bench",
    at: "https://huggingface.co/datasets/TIGER-Lab/EditReward-Bench",
    command: Some("hf download TIGER-Lab/EditReward-Bench --repo-type dataset --local-dir EditReward-Bench"),
    licence: "Apache-2.0",
    note: "and give that folder: it holds 2pair, 3pair and 4pair. EditScore/EditReward-Bench is another benchmark of the same \
           name.",
};

const GENAI_BENCH: Published = Published {
    title: "GenAI-Bench",
    at: "https://huggingface.co/datasets/TIGER-Lab/GenAI-Bench",
    command: Some(
        "hf download TIGER-Lab/GenAI-Bench --repo-type dataset --include 'image_edition/*' --local-dir GenAI-Bench",
    ),
    licence: "MIT for the code that goes with it; of the pictures, see the page of the data set",
    note: "and give that folder. The JSON of pairs in the repository TIGER-AI-Lab/EditReward (data/dataset) is read too, with \
           --images naming the folder that its paths begin in.",
};

const AURORA_BENCH: Published = Published {
    title: "AURORA-Bench",
    at: "https://github.com/McGill-NLP/AURORA (section Human Ratings: a JSON file and an archive of pictures, on Google Drive)",
    command: Some("unzip human_ratings.zip, beside human_ratings.json, both saved from the links of that section"),
    licence: "MIT for the repository; of the pictures, see its data sheet",
    note: "and give the JSON file, or a folder with one JSON file of pairs and one of ratings. Its paths begin in the folder of \
           the file, or in that of --images.",
};

const IMAGENHUB: Published = Published {
    title: "ImagenHub",
    at: "https://github.com/TIGER-AI-Lab/ImagenHub (ratings, in eval/human_ratings/Text-Guided_IE) and \
         https://chromaica.github.io/Museum/ImagenHub_Text-Guided_IE (pictures, and dataset_lookup.json)",
    command: Some("git clone https://github.com/TIGER-AI-Lab/ImagenHub"),
    licence: "MIT for the repository; of the pictures, see the page of the museum",
    note: "and give that folder, with the museum's folder saved within it (or named by --images): dataset_lookup.json, input, \
           and a folder of pictures for each model. A JSON list of {input_path, output_path, instruction, model, score} is read \
           too.",
};

const PAIRS: Published = Published {
    title: "pairs of your own",
    at: "Expected CSV, JSONL, a JSON list or Parquet with the columns source, instruction, edited_a, edited_b and preference \
         (a, b or tie; 1, -1 or 0; A>B, B>A or A=B), or chosen and rejected;",
    command: None,
    licence: "yours",
    note: "columns with other names are named by --column PART=NAME.",
};

const RATINGS: Published = Published {
    title: "ratings of your own",
    at: "Expected CSV, JSONL, a JSON list or Parquet with the columns source, instruction, edited and rating, and perhaps model;",
    command: None,
    licence: "yours",
    note: "columns with other names are named by --column PART=NAME.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_benchmark_is_called_the_same_everywhere() {
        for preset in Preset::ALL {
            let json = serde_json::json!(preset);
            assert_eq!((Preset::from_name(preset.name()), json.as_str()), (Some(preset), Some(preset.name())));
            assert_eq!(serde_json::from_value::<Preset>(json).ok(), Some(preset));
        }
        assert!(serde_json::from_str::<Preset>("\"edit-reward-bench\"").is_err());
    }
}
