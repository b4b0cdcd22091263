//! Values of ours as the plain objects that JSON would give.
//!
//! `serde-wasm-bindgen` does the same for any type and every failure, which costs the download 20 kB (6 kB gzip) more: our
//! types have text for keys and cannot fail.

use std::fmt;

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use wasm_bindgen::{JsValue, throw_str};

use crate::js::{list, push, record, set, set_by_key};

/// The value as JavaScript.
pub(crate) fn to_js(value: &impl Serialize) -> JsValue {
    match value.serialize(ToJs) {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// No value: nothing that is written here can fail, and the compiler leaves out what would be done about it.
#[derive(Debug)]
enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

impl Error for Never {
    fn custom<T: fmt::Display>(_: T) -> Self {
        throw_str("a type refused to be written")
    }
}

#[derive(Clone, Copy)]
struct ToJs;

/// An object under construction; `variant` wraps it in the end.
struct Record {
    object: JsValue,
    key: JsValue,
    variant: Option<&'static str>,
}

impl Record {
    fn new(variant: Option<&'static str>) -> Self {
        Self {
            object: record(),
            key: JsValue::UNDEFINED,
            variant,
        }
    }

    fn finish(self) -> JsValue {
        wrapped(self.variant, self.object)
    }
}

/// A list under construction.
struct List {
    array: JsValue,
    variant: Option<&'static str>,
}

impl List {
    fn new(variant: Option<&'static str>) -> Self {
        Self {
            array: list(),
            variant,
        }
    }

    fn finish(self) -> JsValue {
        wrapped(self.variant, self.array)
    }
}

fn wrapped(variant: Option<&'static str>, value: JsValue) -> JsValue {
    let Some(variant) = variant else { return value };
    let outer = record();
    set(&outer, variant, &value);
    outer
}

macro_rules! numbers {
    ($($method:ident: $type:ty,)*) => {
        // Whole numbers of ours lie within what a JavaScript number holds exactly.
        $(fn $method(self, value: $type) -> Result<JsValue, Never> {
            Ok(JsValue::from_f64(value as f64))
        })*
    };
}

impl Serializer for ToJs {
    type Ok = JsValue;
    type Error = Never;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Record;
    type SerializeStruct = Record;
    type SerializeStructVariant = Record;

    numbers! {
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_f32: f32,
        serialize_f64: f64,
    }

    fn serialize_bool(self, value: bool) -> Result<JsValue, Never> {
        Ok(value.into())
    }

    fn serialize_char(self, value: char) -> Result<JsValue, Never> {
        Ok(value.to_string().into())
    }

    fn serialize_str(self, value: &str) -> Result<JsValue, Never> {
        Ok(value.into())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<JsValue, Never> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<JsValue, Never> {
        Ok(JsValue::NULL)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<JsValue, Never> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<JsValue, Never> {
        Ok(JsValue::NULL)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<JsValue, Never> {
        Ok(JsValue::NULL)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<JsValue, Never> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<JsValue, Never> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<JsValue, Never> {
        Ok(wrapped(Some(variant), value.serialize(self)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Never> {
        Ok(List::new(None))
    }

    fn serialize_tuple(self, _: usize) -> Result<List, Never> {
        Ok(List::new(None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, Never> {
        Ok(List::new(None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List, Never> {
        Ok(List::new(Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Record, Never> {
        Ok(Record::new(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Record, Never> {
        Ok(Record::new(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Record, Never> {
        Ok(Record::new(Some(variant)))
    }
}

macro_rules! lists {
    ($($trait:ident::$method:ident,)*) => {
        $(impl $trait for List {
            type Ok = JsValue;
            type Error = Never;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
                push(&self.array, &value.serialize(ToJs)?);
                Ok(())
            }

            fn end(self) -> Result<JsValue, Never> {
                Ok(self.finish())
            }
        })*
    };
}

lists! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

macro_rules! records {
    ($($trait:ident,)*) => {
        $(impl $trait for Record {
            type Ok = JsValue;
            type Error = Never;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Never> {
                set(&self.object, key, &value.serialize(ToJs)?);
                Ok(())
            }

            fn end(self) -> Result<JsValue, Never> {
                Ok(self.finish())
            }
        })*
    };
}

records! { SerializeStruct, SerializeStructVariant, }

impl SerializeMap for Record {
    type Ok = JsValue;
    type Error = Never;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Never> {
        self.key = key.serialize(ToJs)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        let value = value.serialize(ToJs)?;
        set_by_key(&self.object, &self.key, &value);
        Ok(())
    }

    fn end(self) -> Result<JsValue, Never> {
        Ok(self.finish())
    }
}

/// What `serde-wasm-bindgen` writes is what ours must be.
#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;
    use stillhere_core::config::MonitorConfig;
    use stillhere_core::exclusion::Side;
    use stillhere_core::ids::{ExportId, Frame, PlayerId};
    use stillhere_core::monitor::{Monitor, MonitorInput, MonitorOutput};
    use stillhere_core::participant::{Messages, PageEvent, Participant, Status};
    use stillhere_core::time::Millis;
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    use super::to_js;

    wasm_bindgen_test_configure!(run_in_browser);

    #[derive(Serialize)]
    struct Newtype(u8);

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Variant {
        Unit,
        Newtype(u8),
        Tuple(u8, bool),
        Struct { field: &'static str },
    }

    #[derive(Serialize)]
    struct Shapes {
        unit: (),
        none: Option<u8>,
        some: Option<u8>,
        flag: bool,
        letter: char,
        text: &'static str,
        small: i8,
        negative: i64,
        large: u64,
        real: f64,
        newtype: Newtype,
        pair: (u8, &'static str),
        list: Vec<Option<bool>>,
        map: BTreeMap<&'static str, f32>,
        variants: [Variant; 4],
    }

    fn assert_same(value: &impl Serialize) {
        let theirs = value
            .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
            .expect("the library writes it");
        let as_text = |value| String::from(js_sys::JSON::stringify(value).expect("plain data"));
        assert_eq!(as_text(&to_js(value)), as_text(&theirs));
    }

    #[wasm_bindgen_test]
    fn every_shape_is_written_as_the_library_writes_it() {
        assert_same(&Shapes {
            unit: (),
            none: None,
            some: Some(0),
            flag: true,
            letter: 'ß',
            text: "\u{202e}<b>\0 🙂",
            small: -1,
            negative: -9_007_199_254_740_991,
            large: 9_007_199_254_740_991,
            real: 0.1,
            newtype: Newtype(7),
            pair: (1, "one"),
            list: vec![None, Some(false)],
            map: BTreeMap::from([("", 0.5), ("toString", 1.0)]),
            variants: [
                Variant::Unit,
                Variant::Newtype(1),
                Variant::Tuple(2, true),
                Variant::Struct { field: "three" },
            ],
        });
    }

    #[wasm_bindgen_test]
    fn what_a_session_says_is_written_as_the_library_writes_it() {
        let session = Participant::new(Millis::new(1.7e12), "seed", Messages::default());
        let status: Status = session.status();
        assert_same(&status);
        assert_same(&session.metrics(Millis::new(1_234.5)));
        assert_same(&PageEvent::Exported {
            export_id: ExportId::try_from("e-1").unwrap(),
            duplicate: false,
        });
        assert_same(&PageEvent::PartnerDisconnected {
            player_id: Some(PlayerId::Number(0)),
            message: "gone".to_owned(),
        });
    }

    #[wasm_bindgen_test]
    fn a_verdict_with_its_evidence_is_written_as_the_library_writes_it() {
        let mut monitor = Monitor::new(Side::Client, Millis::new(1.7e12));
        monitor.configure(&MonitorConfig {
            enabled: true,
            ..MonitorConfig::default()
        });
        monitor.frame(Frame(0));
        monitor.handle(Millis::ZERO, MonitorInput::Resume);
        monitor.handle(Millis::ZERO, MonitorInput::Hidden);
        monitor.handle(Millis::new(60_000.25), MonitorInput::Tick);
        let verdict = std::iter::from_fn(|| monitor.poll()).find_map(|output| match output {
            MonitorOutput::Exclude(exclusion) => Some(exclusion),
            _ => None,
        });
        assert_same(&verdict.expect("hidden for a minute"));
    }
}
