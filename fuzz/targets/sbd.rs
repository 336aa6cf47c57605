//! Sectors of any content, read as SBD's header, slots and mailboxes.
#![no_main]

use diarch_watchdog::sbd::Record;
use diarch_watchdog::sbd::header::Header;
use diarch_watchdog::sbd::mailbox::Mailbox;
use diarch_watchdog::sbd::slot::Slot;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = Header::parse(bytes, 512) {
        let _sound = header.timeouts.is_sound();
        assert_eq!(Header::parse(&padded(header.record()), 512), Ok(header));
    }
    if let Ok(slot) = Slot::parse(bytes) {
        assert_eq!(Slot::parse(&padded(slot.record())), Ok(slot));
    }
    if let Ok(mailbox) = Mailbox::parse(bytes) {
        let _command = mailbox.command();
        assert_eq!(Mailbox::parse(&padded(mailbox.record())), Ok(mailbox));
    }
});

/// A record in a sector of its own.
fn padded(record: Record) -> [u8; 512] {
    let mut sector = [0; 512];
    record.fill(&mut sector);
    sector
}
