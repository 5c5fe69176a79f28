//! Placeholders of a command.
//!
//! A placeholder never becomes text of the command. It becomes a reference to an environment variable in double quotes,
//! and the shell puts the value in after it has read the command: nothing in an instruction is ever read as shell. Within
//! quotes that would not hold, for the text there may be a command for another shell; so a placeholder stands outside of
//! quotes, or is all that is in them, and in no word with others.

use std::fmt;

use editscale_sdk::PluginKind;
use thiserror::Error;

/// What is wrong with a command.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum LineError {
    /// Nothing to run.
    #[error("`run` is empty: expected a shell command")]
    Empty,
    /// A character that no shell takes.
    #[error("`run` has a zero byte in it: expected text")]
    ZeroByte,
    /// Not a placeholder.
    #[error(
        "`{{{name}}}` in `run` is no placeholder: expected {expected} (write `{{{{{name}}}}}` where braces are meant)"
    )]
    Unknown {
        /// What stands in braces.
        name: String,
        /// What might.
        expected: String,
    },
    /// Within quotes together with other text.
    #[error(
        "`{{{name}}}` in `run` stands within quotes: write it outside of them (a placeholder becomes one word, whatever is \
         in it), or use the variable ${variable} there"
    )]
    Quoted {
        /// The placeholder.
        name: String,
        /// Its variable.
        variable: String,
    },
    /// In one word with quotes.
    #[error(
        "`{{{name}}}` in `run` stands in one word with quotes, which may be a text for another shell: write it as a word of \
         its own, or use the variable ${variable} there"
    )]
    Touching {
        /// The placeholder.
        name: String,
        /// Its variable.
        variable: String,
    },
    /// A knob that is not declared.
    #[error("`{{knob:{name}}}` in `run` names a knob that `knobs` does not declare{}", declared(.known))]
    NoSuchKnob {
        /// Its name.
        name: String,
        /// What is declared.
        known: Vec<String>,
    },
}

fn declared(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!(": it declares {}", known.join(", ")) }
}

/// What a command is given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Placeholder {
    Source,
    Edited,
    Instruction,
    InstructionFile,
    Mask,
    Output,
    Seed,
    Knob(String),
}

impl Placeholder {
    const REWARD: [Self; 5] = [Self::Source, Self::Edited, Self::Instruction, Self::InstructionFile, Self::Mask];
    const EDITOR: [Self; 6] =
        [Self::Source, Self::Instruction, Self::InstructionFile, Self::Mask, Self::Output, Self::Seed];

    fn of(kind: PluginKind) -> &'static [Self] {
        match kind {
            PluginKind::Reward => &Self::REWARD,
            PluginKind::Editor => &Self::EDITOR,
        }
    }

    /// The variable that holds it.
    pub(super) fn variable(&self) -> String {
        format!("EDITSCALE_{}", self.to_string().replace(':', "_").to_uppercase())
    }

    fn read(name: &str, kind: PluginKind) -> Result<Self, LineError> {
        if let (Some(knob), PluginKind::Editor) = (name.strip_prefix("knob:"), kind) {
            return Ok(Self::Knob(knob.to_owned()));
        }
        let known = Self::of(kind).iter().find(|known| known.to_string() == name);
        known.cloned().ok_or_else(|| LineError::Unknown { name: name.to_owned(), expected: expected(kind) })
    }
}

fn expected(kind: PluginKind) -> String {
    let mut names: Vec<String> = Placeholder::of(kind).iter().map(|known| format!("{{{known}}}")).collect();
    if kind == PluginKind::Editor {
        names.push("{knob:NAME}".to_owned());
    }
    names.join(", ")
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source => f.write_str("source"),
            Self::Edited => f.write_str("edited"),
            Self::Instruction => f.write_str("instruction"),
            Self::InstructionFile => f.write_str("instruction_file"),
            Self::Mask => f.write_str("mask"),
            Self::Output => f.write_str("output"),
            Self::Seed => f.write_str("seed"),
            Self::Knob(name) => write!(f, "knob:{name}"),
        }
    }
}

/// A command that a shell can be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The text for `sh -c`.
    pub(super) script: String,
    used: Vec<Placeholder>,
}

impl Line {
    /// Reads a recipe's command.
    pub(super) fn read(run: &str, kind: PluginKind) -> Result<Self, LineError> {
        if run.trim().is_empty() {
            return Err(LineError::Empty);
        }
        if run.contains('\0') {
            return Err(LineError::ZeroByte);
        }
        let (script, used, word) = (String::new(), Vec::new(), Word::default());
        let mut reader = Reader { rest: run, place: Place::Open, at_word: true, word, script, used };
        while !reader.rest.is_empty() {
            reader.step(kind)?;
        }
        Ok(Self { script: reader.script, used: reader.used })
    }

    /// Whether the command asks for it, by placeholder or by variable.
    pub(super) fn uses(&self, placeholder: &Placeholder) -> bool {
        self.used.contains(placeholder) || has_word(&self.script, &placeholder.variable())
    }

