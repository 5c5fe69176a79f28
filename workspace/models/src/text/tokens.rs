//! A tokenizer with the tokens around a text: checks, cutting, filling up.

use std::path::Path;

use tokenizers::{AddedToken, Encoding, Tokenizer};

use crate::guard::guarded;
use crate::load::LoadError;
use crate::text::config::TokenizerConfig;
use crate::text::{TokenizeError, Tokenized};

/// How far before a cut the beginning of its word is looked for, in letters.
const WORD: usize = 30;

/// Most scripts from this letter on do not part words with blanks: words are told from the cut on.
const WITHOUT_BLANKS: char = '\u{2e80}';

/// A tokenizer with the tokens around a text.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    tokenizer: Tokenizer,
    before: Vec<u32>,
    after: Vec<u32>,
    pad: u32,
    largest: u32,
}

/// The special tokens around a text.
pub(super) struct Frame {
    pub(super) start: Option<AddedToken>,
    pub(super) end: AddedToken,
    pub(super) pad: AddedToken,
}

impl Tokens {
    /// Checks a tokenizer and adds the special tokens that it lacks. `file` is what errors about it point at.
    pub(super) fn new(
        file: &Path,
        mut tokenizer: Tokenizer,
        config: &TokenizerConfig,
        frame: &Frame,
    ) -> Result<Self, LoadError> {
        let fail = |reason: String| LoadError::content(file, reason);
        let id = |tokenizer: &Tokenizer, token: &AddedToken| {
            let missing = || fail(format!("has no token `{}`", token.content));
            tokenizer.token_to_id(&token.content).ok_or_else(missing)
        };
        let around = frame.start.iter().chain([&frame.end]).map(|token| id(&tokenizer, token));
        let around = around.collect::<Result<Vec<_>, _>>()?;
        add_declared(file, &mut tokenizer, config)?;
        let pad = id(&tokenizer, &frame.pad)?;
        let missing = frame.start.iter().chain([&frame.end, &frame.pad]);
        let missing = missing.filter(|token| !is_added(&tokenizer, token)).cloned().collect::<Vec<_>>();
        guarded(|| tokenizer.add_special_tokens(missing)).map_err(fail)?;
        let further = config.additional()?;
        if let Some(token) = further.iter().find(|token| tokenizer.token_to_id(token).is_none()) {
            return Err(fail(format!("has no token `{token}`, which `additional_special_tokens` names")));
        }
        let largest = tokenizer.get_vocab(true).into_values().max().unwrap_or_default();
        let (before, after) = around.split_at(around.len() - 1);
        let tokens = Self { tokenizer, before: before.to_vec(), after: after.to_vec(), pad, largest };
        tokens.try_out().map_err(fail)?;
        Ok(tokens)
    }

    /// The file may put other tokens around a text than were read from the settings.
    fn try_out(&self) -> Result<(), String> {
        for text in ["", "a picture"] {
            let whole = guarded(|| self.tokenizer.encode(text, true))?.get_ids().to_vec();
            let inner = guarded(|| self.tokenizer.encode(text, false))?.get_ids().to_vec();
            let expected = [self.before.clone(), inner, self.after.clone()].concat();
            if whole != expected {
                return Err(format!("turns {text:?} into the ids {whole:?}: expected {expected:?}"));
            }
        }
        Ok(())
    }

    /// The greatest id of all tokens.
    pub(super) fn largest_id(&self) -> u32 {
        self.largest
    }

    /// The shortest length that has room for a text: one token between those around it.
    pub(super) fn least_length(&self) -> usize {
        self.before.len() + 1 + self.after.len()
    }

    /// The ids of a text, cut or filled up to a length.
    pub(super) fn encode(&self, text: &str, length: usize) -> Result<Tokenized, TokenizeError> {
        let least = self.least_length();
        let room = length.checked_sub(least - 1).filter(|room| *room > 0);
        let room = room.ok_or(TokenizeError::Length { length, least })?;
        let encoding = guarded(|| self.tokenizer.encode(text, false)).map_err(TokenizeError::Text)?;
        let kept = encoding.get_ids().iter().copied().take(room);
        let mut ids: Vec<u32> = self.before.iter().copied().chain(kept).chain(self.after.iter().copied()).collect();
        let used = ids.len();
        ids.resize(length, self.pad);
        Ok(Tokenized { ids, used, cut: cut(text, &encoding, room) })
    }
}

/// Adds the tokens that the settings declare and the tokenizer lacks: each has to come out with the id that it is given.
fn add_declared(file: &Path, tokenizer: &mut Tokenizer, config: &TokenizerConfig) -> Result<(), LoadError> {
    for (id, token) in &config.declared {
        if !is_added(tokenizer, token) {
            let add = |tokenizer: &mut Tokenizer| {
                if token.special {
                    tokenizer.add_special_tokens([token.clone()])
                } else {
                    tokenizer.add_tokens([token.clone()])
                }
            };
            guarded(|| add(tokenizer)).map_err(|reason| LoadError::content(file, reason))?;
        }
        let found = tokenizer.token_to_id(&token.content);
        if found != Some(*id) {
            let found = found.map_or("none".to_owned(), |found| found.to_string());
            let reason = format!("gives `{}` the id {found}: expected {id}, as the settings declare", token.content);
            return Err(LoadError::content(file, reason));
        }
    }
    Ok(())
}

/// Whether a token is among the added ones, which are found in a text before anything is merged.
fn is_added(tokenizer: &Tokenizer, token: &AddedToken) -> bool {
    tokenizer.get_added_vocabulary().get_vocab().contains_key(&token.content)
}

/// What of a text comes after so many tokens.
fn cut(text: &str, encoding: &Encoding, room: usize) -> Option<String> {
    let (start, _) = encoding.get_offsets().get(room)?;
    let mut at = (*start).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let (head, tail) = text.split_at(at);
    // A word that lost its end is told in full.
    let is_word = |letter: &char| !letter.is_whitespace() && *letter < WITHOUT_BLANKS;
    let part: Vec<char> = head.chars().rev().take(WORD + 1).take_while(is_word).collect();
    let is_inside = part.len() <= WORD && tail.starts_with(|letter| is_word(&letter));
    let begun: usize = if is_inside { part.iter().map(|letter| letter.len_utf8()).sum() } else { 0 };
    Some(text.get(at - begun..).unwrap_or(tail).trim().to_owned())
}
