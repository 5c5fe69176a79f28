//! Tokens that steer a model where they stand in a text.

use tokenizers::Tokenizer;

/// The texts of all special tokens.
pub(crate) fn steering_tokens(tokenizer: &Tokenizer) -> Vec<String> {
    let added = tokenizer.get_added_tokens_decoder();
    let special = added.values().filter(|token| token.special).map(|token| token.content.clone());
    // transformers makes a picture's token of this text while it spells pictures out.
    special.chain(["<|placeholder|>".to_owned()]).collect()
}
