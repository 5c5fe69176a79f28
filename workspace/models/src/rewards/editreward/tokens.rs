//! From an instruction to the tokens of both prompts.

use tokenizers::Tokenizer;

use crate::guard::guarded;
use crate::load::LoadError;
use crate::rewards::editreward::prompts::{Prompt, REWARD_TOKEN, tail};
use crate::rewards::editreward::template::ChatTemplate;
use crate::rewards::editreward::{Directory, JudgeError, PARTS};
use crate::text::{parse, steering_tokens};

const FILE: &str = "tokenizer.json";
const CONFIG: &str = "config.json";

/// What stands for a picture in a rendered conversation.
const PICTURE_TOKEN: &str = "<|image_pad|>";

/// The prompts of a judge with its tokenizer.
pub(super) struct Prompts {
    tokenizer: Tokenizer,
    template: ChatTemplate,
    prompts: [Prompt; 2],
    tail: String,
    vocabulary: usize,
    reward: u32,
    picture: u32,
    /// Added tokens that steer the model.
    special: Vec<String>,
}

/// The tokens of one prompt around its two pictures, up to the reward token: what follows is never seen by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tokens {
    pub(super) before: Vec<u32>,
    pub(super) between: Vec<u32>,
    pub(super) after: Vec<u32>,
}

impl Prompts {
    /// Reads the tokenizer, the template and the prompts. `vocabulary` is the number of embeddings.
    pub(super) fn load(directory: &Directory, vocabulary: usize) -> Result<Self, LoadError> {
        let tokenizer = parse(&directory.read(FILE)?).map_err(|reason| directory.content(FILE, reason))?;
        let id = |token: &str| id_of(&tokenizer, token, vocabulary).map_err(|reason| directory.content(FILE, reason));
        let (reward, picture) = (id(REWARD_TOKEN)?, id(PICTURE_TOKEN)?);
        check_picture_token(directory, picture)?;
        let loaded = Self {
            prompts: [Prompt::load(directory, PARTS[0])?, Prompt::load(directory, PARTS[1])?],
            tail: tail(directory)?,
            template: ChatTemplate::load(directory)?,
            special: steering_tokens(&tokenizer),
            tokenizer,
            vocabulary,
            reward,
            picture,
        };
        loaded.try_out(directory)?;
        Ok(loaded)
    }

    /// The token that stands for a picture.
    #[cfg(test)]
    pub(super) fn picture(&self) -> u32 {
        self.picture
    }

    /// Whatever is wrong with the template or the prompts shows at once, not with the first picture.
    fn try_out(&self, directory: &Directory) -> Result<(), LoadError> {
        (0..PARTS.len()).try_for_each(|at| self.try_part(directory, at).map(|_| ()))
    }

    /// One prompt, each failure told of the file that it comes from.
    fn try_part(&self, directory: &Directory, at: usize) -> Result<Tokens, LoadError> {
        let fail = |file: &str, reason: String| directory.content(file, reason);
        let template = self.template.file();
        let text = self.prompts[at].fill("brighter") + &self.tail;
        let rendered = self.template.render(&text).map_err(|reason| fail(template, reason))?;
        let ids = self.encode(rendered).map_err(|reason| fail(FILE, format!("cannot be used: {reason}")))?;
        self.cut(&ids).map_err(|reason| fail(template, format!("the prompt `{}` is not usable: {reason}", PARTS[at])))
    }

    fn encode(&self, text: String) -> Result<Vec<u32>, String> {
        let encoding = guarded(|| self.tokenizer.encode(text, true))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The tokens of both prompts for an instruction, which is put in as it is.
    pub(super) fn tokens(&self, instruction: &str) -> Result<[Tokens; 2], JudgeError> {
        if let Some(token) = self.special.iter().find(|token| instruction.contains(token.as_str())) {
            return Err(JudgeError::SpecialToken { token: token.clone() });
        }
        Ok([self.tokens_of(0, instruction)?, self.tokens_of(1, instruction)?])
    }

    fn tokens_of(&self, at: usize, instruction: &str) -> Result<Tokens, JudgeError> {
        let fail = |reason: String| JudgeError::Prompt { part: PARTS[at], reason };
        let text = self.prompts[at].fill(instruction) + &self.tail;
        let rendered = self.template.render(&text).map_err(fail)?;
        self.cut(&self.encode(rendered).map_err(fail)?).map_err(fail)
    }

    /// Cuts a conversation at its pictures and behind the reward token.
    fn cut(&self, ids: &[u32]) -> Result<Tokens, String> {
        let places = |token: u32| ids.iter().enumerate().filter(move |(_, id)| **id == token).map(|(at, _)| at);
        let (pictures, rewards): (Vec<usize>, Vec<usize>) =
            (places(self.picture).collect(), places(self.reward).collect());
        let ([source, edited], [reward]) = (pictures.as_slice(), rewards.as_slice()) else {
            let (pictures, rewards) = (pictures.len(), rewards.len());
            return Err(format!(
                "it comes out with {pictures} places for pictures and `{REWARD_TOKEN}` {rewards} times: expected 2 and 1"
            ));
        };
        if reward < edited {
            return Err(format!("`{REWARD_TOKEN}` stands before the pictures: expected it behind them"));
        }
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.vocabulary) {
            let rows = self.vocabulary;
            return Err(format!("it has a token of id {id}, but the checkpoint has {rows} embeddings"));
        }
        Ok(Tokens {
            before: ids[..*source].to_vec(),
            between: ids[source + 1..*edited].to_vec(),
            after: ids[edited + 1..=*reward].to_vec(),
        })
    }
}

/// The id of a token that a judge needs.
fn id_of(tokenizer: &Tokenizer, token: &str, vocabulary: usize) -> Result<u32, String> {
    match tokenizer.token_to_id(token) {
        None => Err(format!("has no token `{token}`: this is not the tokenizer of a judge")),
        Some(id) if id as usize >= vocabulary => {
            Err(format!("gives `{token}` the id {id}, but the checkpoint has {vocabulary} embeddings"))
        }
        Some(id) => Ok(id),
    }
}

/// Where `config.json` names the picture token, the tokenizer has to agree.
fn check_picture_token(directory: &Directory, found: u32) -> Result<(), LoadError> {
    let config = directory.read_json(CONFIG)?;
    let named = config.as_ref().and_then(|config| config.get("image_token_id")).and_then(serde_json::Value::as_u64);
    match named {
        Some(named) if named != u64::from(found) => {
            let reason = format!("gives `{PICTURE_TOKEN}` the id {found}: expected {named}, as `{CONFIG}` has it");
            Err(directory.content(FILE, reason))
        }
        _ => Ok(()),
    }
}
