//! `stillhere backup`, and a server on what it made.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;
use stillhere_server::backup::{BackupError, backup};
use stillhere_server::state::{DATABASE_FILE, TOKEN_KEY_FILE};
use stillhere_server::token::Tokens;

use crate::binary::one_sentence;
use crate::support::{TOKEN_KEY, TestServer, metrics};

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_stillhere");
    let mut command = Command::new(program);
    let command = command.current_dir(directory).arg("backup").args(arguments);
    command.output().unwrap()
}

#[tokio::test]
async fn a_backup_of_a_running_server_can_be_served() {
    let server = TestServer::start().await;
    std::fs::write(server.directory().join(TOKEN_KEY_FILE), TOKEN_KEY).unwrap();
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5))
        .await;
    bert.expect_unacked("partner_excluded").await;
    let export = ada.export("e-ada", &metrics("tab_hidden", 5));
    ada.say("emit_multiplayer_metrics", export).await;

    let restored = tempfile::tempdir().unwrap();
    backup(&server.directory(), restored.path()).await.unwrap();
    // What is stored later is not in it.
    let _carl = server.join("carl").await;

    Tokens::with_key_file(&restored.path().join(TOKEN_KEY_FILE), "study").unwrap();
    let restored = TestServer::on(restored).await;
    assert_eq!(
        restored.live_games().await,
        json!({"waiting": 0, "playing": 0, "ending": 1})
    );
    assert_eq!(restored.database.exports_of("ada").await.len(), 1);
    let mut bert = restored.connect_with(&bert.token).await;
    bert.expect("pyodide_player_assigned").await;
    bert.expect("partner_excluded").await;
    bert.expect("trigger_data_export").await;
}

#[tokio::test]
async fn an_older_backup_is_never_written_over() {
    let server = TestServer::start().await;
    std::fs::write(server.directory().join(TOKEN_KEY_FILE), TOKEN_KEY).unwrap();
    let to = tempfile::tempdir().unwrap();
    for file in [DATABASE_FILE, TOKEN_KEY_FILE] {
        std::fs::write(to.path().join(file), "older").unwrap();
        let refused = backup(&server.directory(), to.path()).await.unwrap_err();
        assert!(matches!(&refused, BackupError::Exists(path) if path.ends_with(file)));
        assert_eq!(std::fs::read(to.path().join(file)).unwrap(), b"older");
        assert_eq!(std::fs::read_dir(to.path()).unwrap().count(), 1);
        std::fs::remove_file(to.path().join(file)).unwrap();
    }
}

#[tokio::test]
async fn half_a_backup_is_none() {
    let server = TestServer::start().await;
    let to = tempfile::tempdir().unwrap();
    // This server has no key file.
    let refused = backup(&server.directory(), to.path()).await.unwrap_err();
    assert!(matches!(refused, BackupError::File(..)), "{refused}");
    assert_eq!(std::fs::read_dir(to.path()).unwrap().count(), 0);
}

#[test]
fn the_program_says_in_one_sentence_how_it_went() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), &["--to", "saved"]);
    let said = one_sentence(&output);
    assert!(
        said.contains("data/stillhere.sqlite3") && said.contains("--data-dir"),
        "{said}"
    );
    assert!(!directory.path().join("saved").exists());
}