    /// The knobs that it names.
    pub(super) fn knobs(&self) -> impl Iterator<Item = &str> {
        self.used.iter().filter_map(|used| if let Placeholder::Knob(name) = used { Some(name.as_str()) } else { None })
    }
}

/// What a shell does itself, or finds where no file of this name need be.
const OF_THE_SHELL: [&str; 58] = [
    ".", ":", "alias", "bg", "break", "builtin", "case", "cd", "command", "continue", "declare", "do", "done", "echo",
    "elif", "else", "esac", "eval", "exec", "exit", "export", "false", "fc", "fg", "fi", "for", "function", "getopts",
    "hash", "if", "in", "jobs", "kill", "let", "local", "printf", "pwd", "read", "readonly", "return", "set", "shift",
    "source", "test", "then", "time", "times", "trap", "true", "type", "ulimit", "umask", "unalias", "unset", "until",
    "wait", "while", "select",
];

/// The program that a command begins with, where that can be told without a shell: one plain word that the shell does
/// not know itself.
pub(super) fn first_program(run: &str) -> Option<&str> {
    let word = run.split_whitespace().next()?;
    let is_plain = word.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-+".contains(letter));
    (is_plain && !OF_THE_SHELL.contains(&word)).then_some(word)
}

/// Whether a text has this variable in it, and not only a longer one.
fn has_word(text: &str, variable: &str) -> bool {
    text.match_indices(variable).any(|(at, found)| {
        let next = text.get(at + found.len()..).and_then(|rest| rest.chars().next());
        !next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '_')
    })
}

/// Where in a command the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Open,
    Single,
    /// `$'…'`, which knows escapes.
    Escaping,
    Double,
    Comment,
}

/// What the word that is being read has in it.
#[derive(Debug, Default)]
struct Word {
    is_quoted: bool,
    placeholder: Option<Placeholder>,
}

