//! Whoever answers in a power switch's place: packets of any content, to the codecs and the
//! drivers.
#![no_main]

use core::time::Duration;
use diarch_fencing_hw::ipmi::legacy::Auth;
use diarch_fencing_hw::ipmi::suite::Suite;
use diarch_fencing_hw::ipmi::{self, Lan, Old, Privilege, Secret, Settings};
use diarch_fencing_hw::power::{Input, Output, PowerRequest, PowerSwitch};
use diarch_fencing_hw::snmp::model::MODELS;
use diarch_fencing_hw::snmp::usm::{self, Proof, User};
use diarch_fencing_hw::snmp::{self, Access, Outlets};
use diarch_fencing_hw::time::Instant;
use diarch_fuzz::Choices;
use libfuzzer_sys::fuzz_target;

const WITHIN: Duration = Duration::from_secs(20);
const REQUESTS: [PowerRequest; 4] =
    [PowerRequest::Status, PowerRequest::Off, PowerRequest::On, PowerRequest::Reboot];

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices::new(bytes);
    match choices.below(4) {
        0 => codecs(choices.rest()),
        1 => {
            let settings = Settings {
                user: "admin".parse().expect("that is a name"),
                password: Secret::new(b"secret").expect("that is a password"),
                kg: None,
                suite: if choices.below(2) == 0 { Suite::Sha1 } else { Suite::Sha256 },
                privilege: Privilege::Operator,
            };
            play(&mut Lan::new(settings, [7; 32]), &mut choices);
        }
        2 => {
            let auth = if choices.below(2) == 0 { Auth::Md5 } else { Auth::Password };
            let settings = Settings {
                user: "admin".parse().expect("that is a name"),
                password: Secret::new(b"secret").expect("that is a password"),
                kg: None,
                suite: Suite::Sha1,
                privilege: Privilege::Operator,
            };
            let old = Old { auth, unless_plus: choices.below(2) == 0 };
            play(&mut Lan::legacy(settings, old, [7; 32]), &mut choices);
        }
        _ => {
            let community = heapless::Vec::from_slice(b"private").expect("that is a community");
            let v1 = choices.below(2) == 0;
            let access = if v1 { Access::V1(community) } else { Access::V2c(community) };
            let model = MODELS.get(choices.below(MODELS.len() + 1));
            let plug = heapless::Vec::from_slice(&[1]).expect("that is an outlet");
            let plugs = heapless::Vec::from_iter([plug]);
            play(&mut Outlets::new(access, plugs, model, [7; 32]), &mut choices);
        }
    }
});

fn codecs(bytes: &[u8]) {
    let _packet = ipmi::wire::read(bytes);
    let _old = ipmi::legacy::read(bytes);
    let _answer = ipmi::message::read(bytes);
    for version in 0..2 {
        let _unit = snmp::message::read(version, b"private", bytes);
    }
    let word = |text: &[u8]| heapless::Vec::from_slice(text).expect("that is short");
    let user = User {
        name: word(b"admin"),
        proof: Some((Proof::Sha1, word(b"password"))),
        privacy: Some(word(b"password")),
    };
    let _heard = usm::read(&user, None, bytes);
}

/// One request. The device echoes what it was asked with changes, or says something else.
fn play(driver: &mut impl PowerSwitch, choices: &mut Choices<'_>) {
    let start = Instant::from_micros(5_000_000);
    let mut now = start;
    let request = REQUESTS[choices.below(REQUESTS.len())];
    driver.handle_input(now, Input::Request { request, within: WITHIN });
    for _ in 0..100_000 {
        while let Some(output) = driver.poll_output() {
            match output {
                Output::Done(_) => {
                    assert!(now.since(start) <= WITHIN + Duration::from_secs(1), "late");
                    return;
                }
                Output::Send(asked) => {
                    let reply = answer(&asked, choices);
                    now = now.after(Duration::from_millis(1));
                    driver.handle_input(now, Input::Datagram(&reply));
                }
            }
        }
        let due = driver.poll_timeout().expect("a driver that is busy waits for something");
        now = if due > now { due } else { now };
        driver.handle_timeout(now);
    }
    panic!("the driver never ends");
}

fn answer(asked: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    if choices.below(4) == 0 {
        return choices.some(120).to_vec();
    }
    let mut reply = asked.to_vec();
    for _ in 0..choices.below(10) {
        let at = choices.below(reply.len());
        let byte = choices.byte();
        if let Some(old) = reply.get_mut(at) {
            *old = byte;
        }
    }
    reply.extend_from_slice(choices.some(60));
    reply
}
