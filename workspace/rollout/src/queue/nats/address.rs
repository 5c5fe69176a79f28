//! Where the server is and how to get in: `nats://` and `tls://` addresses, with settings behind a `?`.

use std::time::Duration;

use async_nats::ConnectOptions;

/// The variable that names a file with credentials as `nsc` writes them.
pub const NATS_CREDENTIALS: &str = "NATS_CREDS";
/// The variable that names a file with the certificates of an authority of one's own, in PEM.
pub const NATS_CERTIFICATES: &str = "NATS_CA";

/// An address taken apart. It has no `Debug`: it holds what is secret.
pub(super) struct Address {
    /// `nats://HOST:PORT`, without what is secret.
    pub(super) servers: Vec<String>,
    user: Option<(String, String)>,
    token: Option<String>,
    is_encrypted: bool,
    /// How many servers of a cluster keep each message.
    pub(super) replicas: usize,
}

impl Address {
    /// `nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT][,HOST…][?replicas=N]`, or the same with `tls://`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let expected = "expected nats://HOST:PORT or tls://HOST:PORT, with USER:PASSWORD@ before the host where needed";
        let (scheme, rest) = text.split_once("://").ok_or(expected)?;
        if !matches!(scheme, "nats" | "tls") {
            return Err(format!("{expected}, found {scheme}://"));
        }
        let (rest, settings) = rest.split_once('?').unwrap_or((rest, ""));
        let (secret, hosts) = rest
            .trim_end_matches('/')
            .rsplit_once('@')
            .map_or(("", rest), |(secret, _)| (secret, rest.get(secret.len() + 1..).unwrap_or_default()));
        let hosts: Vec<&str> = hosts.trim_end_matches('/').split(',').map(str::trim).collect();
        if hosts.iter().any(|host| host.is_empty() || host.contains(['/', ' '])) {
            return Err(expected.to_owned());
        }
        let (user, token) = match secret.split_once(':') {
            Some((user, password)) => (Some((decode(user)?, decode(password)?)), None),
            None if secret.is_empty() => (None, None),
            None => (None, Some(decode(secret)?)),
        };
        let servers = hosts.into_iter().map(|host| format!("{scheme}://{host}")).collect();
        Ok(Self { servers, user, token, is_encrypted: scheme == "tls", replicas: replicas(settings)? })
    }

    /// For messages: nothing secret.
    pub(super) fn shown(&self) -> String {
        self.servers.join(",")
    }

    /// How a connection is made. It goes on trying for as long as the server is away.
    pub(super) async fn options(&self, lookup: impl Fn(&str) -> Option<String>) -> Result<ConnectOptions, String> {
        let mut options = ConnectOptions::new()
            .name("editscale")
            .connection_timeout(Duration::from_secs(5))
            .request_timeout(Some(super::PATIENCE))
            .ping_interval(Duration::from_secs(10))
            .reconnect_delay_callback(|attempts| Duration::from_millis((attempts as u64 * 100).min(1000)))
            .require_tls(self.is_encrypted);
        if let Some((user, password)) = &self.user {
            options = options.user_and_password(user.clone(), password.clone());
        }
        if let Some(token) = &self.token {
            options = options.token(token.clone());
        }
        let given = |name: &str| lookup(name).filter(|path| !path.is_empty());
        if let Some(path) = given(NATS_CREDENTIALS) {
            let said = |error: std::io::Error| format!("{NATS_CREDENTIALS}={path}: {error}");
            options = options.credentials_file(&path).await.map_err(said)?;
        }
        if let Some(path) = given(NATS_CERTIFICATES) {
            options = options.add_root_certificates(path.into());
        }
        Ok(options)
    }
}

fn replicas(settings: &str) -> Result<usize, String> {
    let mut replicas = 1;
    for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
        replicas = match setting.split_once('=') {
            Some(("replicas", count)) => count.parse().ok().filter(|count| (1..=5).contains(count)),
            _ => None,
        }
        .ok_or_else(|| format!("expected replicas=N with N from 1 to 5 behind the `?`, found `{setting}`"))?;
    }
    Ok(replicas)
}

/// `%40` and the like.
fn decode(text: &str) -> Result<String, String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let digits = if *first == b'%' { behind.get(..2) } else { None };
        let code = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = behind.get(2..).unwrap_or_default();
            }
            None if *first == b'%' => return Err("expected `%` and two hexadecimal digits before the `@`".to_owned()),
            None => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).map_err(|_| "expected UTF-8 before the `@`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let plain = Address::parse("nats://127.0.0.1:4222").unwrap();
        assert_eq!((plain.shown().as_str(), plain.replicas, plain.is_encrypted), ("nats://127.0.0.1:4222", 1, false));
        let all = Address::parse("tls://me:p%40ss@a:1,b:2/?replicas=3").unwrap();
        assert_eq!(all.user, Some(("me".to_owned(), "p@ss".to_owned())));
        assert_eq!((all.shown().as_str(), all.replicas, all.is_encrypted), ("tls://a:1,tls://b:2", 3, true));
        assert_eq!(Address::parse("nats://secret@host").unwrap().token.as_deref(), Some("secret"));
        for bad in [
            "",
            "host:4222",
            "http://host",
            "nats://",
            "nats://a,,b",
            "nats://a?replicas=9",
            "nats://a?b=1",
            "nats://%zz@a",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
