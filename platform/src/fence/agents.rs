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
    /// What it drives.
    pub(crate) kind: Kind,
    /// What it is for, in a few words.
    pub(crate) about: &'static str,
}

impl Agent {
    /// The options that it has.
    pub(crate) const fn options(self) -> Options {
        match self.kind {
            Kind::Ipmi => OF_IPMI,
            Kind::Snmp => OF_SNMP,
        }
    }
}

/// Every agent that this executable answers to.
pub(crate) const AGENTS: &[Agent] = &[
    Agent { name: "fence_ipmilan", kind: Kind::Ipmi, about: "switch a machine by its BMC" },
    Agent { name: "fence_ipmilanplus", kind: Kind::Ipmi, about: "switch a machine by its BMC" },
    Agent { name: "fence_idrac", kind: Kind::Ipmi, about: "switch a machine by its iDRAC" },
    Agent { name: "fence_ilo3", kind: Kind::Ipmi, about: "switch a machine by its iLO 3" },
    Agent { name: "fence_ilo4", kind: Kind::Ipmi, about: "switch a machine by its iLO 4" },
    Agent { name: "fence_ilo5", kind: Kind::Ipmi, about: "switch a machine by its iLO 5" },
    Agent { name: "fence_imm", kind: Kind::Ipmi, about: "switch a machine by its IMM" },
    Agent { name: "fence_apc_snmp", kind: Kind::Snmp, about: "switch outlets of an APC PDU" },
    Agent { name: "fence_eaton_snmp", kind: Kind::Snmp, about: "switch outlets of an Eaton PDU" },
    Agent { name: "fence_emerson", kind: Kind::Snmp, about: "switch outlets of an Emerson PDU" },
    Agent { name: "fence_pdu_snmp", kind: Kind::Snmp, about: "switch outlets of any known PDU" },
    Agent {
        name: "fence_tripplite_snmp",
        kind: Kind::Snmp,
        about: "switch outlets of a Tripp Lite PDU",
    },
];
