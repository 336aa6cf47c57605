//! One machine's QMP socket: commands one at a time, events into the journal.
//!
//! Nothing of an answer matters here but whether it is an error, so a line is looked at as text.

use crate::journal::{Journal, Source};
use crate::trouble::Trouble;
use crate::wait;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// QEMU answers at once or not at all.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// A connection to one machine's QEMU.
#[derive(Debug)]
pub struct Qmp {
    stream: UnixStream,
    answers: Receiver<String>,
}

impl Qmp {
    /// Connects to the socket at `path` of machine `machine`; its events go to `journal`.
    ///
    /// # Errors
    /// If QEMU does not open the socket or does not greet.
    pub fn connect(path: &Path, machine: usize, journal: &Journal) -> Result<Self, Trouble> {
        let stream =
            wait::until("QEMU's QMP socket", ANSWER_MAX, || UnixStream::connect(path).ok())?;
        let reading = stream.try_clone().map_err(Trouble::rig("reading from QMP"))?;
        let (sender, answers) = channel();
        let journal = journal.clone();
        thread::spawn(move || {
            for line in BufReader::new(reading).lines().map_while(Result::ok) {
                if let Some(event) = text_field(&line, "event") {
                    let reason = text_field(&line, "reason").unwrap_or_default();
                    let action = text_field(&line, "action").unwrap_or_default();
                    journal
                        .note(Source::Qmp(machine), format!("{event} {reason}{action}").trim_end());
                } else if sender.send(line).is_err() {
                    return;
                }
            }
            journal.note(Source::Qmp(machine), "GONE");
        });
        let mut qmp = Self { stream, answers };
        qmp.answer()?;
        qmp.execute("\"qmp_capabilities\"")?;
        Ok(qmp)
    }

    /// Executes a command, given as the value of `execute` and whatever follows it.
    ///
    /// # Errors
    /// If QEMU does not answer, or answers with an error.
    pub fn execute(&mut self, command: &str) -> Result<String, Trouble> {
        self.stream
            .write_all(format!("{{\"execute\":{command}}}\n").as_bytes())
            .map_err(Trouble::rig(format!("sending {command} to QEMU")))?;
        let answer = self.answer()?;
        if answer.starts_with("{\"error\"") {
            return Err(Trouble::Wrong(format!("QEMU refused {command}: {answer}")));
        }
        Ok(answer)
    }

    /// Plugs a network interface's cable in or out.
    ///
    /// # Errors
    /// As [`Qmp::execute`].
    pub fn set_link(&mut self, name: &str, up: bool) -> Result<(), Trouble> {
        self.execute(&format!("\"set_link\",\"arguments\":{{\"name\":\"{name}\",\"up\":{up}}}"))
            .map(drop)
    }

    fn answer(&self) -> Result<String, Trouble> {
        self.answers.recv_timeout(ANSWER_MAX).map_err(|_| Trouble::Overdue {
            what: "an answer on QMP".to_owned(),
            waited_s: ANSWER_MAX.as_secs_f64(),
        })
    }
}

/// The text of the first member called `name` in a line of JSON whose texts hold no quotes.
fn text_field(line: &str, name: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("\"{name}\": \""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::text_field;

    #[test]
    fn an_event_is_known_by_its_name() {
        let line = "{\"timestamp\": {\"seconds\": 1}, \"event\": \"RESET\", \
                    \"data\": {\"guest\": true, \"reason\": \"guest-reset\"}}";
        assert_eq!(text_field(line, "event").as_deref(), Some("RESET"));
        assert_eq!(text_field(line, "reason").as_deref(), Some("guest-reset"));
        assert_eq!(text_field("{\"return\": {}}", "event"), None);
    }
}
