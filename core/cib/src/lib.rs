//! The configuration language: document, typed model, rules, digests, patches, validation.

#![forbid(unsafe_code)]

pub mod digest;
pub mod nvpairs;
pub mod operations;
pub mod options;
pub mod patch;
pub mod rules;
pub mod score;
pub mod time;
pub mod upgrade;
pub mod validate;
pub mod xml;
pub mod xpath;

pub use xml::{Document, Element, NodeId, ParseError};
