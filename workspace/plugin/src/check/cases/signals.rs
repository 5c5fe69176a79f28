//! Checks of what goes on while a call is under way: pings, progress, previews, cancelling, deadlines.

use std::time::{Duration, Instant};

use editscale_sdk::protocol::{CancelRule, Card, ErrorClass, Feature, FromHost};

use super::super::bench::{Bench, Fault};
use super::super::pictures::scene;
use super::super::work::{Ask, Product, method};
use super::{Case, Level, Outcome, not_applicable, well};

pub(super) const CASES: [Case; 6] = [
    Case {
        name: "ping",
        expected: "a `ping` is answered with the `pong` of its number within 5 s",
        advice: "answer each `ping` with `pong` and the same number",
        needs: Level::Work,
        gives: Level::Nothing,
        run: ping,
    },
    Case {
        name: "ping_at_work",
        expected: "a `ping` is answered within 5 s also while a call is under way",
        advice: "read standard input in a thread of its own, which answers pings; work that holds the interpreter's lock \
                 for seconds keeps it from doing so",
        needs: Level::Work,
        gives: Level::Nothing,
        run: ping_at_work,
    },
    Case {
        name: "cancel",
        expected: "a call that is cancelled half way is answered, unfinished items with failures of class `cancelled`, as \
                   soon as the card promises",
        advice: "look whether the call is cancelled at each step or between items, and answer it all the same",
        needs: Level::Work,
        gives: Level::Nothing,
        run: cancel,
    },
    Case {
        name: "deadline",
        expected: "a call whose deadline is over at once is answered all the same",
        advice: "answer what is not finished with failures of class `timed_out`",
        needs: Level::Work,
        gives: Level::Nothing,
        run: deadline,
    },
    Case {
        name: "progress",
        expected: "progress names items of calls under way, its steps never go back nor beyond their number",
        advice: "count steps from 1 to `steps` for each item, and tell nothing after the answer",
        needs: Level::Work,
        gives: Level::Nothing,
        run: progress,
    },
    Case {
        name: "previews",
        expected: "previews are pictures",
        advice: "encode a preview as PNG or JPEG, inline or in the spool",
        needs: Level::Work,
        gives: Level::Nothing,
        run: previews,
    },
];

/// How long the answer to a ping may take.
const PONG: Duration = Duration::from_secs(5);

/// As much work as one call may hold, within reason.
fn much(bench: &Bench<'_>) -> Vec<Ask> {
    let count = bench.largest_batch().min(16);
    (0..count).map(|at| Ask { seed: at as u64, ..Ask::of(scene(0.3 + at as f32 / 40.0).inline()) }).collect()
}

fn ping(bench: &mut Bench<'_>) -> Outcome {
    let (number, within) = (bench.ping(), PONG.min(bench.timeout()));
    let took = bench.with(|session| session.ping(number, within))?;
    well(format!("after {:.1} ms", took.as_secs_f64() * 1e3))
}

fn ping_at_work(bench: &mut Bench<'_>) -> Outcome {
    let asks = much(bench);
    let (number, within, timeout) = (bench.ping(), PONG.min(bench.timeout()), bench.timeout());
    let method = method(bench.kind(), &asks, bench.number(asks.len()));
    let (took, was_at_work, answered) = bench.with(|session| {
        let id = session.begin(method, timeout);
        let took = session.ping(number, within)?;
        let was_at_work = !session.is_answered(id);
        Ok((took, was_at_work, session.finish(id, Instant::now() + timeout)?))
    })?;
    bench.reply(answered, asks.len())?;
    let at_work = if was_at_work { "at work" } else { "the work was done first" };
    well(format!("after {:.1} ms, {at_work}", took.as_secs_f64() * 1e3))
}

/// How soon a slot must be free after cancelling work that takes this long.
fn promised(bench: &Bench<'_>, whole: Duration) -> Duration {
    let soon = Duration::from_secs(2);
    match bench.card() {
        Some(Card::Editor(card)) if card.cancel == CancelRule::Promptly => soon,
        // A step is never longer than the work of an item.
        Some(Card::Editor(card)) if card.cancel == CancelRule::WithinStep => soon + bench.one_item,
        _ => soon + whole * 2,
    }
    .min(bench.timeout())
}

fn cancel(bench: &mut Bench<'_>) -> Outcome {
    let asks = much(bench);
    let whole = bench.call(&asks)?.took;
    let (within, timeout) = (promised(bench, whole), bench.timeout());
    let method = method(bench.kind(), &asks, bench.number(asks.len()));
    let patience = (whole / 4).min(Duration::from_secs(2));
    let (took, answered) = bench.with(|session| {
        let id = session.begin(method, timeout);
        session.is_at_work(id, patience)?;
        let begun = Instant::now();
        session.say(&FromHost::Cancel(id));
        let answered = session.finish(id, begun + within)?;
        Ok((begun.elapsed(), answered))
    })?;
    let products = bench.reply(answered, asks.len())?.products;
    let mut cancelled = 0;
    for product in &products {
        match product {
            Product::Failed(failed) if failed.class == ErrorClass::Cancelled => cancelled += 1,
            Product::Failed(failed) => {
                let (class, message) = (failed.class, &failed.message);
                return Err(Fault::new(format!("an item failed with class {class:?}: {message}")));
            }
            _ => {}
        }
    }
    let (count, took) = (products.len(), took.as_secs_f64());
    well(format!("answered {took:.3} s later, {cancelled} of {count} items cancelled"))
}

fn deadline(bench: &mut Bench<'_>) -> Outcome {
    let asks = much(bench);
    let timeout = bench.timeout();
    let method = method(bench.kind(), &asks, bench.number(asks.len()));
    let answered = bench.with(|session| {
        let id = session.begin(method, Duration::from_millis(1));
        session.finish(id, Instant::now() + timeout)
    })?;
    let products = bench.reply(answered, asks.len())?.products;
    let done = products.iter().filter(|product| !product.is_failed()).count();
    well(format!("answered, {done} of {} items done", products.len()))
}

fn progress(bench: &mut Bench<'_>) -> Outcome {
    bench.look();
    match bench.slips.first() {
        Some(slip) => Err(Fault::new(format!("it told of {slip}"))),
        None if bench.steps == 0 && bench.has(Feature::Progress) => {
            Err(Fault::new("it names the feature `progress` and told of none")
                .advice("tell of progress while at work, or leave the feature out"))
        }
        None if bench.steps == 0 => not_applicable("it tells of none, and does not say that it would"),
        None => well(format!("{} messages", bench.steps)),
    }
}

fn previews(bench: &mut Bench<'_>) -> Outcome {
    if bench.previews.is_empty() {
        return not_applicable("it showed none");
    }
    let previews = std::mem::take(&mut bench.previews);
    let measure = bench.measure(1)?;
    for preview in &previews {
        measure.pixels(preview).map_err(|what| Fault::new(format!("of a preview: {what}")))?;
    }
    well(format!("{} previews", previews.len()))
}
