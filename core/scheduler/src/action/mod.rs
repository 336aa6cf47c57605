//! Actions: made from resources' next states, described by the configuration's operations.

pub(crate) mod create;
pub(crate) mod definition;
pub(crate) mod migrate;
pub(crate) mod policy;
pub(crate) mod recurring;
pub(crate) mod removed;
pub(crate) mod schedule;
