//! The engine before a broker: `spindle run` against `spindle tws-sim`, two processes and a socket
//! between them.

mod edge;
mod faults;
mod refused;
mod scene;
mod session;
mod trades;
