//! Whatever a CIB says, deciding about it may not panic: a panic would reset both nodes.
//!
//! A whole CIB is damaged in its structure: elements are removed, doubled, moved and renamed,
//! values exchanged and made absurd. The damage is drawn from fixed seeds, so a failure repeats.
//! Where the corpus is present, its inputs are damaged too. `DAMAGE_SEEDS=N` raises the number of
//! seeds for each input.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]
#![expect(clippy::print_stdout, reason = "the totals are the test's report")]

use diarch_cib::upgrade;
use diarch_cib::xml::{Document, Element};
use diarch_scheduler::summary::{self, Show};
use diarch_scheduler::{Input, graph, read, schedule, simulate};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

const WHOLE: &str = include_str!("damaged.xml");
const NOW: i64 = 1_800_000_000;

/// Values that readers stumble over.
const VALUES: &[&str] = &[
    "",
    "0",
    "-1",
    "1",
    "2",
    "true",
    "INFINITY",
    "-INFINITY",
    "999999999999999999999",
    "1000000",
    "-2147483649",
    "4294967296",
    "PT9999999999H",
    "2038-01-19",
    ":",
    ":0",
    "rsc:0",
    "rsc:",
    "#kind",
    "#uname",
    "node1",
    "node2",
    "Promoted",
    "Master",
    "Stopped",
    "stop",
    "migrate_to",
    "promote",
    "fencing",
    "fence",
    "ignore",
    "demote",
    "freeze",
    "é",
    "ocf",
    "stonith",
    "remote",
    "193",
    "7",
    "8",
    "9",
    "0:0;1:2:3:4",
    "podman",
    "guest",
    "never",
    "4:7:0:00000000-0000-0000-0000-000000000000",
];

struct Damage(u64);

impl Damage {
    fn below(&mut self, bound: usize) -> usize {
        // A linear congruence: its high bits are the better ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    fn element<'d>(&mut self, document: &'d Document) -> Element<'d> {
        let all: Vec<Element<'d>> = document.root().descendants().collect();
        all.get(self.below(all.len())).copied().unwrap_or_else(|| document.root())
    }

    fn value(&mut self, document: &Document) -> String {
        if self.below(2) == 0 {
            return VALUES[self.below(VALUES.len())].to_owned();
        }
        let element = self.element(document);
        let all: Vec<&str> = element.attributes().map(|(_, value)| value).collect();
        all.get(self.below(all.len())).copied().unwrap_or_default().to_owned()
    }

    fn done_to(&mut self, document: &mut Document) {
        for _ in 0..=self.below(6) {
            let element = self.element(document);
            let id = element.id();
            match self.below(10) {
                0 => document.detach(id),
                1 => {
                    let copy = Document::from_element(self.element(document));
                    document.append_copy(id, copy.root());
                }
                2 => {
                    let copy = Document::from_element(element);
                    let parent = self.element(document).id();
                    document.detach(id);
                    if parent != id {
                        document.append_copy(parent, copy.root());
                    }
                }
                3 => {
                    let name = self.element(document).name().to_owned();
                    document.rename(id, &name);
                }
                kind => {
                    let names: Vec<String> =
                        element.attributes().map(|(name, _)| name.to_owned()).collect();
                    let Some(name) = names.get(self.below(names.len())) else { continue };
                    if kind == 4 {
                        document.remove_attribute(id, name);
                    } else {
                        let value = self.value(document);
                        document.set_attribute(id, name, &value);
                    }
                }
            }
        }
    }
}

/// Everything that is done with a CIB before a node acts on it, and what tools show of it.
fn decide(document: &Document) {
    let input = Input { now: NOW };
    let (plan, _) = schedule(document, &input);
    let written = graph::write(&plan.graph);
    let error = Document::parse(&written).err().map(|error| error.to_string());
    assert_eq!(error, None, "{written}");
    let _drawn = summary::drawing(&plan.tables, &plan.graph, true);
    let _told = summary::transition(&plan.tables);
    let _status = summary::status(&read(document, &input), "Status", &Show::everything_that_runs());
    let mut after = document.clone();
    let _outcome = simulate::run(&plan.tables, &plan.graph, &[], &mut after);
    let _after = schedule(&after, &input);
}

/// The seeds whose damage to `whole` makes a decision panic.
fn panics(name: &str, whole: &Document, seeds: core::ops::Range<u64>) -> Vec<String> {
    let fails = |seed: &u64| {
        let mut document = whole.clone();
        Damage(*seed).done_to(&mut document);
        catch_unwind(AssertUnwindSafe(|| {
            decide(&document);
            let mut newer = document.clone();
            if upgrade::upgrade(&mut newer, None).is_ok() {
                decide(&newer);
            }
        }))
        .is_err()
    };
    seeds.filter(fails).map(|seed| format!("{name} seed {seed}")).collect()
}

