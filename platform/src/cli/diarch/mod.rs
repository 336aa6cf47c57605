//! `diarch` itself: what is not one of Pacemaker's tools.

pub(super) mod check;
pub(super) mod manager;
pub(super) mod run;
pub(super) mod setup;
pub(super) mod status;
pub(super) mod stop;

use crate::cli::exit::Exit;
use crate::console::{complain, say};
use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

/// The options that were given, or the status after saying what is wrong with them.
fn options(command: Command, arguments: &[String]) -> Result<ArgMatches, Exit> {
    let name = command.get_name().to_owned();
    let words = [name].into_iter().chain(arguments.iter().cloned());
    command.try_get_matches_from(words).map_err(|error| {
        if error.kind() == ErrorKind::DisplayHelp {
            return say(&error.to_string());
        }
        complain(error.to_string().trim_end());
        Exit::Usage
    })
}
