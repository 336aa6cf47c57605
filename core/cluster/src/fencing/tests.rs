//! The fencer against switches that obey, refuse, lie low and are slow.

use super::device::Parameters;
use super::settings::Settings;
use super::*;

const BOOT: BootId = BootId(7);

struct Rig {
    fencer: Fencer,
    now: Instant,
    levels: Levels,
    goal: Option<Goal>,
    /// Questions that are not answered yet.
    asked: Vec<(PowerJob, String, PowerAction)>,
    /// What the last one may take.
    within: Duration,
    log: Vec<String>,
}

fn device(id: &str) -> Device {
    let (id, agent) = (id.to_owned(), "fence_test".to_owned());
    Device { id, agent, parameters: Parameters::default(), settings: Box::default() }
}

impl Rig {
    fn new(levels: &[&[&str]]) -> Self {
        let levels =
            levels.iter().map(|level| level.iter().map(|id| device(id)).collect()).collect();
        let (fencer, now) = (Fencer::default(), Instant::from_micros(0));
        let within = Duration::ZERO;
        Self { fencer, now, levels, goal: None, asked: Vec::new(), within, log: Vec::new() }
    }

    /// With these parameters of every device.
    fn set(&mut self, pairs: &[(&str, &str)]) {
        let settings = Settings::read("d", pairs, "b", None, &mut Vec::new());
        let devices = self.levels.iter_mut().flatten();
        devices.for_each(|device| *device.settings = settings.clone());
    }

    fn want(&mut self, may_switch: bool) {
        self.goal = Some(Goal { boot: Some(BOOT), may_switch, revive: true, undelayed: false });
        self.follow();
    }

    fn follow(&mut self) {
        let levels = self.levels.clone();
        self.fencer.follow(self.now, self.goal, || levels);
        while let Some(effect) = self.fencer.poll_effect() {
            match effect {
                Effect::Ask { job, device, action, within } => {
                    self.log.push(format!("{} {action:?}", device.id));
                    self.within = within;
                    self.asked.push((job, device.id, action));
                }
                Effect::Proved(boot) => self.log.push(format!("proved {:?}", boot.map(|b| b.0))),
                Effect::Warn(text) => self.log.push(format!("warn {text}")),
                Effect::SwitchedOn { ticket, result } => {
                    self.log.push(format!("{ticket}: {result:?}"));
                }
                Effect::Note(_) => {}
            }
        }
    }

    /// Answers the oldest question.
    fn answer(&mut self, result: Result<Power, &str>) {
        self.take(result.map_err(|reason| Failure::late(reason.to_owned())));
    }

    fn refuse(&mut self) {
        self.take(Err(Failure::refused("busy".to_owned())));
    }

    fn take(&mut self, result: Result<Power, Failure>) {
        let (job, _, _) = self.asked.remove(0);
        self.fencer.answered(self.now, job, result);
        self.follow();
    }

    fn wait(&mut self, millis: u64) {
        self.now = self.now.after(Duration::from_millis(millis));
        self.follow();
    }

    fn said(&mut self) -> String {
        core::mem::take(&mut self.log).join(", ")
    }
}

#[test]
fn a_peer_is_switched_off_read_back_reported_and_switched_on_again() {
    let mut rig = Rig::new(&[&["ipmi"]]);
    rig.want(true);
    assert_eq!(rig.said(), "ipmi Off");
    rig.answer(Ok(Power::Off));
    assert_eq!(rig.said(), "proved Some(7), ipmi On");
    rig.goal = None;
    rig.follow();
    rig.answer(Ok(Power::On));
    rig.wait(60_000);
    assert_eq!(rig.said(), "");
}

#[test]
fn what_is_not_said_clearly_proves_nothing() {
    for unclear in [Ok(Power::On), Err("no answer")] {
        let mut rig = Rig::new(&[&["ipmi"], &["pdu"]]);
        rig.want(true);
        rig.answer(unclear);
        rig.answer(unclear);
        assert!(!rig.said().contains("proved"));
        rig.wait(499);
        assert_eq!(rig.said(), "");
        rig.wait(1);
        assert_eq!(rig.said(), "ipmi Off", "it is tried again");
    }
}

