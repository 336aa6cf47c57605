//! The configuration language: document, model, rules, digests, patches, validation.
