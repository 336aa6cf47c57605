//! The driver against a PDU of a few lines, of every model, with what can go wrong on the way.

use super::super::Name;
use super::*;
use std::collections::BTreeMap;
use std::vec::Vec as List;

/// A PDU of one model that believes one community.
struct Pdu {
    model: &'static Model,
    /// What it says it is, below `enterprises`.
    object: List<u32>,
    on: BTreeMap<List<u32>, bool>,
    /// Answers are lost while this is above 0.
    lose: u32,
    twice: bool,
    /// Looks at an outlet until an order takes effect; until then it reads as `between`.
    lag: u32,
    between: Option<i32>,
    pending: BTreeMap<List<u32>, (bool, u32)>,
    stuck: bool,
    read_only: bool,
    log: List<(List<u32>, bool)>,
}

fn plug(numbers: &[u32]) -> Plug {
    Plug::from_slice(numbers).unwrap()
}

impl Pdu {
    fn new(model: &str, object: &[u32], plugs: &[&[u32]]) -> Self {
        let on = plugs.iter().map(|plug| (plug.to_vec(), true)).collect();
        Self {
            model: Model::named(model).unwrap(),
            object: object.to_vec(),
            on,
            lose: 0,
            twice: false,
            lag: 0,
            between: None,
            pending: BTreeMap::new(),
            stuck: false,
            read_only: false,
            log: List::new(),
        }
    }

    fn answer(&mut self, datagram: &[u8]) -> List<Encoded> {
        let Some(mut unit) = message::read(1, b"private", datagram) else {
            return List::new();
        };
        unit.value = match (unit.kind, &unit.value) {
            (Kind::Get, _) => self.get(&unit.oid),
            (Kind::Set, Value::Integer(_)) if self.read_only => {
                unit.error = error::NOT_WRITABLE;
                Value::Null
            }
            (Kind::Set, Value::Integer(value)) => self.set(&unit.oid, *value),
            other => panic!("{other:?}"),
        };
        unit.kind = Kind::Response;
        if self.lose > 0 {
            self.lose -= 1;
            return List::new();
        }
        let reply = message::write(1, b"private", &unit).unwrap();
        if self.twice { List::from([reply.clone(), reply]) } else { List::from([reply]) }
    }

    fn get(&mut self, oid: &Oid) -> Value {
        if oid == SYS_OBJECT_ID {
            let mut object = Oid::from_slice(&[1, 3, 6, 1, 4, 1]).unwrap();
            object.extend_from_slice(&self.object).unwrap();
            return Value::Object(object);
        }
        let model = self.model;
        let plugs = self.on.keys().cloned().collect::<List<_>>();
        let Some(plug) = plugs.iter().find(|plug| model.state_of(plug).as_ref() == Some(oid))
        else {
            return Value::Absent;
        };
        if let Some((on, left)) = self.pending.get_mut(plug) {
            if *left > 0 {
                *left -= 1;
                if let Some(value) = self.between {
                    return Value::Integer(value);
                }
            } else {
                let on = *on;
                self.pending.remove(plug);
                self.on.insert(plug.clone(), on);
            }
        }
        let value = (0..10).find(|value| {
            let wanted = if self.on[plug] { PowerState::On } else { PowerState::Off };
            model.meaning(*value) == Some(wanted)
        });
        Value::Integer(value.unwrap())
    }

    fn set(&mut self, oid: &Oid, value: i32) -> Value {
        for plug in self.on.keys().cloned().collect::<List<_>>() {
            for (state, on) in [(PowerState::On, true), (PowerState::Off, false)] {
                if self.model.order(&plug, state) == Some((oid.clone(), value)) {
                    self.log.push((plug.clone(), on));
                    if !self.stuck {
                        self.pending.insert(plug, (on, self.lag));
                    }
                    return Value::Integer(value);
                }
            }
        }
        Value::Absent
    }

    fn all(&self, on: bool) -> bool {
        self.on.values().all(|state| *state == on)
    }
}

/// Plays a request for these outlets to its end in virtual time.
fn play(pdu: &mut Pdu, plugs: &[&[u32]], r: PowerRequest) -> Result<PowerState, DriverError> {
    let access = Access::V2c(Name::from_slice(b"private").unwrap());
    let plugs = plugs.iter().map(|numbers| plug(numbers)).collect();
    let mut driver = Outlets::new(access, plugs, None, [3; 32]);
    let mut now = 0;
    let within = Duration::from_secs(10);
    driver.handle_input(Instant::from_micros(0), Input::Request { request: r, within });
    for _ in 0..10_000 {
        while let Some(output) = driver.poll_output() {
            match output {
                Output::Done(result) => return result,
                Output::Send(datagram) => {
                    now += 1000;
                    for reply in pdu.answer(&datagram) {
                        driver.handle_input(Instant::from_micros(now), Input::Datagram(&reply));
                    }
                }
            }
        }
        now += 10_000;
        driver.handle_timeout(Instant::from_micros(now));
    }
    panic!("the request never ended");
}

