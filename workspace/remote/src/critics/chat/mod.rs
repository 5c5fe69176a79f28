//! Critics behind `/v1/chat/completions`: any vision-language model that is shown the pictures and asked for the next
//! instruction.

mod answer;
mod options;
mod recipe;

use std::sync::Arc;

use editscale_core::{
    BoxFuture, Canvas, Critic, CriticCard, CriticQuestion, Criticism, Critique, EarlierAttempt, Failure, Watch,
};
use serde_json::{Value, json};

pub use options::ChatCriticOptions;
pub use recipe::ChatCriticRecipe;

use crate::SetupError;
use crate::fingerprint::fingerprint;
use crate::judges::asking::StructuredOutput;
use crate::judges::asking::asker::{Asker, Form};
use crate::judges::asking::prompt::Prompt;
use crate::judges::asking::show::{picture, shown, words};

/// The version of what this dialect sends and reads; a part of every card's revision.
const VERSION: u32 = 1;

/// The places of a prompt.
const PLACES: [&str; 4] = ["instruction", "told", "canvas", "earlier"];

/// A critic behind `/v1/chat/completions`.
#[derive(Debug)]
pub struct ChatCritic {
    card: CriticCard,
    asker: Asker,
    prompt: Prompt,
    structured: StructuredOutput,
}

impl ChatCritic {
    /// Checks the options, reads the secrets and cuts the prompt. No server is called.
    pub fn new(options: ChatCriticOptions) -> Result<Self, SetupError> {
        let bad = |reason: String| SetupError::Prompt { aspect: "the critique".to_owned(), reason };
        let prompt = Prompt::new(&options.prompt, &PLACES).map_err(bad)?;
        let (revision, structured) = (revision(&options).into(), options.asking.structured);
        let (slots, cost) = (options.asking.connection.slots(), options.asking.bound());
        let card = CriticCard { name: options.name, revision, slots, cost };
        Ok(Self { card, asker: Asker::new(options.asking, 1)?, prompt, structured })
    }

    async fn write(&self, question: CriticQuestion, watch: &dyn Watch) -> Result<Criticism, Failure> {
        let content = self.content(&question)?;
        let seed = question.request.seed.mix(u64::from(question.attempt.id.0));
        let body = self.asker.question(content, &self.form(), seed);
        let answered = self.asker.ask(body, seed, watch, answer::critique).await;
        let critique: Critique = answered.said?;
        Ok(Criticism { critique, cost: answered.cost })
    }

    /// The pictures, in the order in which the prompt speaks of them, and the prompt.
    fn content(&self, question: &CriticQuestion) -> Result<Vec<Value>, Failure> {
        let CriticQuestion { request, attempt, canvas, earlier } = question;
        let others = earlier.iter().map(|earlier| &earlier.attempt.image);
        let images = [&request.source, &attempt.image].into_iter().chain(others);
        let urls: Vec<Arc<str>> = images.map(shown).collect::<Result<_, _>>()?;
        let text = self.prompt.fill(&[
            ("instruction", request.instruction.as_str()),
            ("told", &attempt.instruction),
            ("canvas", canvas_in_words(*canvas)),
            ("earlier", &earlier_in_words(earlier)),
        ]);
        Ok(urls.iter().map(|url| picture(url)).chain([words(&text)]).collect())
    }

    /// The answer's fields. The critique comes first, so that what is decided follows from it.
    fn form(&self) -> Form {
        let instruction = match self.structured {
            // Strict schemas of some servers know no alternatives: there an empty text stands for none.
            StructuredOutput::SchemaWithoutRange => json!({"type": "string"}),
            _ => json!({"type": ["string", "null"]}),
        };
        let fields =
            vec![("satisfied".to_owned(), json!({"type": "boolean"})), ("instruction".to_owned(), instruction)];
        Form { name: "critique", prose: "critique", fields }
    }
}

impl Critic for ChatCritic {
    fn card(&self) -> &CriticCard {
        &self.card
    }

    fn critique<'a>(
        &'a self,
        question: CriticQuestion,
        watch: &'a dyn Watch,
    ) -> BoxFuture<'a, Result<Criticism, Failure>> {
        Box::pin(self.write(question, watch))
    }
}

fn canvas_in_words(canvas: Canvas) -> &'static str {
    match canvas {
        Canvas::Source => {
            "The editor will start again from the first picture and will see nothing else. The instruction must therefore \
             say all that is to be done to the first picture, and say better what went wrong."
        }
        Canvas::Candidate => {
            "The editor will go on from the second picture. The instruction must therefore say only what is left to be \
             mended in the second picture, and nothing that is done already."
        }
    }
}

/// The attempts that are shown behind the two pictures, the best first.
fn earlier_in_words(earlier: &[EarlierAttempt]) -> String {
    let line = |(place, EarlierAttempt { attempt, utility }): (usize, &EarlierAttempt)| {
        format!("Picture {place}, with the score {:.3}, came of: {}\n", utility.get(), attempt.instruction)
    };
    if earlier.is_empty() {
        return "None.\n".to_owned();
    }
    (3..).zip(earlier).map(line).collect()
}

/// Everything that changes a critique and is not in the pictures; the prompt as one number.
fn revision(options: &ChatCriticOptions) -> String {
    let ChatCriticOptions { asking, prompt, .. } = options;
    let (model, temperature, question) = (&asking.model, asking.temperature(1), fingerprint(prompt));
    format!("chat_critic/{VERSION} {model} temperature={temperature} question={question} {}", asking.revision())
}
