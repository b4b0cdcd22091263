//! The servers on one database: who lives, and what they tell each other.

use std::collections::BTreeSet;

use async_trait::async_trait;
use sqlx::postgres::PgListener;

use super::super::StoreError;
use super::super::shared::{Message, News, Nodes, Shared};
use super::PostgresStore;
use crate::node::NodeId;

/// Without a sign of life for so long a server is dead. It gives several in that time.
const DEAD_AFTER: &str = "6 seconds";
/// So many messages are taken at a time.
const AT_A_TIME: i64 = 256;

/// The channel on which a server is told that there are messages for it.
pub(super) fn channel(node: &NodeId) -> String {
    format!("stillhere_{node}")
}

#[async_trait]
impl Shared for PostgresStore {
    fn node(&self) -> &NodeId {
        &self.node
    }

    async fn beat(&self, relays: bool) -> Result<Nodes, StoreError> {
        // Whoever wakes up late may have been forgotten, and is back in the books with this.
        let has_lived: Option<bool> = sqlx::query_scalar(
            "WITH before AS (SELECT beat_at > clock_timestamp() - $3::interval AS lived FROM nodes WHERE node_id = $1)
             INSERT INTO nodes (node_id, beat_at, relays) VALUES ($1, clock_timestamp(), $2)
             ON CONFLICT (node_id) DO UPDATE SET beat_at = excluded.beat_at
             RETURNING (SELECT lived FROM before)",
        )
        .bind(self.node.as_str())
        .bind(relays)
        .bind(DEAD_AFTER)
        .fetch_one(&self.readers)
        .await?;
        let rows: Vec<(String, bool, bool)> = sqlx::query_as(
            "SELECT node_id, beat_at > clock_timestamp() - $1::interval, relays FROM nodes",
        )
        .bind(DEAD_AFTER)
        .fetch_all(&self.readers)
        .await?;
        let mut nodes = Nodes {
            all_relay: true,
            has_lived: has_lived.unwrap_or_default(),
            ..Nodes::default()
        };
        for (node, lives, relays) in rows {
            if lives {
                nodes.all_relay &= relays;
                nodes.alive.insert(NodeId::stored(node));
            } else {
                nodes.dead.insert(NodeId::stored(node));
            }
        }
        Ok(nodes)
    }

    async fn forget(&self, nodes: &BTreeSet<NodeId>) -> Result<(), StoreError> {
        let names: Vec<&str> = nodes.iter().map(NodeId::as_str).collect();
        for sql in [
            "DELETE FROM nodes WHERE node_id = ANY($1)",
            "DELETE FROM messages WHERE node_id = ANY($1)",
        ] {
            sqlx::query(sql).bind(&names).execute(&self.readers).await?;
        }
        Ok(())
    }

    async fn messages(&self) -> Result<Vec<Message>, StoreError> {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT messages.id, games.state, messages.body
               FROM messages JOIN games ON games.game_id = messages.game_id
              WHERE messages.node_id = $1 ORDER BY messages.id LIMIT $2",
        )
        .bind(self.node.as_str())
        .bind(AT_A_TIME)
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|(id, state, body)| {
                let news: News = serde_json::from_str(&body)?;
                let game = serde_json::from_str(&state)?;
                Ok(Message { id, game, news })
            })
            .collect()
    }

    async fn told(&self, messages: &[i64]) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM messages WHERE id = ANY($1)")
            .bind(messages)
            .execute(&self.readers)
            .await?;
        Ok(())
    }

    async fn heard(&self) -> Result<(), StoreError> {
        let mut listener = self.listener.lock().await;
        if listener.is_none() {
            let mut fresh = PgListener::connect_with(&self.readers).await?;
            fresh.listen(&channel(&self.node)).await?;
            *listener = Some(fresh);
            // Something may have come before anybody listened.
            return Ok(());
        }
        if let Some(listening) = listener.as_mut() {
            // `None`: the line was broken, and is there again.
            if let Err(error) = listening.try_recv().await {
                *listener = None;
                return Err(error.into());
            }
        }
        Ok(())
    }
}
