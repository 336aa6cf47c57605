//! The pair's links, of three kinds: a direct Ethernet link, a routed way for UDP, a serial line.
//!
//! Addresses are numbers: a name would have to be asked for where nobody may wait.

use super::file::{Document, Ends, Link};
use super::{Place, SettingsError};
use core::fmt;
use core::time::Duration;
use diarch_cluster::config::{LINKS_MAX, NodeIndex, NodeName};
use diarch_cluster::membership::{line, wire};
use diarch_cluster::timing::Timing;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// The UDP port after the guardians' is the managers'.
pub(crate) const MANAGER_PORT_AFTER: u16 = 1;

/// A serial line's speed unless another is named, in bits a second.
const BAUD_DEFAULT: u32 = 115_200;
/// More than any line is known to do.
const BAUD_MAX: u32 = 4_000_000;
/// What one heartbeat is on a serial line: a start and a stop bit with each byte.
const HEARTBEAT_BITS: u64 =
    10 * (line::LINE_OVERHEAD + wire::HEADER_LEN + wire::HEARTBEAT_LEN + wire::TAG_LEN) as u64;

/// This node's end of one link.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum LinkSettings {
    /// Raw frames on an interface.
    Ethernet(String),
    /// Datagrams between two fixed addresses.
    Udp {
        /// This node's.
        local: SocketAddr,
        /// The peer's.
        peer: SocketAddr,
    },
    /// A serial line, for heartbeats only.
    Serial {
        /// Its device.
        path: PathBuf,
        /// Its speed, in bits a second.
        baud: u32,
    },
}

impl LinkSettings {
    /// Whether it carries nothing but heartbeats.
    pub(crate) const fn is_heartbeats_only(&self) -> bool {
        matches!(self, Self::Serial { .. })
    }
}

impl fmt::Display for LinkSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ethernet(interface) => f.write_str(interface),
            Self::Udp { peer, .. } => write!(f, "udp:{peer}"),
            Self::Serial { path, .. } => {
                write!(f, "{}", path.file_name().unwrap_or_default().display())
            }
        }
    }
}

