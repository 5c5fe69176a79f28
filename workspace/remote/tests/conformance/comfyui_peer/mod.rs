//! `ComfyUI` itself, on a machine without an accelerator and without models: nodes of its core do the work. What needs
//! progress, an exception or time to be stopped in is done by a node of ours, which a server that is started here gets.
//!
//! ```text
//! EDITSCALE_COMFYUI=FOLDER cargo test --release -p editscale-remote --features peers comfyui_peer
//! ```
//!
//! `FOLDER` holds the sources with their requirements installed in `FOLDER/venv`; `EDITSCALE_PYTHON` names another
//! interpreter. An address such as `http://127.0.0.1:8188` takes a server that runs; it has to have the node of
//! `comfyui_peer/steps.py` among its custom nodes.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use editscale_core::{
    Candidate, EditBackend, EditBatch, EditItem, EditorName, EncodedImage, FailureKind, ImageSize, KnobName, KnobScale,
    KnobSpec, MediaType, NobodyWatches, Submission, Watch,
};
use editscale_remote::{
    ComfyUi, ComfyUiOptions, Connection, FieldKnob, PollRules, SizeRule, WorkflowBindings, WorkflowKnob,
};
use editscale_testkit::{named_picture, png};
use serde_json::{Value, json};

use crate::support::{Listening, SIZE, connection, numbered, request};

const WORKFLOW: &str = include_str!("workflow.json");
const KONTEXT: &str = include_str!("../../../../../configs/comfyui/flux-kontext.workflow.json");

