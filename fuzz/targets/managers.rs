//! What managers and tools say to a manager: messages, segments of the stream, requests, replies.
#![no_main]

use diarch_cib::xml::Document;
use diarch_cluster::Instant;
use diarch_cluster::config::{Key, NodeIndex};
use diarch_cluster::membership::wire::{Heartbeat, Seal};
use diarch_cluster::replication::message::Message;
use diarch_cluster::replication::stream::Stream;
use diarch_cluster::request::{Reply, Request};
use diarch_fuzz::Choices;
use libfuzzer_sys::fuzz_target;

const CIB: &str = include_str!("../../images/examples/storage-head.xml");

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices::new(bytes);
    match choices.below(4) {
        0 => message(choices.rest()),
        1 => request(&String::from_utf8_lossy(choices.rest())),
        2 => stream(&mut choices),
        _ => {
            if let Ok(heartbeat) = Heartbeat::decode(choices.rest()) {
                let again = heartbeat.encode();
                assert_eq!(Heartbeat::decode(&again).map(|h| h.encode()), Ok(again));
            }
        }
    }
});

fn message(bytes: &[u8]) {
    let Some(message) = Message::decode(bytes) else { return };
    assert_eq!(Message::decode(&message.encode()).as_ref(), Some(&message));
    if let Message::Update { change, .. } = message {
        let mut document = Document::parse(CIB).expect("the sample is a CIB");
        let before = document.write();
        if change.apply(&mut document).is_err() {
            assert_eq!(document.write(), before, "a refused change changes nothing");
        }
    }
}

fn request(text: &str) {
    if let Ok(request) = Request::from_xml(text) {
        Request::from_xml(&request.to_xml()).expect("what was written can be read");
    }
    if let Ok(reply) = Reply::from_xml(text) {
        Reply::from_xml(&reply.to_xml()).expect("what was written can be read");
    }
}

/// Segments that were sealed by the peer, changed, doubled, kept back.
fn stream(choices: &mut Choices<'_>) {
    let key = Key([7; 32]);
    let end = |local| Stream::new(Seal::new(&key, "heads", local), local, 2, 5);
    let (mut one, mut other) = (end(NodeIndex::First), end(NodeIndex::Second));
    let mut now = 1;
    for stream in [&mut one, &mut other] {
        stream.set_links(3);
        stream.open(Instant::from_micros(now));
    }
    let mut kept = Vec::new();
    for _ in 0..200 {
        if choices.is_over() {
            return;
        }
        now += 1000 * u64::from(choices.byte());
        let at = Instant::from_micros(now);
        if one.is_open() && choices.below(2) == 0 {
            let _sent = one.send(at, choices.some(2000));
        }
        core::mem::swap(&mut one, &mut other);
        one.handle_timeout(at);
        while let Some((_, segment)) = one.poll_segment() {
            kept.push(segment);
        }
        for _ in 0..kept.len().min(3) {
            let chosen = choices.below(kept.len());
            let mut segment = kept.swap_remove(chosen);
            match choices.below(8) {
                0 => continue,
                1 => kept.push(segment.clone()),
                2 => segment.truncate(choices.below(64)),
                _ => {}
            }
            other.handle_segment(at, &segment);
        }
        while other.poll_delivery().is_some() {}
    }
}
