//! Rows as Parquet: a typed column for each, row groups of bounded size, ZSTD.
//!
//! Every column is optional. Instants are `TIMESTAMP(MILLIS, UTC)`, lists of texts are LISTs of STRING,
//! JSON is of the logical type JSON. The file has no Arrow schema in it: the types say all.

use super::Sink;
use crate::row::{Cell, Column, Kind};
use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel},
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{Type, TypePtr},
};
use std::{
    io::{self, Write},
    sync::Arc,
};

/// Most rows of a row group.
const GROUP_ROWS: usize = 64 * 1024;
/// Most bytes of values that wait for their row group, before encoding.
const GROUP_BYTES: usize = 32 * 1024 * 1024;

/// Writes a Parquet file; nothing of it can be read before it is finished.
pub(super) struct ParquetSink<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    buffers: Vec<Buffer>,
    rows: usize,
    bytes: usize,
}

/// Values of a column, with their definition and repetition levels.
struct Buffer {
    values: Values,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
}

enum Values {
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Float(Vec<f64>),
    Bytes(Vec<ByteArray>),
    List(Vec<ByteArray>),
}

impl<W: Write + Send> ParquetSink<W> {
    pub(super) fn new(columns: &[Column], out: W) -> io::Result<Self> {
        let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>().map_err(other)?;
        let schema = Type::group_type_builder("row").with_fields(fields).build().map_err(other)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("trawl version ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(other)?;
        let buffers = columns.iter().map(|column| Buffer::of(column.kind)).collect();
        Ok(Self { writer, buffers, rows: 0, bytes: 0 })
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for buffer in &mut self.buffers {
            buffer.write(&mut group)?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl<W: Write + Send> Sink for ParquetSink<W> {
    fn write(&mut self, row: &[Cell<'_>]) -> io::Result<()> {
        for (buffer, cell) in self.buffers.iter_mut().zip(row) {
            self.bytes += buffer.push(cell);
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.end_group().map_err(other)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.end_group().map_err(other)?;
        self.writer.finish().map_err(other)?;
        self.writer.inner_mut().flush()
    }
}

fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let optional = |physical, logical: Option<LogicalType>| {
        Type::primitive_type_builder(&column.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()
    };
    let timestamp = LogicalType::timestamp(true, TimeUnit::MILLIS);
    Ok(Arc::new(match column.kind {
        Kind::Bool => optional(Physical::BOOLEAN, None)?,
        Kind::Int => optional(Physical::INT64, None)?,
        Kind::Float => optional(Physical::DOUBLE, None)?,
        Kind::Text => optional(Physical::BYTE_ARRAY, Some(LogicalType::String))?,
        Kind::Json => optional(Physical::BYTE_ARRAY, Some(LogicalType::Json))?,
        Kind::Time => optional(Physical::INT64, Some(timestamp))?,
        Kind::Texts => {
            let element = Type::primitive_type_builder("element", Physical::BYTE_ARRAY)
                .with_repetition(Repetition::REQUIRED)
                .with_logical_type(Some(LogicalType::String))
                .build()?;
            let list = Type::group_type_builder("list")
                .with_repetition(Repetition::REPEATED)
                .with_fields(vec![Arc::new(element)])
                .build()?;
            Type::group_type_builder(&column.name)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(Some(LogicalType::List))
                .with_fields(vec![Arc::new(list)])
                .build()?
        }
    }))
}

impl Buffer {
    fn of(kind: Kind) -> Self {
        let values = match kind {
            Kind::Bool => Values::Bool(Vec::new()),
            Kind::Int | Kind::Time => Values::Int(Vec::new()),
            Kind::Float => Values::Float(Vec::new()),
            Kind::Text | Kind::Json => Values::Bytes(Vec::new()),
            Kind::Texts => Values::List(Vec::new()),
        };
        Self { values, definitions: Vec::new(), repetitions: Vec::new() }
    }

    /// Takes a value and answers its bytes; a cell of another kind is no value.
    fn push(&mut self, cell: &Cell<'_>) -> usize {
        let bytes = |text: &str| ByteArray::from(text.as_bytes().to_vec());
        let size = match (&mut self.values, cell) {
            (Values::Bool(values), Cell::Bool(value)) => {
                values.push(*value);
                1
            }
            (Values::Int(values), Cell::Int(value) | Cell::Time(value)) => {
                values.push(*value);
                8
            }
            (Values::Float(values), Cell::Float(value)) => {
                values.push(*value);
                8
            }
            (Values::Bytes(values), Cell::Text(text) | Cell::Json(text)) => {
                values.push(bytes(text));
                text.len() + 32
            }
            (Values::List(values), Cell::Texts(texts)) => {
                values.extend(texts.iter().map(|text| bytes(text)));
                // An empty list is there, and has no element: level 1 of 2.
                let (definition, levels) = if texts.is_empty() { (1, 1) } else { (2, texts.len()) };
                self.definitions.extend(std::iter::repeat_n(definition, levels));
                self.repetitions.push(0);
                self.repetitions.extend(std::iter::repeat_n(1, levels - 1));
                return texts.iter().map(|text| text.len() + 32).sum();
            }
            _ => {
                self.definitions.push(0);
                if matches!(self.values, Values::List(_)) {
                    self.repetitions.push(0);
                }
                return 2;
            }
        };
        self.definitions.push(1);
        size
    }

    fn write<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        let Some(mut column) = group.next_column()? else { return Ok(()) };
        let definitions = Some(&self.definitions[..]);
        match &mut self.values {
            Values::Bool(values) => {
                column.typed::<BoolType>().write_batch(values, definitions, None).map(drop)?;
            }
            Values::Int(values) => {
                column.typed::<Int64Type>().write_batch(values, definitions, None).map(drop)?;
            }
            Values::Float(values) => {
                column.typed::<DoubleType>().write_batch(values, definitions, None).map(drop)?;
            }
            Values::Bytes(values) => {
                column.typed::<ByteArrayType>().write_batch(values, definitions, None).map(drop)?;
            }
            Values::List(values) => {
                let repetitions = Some(&self.repetitions[..]);
                column.typed::<ByteArrayType>().write_batch(values, definitions, repetitions).map(drop)?;
            }
        }
        column.close()?;
        match &mut self.values {
            Values::Bool(values) => values.clear(),
            Values::Int(values) => values.clear(),
            Values::Float(values) => values.clear(),
            Values::Bytes(values) | Values::List(values) => values.clear(),
        }
        self.definitions.clear();
        self.repetitions.clear();
        Ok(())
    }
}

fn other(error: ParquetError) -> io::Error {
    match error {
        // What the file system said is what the caller wants to know.
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(inner) => io::Error::other(inner),
        },
        error => io::Error::other(error),
    }
}
