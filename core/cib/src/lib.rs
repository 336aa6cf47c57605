//! The configuration language: document, typed model, rules, digests, patches, validation.

#![forbid(unsafe_code)]

pub mod xml;

pub use xml::{Document, Element, NodeId, ParseError};
