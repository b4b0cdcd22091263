use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Where a line to a database breaks.
#[derive(Clone, Copy, PartialEq)]
pub enum Cut {
    Nowhere,
    /// The next commit never arrives.
    BeforeCommit,
    /// The next commit arrives, and its answer is lost.
    AfterCommit,
}

/// A line to a database that breaks at a chosen place, once.
pub struct CutLine {
    pub port: u16,
    cut: Arc<watch::Sender<Cut>>,
}

impl CutLine {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Self {
            port: listener.local_addr().unwrap().port(),
            cut: Arc::new(watch::Sender::new(Cut::Nowhere)),
        };
        let cut = Arc::clone(&line.cut);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let database = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::spawn(carry(client, database, Arc::clone(&cut)));
            }
        });
        line
    }

    pub fn cut(&self, cut: Cut) {
        self.cut.send_replace(cut);
    }
}

async fn carry(client: TcpStream, database: TcpStream, cut: Arc<watch::Sender<Cut>>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_database, mut to_database) = database.into_split();
    let answers = tokio::spawn(async move {
        let _ = copy(&mut from_database, &mut to_client).await;
        from_database
    });
    let mut bytes = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
        let sent = &bytes[..length];
        let commits = sent.windows(7).any(|window| window == b"COMMIT\0");
        match if commits {
            cut.send_replace(Cut::Nowhere)
        } else {
            Cut::Nowhere
        } {
            Cut::Nowhere => {
                if to_database.write_all(sent).await.is_err() {
                    return;
                }
            }
            Cut::BeforeCommit => {
                answers.abort();
                return;
            }
            Cut::AfterCommit => {
                answers.abort();
                to_database.write_all(sent).await.unwrap();
                // Until it is done, which its own farewell says.
                to_database.write_all(b"X\0\0\0\x04").await.unwrap();
                return;
            }
        }
    }
}
