//! Transient node attributes beside the CIB: values that are private or that wait to be written.

pub mod failcount;
mod table;

pub use table::{Table, Update, Write, expanded};
