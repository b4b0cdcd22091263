//! `PATCH /api/exports/{id}`: exports that come in chunks.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::{LIMITS, Peer, Response, TestServer, metrics, send};

const CHUNK: usize = 1 << 20;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// One upload, as a page makes it.
struct Upload<'a> {
    server: &'a TestServer,
    token: &'a str,
    id: &'a str,
}

impl Upload<'_> {
    async fn send(&self, offset: usize, complete: bool, body: &[u8]) -> Response {
        let path = format!("/api/exports/{}?scene_id=grid", self.id);
        let headers = [
            ("authorization", &*format!("Bearer {}", self.token)),
            ("upload-offset", &offset.to_string()),
            ("upload-complete", if complete { "?1" } else { "?0" }),
        ];
        send(self.server.address, "PATCH", &path, &headers, body).await
    }

    /// (bytes that the server has, stored, duplicate)
    async fn chunk(&self, offset: usize, complete: bool, body: &[u8]) -> (u64, bool, bool) {
        let response = self.send(offset, complete, body).await;
        let answer = response.json();
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(answer["ok"], true, "{answer}");
        assert_eq!(answer["export_id"], self.id);
        (
            answer["received"].as_u64().unwrap(),
            answer["stored"].as_bool().unwrap(),
            answer["duplicate"].as_bool().unwrap(),
        )
    }

    async fn refused(&self, offset: usize, complete: bool, body: &[u8]) -> (u16, String) {
        self.send(offset, complete, body).await.refusal()
    }
}

impl TestServer {
    fn upload<'a>(&'a self, peer: &'a Peer, id: &'a str) -> Upload<'a> {
        Upload {
            server: self,
            token: &peer.token,
            id,
        }
    }

    /// A stored document, put together and decompressed as DATA.md says.
    async fn document(&self, participant: &str, export: &str) -> String {
        let sql = format!(
            "SELECT hex(bytes) AS hex FROM export_chunks
              WHERE participant_id = '{participant}' AND export_id = '{export}' ORDER BY \"offset\""
        );
        let mut compressed = Vec::new();
        for row in self.database.rows(&sql).await {
            let digits = row["hex"].as_str().unwrap().as_bytes();
            compressed.extend(
                digits.chunks(2).map(|pair| {
                    u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()
                }),
            );
        }
        let mut text = String::new();
        GzDecoder::new(compressed.as_slice())
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    async fn count(&self, table: &str) -> usize {
        self.database
            .rows(&format!("SELECT 1 AS n FROM {table}"))
            .await
            .len()
    }
}

/// Metrics with data of the game's own, of about so many bytes, that hardly compress.
fn large(peer: &Peer, bytes: usize) -> String {
    let mut state = 7_u64;
    let mut own = String::with_capacity(bytes);
    while own.len() < bytes {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        own.push_str(&format!("{:016x}", state ^ (state >> 29)));
    }
    let mut metrics = metrics("tab_hidden", 10);
    metrics["gameId"] = peer.game_id();
    metrics["playerId"] = peer.player_id();
    metrics["own"] = json!({"hashes": own});
    metrics.to_string()
}

#[tokio::test]
async fn an_export_in_chunks_is_stored_with_the_game() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 10))
        .await;
    let text = large(&ada, 30 << 20);
    let compressed = gzip(&text);
    assert!(compressed.len() > 8 * CHUNK, "{}", compressed.len());
    let upload = server.upload(&ada, "e");
    assert_eq!(upload.chunk(0, false, b"").await, (0, false, false));
    let mut sent = 0;
    for chunk in compressed.chunks(CHUNK) {
        assert!(server.database.exports_of("ada").await.is_empty());
        let complete = sent + chunk.len() == compressed.len();
        let answer = upload.chunk(sent, complete, chunk).await;
        sent += chunk.len();
        assert_eq!(answer, (sent as u64, complete, false));
    }
    let row = server
        .database
        .one("SELECT * FROM exports WHERE participant_id = 'ada'")
        .await;
    assert_eq!(row["encoding"], "gzip");
    assert_eq!(row["bytes"], compressed.len());
    assert_eq!(
        (
            &row["source"],
            &row["termination_reason"],
            &row["termination_frame"],
            &row["scene_id"],
            &row["game_id"]
        ),
        (
            &json!("client"),
            &json!("tab_hidden"),
            &json!(10),
            &json!("grid"),
            &ada.game_id()
        )
    );
    let kept: Value = serde_json::from_str(row["metrics"].as_str().unwrap()).unwrap();
    let mut expected: Value = serde_json::from_str(&text).unwrap();
    expected.as_object_mut().unwrap().remove("own");
    assert_eq!(kept, expected);
    assert_eq!(server.document("ada", "e").await, text);
    assert_eq!(server.count("uploads").await, 0);
    // The game has it: it waits for the partner only.
    let game = server.database.game_of("ada").await;
    assert!(game.seats()[0].export.is_some());
    bert.expect("partner_excluded").await;
    bert.expect("trigger_data_export").await;
    bert.say(
        "emit_multiplayer_metrics",
        bert.export("e", &metrics("partner_exclusion", 10)),
    )
    .await;
    assert_eq!(server.live_games().await["ending"], 0);
    // Whatever is sent of it again changes nothing.
    let before = server.database.dump().await;
    let all = compressed.len() as u64;
    assert_eq!(upload.chunk(0, true, b"other").await, (all, true, true));
    assert_eq!(upload.chunk(7, false, b"").await, (all, true, true));
    let over_the_socket = ada
        .say("emit_multiplayer_metrics", ada.export("e", &json!({})))
        .await;
    assert_eq!(over_the_socket["duplicate"], true);
    assert_eq!(server.database.dump().await, before);
    assert_eq!(server.document("ada", "e").await, text);
}

