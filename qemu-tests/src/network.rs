//! The service network, a hub with both machines on it and the client outside, and the links, wires
//! from one machine to the other.
//!
//! Frames are datagrams on Unix sockets. On the hub, what cannot be delivered at once is lost. No
//! machine sends to another one's socket itself: the emulator spends its whole time on trying again
//! as long as the other machine is stopped, or boots and takes no frames yet.

use crate::trouble::Trouble;
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// The longest frame, in bytes.
const FRAME_MAX: usize = 2048;
/// The most frames that wait on a wire for a machine to take them; the oldest go first.
const WAITING_MAX: usize = 64;
/// How often those that wait are offered again.
const AGAIN: Duration = Duration::from_millis(2);
/// How long a frame may wait for room at its receiver.
const SEND_MAX: Duration = Duration::from_millis(1);

/// One machine's place on the hub: our socket, and the machine's.
#[derive(Debug)]
struct Place {
    ours: UnixDatagram,
    theirs: PathBuf,
}

impl Place {
    fn send(&self, frame: &[u8]) {
        // A machine that is off or does not listen loses the frame.
        self.ours.send_to(frame, &self.theirs).ok();
    }
}

/// The client's place on the hub, as `smoltcp` wants it.
#[derive(Debug)]
pub(crate) struct Port {
    places: Arc<[Place; 2]>,
    arrived: Receiver<Vec<u8>>,
    address: [u8; 4],
}

/// Binds our socket of a pair of paths, ours and the machine's.
fn bind((ours, theirs): (PathBuf, PathBuf)) -> Result<Place, Trouble> {
    let doing = format!("binding {}", ours.display());
    let ours = UnixDatagram::bind(&ours).map_err(Trouble::rig(doing))?;
    // Receiving waits; sending must not: a machine that is stopped stops nobody else.
    ours.set_write_timeout(Some(SEND_MAX)).map_err(Trouble::rig("setting up a network"))?;
    Ok(Place { ours, theirs })
}

/// A wire between the machines.
#[derive(Debug)]
pub struct Wire {
    /// How many of a hundred frames are lost, by the machine that sent them.
    loss: Arc<[AtomicU8; 2]>,
}

impl Wire {
    /// Lays a wire: for each machine our socket's path and the machine's.
    ///
    /// # Errors
    /// If a socket cannot be bound.
    pub(crate) fn lay(paths: [(PathBuf, PathBuf); 2]) -> Result<Self, Trouble> {
        let [first, second] = paths;
        let places = Arc::new([bind(first)?, bind(second)?]);
        let loss = Arc::new([AtomicU8::new(0), AtomicU8::new(0)]);
        for machine in 0..2 {
            let (places, loss) = (Arc::clone(&places), Arc::clone(&loss));
            thread::spawn(move || carry(&places[machine], &places[1 - machine], &loss[machine]));
        }
        Ok(Self { loss })
    }

    /// From now on so many of a hundred frames are lost that `sender` sends: 0 for none, 100 for
    /// all.
    pub fn lose(&self, sender: usize, percent: u8) {
        self.loss[sender].store(percent, Ordering::Relaxed);
    }
}

