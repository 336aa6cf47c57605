//! The one executable: guardian, manager and every applet.
//!
//! This package is the only one that touches the world. It performs what the machines of
//! `diarch-cluster` ask and decides nothing.

mod cli;
mod clock;
mod config;
mod console;
mod fence;
mod guardian;
mod halves;
mod ipc;
mod manager;
mod process;
mod realtime;
mod storage;
mod timeline;
mod transport;
mod users;

fn main() -> std::process::ExitCode {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let arguments: Vec<String> = words.collect();
    std::process::ExitCode::from(cli::main(&program, &arguments).code())
}
