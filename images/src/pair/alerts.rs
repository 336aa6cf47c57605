//! Alert agents, on a pair of which one node loses its power.

use super::World;
use super::rig::NODES;
use super::scenarios::{active, served_by};
use super::shell::Failure;
use std::time::{Duration, Instant};

/// What the agent is; its recipient is a file.
const AGENT: &str = "/run/alerts/agent";
/// The file.
const TOLD: &str = "/run/alerts/told";
/// How long an agent may take to be called on a loaded host.
const CALLED_WITHIN: Duration = Duration::from_secs(10);

/// The active node loses its power; the other tells its alert agent of everything that follows.
pub(crate) fn alerts(world: &mut World) -> Result<Option<Duration>, Failure> {
    let script = format!(
        "mkdir -p -m 1777 /run/alerts; cat >{AGENT} <<'E'\n#!/bin/sh\n\
         echo \"$(id -un) $CRM_alert_kind $CRM_alert_node $CRM_alert_rsc $CRM_alert_task \
         $CRM_alert_desc\" >>\"$CRM_alert_recipient\"\nE\nchmod 755 {AGENT}"
    );
    for index in 0..NODES.len() {
        world.rig.exec(index, &["sh", "-c", &script])?;
    }
    let xml = format!(
        "<alerts><alert id='rig' path='{AGENT}'><recipient id='rig-file' value='{TOLD}'/>\
         </alert></alerts>"
    );
    let create = ["cibadmin", "--create", "-o", "configuration", "-X", &xml];
    world.rig.exec(0, &create)?;
    let (owner, other) = active(world)?;
    let fault = Instant::now();
    world.rig.power_cut(owner)?;
    let took = served_by(world, fault, other, "power cut, alerts")?;
    let told = all_told(world, owner, other);
    world.rig.exec(other, &["cibadmin", "--delete", "--xpath", "//alerts"])?;
    told.map(|()| Some(took))
}

/// Waits until the survivor's agent was told of the loss, the fencing and the start.
fn all_told(world: &World, owner: usize, other: usize) -> Result<(), Failure> {
    let (lost, here) = (NODES[owner], NODES[other]);
    let wanted = [
        format!("hacluster node {lost}   lost"),
        format!("hacluster fencing {lost}  "),
        format!("hacluster resource {here} "),
    ];
    let until = Instant::now() + CALLED_WITHIN;
    loop {
        let told = world.rig.exec(other, &["sh", "-c", &format!("cat {TOLD} || true")])?;
        let missing: Vec<_> =
            wanted.iter().filter(|one| !told.lines().any(|l| l.starts_with(*one))).collect();
        let started = told.lines().any(|line| line.ends_with(" start ok"));
        if missing.is_empty() && started {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(format!("{here}'s alert agent was not told {missing:?}, only: {told}"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
