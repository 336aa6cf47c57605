//! Nothing read from outside may panic, however damaged: a panic would reset both nodes.
//!
//! The damage is drawn from fixed seeds, so a failure repeats.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

use diarch_cib::rules::{self, Context};
use diarch_cib::time::{self, DateTime, Duration};
use diarch_cib::xml::Document;
use diarch_cib::{digest, nvpairs, operations, patch, validate, xpath};

const CIB: &str = r##"<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="7" num_updates="3">
  <configuration>
    <crm_config>
      <cluster_property_set id="o" score="INFINITY">
        <rule id="r" boolean-op="or" score="+100">
          <expression id="e" attribute="#uname" operation="gte" type="version" value="1.2.3"/>
          <date_expression id="d" operation="in_range" start="2005-020T10:00:00 +01:00">
            <duration id="u" months="14" weeks="3"/>
          </date_expression>
          <date_expression id="s" operation="date_spec">
            <date_spec id="sp" hours="9-16" weekdays="1-" yeardays="-99" weekyears="2009"/>
          </date_expression>
        </rule>
        <nvpair id="p" name="stonith-enabled" value="++"/>
        <nvpair id-ref="p"/>
      </cluster_property_set>
    </crm_config>
    <nodes/><resources><primitive id="A" class="ocf" provider="x" type="y"/></resources>
    <constraints><rsc_location id="l" rsc="A" node="n" score="-INFINITY"/></constraints>
  </configuration>
  <status/>
</cib>"##;

/// Pieces that parsers stumble over.
const PIECES: &[&str] = &[
    "",
    "<",
    ">",
    "\"",
    "'",
    "&",
    "&#0;",
    "&amp;",
    "--",
    "]]>",
    "<!--",
    "9999999999999999999999",
    "-",
    "+",
    "é",
    "\u{10ffff}",
    "\0",
    "P",
    "T",
    "W53-7",
    "-INFINITY",
    "id-ref=\"p\"",
    "[",
    "]",
    "(",
    "//",
    "..",
    "|",
    "@",
    "*",
    "2024-02-30",
    "-9223372036854775808",
    "9223372036854775807",
];

struct Damage(u64);

impl Damage {
    fn below(&mut self, bound: usize) -> usize {
        // A linear congruence: its high bits are the better ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn done_to(&mut self, text: &str) -> String {
        let mut text: Vec<char> = text.chars().collect();
        for _ in 0..=self.below(3) {
            let from = self.below(text.len() + 1);
            let to = (from + self.below(6)).min(text.len());
            let piece = PIECES[self.below(PIECES.len())];
            text.splice(from..to, piece.chars());
        }
        text.into_iter().collect()
    }
}

#[test]
fn a_damaged_document_is_refused_or_understood() {
    let whole = Document::parse(CIB).unwrap();
    let context = Context::at("2019-06-05".parse().unwrap());
    let (mut refused, mut understood) = (0, 0);
    for seed in 0..20_000 {
        let text = Damage(seed).done_to(CIB);
        let Ok(document) = Document::parse(&text) else {
            refused += 1;
            continue;
        };
        understood += 1;
        let written = document.write();
        assert_eq!(Document::parse(&written).unwrap().write(), written, "seed {seed}");
        core::hint::black_box(validate::check(&document));
        core::hint::black_box(digest::of_element(document.root()));
        for element in document.root().descendants() {
            core::hint::black_box(nvpairs::collect(
                element,
                "cluster_property_set",
                &context,
                None,
            ));
            if element.name() == "rule" {
                core::hint::black_box(rules::holds(element, &context));
            }
        }
        if let Some(made) = patch::make(&whole, &document) {
            let mut old = whole.clone();
            if patch::apply(&mut old, made.root(), false).is_ok() {
                assert_eq!(old.root().name(), "cib", "seed {seed}");
            }
        }
    }
    assert!(refused > 1000 && understood > 1000, "{refused} refused, {understood} understood");
}

