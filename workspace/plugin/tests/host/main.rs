//! The host of plugins, against peers that are this same program: a variable of its environment tells it to be one.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod deaths;
mod lies;
mod peer;
mod pipe;
mod plugin;
mod ports;
mod script;
mod storms;
mod world;

use libtest_mimic::{Arguments, Trial};

fn main() {
    if let Ok(part) = std::env::var(peer::PART) {
        return peer::play(&part);
    }
    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(trials_of("pipe", pipe::TESTS));
    trials.extend(trials_of("ports", ports::TESTS));
    trials.extend(trials_of("deaths", deaths::TESTS));
    trials.extend(trials_of("lies", lies::TESTS));
    trials.extend(trials_of("storms", storms::TESTS));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A test and its name.
type Test = (&'static str, fn());

fn trials_of(room: &'static str, tests: &'static [Test]) -> impl Iterator<Item = Trial> {
    let trial = move |(name, test): &'static Test| {
        Trial::test(format!("{room}::{name}"), || {
            test();
            Ok(())
        })
    };
    tests.iter().map(trial)
}
