//! Values of ours as the plain objects that JSON would give.
//!
//! `serde-wasm-bindgen` does the same for any type and every failure, which costs the browser's download 20 kB more: our
//! types have text for keys and cannot fail.

use std::fmt;

use js_sys::{Array, Object};
use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use wasm_bindgen::{JsValue, throw_str};

use crate::js::set;

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
    object: Object,
    key: JsValue,
    variant: Option<&'static str>,
}

impl Record {
    fn new(variant: Option<&'static str>) -> Self {
        Self {
            object: Object::new(),
            key: JsValue::UNDEFINED,
            variant,
        }
    }

    fn finish(self) -> JsValue {
        wrapped(self.variant, self.object.into())
    }
}

/// A list under construction.
struct List {
    array: Array,
    variant: Option<&'static str>,
}

impl List {
    fn new(variant: Option<&'static str>) -> Self {
        Self {
            array: Array::new(),
            variant,
        }
    }

    fn finish(self) -> JsValue {
        wrapped(self.variant, self.array.into())
    }
}

fn wrapped(variant: Option<&'static str>, value: JsValue) -> JsValue {
    let Some(variant) = variant else { return value };
    let outer = Object::new();
    set(&outer, variant, &value);
    outer.into()
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
                self.array.push(&value.serialize(ToJs)?);
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
        // An object of ours takes any property.
        let _ = js_sys::Reflect::set(&self.object, &self.key, &value);
        Ok(())
    }

    fn end(self) -> Result<JsValue, Never> {
        Ok(self.finish())
    }
}
