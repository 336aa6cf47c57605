//! The CIB and everything that goes with it, kept the same on both nodes.
//!
//! The leader orders every change and sends it as the function that it is ([`change`]) over the
//! one ordered [`stream`]; the follower carries out the same function on the same document.

pub mod change;
mod codec;
pub mod message;
pub mod requests;
pub mod stream;

pub use change::Change;
pub use message::Message;
