//! Reading values that came from outside: one reader for JSON, TOML and JavaScript values.
//!
//! Payloads and settings are read through [`Fields`], which notes every fault it meets instead of
//! stopping at the first, and names the key, the value and what is allowed.

use std::fmt;

use crate::ids::{Frame, ID_RULE, InvalidId, PlayerId};
use crate::time::Millis;

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// Any number; may be NaN or infinite where the source allows it.
    Number(f64),
    /// A text.
    Text(String),
    /// A list.
    List,
    /// An object with keys.
    Record,
}

/// A value from outside, whatever decoded it. Cloning must be cheap (a reference or a handle).
pub trait Source: Clone {
    /// What the value is.
    fn kind(&self) -> Kind;
    /// The value under a key; `None` if the key is absent or `undefined`.
    fn field(&self, key: &str) -> Option<Self>;
    /// The keys of a record; empty for anything else.
    fn keys(&self) -> Vec<String>;
    /// The value as text for an error message. Kept short by the reader.
    fn show(&self) -> String;
}

/// One fault of a payload or of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The key, with dots between levels.
    pub key: String,
    /// The value that was found; `None` if it is missing.
    pub value: Option<String>,
    /// What would be allowed.
    pub allowed: String,
}

impl FieldError {
    fn message(&self) -> String {
        let value = self.value.as_deref().unwrap_or("missing");
        text(&[
            "`",
            &self.key,
            "` is ",
            value,
            ", allowed is ",
            &self.allowed,
        ])
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

/// Every fault of a payload or of the settings, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldErrors(pub Vec<FieldError>);

impl FieldErrors {
    /// All of it in a sentence.
    #[must_use]
    pub fn message(&self) -> String {
        let faults: Vec<String> = self.0.iter().map(FieldError::message).collect();
        listed(&faults, "; ")
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for FieldErrors {}

const TEXT: &str = "text";
const PLAYER: &str = "a whole number or text of 1 to 128 characters";
const COUNT: &str = "a whole number, 0 or more";
const MILLIS: &str = "a number of milliseconds, 0 or more";

/// The longest part of a value that an error message repeats.
const SHOWN_CHARS: usize = 60;

/// Reads the fields of one record and collects what is wrong with them.
#[derive(Debug)]
pub struct Fields<S> {
    source: Option<S>,
    prefix: String,
    errors: Vec<FieldError>,
}

impl<S: Source> Fields<S> {
    /// Starts to read a record. Anything else than a record is a fault, named `what`.
    pub fn of(source: &S, what: &str) -> Self {
        let mut fields = Self {
            source: None,
            prefix: String::new(),
            errors: Vec::new(),
        };
        if source.kind() == Kind::Record {
            fields.source = Some(source.clone());
        } else {
            fields.errors.push(FieldError {
                key: what.to_owned(),
                value: Some(shorten(source.show())),
                allowed: "an object".to_owned(),
            });
        }
        fields
    }

    /// Reads the record under a key, absent or `null` being an empty one; its faults join these.
    pub fn record(&mut self, key: &str, read: impl FnOnce(&mut Self)) {
        if let Some(mut inner) = self.enter(key) {
            read(&mut inner);
            self.errors.append(&mut inner.errors);
        }
    }

    // Not generic, and so compiled once: the browser downloads this.
    fn enter(&mut self, key: &str) -> Option<Self> {
        let source = self.given(key);
        if source
            .as_ref()
            .is_some_and(|value| value.kind() != Kind::Record)
        {
            self.refuse(key, "an object");
            return None;
        }
        Some(Self {
            source,
            prefix: text(&[&self.prefix, key, "."]),
            errors: Vec::new(),
        })
    }

    /// Ends the reading: the value, or every fault that was met.
    ///
    /// # Errors
    /// [`FieldErrors`] if any field was refused.
    pub fn finish<T>(self, value: T) -> Result<T, FieldErrors> {
        self.faults().map_or(Ok(value), Err)
    }

    /// Ends the reading: what `make` builds of the fields, or every fault that was met.
    ///
    /// `make` answers `None` only where a required field is missing, which is a noted fault.
    ///
    /// # Errors
    /// [`FieldErrors`] if any field was refused.
    pub fn build<T>(self, make: impl FnOnce() -> Option<T>) -> Result<T, FieldErrors> {
        match self.faults() {
            Some(faults) => Err(faults),
            None => make().ok_or_else(|| FieldErrors(Vec::new())),
        }
    }

    // Not generic, and so compiled once: the browser downloads this.
    fn faults(self) -> Option<FieldErrors> {
        (!self.errors.is_empty()).then_some(FieldErrors(self.errors))
    }

    /// The raw value under a key, `null` included.
    #[must_use]
    pub fn raw(&self, key: &str) -> Option<S> {
        self.source.as_ref().and_then(|source| source.field(key))
    }

    /// The value under a key; absent and `null` are both `None`.
    #[must_use]
    pub fn given(&self, key: &str) -> Option<S> {
        self.raw(key).filter(|value| value.kind() != Kind::Null)
    }

    /// Every key of the record.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.source.as_ref().map(Source::keys).unwrap_or_default()
    }

    /// Notes that the value under a key is not allowed.
    pub fn refuse(&mut self, key: &str, allowed: &str) {
        // Without a record there is one fault, and it has been noted.
        if self.source.is_none() && self.prefix.is_empty() {
            return;
        }
        self.errors.push(FieldError {
            key: text(&[&self.prefix, key]),
            value: self.raw(key).map(|value| shorten(value.show())),
            allowed: allowed.to_owned(),
        });
    }

    /// What is given under a key.
    fn kind_of(&self, key: &str) -> Option<Kind> {
        self.given(key).map(|value| value.kind())
    }

    /// Whether a required field is there; a fault if it is not.
    fn has(&mut self, key: &str, allowed: &str) -> bool {
        let found = self.given(key).is_some();
        if !found {
            self.refuse(key, allowed);
        }
        found
    }

    /// Passes a field on, or notes that it could not be read.
    fn checked<T>(&mut self, key: &str, allowed: &str, read: Option<T>) -> Option<T> {
        if read.is_none() {
            self.refuse(key, allowed);
        }
        read
    }

    /// An optional truth value.
    pub fn flag(&mut self, key: &str) -> Option<bool> {
        let flag = match self.kind_of(key)? {
            Kind::Bool(value) => Some(value),
            _ => None,
        };
        self.checked(key, "true or false", flag)
    }

    fn text_of_kind(&mut self, key: &str, allowed: &str) -> Option<String> {
        let text = match self.kind_of(key)? {
            Kind::Text(value) => Some(value),
            _ => None,
        };
        self.checked(key, allowed, text)
    }

    /// An optional text.
    pub fn text(&mut self, key: &str) -> Option<String> {
        self.text_of_kind(key, TEXT)
    }

    /// A required text.
    pub fn need_text(&mut self, key: &str) -> String {
        if !self.has(key, TEXT) {
            return String::new();
        }
        self.text(key).unwrap_or_default()
    }

    /// An optional id.
    pub fn id<T: TryFrom<String, Error = InvalidId>>(&mut self, key: &str) -> Option<T> {
        let text = self.text_of_kind(key, ID_RULE)?;
        self.checked(key, ID_RULE, T::try_from(text).ok())
    }

    /// A required id; `None` only beside a noted fault.
    pub fn need_id<T: TryFrom<String, Error = InvalidId>>(&mut self, key: &str) -> Option<T> {
        if !self.has(key, ID_RULE) {
            return None;
        }
        self.id(key)
    }

    /// A required player id, number or text; `None` only beside a noted fault.
    pub fn need_player(&mut self, key: &str) -> Option<PlayerId> {
        if !self.has(key, PLAYER) {
            return None;
        }
        self.player(key)
    }

    /// An optional player id.
    pub fn player(&mut self, key: &str) -> Option<PlayerId> {
        let player = player_id(self.kind_of(key)?);
        self.checked(key, PLAYER, player)
    }

    /// An optional whole number, 0 or more.
    pub fn count(&mut self, key: &str) -> Option<u64> {
        let count = whole(&self.kind_of(key)?);
        self.checked(key, COUNT, count)
    }

    /// A required whole number, 0 or more.
    pub fn need_count(&mut self, key: &str) -> u64 {
        if !self.has(key, COUNT) {
            return 0;
        }
        self.count(key).unwrap_or_default()
    }

    /// A required frame number.
    pub fn need_frame(&mut self, key: &str) -> Frame {
        Frame(self.need_count(key))
    }

    /// An optional duration or moment: a finite number, 0 or more.
    pub fn millis(&mut self, key: &str) -> Option<Millis> {
        let millis = match self.kind_of(key)? {
            Kind::Number(ms) if ms.is_finite() && ms >= 0.0 => Some(Millis::new(ms)),
            _ => None,
        };
        self.checked(key, MILLIS, millis)
    }

    /// A required duration or moment.
    pub fn need_millis(&mut self, key: &str) -> Millis {
        if !self.has(key, MILLIS) {
            return Millis::ZERO;
        }
        self.millis(key).unwrap_or_default()
    }

    /// A required field of any type; `None` only beside a noted fault. `null` is a value here.
    pub fn need_any(&mut self, key: &str) -> Option<S> {
        let value = self.raw(key);
        if value.is_none() {
            self.refuse(key, "any value");
        }
        value
    }

    /// A required object; `None` only beside a noted fault.
    pub fn need_record(&mut self, key: &str) -> Option<S> {
        let value = self.given(key).filter(|value| value.kind() == Kind::Record);
        if value.is_none() {
            self.refuse(key, "an object");
        }
        value
    }

    /// A required word out of a fixed set; `None` only beside a noted fault.
    pub fn need_word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        if self.given(key).is_none() {
            self.refuse_word(key, &mut words.iter().map(|(word, _)| *word));
            return None;
        }
        self.word(key, words)
    }

    /// An optional word out of a fixed set.
    pub fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let found = match self.kind_of(key)? {
            Kind::Text(text) => words
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, meant)| *meant),
            _ => None,
        };
        if found.is_none() {
            self.refuse_word(key, &mut words.iter().map(|(word, _)| *word));
        }
        found
    }

    fn refuse_word(&mut self, key: &str, words: &mut dyn Iterator<Item = &str>) {
        let quoted: Vec<String> = words.map(|word| text(&["\"", word, "\""])).collect();
        self.refuse(key, &listed(&quoted, " or "));
    }
}

