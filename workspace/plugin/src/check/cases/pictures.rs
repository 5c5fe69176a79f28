//! Checks of what work is about: pictures of all kinds, pictures that are none, instructions of all kinds.

use editscale_sdk::protocol::{ErrorClass, Feature};

use super::super::bench::{Bench, Fault};
use super::super::pictures::{layouts, scene, shapes};
use super::super::work::{Ask, Product, USUAL};
use super::calls::{all_done, differences, is_repeatable};
use super::{Case, Level, Outcome, not_applicable, well};

pub(super) const CASES: [Case; 7] = [
    Case {
        name: "picture_formats",
        expected: "PNG, JPEG and WebP, with transparency, in grey and with 16 bits are all taken",
        advice: "decode by what the bytes are, and convert to RGB first of all",
        needs: Level::Work,
        gives: Level::Nothing,
        run: picture_formats,
    },
    Case {
        name: "picture_shapes",
        expected: "pictures of one pixel and of very unequal sides are done, or fail with a reason",
        advice: "answer what cannot be done with a failure of class `invalid` that says why",
        needs: Level::Work,
        gives: Level::Nothing,
        run: picture_shapes,
    },
    Case {
        name: "instructions",
        expected: "instructions with quotes, line breaks, emoji, other scripts and great length are done, or fail with a reason",
        advice: "take instructions as plain text, and pass them to nothing that reads more into them",
        needs: Level::Work,
        gives: Level::Nothing,
        run: instructions,
    },
    Case {
        name: "broken_picture",
        expected: "a picture that cannot be decoded fails its own item, and leaves the others alone",
        advice: "catch errors for each item, and answer with a failure of class `invalid` in its place",
        needs: Level::Work,
        gives: Level::Nothing,
        run: broken_picture,
    },
    Case {
        name: "spool",
        expected: "a picture in a file of the spool gives the same as one in the message",
        advice: "read the bytes of the file at `path`; they are the same encoded picture",
        needs: Level::Work,
        gives: Level::Nothing,
        run: spool,
    },
    Case {
        name: "missing_file",
        expected: "a file of the spool that is not there fails its own item, and leaves the others alone",
        advice: "catch errors for each item, and answer with a failure in its place",
        needs: Level::Work,
        gives: Level::Nothing,
        run: missing_file,
    },
    Case {
        name: "changed_file",
        expected: "a file of the spool that is not the one that was meant (by its length and digest) fails its item",
        advice: "compare the length and SHA-256 of the file before it is used; the SDKs do",
        needs: Level::Work,
        gives: Level::Nothing,
        run: changed_file,
    },
];

fn picture_formats(bench: &mut Bench<'_>) -> Outcome {
    let samples = layouts();
    for sample in &samples {
        let products = bench.ask(&[Ask::of(sample.inline())])?;
        if let Some(Product::Failed(failed)) = products.first() {
            return Err(Fault::new(format!("{} failed: {}", sample.what, failed.message)));
        }
    }
    well(format!("{} kinds of pictures", samples.len()))
}

fn picture_shapes(bench: &mut Bench<'_>) -> Outcome {
    let mut refused = Vec::new();
    for sample in shapes() {
        let products = bench.ask(&[Ask::of(sample.inline())])?;
        if let Some(Product::Failed(failed)) = products.first() {
            check_reason(failed.class, sample.what)?;
            refused.push(format!("{}: {}", sample.what, failed.message));
        }
    }
    well(if refused.is_empty() { "all taken".to_owned() } else { format!("refused: {}", refused.join("; ")) })
}

/// What is wrong with an item must be said to be that.
fn check_reason(class: ErrorClass, what: &str) -> Result<(), Fault> {
    match class {
        ErrorClass::Refused | ErrorClass::Invalid => Ok(()),
        other => Err(Fault::new(format!("{what} failed with class {other:?}: expected `invalid` or `refused`"))),
    }
}

