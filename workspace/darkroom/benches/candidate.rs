//! One candidate of a 12-megapixel photograph: developed, encoded, and scored.
//!
//! `RAYON_NUM_THREADS=2 cargo bench -p editscale-darkroom`. Figures with their machine stand in `docs/benchmarks.md`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on fails")]

use criterion::{Criterion, criterion_group, criterion_main};
use editscale_core::{Knobs, Seed};
use editscale_darkroom::language::read;
use editscale_darkroom::mask::Scene;
use editscale_darkroom::operations::{Choices, Job, develop};
use editscale_darkroom::photometric::{SourceView, assess};
use editscale_picture::{EncodeOptions, Limits, Metadata, Pixels, decode, encode};

/// A photograph enlarged to 12 megapixels, as 8-bit values hold it.
fn photograph() -> Pixels {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/photos/pagoda.jpg");
    let pixels = decode(&std::fs::read(path).unwrap(), &Limits::default()).unwrap().pixels.resized(4243, 2831);
    let bytes = encode(&pixels, &Metadata::default(), EncodeOptions::PNG).unwrap();
    decode(&bytes, &Limits::default()).unwrap().pixels
}

fn candidate(criterion: &mut Criterion) {
    let source = photograph();
    let scene = Scene::analyse(&source);
    let view = SourceView::new(&source);
    let mut group = criterion.benchmark_group("12 megapixels");
    group.sample_size(10);
    for instruction in
        ["make it warmer, with a little more contrast", "turn the sky orange", "sharpen, denoise and add grain"]
    {
        let plan = read(instruction);
        let developed = || {
            let choices = Choices::draw(Seed::new(3).unwrap(), &Knobs::default());
            develop(&Job {
                source: &source,
                scene: &scene,
                start: &source,
                plan: &plan,
                choices: &choices,
                mask: None,
                touch_up: false,
                cancelled: &|| false,
            })
            .unwrap()
        };
        let edited = developed();
        group.bench_function(format!("develop: {instruction}"), |bencher| bencher.iter(developed));
        group.bench_function(format!("score: {instruction}"), |bencher| bencher.iter(|| assess(&view, &edited, &plan)));
        group.bench_function(format!("encode: {instruction}"), |bencher| {
            bencher.iter(|| encode(&edited, &Metadata::default(), EncodeOptions::PNG).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, candidate);
criterion_main!(benches);
