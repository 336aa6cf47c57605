//! `diarch status`: how this node is, and why it is no better.

use crate::cli::exit::Exit;
use crate::console::{complain, say};
use crate::ipc::client;
use clap::Command;
use diarch_cib::{Document, Element};
use diarch_cluster::request::Request;
use std::fmt::Write as _;

/// Asks this node's manager and tells its answer in words.
pub(in crate::cli) fn main(arguments: &[String]) -> Exit {
    let command = Command::new("diarch status")
        .about("Says how this node and its peer are, and why if they could be better");
    if let Err(exit) = super::options(command, arguments) {
        return exit;
    }
    let reply = match client::ask(&Request::Health) {
        Ok(reply) => reply,
        Err(error) => {
            complain(&format!("diarch status: {error}"));
            return Exit::Disconnect;
        }
    };
    if reply.rc != 0 {
        complain(&format!("diarch status: {}", reply.message));
        return Exit::of(reply.rc);
    }
    match Document::parse(&reply.payload) {
        Ok(document) => say(&told(document.root())),
        Err(error) => {
            complain(&format!("diarch status: the manager's answer is not understood: {error}"));
            Exit::Protocol
        }
    }
}

/// The health document in words.
fn told(health: Element<'_>) -> String {
    let value = |name: &str| health.attribute(name).unwrap_or("?").to_owned();
    let yes = |name: &str| health.attribute(name) == Some("true");
    let mut text = String::new();
    let state = if yes("degraded") { "HA degraded" } else { "HA complete" };
    let acts = if yes("may-act") { "may run services" } else { "may not run services" };
    let leads = if yes("leads") { ", orders changes" } else { "" };
    let mut line = |words: std::fmt::Arguments<'_>| text.write_fmt(words).is_ok();
    line(format_args!("{state}\n"));
    line(format_args!("node {}: {acts}{leads}\n", value("node")));
    line(format_args!("peer {}: {}\n", value("peer-node"), value("peer")));
    for (name, all, up) in [("links", "links", "links-up"), ("disks", "disks", "disks-up")] {
        let up: u8 = health.attribute(up).and_then(|bits| bits.parse().ok()).unwrap_or_default();
        line(format_args!("{name}: {} of {} up\n", up.count_ones(), value(all)));
    }
    for link in health.children_named("link") {
        let figure = |name: &str| link.attribute(name).unwrap_or("?").to_owned();
        let micros: u32 = figure("jitter-us").parse().unwrap_or_default();
        line(format_args!(
            "link {}: {} frames in, {} lost, {} late, jitter {}.{:03} ms\n",
            figure("number"),
            figure("received"),
            figure("lost"),
            figure("late"),
            micros / 1000,
            micros % 1000
        ));
    }
    match health.attribute("watchdog-ms") {
        Some(millis) => line(format_args!("watchdog: armed, fires after {millis} ms\n")),
        None => line(format_args!("watchdog: not armed\n")),
    };
    if let Some(dropped) = health.attribute("frames-dropped") {
        line(format_args!("frames dropped as not the peer's: {dropped}\n"));
    }
    line(format_args!("configuration: {}\n", value("cib")));
    for active in health.children_named("active") {
        line(format_args!("active here: {}\n", active.attribute("resource").unwrap_or("?")));
    }
    for reason in health.children_named("reason") {
        line(format_args!("because {}\n", reason.text()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degraded_pair_says_because_of_what() {
        let document = Document::parse(
            "<health node=\"a\" peer-node=\"b\" leads=\"true\" may-act=\"true\" degraded=\"true\" \
             links=\"2\" links-up=\"1\" disks=\"1\" disks-up=\"1\" peer=\"member\" cib=\"0.5.1\" \
             watchdog-ms=\"2000\"><link number=\"0\" comes-in=\"true\" goes-out=\"true\" \
             received=\"70\" lost=\"2\" late=\"1\" jitter-us=\"1042\"/>\
             <reason>link 1 carries no frames</reason></health>",
        )
        .unwrap();
        assert_eq!(
            told(document.root()),
            "HA degraded\nnode a: may run services, orders changes\npeer b: member\n\
             links: 1 of 2 up\ndisks: 1 of 1 up\n\
             link 0: 70 frames in, 2 lost, 1 late, jitter 1.042 ms\n\
             watchdog: armed, fires after 2000 ms\n\
             configuration: 0.5.1\nbecause link 1 carries no frames\n"
        );
    }
}
