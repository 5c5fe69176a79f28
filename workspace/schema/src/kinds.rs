//! What recipes can name: kinds of editors, rewards and critics, each with its options, and what is made of them.
//!
//! A kind is one type. It implements [`Options`](crate::Options), which says how a recipe sets it, and [`EditorChoice`],
//! [`RewardChoice`] or [`CriticChoice`], which says what is made of it; the crate that it is in lists it. Nothing else knows it
//! by name.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use dyn_clone::DynClone;
use editscale_core::{
    BoxFuture, Critic, CriticName, EditBackend, EditorName, LocalCritic, LocalEditor, LocalReward, RewardModel,
    RewardName,
};

use crate::document::yaml::Yaml;
use crate::house::House;
use crate::options::{Options, Subtable};
use crate::remote::RemoteSettings;
use crate::{Fields, Keys};

/// Why nothing could be made of what a recipe chose: a sentence that names what was expected and what was found.
pub type MakeError = Box<dyn std::error::Error + Send + Sync>;

/// What is free to ask a server, as a path below its address, and the model that should be in the answer.
pub type FreeQuestion<'a> = (Cow<'static, str>, Option<&'a str>);

/// Makes a model of this process: once for every thread that owns one, and again after a thread died.
pub type Load<T> = Box<dyn Fn() -> Result<Box<T>, MakeError> + Send + Sync>;

/// One of the alternatives of a recipe, with its options. Everything with [`Options`] is one.
pub trait Chosen: Any + fmt::Debug + DynClone + Send + Sync {
    /// What recipes call it.
    fn kind(&self) -> &'static str;

    /// It as a resolved recipe has it: its name with all of its options.
    fn write(&self) -> Yaml;
}

impl<O: Options + Any + fmt::Debug + Clone + Send + Sync> Chosen for O {
    fn kind(&self) -> &'static str {
        O::NAME
    }

    fn write(&self) -> Yaml {
        Yaml::tagged(O::NAME, Yaml::Map(Options::write(self)))
    }
}

/// What is made of a choice.
pub enum Made<B: ?Sized, L: ?Sized> {
    /// Something that works as it is.
    Ready(Arc<B>),
    /// A model of this process, which wants a thread of its own. Loading may take minutes.
    Local(Load<L>),
}

impl<B: ?Sized, L: ?Sized> fmt::Debug for Made<B, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Local(_) => "Local",
        })
    }
}

impl<B: ?Sized, L: ?Sized> Made<B, L> {
    /// A model that is loaded by this.
    pub fn local(load: impl Fn() -> Result<Box<L>, MakeError> + Send + Sync + 'static) -> Self {
        Self::Local(Box::new(load))
    }
}

/// What is made of the choice of an editor.
pub type MadeEditor = Made<dyn EditBackend, dyn LocalEditor>;

/// What is made of the choice of a reward.
pub type MadeReward = Made<dyn RewardModel, dyn LocalReward>;

/// What is made of the choice of a critic.
pub type MadeCritic = Made<dyn Critic, dyn LocalCritic>;

/// What everything says that can be behind HTTP.
macro_rules! of_servers {
    () => {
        /// Its servers, where it is behind HTTP.
        fn remote(&self) -> Option<&RemoteSettings> {
            None
        }

        /// The same, to be changed. `Some` wherever [`Self::remote`] is.
        fn remote_mut(&mut self) -> Option<&mut RemoteSettings> {
            None
        }

        /// What costs nothing to ask its servers.
        fn free_question(&self) -> FreeQuestion<'_> {
            ("".into(), None)
        }
    };
}

/// What everything says that can be a program of its own.
macro_rules! of_programs {
    () => {
        /// Whether making it starts a program of its own, which only work should do.
        fn is_program(&self) -> bool {
            false
        }

        /// The program that it would start and that this machine does not have, where that can be told without a start.
        fn missing_program(&self) -> Option<String> {
            None
        }
    };
}

/// What an editor makes of the words of an instruction, before it sees a picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// The words that it would act on, in its order.
    pub understood: Vec<String>,
    /// The words that it would leave out.
    pub left_out: Vec<String>,
    /// What else it would say of them, a sentence each.
    pub notes: Vec<String>,
}

