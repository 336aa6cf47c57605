//! How often a decision asks for memory: what was measured, and a tenth; to be lowered only.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use diarch_cib::xml::Document;
use diarch_scheduler::{Input, schedule};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;

/// Allocations of a cold decision over thirty resources: 4177 were measured.
const THIRTY_MAX: usize = 4_600;
/// Allocations for each further resource: 137 were measured.
const EACH_MAX: usize = 150;
/// Allocations for each colocation of a dense net of 22 resources: 520 were measured, and 45 413
/// where every way through the net was walked.
const COLOCATION_MAX: usize = 580;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The states of two nodes that are members.
fn online() -> String {
    [(1, "a"), (2, "b")]
        .map(|(id, name)| {
            format!(
                "<node_state id='{id}' uname='{name}' in_ccm='true' crmd='online' join='member' \
                 expected='member'/>"
            )
        })
        .concat()
}

/// Two nodes and `resources` stopped primitives with a monitor each.
fn stopped(resources: usize) -> Document {
    let mut text = String::from(
        "<cib have-quorum='1'><configuration><crm_config><cluster_property_set id='o'>\
         <nvpair id='f' name='stonith-enabled' value='false'/></cluster_property_set></crm_config>\
         <nodes><node id='1' uname='a'/><node id='2' uname='b'/></nodes><resources>",
    );
    for number in 0..resources {
        write!(
            text,
            "<primitive id='r{number}' class='ocf' provider='pacemaker' type='Dummy'><operations>\
             <op id='m{number}' name='monitor' interval='10s'/></operations></primitive>"
        )
        .unwrap();
    }
    text.push_str("</resources><constraints/></configuration><status>");
    text.push_str(&online());
    text.push_str("</status></cib>");
    Document::parse(&text).unwrap()
}

/// Counts the allocations of one decision, and the steps that it finds.
fn decide(resources: usize) -> (usize, usize) {
    let cib = stopped(resources);
    let before = ALLOCATIONS.with(Cell::get);
    let (plan, _) = schedule(&cib, &Input { now: 1_800_000_000 });
    let after = ALLOCATIONS.with(Cell::get);
    (after - before, plan.graph.synapses.len())
}

#[test]
fn a_stopped_resource_costs_a_bounded_number_of_allocations() {
    let (few, steps) = decide(30);
    assert_eq!(steps, 30 * 4, "two probes, a start and a monitor each");
    let (many, _) = decide(300);
    let each = (many - few) / 270;
    assert!(few <= THIRTY_MAX, "{few} allocations for thirty resources");
    assert!(each <= EACH_MAX, "{each} allocations for each further resource");
}

/// Two nodes and `resources` primitives, each of which has to be with all before it.
fn dense(resources: usize) -> Document {
    let mut text = String::from(
        "<cib have-quorum='1'><configuration><crm_config><cluster_property_set id='o'>\
         <nvpair id='f' name='stonith-enabled' value='false'/></cluster_property_set></crm_config>\
         <nodes><node id='1' uname='a'/><node id='2' uname='b'/></nodes><resources>",
    );
    for number in 0..resources {
        write!(text, "<primitive id='r{number}' class='ocf' provider='pacemaker' type='Dummy'/>")
            .unwrap();
    }
    text.push_str("</resources><constraints>");
    for number in 0..resources {
        for with in 0..number {
            write!(
                text,
                "<rsc_colocation id='c{number}-{with}' rsc='r{number}' with-rsc='r{with}' \
                 score='5'/>"
            )
            .unwrap();
        }
    }
    text.push_str("</constraints></configuration><status>");
    text.push_str(&online());
    text.push_str("</status></cib>");
    Document::parse(&text).unwrap()
}

/// There are as many ways through such a net as it has subsets: not all can be walked.
#[test]
fn a_dense_net_of_colocations_costs_no_more_than_its_constraints() {
    let cib = dense(22);
    let allocations = || {
        let before = ALLOCATIONS.with(Cell::get);
        let (plan, _) = schedule(&cib, &Input { now: 1_800_000_000 });
        assert_eq!(plan.graph.synapses.len(), 22 * 3, "two probes and a start each");
        ALLOCATIONS.with(Cell::get) - before
    };
    let constraints = 22 * 21 / 2;
    let each = allocations() / constraints;
    assert!(each <= COLOCATION_MAX, "{each} allocations for each colocation");
}
