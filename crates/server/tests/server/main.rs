//! The server as a library, and the binary, driven from outside: real sockets, a real database, a clock
//! that the tests move.

#![allow(unreachable_pub)]

mod authority;
mod backups;
mod bad_payloads;
mod binary;
mod callbacks;
mod counted;
mod dictionary;
mod endings;
mod exports;
mod group_commit;
mod identity;
mod last_status;
mod origins;
mod pages;
mod partner_left;
mod playing;
mod postgres_cluster;
mod postgres_shared;
mod reconnects;
mod redirects;
mod settings;
mod store;
mod support;
mod taken_over;
mod upgrades;
mod uploads;
mod waiting_room;