#[tokio::test]
async fn a_lost_answer_and_a_wrong_offset_cost_nothing() {
    let server = TestServer::start().await;
    let (ada, _bert) = server.pair("ada", "bert").await;
    let compressed = gzip(&large(&ada, 20_000));
    let (first, rest) = compressed.split_at(5_000);
    let upload = server.upload(&ada, "e");
    assert_eq!(upload.chunk(0, false, first).await.0, 5_000);
    let before = server.database.dump().await;
    // The answer was lost: the same chunk once more, others from the wrong place, and the question.
    for (offset, complete, body) in [
        (0, false, first),
        (4_999, true, rest),
        (5_001, true, rest),
        (usize::MAX >> 1, true, rest),
        (0, true, b""),
        (0, false, b""),
    ] {
        assert_eq!(
            upload.chunk(offset, complete, body).await,
            (5_000, false, false)
        );
    }
    assert_eq!(server.database.dump().await, before);
    // The last chunk is stored before it is known to be the last one: an empty one can say so.
    let all = compressed.len();
    assert_eq!(
        upload.chunk(5_000, false, rest).await,
        (all as u64, false, false)
    );
    assert_eq!(
        upload.chunk(all, true, b"").await,
        (all as u64, true, false)
    );
}

#[tokio::test]
async fn the_same_chunk_over_two_lines_is_stored_once() {
    let server = TestServer::start().await;
    let (ada, _bert) = server.pair("ada", "bert").await;
    let text = large(&ada, 20_000);
    let compressed = gzip(&text);
    let all = compressed.len() as u64;
    let upload = server.upload(&ada, "e");
    server.store.hold();
    let release = async {
        while server.store.held() + server.state.waiting_writes() < 2 {
            tokio::task::yield_now().await;
        }
        server.store.release();
    };
    let (one, other, ()) = tokio::join!(
        upload.chunk(0, true, &compressed),
        upload.chunk(0, true, &compressed),
        release
    );
    // One of them added it and stored the export; the other was told how far it is by then.
    let mut answers = [one, other];
    answers.sort();
    assert_eq!(answers[1], (all, true, false), "{answers:?}");
    assert!(
        answers[0] == (all, false, false) || answers[0] == (all, true, true),
        "{answers:?}"
    );
    assert_eq!(server.database.exports_of("ada").await.len(), 1);
    assert_eq!(server.document("ada", "e").await, text);
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart_of_the_server() {
    let server = TestServer::start().await;
    let (ada, _bert) = server.pair("ada", "bert").await;
    let text = large(&ada, 20_000);
    let compressed = gzip(&text);
    let (first, rest) = compressed.split_at(9_000);
    assert_eq!(
        server.upload(&ada, "e").chunk(0, false, first).await.0,
        9_000
    );
    let server = server.crash_and_start_again().await;
    let upload = server.upload(&ada, "e");
    assert_eq!(upload.chunk(0, false, b"").await, (9_000, false, false));
    let all = compressed.len() as u64;
    assert_eq!(upload.chunk(9_000, true, rest).await, (all, true, false));
    assert_eq!(server.document("ada", "e").await, text);
}

#[tokio::test]
async fn a_page_reopened_an_hour_later_still_delivers() {
    let server = TestServer::start().await;
    let (mut ada, bert) = server.pair("ada", "bert").await;
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 10))
        .await;
    let compressed = gzip(&large(&ada, 20_000));
    ada.drop_line();
    bert.drop_line();
    server
        .wait_until_as_time_passes("SELECT 1 FROM games WHERE phase = 'ended'")
        .await;
    server.clock.advance(3_600_000);
    let upload = server.upload(&ada, "late");
    assert!(upload.chunk(0, true, &compressed).await.1);
    let sources = server
        .database
        .rows("SELECT source FROM exports WHERE participant_id = 'ada' ORDER BY rowid")
        .await;
    assert_eq!(
        sources,
        [json!({"source": "server"}), json!({"source": "client"})]
    );
    // A month later the token is no longer valid.
    server.clock.advance(31 * 24 * 3_600_000);
    assert_eq!(upload.refused(0, false, b"").await.0, 401);
}

