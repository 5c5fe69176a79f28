//! Recipes: from YAML to a checked description of a run, with the place of every mistake.
//!
//! Text comes in, a [`Recipe`] or a [`Report`] of everything that is wrong with it goes out. Nothing here opens a file,
//! builds a model or reads the machine: what a recipe names is made by whoever holds it.
//!
//! ```
//! let file = b"version: 1
//! editor: {darkroom: {}}
//! rewards: [{model: {photometric: {}}}]
//! search: {best_of_n: {sampels: 8}}";
//! let report = editscale_config::Recipe::parse(file).unwrap_err();
//! assert!(report.render("mine.yaml", file).contains("did you mean `samples`?"));
//! ```
//!
//! A file is read in steps. `document/` makes a tree in which every value knows its place; `sections.rs` reads the keys at
//! the top, each by its own file (`editors/`, `policies/`, `budget.rs`, …); `check.rs` looks at what they are to each
//! other. Serde has no part in it: it stops at the first mistake, and the author of a recipe wants to see all of them.
//! Keys, ranges, defaults and their documentation are data (`schema/`), with one definition of each.
//!
//! To add an editor, a reward or a policy, write its options in a file and register them in the `mod.rs` beside it.

mod budget;
mod check;
mod combine;
mod compute;
mod document;
mod editors;
mod lacks;
mod output;
mod places;
mod policies;
mod recipe;
mod reference;
mod remote;
mod report;
mod resolved;
mod retain;
mod retry;
mod rewards;
mod schema;
mod sections;
mod stop;

pub use combine::{Combine, MeanRankOptions, WeightedOptions};
pub use compute::{DeviceChoice, DtypeChoice, WeightChoice};
pub use editors::{
    ArkOptions, ComfyUiOptions, Darkroom, DiffusionSettings, EditorModel, FluxKontextOptions, GeminiOptions,
    GenerationChoice, ImagesProfile, InputSettings, InstructPix2PixOptions, MaskChoice, OpenAiImagesOptions,
    PictureChoice, ResolutionChoice, ResultSize, RolloutChoice, SamplerChoice, SdCppJobsOptions, SeedChoice,
    ServiceChoice, SgLangRolloutOptions, SizeChoice, SizeWord, SubmitPollOptions, TextDevice,
};
pub use output::{Output, OutputFormat};
pub use policies::{BeamOptions, BestOfNOptions, Policy, RewardWeightedOptions};
pub use recipe::{Editor, Recipe, Reward, Settings};
pub use reference::schema;
pub use remote::{
    CallSettings, FieldValue, KnobSetting, PollSettings, PriceSettings, RemoteSettings, RepeatChoice, SecretPlace,
    ServerSettings,
};
pub use report::{Diagnostic, Place, Report, Severity};
pub use retain::{AllImages, BestImages, Retain, WinnerImage};
pub use retry::Retry;
pub use rewards::{
    ChatJudgeOptions, ChatSettings, CombinationChoice, ComparingSettings, ConversationSettings, EditRewardOptions,
    EditscaleOptions, FlowFactoryOptions, Fusion, ListwiseJudgeOptions, PairwiseJudgeOptions, Photometric,
    PickledProfile, PickledRewardOptions, PicturesChoice, PoolingChoice, PromptFiles, QuestionSettings, RewardModel,
    RopeTables, ScoreSettings, StructuredChoice, UnirlScoreOptions, VllmClassifyOptions, VllmPluginOptions,
    VllmPoolingOptions,
};
pub use schema::{KeyDoc, Table};
pub use stop::Stop;