impl Place<'_> {
    pub(super) fn links(
        &self,
        document: &Document,
        nodes: &[NodeName; 2],
        local: NodeIndex,
    ) -> Result<Vec<LinkSettings>, SettingsError> {
        let count = document.link.len();
        if !(1..=LINKS_MAX).contains(&count) {
            let reason = format!("there are {count} of them");
            let fix = format!(
                "name 1 to {LINKS_MAX} links, two for a pair without one cable that can part it"
            );
            return Err(self.error("[[link]]", reason, fix));
        }
        let mut found: Vec<LinkSettings> = Vec::new();
        for (number, link) in (1..).zip(&document.link) {
            let link = self.link(number, link, nodes, local)?;
            if let Some(other) = found.iter().find(|other| collide(other, &link)) {
                let key = format!("[[link]] {number}, {}", kind(&link));
                return Err(self.collision(key, other, &link));
            }
            found.push(link);
        }
        if found.iter().all(LinkSettings::is_heartbeats_only) {
            let reason = "a serial line is too narrow for the configuration's way to the peer";
            let fix = "name an interface or a routed link beside it";
            return Err(self.error("[[link]]", reason, fix));
        }
        Ok(found)
    }

    fn link(
        &self,
        number: usize,
        link: &Link,
        nodes: &[NodeName; 2],
        local: NodeIndex,
    ) -> Result<LinkSettings, SettingsError> {
        let (own, other) = (&nodes[local.index()], &nodes[local.other().index()]);
        match link {
            Link { interface: Some(interface), udp: None, serial: None, baud: None } => {
                self.ethernet(number, interface, own)
            }
            Link { interface: None, udp: Some(udp), serial: None, baud: None } => {
                let own = self.address(number, udp, own)?;
                let peer = self.address(number, udp, other)?;
                self.route(number, own, peer)
            }
            Link { interface: None, udp: None, serial: Some(serial), baud } => {
                self.serial(number, serial, *baud, own)
            }
            Link { .. } => {
                let fix = "say one of: interface, udp, serial (and baud with serial only)";
                Err(self.error(format!("[[link]] {number}"), "what it is is not clear", fix))
            }
        }
    }

    fn serial(
        &self,
        number: usize,
        ends: &Ends,
        baud: Option<u32>,
        own: &str,
    ) -> Result<LinkSettings, SettingsError> {
        let key = format!("[[link]] {number}, serial");
        let path = PathBuf::from(self.end(&key, ends, own, "name its device")?);
        if !path.is_absolute() || path.file_name().is_none() {
            let reason = format!("'{}' is no device", path.display());
            return Err(self.error(key, reason, "name it by its path, as in /dev/ttyS1"));
        }
        let baud = baud.unwrap_or(BAUD_DEFAULT);
        if !(1..=BAUD_MAX).contains(&baud) {
            let key = format!("[[link]] {number}, baud");
            let fix = "use 115200, or what both lines are known to do";
            return Err(self.error(key, format!("no line has a speed of {baud}"), fix));
        }
        Ok(LinkSettings::Serial { path, baud })
    }

    /// Refuses lines on which heartbeats would queue up.
    pub(super) fn speeds(
        &self,
        links: &[LinkSettings],
        timing: &Timing,
    ) -> Result<(), SettingsError> {
        for (number, link) in (1..).zip(links) {
            let LinkSettings::Serial { baud, .. } = link else {
                continue;
            };
            let takes = Duration::from_secs(HEARTBEAT_BITS) / *baud;
            // A node in a hurry beats four times as often.
            let room = timing.heartbeat / 4;
            if takes > room {
                let key = format!("[[link]] {number}, baud");
                let reason = format!("a heartbeat takes {takes:?}, and has {room:?}");
                let fix = "raise the speed, or the failover budget";
                return Err(self.error(key, reason, fix));
            }
        }
        Ok(())
    }

    fn collision(&self, key: String, other: &LinkSettings, link: &LinkSettings) -> SettingsError {
        match link {
            LinkSettings::Ethernet(name) => {
                let reason = format!("'{name}' is named twice");
                self.error(key, reason, "give each link an interface of its own")
            }
            LinkSettings::Serial { path, .. } => {
                let reason = format!("'{}' is named twice", path.display());
                self.error(key, reason, "give each link a line of its own")
            }
            LinkSettings::Udp { local, .. } => {
                let reason = format!("'{local}' is too near to another link's ({other})");
                self.error(key, reason, "a link takes its port and the next: leave two for each")
            }
        }
    }

    /// What `ends` says for `node`.
    fn end<'a>(
        &self,
        key: &str,
        ends: &'a Ends,
        node: &str,
        missing: &str,
    ) -> Result<&'a String, SettingsError> {
        match ends {
            Ends::Same(name) => Ok(name),
            Ends::Each(names) => names
                .get(node)
                .ok_or_else(|| self.error(key, format!("nothing is said for {node}"), missing)),
        }
    }

    fn ethernet(
        &self,
        number: usize,
        ends: &Ends,
        own: &str,
    ) -> Result<LinkSettings, SettingsError> {
        let key = format!("[[link]] {number}, interface");
        let name = self.end(&key, ends, own, "name its interface")?;
        if name.is_empty() || name.len() > 15 || name.contains(['/', ' ']) {
            let reason = format!("'{name}' is no interface's name");
            return Err(self.error(key, reason, "see `ip link` for those that exist"));
        }
        Ok(LinkSettings::Ethernet(name.clone()))
    }

    fn address(&self, number: usize, ends: &Ends, node: &str) -> Result<SocketAddr, SettingsError> {
        let key = format!("[[link]] {number}, udp");
        let Ends::Each(_) = ends else {
            let fix = "write { NODE = \"ADDRESS:PORT\", NODE = \"ADDRESS:PORT\" }";
            return Err(self.error(key, "each node has an address of its own", fix));
        };
        let text = self.end(&key, ends, node, "name its address and port")?;
        let address: SocketAddr = text.parse().map_err(|_| {
            let fix = "write numbers as in \"192.0.2.1:5405\" or \"[2001:db8::1]:5405\"; names \
                       are never looked up";
            self.error(&*key, format!("'{text}' is no address with a port"), fix)
        })?;
        let ip = address.ip();
        if ip.is_unspecified() || ip.is_multicast() || ip.is_loopback() || is_local_only(ip) {
            let fix = "name one address of this node that the other can reach";
            return Err(self.error(key, format!("'{ip}' leads to no single other machine"), fix));
        }
        if address.port() == 0 || address.port().checked_add(MANAGER_PORT_AFTER).is_none() {
            let fix = "choose a port from 1 to 65534: it and the next are taken";
            return Err(self.error(key, format!("'{}' is no port to use", address.port()), fix));
        }
        Ok(address)
    }

    fn route(
        &self,
        number: usize,
        local: SocketAddr,
        peer: SocketAddr,
    ) -> Result<LinkSettings, SettingsError> {
        let key = format!("[[link]] {number}, udp");
        if local.is_ipv4() != peer.is_ipv4() {
            let reason = format!("'{local}' and '{peer}' cannot talk to each other");
            return Err(self.error(key, reason, "use IPv4 for both or IPv6 for both"));
        }
        if local.ip() == peer.ip() {
            let reason = format!("both ends are '{}'", local.ip());
            return Err(self.error(key, reason, "give each node an address of its own"));
        }
        Ok(LinkSettings::Udp { local, peer })
    }
}

/// An address that means another machine on each interface.
const fn is_local_only(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// The key that makes a link what it is.
const fn kind(link: &LinkSettings) -> &'static str {
    match link {
        LinkSettings::Ethernet(_) => "interface",
        LinkSettings::Udp { .. } => "udp",
        LinkSettings::Serial { .. } => "serial",
    }
}

/// Whether two links would take the same thing.
fn collide(one: &LinkSettings, other: &LinkSettings) -> bool {
    match (one, other) {
        (LinkSettings::Ethernet(one), LinkSettings::Ethernet(other)) => one == other,
        (LinkSettings::Udp { local: one, .. }, LinkSettings::Udp { local: other, .. }) => {
            one.ip() == other.ip() && one.port().abs_diff(other.port()) <= MANAGER_PORT_AFTER
        }
        (LinkSettings::Serial { path: one, .. }, LinkSettings::Serial { path: other, .. }) => {
            one == other
        }
        (LinkSettings::Ethernet(_) | LinkSettings::Udp { .. } | LinkSettings::Serial { .. }, _) => {
            false
        }
    }
}
