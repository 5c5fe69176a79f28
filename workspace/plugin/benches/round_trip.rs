//! A PNG of 1024x1024 pixels, about 3 MB, to a plugin and back: in the message, and through the spool; and a small one, which
//! shows what a call costs by itself.
//!
//! `cargo bench -p editscale-plugin`. The plugin is this same program; it gives every picture back as it came.

#![allow(
    clippy::unwrap_used,
    clippy::default_trait_access,
    missing_docs,
    reason = "a benchmark that cannot go on fails"
)]

use std::io::{Cursor, Read, Write};
use std::sync::Arc;

use criterion::{Criterion, criterion_group};
use editscale_core::{
    CandidateId, Edge, EditBackend, EditBatch, EditItem, EditRequest, EditorName, Image, ImageSize, Knobs, Lineage,
    MediaType, NobodyWatches, Noise, Proposal, RunId, Start, Until,
};
use editscale_engine::digest_of;
use editscale_plugin::{Launch, Plugin, PluginEditor};
use editscale_sdk::protocol::{
    AdoptSupport, Answer, Card, CostNumbers, EditCounters, Edited, EditorCard, Feature, FilePlace, Frames, FromHost,
    FromPlugin, Hello, LONGEST_FRAME, Method, Outcome, PROTOCOL, Picture, PictureBody, PluginKind, Version, Welcome,
    decode, encode,
};

const PEER: &str = "EDITSCALE_BENCH_PEER";
const SIDE: u32 = 1024;
const SMALL_SIDE: u32 = 16;

fn main() {
    if std::env::var_os(PEER).is_some() {
        return give_back();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}

criterion_group!(benches, round_trip);

/// Noise, which no compression makes smaller.
fn picture(side: u32) -> Image {
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let pixels: Vec<u8> = noise.take((side * side * 3) as usize).collect();
    let mut file = Cursor::new(Vec::new());
    let pixels = image::RgbImage::from_raw(side, side, pixels).unwrap();
    pixels.write_to(&mut file, image::ImageFormat::Png).unwrap();
    let bytes: Arc<[u8]> = file.into_inner().into();
    assert!(bytes.len() > (side * side * 3) as usize);
    let size = ImageSize { width: side, height: side };
    Image::new(digest_of(&bytes), MediaType::Png, size, Arc::new(bytes))
}

fn batch(side: u32) -> EditBatch {
    let request = EditRequest { source: picture(side), ..editscale_testkit::request(1) };
    let item = EditItem {
        run: RunId::new("bench").unwrap(),
        start: request.source.clone(),
        proposal: Proposal {
            id: CandidateId(0),
            editor: EditorName::new("bench").unwrap(),
            start: Start::Source,
            until: Until::Finished,
            seed: request.seed,
            noise: Noise::Own,
            instruction: request.instruction.shared(),
            knobs: Knobs::default(),
            lineage: Lineage { parent: None, edge: Edge::Fresh },
        },
        request: Arc::new(request),
        path: Vec::new(),
        earlier: None,
    };
    EditBatch { items: vec![item] }
}

fn round_trip(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let own = std::env::current_exe().unwrap().to_string_lossy().into_owned();
    let launch = Launch { variables: vec![(PEER.to_owned(), "1".to_owned())], ..Launch::of([own]) };
    let mut group = criterion.benchmark_group("a PNG there and back");
    for (way, side, inline_bytes) in [
        ("small, in the message", SMALL_SIDE, u32::MAX),
        ("3 MB, in the message", SIDE, u32::MAX),
        ("3 MB, through the spool", SIDE, 0),
    ] {
        let batch = batch(side);
        let plugin = Plugin { launch: launch.clone(), inline_bytes, ..Plugin::of([""]) };
        let editor = PluginEditor::start(&EditorName::new("bench").unwrap(), plugin).unwrap();
        group.bench_function(way, |bencher| {
            bencher.iter(|| {
                let made = runtime.block_on(editor.edit(batch.clone(), &NobodyWatches));
                assert_eq!(made[0].as_ref().unwrap().image.size.width, side);
            });
        });
    }
    group.finish();
}

fn say(message: &FromPlugin) {
    let mut output = std::io::stdout().lock();
    output.write_all(&encode(message).unwrap()).unwrap();
    output.flush().unwrap();
}

/// The plugin.
fn give_back() {
    say(&FromPlugin::Hello(Hello {
        protocol: PROTOCOL.to_owned(),
        version: Version::OURS,
        name: "bench".to_owned(),
        plugin_version: String::new(),
        sdk: String::new(),
        kinds: vec![PluginKind::Editor],
        features: vec![Feature::Spool.word().to_owned()],
    }));
    let (mut frames, mut piece) = (Frames::new(LONGEST_FRAME), vec![0; 1 << 20]);
    let mut welcome = None;
    loop {
        while let Some(body) = frames.next_body().unwrap() {
            match decode(&body).unwrap() {
                FromHost::Welcome(found) => {
                    welcome = Some(found);
                    say(&FromPlugin::Ready(card()));
                }
                FromHost::Call(call) => answer(welcome.as_ref().unwrap(), call.id, call.method),
                FromHost::Ping(number) => say(&FromPlugin::Pong(number)),
                FromHost::Shutdown(_) => return,
                _ => {}
            }
        }
        match std::io::stdin().lock().read(&mut piece).unwrap() {
            0 => return,
            length => frames.push(&piece[..length]),
        }
    }
}

fn card() -> Card {
    Card::Editor(EditorCard {
        revision: "bench".to_owned(),
        seed_bits: None,
        largest_batch: 1,
        slots: 1,
        edits_candidates: false,
        pause: Default::default(),
        sampler: Default::default(),
        cancel: Default::default(),
        masks: false,
        knobs: Vec::new(),
        cost: CostNumbers::default(),
        recovery: Default::default(),
        adopts: AdoptSupport::default(),
    })
}

fn answer(welcome: &Welcome, id: u64, method: Method) {
    let Method::Edit(mut parameters) = method else { return };
    let Picture { media, width, height, body } = parameters.images.swap_remove(0);
    let body = match body {
        PictureBody::File(place) => {
            let bytes = std::fs::read(&place.path).unwrap();
            place.check(&bytes).unwrap();
            let path = format!("{}/plugin/{id}.png", welcome.spool);
            let beside = format!("{path}.part");
            std::fs::write(&beside, &bytes).unwrap();
            std::fs::rename(&beside, &path).unwrap();
            PictureBody::File(FilePlace { path, ..place })
        }
        inline @ PictureBody::Inline(_) => inline,
    };
    let image = Picture { media, width, height, body };
    let edited = Edited {
        image,
        cost: CostNumbers::default(),
        effective_seed: None,
        notes: Vec::new(),
        counters: EditCounters::default(),
        trajectory: None,
    };
    say(&FromPlugin::Answer(Answer::Edited { id, items: vec![Outcome::Done(edited)] }));
}