#[test]
fn a_level_proves_only_as_a_whole_and_the_next_one_is_tried_after_a_failure() {
    let mut rig = Rig::new(&[&["left", "right"], &["spare"]]);
    rig.want(true);
    rig.answer(Ok(Power::Off));
    assert_eq!(rig.said(), "left Off, right Off");
    rig.answer(Err("burnt"));
    assert_eq!(rig.said(), "spare Off");
    rig.answer(Ok(Power::Off));
    assert_eq!(rig.said(), "proved Some(7), spare On");
}

#[test]
fn all_supplies_are_off_before_the_first_is_on_and_all_come_back_even_if_nobody_asks_any_more() {
    let mut rig = Rig::new(&[&["left", "right"]]);
    rig.want(true);
    rig.answer(Ok(Power::Off));
    rig.answer(Ok(Power::Off));
    rig.goal = None;
    rig.follow();
    rig.answer(Err("slow"));
    rig.answer(Ok(Power::On));
    let said = rig.said();
    let expected = "left Off, right Off, proved Some(7), left On, \
                    warn fence device left did not switch on: slow, right On";
    assert_eq!(said, expected);
}

#[test]
fn without_the_right_to_switch_the_state_is_only_read() {
    let mut rig = Rig::new(&[&["ipmi"]]);
    rig.want(false);
    for _ in 0..5 {
        rig.answer(Ok(Power::On));
        rig.wait(8_000);
    }
    assert!(!rig.said().contains("Off"));
    rig.want(true);
    rig.answer(Ok(Power::On));
    assert_eq!(rig.said(), "ipmi Off", "no pause once it may");
}

#[test]
fn a_node_that_is_found_off_is_not_switched_on() {
    let mut rig = Rig::new(&[&["ipmi"]]);
    rig.want(false);
    rig.answer(Ok(Power::Off));
    assert_eq!(rig.said(), "ipmi Status, proved Some(7)");
}

#[test]
fn a_boot_that_was_seen_off_is_never_switched_off_again() {
    let mut rig = Rig::new(&[&["ipmi"]]);
    rig.want(true);
    rig.answer(Ok(Power::Off));
    rig.answer(Ok(Power::On));
    rig.said();
    for _ in 0..10 {
        rig.wait(1_000);
    }
    assert_eq!(rig.said(), ["proved Some(7)"; 10].join(", "), "the fact is told again");
}

#[test]
fn an_answer_to_a_question_that_nobody_asks_any_more_proves_nothing() {
    let mut rig = Rig::new(&[&["ipmi"]]);
    rig.want(true);
    rig.goal =
        Some(Goal { boot: Some(BootId(8)), may_switch: true, revive: true, undelayed: false });
    rig.follow();
    rig.answer(Ok(Power::Off));
    assert_eq!(rig.said(), "ipmi Off, ipmi Off");
    rig.answer(Ok(Power::Off));
    assert_eq!(rig.said(), "proved Some(8), ipmi On");
}

#[test]
fn the_same_failure_is_told_once() {
    let mut rig = Rig::new(&[&["ipmi"]]);
    rig.want(false);
    for _ in 0..4 {
        rig.answer(Err("no answer"));
        rig.wait(8_000);
    }
    let said = rig.said();
    assert_eq!(said.matches("warn").count(), 1, "{said}");
}

#[test]
fn a_peer_that_was_never_heard_is_proved_off_for_the_moment_only() {
    let mut rig = Rig::new(&[&["ipmi"]]);
    rig.goal = Some(Goal { boot: None, may_switch: false, revive: false, undelayed: false });
    rig.follow();
    rig.answer(Ok(Power::Off));
    rig.wait(8_000);
    assert_eq!(rig.said(), "ipmi Status, proved None, ipmi Status");
}

