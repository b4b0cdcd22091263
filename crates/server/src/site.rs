//! The pages and the bundle: what the build put into `dist/site`.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::random::hex;

// In debug builds the files are read from the folder at each request.
#[derive(RustEmbed)]
#[folder = "../../dist/site"]
#[allow_missing = true]
struct Site;

/// Nothing but our own files runs, nothing is sent elsewhere, and nobody else's page frames ours.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
     connect-src 'self'; worker-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; \
     frame-ancestors 'self'";

const PERMISSIONS_POLICY: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

const NOT_BUILT: &str =
    "The pages are not built yet: run `npm start`, or `cargo xtask site`, in the repository.";

pub(crate) async fn answer(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let mut response = if method == Method::GET || method == Method::HEAD {
        file(uri.path(), &headers)
    } else {
        let allow = [(header::ALLOW, "GET, HEAD")];
        (StatusCode::METHOD_NOT_ALLOWED, allow).into_response()
    };
    let policies = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("permissions-policy"),
            PERMISSIONS_POLICY,
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in policies {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

fn file(path: &str, headers: &HeaderMap) -> Response {
    let path = match path.trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    let Some(file) = Site::get(path) else {
        return missing(path);
    };
    served(file, headers)
}

fn missing(path: &str) -> Response {
    let text = if path == "index.html" {
        NOT_BUILT
    } else {
        "There is no such page."
    };
    let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::NOT_FOUND, plain, text).into_response()
}

fn served(file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()[..16]));
    let caching = [
        // The names carry no version: the browser asks each time, and mostly hears "not modified".
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag.clone()),
    ];
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| {
            tags.split(',')
                .any(|known| known.trim().trim_start_matches("W/") == tag)
        });
    if known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, content_type(&file))];
    (content_type, caching, file.data).into_response()
}

fn content_type(file: &EmbeddedFile) -> String {
    let essence = file.metadata.mimetype();
    if essence.starts_with("text/") || essence == "application/json" {
        format!("{essence}; charset=utf-8")
    } else {
        essence.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded(name: &str) -> EmbeddedFile {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, "content").unwrap();
        rust_embed::utils::read_file_from_fs(&path).unwrap()
    }

    #[test]
    fn files_come_with_the_type_that_browsers_insist_on() {
        for (name, expected) in [
            ("game.html", "text/html; charset=utf-8"),
            ("stillhere.js", "text/javascript; charset=utf-8"),
            ("style.css", "text/css; charset=utf-8"),
            ("stillhere_bg.wasm", "application/wasm"),
            ("icon.svg", "image/svg+xml"),
            ("a.json", "application/json; charset=utf-8"),
        ] {
            let response = served(embedded(name), &HeaderMap::new());
            assert_eq!(response.headers()[header::CONTENT_TYPE], expected);
        }
    }

    #[test]
    fn what_the_browser_has_is_not_sent_again() {
        let first = served(embedded("a.js"), &HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[header::CACHE_CONTROL], "no-cache");
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        let again = served(embedded("a.js"), &headers);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
        assert_eq!(served(embedded("a.js"), &headers).status(), StatusCode::OK);
    }
}