#[tokio::test]
async fn the_part_before_a_reload_does_not_stand_for_the_end() {
    let server = TestServer::start().await;
    let (mut ada, _bert) = server.pair("ada", "bert").await;
    let mut part: Value = serde_json::from_str(&large(&ada, 100)).unwrap();
    part["sessionStatus"]["terminatedAtTimestamp"] = Value::Null;
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 10))
        .await;
    let upload = server.upload(&ada, "part");
    assert!(upload.chunk(0, true, &gzip(&part.to_string())).await.1);
    let game = server.database.game_of("ada").await;
    assert!(game.seats()[0].export.is_none());
}

#[tokio::test]
async fn a_document_that_is_not_valid_is_refused_and_dropped() {
    let server = TestServer::start().await;
    let (ada, _bert) = server.pair("ada", "bert").await;
    let good = gzip(&large(&ada, 100));
    let cut = &good[..good.len() - 1];
    let before = server.database.dump().await;
    let upload = server.upload(&ada, "e");
    for (index, bad) in [
        b"no gzip at all".as_slice(),
        b"{}",
        cut,
        &gzip("[1, 2]"),
        &gzip("\"text\""),
        &gzip("{} {}"),
        &gzip("{\"a\": "),
        &[&good[..], b"more"].concat(),
        b"",
    ]
    .into_iter()
    .enumerate()
    {
        let refused = upload.refused(0, true, bad).await;
        assert_eq!(refused, (400, "invalid_payload".to_owned()), "{index}");
        assert_eq!(server.database.dump().await, before, "{index}");
        assert_eq!(server.count("export_chunks").await, 0, "{index}");
    }
    assert!(upload.chunk(0, true, &good).await.1);
}

#[tokio::test]
async fn a_decompression_bomb_is_refused_and_dropped() {
    let server = TestServer::start().await;
    let (ada, _bert) = server.pair("ada", "bert").await;
    let zeros = "0".repeat(usize::try_from(LIMITS.decompressed).unwrap());
    let bomb = gzip(&format!("{{\"x\":\"{zeros}\"}}"));
    assert!(bomb.len() < CHUNK, "{}", bomb.len());
    let upload = server.upload(&ada, "e");
    assert_eq!(
        upload.refused(0, true, &bomb).await,
        (413, "too_large".to_owned())
    );
    assert_eq!(server.count("export_chunks").await, 0);
    assert_eq!(upload.chunk(0, false, b"").await, (0, false, false));
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let server = TestServer::start().await;
    let (ada, bert) = server.pair("ada", "bert").await;
    let too_large = (413, "too_large".to_owned());
    let chunk = vec![7; CHUNK];
    let upload = server.upload(&ada, "e");
    let over = vec![7; CHUNK + 1];
    assert_eq!(upload.refused(0, false, &over).await, too_large);
    assert_eq!(upload.chunk(0, false, b"").await.0, 0);
    // One export.
    let fits = usize::try_from(LIMITS.export).unwrap() / CHUNK;
    for index in 0..fits {
        upload.chunk(index * CHUNK, false, &chunk).await;
    }
    assert_eq!(upload.refused(fits * CHUNK, false, b"x").await, too_large);
    assert_eq!(server.count("export_chunks").await, 0, "and is dropped");
    // All exports of a participant.
    for index in 0..fits {
        upload.chunk(index * CHUNK, false, &chunk).await;
    }
    let other = server.upload(&ada, "other");
    other.chunk(0, false, &chunk).await;
    other.chunk(CHUNK, false, &chunk).await;
    assert_eq!(other.refused(2 * CHUNK, false, b"x").await, too_large);
    assert_eq!(upload.chunk(0, false, b"").await.0, LIMITS.export);
    // Nobody else is concerned. Too many chunks are too large as well.
    let many = server.upload(&bert, "e");
    for index in 0..usize::try_from(LIMITS.chunks).unwrap() {
        many.chunk(index, false, b"x").await;
    }
    let last = usize::try_from(LIMITS.chunks).unwrap();
    assert_eq!(many.refused(last, false, b"x").await, too_large);
    for index in 0..LIMITS.unfinished {
        let id = index.to_string();
        server.upload(&bert, &id).chunk(0, false, b"x").await;
    }
    let one_more = server.upload(&bert, "e");
    assert_eq!(one_more.refused(0, false, b"x").await, too_large);
    assert_eq!(server.upload(&bert, "0").chunk(1, false, b"x").await.0, 2);
}

