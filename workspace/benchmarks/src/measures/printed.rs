//! Numbers that others printed: shown beside results as facts, never held against them.

use serde::{Deserialize, Serialize};

use crate::layouts::Preset;

/// A table as it was printed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Printed {
    /// Where it was printed.
    pub source: String,
    /// What the columns are.
    pub columns: Vec<String>,
    /// One judge a row.
    pub rows: Vec<PrintedRow>,
    /// What has to be known to read it.
    pub remarks: Vec<String>,
}

/// The printed numbers of one judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrintedRow {
    /// Its name as printed.
    pub judge: String,
    /// In per cent; nothing where the table has none.
    pub values: Vec<Option<f64>>,
}

/// `GenAI-Bench`, AURORA-Bench, `ImagenHub`, `EditReward-Bench` of 2, 3 and 4 candidates and of all; below −100 where the table
/// has none.
type Row = (&'static str, [f64; 7]);

const NONE: f64 = -999.0;

/// README and table 2 of `EditReward`.
const TABLE: [Row; 13] = [
    ("Random", [25.90, 33.43, NONE, 25.81, 11.33, 1.35, 13.84]),
    ("Human-to-human", [NONE, NONE, 41.84, NONE, NONE, NONE, NONE]),
    ("GPT-4o", [53.54, 50.81, 38.21, 45.69, 27.33, 7.31, 28.31]),
    ("GPT-5", [59.61, 47.27, 40.85, 57.53, 38.51, 12.84, 37.81]),
    ("Gemini-2.0-Flash", [53.32, 44.31, 23.69, 52.43, 33.33, 13.51, 33.47]),
    ("Gemini-2.5-Flash", [57.01, 47.63, 41.62, 58.61, 39.86, 12.16, 38.02]),
    ("Qwen2.5-VL-3B", [42.76, 30.69, -2.54, 51.07, 20.27, 2.71, 26.86]),
    ("Qwen2.5-VL-7B", [40.48, 38.62, 18.59, 52.69, 24.67, 3.38, 29.75]),
    ("Qwen2.5-VL-32B", [39.28, 37.06, 26.87, 50.54, 25.27, 4.05, 28.72]),
    ("MiMo-VL-7B-SFT-2508", [57.89, 30.43, 22.14, 49.46, 30.41, 9.46, 31.19]),
    ("ADIEE", [59.96, 55.56, 34.50, NONE, NONE, NONE, NONE]),
    ("EditReward (Qwen2.5-VL-7B)", [63.97, 59.50, 36.18, 56.99, 36.00, 10.81, 36.78]),
    ("EditReward (MiMo-VL-7B)", [65.72, 63.62, 35.20, 56.45, 42.67, 11.49, 38.42]),
];

/// The printed table of a benchmark; nothing for people's own data.
pub fn printed(preset: Preset) -> Option<Printed> {
    let (columns, remarks): (&[(usize, &str)], &[&str]) = match preset {
        Preset::EditRewardBench => (
            &[(3, "2 candidates"), (4, "3 candidates"), (5, "4 candidates"), (6, "all groups")],
            &[
                "Strict accuracy: published value of `strict_accuracy`.",
                "The random row does not follow from the published code, where random scores have half of the groups of two \
                 right: it is what guessing verdicts gives, one of four (25.0 %), three of two (12.5 %) and six of two (1.6 %).",
                "Back-computed, the counts are 186, 150 and 148 groups; the rows of some judges do not pool to the number printed \
                 for all groups.",
            ],
        ),
        Preset::GenaiBench => (&[(0, "accuracy with ties")], &["Published value of `accuracy_with_ties`."]),
        Preset::AuroraBench => {
            (&[(1, "accuracy with ties")], &["Published value of `accuracy_with_ties`, of the pairs."])
        }
        Preset::Imagenhub => (&[(2, "average Spearman")], &["Published value of `average_spearman`, times 100."]),
        Preset::Pairs | Preset::Ratings => return None,
    };
    let row = |(judge, values): &Row| PrintedRow {
        judge: (*judge).to_owned(),
        values: columns.iter().map(|(at, _)| values.get(*at).copied().filter(|value| *value > NONE)).collect(),
    };
    let rows = TABLE.iter().map(row).filter(|row| row.values.iter().any(Option::is_some));
    Some(Printed {
        source: "README of TIGER-AI-Lab/EditReward at edb027e, in per cent".to_owned(),
        columns: columns.iter().map(|(_, name)| (*name).to_owned()).collect(),
        rows: rows.collect(),
        remarks: remarks.iter().map(|remark| (*remark).to_owned()).collect(),
    })
}
