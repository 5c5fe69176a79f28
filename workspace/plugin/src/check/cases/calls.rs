//! Checks of calls: one item, many, at once, in order, and the same again.

use std::time::Instant;

use editscale_sdk::protocol::{Card, PluginKind, RewardKind};

use super::super::bench::{Bench, Fault};
use super::super::pictures::scene;
use super::super::work::{Ask, Product, method};
use super::{Case, Level, Outcome, not_applicable, well};

pub(super) const CASES: [Case; 7] = [
    Case {
        name: "one_item",
        expected: "a call with one item is answered with one outcome, which is done and makes sense",
        advice: "compare the answer with docs/plugin-protocol.md; a failure names its reason",
        needs: Level::Ready,
        gives: Level::Work,
        run: one_item,
    },
    Case {
        name: "full_batch",
        expected: "a call with as many items as the card allows is answered with as many outcomes, all done",
        advice: "answer every item, or say a smaller `largest_batch`",
        needs: Level::Work,
        gives: Level::Nothing,
        run: full_batch,
    },
    Case {
        name: "calls_at_once",
        expected: "as many calls at once as the card has slots are all answered",
        advice: "take further calls while one is under way, or say `slots: 1`",
        needs: Level::Work,
        gives: Level::Nothing,
        run: calls_at_once,
    },
    Case {
        name: "same_again",
        expected: "the same call gives the same again",
        advice: "seed every source of chance from the item's seed, use inference mode and fixed kernels; an editor that \
                 cannot says no `seed_bits`",
        needs: Level::Work,
        gives: Level::Nothing,
        run: same_again,
    },
    Case {
        name: "item_order",
        expected: "outcomes come in the order of the items",
        advice: "put each outcome in the place of its item, whatever order the work is done in",
        needs: Level::Work,
        gives: Level::Nothing,
        run: item_order,
    },
    Case {
        name: "same_however_cut",
        expected: "an item comes out the same alone and among others (scores within 0.0001)",
        advice: "let nothing depend on the batch: mask padding, give each item a generator of its own, normalise nothing \
                 over the batch; a reward that compares says `kind: listwise`",
        needs: Level::Work,
        gives: Level::Nothing,
        run: same_however_cut,
    },
    Case {
        name: "other_seed",
        expected: "another seed gives another picture",
        advice: "use the proposal's seed; where seeds decide nothing, say no `seed_bits`",
        needs: Level::Work,
        gives: Level::Nothing,
        run: other_seed,
    },
];

/// Different things to ask, each with a seed of its own.
fn different(count: usize) -> Vec<Ask> {
    let ask = |at: usize| {
        let light = 0.25 + 0.5 * (at % 8) as f32 / 8.0;
        Ask { seed: 100 + at as u64, ..Ask::of(scene(light).inline()) }
    };
    (0..count).map(ask).collect()
}

