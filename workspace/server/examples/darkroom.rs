//! A server of the embedded editor and reward alone: quick to build, for trying the server itself.
//!
//! usage: darkroom [ADDRESS] [RUNS] [NAME]; with a name, callers need a key, which is made and told.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use editscale_config::{Catalogue, Recipe};
use editscale_core::{BoxFuture, EditBackend, RewardModel};
use editscale_engine::{ThreadedEditor, ThreadedReward};
use editscale_schema::{House, Load, Made};
use editscale_server::{App, Keys, Offer, Pulse, Service, Settings, Vital, serve};
use tokio::net::TcpListener;

/// Nothing here can be dead while the program lives.
struct Alive;

impl Pulse for Alive {
    fn feel(&self) -> BoxFuture<'_, Vec<Vital>> {
        Box::pin(async { vec![Vital { name: "darkroom".to_owned(), trouble: None }] })
    }
}

fn told<T: ?Sized>(load: Load<T>) -> impl Fn() -> Result<Box<T>, String> + Send + Sync {
    move || load().map_err(|error| error.to_string())
}

fn offer(name: &str, search: &str, catalogue: &Catalogue, house: &House) -> Result<Offer> {
    let text = format!(
        "version: 1\neditor: {{darkroom: {{}}}}\nrewards: [{{model: {{photometric: {{}}}}}}]\nsearch: {search}\n"
    );
    let parsed = Recipe::parse(text.as_bytes(), catalogue);
    let recipe = parsed.map_err(|report| anyhow::anyhow!(report.render(name, text.as_bytes())))?.0;
    let mut editors: Vec<Arc<dyn EditBackend>> = Vec::new();
    for editor in recipe.editors() {
        editors.push(match editor.model.make(&editor.name, house).map_err(anyhow::Error::from_boxed)? {
            Made::Ready(editor) => editor,
            Made::Local(load) => Arc::new(ThreadedEditor::spawn(told(load))?),
        });
    }
    let mut rewards: Vec<Arc<dyn RewardModel>> = Vec::new();
    for reward in recipe.rewards() {
        rewards.push(match reward.model.make(&reward.name, house).map_err(anyhow::Error::from_boxed)? {
            Made::Ready(reward) => reward,
            Made::Local(load) => Arc::new(ThreadedReward::spawn(told(load))?),
        });
    }
    let about = format!("the embedded editor, {search}");
    Ok(Offer {
        name: name.to_owned(),
        about,
        recipe,
        text,
        editors,
        rewards,
        critics: Vec::new(),
        pulse: Arc::new(Alive),
    })
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let runs = arguments.next().map_or_else(|| std::env::temp_dir().join("editscale-runs"), PathBuf::from);
    let catalogue = Catalogue::new(&[editscale_darkroom::EDITORS], &[editscale_darkroom::REWARDS]);
    let house = House::default();
    let offers = vec![
        offer("quickstart", "{best_of_n: {samples: 8}}", &catalogue, &house)?,
        offer("one", "{best_of_n: {samples: 1}}", &catalogue, &house)?,
        offer("many", "{best_of_n: {samples: 64}}", &catalogue, &house)?,
        // So many that whoever cancels is sooner, also where a browser and its checks take most of the machine.
        offer("endless", "{best_of_n: {samples: 512}}", &catalogue, &house)?,
        offer("beam", "{beam: {width: 2, children: 3, depth: 2}}", &catalogue, &house)?,
    ];
    let mut settings = Settings::new(runs);
    settings.most_edits = 512;
    settings.aliases = vec![("gpt-image-1".to_owned(), "quickstart".to_owned())];
    let service = Service::open(offers, catalogue, settings, 1)?;
    let made = arguments.next().map(|name| Keys::make(&name)).transpose().map_err(anyhow::Error::msg)?;
    let keys = made.as_ref().map(|(_, line)| Keys::parse(line)).transpose()?.unwrap_or_default();
    let app = Arc::new(App { service, keys });
    let listener = TcpListener::bind(&address).await.with_context(|| format!("cannot listen at {address}"))?;
    #[expect(clippy::print_stdout, reason = "whoever started it wants to know where it is")]
    {
        println!("http://{}", listener.local_addr()?);
        if let Some((key, _)) = &made {
            println!("{key}");
        }
    }
    serve(app, listener, async { drop(tokio::signal::ctrl_c().await) }).await?;
    Ok(())
}
