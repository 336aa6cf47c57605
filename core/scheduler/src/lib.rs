//! From a CIB to a transition: `schedule(cib, now) -> plan`.
//!
//! The stages stand in [`schedule`] in their order; each has its folder.

#![forbid(unsafe_code)]

mod action;
mod assign;
mod constraint;
mod fence;
pub mod graph;
pub mod model;
pub mod notify;
mod order;
mod probe;
pub mod simulate;
mod status;
pub mod summary;
mod unpack;

pub use model::{Diagnostic, Severity, Tables};

use diarch_cib::xml::Document;

/// What a decision depends on beside the document.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// The moment that the decision is made for (epoch seconds).
    pub now: i64,
}

/// A decision: the tables that led to it, and the transition.
#[derive(Clone, Debug)]
pub struct Plan<'c> {
    /// Nodes, resources, constraints, actions and scores as the stages left them.
    pub tables: Tables<'c>,
    /// What has to be done.
    pub graph: graph::Graph,
}

/// Decides what has to be done for the cluster to be as its configuration wants it.
#[must_use]
pub fn schedule<'c>(cib: &'c Document, input: &Input) -> (Plan<'c>, Vec<Diagnostic>) {
    let mut tables = read(cib, input);
    constraint::unpack(&mut tables);
    assign::prepare(&mut tables);
    constraint::implicit::create(&mut tables);
    action::recurring::cancel_removed(&mut tables);
    assign::all(&mut tables);
    probe::schedule(&mut tables);
    action::removed::clear_failcounts(&mut tables);
    action::schedule::all(&mut tables);
    order::remote::constraints(&mut tables);
    fence::schedule(&mut tables);
    order::apply_all(&mut tables);
    action::migrate::settle(&mut tables);
    order::settle(&mut tables);
    notify::send_all(&mut tables);
    let graph = graph::build::build(&mut tables);
    let diagnostics = core::mem::take(&mut tables.diagnostics);
    (Plan { tables, graph }, diagnostics)
}

/// Reads configuration and status, and decides nothing.
#[must_use]
pub fn read<'c>(cib: &'c Document, input: &Input) -> Tables<'c> {
    let mut tables = unpack::configuration(cib.root(), input.now);
    status::unpack(&mut tables);
    assign::apply_health(&mut tables);
    tables
}