#[test]
fn every_model_is_found_out_and_obeys() {
    for (model, object, outlet) in [
        ("apc-rpdu", &[318, 1, 3, 4, 5][..], &[2][..]),
        ("apc-rpdu2", &[318, 1, 3, 4, 5], &[2]),
        ("apc-rpdu2", &[318, 1, 3, 4, 6], &[2]),
        ("apc-masterswitch", &[318, 1, 3, 4, 2], &[2]),
        ("apc-masterswitch-plus", &[318, 1, 3, 4, 4], &[1, 1, 2]),
        ("eaton-g2", &[534, 6, 6, 7], &[2]),
        ("eaton-managed", &[534, 6, 6, 6], &[2]),
        ("eaton-switched", &[20677, 1], &[2]),
        ("raritan", &[13742, 6], &[2]),
        ("servertech-sentry3", &[1718, 3], &[1, 1, 2]),
        ("servertech-sentry4", &[1718, 4], &[2]),
        ("cyberpower", &[3808, 1, 1, 3], &[2]),
        ("tripplite", &[850, 1], &[2]),
        ("emerson", &[476, 1, 42], &[1, 1, 2]),
    ] {
        let mut pdu = Pdu::new(model, object, &[outlet]);
        pdu.lag = 3;
        for (request, state) in [
            (PowerRequest::Status, PowerState::On),
            (PowerRequest::Off, PowerState::Off),
            (PowerRequest::Status, PowerState::Off),
            (PowerRequest::On, PowerState::On),
        ] {
            assert_eq!(play(&mut pdu, &[outlet], request), Ok(state), "{model} {request:?}");
            assert!(pdu.all(state == PowerState::On), "{model} {request:?}");
        }
    }
}

#[test]
fn a_machine_with_two_supplies_is_off_only_when_both_are_and_none_is_on_before() {
    let plugs: &[&[u32]] = &[&[1], &[2]];
    let mut pdu = Pdu::new("apc-rpdu", &[318, 1, 3, 4, 5], plugs);
    pdu.lag = 2;
    assert_eq!(play(&mut pdu, plugs, PowerRequest::Reboot), Ok(PowerState::Off));
    let log: List<(u32, bool)> = pdu.log.iter().map(|(plug, on)| (plug[0], *on)).collect();
    assert_eq!(log, [(1, false), (2, false), (1, true), (2, true)]);
    pdu.on = [(std::vec![1], false), (std::vec![2], true)].into();
    assert_eq!(play(&mut pdu, plugs, PowerRequest::Status), Ok(PowerState::On));
}

#[test]
fn a_value_between_is_neither_on_nor_off() {
    let mut pdu = Pdu::new("eaton-g2", &[534, 6, 6, 7], &[&[1]]);
    (pdu.lag, pdu.between) = (4, Some(2));
    assert_eq!(play(&mut pdu, &[&[1]], PowerRequest::Off), Ok(PowerState::Off));
    pdu.lag = u32::MAX;
    assert_eq!(play(&mut pdu, &[&[1]], PowerRequest::On), Err(DriverError::Unclear(2)));
    assert_eq!(play(&mut pdu, &[&[1]], PowerRequest::Status), Err(DriverError::Unclear(2)));
}

#[test]
fn an_order_that_is_accepted_and_never_obeyed_is_an_error() {
    let mut pdu = Pdu::new("apc-rpdu", &[318, 1, 3, 4, 5], &[&[1]]);
    pdu.stuck = true;
    let result = play(&mut pdu, &[&[1]], PowerRequest::Off);
    assert_eq!(result, Err(DriverError::NotObeyed(PowerState::On)));
}

#[test]
fn lost_and_doubled_answers_only_cost_time() {
    for lose in 0..5 {
        let mut pdu = Pdu::new("raritan", &[13742, 6], &[&[1]]);
        (pdu.lose, pdu.twice, pdu.lag) = (lose, true, 1);
        assert_eq!(play(&mut pdu, &[&[1]], PowerRequest::Off), Ok(PowerState::Off));
    }
}

#[test]
fn what_cannot_be_done_says_why_and_says_nothing_about_the_power() {
    let rpdu = || Pdu::new("apc-rpdu", &[318, 1, 3, 4, 5], &[&[1]]);
    let off = PowerRequest::Off;
    let silent = DriverError::NoAnswer(Step::Identify);
    assert_eq!(play(&mut Pdu { lose: u32::MAX, ..rpdu() }, &[&[1]], off), Err(silent));
    let read_only = Err(DriverError::NotAllowed(Step::Control));
    assert_eq!(play(&mut Pdu { read_only: true, ..rpdu() }, &[&[1]], off), read_only);
    assert_eq!(play(&mut rpdu(), &[&[9]], off), Err(DriverError::NoSuchOutlet));
    assert_eq!(play(&mut rpdu(), &[&[1], &[9]], off), Err(DriverError::NotAllowed(Step::Control)));
    assert_eq!(play(&mut rpdu(), &[], off), Err(DriverError::NoSuchOutlet));
    let mut stranger = Pdu { object: List::from([9999, 1]), ..rpdu() };
    assert_eq!(play(&mut stranger, &[&[1]], off), Err(DriverError::UnknownModel));
}

#[test]
fn rubbish_and_late_answers_are_ignored() {
    let access = Access::V1(Name::from_slice(b"public").unwrap());
    let mut driver = Outlets::new(access, [plug(&[1])].into_iter().collect(), None, [9; 32]);
    let now = Instant::from_micros(0);
    let within = Duration::from_secs(1);
    driver.handle_input(now, Input::Request { request: PowerRequest::Status, within });
    for length in 0..600 {
        let rubbish: List<u8> = (0..=250).cycle().step_by(7).take(length).collect();
        driver.handle_input(now, Input::Datagram(&rubbish));
    }
    let oid = Oid::from_slice(SYS_OBJECT_ID).unwrap();
    let late = Unit::request(Kind::Response, -5, oid.clone(), Value::Object(oid));
    let late = message::write(0, b"public", &late).unwrap();
    driver.handle_input(now, Input::Datagram(&late));
    let outputs: List<Output> = core::iter::from_fn(|| driver.poll_output()).collect();
    assert!(matches!(&outputs[..], [Output::Send(_)]), "{outputs:?}");
}
