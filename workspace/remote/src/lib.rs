//! Editing servers, judges and critics over HTTP.
//!
//! A dialect has one folder; everything else is shared:
//!
//! | module | what it does |
//! |---|---|
//! | `http` | one exchange: addresses and secrets, forms, time limits by phase, limits on what is read |
//! | `trouble` | every error in one of a few classes, and when a call is sent again |
//! | `fleet` | several servers with one model: slots, pace, circuit breakers, who is asked |
//! | `picture` | pictures on the wire: kept as they came, their declarations checked, addresses checked |
//! | `price` | what calls cost |
//! | `reach` | whether servers are there, and which models they say they have |
//! | `recipe` | what recipes say, as this crate has it |
//! | `files`, `fingerprint` | files that are read whole, up to a length; long settings as short texts |
//! | `editors`, `judges`, `critics` | the dialects, and how recipes set them |
//!
//! Three rules hold everywhere:
//!
//! * **A call that may have been done is never blindly sent again.** Whether sending it twice is harmless is a property of
//!   the server ([`Repeat`]); where it is not, an answer that got lost is an ambiguous failure and counts as spent.
//! * **Secrets are in no text.** They come from the environment or a file, and are taken out of what servers say.
//! * **Pictures are never encoded again.** What a server sent is what the engine keeps.

mod critics;
mod editors;
mod files;
mod fingerprint;
mod fleet;
mod http;
mod judges;
mod picture;
mod price;
mod reach;
mod recipe;
mod trouble;

pub use editscale_schema::remote::SecretHeader;

pub use critics::CRITICS;
pub use critics::chat::{ChatCritic, ChatCriticOptions, ChatCriticRecipe};
pub use editors::*;
pub use fleet::{BreakerRules, Connection, PollRules, Rate, ServerOptions};
pub use http::{SecretSource, Timeouts};
pub use judges::JUDGES;
pub use judges::asking::{AskingOptions, StructuredOutput};
pub use judges::chat::{Aspect, AspectPictures, ChatJudge, ChatJudgeOptions, ChatJudgeRecipe, Combination, Rubric};
pub use judges::comparing::{
    ComparingJudge, ComparingJudgeOptions, Comparison, ListwiseJudgeRecipe, Pairs, PairwiseJudgeRecipe,
};
pub use judges::editscale::{EditscaleScore, EditscaleScoreOptions, EditscaleScoreRecipe};
pub use judges::flow_factory::{FlowFactory, FlowFactoryOptions, FlowFactoryRecipe};
pub use judges::pickled::{PickledFields, PickledReward, PickledRewardOptions, PickledRewardRecipe};
pub use judges::scoring::options::{ScoreMap, ScoringOptions};
pub use judges::unirl::{UnirlScore, UnirlScoreOptions, UnirlScoreRecipe};
pub use judges::vllm::classify::{VllmClassify, VllmClassifyOptions};
pub use judges::vllm::pooling::{VllmPlugin, VllmPooling, VllmPoolingOptions, VllmPoolingTask};
pub use judges::vllm::{VllmClassifyRecipe, VllmConversation, VllmPluginRecipe, VllmPoolingRecipe};
pub use picture::PictureLimits;
pub use price::{Prices, TokenBounds};
pub use reach::{Reached, reach};
pub use recipe::connection;
pub use trouble::{ErrorClass, RemoteError, Repeat, RetryRules, SetupError};
