//! The power of the other node: when a switch may be asked, and for what.

use super::{Clocks, Manager};
use crate::controller::policy;
use crate::fencing::{Effect, Failure, Goal, PowerJob, device};
use crate::manager_io::{Event, Output};
use crate::replication::change::version;
use crate::transition::Abort;
use crate::view::{Peer, Report, View};
use core::time::Duration;

/// How long a peer may take to boot. Its configuration may be the newer one, so a node does not
/// take it for off because it was switched on a little later.
pub(super) const LISTEN: Duration = Duration::from_secs(60);

impl Manager {
    /// Has the power switches asked as the view wants and allows it; whether anybody's demand has
    /// ended by that.
    pub(super) fn drive_power(&mut self, at: Clocks) -> bool {
        let mut ended = false;
        self.drive_survey(at);
        self.drive_trials(at);
        let goal = self.power_goal();
        if goal.is_some() {
            self.survey.refresh(at.now);
        }
        let mut fencer = core::mem::take(&mut self.fencer);
        let mut warnings = Vec::new();
        fencer.follow(at.now, goal, || {
            let (levels, unusable) = device::levels(
                &self.cib,
                self.peer_name(),
                Some(self.local_name()),
                at.wall,
                &self.survey,
            );
            warnings = unusable;
            levels
        });
        self.fencer = fencer;
        for text in warnings {
            self.warn_of_device(text);
        }
        while let Some(effect) = self.fencer.poll_effect() {
            let output = match effect {
                Effect::Ask { job, device, action, within } => {
                    Output::AskPower { job, device, action, within }
                }
                Effect::Proved(target) => Output::Guardian(Report::PowerIsOff { target }),
                Effect::SwitchedOn { ticket, result } => {
                    self.take_switched_on(at, ticket, result);
                    ended = true;
                    continue;
                }
                Effect::Warn(text) => Output::Event(Event::Warning(text)),
                Effect::Note(text) => Output::Event(Event::Notice(text)),
            };
            self.out.push_back(output);
        }
        ended
    }

    /// Has the devices asked that do not say in the configuration whom they fence.
    fn drive_survey(&mut self, at: Clocks) {
        let [admin_epoch, epoch, _] = version(&self.cib);
        let option = |name: &str| policy::option(&self.cib, name).map(str::to_owned);
        if self.surveyed == Some([admin_epoch, epoch]) {
            self.survey.handle_timeout(at.now);
        } else {
            let enabled = device::is_enabled(option);
            let wanted = device::to_ask(&self.cib, self.peer_name(), at.wall);
            self.survey.follow(at.now, if enabled { wanted } else { Vec::new() });
            self.surveyed = Some([admin_epoch, epoch]);
            self.fencer.news();
            for text in device::mistakes(&self.cib, self.peer_name(), self.local_name(), at.wall) {
                self.warn_of_device(text);
            }
        }
        while let Some(question) = self.survey.poll_question() {
            self.out.push_back(Output::AskPlug(question));
        }
    }

    /// Has the devices tried out while the other node is there.
    fn drive_trials(&mut self, at: Clocks) {
        let known = (self.surveyed, self.survey.answers(), self.peer_is_member());
        if self.tried == Some(known) {
            return;
        }
        self.tried = Some(known);
        let option = |name: &str| policy::option(&self.cib, name).map(str::to_owned);
        let mut devices = Vec::new();
        if self.peer_is_member() && device::is_enabled(option) {
            let (here, peer) = (self.local_name(), self.peer_name());
            let levels = device::levels(&self.cib, peer, Some(here), at.wall, &self.survey).0;
            devices.extend(levels.into_iter().flatten());
        }
        self.fencer.try_out(at.now, devices);
    }

    /// A device was asked whether it fences the other node.
    pub(super) fn take_plug(&mut self, at: Clocks, job: PowerJob, result: Result<bool, Failure>) {
        if let (Err(failure), Some(id)) = (&result, self.survey.asked(job)) {
            let reason = &failure.reason;
            self.warn_of_device(format!("fence device {id} is not used: {reason}"));
        }
        if self.survey.answered(at.now, job, result) {
            self.fencer.news();
        }
    }

    /// Says what is wrong with a device, once.
    fn warn_of_device(&mut self, text: String) {
        if self.unusable.insert(text.clone()) {
            self.warn(text);
        }
    }

    /// What is known of the other node has changed: what failed without it may succeed.
    pub(super) fn take_evidence(&mut self) {
        self.fencer.news();
        if self.fencing_pauses() {
            self.abort(Abort::FencingFailed);
        }
    }

    /// What has to be proved about the peer, and by what means.
    ///
    /// A node that has never heard its peer only reads the state: who has just booted may be the
    /// one that is cut off.
    fn power_goal(&self) -> Option<Goal> {
        let View { peer, may_act, may_fence, .. } = self.view?;
        let option = |name: &str| policy::option(&self.cib, name).map(str::to_owned);
        if !device::is_enabled(option) {
            return None;
        }
        let undelayed = self.fencing.is_undelayed();
        let demanded = self.fencing.demanded();
        let usual = option("fencing-action").or_else(|| option("stonith-action"));
        let revive = demanded.or(usual.as_deref()) != Some("off");
        match peer {
            Peer::Lost { boot, .. } => {
                Some(Goal { boot: Some(boot), may_switch: may_fence, revive, undelayed })
            }
            Peer::Member { boot } if may_fence && demanded.is_some() => {
                Some(Goal { boot: Some(boot), may_switch: true, revive, undelayed })
            }
            Peer::Unknown if !may_act && self.listen_until.is_none() => {
                Some(Goal { boot: None, may_switch: false, revive: false, undelayed })
            }
            Peer::Member { .. } | Peer::Unknown | Peer::Down { .. } => None,
        }
    }
}
