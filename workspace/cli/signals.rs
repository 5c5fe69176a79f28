//! Signals by which people and systems ask the program to end.

/// Waits for Ctrl-C or a polite kill.
pub(crate) async fn asked_to_stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            Ok(()) = tokio::signal::ctrl_c() => {}
            Some(()) = terminate.recv() => {}
            else => std::future::pending().await,
        }
        return;
    }
    if tokio::signal::ctrl_c().await.is_err() {
        // That nobody can ask is not to be asked.
        std::future::pending::<()>().await;
    }
}
