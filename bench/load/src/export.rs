//! Exports: what a page sends of a session, over the socket or in chunks over HTTP.

use std::io::Write;

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::games::Player;

/// The largest chunk of an upload.
const CHUNK: usize = 1 << 20;

/// The metrics of a session, of about this many bytes: numbers that do not repeat, as games have them.
pub(crate) fn metrics(player: &Player, bytes: usize) -> String {
    let Player { game, id, .. } = player;
    let mut text = format!(
        "{{\"gameId\":\"{game}\",\"playerId\":{id},\"sessionStatus\":{{\"isPartial\":true,\"terminationReason\":\"partner_exclusion\",\"terminatedBy\":\"partner\",\"terminationFrame\":100,\"terminatedAtTimestamp\":1700000000000,\"completedEpisodes\":0,\"disconnectedPlayerId\":null}},\"frames\":["
    );
    let mut number: u64 = 88_172_645_463_325_252;
    while text.len() < bytes {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        let (frame, x) = (text.len(), (number % 100_000) as f64 / 1_000.0);
        text.push_str(&format!(
            "{{\"frame\":{frame},\"action\":{},\"x\":{x}}},",
            number % 5
        ));
    }
    text.push_str("null]}");
    text
}

/// What `emit_multiplayer_metrics` carries.
pub(crate) fn payload(player: &Player, export: &str, bytes: usize) -> String {
    let metrics = metrics(player, bytes);
    format!("{{\"scene_id\":\"bench\",\"export_id\":\"{export}\",\"metrics\":{metrics}}}")
}

/// As pages compress it.
pub(crate) fn compressed(text: &str) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes())?;
    Ok(encoder.finish()?)
}

/// Sends a compressed document in chunks. Answers whether the server says that the whole is stored.
pub(crate) async fn upload(
    address: &str,
    token: &str,
    export: &str,
    document: &[u8],
) -> Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut offset = 0;
    loop {
        let end = (offset + CHUNK).min(document.len());
        let complete = if end == document.len() { "?1" } else { "?0" };
        let chunk = &document[offset..end];
        let head = format!(
            "PATCH /api/exports/{export}?scene_id=bench HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nUpload-Offset: {offset}\r\nUpload-Complete: {complete}\r\nContent-Length: {}\r\n\r\n",
            chunk.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(chunk).await?;
        let answer = read_answer(&mut stream).await?;
        if answer["ok"] != true {
            bail!("a chunk was refused: {answer}");
        }
        offset = end;
        if complete == "?1" {
            return Ok(answer["stored"] == true);
        }
    }
}

async fn read_answer(stream: &mut TcpStream) -> Result<Value> {
    let mut read = Vec::new();
    loop {
        if let Some(head) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = std::str::from_utf8(&read[..head])?.to_ascii_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .context("an answer without a length")?;
            let length: usize = length.trim().parse()?;
            if read.len() >= head + 4 + length {
                return Ok(serde_json::from_slice(&read[head + 4..head + 4 + length])?);
            }
        }
        if stream.read_buf(&mut read).await? == 0 {
            bail!("the server closed the connection");
        }
    }
}
