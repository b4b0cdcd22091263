use serde_json::json;

use crate::support::{Response, TestServer, send, settings};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const STRANGER: (&str, &str) = ("origin", "https://stranger.example");
const LAB: (&str, &str) = ("origin", "https://lab.example");
const UPGRADE: [(&str, &str); 4] = [
    ("upgrade", "websocket"),
    ("connection", "upgrade"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

async fn get(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Response {
    send(server.address, "GET", path, headers, b"").await
}

#[tokio::test]
async fn a_stranger_s_page_gets_neither_sockets_nor_uploads() {
    let server = TestServer::start().await;
    let polling = get(&server, POLLING, &[STRANGER]).await;
    assert_eq!(polling.refusal(), (403, "unauthorized".to_owned()));
    assert!(
        polling.body.contains("https://stranger.example")
            && polling.body.contains("allowed_origins"),
        "{polling:?}"
    );
    let socket = "/socket.io/?EIO=4&transport=websocket";
    let headers = [&UPGRADE[..], &[STRANGER]].concat();
    assert_eq!(get(&server, socket, &headers).await.status, 403);
    for (method, path) in [
        ("POST", "/api/last-status"),
        ("PATCH", "/api/exports/e1?scene_id=grid"),
        ("OPTIONS", "/api/exports/e1?scene_id=grid"),
    ] {
        let answer = send(server.address, method, path, &[STRANGER], b"").await;
        assert_eq!(answer.status, 403, "{method} {path}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    // What everybody may read, everybody may.
    assert_eq!(get(&server, "/healthz", &[STRANGER]).await.status, 200);
}

#[tokio::test]
async fn programs_and_the_server_s_own_pages_need_no_permission() {
    let server = TestServer::start().await;
    assert_eq!(get(&server, POLLING, &[]).await.status, 200);
    let own = format!("http://{}", server.address);
    assert_eq!(get(&server, POLLING, &[("origin", &own)]).await.status, 200);
}

#[tokio::test]
async fn pages_of_an_allowed_origin_join_and_upload() {
    let server = TestServer::with_settings(settings(
        r#"
        allowed_origins = ["https://lab.example"]
        [scenes.grid]
        players = 2
        "#,
    ))
    .await;
    let polling = get(&server, POLLING, &[LAB]).await;
    assert_eq!(polling.status, 200);
    assert_eq!(
        polling.header("access-control-allow-origin"),
        Some("https://lab.example")
    );
    assert_eq!(get(&server, POLLING, &[STRANGER]).await.status, 403);
    let asks = [
        LAB,
        ("access-control-request-method", "PATCH"),
        (
            "access-control-request-headers",
            "authorization,upload-offset,upload-complete",
        ),
    ];
    let path = "/api/exports/e1?scene_id=grid";
    let preflight = send(server.address, "OPTIONS", path, &asks, b"").await;
    assert_eq!(preflight.status, 200);
    assert!(
        preflight
            .header("access-control-allow-methods")
            .unwrap()
            .contains("PATCH")
    );
    for header in ["authorization", "upload-offset", "upload-complete"] {
        let allowed = preflight.header("access-control-allow-headers").unwrap();
        assert!(allowed.contains(header), "{allowed}");
    }
    // The answer to a fault can be read as well, or the page could not say what is wrong.
    let refused = send(server.address, "PATCH", path, &[LAB], b"").await;
    assert_eq!(refused.refusal(), (401, "unauthorized".to_owned()));
    assert_eq!(
        refused.header("access-control-allow-origin"),
        Some("https://lab.example")
    );
    let joined = server.connect().await.say("join_game", json!({})).await;
    assert_eq!(joined["ok"], true);
}
