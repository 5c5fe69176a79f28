//! How recipes set `vllm_pooling`.

use std::sync::Arc;

use editscale_core::RewardName;
use editscale_schema::remote::FIELDS;
use editscale_schema::{
    Absent, Fields, FreeQuestion, House, Key, Keys, Made, MadeReward, MakeError, Mistake, Options, RewardChoice, Word,
    Yaml,
};

use super::{ADD_GENERATION_PROMPT, ConversationRecipe, INDEX, PROMPT, USE_ACTIVATION, which_models};
use crate::SetupError;
use crate::judges::recipe::{MODEL, servers_of};
use crate::judges::scoring::recipe::{PICTURES, ScoringRecipe, keys};
use crate::judges::vllm::pooling::{VllmPooling, VllmPoolingOptions, VllmPoolingTask};

/// What a recipe says of a reward model behind vLLM's `/pooling`.
#[derive(Debug, Clone, PartialEq)]
pub struct VllmPoolingRecipe {
    /// What the pooler is asked for.
    task: Task,
    /// What is asked.
    conversation: ConversationRecipe,
    /// Which number is the score.
    index: Option<u64>,
    /// What is told of any judge that answers with numbers.
    scoring: ScoringRecipe,
}

/// What a pooler is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    /// A classifier's outputs.
    Classify,
    /// An embedding.
    Embed,
}

const TASK: Key<Word<Task>> = Key {
    name: "task",
    rule: Word(&[("classify", Task::Classify), ("embed", Task::Embed)]),
    absent: Absent::Default(Task::Classify),
    meaning: "what the pooler is asked for: a classifier's outputs, or an embedding in which `index` is the score",
};

impl Options for VllmPoolingRecipe {
    const NAME: &'static str = "vllm_pooling";
    const ABOUT: &'static str = "A reward model behind vLLM's `/pooling`.";
    const KEYS: Keys =
        keys!(&MODEL, &PROMPT, &PICTURES, &USE_ACTIVATION, &ADD_GENERATION_PROMPT, &FIELDS, &TASK, &INDEX);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (task, conversation, index) = (fields.take(&TASK), ConversationRecipe::read(fields), fields.take(&INDEX));
        let scoring = ScoringRecipe::read(fields);
        if task == Some(Task::Embed) && !fields.has(INDEX.name) {
            let mistake =
                Mistake::new("the task `embed` needs `index`").hint("write which number is the score, from 0");
            fields.error(&fields.span_of(TASK.name), mistake);
        }
        Some(Self { task: task?, conversation: conversation?, index, scoring: scoring? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [TASK.write(Some(&self.task)), INDEX.write(self.index.as_ref())];
        self.conversation.write().chain(own.into_iter().flatten()).chain(self.scoring.write()).collect()
    }
}

impl RewardChoice for VllmPoolingRecipe {
    fn make(&self, name: &RewardName, _: &House) -> Result<MadeReward, MakeError> {
        let usual = VllmPoolingOptions::new(name.clone(), self.task()?, self.scoring.connection());
        let scoring = self.scoring.options(usual.scoring);
        let judge = VllmPooling::new(VllmPoolingOptions { scoring, task: usual.task })?;
        Ok(Made::Ready(Arc::new(judge)))
    }

    servers_of!(scoring);

    fn free_question(&self) -> FreeQuestion<'_> {
        which_models(&self.conversation.model)
    }
}

impl VllmPoolingRecipe {
    fn task(&self) -> Result<VllmPoolingTask, SetupError> {
        let conversation = self.conversation.conversation()?;
        let index = self.index.map(|index| index as usize);
        Ok(match self.task {
            Task::Classify => VllmPoolingTask::Classify { conversation, index },
            Task::Embed => VllmPoolingTask::Embed { conversation, index: index.unwrap_or_default() },
        })
    }
}
