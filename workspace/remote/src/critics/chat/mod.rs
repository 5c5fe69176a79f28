//! Critics behind `/v1/chat/completions`: any vision-language model that is shown the pictures and asked for the next
//! instruction, or the source and asked for the first.

mod answer;
mod options;
mod recipe;

use std::sync::Arc;

use editscale_core::{
    BoxFuture, Canvas, Critic, CriticCard, CriticQuestion, Criticism, EarlierAttempt, EditRequest, Failure, Reviewed,
    Subject, Watch,
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

/// The places of a prompt about a request.
const REWRITE_PLACES: [&str; 1] = ["instruction"];

/// A critic behind `/v1/chat/completions`.
#[derive(Debug)]
pub struct ChatCritic {
    card: CriticCard,
    asker: Asker,
    prompt: Prompt,
    rewrite_prompt: Prompt,
    structured: StructuredOutput,
}

impl ChatCritic {
    /// Checks the options, reads the secrets and cuts the prompt. No server is called.
    pub fn new(options: ChatCriticOptions) -> Result<Self, SetupError> {
        let cut = |aspect: &str, text: &str, places: &[&str]| {
            Prompt::new(text, places).map_err(|reason| SetupError::Prompt { aspect: aspect.to_owned(), reason })
        };
        let prompt = cut("the critique", &options.prompt, &PLACES)?;
        let rewrite_prompt = cut("the rewriting", &options.rewrite_prompt, &REWRITE_PLACES)?;
        let (revision, structured) = (revision(&options).into(), options.asking.structured);
        let (slots, cost) = (options.asking.connection.slots(), options.asking.bound());
        let card = CriticCard { name: options.name, revision, rewrites: true, slots, cost };
        Ok(Self { card, asker: Asker::new(options.asking, 1)?, prompt, rewrite_prompt, structured })
    }

    async fn write(&self, question: CriticQuestion, watch: &dyn Watch) -> Result<Criticism, Failure> {
        let CriticQuestion { request, subject } = &question;
        let answered = match subject {
            Subject::Candidate(reviewed) => {
                let seed = request.seed.mix(u64::from(reviewed.attempt.id.0));
                let body = self.asker.question(self.content(request, reviewed)?, &self.form(), seed);
                self.asker.ask(body, seed, watch, answer::critique).await
            }
            Subject::Request => {
                let body = self.asker.question(self.first_content(request)?, &first_form(), request.seed);
                self.asker.ask(body, request.seed, watch, answer::rewriting).await
            }
        };
        Ok(Criticism { critique: answered.said?, cost: answered.cost })
    }

    /// The pictures, in the order in which the prompt speaks of them, and the prompt.
    fn content(&self, request: &EditRequest, reviewed: &Reviewed) -> Result<Vec<Value>, Failure> {
        let Reviewed { attempt, canvas, earlier } = reviewed;
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

    /// The source alone, and the prompt about it.
    fn first_content(&self, request: &EditRequest) -> Result<Vec<Value>, Failure> {
        let text = self.rewrite_prompt.fill(&[("instruction", request.instruction.as_str())]);
        Ok(vec![picture(&shown(&request.source)?), words(&text)])
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

/// The fields of an answer about a request.
fn first_form() -> Form {
    Form { name: "rewriting", prose: "thought", fields: vec![("instruction".to_owned(), json!({"type": "string"}))] }
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
    let ChatCriticOptions { asking, prompt, rewrite_prompt, .. } = options;
    // Runs from before there was one, and those that ask no such question, go on under the revision that they have.
    let first = match rewrite_prompt.as_str() {
        options::REWRITE_PROMPT => String::new(),
        other => format!(" rewriting={}", fingerprint(other)),
    };
    let (model, temperature, question) = (&asking.model, asking.temperature(1), fingerprint(prompt));
    format!("chat_critic/{VERSION} {model} temperature={temperature} question={question}{first} {}", asking.revision())
}
