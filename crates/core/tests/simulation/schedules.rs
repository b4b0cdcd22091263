//! Many random schedules, each held to every rule.
//!
//! `STILLHERE_SCHEDULES` sets how many, `STILLHERE_BASE` where their seeds begin, and `STILLHERE_SEED` plays the
//! one schedule of a seed and prints all that happens in it.

use crate::storm::play;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
#[test]
fn whatever_happens_every_game_ends_once_and_no_data_is_lost() {
    for seed in 0..200 {
        play(seed, false);
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::io::{self, Write};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;
    use std::time::Instant;

    use super::play;

    const SCHEDULES: u64 = 100_000;
    /// A thread takes so many at a time.
    const PORTION: u64 = 100;
    /// After so many failures there is nothing left to learn.
    const ENOUGH: usize = 5;

    fn setting(name: &str) -> Option<u64> {
        let text = std::env::var(name).ok()?;
        let number = text.parse();
        Some(number.unwrap_or_else(|_| panic!("{name} is a whole number, not {text}")))
    }

    #[test]
    fn whatever_happens_every_game_ends_once_and_no_data_is_lost() {
        if let Some(seed) = setting("STILLHERE_SEED") {
            play(seed, true);
            return;
        }
        let schedules = setting("STILLHERE_SCHEDULES").unwrap_or(SCHEDULES);
        let base = setting("STILLHERE_BASE").unwrap_or(0);
        std::panic::set_hook(Box::new(|_| {}));
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let began = Instant::now();
        let next = AtomicU64::new(0);
        let failed: Mutex<Vec<(u64, String)>> = Mutex::default();
        let work = || loop {
            let from = next.fetch_add(PORTION, Ordering::Relaxed);
            if from >= schedules || failed.lock().unwrap().len() >= ENOUGH {
                break;
            }
            for seed in base + from..base + (from + PORTION).min(schedules) {
                let played = catch_unwind(AssertUnwindSafe(|| drop(play(seed, false))));
                if let Err(panic) = played {
                    let what = panic
                        .downcast_ref::<String>()
                        .map_or("a panic without a text", String::as_str);
                    failed.lock().unwrap().push((seed, what.to_owned()));
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        let _ = std::panic::take_hook();
        let played = next.into_inner().min(schedules);
        // Written past the test runner, which keeps what is printed to itself: count and seed are part of the result.
        let _ = writeln!(
            io::stderr(),
            "{played} schedules from seed {base} on, {threads} threads, {:.1} s",
            began.elapsed().as_secs_f64()
        );
        let mut failed = failed.into_inner().unwrap();
        failed.sort();
        for (seed, what) in &failed {
            eprintln!(
                "schedule {seed} failed: {what}\n  again: STILLHERE_SEED={seed} cargo test -p stillhere-core --features json --test simulation whatever -- --nocapture"
            );
        }
        assert!(failed.is_empty(), "{} schedules failed", failed.len());
    }
}
