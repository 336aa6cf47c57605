//! `diarch stop`: everything here is stopped or moved, then the node leaves.

use crate::cli::exit::Exit;
use crate::console::{complain, say};
use crate::ipc::client::{self, AskError};
use clap::Command;
use diarch_cluster::request::Request;
use std::time::{Duration, Instant};

/// How long the node may take to stop its resources.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
/// How often the manager is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// Asks the node to leave and waits until its manager is gone.
pub(in crate::cli) fn main(arguments: &[String]) -> Exit {
    let command = Command::new("diarch stop")
        .about("Stops or moves everything that runs here, then lets this node leave the pair");
    if let Err(exit) = super::options(command, arguments) {
        return exit;
    }
    match client::ask(&Request::Shutdown) {
        Ok(reply) if reply.rc != 0 => {
            complain(&format!("diarch stop: {}", reply.message));
            return Exit::of(reply.rc);
        }
        // A manager that leaves may do so before its answer is read.
        Ok(_) | Err(AskError::Broken(_)) => {}
        Err(error) => {
            complain(&format!("diarch stop: {error}"));
            return Exit::Disconnect;
        }
    }
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if matches!(client::ask(&Request::Nodes), Err(AskError::NotRunning(_))) {
            return say("this node has left\n");
        }
        std::thread::sleep(LOOK);
    }
    complain("diarch stop: this node is still stopping its resources");
    Exit::Timeout
}
