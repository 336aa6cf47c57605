//! The small languages inside a CIB and on the tools' command lines: durations, dates, scores,
//! versions, XPath, rules, and the operations of `cibadmin`.
#![no_main]

use diarch_cib::operations::{self, Kind, Operation};
use diarch_cib::rules::{self, Context};
use diarch_cib::score::Score;
use diarch_cib::time::{self, DateTime, Duration, Period};
use diarch_cib::xml::Document;
use diarch_cib::xpath;
use diarch_fuzz::Choices;
use libfuzzer_sys::fuzz_target;

const CIB: &str = include_str!("../../core/scheduler/tests/damaged.xml");
const KINDS: [Kind; 10] = [
    Kind::Query,
    Kind::Create,
    Kind::Modify,
    Kind::Replace,
    Kind::Delete,
    Kind::DeleteAll,
    Kind::Patch,
    Kind::Erase,
    Kind::Bump,
    Kind::Upgrade,
];

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices::new(bytes);
    let what = choices.below(4);
    let text = String::from_utf8_lossy(choices.clone().rest()).into_owned();
    match what {
        0 => words(&text),
        1 => {
            let document = Document::parse(CIB).expect("the sample is a CIB");
            let _found = xpath::select(&document, &text);
        }
        2 => rule(&text),
        _ => operation(&mut choices),
    }
});

fn words(text: &str) {
    let _interval = time::interval_ms(text);
    let _truth = time::truth(text);
    let _score = text.parse::<Score>();
    let _period = text.parse::<Period>();
    let middle = text.len() / 2;
    if let Some((one, other)) = text.split_at_checked(middle) {
        let _order = rules::compare_versions(one, other);
    }
    let date = text.parse::<DateTime>();
    if let Ok(date) = &date {
        let _civil = (date.civil(), date.year_day(), date.week());
    }
    if let Ok(duration) = text.parse::<Duration>() {
        let _later = date.ok().or_else(|| "2026-01-31".parse().ok()).map(|d| d.plus(duration));
    }
}

fn rule(text: &str) {
    let Ok(document) = Document::parse(text) else { return };
    let now = "2026-11-23T08:00:00Z".parse().expect("that is a date");
    let _holds = rules::holds(document.root(), &Context::at(now));
    let _condition = rules::condition(document.root(), &Context::at(now));
}

fn operation(choices: &mut Choices<'_>) {
    let mut document = Document::parse(CIB).expect("the sample is a CIB");
    let kind = KINDS[choices.below(KINDS.len())];
    let flags = choices.byte();
    let section = choices.text(20);
    let xpath = choices.text(60);
    let input = String::from_utf8_lossy(choices.rest()).into_owned();
    let operation = Operation {
        kind,
        section: (flags & 1 != 0).then_some(section.as_str()),
        xpath: (flags & 2 != 0).then_some(xpath.as_str()),
        input: (flags & 4 == 0).then_some(input.as_str()),
        allow_create: flags & 8 != 0,
        score: flags & 16 != 0,
        no_children: flags & 32 != 0,
    };
    let before = document.write();
    if kind == Kind::Query {
        let _answer = operations::query(&document, &operation);
    } else if operations::apply(&mut document, &operation).is_err() {
        assert_eq!(document.write(), before, "a refused change changes nothing");
    }
}
