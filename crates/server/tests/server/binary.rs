use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

pub(crate) fn stillhere(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stillhere"));
    command
        .current_dir(directory)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The address that the server prints once it is ready.
pub(crate) fn ready(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.strip_prefix("stillhere is serving at http://");
    address
        .unwrap_or_else(|| panic!("{line:?}"))
        .trim()
        .to_owned()
}

pub(crate) fn send_signal(child: &Child, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[track_caller]
pub(crate) fn one_sentence(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[test]
fn it_needs_no_config_and_stops_when_told_to() {
    for signal in ["-TERM", "-INT"] {
        let directory = tempfile::tempdir().unwrap();
        let mut child = stillhere(directory.path()).spawn().unwrap();
        let address = ready(&mut child);
        std::net::TcpStream::connect(address).unwrap();
        assert!(directory.path().join("data/stillhere.sqlite3").exists());
        send_signal(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(
            !directory.path().join("data/stillhere.sqlite3-wal").exists(),
            "what was written is in the database itself"
        );
    }
}

#[test]
fn a_port_in_use_is_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_stillhere"))
        .current_dir(directory.path())
        .args(["serve", "--listen", &address])
        .output()
        .unwrap();
    let said = one_sentence(&output);
    assert!(
        said.contains(&address) && said.contains("--listen"),
        "{said}"
    );
    assert!(
        !directory.path().join("data").exists(),
        "and touches nothing"
    );
}

#[test]
fn a_database_that_is_not_there_is_one_sentence_without_its_password() {
    let directory = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let output = stillhere(directory.path())
        .env(
            "STILLHERE_STORAGE__URL",
            format!("postgres://ada:secret@127.0.0.1:{port}/study"),
        )
        .output()
        .unwrap();
    let said = one_sentence(&output);
    assert!(
        said.contains(&format!("study at 127.0.0.1:{port}")) && said.contains("storage.url"),
        "{said}"
    );
    assert!(!said.contains("secret"), "{said}");
    assert!(
        !directory.path().join("data").exists(),
        "and touches nothing"
    );
}

#[test]
fn a_bad_config_is_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        directory.path().join("bad.toml"),
        "[scenes.grid]\nplayers = 1\nx = 2",
    )
    .unwrap();
    let output = stillhere(directory.path())
        .args(["--config", "bad.toml"])
        .output()
        .unwrap();
    let said = one_sentence(&output);
    assert!(
        said.contains("scenes.grid.players") && said.contains("scenes.grid.x"),
        "{said}"
    );
}

#[test]
fn a_data_directory_that_cannot_be_used_is_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "").unwrap();
    let output = stillhere(directory.path())
        .args(["--data-dir", "file/data"])
        .output()
        .unwrap();
    let said = one_sentence(&output);
    assert!(
        said.contains("file/data") && said.contains("--data-dir"),
        "{said}"
    );
}

#[test]
fn the_environment_wins_over_the_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let output = stillhere(directory.path())
        .env("STILLHERE_SCENES__GRID__PLAYERS", "1")
        .env("STILLHERE_BIN", "somebody else's")
        .output()
        .unwrap();
    let said = one_sentence(&output);
    assert!(said.contains("`scenes.grid.players` is 1"), "{said}");
    assert!(!said.contains("BIN") && !said.contains("bin"), "{said}");
}

#[test]
fn the_systemd_unit_starts_a_server() {
    let unit = include_str!("../../../../deploy/stillhere.service");
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/stillhere "))
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().to_str().unwrap();
    std::fs::create_dir(directory.path().join("stillhere")).unwrap();
    let settings = directory.path().join("stillhere/stillhere.toml");
    std::fs::write(settings, "experiment_id = \"maze\"\n").unwrap();
    // The unit's own words, but for the places of a real machine.
    let line = line
        .replace("127.0.0.1:8080", "127.0.0.1:0")
        .replace("/var/lib", place)
        .replace("/etc", place);
    let mut child = Command::new(env!("CARGO_BIN_EXE_stillhere"))
        .args(line.split(' '))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let address = ready(&mut child);
    std::net::TcpStream::connect(address).unwrap();
    send_signal(&child, "-TERM");
    assert!(child.wait().unwrap().success());
    assert!(directory.path().join("stillhere/token.key").exists());
}
