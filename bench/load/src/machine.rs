//! On what it was measured.

use std::fs;
use std::process::Command;

use crate::peer::Places;

/// The machine and the versions, as a list.
pub(crate) fn describe(places: &Places) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let lines = [
        format!(
            "{} ({cores} cores), {}, Linux {}",
            field("/proc/cpuinfo", "model name"),
            field("/proc/meminfo", "MemTotal"),
            read("/proc/sys/kernel/osrelease"),
        ),
        format!(
            "stillhere {}, {}",
            env!("CARGO_PKG_VERSION"),
            said(&mut program("rustc"))
        ),
        format!("Node {}, socket.io 4.8.4", said(&mut program("node"))),
        format!(
            "{}, multi-user-gymnasium 0.1.3",
            said(Command::new(places.scratch.join("venv/bin/python")).arg("--version"))
        ),
    ];
    lines.map(|line| format!("- {line}\n")).concat()
}

/// How many want a processor, on average of the last minute.
pub(crate) fn load_average() -> f64 {
    let text = read("/proc/loadavg");
    let first = text.split(' ').next();
    first.and_then(|load| load.parse().ok()).unwrap_or_default()
}

fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.arg("--version");
    command
}

fn said(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout);
    let text = String::from_utf8(output.unwrap_or_default()).unwrap_or_default();
    text.trim().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let found = text.lines().find_map(|line| line.strip_prefix(name));
    let value = found.unwrap_or_default();
    value.trim_start_matches([' ', '\t', ':']).to_owned()
}
