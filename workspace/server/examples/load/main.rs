//! Load for a scoring server: how many requests a second it takes, how long they wait, and what it is worth to share calls.
//!
//! usage: load most|steady|share|serve [--url URL] [--reward NAME] [--key KEY] [--seconds 10] [--clients 64] [--rate 1000]
//!             [--items 1] [--source FILE] [--candidate FILE]…
//!
//! `most`: clients that ask again as soon as they are answered. `steady`: so many requests a second, whether the earlier ones are
//! answered or not; waiting counts from the moment at which a request was due. `share`: 16 scorers of one source at once, against one
//! that asks about all 16, in turn. `serve`: the server alone.
//!
//! Without a URL it starts a server in this process, on the same processors: `nothing` is a reward without work, `sleeper`
//! one that sleeps for each source of a call and for each candidate, as a model works (`--source-ms 20`, `--candidate-ms 5`).

mod ask;
mod measure;
mod serving;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use editscale_core::ImageSize;

use self::ask::Target;
use self::measure::Plan;

/// No load is longer or wider than this.
const MOST_SECONDS: u64 = 600;
const MOST_CLIENTS: usize = 1000;

/// `--name value` from the command line.
pub(crate) struct Options(BTreeMap<String, Vec<String>>);

impl Options {
    fn read(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let (mut options, mut arguments) = (BTreeMap::<String, Vec<String>>::new(), arguments);
        while let Some(name) = arguments.next() {
            let name =
                name.strip_prefix("--").with_context(|| format!("`{name}`: expected `--NAME VALUE`"))?.to_owned();
            let value = arguments.next().with_context(|| format!("`--{name}`: expected a value"))?;
            options.entry(name).or_default().push(value);
        }
        Ok(Self(options))
    }

    fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.all(name).last().map(String::as_str)
    }

    pub(crate) fn number(&self, name: &str, usual: u64) -> Result<u64> {
        self.text(name).map_or(Ok(usual), |text| text.parse().with_context(|| format!("`--{name} {text}`")))
    }
}

/// The files that are sent: a source and as many candidates as a call of `share` has.
fn pictures(options: &Options) -> Result<(Vec<u8>, Vec<Vec<u8>>)> {
    let read = |path: &String| std::fs::read(path).with_context(|| format!("cannot read {path}"));
    let tiny = |number: u8| editscale_testkit::png(ImageSize { width: 8, height: 8 }, [number, 90, 40]);
    let source = options.all("source").last().map_or_else(|| Ok(tiny(255)), read)?;
    let given: Vec<Vec<u8>> = options.all("candidate").iter().map(read).collect::<Result<_>>()?;
    let candidates = if given.is_empty() { (0..16).map(tiny).collect() } else { given };
    Ok((source, candidates))
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "its figures are what it is for")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().unwrap_or_else(|| "most".to_owned());
    let options = Options::read(arguments)?;
    let seconds = options.number("seconds", 10)?.min(MOST_SECONDS);
    let (source, candidates) = pictures(&options)?;
    let own = if options.text("url").is_none() { Some(serving::Own::start(&options).await?) } else { None };
    let url =
        options.text("url").map_or_else(|| own.as_ref().map_or_else(String::new, serving::Own::url), str::to_owned);
    if mode == "serve" {
        println!("{url}");
        return Ok(tokio::signal::ctrl_c().await?);
    }
    let usual = if mode == "share" { "sleeper" } else { "nothing" };
    let reward =
        options.text("reward").map_or_else(|| own.as_ref().map(|_| usual.to_owned()), |name| Some(name.to_owned()));
    let target = Target { url, key: options.text("key").map(str::to_owned), reward };
    let plan = Plan {
        target,
        source,
        candidates,
        items: options.number("items", 1)?.clamp(1, 1024) as usize,
        clients: (options.number("clients", 64)? as usize).clamp(1, MOST_CLIENTS),
        time: Duration::from_secs(seconds),
    };
    match mode.as_str() {
        "most" => println!("{}", plan.most().await?),
        "steady" => println!("{}", plan.steady(options.number("rate", 1000)?.clamp(1, 100_000)).await?),
        "share" => println!("{}", plan.share().await?),
        other => bail!("`{other}`: expected most, steady, share or serve"),
    }
    Ok(())
}
