//! The configuration language: document, typed model, rules, digests, patches, validation.

#![forbid(unsafe_code)]

pub mod operations;
pub mod score;
pub mod xml;
pub mod xpath;

pub use xml::{Document, Element, NodeId, ParseError};