#[test]
fn a_device_waits_for_its_delay_once_and_reading_the_state_waits_for_nothing() {
    let mut rig = Rig::new(&[&["ipmi"], &["pdu"]]);
    rig.set(&[("pcmk_delay_base", "5s")]);
    rig.want(false);
    rig.answer(Ok(Power::On));
    assert_eq!(rig.said(), "ipmi Status");
    rig.want(true);
    assert_eq!(rig.fencer.poll_timeout(), Some(rig.now.after(Duration::from_secs(5))));
    rig.wait(4999);
    assert_eq!(rig.said(), "");
    rig.wait(1);
    assert_eq!(rig.said(), "ipmi Off");
    rig.answer(Err("no answer"));
    assert_eq!(rig.said(), "", "the next device has a delay of its own");
    rig.wait(5000);
    rig.answer(Err("no answer"));
    rig.said();
    rig.wait(8000);
    assert_eq!(rig.said(), "ipmi Off", "who had its delay has had it");
}

#[test]
fn whoever_is_not_to_be_fenced_any_more_when_the_delay_ends_is_not() {
    let mut rig = Rig::new(&[&["ipmi"]]);
    rig.set(&[("pcmk_delay_base", "5s")]);
    rig.want(true);
    rig.wait(4000);
    rig.goal = None;
    rig.wait(60_000);
    assert_eq!(rig.said(), "");
    rig.want(true);
    rig.wait(4999);
    assert_eq!(rig.said(), "", "the delay begins anew");
}

#[test]
fn the_random_part_of_a_delay_depends_on_the_seed_alone() {
    let delay = |seed| {
        let mut rig = Rig::new(&[&["ipmi"]]);
        rig.fencer = Fencer::new(seed);
        rig.set(&[("pcmk_delay_max", "10s")]);
        rig.want(true);
        rig.fencer.poll_timeout().unwrap().since(rig.now)
    };
    assert_eq!(delay(1), delay(1));
    assert!((2..10).any(|seed| delay(seed) != delay(1)));
    assert!((0..100).all(|seed| delay(seed) <= Duration::from_secs(10)));
}

#[test]
fn a_device_that_refuses_is_tried_again_within_its_time_and_one_that_is_silent_is_not() {
    let mut rig = Rig::new(&[&["ipmi"], &["pdu"]]);
    rig.set(&[("pcmk_off_retries", "3"), ("pcmk_off_timeout", "10s")]);
    rig.want(true);
    rig.now = rig.now.after(Duration::from_secs(4));
    rig.refuse();
    assert_eq!(rig.within, Duration::from_secs(6), "what is left");
    rig.refuse();
    rig.refuse();
    assert_eq!(rig.said(), "ipmi Off, ipmi Off, ipmi Off, pdu Off");
    assert_eq!(rig.within, Duration::from_secs(10));
    rig.answer(Err("no answer"));
    assert!(!rig.said().contains("Off"), "that would take as long again");
}

#[test]
fn no_attempt_begins_after_the_time_is_over() {
    let mut rig = Rig::new(&[&["ipmi"], &["pdu"]]);
    rig.set(&[("pcmk_off_retries", "9"), ("pcmk_off_timeout", "10s")]);
    rig.want(true);
    rig.now = rig.now.after(Duration::from_secs(10));
    rig.refuse();
    assert_eq!(rig.said(), "ipmi Off, pdu Off");
}

#[test]
fn a_question_that_nobody_ever_answers_has_failed_in_the_end() {
    let mut rig = Rig::new(&[&["ipmi"], &["pdu"]]);
    rig.want(true);
    rig.wait(71_999);
    assert_eq!(rig.said(), "ipmi Off");
    rig.wait(1);
    assert_eq!(rig.said(), "pdu Off", "a minute and a fifth of it");
    rig.answer(Ok(Power::Off));
    assert_eq!(rig.said(), "", "that was the other one's answer");
    rig.answer(Ok(Power::Off));
    assert_eq!(rig.said(), "proved Some(7), pdu On");
    rig.goal = None;
    rig.wait(72_000);
    assert!(rig.said().contains("pdu did not switch on"));
}

