//! What a page says of itself that would excuse it: that it stood still, was paused, or hidden.
//!
//! An honest page says so too, so it is believed, but only as far as an [`Allowance`] goes. What was
//! said and what was believed goes into the evidence.

use serde::Serialize;

use crate::queue::take_first;
use crate::time::Millis;

use super::allowance::Allowance;

/// As many stalls as one verdict can rest on.
const KEPT_STALLS: usize = 16;

/// One probe's answer that said the page had stood still.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StallClaim {
    seq: u64,
    claimed_ms: Millis,
    believed_ms: Millis,
}

/// A state that a page says it is in.
#[derive(Clone, Debug)]
pub(super) struct Excuse {
    allowance: Allowance,
    price: Millis,
    is_claimed: bool,
    claimed: Millis,
    believed: Millis,
}

impl Excuse {
    /// `price` is what one claim costs, however short it is.
    fn new(price: Millis) -> Self {
        Self {
            // One claim of a minute; a break between episodes and a look at another tab are far below.
            allowance: Allowance::new(Millis::new(60_000.0) + price, 1.0 / 2.0),
            price,
            is_claimed: false,
            claimed: Millis::ZERO,
            believed: Millis::ZERO,
        }
    }

    /// The page is or is not in that state. A claim clears the run of violations, so beginning has
    /// the price of a whole run: else a page that says so for a moment before each run is complete
    /// would never be judged. Where nothing is judged anyway (`playing` is false), it is free.
    pub(super) fn say(&mut self, is_claimed: bool, playing: bool) {
        if is_claimed && !self.is_claimed && playing {
            self.allowance.take(self.price);
        }
        self.is_claimed = is_claimed;
    }

    /// Time passed in play.
    pub(super) fn pass(&mut self, elapsed: Millis) {
        if self.is_claimed {
            self.claimed = self.claimed + elapsed;
            self.believed = self.believed + self.allowance.take(elapsed);
        } else {
            self.allowance.earn(elapsed);
        }
    }

    pub(super) fn is_believed(&self) -> bool {
        self.is_claimed && !self.allowance.is_spent()
    }

    pub(super) fn is_doubted(&self) -> bool {
        self.is_claimed && self.allowance.is_spent()
    }
}

/// All that one page has said.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    pub(super) paused: Excuse,
    pub(super) hidden: Excuse,
    stalls: Allowance,
    stall_claimed: Millis,
    stall_believed: Millis,
    latest_stalls: Vec<StallClaim>,
}

/// The part of the evidence that tells of claims; in milliseconds since the watch began.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account<'a> {
    stall_claimed_ms: Millis,
    stall_believed_ms: Millis,
    pause_claimed_ms: Millis,
    pause_believed_ms: Millis,
    hidden_claimed_ms: Millis,
    hidden_believed_ms: Millis,
    stalls: &'a [StallClaim],
}

impl Claims {
    /// `price` is what one claim of an excuse costs.
    pub(super) fn new(price: Millis) -> Self {
        Self {
            paused: Excuse::new(price),
            hidden: Excuse::new(price),
            stalls: Allowance::new(Millis::new(10_000.0), 1.0 / 6.0),
            stall_claimed: Millis::ZERO,
            stall_believed: Millis::ZERO,
            latest_stalls: Vec::new(),
        }
    }

    /// Time passed in play.
    pub(super) fn pass(&mut self, elapsed: Millis) {
        self.stalls.earn(elapsed);
        self.paused.pass(elapsed);
        if !self.paused.is_believed() {
            self.hidden.pass(elapsed);
        }
    }

    /// The page says that it stood still for so long beyond what is known; answers how much of it is
    /// believed.
    pub(super) fn stalled(&mut self, seq: u64, claimed: Millis, matters: bool) -> Millis {
        let believed = if matters {
            self.stalls.take(claimed)
        } else {
            Millis::ZERO
        };
        self.stall_claimed = self.stall_claimed + claimed;
        self.stall_believed = self.stall_believed + believed;
        if self.latest_stalls.len() == KEPT_STALLS {
            take_first(&mut self.latest_stalls);
        }
        self.latest_stalls.push(StallClaim {
            seq,
            claimed_ms: claimed,
            believed_ms: believed,
        });
        believed
    }

    pub(super) fn account(&self) -> Account<'_> {
        Account {
            stall_claimed_ms: self.stall_claimed,
            stall_believed_ms: self.stall_believed,
            pause_claimed_ms: self.paused.claimed,
            pause_believed_ms: self.paused.believed,
            hidden_claimed_ms: self.hidden.claimed,
            hidden_believed_ms: self.hidden.believed,
            stalls: &self.latest_stalls,
        }
    }
}
