//! `MessagePack`, as far as an answer needs it, and tensors in it as `SGLang` writes them.

/// A value that can be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Packed {
    /// Nothing.
    Nil,
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Whole(u64),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Packed>),
    /// A map from texts.
    Map(Vec<(String, Packed)>),
}

impl Packed {
    /// A map of these.
    pub fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The same map with another value for a name, or with one more.
    #[must_use]
    pub fn with(self, name: &str, value: Self) -> Self {
        let Self::Map(mut entries) = self else { return self };
        entries.retain(|(known, _)| known != name);
        entries.push((name.to_owned(), value));
        Self::Map(entries)
    }

    /// The same map without a name.
    #[must_use]
    pub fn without(self, name: &str) -> Self {
        let Self::Map(mut entries) = self else { return self };
        entries.retain(|(known, _)| known != name);
        Self::Map(entries)
    }

    /// The value of a name in a map.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// A tensor: a `safetensors` file in a map.
    pub fn tensor(dtype: &str, shape: &[usize], data: &[u8]) -> Self {
        let header =
            serde_json::json!({"t": {"dtype": dtype, "shape": shape, "data_offsets": [0, data.len()]}}).to_string();
        let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat();
        Self::map([
            ("__tensor__", Self::Flag(true)),
            ("data", Self::Bytes(file)),
            ("shape", Self::List(shape.iter().map(|side| Self::Whole(*side as u64)).collect())),
            ("dtype", Self::Text(format!("torch.{}", dtype.to_lowercase()))),
        ])
    }

    /// A tensor in single precision.
    pub fn floats(shape: &[usize], values: &[f32]) -> Self {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::tensor("F32", shape, &data)
    }

    /// The bytes.
    pub fn pack(&self) -> Vec<u8> {
        let mut to = Vec::new();
        self.write(&mut to);
        to
    }

    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Nil => to.push(0xc0),
            Self::Flag(flag) => to.push(if *flag { 0xc3 } else { 0xc2 }),
            Self::Whole(number) => head(to, 0xcf, &number.to_be_bytes()),
            Self::Number(number) => head(to, 0xcb, &number.to_be_bytes()),
            Self::Text(text) => {
                head(to, 0xdb, &(text.len() as u32).to_be_bytes());
                to.extend(text.as_bytes());
            }
            Self::Bytes(bytes) => {
                head(to, 0xc6, &(bytes.len() as u32).to_be_bytes());
                to.extend(bytes);
            }
            Self::List(list) => {
                head(to, 0xdd, &(list.len() as u32).to_be_bytes());
                list.iter().for_each(|value| value.write(to));
            }
            Self::Map(entries) => {
                head(to, 0xdf, &(entries.len() as u32).to_be_bytes());
                for (name, value) in entries {
                    Self::Text(name.clone()).write(to);
                    value.write(to);
                }
            }
        }
    }
}

fn head(to: &mut Vec<u8>, mark: u8, rest: &[u8]) {
    to.push(mark);
    to.extend(rest);
}