fn seeds(usual: u64) -> core::ops::Range<u64> {
    let asked = std::env::var("DAMAGE_SEEDS").ok().and_then(|text| text.parse().ok());
    0..asked.unwrap_or(usual)
}

#[test]
fn a_damaged_configuration_is_decided_about() {
    let whole = Document::parse(WHOLE).unwrap();
    decide(&whole);
    let failed = panics("damaged.xml", &whole, seeds(500));
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn damaged_inputs_of_the_corpus_are_decided_about() {
    let named = std::env::var_os("PACEMAKER_CTS_DIR").map(std::path::PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cts");
    let Some(corpus) = named.into_iter().chain([beside]).find(|path| path.join("xml").is_dir())
    else {
        println!("skipped: no corpus");
        return;
    };
    let only = std::env::var("CTS_ONLY").ok();
    let mut failed = Vec::new();
    let mut inputs = 0;
    for entry in std::fs::read_dir(corpus.join("xml")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // Large inputs take long and say nothing that small ones do not.
        if text.len() > 40_000 || only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let Ok(whole) = Document::parse(&text) else { continue };
        inputs += 1;
        failed.extend(panics(&name, &whole, seeds(10)));
    }
    println!("{inputs} inputs damaged");
    assert!(failed.is_empty(), "{failed:#?}");
}

/// A CIB of two nodes with these resources and constraints.
fn cib(resources: &str, constraints: &str) -> Document {
    let text = format!(
        r#"<cib validate-with="pacemaker-3.9" have-quorum="1"><configuration><crm_config/>
        <nodes><node id="1" uname="a"/><node id="2" uname="b"/></nodes>
        <resources>{resources}</resources><constraints>{constraints}</constraints></configuration>
        <status><node_state id="1" uname="a" in_ccm="true" crmd="online" join="member"
        expected="member"><lrm id="1"><lrm_resources/></lrm></node_state></status></cib>"#
    );
    Document::parse(&text).unwrap()
}

fn primitive(id: &str) -> String {
    format!(r#"<primitive id="{id}" class="ocf" provider="pacemaker" type="Dummy"/>"#)
}

/// *Pacemaker Explained* 10.2.2 and 10.3.2 set no bound; memory does.
#[test]
fn more_instances_than_a_machine_can_hold_are_cut_with_the_element_named() {
    let meta = r#"<meta_attributes id="m"><nvpair id="m1" name="clone-max" value="1000000000"/>
        <nvpair id="m2" name="clone-node-max" value="1000000000"/>
        <nvpair id="m3" name="globally-unique" value="true"/></meta_attributes>"#;
    let clone = format!(r#"<clone id="many">{meta}{}</clone>"#, primitive("one"));
    let bundle = r#"<bundle id="many"><podman image="i" replicas="1000000000"/></bundle>"#;
    for (resources, option) in [(clone.as_str(), "clone-max"), (bundle, "replicas")] {
        let document = cib(resources, "");
        let (plan, diagnostics) = schedule(&document, &Input { now: NOW });
        assert!(plan.tables.resources.len() < 10_000);
        let expected = format!("{option}=1000000000 of many is more than 1000 instances");
        assert!(diagnostics.iter().any(|d| d.message.starts_with(&expected)), "{diagnostics:?}");
    }
}

#[test]
fn circles_of_constraints_are_decided_about() {
    let resources: String = ["x", "y", "z"].map(primitive).concat();
    let mut constraints = String::new();
    for (at, (first, then)) in [("x", "y"), ("y", "z"), ("z", "x")].iter().enumerate() {
        constraints.push_str(&format!(
            r#"<rsc_order id="o{at}" first="{first}" then="{then}"/>
            <rsc_colocation id="c{at}" rsc="{first}" with-rsc="{then}" score="INFINITY"/>"#
        ));
    }
    decide(&cib(&resources, &constraints));
}

#[test]
fn references_to_nothing_and_to_themselves_are_survived() {
    let resources = format!(
        r#"{}<primitive id="y" template="y"><meta_attributes id-ref="gone"/>
        <meta_attributes id="own"><nvpair id-ref="own"/></meta_attributes></primitive>
        <primitive id="z" template="nothing"/><clone id="empty"/><group id="bare"/>"#,
        primitive("x")
    );
    let constraints = r#"<rsc_location id="l" rsc="x"><rule id-ref="l"/></rsc_location>
        <rsc_location id="p" rsc-pattern="((a{1,100}){1,100}){1,100}" node="a" score="1"/>
        <rsc_order id="s" first="x" then="x"/>
        <rsc_colocation id="t" rsc="x" with-rsc="x" score="5"/>
        <rsc_order id="e"><resource_set id="n"/></rsc_order>
        <rsc_ticket id="k" rsc="ghost" ticket=""/>"#;
    decide(&cib(&resources, constraints));
}
