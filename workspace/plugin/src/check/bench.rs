//! What all checks stand on: a plugin that is started when it is needed, and what is known of it so far.

use std::time::{Duration, Instant};

use editscale_sdk::protocol::{
    Card, Feature, FromHost, Hello, LONGEST_FRAME, Picture, PluginKind, Version, VersionError, Welcome,
};
use serde::Serialize;

use super::cases::{Case, Level, Passed};
use super::link::{Link, Log, Trouble};
use super::report::{Finding, NOT_TRIED, Verdict};
use super::session::{Answered, Session};
use super::spool::Spool;
use super::work::{Ask, Measure, Product, method};
use super::{CheckError, CheckOptions};

/// How long the first word may take: nothing heavy comes before it.
const HELLO: Duration = Duration::from_secs(20);

/// How often a session may be lost before no more is tried with others.
const LOSSES: u32 = 4;

/// How many lines of its log are shown where it fails.
const LINES: usize = 8;

/// Why a check failed.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) found: String,
    /// What to do about it, where the check's own advice does not fit.
    pub(super) advice: Option<String>,
}

impl Fault {
    pub(super) fn new(found: impl Into<String>) -> Self {
        Self { found: found.into(), advice: None }
    }

    pub(super) fn advice(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        Self { found: trouble.to_string(), advice: trouble.advice().map(ToOwned::to_owned) }
    }
}

/// What came of a call.
pub(super) struct Reply {
    pub(super) products: Vec<Product>,
    pub(super) took: Duration,
}

/// A message with a key that no version knows so far.
#[derive(Serialize)]
struct Later<'a, T> {
    #[serde(flatten)]
    known: &'a T,
    key_of_a_later_version: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum LaterHost<'a> {
    Welcome(Later<'a, Welcome>),
}

/// What is known of the plugin as one of its kinds.
pub(super) struct Bench<'a> {
    options: &'a CheckOptions,
    kind: PluginKind,
    hello: Result<Hello, Fault>,
    spool: Spool,
    session: Option<Session>,
    card: Option<Card>,
    level: Level,
    losses: u32,
    next_candidate: u32,
    next_ping: u64,
    /// How it took a greeting of a later minor version, where it did not.
    pub(super) later_minor: Option<Fault>,
    /// What was on its standard output beside frames.
    pub(super) not_frames: Vec<String>,
    /// What it sent that nobody asked for.
    pub(super) strays: Vec<String>,
    /// What was wrong with what it told of its progress.
    pub(super) slips: Vec<String>,
    /// How often it told of its progress.
    pub(super) steps: usize,
    /// What it showed while at work.
    pub(super) previews: Vec<Picture>,
    /// How many answers came with a trajectory.
    pub(super) trajectories: usize,
    /// How long one item takes.
    pub(super) one_item: Duration,
    /// What the latest start writes into its log.
    log: Option<Log>,
}