/// Whether an item's outcome depends on nothing but the item.
pub(super) fn is_repeatable(bench: &Bench<'_>) -> Result<(), &'static str> {
    match bench.card() {
        Some(Card::Editor(card)) if card.seed_bits.is_none() => Err("its card says that seeds decide nothing"),
        Some(Card::Reward(card)) if card.kind == RewardKind::Listwise => Err("its scores compare within one call only"),
        _ => Ok(()),
    }
}

/// The first failure among products.
pub(super) fn all_done(products: &[Product]) -> Result<(), Fault> {
    let failure = products.iter().enumerate().find_map(|(at, product)| match product {
        Product::Failed(failed) => Some(format!("item {at} failed: {}", failed.message)),
        _ => None,
    });
    failure.map_or(Ok(()), |found| Err(Fault::new(found)))
}

fn one_item(bench: &mut Bench<'_>) -> Outcome {
    let first = bench.call(&different(1))?;
    all_done(&first.products)?;
    // The first call may warm up; the second one tells how long work takes.
    let second = bench.call(&different(1))?;
    all_done(&second.products)?;
    bench.one_item = second.took;
    let (first, second) = (first.took.as_secs_f64(), second.took.as_secs_f64());
    well(format!("answered in {first:.3} s, then in {second:.3} s"))
}

fn full_batch(bench: &mut Bench<'_>) -> Outcome {
    // No plugin is asked for hours of work by a check.
    let count = bench.largest_batch().min(64);
    let reply = bench.call(&different(count))?;
    all_done(&reply.products)?;
    well(format!("{count} items in {:.3} s", reply.took.as_secs_f64()))
}

fn calls_at_once(bench: &mut Bench<'_>) -> Outcome {
    let slots = bench.slots().min(8);
    if slots == 1 {
        return not_applicable("its card has one slot");
    }
    let (kind, timeout) = (bench.kind(), bench.timeout());
    let asks = different(1);
    let firsts: Vec<u32> = (0..slots).map(|_| bench.number(1)).collect();
    let answers = bench.with(|session| {
        let ids: Vec<u64> = firsts.iter().map(|first| session.begin(method(kind, &asks, *first), timeout)).collect();
        let until = Instant::now() + timeout * slots as u32;
        ids.into_iter().map(|id| session.finish(id, until)).collect::<Result<Vec<_>, _>>()
    })?;
    for answer in answers {
        all_done(&bench.reply(answer, 1)?.products)?;
    }
    well(format!("{slots} calls at once"))
}

fn same_again(bench: &mut Bench<'_>) -> Outcome {
    if let Err(why) = is_repeatable(bench) {
        return not_applicable(why);
    }
    let asks = different(1);
    let (one, two) = (bench.ask(&asks)?, bench.ask(&asks)?);
    match differences(&one, &two).into_iter().next() {
        Some((_, difference)) => Err(Fault::new(format!("twice the same gave {difference}"))),
        None => well("the same twice"),
    }
}

fn item_order(bench: &mut Bench<'_>) -> Outcome {
    if bench.largest_batch() < 2 {
        return not_applicable("its card allows one item a call");
    }
    if let Err(why) = is_repeatable(bench) {
        return not_applicable(why);
    }
    let asks = different(2);
    let turned: Vec<Ask> = asks.iter().rev().cloned().collect();
    let one = bench.call(&asks)?.products;
    let mut two = bench.call(&turned)?.products;
    let unturned = differences(&one, &two);
    two.reverse();
    match differences(&one, &two).into_iter().next() {
        Some(_) if unturned.is_empty() => {
            Err(Fault::new("two items in the other order gave outcomes in the same order"))
        }
        Some((at, difference)) => Err(Fault::new(format!("two items in the other order: item {at} gave {difference}"))),
        None => well("two items either way"),
    }
}

fn same_however_cut(bench: &mut Bench<'_>) -> Outcome {
    let count = bench.largest_batch().min(3);
    if count < 2 {
        return not_applicable("its card allows one item a call");
    }
    if let Err(why) = is_repeatable(bench) {
        return not_applicable(why);
    }
    let asks = different(count);
    let together = bench.call(&asks)?.products;
    let mut alone = Vec::new();
    for ask in &asks {
        alone.extend(bench.call(std::slice::from_ref(ask))?.products);
    }
    match differences(&together, &alone).into_iter().next() {
        Some((at, difference)) => {
            Err(Fault::new(format!("item {at} of {count}, with the others and alone, gave {difference}")))
        }
        None => well(format!("{count} items, together and alone")),
    }
}

fn other_seed(bench: &mut Bench<'_>) -> Outcome {
    if bench.kind() == PluginKind::Reward {
        return not_applicable("rewards have no seeds");
    }
    if let Err(why) = is_repeatable(bench) {
        return not_applicable(why);
    }
    let ask = Ask::of(scene(0.5).inline());
    let asks = [0, 1, 2, 3].map(|seed| Ask { seed, ..ask.clone() });
    let products = bench.ask(&asks)?;
    all_done(&products)?;
    let differs = |(one, two): (&Product, &Product)| match (one, two) {
        (Product::Picture(one), Product::Picture(two)) => one.pixels != two.pixels,
        _ => false,
    };
    let count = products.windows(2).filter(|pair| matches!(pair, [one, two] if differs((one, two)))).count();
    match count {
        0 => Err(Fault::new("four seeds gave the same picture")),
        _ => well("four seeds, and not the same picture"),
    }
}

/// Where two lists of products differ, and how.
pub(super) fn differences(one: &[Product], two: &[Product]) -> Vec<(usize, String)> {
    let difference = |(at, (one, two)): (usize, (&Product, &Product))| Some((at, one.difference(two)?));
    one.iter().zip(two).enumerate().filter_map(difference).collect()
}
