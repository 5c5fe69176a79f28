//! `editscale serve`: recipes over HTTP.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use editscale_server::{App, Keys, ServeError, Service, Settings, serve};
use tokio::net::TcpListener;

use crate::args::Serve;
use crate::catalogue::catalogue;
use crate::commands::keys;
use crate::failure::{Misuse, print, tell};
use crate::serving::{begin_log, offers, settings};
use crate::signals::{StopWords, stop_on_signal};

/// Serves until it is told to end.
pub(crate) fn run(arguments: &Serve) -> Result<ExitCode> {
    let keys = arguments.keys.as_deref().map_or_else(|| Ok(Keys::default()), keys::read)?;
    if let Some(file) = arguments.keys.as_deref().filter(|_| keys.is_empty()) {
        let misuse = Misuse::new(format!("keys file {} has no keys: nobody could call", file.display()));
        return Err(misuse.hint("make one with `editscale keys add NAME`, or leave --keys out").into());
    }
    if keys.is_empty() && !arguments.listen.ip().is_loopback() {
        let misuse = Misuse::new(ServeError::Open(arguments.listen).to_string());
        return Err(misuse.hint("make a key with `editscale keys add NAME`, and give the file as --keys").into());
    }
    let log = begin_log(arguments.served.log)?;
    let settings = Settings {
        waiting: arguments.waiting as usize,
        body_bytes: (arguments.body_mib << 20) as usize,
        drain: Duration::from_secs(arguments.drain_secs),
        keep: arguments.keep_days.map(|days| Duration::from_secs(86_400 * u64::from(days))),
        pickles: arguments.pickles,
        aliases: arguments.aliases.clone(),
        ..settings(&arguments.served, "runs/served")?
    };
    let offers = offers(&arguments.served)?;
    if let Some((name, recipe)) =
        settings.aliases.iter().find(|(_, recipe)| offers.iter().all(|one| one.name != *recipe))
    {
        return Err(Misuse::new(format!("--alias {name}={recipe}: there is no recipe `{recipe}`")).into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(arguments.listen).await;
        let listener = listener.with_context(|| format!("cannot listen at {}", arguments.listen))?;
        let callers = keys.len().max(1);
        let service = Service::open(offers, catalogue(), settings, callers)?;
        log.follow(&service);
        let names: Vec<&str> = service.offers().iter().map(|offer| offer.name.as_str()).collect();
        let who =
            if keys.is_empty() { "this machine alone may call".to_owned() } else { format!("{} keys", keys.len()) };
        tell(&format!("serving {}; runs in {}; {who}", names.join(", "), service.settings().runs_dir.display()));
        let mut stop = stop_on_signal(StopWords {
            first: "stopping: requests under way are waited for, runs are put aside; once more to end at once"
                .to_owned(),
            last: "ended: runs that were accepted go on when the server is started again".to_owned(),
        });
        print(&format!("http://{}", listener.local_addr()?))?;
        serve(Arc::new(App { service, keys }), listener, async move { stop.stopped().await }).await?;
        Ok(ExitCode::SUCCESS)
    })
}