#[test]
fn a_damaged_patch_is_applied_or_refused() {
    let old = Document::parse(CIB).unwrap();
    let new = CIB
        .replace("epoch=\"7\"", "epoch=\"8\"")
        .replace("<nodes/>", "<nodes><node id=\"1\"/></nodes>");
    let made = patch::make(&old, &Document::parse(&new).unwrap()).unwrap().write();
    for seed in 0..20_000 {
        if let Ok(damaged) = Document::parse(&Damage(seed).done_to(&made)) {
            let mut document = old.clone();
            if patch::apply(&mut document, damaged.root(), true).is_err() {
                assert_eq!(document.write(), old.write(), "seed {seed}: refused but changed");
            }
        }
    }
}

#[test]
fn a_damaged_change_is_carried_out_or_leaves_all_as_it_was() {
    use operations::{Kind, Operation};
    let old = Document::parse(CIB).unwrap();
    // One can be created and the other is there already: creation is refused half-way.
    let input =
        r#"<resources><primitive id="B" type="z"/><primitive id="A" type="z"/></resources>"#;
    let kinds = [Kind::Create, Kind::Modify, Kind::Replace, Kind::Delete, Kind::DeleteAll];
    for seed in 0..10_000 {
        let mut damage = Damage(seed);
        let whole = damage.below(4) == 0;
        let input = if whole { input.to_owned() } else { damage.done_to(input) };
        let path = damage.done_to("//primitive[@id='A']");
        let xpath = (damage.below(2) == 0).then_some(path.as_str());
        let operation = Operation {
            kind: kinds[damage.below(kinds.len())],
            section: Some("resources"),
            xpath,
            input: Some(&input),
            allow_create: damage.below(2) == 0,
            score: true,
            no_children: false,
        };
        let mut document = old.clone();
        if operations::apply(&mut document, &operation).is_err() {
            assert_eq!(document.write(), old.write(), "seed {seed}: refused but changed");
        }
    }
}

#[test]
fn damaged_times_scores_and_paths_are_refused_or_understood() {
    let document = Document::parse(CIB).unwrap();
    let texts = [
        "2009-W01-1T10:00:00 +01:00",
        "2005-020",
        "P1Y2M3W4DT5H6M7S",
        "15min",
        "+INFINITY",
        "//nvpair[@name='x' and not(position()=last())]|/cib/*[2]/..",
        "string-length(substring(//@id, 1, 3)) + -count(//rule) div 0",
    ];
    for seed in 0..60_000 {
        let mut damage = Damage(seed);
        let whole = texts[damage.below(texts.len())];
        let text = damage.done_to(whole);
        core::hint::black_box(time::interval_ms(&text));
        core::hint::black_box(text.parse::<diarch_cib::score::Score>().is_ok());
        let duration = text.parse::<Duration>();
        if let Ok(date) = text.parse::<DateTime>() {
            core::hint::black_box((date.civil(), date.week(), date.year_day()));
            core::hint::black_box(date.plus("P9999Y11M".parse().unwrap()));
        }
        if let Ok(duration) = duration {
            let date: DateTime = "2019-12-31".parse().unwrap();
            core::hint::black_box((duration.approximate_seconds(), date.plus(duration).civil()));
        }
        core::hint::black_box(xpath::select(&document, &text).is_ok());
    }
}

#[test]
fn hostile_documents_are_refused_within_bounds() {
    let deep = format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000));
    let bomb = "<!DOCTYPE a [<!ENTITY x 'xxxxxxxx'><!ENTITY y '&x;&x;&x;&x;'>]><a b='&y;'/>";
    for (what, text) in [
        ("nesting", deep.as_str()),
        ("entities", bomb),
        ("duplicate attributes", "<a b='1' b='2'/>"),
        ("two roots", "<a/><b/>"),
        ("no root", ""),
        ("an open end", "<a><b></a>"),
    ] {
        assert!(Document::parse(text).is_err(), "{what}");
    }
    let document = Document::parse(CIB).unwrap();
    for expression in ["(".repeat(100_000), "not(".repeat(100_000), "-".repeat(100_000)] {
        assert!(xpath::select(&document, &expression).is_err());
    }
}