impl Word {
    /// A placeholder beside quotes would be in the text that they hold, as in `'echo '{instruction}`.
    fn check(&self) -> Result<(), LineError> {
        match &self.placeholder {
            Some(touching) if self.is_quoted => {
                Err(LineError::Touching { name: touching.to_string(), variable: touching.variable() })
            }
            _ => Ok(()),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    place: Place,
    word: Word,
    /// Whether a word could begin here, so that `#` begins a comment.
    at_word: bool,
    script: String,
    used: Vec<Placeholder>,
}

impl Reader<'_> {
    fn step(&mut self, kind: PluginKind) -> Result<(), LineError> {
        if let Some((name, length)) = doubled(self.rest) {
            self.script.extend(["{", name, "}"]);
            self.at_word = false;
            self.skip(length);
            return Ok(());
        }
        if self.place == Place::Open && self.quoted(kind)? {
            return Ok(());
        }
        if let Some((name, length)) = braced(self.rest).filter(|_| !self.script.ends_with('$')) {
            return self.placeholder(name, length, kind);
        }
        self.letter();
        self.word.check()
    }

    /// A placeholder in quotes of its own is the same as one without.
    fn quoted(&mut self, kind: PluginKind) -> Result<bool, LineError> {
        let Some(quote) = self.rest.chars().next().filter(|letter| matches!(letter, '"' | '\'')) else {
            return Ok(false);
        };
        let inside = self.rest.get(1..).unwrap_or_default();
        let Some((name, length)) = braced(inside) else { return Ok(false) };
        let closes = inside.get(length..).is_some_and(|rest| rest.starts_with(quote));
        if !closes || self.script.ends_with('$') {
            return Ok(false);
        }
        self.placeholder(name, length + 2, kind)?;
        Ok(true)
    }

    fn placeholder(&mut self, name: &str, length: usize, kind: PluginKind) -> Result<(), LineError> {
        let placeholder = Placeholder::read(name, kind)?;
        let variable = placeholder.variable();
        if matches!(self.place, Place::Single | Place::Double | Place::Escaping) {
            return Err(LineError::Quoted { name: name.to_owned(), variable });
        }
        self.script.extend(["\"${", &variable, "}\""]);
        if !self.used.contains(&placeholder) {
            self.used.push(placeholder.clone());
        }
        if self.place == Place::Open {
            self.word.placeholder = Some(placeholder);
            self.word.check()?;
        }
        self.at_word = false;
        self.skip(length);
        Ok(())
    }

    /// Any other character, and what it means for those after it.
    fn letter(&mut self) {
        let Some(letter) = self.rest.chars().next() else { return };
        self.take();
        let escapes = letter == '\\' && !matches!(self.place, Place::Single | Place::Comment);
        if escapes {
            self.take();
        }
        self.place = match (self.place, letter) {
            _ if escapes => self.place,
            (Place::Open, '\'') if self.script.ends_with("$'") => Place::Escaping,
            (Place::Open, '\'') => Place::Single,
            (Place::Open, '"') => Place::Double,
            (Place::Open, '#') if self.at_word => Place::Comment,
            (Place::Single | Place::Escaping, '\'') => Place::Open,
            (Place::Double, '"') => Place::Open,
            (Place::Comment, '\n') => Place::Open,
            (place, _) => place,
        };
        self.word.is_quoted |= matches!(self.place, Place::Single | Place::Escaping | Place::Double);
        if self.place == Place::Open && !escapes && (letter.is_whitespace() || ";&|()<>".contains(letter)) {
            self.word = Word::default();
        }
        self.at_word = !escapes && (letter.is_whitespace() || matches!(letter, ';' | '&' | '|' | '('));
    }

    fn take(&mut self) {
        if let Some(letter) = self.rest.chars().next() {
            self.script.push(letter);
            self.skip(letter.len_utf8());
        }
    }

    fn skip(&mut self, length: usize) {
        self.rest = self.rest.get(length..).unwrap_or_default();
    }
}

/// `{name}` at the beginning: the name, and the length of all.
fn braced(text: &str) -> Option<(&str, usize)> {
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    let (word, knob) = name.split_once(':').map_or((name, None), |(word, knob)| (word, Some(knob)));
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    (is_word(word) && knob.is_none_or(is_name)).then_some((name, name.len() + 2))
}

/// `{{name}}` at the beginning, which means `{name}`.
fn doubled(text: &str) -> Option<(&str, usize)> {
    let (name, length) = braced(text.strip_prefix('{')?)?;
    text.get(1 + length..)?.starts_with('}').then_some((name, length + 2))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    fn script(run: &str) -> String {
        Line::read(run, PluginKind::Editor).unwrap().script
    }

    fn said(run: &str) -> String {
        Line::read(run, PluginKind::Reward).unwrap_err().to_string()
    }

    #[test]
    fn the_first_program_is_told_where_it_is_plain() {
        for (run, program) in [
            ("score {source} {edited}", Some("score")),
            ("  ./bin/score-1.2 x", Some("./bin/score-1.2")),
            ("python3\nscore.py", Some("python3")),
            ("cd x && score", None),
            ("A=1 score", None),
            ("$HOME/score", None),
            ("'my score'", None),
            ("{source}", None),
            ("(score)", None),
            ("~/score", None),
            ("score; echo 1", None),
            ("if true; then score; fi", None),
            (" ", None),
        ] {
            assert_eq!(first_program(run), program, "{run}");
        }
    }

    #[test]
    fn placeholders_become_quoted_variables() {
        let cases = [
            ("edit {source} {output}", r#"edit "${EDITSCALE_SOURCE}" "${EDITSCALE_OUTPUT}""#),
            ("edit --seed={seed}", r#"edit --seed="${EDITSCALE_SEED}""#),
            (r#"edit "{source}" '{instruction}'"#, r#"edit "${EDITSCALE_SOURCE}" "${EDITSCALE_INSTRUCTION}""#),
            ("edit {knob:true_cfg}", r#"edit "${EDITSCALE_KNOB_TRUE_CFG}""#),
            ("awk '{{print}}' ${x} {A,b} {} {1}", "awk '{print}' ${x} {A,b} {} {1}"),
            (r"a \' {seed} # don't {seed}", r#"a \' "${EDITSCALE_SEED}" # don't "${EDITSCALE_SEED}""#),
            (r"a $'it\'s' {seed}", r#"a $'it\'s' "${EDITSCALE_SEED}""#),
            ("a#'b' {seed}", r#"a#'b' "${EDITSCALE_SEED}""#),
            (r"a 'b';{seed}&&'c' {seed} 'd'", r#"a 'b';"${EDITSCALE_SEED}"&&'c' "${EDITSCALE_SEED}" 'd'"#),
            ("$(cat {source})", r#"$(cat "${EDITSCALE_SOURCE}")"#),
        ];
        for (run, expected) in cases {
            assert_eq!(script(run), expected, "{run}");
        }
    }

    #[test]
    fn what_a_shell_could_misread_is_refused() {
        assert!(said("bash -c 'score {instruction}'").contains("use the variable $EDITSCALE_INSTRUCTION there"));
        assert!(said(r#"bash -c "score {instruction}""#).contains("stands within quotes"));
        assert!(said(r#"x "a\" {source}""#).contains("stands within quotes"));
        assert!(said("x {{a}}#'b {source}'").contains("stands within quotes"), "it begins no comment");
        for touching in
            ["bash -c 'echo '{instruction}", "x {source}\"a\"", "x 'echo 'a{source}", "x \"a b\"\"{source}\""]
        {
            assert!(said(touching).contains("in one word with quotes"), "{touching}");
        }
        let unknown = said("score {candidate}");
        assert!(
            unknown.starts_with("`{candidate}` in `run` is no placeholder: expected {source}, {edited}"),
            "{unknown}"
        );
        assert!(unknown.ends_with("(write `{{candidate}}` where braces are meant)"), "{unknown}");
        assert!(said("score {output}").contains("no placeholder") && said("score {knob:x}").contains("no placeholder"));
        assert_eq!(said(" "), LineError::Empty.to_string());
    }

    #[test]
    fn variables_count_as_uses() {
        let line = Line::read("bash -c 'x $EDITSCALE_INSTRUCTION_FILE'", PluginKind::Reward).unwrap();
        assert!(line.uses(&Placeholder::InstructionFile) && !line.uses(&Placeholder::Instruction));
    }
}
