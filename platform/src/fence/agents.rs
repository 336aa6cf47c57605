//! Which fence agents there are, and what each is made of.

use super::options::{OF_IPMI, OF_SNMP, Options};

/// What an agent drives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A BMC over LAN.
    Ipmi,
    /// Outlets of a PDU.
    Snmp,
}

/// A fence agent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agent {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The agent whose metadata names this one as another name of it.
    pub(crate) symlink_to: Option<&'static str>,
    /// What it drives.
    pub(crate) kind: Kind,
    /// What it is for, in a few words.
    pub(crate) about: &'static str,
}

impl Agent {
    const fn symlink_to(self, name: &'static str) -> Self {
        Self { symlink_to: Some(name), ..self }
    }

    /// The other names under which `fence-agents` installs it.
    pub(crate) fn symlinks(self) -> impl Iterator<Item = &'static Self> {
        AGENTS.iter().filter(move |other| other.symlink_to == Some(self.name))
    }

    /// The options that it has.
    pub(crate) const fn options(self) -> Options {
        match self.kind {
            Kind::Ipmi => OF_IPMI,
            Kind::Snmp => OF_SNMP,
        }
    }
}

const IPMILAN: &str = "fence_ipmilan";
const APC_SNMP: &str = "fence_apc_snmp";

const fn ipmi(name: &'static str, about: &'static str) -> Agent {
    Agent { name, symlink_to: None, kind: Kind::Ipmi, about }
}

const fn snmp(name: &'static str, about: &'static str) -> Agent {
    Agent { name, symlink_to: None, kind: Kind::Snmp, about }
}

/// Every agent that this executable answers to.
pub(crate) const AGENTS: &[Agent] = &[
    ipmi(IPMILAN, "switch a machine by its BMC"),
    ipmi("fence_ipmilanplus", "switch a machine by its BMC").symlink_to(IPMILAN),
    ipmi("fence_idrac", "switch a machine by its iDRAC").symlink_to(IPMILAN),
    ipmi("fence_ilo3", "switch a machine by its iLO 3").symlink_to(IPMILAN),
    ipmi("fence_ilo4", "switch a machine by its iLO 4").symlink_to(IPMILAN),
    ipmi("fence_ilo5", "switch a machine by its iLO 5").symlink_to(IPMILAN),
    ipmi("fence_imm", "switch a machine by its IMM").symlink_to(IPMILAN),
    snmp(APC_SNMP, "switch outlets of an APC PDU"),
    snmp("fence_eaton_snmp", "switch outlets of an Eaton PDU"),
    snmp("fence_emerson", "switch outlets of an Emerson PDU"),
    snmp("fence_pdu_snmp", "switch outlets of any known PDU"),
    snmp("fence_tripplite_snmp", "switch outlets of a Tripp Lite PDU").symlink_to(APC_SNMP),
];