/// Texts put together: `format!` and `concat`, without the machinery that the browser would download with them.
pub fn text(parts: &[&str]) -> String {
    listed(parts, "")
}

/// Texts with something between them: `join`, whose unrolled code the browser would download twice.
pub fn listed<T: AsRef<str>>(parts: &[T], between: &str) -> String {
    let mut text = String::new();
    for part in parts {
        if !text.is_empty() {
            text.push_str(between);
        }
        text.push_str(part.as_ref());
    }
    text
}

/// Whole numbers above this are not exact in JavaScript.
const MAX_WHOLE: f64 = 9_007_199_254_740_991.0;

fn whole(kind: &Kind) -> Option<u64> {
    match kind {
        Kind::Number(number) if number.fract() == 0.0 && (0.0..=MAX_WHOLE).contains(number) => {
            Some(*number as u64)
        }
        _ => None,
    }
}

fn player_id(kind: Kind) -> Option<PlayerId> {
    match kind {
        Kind::Number(number) if number.fract() == 0.0 && number.abs() <= MAX_WHOLE => {
            Some(PlayerId::Number(number as i64))
        }
        Kind::Text(text) => PlayerId::text(text).ok(),
        _ => None,
    }
}

fn shorten(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(SHOWN_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(feature = "json")]
impl Source for &serde_json::Value {
    fn kind(&self) -> Kind {
        match self {
            serde_json::Value::Null => Kind::Null,
            serde_json::Value::Bool(value) => Kind::Bool(*value),
            serde_json::Value::Number(number) => Kind::Number(number.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Kind::Text(text.clone()),
            serde_json::Value::Array(_) => Kind::List,
            serde_json::Value::Object(_) => Kind::Record,
        }
    }

    fn field(&self, key: &str) -> Option<Self> {
        self.get(key)
    }

    fn keys(&self) -> Vec<String> {
        self.as_object()
            .map(|object| object.keys().cloned().collect())
            .unwrap_or_default()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}