#[tokio::test]
async fn an_abandoned_upload_is_dropped_in_the_end() {
    let server = TestServer::start().await;
    let (ada, _bert) = server.pair("ada", "bert").await;
    server.upload(&ada, "e").chunk(0, false, b"begun").await;
    server.clock.advance(31 * 24 * 3_600_000);
    let (carl, _dora) = server.pair("carl", "dora").await;
    server.upload(&carl, "e").chunk(0, false, b"begun").await;
    let left = server.database.rows("SELECT participant_id FROM uploads");
    assert_eq!(left.await, [json!({"participant_id": "carl"})]);
    assert_eq!(server.count("export_chunks").await, 1);
}

#[tokio::test]
async fn a_bad_request_changes_nothing() {
    let server = TestServer::start().await;
    let (ada, bert) = server.pair("ada", "bert").await;
    server.upload(&ada, "e").chunk(0, false, b"begun").await;
    let stranger = "eyJhbGciOiJIUzI1NiJ9.e30.AAAA";
    let before = server.database.dump().await;
    let good = format!("Bearer {}", ada.token);
    let path = "/api/exports/e?scene_id=grid";
    let long = format!("/api/exports/{}?scene_id=grid", "x".repeat(200));
    let authorized = |value| ("authorization", value);
    let (offset, complete) = (("upload-offset", "5"), ("upload-complete", "?0"));
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, u16, &'a str);
    let forged = format!("Bearer {stranger}");
    let cases: Vec<Case<'_>> = vec![
        (path, vec![offset, complete], 401, "unauthorized"),
        (
            path,
            vec![authorized("Bearer "), offset, complete],
            401,
            "unauthorized",
        ),
        (
            path,
            vec![authorized(&forged), offset, complete],
            401,
            "unauthorized",
        ),
        (
            path,
            vec![authorized(&ada.token), offset, complete],
            401,
            "unauthorized",
        ),
        (
            "/api/exports/e",
            vec![authorized(&good), offset, complete],
            400,
            "invalid_payload",
        ),
        (
            "/api/exports/e?scene_id=",
            vec![authorized(&good), offset, complete],
            400,
            "invalid_payload",
        ),
        (
            "/api/exports/a%00b?scene_id=grid",
            vec![authorized(&good), offset, complete],
            400,
            "invalid_payload",
        ),
        (
            &long,
            vec![authorized(&good), offset, complete],
            400,
            "invalid_payload",
        ),
        (
            path,
            vec![authorized(&good), complete],
            400,
            "invalid_payload",
        ),
        (
            path,
            vec![authorized(&good), offset],
            400,
            "invalid_payload",
        ),
        (
            path,
            vec![authorized(&good), ("upload-offset", "-5"), complete],
            400,
            "invalid_payload",
        ),
        (
            path,
            vec![authorized(&good), ("upload-offset", "1e3"), complete],
            400,
            "invalid_payload",
        ),
        (
            path,
            vec![authorized(&good), offset, ("upload-complete", "1")],
            400,
            "invalid_payload",
        ),
    ];
    for (path, headers, status, code) in cases {
        let answer = send(server.address, "PATCH", path, &headers, b"more").await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{headers:?}");
    }
    let other = send(server.address, "GET", path, &[], b"").await;
    assert_eq!(other.status, 405);
    assert_eq!(other.header("cache-control"), Some("no-store"));
    assert_eq!(server.database.dump().await, before);
    // Another participant's upload of the same name is another one.
    assert_eq!(
        server.upload(&bert, "e").chunk(0, false, b"").await,
        (0, false, false)
    );
}

#[tokio::test]
async fn who_has_not_played_uploads_nothing() {
    let server = TestServer::start().await;
    let mut ada = server.join("ada").await;
    ada.say("leave_game", json!({})).await;
    let upload = server.upload(&ada, "e");
    assert_eq!(
        upload.refused(0, true, &gzip("{}")).await,
        (404, "unknown_game".to_owned())
    );
    assert_eq!(server.count("export_chunks").await, 0);
}

#[tokio::test]
async fn a_storage_that_fails_is_said_so_and_the_upload_goes_on_later() {
    let server = TestServer::start().await;
    let (ada, _bert) = server.pair("ada", "bert").await;
    let compressed = gzip(&large(&ada, 20_000));
    let (first, rest) = compressed.split_at(9_000);
    let upload = server.upload(&ada, "e");
    upload.chunk(0, false, first).await;
    server.store.fail(true);
    let answer = upload.send(9_000, true, rest).await;
    assert_eq!(answer.refusal(), (503, "storage_unavailable".to_owned()));
    assert!(!answer.body.contains("disk"), "{answer:?}");
    server.store.fail(false);
    assert_eq!(upload.chunk(0, false, b"").await, (9_000, false, false));
    assert!(upload.chunk(9_000, true, rest).await.1);
}