#[test]
fn a_device_whose_reboot_is_off_is_not_switched_on_again() {
    let mut rig = Rig::new(&[&["ipmi"]]);
    rig.set(&[("pcmk_reboot_action", "off")]);
    rig.want(true);
    rig.answer(Ok(Power::Off));
    assert_eq!(rig.said(), "ipmi Off, proved Some(7)");
}

#[test]
fn a_node_is_switched_on_by_the_first_level_that_can_and_demands_take_turns() {
    let mut rig = Rig::new(&[&["left", "right"], &["spare"]]);
    rig.set(&[("pcmk_on_retries", "2")]);
    for ticket in [1, 2] {
        let levels = rig.levels.clone();
        rig.fencer.switch_on(rig.now, ticket, levels);
    }
    rig.follow();
    rig.answer(Ok(Power::On));
    rig.refuse();
    assert_eq!(rig.said(), "left On, right On, right On", "what refuses is asked again");
    rig.refuse();
    rig.answer(Ok(Power::On));
    assert_eq!(rig.said(), "spare On, 1: Ok(()), left On");
    rig.answer(Err("no answer"));
    rig.answer(Ok(Power::Off));
    let said = rig.said();
    assert!(said.starts_with("spare On, 2: Err("), "{said}");
    assert!(said.contains("left: no answer") && said.contains("spare: it still reads off"));
}

#[test]
fn a_node_that_nothing_can_switch_on_is_not_said_to_be_on() {
    let mut rig = Rig::new(&[&[]]);
    let levels = rig.levels.clone();
    rig.fencer.switch_on(rig.now, 1, levels);
    rig.follow();
    assert_eq!(rig.said(), "1: Err(\"no fence device can switch it on\")");
    rig.levels = vec![vec![device("ipmi")]];
    let levels = rig.levels.clone();
    rig.fencer.switch_on(rig.now, 2, levels);
    rig.wait(72_000);
    assert!(rig.said().contains("2: Err"), "it never answered");
}

#[test]
fn a_device_is_tried_while_the_node_is_there_and_what_is_wrong_with_it_is_known() {
    let mut rig = Rig::new(&[&["ipmi", "pdu"]]);
    let devices = rig.levels.concat();
    rig.fencer.try_out(rig.now, devices);
    let failures = |rig: &Rig| {
        let failed = rig.fencer.failures().map(|(id, reason)| format!("{id}: {reason}"));
        failed.collect::<Vec<_>>().join(", ")
    };
    rig.wait(59_999);
    assert_eq!(rig.said(), "");
    rig.wait(1);
    assert_eq!(rig.said(), "ipmi Status, pdu Status");
    rig.answer(Ok(Power::On));
    rig.answer(Err("no answer"));
    assert_eq!(rig.said(), "warn fence device pdu does not work: no answer");
    assert_eq!(failures(&rig), "pdu: no answer");
    rig.wait(30_000);
    rig.answer(Ok(Power::Off));
    assert_eq!(rig.said(), "pdu Status", "it is still wrong");
    assert_eq!(failures(&rig), "pdu: it reads off, but the node is there");
    rig.wait(30_000);
    rig.answer(Ok(Power::On));
    assert_eq!((rig.said(), failures(&rig)), ("pdu Status".to_owned(), String::new()));
    rig.wait(240_000);
    assert_eq!(rig.said(), "ipmi Status");
    rig.fencer.try_out(rig.now, Vec::new());
    rig.wait(600_000);
    assert_eq!(rig.said(), "", "nobody is there");
    assert_eq!(rig.fencer.poll_timeout(), None);
}

#[test]
fn a_trial_proves_nothing_and_one_that_never_ends_has_failed() {
    let mut rig = Rig::new(&[&["ipmi"]]);
    let devices = rig.levels.concat();
    rig.fencer.try_out(rig.now, devices.clone());
    rig.wait(60_000);
    rig.want(true);
    rig.answer(Ok(Power::Off));
    assert!(!rig.said().contains("proved"));
    rig.answer(Ok(Power::Off));
    assert!(rig.said().contains("proved"));
    rig.fencer.try_out(rig.now, devices);
    rig.wait(60_000);
    rig.wait(72_000);
    assert_eq!(rig.fencer.failures().count(), 1);
}
