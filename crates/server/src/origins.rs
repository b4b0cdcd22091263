//! Which pages may talk to this server: its own, and those of the origins that `allowed_origins` names.
//!
//! Browsers enforce the same origin for answers to `fetch`, but for WebSockets nobody does if the server does not.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use stillhere_core::wire::{Answer, ErrorCode, Refusal, UPLOAD_COMPLETE, UPLOAD_OFFSET};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::http::json;

/// Set by a proxy in front that asks for the page under another name. A page cannot set it.
const FORWARDED_HOST: &str = "x-forwarded-host";
/// What only participants' pages ask for; everything else is public.
const GUARDED: &[&str] = &["/socket.io/", "/api/"];

/// An origin whose pages may talk to this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// Every origin.
    Any,
    /// `scheme://host` or `scheme://host:port`, in lower case.
    One(String),
}

impl AllowedOrigin {
    /// What is allowed, for messages.
    pub const ALLOWED: &str = "an origin such as \"https://lab.example\" or \"http://localhost:5173\", or \"*\" for every one";

    /// Reads a setting; `None` if it is no origin.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        let uri: Uri = text.parse().ok()?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority()?;
        // A slash at the end is no part of an origin, but everybody writes it.
        let is_bare = uri.path() == "/" && uri.query().is_none() && !text.contains(['@', '#', '*']);
        (is_web && is_bare && !authority.host().is_empty())
            .then(|| Self::One(text.trim_end_matches('/').to_ascii_lowercase()))
    }

    fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::One(known) => known.eq_ignore_ascii_case(origin),
        }
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "*",
            Self::One(origin) => origin,
        })
    }
}

/// Lets a browser hand our answers to pages of other origins that are allowed.
pub(crate) fn cors(allowed: &Arc<[AllowedOrigin]>) -> CorsLayer {
    let allowed = Arc::clone(allowed);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, request| {
            origin
                .to_str()
                .is_ok_and(|origin| is_allowed(origin, &request.headers, &allowed))
        }))
        .allow_methods([Method::GET, Method::POST, Method::PATCH])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static(UPLOAD_OFFSET),
            HeaderName::from_static(UPLOAD_COMPLETE),
        ])
}

/// Refuses what pages of other origins ask of sockets and uploads. Programs name no origin.
pub(crate) async fn guard(
    State(allowed): State<Arc<[AllowedOrigin]>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let is_guarded = GUARDED.iter().any(|prefix| path.starts_with(prefix));
    if is_guarded && let Some(origin) = request.headers().get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or("?");
        if !is_allowed(origin, request.headers(), &allowed) {
            return refused(origin);
        }
    }
    next.run(request).await
}

fn refused(origin: &str) -> Response {
    tracing::warn!(
        origin,
        "a page of another origin was refused; if it is yours, add it to `allowed_origins`"
    );
    let refusal = Refusal::new(
        ErrorCode::Unauthorized,
        format!(
            "pages of {origin} may not use this server: its setting `allowed_origins` does not name them"
        ),
    );
    let mut response =
        json(StatusCode::FORBIDDEN, &Answer::<()>::from(Err(refusal))).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

fn is_allowed(origin: &str, headers: &HeaderMap, allowed: &[AllowedOrigin]) -> bool {
    if allowed.iter().any(|known| known.matches(origin)) {
        return true;
    }
    let Some((scheme, of_page)) = origin.split_once("://") else {
        return false;
    };
    let asked = [FORWARDED_HOST, header::HOST.as_str()];
    asked
        .iter()
        .filter_map(|name| headers.get(*name)?.to_str().ok())
        .any(|host| {
            is_same_host(of_page, host, scheme)
                || (is_this_machine(of_page) && is_this_machine(host))
        })
}

fn is_same_host(page: &str, host: &str, scheme: &str) -> bool {
    let standard = if scheme == "https" { ":443" } else { ":80" };
    let bare = |host: &str| {
        host.strip_suffix(standard)
            .unwrap_or(host)
            .to_ascii_lowercase()
    };
    bare(page) == bare(host)
}

/// Whoever develops a page on one port and runs this server on another is both.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_at(host: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))])
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_host_and_nothing_else() {
        for good in [
            "https://lab.example",
            "http://localhost:5173",
            "https://LAB.example/",
        ] {
            assert!(AllowedOrigin::parse(good).is_some(), "{good}");
        }
        assert_eq!(AllowedOrigin::parse("*"), Some(AllowedOrigin::Any));
        for bad in [
            "",
            "lab.example",
            "https://",
            "ftp://lab.example",
            "https://lab.example/study",
            "https://lab.example?x",
            "https://me@lab.example",
            "https://*.lab.example",
            "null",
        ] {
            assert_eq!(AllowedOrigin::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn pages_of_the_same_host_are_allowed_whatever_the_port_is_written_as() {
        for (origin, host) in [
            ("https://lab.example", "lab.example"),
            ("https://lab.example", "lab.example:443"),
            ("http://lab.example:80", "Lab.Example"),
            ("http://lab.example:8080", "lab.example:8080"),
            ("http://localhost:5173", "127.0.0.1:8080"),
        ] {
            assert!(is_allowed(origin, &asked_at(host), &[]), "{origin} {host}");
        }
        for (origin, host) in [
            ("https://lab.example", "other.example"),
            ("https://lab.example:8443", "lab.example"),
            ("https://localhost.evil.example", "localhost:8080"),
            ("http://localhost:5173", "lab.example"),
            ("http://evil.example", "localhost:8080"),
            ("null", "localhost:8080"),
        ] {
            assert!(!is_allowed(origin, &asked_at(host), &[]), "{origin} {host}");
        }
    }

    #[test]
    fn behind_a_proxy_the_name_that_the_page_asked_for_counts() {
        let mut headers = asked_at("10.0.0.7:8080");
        assert!(!is_allowed("https://lab.example", &headers, &[]));
        headers.insert(FORWARDED_HOST, HeaderValue::from_static("lab.example"));
        assert!(is_allowed("https://lab.example", &headers, &[]));
    }

    #[test]
    fn other_origins_are_allowed_by_name() {
        let lab = AllowedOrigin::parse("https://lab.example").unwrap();
        let allowed = [lab];
        let host = asked_at("server.example");
        assert!(is_allowed("https://lab.example", &host, &allowed));
        assert!(!is_allowed("http://lab.example", &host, &allowed));
        assert!(!is_allowed("https://lab.example.evil", &host, &allowed));
        assert!(is_allowed("null", &host, &[AllowedOrigin::Any]));
    }
}
