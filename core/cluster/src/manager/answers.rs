//! Answers that need nobody else: who is there, and how things stand.

use super::{Clocks, Manager};
use crate::Instant;
use crate::controller::status;
use crate::executor::history::Record;
use crate::executor::ocf::Status;
use crate::executor::operation::AgentName;
use crate::guardian_io::FrameFault;
use crate::replication::change::version;
use crate::request::Reply;
use crate::view::{LinkFigures, Peer, Proof, Refusal};
use core::time::Duration;
use diarch_cib::{Document, NodeId};

/// Exit status of `attrd_updater` for an attribute that nobody has.
const EXIT_NO_ATTRIBUTE: i32 = 105;

impl Manager {
    pub(super) fn nodes_document(&self) -> Document {
        let mut document = Document::new("nodes");
        let root = document.root().id();
        let leader = if self.leading { self.local_name() } else { self.peer_name() };
        set(&mut document, root, "local", self.local_name());
        set(&mut document, root, "leader", leader);
        set(&mut document, root, "quorate", truth(self.may_act()));
        for (number, name) in (1..).zip(&self.names) {
            let node = document.append_new(root, "node");
            let member = name == self.local_name() || self.peer_is_member();
            let id = number.to_string();
            let state = status::find_state(&self.cib, &id);
            let online = member && state.is_some_and(|s| s.attribute("crmd") == Some("online"));
            set(&mut document, node, "id", &id);
            set(&mut document, node, "name", name);
            set(&mut document, node, "member", truth(member));
            set(&mut document, node, "online", truth(online));
        }
        document
    }

    pub(super) fn health_document(&self, now: Instant) -> Document {
        let mut document = Document::new("health");
        let root = document.root().id();
        let [admin, epoch, updates] = version(&self.cib);
        set(&mut document, root, "node", self.local_name());
        set(&mut document, root, "peer-node", self.peer_name());
        set(&mut document, root, "leads", truth(self.leading));
        set(&mut document, root, "joined", truth(self.joining.joined));
        set(&mut document, root, "cib", &format!("{admin}.{epoch}.{updates}"));
        set(&mut document, root, "busy", truth(self.engine.is_some() || self.due.is_some()));
        set(&mut document, root, "links", &self.config.pair.links.to_string());
        set(&mut document, root, "disks", &self.config.pair.disks.to_string());
        let mut reasons = Vec::new();
        match self.view {
            None => reasons.push("the guardian has not spoken yet".to_owned()),
            Some(view) => {
                set(&mut document, root, "may-act", truth(view.may_act));
                set(&mut document, root, "generation", &view.generation.to_string());
                set(&mut document, root, "links-up", &view.links_up.to_string());
                set(&mut document, root, "disks-up", &view.disks_up.to_string());
                set(&mut document, root, "peer", &peer_text(now, view.peer));
                if let Some(watchdog) = view.watchdog {
                    let millis = watchdog.as_millis().to_string();
                    set(&mut document, root, "watchdog-ms", &millis);
                }
                if let Some(dropped) = view.dropped {
                    set(&mut document, root, "frames-dropped", &dropped.count.to_string());
                }
                self.collect_reasons(view, &mut reasons);
            }
        }
        for reason in &reasons {
            let child = document.append_new(root, "reason");
            document.set_text(child, reason);
        }
        for (number, figures) in self.links.iter().enumerate() {
            if let Some(figures) = figures {
                write_figures(&mut document, root, number, figures);
            }
        }
        for resource in self.executor.active() {
            let child = document.append_new(root, "active");
            set(&mut document, child, "resource", resource);
        }
        set(&mut document, root, "degraded", truth(!reasons.is_empty()));
        document
    }

    fn collect_reasons(&self, view: crate::view::View, reasons: &mut Vec<String>) {
        if !matches!(view.peer, Peer::Member { .. }) {
            reasons.push(format!("{} is not a member", self.peer_name()));
            if let Some(told) = view.dropped.and_then(|dropped| stranger_text(dropped.reason)) {
                reasons.push(told.to_owned());
            }
        } else if !self.joining.joined {
            reasons.push(format!("the manager of {} has not joined", self.peer_name()));
        }
        for link in 0..self.config.pair.links {
            if view.links_up & (1 << link) == 0 {
                reasons.push(link_text(link, self.links.get(link).copied().flatten()));
            }
        }
        for disk in 0..self.config.pair.disks {
            if view.disks_up & (1 << disk) == 0 {
                reasons.push(format!("SBD disk {disk} does not answer"));
            }
        }
        for (id, reason) in self.fencer.failures() {
            reasons.push(format!("fence device {id} does not work: {reason}"));
        }
        if view.watchdog.is_none() {
            reasons.push("no watchdog is armed".to_owned());
        }
        if let Some(refusal) = view.refusal.filter(|_| !view.may_act) {
            reasons.push(format!("nothing may be started here: {}", refusal_text(refusal)));
        }
    }

    pub(super) fn attribute_reply(&self, name: &str, node: Option<&str>) -> Reply {
        let mut document = Document::new("attributes");
        let root = document.root().id();
        let mut any = false;
        for owner in &self.names {
            let Some(id) = self.id_of(owner) else { continue };
            if node.is_some_and(|node| node != owner) {
                continue;
            }
            if let Some(value) = self.current_attribute(name, &id) {
                any = true;
                let child = document.append_new(root, "attribute");
                set(&mut document, child, "name", name);
                set(&mut document, child, "node", owner);
                set(&mut document, child, "value", &value);
            }
        }
        if any {
            Reply::done(document.write())
        } else {
            Reply::failed(EXIT_NO_ATTRIBUTE, format!("no node has an attribute '{name}'"))
        }
    }

