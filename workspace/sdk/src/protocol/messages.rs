//! The messages. Each is a map with one key, its name, so that a frame says at once what it is.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::cards::Card;
use super::pictures::Picture;
use super::version::Version;
use super::work::{
    AdoptParameters, Adopted, EditParameters, Edited, Failed, Judged, Outcome, PausedPlace, ScoreParameters,
};

/// What a plugin says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromPlugin {
    /// First of all, before anything heavy is loaded.
    Hello(Hello),
    /// It has loaded what it needs and takes calls.
    Ready(Card),
    /// It cannot get ready, ever: weights are not there, a setting is wrong. It ends after this.
    Unready(Failed),
    /// How far an item is.
    Progress(Progress),
    /// What an item looks like so far.
    Preview(Preview),
    /// The end of a call.
    Answer(Answer),
    /// The answer to a `ping`.
    Pong(u64),
}

impl FromPlugin {
    /// What its messages are called on the wire.
    pub const NAMES: [&str; 7] = ["hello", "ready", "unready", "progress", "preview", "answer", "pong"];

    /// What it is called on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Ready(_) => "ready",
            Self::Unready(_) => "unready",
            Self::Progress(_) => "progress",
            Self::Preview(_) => "preview",
            Self::Answer(_) => "answer",
            Self::Pong(_) => "pong",
        }
    }
}

/// What the host says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromHost {
    /// The answer to `hello`: load what you need.
    Welcome(Welcome),
    /// Work.
    Call(Call),
    /// The call of this number is not wanted any more. It is answered all the same: items that were not finished with
    /// failures of class `cancelled`.
    Cancel(u64),
    /// These paused states are not wanted any more. There is no answer.
    Release(Vec<PausedPlace>),
    /// Are you there? `pong` with the same number is the answer, also while work is under way.
    Ping(u64),
    /// Finish within this many seconds and end. The end of standard input means the same, at once.
    Shutdown(f64),
}

impl FromHost {
    /// What its messages are called on the wire.
    pub const NAMES: [&str; 6] = ["welcome", "call", "cancel", "release", "ping", "shutdown"];
}

/// What a plugin is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// `editscale-plugin`.
    pub protocol: String,
    /// The version of the protocol that it speaks.
    pub version: Version,
    /// What it is called, for people.
    pub name: String,
    /// Its own version, for people.
    #[serde(default)]
    pub plugin_version: String,
    /// What it is made with, such as `python 0.1.0`.
    #[serde(default)]
    pub sdk: String,
    /// What it can be. The host chooses one.
    pub kinds: Vec<PluginKind>,
    /// What it can do beyond the least. Unknown ones are left aside.
    #[serde(default)]
    pub features: Vec<String>,
}

/// What a plugin can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PluginKind {
    /// An editor.
    Editor,
    /// A reward.
    Reward,
}

impl PluginKind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Editor => "editor",
            Self::Reward => "reward",
        }
    }
}

/// What a plugin can do beyond the least. On the wire they are words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// It takes pictures as files and may give them so.
    Spool,
    /// It looks at `cancel` while at work.
    Cancel,
    /// It tells of its progress.
    Progress,
    /// It shows previews.
    Preview,
    /// It can stop half way and go on.
    Pause,
    /// It tells trajectories.
    Trajectories,
    /// It takes up other weights.
    Adopt,
}

impl Feature {
    /// Every feature.
    pub const ALL: [Self; 7] =
        [Self::Spool, Self::Cancel, Self::Progress, Self::Preview, Self::Pause, Self::Trajectories, Self::Adopt];

    /// Its word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Spool => "spool",
            Self::Cancel => "cancel",
            Self::Progress => "progress",
            Self::Preview => "preview",
            Self::Pause => "pause",
            Self::Trajectories => "trajectories",
            Self::Adopt => "adopt",
        }
    }
}

/// What the host wants of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version of the protocol that the host speaks.
    pub version: Version,
    /// What the plugin is to be.
    pub kind: PluginKind,
    /// What the recipe calls it.
    pub name: String,
    /// A name of this start of the plugin, unlike that of any other.
    pub session: String,
    /// The folder of the spool, absolute. A plugin writes below `plugin/`, the host below `host/`; the host removes
    /// what is in either.
    pub spool: String,
    /// What the recipe sets.
    pub config: Map<String, Value>,
    /// The longest frame that the host takes, in bytes.
    pub frame_bytes: u32,
    /// A picture above this many bytes should go through the spool.
    pub inline_bytes: u32,
}

