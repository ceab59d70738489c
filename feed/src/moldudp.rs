//! MoldUDP64 packets.
