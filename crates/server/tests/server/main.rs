//! The server as a library, and the binary, driven from outside: real sockets, a real database, a clock
//! that the tests move.

#![allow(unreachable_pub)]

mod bad_payloads;
mod binary;
mod callbacks;
mod dictionary;
mod endings;
mod exports;
mod identity;
mod pages;
mod playing;
mod reconnects;
mod redirects;
mod settings;
mod store;
mod support;
mod waiting_room;
