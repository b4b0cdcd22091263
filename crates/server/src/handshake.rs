//! What a socket keeps of the request that opened it.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

/// What a transport looks at.
const NEEDED: &[header::HeaderName] = &[
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::HOST,
    header::ORIGIN,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::SEC_WEBSOCKET_VERSION,
    header::UPGRADE,
];

/// Hands requests for sockets on with copies of what is needed. A socket keeps its request for as long as it
/// lives, and every address and header that is no copy keeps the whole buffer into which the connection was
/// read: 16 KiB for each socket.
pub(crate) async fn lighten(mut request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/socket.io")
        && let Ok(uri) = request.uri().to_string().parse::<Uri>()
    {
        *request.uri_mut() = uri;
        let headers = std::mem::take(request.headers_mut());
        *request.headers_mut() = copies(&headers);
    }
    next.run(request).await
}

fn copies(headers: &HeaderMap) -> HeaderMap {
    let mut copies = HeaderMap::with_capacity(NEEDED.len());
    for name in NEEDED {
        for value in headers.get_all(name) {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                copies.append(name, value);
            }
        }
    }
    copies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_is_kept() {
        let mut headers = HeaderMap::new();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::COOKIE, HeaderValue::from_static("large"));
        let copies = copies(&headers);
        assert_eq!(copies.len(), 1);
        assert_eq!(copies[header::UPGRADE], "websocket");
    }
}
