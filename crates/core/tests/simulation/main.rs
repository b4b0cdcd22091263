//! Both ends of the protocol over a simulated network, in virtual time.

mod dictionary;
mod ending;
mod world;
