//! Values of Arrow arrays as cells.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, StructArray};
use arrow_schema::{DataType, TimeUnit};
use serde_json::{Map, Number, Value};

use super::cell::{Cell, plain};

/// The type within this one that is not read here.
pub(super) fn unreadable(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(field) | DataType::LargeList(field) => unreadable(field.data_type()),
        DataType::Struct(fields) => fields.iter().find_map(|field| unreadable(field.data_type())),
        DataType::Null | DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => None,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => None,
        DataType::Date32 | DataType::Timestamp(..) | DataType::Decimal128(..) => None,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => None,
        integer if integer.is_integer() => None,
        other => Some(other),
    }
}

/// What an array holds at a row.
pub(super) fn cell(array: &dyn Array, row: usize) -> Result<Cell, String> {
    if row >= array.len() {
        return Err(format!("expected more than {row} values, found {}", array.len()));
    }
    if array.is_null(row) || matches!(array.data_type(), DataType::Null) {
        return Ok(Cell::Value(Value::Null));
    }
    let value = held(array, row).or_else(|| number(array, row).map(Cell::Value)).or_else(|| time(array, row));
    value.ok_or_else(|| format!("values of the type {} are not read", array.data_type()))
}

/// Texts, bytes and what holds others.
fn held(array: &dyn Array, row: usize) -> Option<Cell> {
    let text = |text: &str| Cell::Value(Value::String(text.to_owned()));
    Some(match array.data_type() {
        DataType::Boolean => Cell::Value(Value::Bool(array.as_boolean_opt()?.value(row))),
        DataType::Utf8 => text(array.as_string_opt::<i32>()?.value(row)),
        DataType::LargeUtf8 => text(array.as_string_opt::<i64>()?.value(row)),
        DataType::Utf8View => text(array.as_string_view_opt()?.value(row)),
        DataType::Binary => Cell::Bytes(array.as_binary_opt::<i32>()?.value(row).to_vec()),
        DataType::LargeBinary => Cell::Bytes(array.as_binary_opt::<i64>()?.value(row).to_vec()),
        DataType::BinaryView => Cell::Bytes(array.as_binary_view_opt()?.value(row).to_vec()),
        DataType::FixedSizeBinary(_) => Cell::Bytes(array.as_fixed_size_binary_opt()?.value(row).to_vec()),
        DataType::List(_) => list(&array.as_list_opt::<i32>()?.value(row))?,
        DataType::LargeList(_) => list(&array.as_list_opt::<i64>()?.value(row))?,
        DataType::Struct(_) => fields(array.as_struct_opt()?, row)?,
        _ => return None,
    })
}

fn list(items: &ArrayRef) -> Option<Cell> {
    let cells: Vec<Cell> = (0..items.len()).map(|row| cell(items.as_ref(), row)).collect::<Result<_, _>>().ok()?;
    let values = cells.iter().map(|cell| match cell {
        Cell::Value(value) => Some(value.clone()),
        _ => None,
    });
    Some(values.collect::<Option<Vec<_>>>().map_or(Cell::List(cells), |values| Cell::Value(Value::Array(values))))
}

/// The image struct of `datasets`, or an object.
fn fields(array: &StructArray, row: usize) -> Option<Cell> {
    let mut found = Map::new();
    let mut bytes = None;
    for (field, column) in array.fields().iter().zip(array.columns()) {
        match cell(column.as_ref(), row).ok()? {
            Cell::Bytes(held) if field.name() == "bytes" => bytes = Some(held),
            other => {
                found.insert(field.name().clone(), plain(other));
            }
        }
    }
    let is_picture = ["bytes", "path"].iter().all(|name| array.column_by_name(name).is_some());
    if !is_picture {
        if let Some(bytes) = bytes {
            found.insert("bytes".to_owned(), plain(Cell::Bytes(bytes)));
        }
        return Some(Cell::Value(Value::Object(found)));
    }
    let name = found.get("path").and_then(Value::as_str).map(ToOwned::to_owned);
    Some(Cell::Picture { bytes, name })
}

fn number(array: &dyn Array, row: usize) -> Option<Value> {
    let fraction = |value: f64| Number::from_f64(value).map_or(Value::Null, Value::Number);
    Some(match array.data_type() {
        DataType::Int8 => value::<Int8Type>(array, row)?.into(),
        DataType::Int16 => value::<Int16Type>(array, row)?.into(),
        DataType::Int32 => value::<Int32Type>(array, row)?.into(),
        DataType::Int64 => value::<Int64Type>(array, row)?.into(),
        DataType::UInt8 => value::<UInt8Type>(array, row)?.into(),
        DataType::UInt16 => value::<UInt16Type>(array, row)?.into(),
        DataType::UInt32 => value::<UInt32Type>(array, row)?.into(),
        DataType::UInt64 => value::<UInt64Type>(array, row)?.into(),
        DataType::Float16 => fraction(value::<Float16Type>(array, row)?.to_f64()),
        // As it is written, not as its nearest double is.
        DataType::Float32 => fraction(value::<Float32Type>(array, row)?.to_string().parse().ok()?),
        DataType::Float64 => fraction(value::<Float64Type>(array, row)?),
        DataType::Decimal128(..) => array.as_primitive_opt::<Decimal128Type>()?.value_as_string(row).into(),
        _ => return None,
    })
}

fn value<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> Option<T::Native> {
    Some(array.as_primitive_opt::<T>()?.value(row))
}

/// Dates and times as text.
fn time(array: &dyn Array, row: usize) -> Option<Cell> {
    let text = match array.data_type() {
        DataType::Date32 => array.as_primitive_opt::<Date32Type>()?.value_as_date(row).map(|date| date.to_string()),
        DataType::Timestamp(unit, _) => {
            let time = match unit {
                TimeUnit::Second => array.as_primitive_opt::<TimestampSecondType>()?.value_as_datetime(row),
                TimeUnit::Millisecond => array.as_primitive_opt::<TimestampMillisecondType>()?.value_as_datetime(row),
                TimeUnit::Microsecond => array.as_primitive_opt::<TimestampMicrosecondType>()?.value_as_datetime(row),
                TimeUnit::Nanosecond => array.as_primitive_opt::<TimestampNanosecondType>()?.value_as_datetime(row),
            };
            time.map(|time| time.to_string())
        }
        _ => return None,
    };
    Some(Cell::Value(text.map_or(Value::Null, Value::String)))
}