/// What the program says of itself.
pub(super) fn hello_of(options: &CheckOptions) -> Result<Result<Hello, Trouble>, CheckError> {
    let mut session = Session::new(Link::start(&options.launch)?);
    Ok(session.hello(HELLO.min(options.timeout)))
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        options: &'a CheckOptions,
        kind: PluginKind,
        hello: Result<Hello, Trouble>,
    ) -> Result<Self, CheckError> {
        let not_frames = match &hello {
            Err(Trouble::NotAFrame(what)) => vec![what.clone()],
            _ => Vec::new(),
        };
        Ok(Self {
            options,
            kind,
            not_frames,
            hello: hello.map_err(Fault::from),
            spool: Spool::new()?,
            session: None,
            card: None,
            level: Level::Nothing,
            losses: 0,
            next_candidate: 0,
            next_ping: 1,
            later_minor: None,
            strays: Vec::new(),
            slips: Vec::new(),
            steps: 0,
            previews: Vec::new(),
            trajectories: 0,
            one_item: Duration::ZERO,
            log: None,
        })
    }

    pub(super) fn options(&self) -> &CheckOptions {
        self.options
    }

    pub(super) fn kind(&self) -> PluginKind {
        self.kind
    }

    pub(super) fn hello(&self) -> Result<&Hello, Fault> {
        self.hello.as_ref().map_err(Clone::clone)
    }

    pub(super) fn card(&self) -> Option<&Card> {
        self.card.as_ref()
    }

    pub(super) fn spool(&self) -> &Spool {
        &self.spool
    }

    pub(super) fn timeout(&self) -> Duration {
        self.options.timeout
    }

    /// How long ending, or any answer that needs no work, may take.
    pub(super) fn grace(&self) -> Duration {
        Duration::from_secs(5).min(self.options.timeout)
    }

    /// Whether its greeting has this feature.
    pub(super) fn has(&self, feature: Feature) -> bool {
        self.hello.as_ref().is_ok_and(|hello| hello.features.iter().any(|word| word == feature.word()))
    }

    pub(super) fn largest_batch(&self) -> usize {
        let largest = match &self.card {
            Some(Card::Editor(card)) => card.largest_batch,
            Some(Card::Reward(card)) => card.largest_batch,
            None => 1,
        };
        largest.max(1) as usize
    }

    pub(super) fn slots(&self) -> usize {
        let slots = match &self.card {
            Some(Card::Editor(card)) => card.slots,
            Some(Card::Reward(card)) => card.slots,
            None => 1,
        };
        slots.max(1) as usize
    }

    /// Carries a check out, or says why it does not apply.
    pub(super) fn carry_out(&mut self, case: &Case) -> Finding {
        let begun = Instant::now();
        let outcome = if self.level < case.needs {
            Ok(Passed::NotApplicable(format!("{NOT_TRIED}{}", self.level.lacks())))
        } else if case.needs >= Level::Ready && self.losses >= LOSSES {
            Ok(Passed::NotApplicable(format!("{NOT_TRIED}the plugin was lost {LOSSES} times already")))
        } else {
            (case.run)(self)
        };
        let (verdict, found, advice) = match outcome {
            Ok(Passed::Well(found)) => {
                self.level = self.level.max(case.gives);
                (Verdict::Passed, found, None)
            }
            Ok(Passed::NotApplicable(why)) => (Verdict::NotApplicable, why, None),
            Err(fault) => {
                let advice = fault.advice.unwrap_or_else(|| case.advice.to_owned());
                (Verdict::Failed, fault.found, Some(advice))
            }
        };
        let log = if verdict == Verdict::Failed { self.last_lines(&found) } else { Vec::new() };
        let (name, expected, took) = (case.name, case.expected, begun.elapsed());
        Finding { name, kind: self.kind, verdict, expected, found, advice, log, took }
    }

    /// The end of what the latest start wrote into its log; what was told of it already is not told again.
    fn last_lines(&self, found: &str) -> Vec<String> {
        let lines = self.log.as_ref().map_or_else(Vec::new, |log| log.last_lines(LINES));
        lines.into_iter().filter(|line| !found.contains(line.as_str())).collect()
    }

    /// A start that has said hello and heard nothing yet.
    pub(super) fn start(&mut self) -> Result<Session, Fault> {
        let link = Link::start(&self.options.launch).map_err(|error| Fault::new(error.to_string()))?;
        self.log = Some(link.log());
        let mut session = Session::new(link);
        session.hello(HELLO.min(self.options.timeout)).map_err(|trouble| self.noted(trouble))?;
        Ok(session)
    }

    /// What it is welcomed with.
    pub(super) fn welcome(&self) -> Welcome {
        Welcome {
            version: Version::OURS,
            kind: self.kind,
            name: "checked".to_owned(),
            session: format!("check-{}-{}", std::process::id(), self.next_candidate),
            spool: self.spool.folder().display().to_string(),
            config: self.options.config.clone(),
            frame_bytes: LONGEST_FRAME,
            inline_bytes: 4 << 20,
        }
    }

    /// A start that is ready, and its card.
    pub(super) fn load(&mut self, is_later: bool) -> Result<(Session, Card), Fault> {
        let mut session = self.start()?;
        let mut welcome = self.welcome();
        if is_later {
            welcome.version.minor += 1;
            session.say(&LaterHost::Welcome(Later { known: &welcome, key_of_a_later_version: 1 }));
        } else {
            session.say(&FromHost::Welcome(welcome));
        }
        let card = session.ready(self.options.timeout).map_err(|trouble| self.noted(trouble))?;
        Ok((session, card))
    }

    /// Gets it ready for work, by a greeting of a later version where it takes that.
    pub(super) fn make_ready(&mut self) -> Result<(), Fault> {
        let begun = Instant::now();
        let (session, card) = match self.load(true) {
            Ok(loaded) => loaded,
            // What takes too long takes as long again.
            Err(fault) if begun.elapsed() >= self.options.timeout => return Err(fault),
            Err(fault) => {
                let loaded = self.load(false)?;
                self.later_minor = Some(fault);
                loaded
            }
        };
        (self.session, self.card) = (Some(session), Some(card));
        Ok(())
    }

    /// Something to be done with the session, which is started where there is none.
    pub(super) fn with<T>(&mut self, work: impl FnOnce(&mut Session) -> Result<T, Trouble>) -> Result<T, Fault> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.load(false)?.0,
        };
        match work(&mut session) {
            Ok(done) => {
                self.session = Some(session);
                Ok(done)
            }
            Err(trouble) => {
                self.losses += 1;
                self.gather(&mut session);
                Err(self.noted(trouble))
            }
        }
    }

    /// The session, to be ended in some way.
    pub(super) fn take(&mut self) -> Result<Session, Fault> {
        match self.session.take() {
            Some(mut session) => {
                self.gather(&mut session);
                Ok(session)
            }
            None => Ok(self.load(false)?.0),
        }
    }

    /// Ends what is still there.
    pub(super) fn end(&mut self) {
        if let Some(mut session) = self.session.take() {
            self.gather(&mut session);
        }
    }

    /// Keeps what a session noted.
    pub(super) fn gather(&mut self, session: &mut Session) {
        self.strays.append(&mut session.strays);
        self.slips.append(&mut session.slips);
    }

    /// Keeps what the session has noted so far.
    pub(super) fn look(&mut self) {
        if let Some(mut session) = self.session.take() {
            self.gather(&mut session);
            self.session = Some(session);
        }
    }

    fn noted(&mut self, trouble: Trouble) -> Fault {
        if let Trouble::NotAFrame(what) = &trouble {
            self.not_frames.push(what.clone());
        }
        trouble.into()
    }

    /// Numbers for so many candidates that no other has.
    pub(super) fn number(&mut self, count: usize) -> u32 {
        let first = self.next_candidate;
        self.next_candidate += count as u32;
        first
    }

    /// A number that no other ping has.
    pub(super) fn ping(&mut self) -> u64 {
        self.next_ping += 1;
        self.next_ping
    }

    /// Asks for all of this, in calls as large as they may be.
    pub(super) fn ask(&mut self, asks: &[Ask]) -> Result<Vec<Product>, Fault> {
        let mut products = Vec::with_capacity(asks.len());
        for asks in asks.chunks(self.largest_batch()) {
            products.extend(self.call(asks)?.products);
        }
        Ok(products)
    }

    /// Asks for all of this in one call.
    pub(super) fn call(&mut self, asks: &[Ask]) -> Result<Reply, Fault> {
        let first = self.number(asks.len());
        self.call_from(asks, first)
    }

    /// Asks for all of this in one call, with candidates of these numbers.
    pub(super) fn call_from(&mut self, asks: &[Ask], first: u32) -> Result<Reply, Fault> {
        let (method, timeout) = (method(self.kind, asks, first), self.options.timeout);
        let answered = self.with(|session| {
            let id = session.begin(method, timeout);
            session.finish(id, Instant::now() + timeout)
        })?;
        self.reply(answered, asks.len())
    }

    /// What an answer holds, looked at.
    pub(super) fn reply(&mut self, answered: Answered, items: usize) -> Result<Reply, Fault> {
        let Answered { answer, took, steps, previews } = answered;
        self.steps += steps;
        self.previews.extend(previews.into_iter().take(16_usize.saturating_sub(self.previews.len())));
        let products = self.measure(items)?.products(answer).map_err(Fault::new)?;
        let has_trajectory = |product: &&Product| matches!(product, Product::Picture(made) if made.has_trajectory);
        self.trajectories += products.iter().filter(has_trajectory).count();
        Ok(Reply { products, took })
    }

    /// What an answer about so many items is held against.
    pub(super) fn measure(&self, items: usize) -> Result<Measure<'_>, Fault> {
        let card = self.card.as_ref().ok_or_else(|| Fault::new("it has no card"))?;
        Ok(Measure { kind: self.kind, card, spool: self.spool.folder(), items })
    }
}

/// Whether a greeting is one that the host can go on with.
pub(super) fn check_hello(hello: &Hello, kind: PluginKind) -> Result<(), Fault> {
    let update = |error: VersionError| Fault::new(error.to_string()).advice("speak a version of the same major number");
    Version::OURS.meet(&hello.protocol, hello.version).map_err(update)?;
    if hello.name.trim().is_empty() {
        return Err(Fault::new("its `name` is empty"));
    }
    if !hello.kinds.contains(&kind) {
        let kinds: Vec<&str> = hello.kinds.iter().map(|kind| kind.word()).collect();
        return Err(Fault::new(format!("it is no {}: its `kinds` are [{}]", kind.word(), kinds.join(", "))));
    }
    Ok(())
}
