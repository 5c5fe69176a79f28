//! A server whose editor and reward do no work.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use editscale_config::{Catalogue, Recipe};
use editscale_core::BoxFuture;
use editscale_server::{App, Keys, Offer, Pulse, Service, Settings, Vital, serve as serve_app};
use editscale_testkit::{FakeEditor, FakeReward, editor_card, reward_card};
use tokio::net::TcpListener;

/// How long an edit of the recipe `slow` takes.
const SLOW: Duration = Duration::from_millis(10);

struct Alive;

impl Pulse for Alive {
    fn feel(&self) -> BoxFuture<'_, Vec<Vital>> {
        Box::pin(async { Vec::new() })
    }
}

/// A recipe of this many edits that take so long.
fn offer(name: &str, samples: u32, takes: Duration, catalogue: &Catalogue) -> Result<Offer> {
    let text = format!(
        "version: 1\neditor: {{darkroom: {{}}}}\nrewards: [{{model: {{photometric: {{}}}}}}]\nsearch: {{best_of_n: {{samples: {samples}}}}}\n"
    );
    let parsed = Recipe::parse(text.as_bytes(), catalogue);
    let recipe = parsed.map_err(|report| anyhow!(report.render(name, text.as_bytes())))?.0;
    let (mut editor, mut reward) = (editor_card("darkroom"), reward_card("photometric"));
    (editor.slots, reward.slots) = (NonZeroU32::MAX, NonZeroU32::MAX);
    let mut editor = FakeEditor::new(editor);
    editor.delay = Arc::new(move |_| takes);
    Ok(Offer {
        name: name.to_owned(),
        about: "no work".to_owned(),
        recipe,
        text,
        editors: vec![Arc::new(editor)],
        rewards: vec![Arc::new(FakeReward::new(reward))],
        critics: Vec::new(),
        pulse: Arc::new(Alive),
    })
}

/// Serves the recipes `none` (one edit, at once) and `slow` (four, one after another) until it is killed.
pub(crate) async fn serve(runs: &Path, address: &str) -> Result<()> {
    let catalogue = Catalogue::new(&[editscale_darkroom::EDITORS], &[editscale_darkroom::REWARDS]);
    let offers = vec![offer("none", 1, Duration::ZERO, &catalogue)?, offer("slow", 4, SLOW, &catalogue)?];
    let service = Service::open(offers, catalogue, Settings::new(runs.to_owned()), 1)?;
    let listener = TcpListener::bind(address).await?;
    #[expect(clippy::print_stdout, reason = "whoever started it wants to know where it is")]
    {
        println!("http://{}", listener.local_addr()?);
    }
    serve_app(Arc::new(App { service, keys: Keys::default() }), listener, std::future::pending()).await?;
    Ok(())
}
