//! How often a decision asks for memory: what was measured, and a tenth; to be lowered only.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use diarch_cib::xml::Document;
use diarch_scheduler::{Input, schedule};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

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

/// Two nodes that are members, with these resources and constraints.
fn cib(resources: &str, constraints: &str) -> Document {
    let states = [(1, "a"), (2, "b")].map(|(id, name)| {
        format!(
            "<node_state id='{id}' uname='{name}' in_ccm='true' crmd='online' join='member' \
             expected='member'/>"
        )
    });
    let text = format!(
        "<cib have-quorum='1'><configuration><crm_config><cluster_property_set id='o'>\
         <nvpair id='f' name='stonith-enabled' value='false'/></cluster_property_set></crm_config>\
         <nodes><node id='1' uname='a'/><node id='2' uname='b'/></nodes>\
         <resources>{resources}</resources><constraints>{constraints}</constraints>\
         </configuration><status>{}</status></cib>",
        states.concat()
    );
    Document::parse(&text).unwrap()
}

fn primitive(number: usize, inside: &str) -> String {
    format!(
        "<primitive id='r{number}' class='ocf' provider='pacemaker' type='Dummy'>{inside}\
         </primitive>"
    )
}

/// `resources` stopped primitives with a monitor each.
fn stopped(resources: usize) -> Document {
    let monitored = |number| {
        let monitor = format!("<op id='m{number}' name='monitor' interval='10s'/>");
        primitive(number, &format!("<operations>{monitor}</operations>"))
    };
    cib(&(0..resources).map(monitored).collect::<String>(), "")
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

/// `resources` primitives, each of which has to be with all before it.
fn dense(resources: usize) -> Document {
    let pairs = (0..resources).flat_map(|one| (0..one).map(move |with| (one, with)));
    let colocation = |(one, with)| {
        format!("<rsc_colocation id='c{one}-{with}' rsc='r{one}' with-rsc='r{with}' score='5'/>")
    };
    let primitives: String = (0..resources).map(|number| primitive(number, "")).collect();
    cib(&primitives, &pairs.map(colocation).collect::<String>())
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
