//! How recipes set `vllm_classify`.

use std::sync::Arc;

use editscale_core::RewardName;
use editscale_schema::remote::FIELDS;
use editscale_schema::{Fields, FreeQuestion, House, Keys, Made, MadeReward, MakeError, Options, RewardChoice, Yaml};

use super::{ADD_GENERATION_PROMPT, ConversationRecipe, INDEX, PROMPT, USE_ACTIVATION, which_models};
use crate::judges::recipe::{MODEL, servers_of};
use crate::judges::scoring::recipe::{PICTURES, ScoringRecipe, keys};
use crate::judges::vllm::classify::{VllmClassify, VllmClassifyOptions};

/// What a recipe says of a reward model behind vLLM's `/classify`.
#[derive(Debug, Clone, PartialEq)]
pub struct VllmClassifyRecipe {
    /// What is asked.
    conversation: ConversationRecipe,
    /// Which output is the score.
    index: Option<u64>,
    /// What is told of any judge that answers with numbers.
    scoring: ScoringRecipe,
}

impl Options for VllmClassifyRecipe {
    const NAME: &'static str = "vllm_classify";
    const ABOUT: &'static str = "A reward model behind vLLM's `/classify`.";
    const KEYS: Keys = keys!(&MODEL, &PROMPT, &PICTURES, &USE_ACTIVATION, &ADD_GENERATION_PROMPT, &FIELDS, &INDEX);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (conversation, index) = (ConversationRecipe::read(fields), fields.take(&INDEX));
        let scoring = ScoringRecipe::read(fields);
        Some(Self { conversation: conversation?, index, scoring: scoring? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let index = INDEX.write(self.index.as_ref());
        self.conversation.write().chain(index).chain(self.scoring.write()).collect()
    }
}

impl RewardChoice for VllmClassifyRecipe {
    fn make(&self, name: &RewardName, _: &House) -> Result<MadeReward, MakeError> {
        let conversation = self.conversation.conversation()?;
        let usual = VllmClassifyOptions::new(name.clone(), &conversation.model, self.scoring.connection());
        let judge = VllmClassify::new(VllmClassifyOptions {
            scoring: self.scoring.options(usual.scoring),
            conversation,
            index: self.index.map(|index| index as usize),
        })?;
        Ok(Made::Ready(Arc::new(judge)))
    }

    servers_of!(scoring);

    fn free_question(&self) -> FreeQuestion<'_> {
        which_models(&self.conversation.model)
    }
}