/// What a recipe says of an editor.
pub trait EditorChoice: Chosen {
    /// The editor, under the name that the recipe gives it. Nothing is called and nothing loaded yet, but files are read that
    /// tell whether it can work at all. A plugin is started, because only it can tell what it is.
    fn make(&self, name: &EditorName, house: &House) -> Result<MadeEditor, MakeError>;

    of_servers!();

    /// What its server lacks for the editor to work, a sentence each, where that can be told without an edit.
    fn inspect<'a>(&'a self, _name: &'a EditorName) -> Option<BoxFuture<'a, Result<Vec<String>, MakeError>>> {
        None
    }

    of_programs!();

    /// Whether its pictures come from elsewhere, a server or another process, so that they are to be looked at whole.
    fn is_foreign(&self) -> bool {
        self.is_program() || self.remote().is_some()
    }

    /// Has it do the part of an instruction that it understands, where it knows the difference.
    fn do_parts(&mut self) {}

    /// What it makes of an instruction's words, or why it would refuse them whatever the picture and the seed; nothing where only
    /// an edit can tell.
    fn reading(&self, _instruction: &str) -> Option<Result<Reading, String>> {
        None
    }
}

/// What a recipe says of a reward.
pub trait RewardChoice: Chosen {
    /// Whether it says the same each time that it is asked about the same picture, so that asking again tells nothing.
    fn repeats_itself(&self) -> bool {
        false
    }

    /// Whether its scores come with what it saw of the candidate, as features.
    fn gives_features(&self) -> bool {
        false
    }

    /// The reward, under the name that the recipe gives it. Nothing is called and nothing loaded yet, but files are read that
    /// tell whether it can work at all. A plugin is started, because only it can tell what it is.
    fn make(&self, name: &RewardName, house: &House) -> Result<MadeReward, MakeError>;

    /// The names of the parts that its scores have, where that is known beforehand.
    fn parts(&self) -> Option<&'static [&'static str]> {
        None
    }

    of_programs!();

    of_servers!();
}

/// What a recipe says of a critic.
pub trait CriticChoice: Chosen {
    /// The critic, under the name that the recipe gives it. Nothing is called and nothing loaded yet, but files are read that
    /// tell whether it can work at all.
    fn make(&self, name: &CriticName, house: &House) -> Result<MadeCritic, MakeError>;

    of_servers!();
}

dyn_clone::clone_trait_object!(EditorChoice);
dyn_clone::clone_trait_object!(RewardChoice);
dyn_clone::clone_trait_object!(CriticChoice);

/// A kind of thing that recipes can name, as data.
pub struct Kind<T: ?Sized + 'static> {
    /// What recipes call it.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Its keys.
    pub keys: Keys,
    /// The maps among its options.
    pub subtables: &'static [Subtable],
    /// Reads its options, and reports what is wrong with them.
    pub read: fn(&Fields<'_>) -> Option<Box<T>>,
}

impl<T: ?Sized> Kind<T> {
    /// The kind of these options, which `read` reads.
    pub const fn new<O: Options>(read: fn(&Fields<'_>) -> Option<Box<T>>) -> Self {
        Self { name: O::NAME, about: O::ABOUT, keys: O::KEYS, subtables: O::SUBTABLES, read }
    }
}

// Not derived: a kind is copied whatever it is a kind of.
impl<T: ?Sized> Clone for Kind<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Kind<T> {}

impl<T: ?Sized> fmt::Debug for Kind<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.name).finish()
    }
}

/// A kind of editor.
pub type EditorKind = Kind<dyn EditorChoice>;

/// A kind of reward.
pub type RewardKind = Kind<dyn RewardChoice>;

impl EditorKind {
    /// The kind of these options.
    pub const fn of<O: Options + EditorChoice>() -> Self {
        Self::new::<O>(|fields| Some(Box::new(O::read(fields)?)))
    }
}

impl RewardKind {
    /// The kind of these options.
    pub const fn of<O: Options + RewardChoice>() -> Self {
        Self::new::<O>(|fields| Some(Box::new(O::read(fields)?)))
    }
}

/// A kind of critic.
pub type CriticKind = Kind<dyn CriticChoice>;

impl CriticKind {
    /// The kind of these options.
    pub const fn of<O: Options + CriticChoice>() -> Self {
        Self::new::<O>(|fields| Some(Box::new(O::read(fields)?)))
    }
}