/// Work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Its number; never used twice in a session.
    pub id: u64,
    /// Seconds until nobody waits for the answer any more.
    pub deadline_secs: f64,
    /// What to do.
    pub method: Method,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Make pictures.
    Edit(EditParameters),
    /// Judge pictures.
    Score(ScoreParameters),
    /// Take up other weights. Nothing else is under way meanwhile.
    Adopt(AdoptParameters),
}

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The call.
    pub id: u64,
    /// The item's place in the call, from 0.
    pub item: u32,
    /// Steps that are done.
    pub step: u32,
    /// Steps in all.
    pub steps: u32,
}

/// What an item looks like so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The call.
    pub id: u64,
    /// The item's place in the call, from 0.
    pub item: u32,
    /// The picture.
    pub image: Picture,
}

/// The end of a call: as many outcomes as the call had items, in their order; or one failure for all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Of `edit`.
    Edited {
        /// The call.
        id: u64,
        /// One an item.
        items: Vec<Outcome<Edited>>,
    },
    /// Of `score`.
    Judged {
        /// The call.
        id: u64,
        /// One an item.
        items: Vec<Outcome<Judged>>,
    },
    /// Of `adopt`.
    Adopted {
        /// The call.
        id: u64,
        /// What was taken up.
        weights: Adopted,
    },
    /// Of any: nothing was done.
    Failed {
        /// The call.
        id: u64,
        /// Why.
        why: Failed,
    },
}

impl Answer {
    /// The call that it ends.
    pub fn id(&self) -> u64 {
        match self {
            Self::Edited { id, .. } | Self::Judged { id, .. } | Self::Adopted { id, .. } | Self::Failed { id, .. } => {
                *id
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use serde_bytes::ByteBuf;

    use super::*;
    use crate::protocol::{PROTOCOL, PictureBody, RewardCard, WeightsKind, encode, name_in};

    fn sent(message: &impl Serialize) -> String {
        name_in(&encode(message).unwrap()[4..]).unwrap()
    }

    #[test]
    fn messages_are_called_as_they_are_sent() {
        let body = PictureBody::Inline(ByteBuf::new());
        let image = Picture { media: "image/png".into(), width: None, height: None, body };
        let hello = Hello {
            protocol: PROTOCOL.into(),
            version: Version::OURS,
            name: "mine".into(),
            plugin_version: String::new(),
            sdk: String::new(),
            kinds: Vec::new(),
            features: Vec::new(),
        };
        let said = [
            FromPlugin::Hello(hello),
            FromPlugin::Ready(Card::Reward(RewardCard::new("r"))),
            FromPlugin::Unready(Failed::invalid("no")),
            FromPlugin::Progress(Progress { id: 1, item: 0, step: 1, steps: 1 }),
            FromPlugin::Preview(Preview { id: 1, item: 0, image }),
            FromPlugin::Answer(Answer::Failed { id: 1, why: Failed::invalid("no") }),
            FromPlugin::Pong(1),
        ];
        assert_eq!(said.each_ref().map(sent), FromPlugin::NAMES);
        assert_eq!(said.each_ref().map(FromPlugin::name), FromPlugin::NAMES);
    }

    #[test]
    fn what_the_host_says_is_called_as_it_is_sent() {
        let (version, kind) = (Version::OURS, PluginKind::Reward);
        let adopt = AdoptParameters { version: "1".into(), kind: WeightsKind::Base, scale: 1.0 };
        let welcome = Welcome {
            version,
            kind,
            name: "mine".into(),
            session: "1".into(),
            spool: "/".into(),
            config: Map::new(),
            frame_bytes: 1,
            inline_bytes: 1,
        };
        let said = [
            FromHost::Welcome(welcome),
            FromHost::Call(Call { id: 1, deadline_secs: 1.0, method: Method::Adopt(adopt) }),
            FromHost::Cancel(1),
            FromHost::Release(Vec::new()),
            FromHost::Ping(1),
            FromHost::Shutdown(1.0),
        ];
        assert_eq!(said.each_ref().map(sent), FromHost::NAMES);
    }

    #[test]
    fn two_messages_in_one_have_no_name() {
        let two = std::collections::BTreeMap::from([("ping", 1), ("pong", 2)]);
        assert_eq!((name_in(&encode(&two).unwrap()[4..]), name_in(b"\xc0")), (None, None));
    }
}
