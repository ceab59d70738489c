//! MoldUDP64: sequenced messages in UDP packets, with re-request of what was lost.
//!
//! [`packet`] reads and writes packets, [`config`] has the numbers, [`receiver`] is the protocol as
//! a pure state machine (time and packets in; messages in order, losses and requests out),
//! [`source`] puts it on sockets.
//!
//! While a hole is open later messages wait: nothing is ever handed on out of order. A hole that a
//! re-request server fills leaves no trace in the stream. One that is given up becomes a `Gap`;
//! messages go on behind it, and the books stay untradable until the receiver has got the session
//! again from its first message: see [`receiver`]. So they are until a late start has caught up.
//!
//! Deliberately absent: a request server, SoupBinTCP, encryption.

pub mod config;
pub mod packet;
pub mod receiver;
pub mod source;
mod store;

pub use config::{Config, Counts, Join, Output};
pub use packet::{Downstream, PacketError, Request, SessionName};
pub use receiver::Receiver;
pub use source::{MoldUdpSource, SourceConfig};
