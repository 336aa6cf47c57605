//! Decisions about a CIB whose structure the fuzzer has changed: elements removed, doubled, moved
//! and renamed, values exchanged and made up.
#![no_main]

use diarch_cib::upgrade;
use diarch_cib::xml::Document;
use diarch_fuzz::Choices;
use diarch_scheduler::summary::{self, Show};
use diarch_scheduler::{Input, graph, read, schedule, simulate};
use libfuzzer_sys::fuzz_target;

const BASES: [&str; 2] = [
    include_str!("../../core/scheduler/tests/damaged.xml"),
    include_str!("../../images/examples/storage-head.xml"),
];
const NOW: i64 = 1_800_000_000;
/// Changes to one CIB.
const CHANGES_MAX: usize = 12;

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices::new(bytes);
    let base = BASES[choices.below(BASES.len())];
    let mut document = Document::parse(base).expect("the samples are CIBs");
    for _ in 0..CHANGES_MAX {
        if choices.is_over() {
            break;
        }
        change(&mut document, &mut choices);
    }
    decide(&document);
    let mut newer = document.clone();
    if upgrade::upgrade(&mut newer, None).is_ok_and(|upgraded| upgraded.from != upgraded.to) {
        decide(&newer);
    }
});

fn change(document: &mut Document, choices: &mut Choices<'_>) {
    let kind = choices.below(8);
    let element = choices.element(document);
    let id = element.id();
    match kind {
        0 => document.detach(id),
        1 => {
            let copy = Document::from_element(choices.element(document));
            document.append_copy(id, copy.root());
        }
        2 => {
            let copy = Document::from_element(element);
            let parent = choices.element(document).id();
            document.detach(id);
            if parent != id {
                document.append_copy(parent, copy.root());
            }
        }
        3 => {
            let name = choices.element(document).name().to_owned();
            document.rename(id, &name);
        }
        _ => {
            let number = element.attributes().count();
            let chosen = choices.below(number);
            let Some((name, _)) = element.attributes().nth(chosen) else { return };
            let name = name.to_owned();
            if kind == 4 {
                document.remove_attribute(id, &name);
                return;
            }
            let value = match kind {
                5 => {
                    let other = choices.element(document);
                    let number = other.attributes().count();
                    let chosen = choices.below(number);
                    other.attributes().nth(chosen).map_or_else(String::new, |a| a.1.to_owned())
                }
                _ => choices.text(24),
            };
            document.set_attribute(id, &name, &value);
        }
    }
}

fn decide(document: &Document) {
    let input = Input { now: NOW };
    let (plan, _) = schedule(document, &input);
    let written = graph::write(&plan.graph);
    Document::parse(&written).expect("a graph can be read");
    let _drawn = summary::drawing(&plan.tables, &plan.graph, true);
    let _told = summary::transition(&plan.tables);
    let _status = summary::status(&read(document, &input), "Status", &Show::everything_that_runs());
    let mut after = document.clone();
    let _outcome = simulate::run(&plan.tables, &plan.graph, &[], &mut after);
    let _after = schedule(&after, &input);
}
