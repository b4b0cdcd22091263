//! State that many callbacks share.

use std::cell::RefCell;
use std::mem;

/// A value that is open only while a function works on it, and that function calls nothing outside.
///
/// A `RefCell` that says nothing more when it is opened twice: its own words would be a kilobyte of the download.
#[derive(Default)]
pub(crate) struct Shared<T>(RefCell<T>);

impl<T> Shared<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        match self.0.try_borrow_mut() {
            Ok(mut value) => work(&mut value),
            Err(_) => opened_twice(),
        }
    }

    /// Puts a value in; the one before.
    pub(crate) fn replace(&self, value: T) -> T {
        self.with(|place| mem::replace(place, value))
    }
}

impl<T: Default> Shared<T> {
    /// Takes the value out.
    pub(crate) fn take(&self) -> T {
        self.with(mem::take)
    }
}

#[cold]
#[inline(never)]
fn opened_twice() -> ! {
    unreachable!("opened twice")
}
