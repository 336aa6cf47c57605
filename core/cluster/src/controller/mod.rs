//! Who is in, as the CIB says it, and when the scheduler runs.

pub mod policy;
pub mod status;
