//! Transcripts of real clients and devices, one datagram a line, read at test time.
//!
//! `DIARCH_HW_FIXTURES` names their folder; otherwise it is `../shared/hw/fixtures` beside the
//! workspace. Where it is absent, tests say so.

use std::path::PathBuf;
use std::string::String;
use std::vec::Vec;

/// Who sent a datagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum From {
    /// The client.
    Client,
    /// The device.
    Device,
}

/// A transcript's datagrams in order; nothing, with a line that says so, where there is none.
pub(crate) fn transcript(name: &str) -> Option<Vec<(From, Vec<u8>)>> {
    let folder = std::env::var_os("DIARCH_HW_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/hw/fixtures"),
        PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(folder.join(name)) else {
        say("skipped: no fixtures");
        return None;
    };
    Some(text.lines().filter(|line| !line.is_empty()).map(datagram).collect())
}

#[expect(clippy::print_stdout, reason = "the harness counts what tests say on standard output")]
fn say(line: &str) {
    std::println!("{line}");
}

fn datagram(line: &str) -> (From, Vec<u8>) {
    let (mark, hex) = line.split_once(' ').unwrap();
    let from = match mark {
        ">" => From::Client,
        "<" => From::Device,
        other => panic!("a line begins with {other}"),
    };
    (from, bytes(hex))
}

/// The bytes that hexadecimal digits stand for.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}
