//! What the command-line tools ask of a manager, and what it answers.
//!
//! On the tools' socket a message is a little-endian `u32` length and that many bytes of one
//! XML document: `<request op="…" …>` one way, `<reply rc="…" message="…">` the other. The values
//! here are what those documents mean; their `to_xml` and `from_xml` (on both
//! types) are the only place that knows the text.

mod xml;

pub use xml::RequestError;

/// The longest message on the tools' socket, in bytes.
pub const MESSAGE_MAX: usize = 64 << 20;

/// What can be done to the CIB; the names are `cibadmin`'s.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CibOperation {
    /// Read.
    Query,
    /// Add what must not exist yet.
    Create,
    /// Merge attributes and children into what exists (and create it, if allowed).
    Modify,
    /// Put in the place of what exists.
    Replace,
    /// Remove what matches.
    Delete,
    /// Remove everything that matches an `XPath`.
    DeleteAll,
    /// Apply a patch.
    Patch,
    /// Remove everything.
    Erase,
    /// Increase the epoch.
    Bump,
    /// Move to a newer schema.
    Upgrade,
}

/// One CIB request. `section`, `xpath` and the flags mean what `cibadmin`'s options mean.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "four independent options of cibadmin")]
pub struct CibRequest {
    /// What to do.
    pub operation: CibOperation,
    /// `--scope`: a section's name.
    pub section: Option<String>,
    /// `--xpath`.
    pub xpath: Option<String>,
    /// The element to work with, as XML text.
    pub input: Option<String>,
    /// `--allow-create`.
    pub allow_create: bool,
    /// `--score`: evaluate `++` and `+=` in values.
    pub score: bool,
    /// `--no-children`.
    pub no_children: bool,
    /// `--force`.
    pub force: bool,
}

/// How long an attribute's value lives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lifetime {
    /// Until the node restarts (`status`).
    Reboot,
    /// For ever (`nodes`).
    Forever,
}

/// What a tool asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Request {
    /// The CIB.
    Cib(CibRequest),
    /// Several CIB requests, all or nothing.
    Transaction(Vec<CibRequest>),
    /// `attrd_updater -U/-B/-D`: a transient attribute. No value deletes it.
    AttributeUpdate {
        /// Its name, or a regular expression where `pattern` is set.
        name: String,
        /// `attrd_updater --pattern`.
        pattern: bool,
        /// The new value; `value++` and `value+=N` are evaluated here.
        value: Option<String>,
        /// Whose; this node's where empty.
        node: Option<String>,
        /// Milliseconds to gather changes before they are written.
        dampen_ms: Option<u64>,
        /// Never written to the CIB.
        private: bool,
        /// The `id` of the attribute set, where the caller wants one.
        set_id: Option<String>,
    },
    /// `attrd_updater -Q`.
    AttributeQuery {
        /// Its name.
        name: String,
        /// Whose; every node's where empty.
        node: Option<String>,
    },
    /// `crm_resource --cleanup` and `--refresh`; `crm_failcount --delete`.
    Forget {
        /// The resource; every one where empty.
        resource: Option<String>,
        /// The node; every one where empty.
        node: Option<String>,
        /// Only this operation's failures.
        operation: Option<String>,
        /// That operation's interval, milliseconds.
        interval_ms: Option<u64>,
        /// Only where there was a failure (`--cleanup`), or in any case (`--refresh`).
        failed_only: bool,
    },
    /// `crm_resource --fail`: pretend that a monitor failed.
    Fail {
        /// The resource.
        resource: String,
        /// The node.
        node: Option<String>,
    },
    /// `crm_node`, `crmadmin`, `corosync-quorumtool`: who is there.
    Nodes,
    /// `crm_node --remove`.
    RemoveNode {
        /// Which.
        name: String,
    },
    /// `stonith_admin --reboot|--fence|--unfence`.
    Fence {
        /// Which node.
        target: String,
        /// `reboot`, `off` or `on`.
        action: String,
        /// After how many seconds to give up; the delay does not count.
        timeout_s: u32,
        /// How many seconds to wait before anything is done; -1 for no delay at all, not even
        /// those of the devices.
        delay_s: i32,
    },
    /// `stonith_admin --confirm`: an operator says that the node is off.
    ConfirmOff {
        /// Which node.
        target: String,
    },
    /// `stonith_admin --history`.
    FenceHistory {
        /// Which node; every one where empty.
        target: Option<String>,
    },
    /// `stonith_admin --history --cleanup`: this node forgets past fencing.
    ForgetFencing {
        /// Of which node; of every one where empty.
        target: Option<String>,
    },
    /// `diarch status`: health, links, disks, watchdog, view, with reasons.
    Health,
    /// `crm_resource --wait`: answer when no transition is running and none is due.
    WaitIdle,
    /// `crmadmin --shutdown`, `diarch stop`: stop everything here and leave cleanly.
    Shutdown,
}

/// What the manager answers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reply {
    /// The exit status that the tool should end with if it has no reason for another.
    pub rc: i32,
    /// A sentence for people where `rc` is not 0.
    pub message: String,
    /// The answer as XML text; empty where there is none.
    pub payload: String,
}
