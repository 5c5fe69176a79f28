//! Pictures by a signed address, for clients that are given a URL and have no key with them when they follow it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use editscale_picture::Format;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::error::{ApiError, ErrorBody};
use super::image::{Wanted, Which, find, format, rendered, rendered_on_white};
use crate::refusal::Refusal;

/// How long an address holds.
const LIFE: Duration = Duration::from_secs(60 * 60);

/// The word in an address for a picture that is laid on white.
const OPAQUE: &str = "opaque";

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(file))
}

/// A picture that whoever has its address may see.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) run: &'a str,
    pub(super) candidate: u32,
    pub(super) wanted: Wanted,
    /// Whether what is transparent is laid on white.
    pub(super) on_white: bool,
}

impl Shown<'_> {
    /// Its address from the server's root on, which holds for an hour, or until the server is started again.
    pub(super) fn address(&self, secret: &[u8; 32]) -> String {
        let format = match self.wanted.format {
            Some(Format::Jpeg) => "jpeg",
            Some(Format::WebP) => "webp",
            _ => "png",
        };
        let quality = self.wanted.quality.map(|quality| quality.to_string());
        let until = unix(SystemTime::now() + LIFE).to_string();
        let candidate = self.candidate.to_string();
        let background = if self.on_white { OPAQUE } else { "" };
        let said = [self.run, &candidate, format, quality.as_deref().unwrap_or_default(), background, &until];
        let sign = signature(secret, said).to_hex();
        let quality = quality.map_or_else(String::new, |quality| format!("&quality={quality}"));
        let background = if self.on_white { "&background=opaque" } else { "" };
        format!("/files/{}/{candidate}?format={format}{quality}{background}&until={until}&sign={sign}", self.run)
    }
}

/// What an address is signed with: all that it says. None of its parts may have a line break.
fn signature(secret: &[u8; 32], said: [&str; 6]) -> blake3::Hash {
    blake3::keyed_hash(secret, said.join("\n").as_bytes())
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// How it is written, how long the address holds, and the proof that this server made it.
#[derive(Debug, Deserialize, IntoParams)]
struct FileQuery {
    /// `png`, `jpeg` or `webp`.
    format: Option<String>,
    /// Quality of JPEG files.
    quality: Option<String>,
    /// `opaque`, where what is transparent is laid on white.
    background: Option<String>,
    /// Seconds since 1970 until which the address holds.
    until: Option<String>,
    /// The signature.
    sign: Option<String>,
}

fn forbidden(code: &'static str, message: &str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "authentication_error", code, message)
}

impl FileQuery {
    /// How the picture is wanted, if the address is one that this server made and still holds.
    fn wanted(&self, run: &str, candidate: &str, secret: &[u8; 32]) -> Result<Wanted, ApiError> {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let (format_word, quality, until) = (part(&self.format), part(&self.quality), part(&self.until));
        let background = part(&self.background);
        let said = [run, candidate, &format_word, &quality, &background, &until];
        let expected = signature(secret, said);
        let is_ours = said.iter().all(|part| !part.contains('\n'))
            // Digests compare in constant time.
            && self.sign.as_deref().and_then(|sign| blake3::Hash::from_hex(sign).ok()) == Some(expected);
        if !is_ours {
            let message = "the address is not signed by this server as it is: expected it whole, and from this life of the server";
            return Err(forbidden("invalid_signature", message));
        }
        if until.parse().is_ok_and(|until: u64| until < unix(SystemTime::now())) {
            return Err(forbidden("expired", "the address does not hold any more: ask for the picture again"));
        }
        Ok(Wanted { format: Some(format(&format_word)?), quality: quality.parse().ok() })
    }
}

/// A picture by an address that this server gave out; needs no key.
#[utoipa::path(
    get, path = "/files/{run}/{candidate}", tag = "images",
    params(
        ("run" = String, Path, description = "the run"),
        ("candidate" = String, Path, description = "the candidate's number"),
        FileQuery,
    ),
    responses(
        (status = 200, description = "the picture", content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"))),
        (status = 400, description = "the path or the query cannot be read", body = ErrorBody),
        (status = 403, description = "the signature is wrong, the address is too old, or it is called from another site", body = ErrorBody),
        (status = 404, description = "the picture is gone", body = ErrorBody),
    )
)]
async fn file(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<FileQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Path((run, candidate)) = path?;
    let Query(query) = query?;
    let wanted = query.wanted(&run, &candidate, app.service.secret())?;
    let id = candidate.parse().map_err(|_| Refusal::absent("candidate", &candidate))?;
    let (service, on_white) = (Arc::clone(&app.service), query.background.as_deref() == Some(OPAQUE));
    let made = app.service.beside(move || {
        let render = if on_white { rendered_on_white } else { rendered };
        let live = service.runs().find_shown(&run)?;
        render(&find(&service, &live, Which::Candidate(id))?, wanted, service.pictures())
    });
    Ok(made.await??.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];

    fn check(address: &str, secret: &[u8; 32]) -> Result<Wanted, &'static str> {
        let uri: axum::http::Uri = address.parse().unwrap();
        let Query(query) = Query::<FileQuery>::try_from_uri(&uri).unwrap();
        let parts: Vec<&str> = uri.path().trim_start_matches("/files/").split('/').collect();
        query.wanted(parts[0], parts[1], secret).map_err(|error| error.code())
    }

    #[test]
    fn an_address_holds_as_it_was_made_alone() {
        let wanted = Wanted { format: Some(Format::Jpeg), quality: Some(70) };
        let address = Shown { run: "r1", candidate: 3, wanted, on_white: true }.address(&SECRET);
        assert_eq!(check(&address, &SECRET), Ok(wanted), "{address}");
        for (from, to) in [
            ("/r1/", "/r2/"),
            ("/3?", "/4?"),
            ("=jpeg", "=png"),
            ("&quality=70", ""),
            ("&quality=70", "&quality=71"),
            ("&background=opaque", ""),
            ("&until=", "&until=9"),
            ("&sign=", "&sign=0"),
            ("&sign=", "&other="),
            ("/r1/3?", "/r1%0A3/?"),
        ] {
            assert!(address.contains(from), "{from}");
            assert_eq!(check(&address.replace(from, to), &SECRET), Err("invalid_signature"), "{to}");
        }
        assert_eq!(check(&address, &[8; 32]), Err("invalid_signature"));
    }

    #[test]
    fn an_address_ends() {
        let sign = signature(&SECRET, ["r1", "3", "png", "", "", "1000"]).to_hex();
        let address = format!("/files/r1/3?format=png&until=1000&sign={sign}");
        assert_eq!(check(&address, &SECRET), Err("expired"));
    }
}
