//! The exit codes of Pacemaker's tools: one table for all applets.
//!
//! 0 to 9 are those of OCF agents, 64 to 78 those of `sysexits.h`, from 100 on Pacemaker's own.

/// Why a tool ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// OK.
    Ok = 0,
    /// Error occurred.
    Error = 1,
    /// Invalid parameter.
    InvalidParam = 2,
    /// Unimplemented.
    Unimplemented = 3,
    /// Insufficient privileges.
    InsufficientPriv = 4,
    /// Not installed.
    NotInstalled = 5,
    /// Not configured.
    NotConfigured = 6,
    /// Not running.
    NotRunning = 7,
    /// Promoted.
    Promoted = 8,
    /// Failed in promoted role.
    FailedPromoted = 9,
    /// Incorrect usage.
    Usage = 64,
    /// Invalid data given.
    DataErr = 65,
    /// Input file not available.
    NoInput = 66,
    /// User does not exist.
    NoUser = 67,
    /// Host does not exist.
    NoHost = 68,
    /// Necessary service unavailable.
    Unavailable = 69,
    /// Internal software bug.
    Software = 70,
    /// Operating system error occurred.
    OsErr = 71,
    /// System file not available.
    OsFile = 72,
    /// Cannot create output file.
    CantCreate = 73,
    /// I/O error occurred.
    IoErr = 74,
    /// Temporary failure, try again.
    TempFail = 75,
    /// Protocol violated.
    Protocol = 76,
    /// Insufficient privileges.
    NoPerm = 77,
    /// Invalid configuration.
    Config = 78,
    /// Fatal error occurred, will not respawn.
    Fatal = 100,
    /// System panic required.
    Panic = 101,
    /// Not connected.
    Disconnect = 102,
    /// Update was older than existing configuration.
    Old = 103,
    /// Digest mismatch.
    Digest = 104,
    /// No such object.
    NoSuch = 105,
    /// Quorum required.
    Quorum = 106,
    /// Operation not safe.
    Unsafe = 107,
    /// Requested item already exists.
    Exists = 108,
    /// Multiple items match request.
    Multiple = 109,
    /// Requested item has expired.
    Expired = 110,
    /// Requested item is not yet in effect.
    NotYetInEffect = 111,
    /// Could not determine status.
    Indeterminate = 112,
    /// Not applicable under current conditions.
    Unsatisfied = 113,
    /// Timeout occurred.
    Timeout = 124,
    /// Service is active but might fail soon.
    Degraded = 190,
    /// Service is promoted but might fail soon.
    DegradedPromoted = 191,
    /// No exit status available.
    None = 193,
}

/// Every exit code with its symbolic name and its description, in order.
pub(crate) const TABLE: &[(Exit, &str, &str)] = &[
    (Exit::Ok, "CRM_EX_OK", "OK"),
    (Exit::Error, "CRM_EX_ERROR", "Error occurred"),
    (Exit::InvalidParam, "CRM_EX_INVALID_PARAM", "Invalid parameter"),
    (Exit::Unimplemented, "CRM_EX_UNIMPLEMENT_FEATURE", "Unimplemented"),
    (Exit::InsufficientPriv, "CRM_EX_INSUFFICIENT_PRIV", "Insufficient privileges"),
    (Exit::NotInstalled, "CRM_EX_NOT_INSTALLED", "Not installed"),
    (Exit::NotConfigured, "CRM_EX_NOT_CONFIGURED", "Not configured"),
    (Exit::NotRunning, "CRM_EX_NOT_RUNNING", "Not running"),
    (Exit::Promoted, "CRM_EX_PROMOTED", "Promoted"),
    (Exit::FailedPromoted, "CRM_EX_FAILED_PROMOTED", "Failed in promoted role"),
    (Exit::Usage, "CRM_EX_USAGE", "Incorrect usage"),
    (Exit::DataErr, "CRM_EX_DATAERR", "Invalid data given"),
    (Exit::NoInput, "CRM_EX_NOINPUT", "Input file not available"),
    (Exit::NoUser, "CRM_EX_NOUSER", "User does not exist"),
    (Exit::NoHost, "CRM_EX_NOHOST", "Host does not exist"),
    (Exit::Unavailable, "CRM_EX_UNAVAILABLE", "Necessary service unavailable"),
    (Exit::Software, "CRM_EX_SOFTWARE", "Internal software bug"),
    (Exit::OsErr, "CRM_EX_OSERR", "Operating system error occurred"),
    (Exit::OsFile, "CRM_EX_OSFILE", "System file not available"),
    (Exit::CantCreate, "CRM_EX_CANTCREAT", "Cannot create output file"),
    (Exit::IoErr, "CRM_EX_IOERR", "I/O error occurred"),
    (Exit::TempFail, "CRM_EX_TEMPFAIL", "Temporary failure, try again"),
    (Exit::Protocol, "CRM_EX_PROTOCOL", "Protocol violated"),
    (Exit::NoPerm, "CRM_EX_NOPERM", "Insufficient privileges"),
    (Exit::Config, "CRM_EX_CONFIG", "Invalid configuration"),
    (Exit::Fatal, "CRM_EX_FATAL", "Fatal error occurred, will not respawn"),
    (Exit::Panic, "CRM_EX_PANIC", "System panic required"),
    (Exit::Disconnect, "CRM_EX_DISCONNECT", "Not connected"),
    (Exit::Old, "CRM_EX_OLD", "Update was older than existing configuration"),
    (Exit::Digest, "CRM_EX_DIGEST", "Digest mismatch"),
    (Exit::NoSuch, "CRM_EX_NOSUCH", "No such object"),
    (Exit::Quorum, "CRM_EX_QUORUM", "Quorum required"),
    (Exit::Unsafe, "CRM_EX_UNSAFE", "Operation not safe"),
    (Exit::Exists, "CRM_EX_EXISTS", "Requested item already exists"),
    (Exit::Multiple, "CRM_EX_MULTIPLE", "Multiple items match request"),
    (Exit::Expired, "CRM_EX_EXPIRED", "Requested item has expired"),
    (Exit::NotYetInEffect, "CRM_EX_NOT_YET_IN_EFFECT", "Requested item is not yet in effect"),
    (Exit::Indeterminate, "CRM_EX_INDETERMINATE", "Could not determine status"),
    (Exit::Unsatisfied, "CRM_EX_UNSATISFIED", "Not applicable under current conditions"),
    (Exit::Timeout, "CRM_EX_TIMEOUT", "Timeout occurred"),
    (Exit::Degraded, "CRM_EX_DEGRADED", "Service is active but might fail soon"),
    (Exit::DegradedPromoted, "CRM_EX_DEGRADED_PROMOTED", "Service is promoted but might fail soon"),
    (Exit::None, "CRM_EX_NONE", "No exit status available"),
];

impl Exit {
    /// The number that the process ends with.
    #[must_use]
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// The exit code with this number; an unknown one is an error like any other.
    #[must_use]
    pub(crate) fn of(number: i32) -> Self {
        TABLE
            .iter()
            .find(|(exit, _, _)| i32::from(exit.code()) == number)
            .map_or(Self::Error, |(exit, _, _)| *exit)
    }

    /// What it means, in words.
    #[must_use]
    pub(crate) fn description(self) -> &'static str {
        TABLE
            .iter()
            .find(|(exit, _, _)| *exit == self)
            .map_or("Unknown exit status", |(_, _, text)| text)
    }
}