/// A server, which ends with the test where it was started here.
struct Peer {
    child: Option<Child>,
    base: String,
    _folder: tempfile::TempDir,
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Peer {
    /// The server that the environment names, once it answers.
    async fn new() -> Self {
        let place = std::env::var("EDITSCALE_COMFYUI").expect("EDITSCALE_COMFYUI, a folder with sources or an address");
        let folder = tempfile::tempdir().unwrap();
        let peer = if place.starts_with("http") {
            Self { child: None, base: place, _folder: folder }
        } else {
            let nodes = folder.path().join("custom_nodes");
            std::fs::create_dir(&nodes).unwrap();
            std::fs::write(nodes.join("editscale_steps.py"), include_str!("steps.py")).unwrap();
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let child = start(Path::new(&place), folder.path(), port);
            Self { child: Some(child), base: format!("http://127.0.0.1:{port}"), _folder: folder }
        };
        let began = Instant::now();
        while !peer.is_up() {
            assert!(began.elapsed() < Duration::from_secs(180), "ComfyUI does not start");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        peer
    }

    /// Whether it answers, and not somebody else who got the port first.
    fn is_up(&self) -> bool {
        let address = self.base.trim_start_matches("http://").trim_end_matches('/');
        let ask = || -> std::io::Result<String> {
            let mut stream = std::net::TcpStream::connect(address)?;
            write!(stream, "GET /system_stats HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        ask().is_ok_and(|answer| answer.contains("comfyui_version"))
    }

    fn connection(&self) -> Connection {
        connection(std::slice::from_ref(&self.base))
    }

    fn options(&self) -> ComfyUiOptions {
        let bindings = WorkflowBindings {
            image: "/1/inputs/image".to_owned(),
            instruction: "/5/inputs/value".to_owned(),
            seed: "/2/inputs/color".to_owned(),
            width: Some("/4/inputs/width".to_owned()),
            height: Some("/4/inputs/height".to_owned()),
            mask: None,
        };
        let name = KnobName::new("blend").unwrap();
        let spec = KnobSpec { name, low: 0.0, high: 1.0, default: 1.0, scale: KnobScale::Linear };
        let blend =
            WorkflowKnob { knob: FieldKnob { spec, is_whole: false }, pointer: "/3/inputs/blend_factor".to_owned() };
        let name = EditorName::new("far").unwrap();
        ComfyUiOptions {
            seed_bits: 24,
            sizes: SizeRule::Any,
            knobs: vec![blend],
            polls: woken(),
            outputs: vec!["6".to_owned()],
            ..ComfyUiOptions::new(name, WORKFLOW, bindings, self.connection())
        }
    }

    /// A workflow with our node in it, which has these settings.
    fn slow(&self, steps: u64, seconds: f64) -> ComfyUiOptions {
        let mut graph: Value = serde_json::from_str(WORKFLOW).unwrap();
        let inputs = json!({"image": ["4", 0], "steps": steps, "seconds": seconds, "seed": 0});
        graph["7"] = json!({"class_type": "EditscaleSteps", "inputs": inputs});
        graph["6"]["inputs"]["images"] = json!(["7", 0]);
        let mut options = ComfyUiOptions { workflow: graph.to_string(), ..self.options() };
        "/7/inputs/seed".clone_into(&mut options.bindings.seed);
        ComfyUiOptions { seed_bits: 53, ..options }
    }
}

/// Edits that only news over the WebSocket end in time.
fn woken() -> PollRules {
    let wait = Duration::from_secs(100);
    PollRules { first_wait: wait, longest_wait: wait, ..PollRules::default() }
}

fn start(sources: &Path, base: &Path, port: u16) -> Child {
    let own = sources.join("venv/bin/python");
    let named = std::env::var_os("EDITSCALE_PYTHON").map(PathBuf::from);
    Command::new(named.unwrap_or(own))
        .arg(sources.join("main.py"))
        .args(["--cpu", "--listen", "127.0.0.1", "--disable-api-nodes", "--port", &port.to_string()])
        .arg("--base-directory")
        .arg(base)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

async fn edit_watched(
    options: ComfyUiOptions,
    item: EditItem,
    watch: &dyn Watch,
) -> Result<Candidate, editscale_core::Failure> {
    ComfyUi::new(options).unwrap().edit(EditBatch { items: vec![item] }, watch).await.remove(0)
}

/// The colour of the pixel at a place of a PNG of eight bits a channel.
fn pixel(image: &EncodedImage, x: usize, y: usize) -> [u8; 3] {
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(&image.bytes[..])).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    let at = y * frame.line_size + x * frame.color_type.samples();
    pixels[at..at + 3].try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_against_comfyui() {
    let peer = Peer::new().await;
    edits(&peer).await;
    masks(&peer).await;
    progress(&peer).await;
    refusals(&peer).await;
    stops(&peer).await;
    recovers(&peer).await;
    inspects(&peer).await;
}

/// Seeds, knobs, sizes, and the same graph twice.
async fn edits(peer: &Peer) {
    let plain = request(None, None);
    for seed in [0x00_ff_00_80_u64, 0x12_34_56] {
        let made = edit_watched(peer.options(), numbered(&plain, 0, seed), &NobodyWatches).await.unwrap();
        assert_eq!(made.image.size, SIZE);
        assert_eq!(
            pixel(&made.image, 3, 3),
            [(seed >> 16) as u8, (seed >> 8) as u8, seed as u8],
            "the seed is the colour"
        );
        let again = edit_watched(peer.options(), numbered(&plain, 0, seed), &NobodyWatches).await.unwrap();
        assert_eq!(again.image.bytes, made.image.bytes, "the same edit again");
    }
    let mut turned = numbered(&plain, 1, 0xff_ff_ff);
    turned.proposal.knobs.set(KnobName::new("blend").unwrap(), 0.0).unwrap();
    let made = edit_watched(peer.options(), turned, &NobodyWatches).await.unwrap();
    assert_eq!(pixel(&made.image, 3, 3), [10, 20, 30], "nothing blended in: the picture arrived as it is");
    let large = request(None, Some(ImageSize { width: 48, height: 40 }));
    let made = edit_watched(peer.options(), numbered(&large, 2, 1), &NobodyWatches).await.unwrap();
    assert_eq!(made.image.size, ImageSize { width: 48, height: 40 });
    let many: Vec<EditItem> = (0..4).map(|id| numbered(&plain, id, u64::from(id))).collect();
    let editor = ComfyUi::new(peer.options()).unwrap();
    let made = editor.edit(EditBatch { items: many }, &NobodyWatches).await;
    for (seed, made) in made.into_iter().enumerate() {
        assert_eq!(pixel(&made.unwrap().image, 0, 0), [0, 0, seed as u8], "each gets its own");
    }
}

/// White is where editing is allowed, whichever way the node reads masks.
async fn masks(peer: &Peer) {
    let white = named_picture(png(SIZE, [255; 3]), MediaType::Png, SIZE);
    let black = named_picture(png(SIZE, [0; 3]), MediaType::Png, SIZE);
    for channel in ["red", "alpha"] {
        let mut graph: Value = serde_json::from_str(WORKFLOW).unwrap();
        graph["8"] = json!({"class_type": "LoadImageMask", "inputs": {"image": "mask.png", "channel": channel}});
        let inputs = json!({"destination": ["1", 0], "source": ["3", 0], "x": 0, "y": 0, "resize_source": false, "mask": ["8", 0]});
        graph["9"] = json!({"class_type": "ImageCompositeMasked", "inputs": inputs});
        graph["4"]["inputs"]["image"] = json!(["9", 0]);
        let mut options = ComfyUiOptions { workflow: graph.to_string(), ..peer.options() };
        options.bindings.mask = Some("/8/inputs/image".to_owned());
        for (mask, expected) in [(&white, [1, 2, 3]), (&black, [10, 20, 30])] {
            let masked = request(Some(mask.clone()), None);
            let item = numbered(&masked, 3, 0x01_02_03);
            let made = edit_watched(options.clone(), item, &NobodyWatches).await.unwrap();
            assert_eq!(pixel(&made.image, 5, 5), expected, "channel {channel}");
        }
    }
}

#[derive(Debug, Default)]
struct Steps {
    steps: Mutex<Vec<(u32, u32)>>,
    previews: Mutex<Vec<[u8; 3]>>,
}

impl Watch for Steps {
    fn cancelled(&self) -> bool {
        false
    }

    fn step(&self, _: usize, step: u32, steps: u32) {
        self.steps.lock().unwrap().push((step, steps));
    }

    fn preview(&self, _: usize, image: &EncodedImage) {
        self.previews.lock().unwrap().push(pixel(image, 0, 0));
    }
}

async fn progress(peer: &Peer) {
    let watch = Steps::default();
    let item = numbered(&request(None, None), 4, 77);
    edit_watched(peer.slow(4, 0.05), item, &watch).await.unwrap();
    assert_eq!(*watch.steps.lock().unwrap(), [(1, 4), (2, 4), (3, 4), (4, 4)]);
    assert_eq!(*watch.previews.lock().unwrap(), [1, 2, 3, 4].map(|step| [step, 77, 0]));
}

async fn refusals(peer: &Peer) {
    let item = || numbered(&request(None, None), 5, 1);
    let mut choice = peer.options();
    choice.fixed = [("/4/inputs/upscale_method".to_owned(), json!("sideways"))].into();
    let mut range = peer.options();
    range.seed_bits = 53;
    let class = ComfyUiOptions { workflow: WORKFLOW.replace("ImageBlend", "ImageBland"), ..peer.options() };
    let scale = ComfyUiOptions { outputs: vec!["4".to_owned()], ..peer.options() };
    for (options, seed, words) in [
        (choice, 1, "node 4 (ImageScale): Value not in list: upscale_method: 'sideways' not in"),
        (range, 1 << 40, "bigger than max"),
        (class, 1, "ImageBland"),
        (scale, 1, "Prompt has no outputs"),
        (peer.slow(0, 0.0), 1, "node 7 (EditscaleSteps) failed: ValueError: there are no steps"),
    ] {
        let failure = edit_watched(options, numbered(&request(None, None), 5, seed), &NobodyWatches).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid, "{failure}");
        assert!(failure.to_string().contains(words), "{failure}");
    }
    // What it refused or gave up does not stand in the way of the next one.
    edit_watched(peer.options(), item(), &NobodyWatches).await.unwrap();
}

/// One edit at work and one in the queue, neither of which is wanted any more.
async fn stops(peer: &Peer) {
    let began = Instant::now();
    let editor = ComfyUi::new(peer.slow(600, 0.1)).unwrap();
    let watch = Arc::new(CancelsAtStep::default());
    let items = (6..8).map(|id| numbered(&request(None, None), id, u64::from(id))).collect();
    let made = editor.edit(EditBatch { items }, &*watch).await;
    for failure in made {
        let failure = failure.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Cancelled, "{failure}");
    }
    // The server is free again.
    edit_watched(peer.options(), numbered(&request(None, None), 8, 8), &NobodyWatches).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

/// Loses interest once something is at work.
#[derive(Debug, Default)]
struct CancelsAtStep(std::sync::atomic::AtomicBool);

impl Watch for CancelsAtStep {
    fn cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn step(&self, _: usize, _: u32, _: u32) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A program that died after its submission: the job is found, at work and done, and not submitted again.
async fn recovers(peer: &Peer) {
    let watch = Arc::new(Listening::default());
    let options = peer.slow(20, 0.1);
    let (died, listening) = (options.clone(), Arc::clone(&watch));
    let task = tokio::spawn(async move {
        edit_watched(died, numbered(&request(None, None), 9, 9), &*listening).await.ok();
    });
    while watch.submitted.lock().unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let remote = watch.submitted.lock().unwrap()[1].split('"').nth(1).unwrap().to_owned();
    let mut again = numbered(&request(None, None), 9, 9);
    again.earlier = Some(Submission { key: "editscale-run-1-9".into(), remote_id: Some(remote.clone().into()) });
    let polled = PollRules { first_wait: Duration::from_millis(50), ..PollRules::default() };
    let options = ComfyUiOptions { polls: polled, ..options };
    let found = edit_watched(options.clone(), again.clone(), &NobodyWatches).await.unwrap();
    task.await.unwrap();
    let later = edit_watched(options.clone(), again.clone(), &NobodyWatches).await.unwrap();
    assert_eq!(found.image.bytes, later.image.bytes, "the history still has it");
    // One that the server does not know, as after it started again, is done anew.
    let unknown = format!("{}00000000-0000-4000-8000-000000000000", &remote[..remote.len() - 36]);
    again.earlier = Some(Submission { key: "editscale-run-1-9".into(), remote_id: Some(unknown.into()) });
    edit_watched(options, again, &NobodyWatches).await.unwrap();
}

/// The workflow that this program ships has the inputs of this version; what is missing are the models.
async fn inspects(peer: &Peer) {
    assert_eq!(ComfyUi::new(peer.options()).unwrap().inspect().await, []);
    let bindings = WorkflowBindings {
        image: "/1/inputs/image".to_owned(),
        instruction: "/7/inputs/text".to_owned(),
        seed: "/11/inputs/seed".to_owned(),
        ..WorkflowBindings::default()
    };
    let name = EditorName::new("far").unwrap();
    let kontext = ComfyUiOptions {
        outputs: vec!["13".to_owned()],
        ..ComfyUiOptions::new(name, KONTEXT, bindings, peer.connection())
    };
    let found: Vec<String> = ComfyUi::new(kontext).unwrap().inspect().await.iter().map(ToString::to_string).collect();
    let is_file =
        |said: &String| ["unet_name", "clip_name1", "clip_name2", "vae_name"].iter().any(|name| said.contains(name));
    assert!(found.len() == 4 && found.iter().all(is_file), "{found:#?}");
}
