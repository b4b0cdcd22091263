use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use stillhere_server::settings::Settings;
use stillhere_server::state::State;
use tempfile::TempDir;
use tower::ServiceExt;

async fn app() -> (Router, Arc<State>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings::load(None).unwrap();
    let state = State::open(settings, &directory.path().join("data"))
        .await
        .unwrap();
    (stillhere_server::app(Arc::clone(&state)), state, directory)
}

async fn request(app: &Router, method: &str, path: &str) -> Response<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    app.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn health_counts_live_games() {
    let (app, state, _files) = app().await;
    let response = request(&app, "GET", "/healthz").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(
        body,
        json!({"status": "ok", "games": {"waiting": 0, "playing": 0, "ending": 0}})
    );
    state.store.close().await;
    let response = request(&app, "GET", "/healthz").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn every_page_comes_with_a_strict_policy() {
    let (app, _state, _files) = app().await;
    for path in ["/", "/game.html", "/no-such-page"] {
        let response = request(&app, "GET", path).await;
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        for part in [
            "default-src 'self'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "connect-src 'self'",
            "worker-src 'self'",
            "form-action 'self'",
            "object-src 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{part} is not in {policy}");
        }
        assert!(!policy.contains("unsafe-inline"), "{policy}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert!(response.headers().contains_key("referrer-policy"));
        assert!(response.headers().contains_key("permissions-policy"));
    }
}

#[tokio::test]
async fn nothing_outside_of_the_site_is_served() {
    let (app, _state, _files) = app().await;
    for path in [
        "/../../Cargo.toml",
        "/..%2f..%2fCargo.toml",
        "/%2e%2e/%2e%2e/Cargo.toml",
        "//etc/passwd",
        "/stillhere/../../../Cargo.toml",
    ] {
        assert_eq!(
            request(&app, "GET", path).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    assert_eq!(
        request(&app, "POST", "/").await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn sockets_are_served_by_polling_too() {
    let (app, _state, _files) = app().await;
    let response = request(&app, "GET", "/socket.io/?EIO=4&transport=polling").await;
    assert_eq!(response.status(), StatusCode::OK);
    let open = text(response).await;
    let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
    assert_eq!(open["upgrades"], json!(["websocket"]));
}
