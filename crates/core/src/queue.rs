//! Short queues: first in, first out.
//!
//! A `Vec` whose few items move up, not a `VecDeque`, whose code for each kind of item the browser would download.

/// Takes the first item.
pub(crate) fn take_first<T>(queue: &mut Vec<T>) -> Option<T> {
    (!queue.is_empty()).then(|| queue.remove(0))
}