/// Carries frames one way. A machine that takes none for a while finds the last ones in the order
/// in which they were sent, as in the memory of a network card.
fn carry(from: &Place, to: &Place, loss: &AtomicU8) {
    let mut frame = [0; FRAME_MAX];
    let mut waiting: VecDeque<Vec<u8>> = VecDeque::new();
    let mut dice: u32 = 1;
    loop {
        let patience = (!waiting.is_empty()).then_some(AGAIN);
        if from.ours.set_read_timeout(patience).is_err() {
            return;
        }
        match from.ours.recv(&mut frame) {
            Ok(length) => {
                // A linear congruence: its high bits are the better ones.
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if (dice >> 16) % 100 >= u32::from(loss.load(Ordering::Relaxed)) {
                    waiting.push_back(frame[..length].to_vec());
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
        while let Some(first) = waiting.front() {
            match to.ours.send_to(first, &to.theirs) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // A machine that is off loses the frame.
                Ok(_) | Err(_) => waiting.pop_front(),
            };
        }
        while waiting.len() > WAITING_MAX {
            waiting.pop_front();
        }
    }
}

/// Opens the hub: for each machine our socket's path and the machine's. The client's IPv4 address
/// is `address`.
///
/// # Errors
/// If a socket cannot be bound.
pub(crate) fn open(paths: [(PathBuf, PathBuf); 2], address: [u8; 4]) -> Result<Port, Trouble> {
    let [first, second] = paths;
    let places = Arc::new([bind(first)?, bind(second)?]);
    let (sender, arrived) = channel();
    for machine in 0..2 {
        let places = Arc::clone(&places);
        let sender: Sender<Vec<u8>> = sender.clone();
        thread::spawn(move || {
            let mut frame = [0; FRAME_MAX];
            while let Ok(length) = places[machine].ours.recv(&mut frame) {
                places[1 - machine].send(&frame[..length]);
                if sender.send(frame[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
    }
    Ok(Port { places, arrived, address })
}

impl Port {
    /// Waits for a frame to arrive, at most for `limit`; says whether one can be received.
    pub(crate) fn next(&self, limit: Duration) -> Option<Vec<u8>> {
        let mut frame = self.arrived.recv_timeout(limit).ok()?;
        announced(&mut frame, self.address);
        Some(frame)
    }
}

/// Turns the announcement of an address that moved ("gratuitous ARP", RFC 5227 section 3) into an
/// answer to the client: `smoltcp` ignores the announcement, every kernel heeds it.
fn announced(frame: &mut [u8], address: [u8; 4]) {
    let is_arp = frame.len() >= 42 && frame[12..14] == [8, 6];
    if is_arp && frame[28..32] == frame[38..42] {
        frame[20..22].copy_from_slice(&[0, 2]);
        frame[32..38].copy_from_slice(&CLIENT_MAC);
        frame[38..42].copy_from_slice(&address);
    }
}

/// The client's hardware address.
pub(crate) const CLIENT_MAC: [u8; 6] = [0x52, 0x54, 0, 0x77, 0, 1];

/// A device with at most one frame that has arrived.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    /// The place on the hub.
    pub(crate) port: &'a Port,
    /// What has arrived and was not yet looked at.
    pub(crate) frame: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(crate) struct Arrived(Vec<u8>);

#[derive(Debug)]
pub(crate) struct Leaving<'a>(&'a Port);

impl Device for Step<'_> {
    type RxToken<'a>
        = Arrived
    where
        Self: 'a;
    type TxToken<'a>
        = Leaving<'a>
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Arrived, Leaving<'_>)> {
        let frame = self.frame.take()?;
        Some((Arrived(frame), Leaving(self.port)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Leaving<'_>> {
        Some(Leaving(self.port))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

impl RxToken for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl TxToken for Leaving<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut frame = vec![0; length];
        let result = f(&mut frame);
        for place in self.0.places.iter() {
            place.send(&frame);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::announced;

    #[test]
    fn an_announcement_becomes_an_answer_and_nothing_else_changes() {
        let mut frame = [0_u8; 42];
        frame[12..14].copy_from_slice(&[8, 6]);
        frame[21] = 1;
        frame[28..32].copy_from_slice(&[192, 168, 77, 10]);
        let mut request = frame;
        frame[38..42].copy_from_slice(&[192, 168, 77, 10]);
        announced(&mut frame, [192, 168, 77, 254]);
        assert_eq!(frame[21], 2);
        assert_eq!(frame[38..42], [192, 168, 77, 254]);
        request[38..42].copy_from_slice(&[192, 168, 77, 254]);
        let before = request;
        announced(&mut request, [192, 168, 77, 254]);
        assert_eq!(request, before);
    }
}
