//! Both ends of the protocol over a simulated network, in virtual time.

mod check;
mod dice;
mod dictionary;
mod ending;
mod exports;
mod network;
mod page;
mod schedules;
mod server;
mod storm;
mod world;
