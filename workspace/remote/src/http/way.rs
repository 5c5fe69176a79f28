//! Where a message may go: to a server that the user named, to this machine, or to the public internet.

use std::net::IpAddr;

use editscale_fetch::is_public;
use reqwest::Url;

/// Which client sends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// To a server that the user named, wherever it stands.
    Named,
    /// To the public internet only; a name that leads elsewhere is refused after it is resolved. It goes past any proxy,
    /// because behind one nobody knows where a name leads.
    Public,
}

/// How an address may be reached; or why it may not. A stranger on the public internet leads to nobody but strangers: not
/// to the server itself, where what he names would be done with the secret, nor to this machine.
pub(crate) fn way(home: &Url, url: &Url, was_public: bool) -> Result<Way, String> {
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return Err("expected https://HOST/…".to_owned());
    }
    if !was_public && (is_same(home, url) || (is_this_machine(home) && is_this_machine(url))) {
        return Ok(Way::Named);
    }
    if url.scheme() != "https" {
        return Err(format!("{} is another server than the one that was asked, and not over https", place(url)));
    }
    match literal(url) {
        Some(address) if !is_public(address) => Err(format!("{address} is not a public address")),
        _ if is_this_machine(url) => Err(format!("{} is not a public address", place(url))),
        _ => Ok(Way::Public),
    }
}

/// Whether both lead to the same server.
pub(crate) fn is_same(home: &Url, url: &Url) -> bool {
    home.origin() == url.origin()
}

/// Whether an address is of this machine by its own words. One that names no interface leads to this machine, too.
pub(super) fn is_this_machine(url: &Url) -> bool {
    match literal(url).map(|address| address.to_canonical()) {
        Some(address) => address.is_loopback() || address.is_unspecified(),
        None => url.host_str() == Some("localhost"),
    }
}

/// The address of a host that is written as one.
fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn place(url: &Url) -> &str {
    url.host_str().unwrap_or("nowhere")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_let_through_by_these_rules() {
        let [cloud, local, lan] =
            ["https://api.example.org/v1", "http://127.0.0.1:30000/v1", "http://10.0.0.5:8000/v1"];
        for (home, url, expected) in [
            (cloud, "https://cdn.example.net/a.png", Some(Way::Public)),
            (cloud, "https://8.8.8.8/a.png", Some(Way::Public)),
            (cloud, "https://api.example.org/a.png", Some(Way::Named)),
            (cloud, "http://cdn.example.net/a.png", None),
            (cloud, "https://10.0.0.1/a.png", None),
            (cloud, "https://127.0.0.1/a.png", None),
            (cloud, "http://localhost/a.png", None),
            (cloud, "https://localhost/a.png", None),
            (cloud, "https://[::1]/a.png", None),
            (cloud, "https://[::ffff:169.254.169.254]/a.png", None),
            (cloud, "https://2130706433/a.png", None),
            (cloud, "https://0.0.0.0/a.png", None),
            (cloud, "https://[::]/a.png", None),
            (cloud, "https://me:secret@cdn.example.net/a.png", None),
            (cloud, "file:///etc/passwd", None),
            (local, "http://127.0.0.1:9000/a.png", Some(Way::Named)),
            (local, "http://localhost:9000/a.png", Some(Way::Named)),
            (local, "http://10.0.0.1/a.png", None),
            (lan, "http://10.0.0.5:8000/a.png", Some(Way::Named)),
            (lan, "http://10.0.0.5:9000/a.png", None),
            (lan, "http://127.0.0.1/a.png", None),
        ] {
            let found = way(&Url::parse(home).unwrap(), &Url::parse(url).unwrap(), false);
            assert_eq!(found.clone().ok(), expected, "{home} {url}: {found:?}");
        }
        for (home, url, expected) in [
            (cloud, "https://cdn.example.net/a.png", Some(Way::Public)),
            (cloud, "https://api.example.org/delete", Some(Way::Public)),
            (cloud, "http://cdn.example.net/a.png", None),
            (local, "http://127.0.0.1:30000/delete", None),
            (local, "http://127.0.0.1:9000/a.png", None),
            (lan, "http://10.0.0.5:8000/a.png", None),
        ] {
            let found = way(&Url::parse(home).unwrap(), &Url::parse(url).unwrap(), true);
            assert_eq!(found.clone().ok(), expected, "after a public address: {home} {url}: {found:?}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_addresses() {
        for (url, expected) in [
            ("http://127.0.0.1:8000/v1", true),
            ("http://127.9.9.9/v1", true),
            ("http://2130706433/v1", true),
            ("http://LOCALHOST:8000/v1", true),
            ("http://[::1]:8000/v1", true),
            ("http://[::ffff:127.0.0.1]/v1", true),
            ("http://0.0.0.0:8000/v1", true),
            ("http://[::]:8000/v1", true),
            ("http://10.0.0.1/v1", false),
            ("https://localhost.example.org/v1", false),
            ("https://127.0.0.1.example.org/v1", false),
        ] {
            assert_eq!(is_this_machine(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
