//! What one edit costs this side of the wire: the time on the processor of the thread that writes the form, sends it, receives the
//! answer, decodes its base64 and checks the picture. The server runs on a thread of its own, whose time does not count.
//!
//! `cargo bench -p editscale-remote`. Figures with their machine stand in `docs/benchmarks.md`; criterion's "time" is time on the
//! processor here.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use criterion::{Criterion, criterion_group, criterion_main};
use editscale_core::{
    CandidateId, Edge, EditBackend, EditBatch, EditItem, EditRequest, EditorName, ImageSize, Instruction, Knobs,
    Lineage, MediaType, NobodyWatches, Noise, Proposal, RunId, Seed, Start, Until,
};
use editscale_remote::{Connection, OpenAiImages, OpenAiImagesOptions, Profile, ServerOptions};
use editscale_testkit::named_picture;
use rustix::time::{ClockId, clock_gettime};

const SIZE: ImageSize = ImageSize { width: 1024, height: 1024 };

/// A picture that compresses about as well as a photograph: soft shapes under fine noise.
fn photograph(salt: u64) -> Vec<u8> {
    let seed = Seed::new(salt).unwrap();
    let mut pixels = Vec::with_capacity((SIZE.width * SIZE.height * 3) as usize);
    for place in 0..u64::from(SIZE.width * SIZE.height) {
        let (x, y) = ((place % 1024) as f64 / 163.0, (place / 1024) as f64 / 163.0);
        let noise = seed.mix(place).get();
        for channel in 0..3 {
            let phase = f64::from(channel);
            let soft = 128.0 + 70.0 * (x + phase).sin() * (y - phase).cos();
            let grain = (noise >> (8 * channel) & 15) as f64 - 7.5;
            pixels.push((soft + grain) as u8);
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, SIZE.width, SIZE.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    file
}

/// Reads a request to its end and sends the same answer each time.
fn serve(answer: Arc<[u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that is gone has seen enough.
            exchange(&stream, &answer).ok();
        }
    });
    base
}

fn exchange(mut stream: &TcpStream, answer: &[u8]) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0_usize;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(found) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = found.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.len()
    )?;
    stream.write_all(answer)
}

fn item(source: &[u8]) -> EditItem {
    let request = Arc::new(EditRequest {
        source: named_picture(source.to_vec(), MediaType::Png, SIZE),
        instruction: Instruction::new("make it warmer").unwrap(),
        mask: None,
        output_size: None,
        seed: Seed::new(11).unwrap(),
    });
    let proposal = Proposal {
        id: CandidateId(0),
        editor: EditorName::new("far").unwrap(),
        start: Start::Source,
        until: Until::Finished,
        seed: Seed::new(7).unwrap(),
        noise: Noise::Own,
        instruction: request.instruction.shared(),
        knobs: Knobs::default(),
        lineage: Lineage { parent: None, edge: Edge::Fresh },
    };
    let (run, start) = (RunId::new("run-1").unwrap(), request.source.clone());
    EditItem { run, request, proposal, start, path: Vec::new(), earlier: None }
}

/// The time on the processor that this thread has had.
fn on_the_processor() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn edits(criterion: &mut Criterion) {
    let (source, made) = (photograph(1), photograph(2));
    let answer = format!(r#"{{"created":1,"data":[{{"b64_json":"{}"}}]}}"#, STANDARD.encode(&made));
    let base = serve(answer.into_bytes().into());
    let connection = Connection::new(vec![ServerOptions::new(&base)]);
    let options = OpenAiImagesOptions::new(EditorName::new("far").unwrap(), Profile::SgLang, "a-model", connection);
    let editor = OpenAiImages::new(options).unwrap();
    let item = item(&source);
    // One thread does everything that this side does, so that its clock has all of it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let edit = || {
        let batch = EditBatch { items: vec![item.clone()] };
        runtime.block_on(editor.edit(batch, &NobodyWatches)).remove(0).unwrap()
    };
    assert_eq!(*edit().image.bytes, *made, "kept byte for byte");
    let name = format!("edit, {:.2} MB there and {:.2} MB back", source.len() as f64 / 1e6, made.len() as f64 / 1e6);
    criterion.bench_function(&name, |bencher| {
        bencher.iter_custom(|count| {
            let began = on_the_processor();
            (0..count).for_each(|_| drop(edit()));
            on_the_processor().saturating_sub(began)
        });
    });
}

criterion_group!(benches, edits);
criterion_main!(benches);
