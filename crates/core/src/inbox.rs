//! Deliveries that were handled already: a repeat changes nothing.

use crate::ids::DeliveryId;

/// Remembers deliveries by id.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    // A session sees a handful of deliveries: a list is quicker and smaller than a set.
    seen: Vec<DeliveryId>,
}

impl Inbox {
    /// Whether the delivery is new. From now on it is not.
    ///
    /// A message without an id comes from a server that sends each once; its handler must be
    /// idempotent by itself.
    pub fn accept(&mut self, delivery: Option<&DeliveryId>) -> bool {
        let Some(id) = delivery else { return true };
        if self.seen.contains(id) {
            return false;
        }
        self.seen.push(id.clone());
        true
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_repeat_is_recognised() {
        let id = DeliveryId::try_from("d1").unwrap();
        let mut inbox = Inbox::default();
        assert!(inbox.accept(Some(&id)));
        assert!(!inbox.accept(Some(&id)));
        assert!(inbox.accept(None));
    }
}