    /// Records a failed monitor that never ran.
    pub(super) fn pretend_failure(
        &mut self,
        at: Clocks,
        resource: &str,
        node: Option<&str>,
    ) -> Reply {
        let ids = self.names.iter().filter(|name| node.is_none_or(|node| node == name.as_str()));
        let found = ids.filter_map(|name| Some((name.clone(), self.id_of(name)?))).find_map(
            |(name, id)| {
                let history = status::histories(&self.cib, &id)
                    .find(|history| history.attribute("id") == Some(resource))?;
                let part = |name| history.attribute(name).unwrap_or_default().to_owned();
                let agent = AgentName {
                    class: part("class"),
                    provider: part("provider"),
                    kind: part("type"),
                };
                Some((name, agent))
            },
        );
        let Some((node, agent)) = found else {
            return Reply::failed(
                EXIT_NO_ATTRIBUTE,
                format!("{resource} is active on no such node"),
            );
        };
        let uuid = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
        let record = Record {
            node,
            resource: resource.to_owned(),
            agent,
            operation: "asyncmon".to_owned(),
            interval_ms: 0,
            key: format!("{resource}_asyncmon_0"),
            transition_key: format!("0:-1:0:{uuid}"),
            rc: 1,
            status: Status::Done,
            exit_reason: "Simulated failure".to_owned(),
            call_id: u32::MAX,
            changed: at.wall.0,
            run: Duration::ZERO,
            queued: Duration::ZERO,
            migrate_source: None,
            migrate_target: None,
            feature_set: crate::FEATURE_SET.to_owned(),
            digests: Vec::new(),
        };
        self.take_result(at, record);
        Reply::default()
    }
}

/// What is wrong with a link that is not up; which way it loses frames, where that is known.
fn link_text(link: usize, figures: Option<LinkFigures>) -> String {
    let ways = figures.map(|figures| (figures.comes_in, figures.goes_out));
    match ways {
        Some((true, false)) => {
            format!("link {link} carries frames one way only: the peer does not hear this node")
        }
        Some((false, true)) => {
            format!("link {link} carries frames one way only: this node does not hear the peer")
        }
        Some(_) | None => format!("link {link} carries no frames in both directions"),
    }
}

fn write_figures(document: &mut Document, root: NodeId, number: usize, figures: &LinkFigures) {
    let LinkFigures { comes_in, goes_out, counts } = figures;
    let child = document.append_new(root, "link");
    set(document, child, "number", &number.to_string());
    set(document, child, "comes-in", truth(*comes_in));
    set(document, child, "goes-out", truth(*goes_out));
    set(document, child, "received", &counts.received.to_string());
    set(document, child, "lost", &counts.lost.to_string());
    set(document, child, "late", &counts.late.to_string());
    set(document, child, "jitter-us", &counts.jitter.as_micros().to_string());
}

fn set(document: &mut Document, id: NodeId, name: &str, value: &str) {
    document.set_attribute(id, name, value);
}

const fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn peer_text(now: Instant, peer: Peer) -> String {
    match peer {
        Peer::Unknown => "not heard since this node booted".to_owned(),
        Peer::Member { .. } => "member".to_owned(),
        Peer::Lost { since, .. } => {
            format!("silent for {} ms", now.since(since).as_millis())
        }
        Peer::Down { proof, .. } => format!("down: {}", proof_text(proof)),
    }
}

pub(super) fn proof_text(proof: Proof) -> String {
    match proof {
        Proof::LeftCleanly => "it left cleanly".to_owned(),
        Proof::PowerOff => "its power reads off".to_owned(),
        Proof::WatchdogExpired { waited, .. } => {
            format!("its watchdog must have fired ({} ms after its last frame)", waited.as_millis())
        }
        Proof::Rebooted { .. } => "it has booted anew".to_owned(),
        Proof::LastOwner => "this node was the last owner".to_owned(),
        Proof::Operator => "an operator has confirmed it".to_owned(),
    }
}

/// What frames that cannot be believed say about the settings, where they say anything.
const fn stranger_text(reason: FrameFault) -> Option<&'static str> {
    match reason {
        FrameFault::OtherCluster => Some(
            "frames of another pair arrive: [cluster] name of diarch.toml has to be the same on \
             both nodes",
        ),
        FrameFault::Forged => Some(
            "frames arrive that are sealed with another key: copy diarch.key from one node to the \
             other",
        ),
        FrameFault::Version => Some(
            "frames arrive that this release does not understand: both nodes need the same one",
        ),
        FrameFault::Own => {
            Some("this node's own frames come back: the links have to lead to the other node")
        }
        FrameFault::Truncated | FrameFault::Replayed => None,
    }
}

pub(super) const fn refusal_text(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Starting => "waiting for the peer, or for proof that it is down",
        Refusal::Arbitrating => "the claim is being contested",
        Refusal::AwaitingProof { .. } => "waiting until the peer's watchdog must have fired",
        Refusal::Quarantined => "this node was fenced or lost the claim, and waits for its peer",
        Refusal::PeerWasLastOwner => "the peer was the last owner: its data may be newer",
        Refusal::NoDisk => "too few disks answer to contest the claim",
        Refusal::NoWatchdog => "the watchdog is missing or could not be armed",
        Refusal::Leaving => "this node is leaving",
    }
}