fn instructions(bench: &mut Bench<'_>) -> Outcome {
    let long = format!("{USUAL} {}", "a little more ".repeat(600));
    let all = [
        "make \"it\" 'brighter' `now` $(echo) ; & | > < \\ %s {} {0}",
        "make it\nbrighter\r\n\tand warmer",
        "mach es heller, 让它更亮, اجعلها أكثر إشراقا, 🌞🎨👩‍🎨",
        "make it brighter \u{202e} \u{feff}",
        "x",
        &long,
    ];
    let picture = scene(0.5).inline();
    let asks: Vec<Ask> =
        all.iter().map(|text| Ask { instruction: (*text).to_owned(), ..Ask::of(picture.clone()) }).collect();
    let products = bench.ask(&asks)?;
    for (text, product) in all.iter().zip(&products) {
        if let Product::Failed(failed) = product {
            check_reason(failed.class, &format!("the instruction {:?}", text.chars().take(40).collect::<String>()))?;
        }
    }
    let done = products.iter().filter(|product| !product.is_failed()).count();
    let refused = if done == all.len() { "" } else { ", the others refused in words" };
    well(format!("{done} of {} done{refused}", all.len()))
}

fn broken_picture(bench: &mut Bench<'_>) -> Outcome {
    let broken = Ask::of(scene(0.5).cut().inline());
    let products = bench.ask(std::slice::from_ref(&broken))?;
    if products.iter().all(|product| !product.is_failed()) {
        // Something that looks at the length of a file, or at the instruction alone, has no reason to fail.
        return not_applicable("it took a picture that cannot be decoded: right only if it never decodes pictures");
    }
    one_fails(bench, &broken, "the broken picture")
}

fn missing_file(bench: &mut Bench<'_>) -> Outcome {
    if !bench.has(Feature::Spool) {
        return not_applicable("it does not name the feature `spool`");
    }
    let missing = Ask::of(bench.spool().put_nowhere(&scene(0.5)));
    one_fails(bench, &missing, "the missing file")
}

fn changed_file(bench: &mut Bench<'_>) -> Outcome {
    if !bench.has(Feature::Spool) {
        return not_applicable("it does not name the feature `spool`");
    }
    let mut picture = bench.spool().put(&scene(0.5)).map_err(Fault::new)?;
    if let editscale_sdk::protocol::PictureBody::File(place) = &mut picture.body {
        place.sha256 = "0".repeat(64);
    }
    one_fails(bench, &Ask::of(picture), "the file with another digest")
}

/// One bad item among good ones, or where there is one item a call, before a good one.
fn one_fails(bench: &mut Bench<'_>, bad: &Ask, what: &str) -> Outcome {
    let good = Ask::of(scene(0.5).inline());
    let asks = [good.clone(), bad.clone(), good];
    let products = bench.ask(&asks)?;
    match products.as_slice() {
        [_, Product::Failed(failed), _] => {
            let message = failed.message.clone();
            let others: Vec<Product> = products.into_iter().step_by(2).collect();
            all_done(&others).map_err(|fault| Fault::new(format!("beside {what}, another {}", fault.found)))?;
            well(format!("it failed alone: {message}"))
        }
        _ => Err(Fault::new(format!("{what} did not fail"))),
    }
}

fn spool(bench: &mut Bench<'_>) -> Outcome {
    if !bench.has(Feature::Spool) {
        return not_applicable("it does not name the feature `spool`");
    }
    let sample = scene(0.5);
    let in_file = Ask::of(bench.spool().put(&sample).map_err(Fault::new)?);
    let inline = Ask::of(sample.inline());
    let (one, two) = (bench.ask(&[inline])?, bench.ask(&[in_file])?);
    all_done(&one)?;
    all_done(&two)?;
    let is_repeatable = is_repeatable(bench).is_ok();
    match differences(&one, &two).into_iter().next().filter(|_| is_repeatable) {
        Some((_, difference)) => Err(Fault::new(format!("in the message and in a file it gave {difference}"))),
        None => well("both alike"),
    }
}
