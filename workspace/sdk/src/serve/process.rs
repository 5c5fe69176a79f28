//! The process around a session: its standard streams and how it ends.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use super::desk::Ending;
use super::plugin::Plugin;
use super::session::{Line, session};

/// Speaks with the host over standard input and output, and ends the process with it: threads that are still at work
/// must not keep it.
pub(super) fn serve(plugin: Plugin) -> ExitCode {
    if io::stdin().is_terminal() || io::stdout().is_terminal() {
        log(&by_hand(&plugin));
        return ExitCode::from(2);
    }
    let (input, output) = match take_streams() {
        Ok(streams) => streams,
        Err(error) => {
            log(&format!("cannot take the standard streams: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let ended_early = Box::new(|ending: &Ending| std::process::exit(say(ending)));
    let ending = session(plugin, Line { input, output, ended_early });
    std::process::exit(say(&ending))
}

/// Takes the host's two streams for the protocol alone: whatever else reads finds nothing, and whatever else prints,
/// also a library in another language and a child process, prints to standard error.
fn take_streams() -> io::Result<(File, File)> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok((input.into(), output.into()))
}

/// Says how it ended where that is not as usual; the exit status that goes with it.
fn say(ending: &Ending) -> i32 {
    match ending {
        Ending::EndOfInput | Ending::Shutdown(_) => 0,
        Ending::Unready(reason) => {
            log(&format!("cannot get ready: {reason}"));
            1
        }
        Ending::Broken(reason) => {
            log(reason);
            1
        }
    }
}

fn by_hand(plugin: &Plugin) -> String {
    let kinds: Vec<&str> = plugin.kinds().into_iter().map(crate::protocol::PluginKind::word).collect();
    let program = std::env::args().next().unwrap_or_else(|| "this-program".into());
    let name = plugin.name();
    format!(
        "{name} is a plugin of editscale ({}): editscale starts it and speaks with it over standard input and output.\n\
         In a recipe:  {{plugin: {{run: [{program:?}]}}}}\n\
         To check it:  editscale plugin check {program}",
        kinds.join(" or "),
    )
}

/// Writes to the plugin's log. Where that is gone, nobody is there to tell.
pub(super) fn log(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}
