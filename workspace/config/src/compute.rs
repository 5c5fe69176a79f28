//! Where and in which types models compute: words that editors and rewards share.

use crate::report::mistakes::Mistake;
use crate::schema::fields::Fields;
use crate::schema::key::{Absent, Key};
use crate::schema::rule::Word;

/// Where a model computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// On the first card if the program can use one, else on the processor.
    #[default]
    Auto,
    /// On the processor.
    Cpu,
    /// On the first NVIDIA card.
    Cuda,
}

/// In which type a model computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DtypeChoice {
    /// Single precision on the processor, brain floats on a card.
    #[default]
    Auto,
    /// Single precision.
    F32,
    /// Brain floats.
    Bf16,
    /// Half precision; not for judges.
    F16,
}

/// In which type weights lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WeightChoice {
    /// As stored where the files are larger than 4 GiB, else in the type of computing.
    #[default]
    Auto,
    /// In the type of computing.
    Converted,
    /// As the files have them, converted at each use.
    Stored,
}

pub(crate) const DEVICE: Key<Word<DeviceChoice>> = Key {
    name: "device",
    rule: Word(&[("auto", DeviceChoice::Auto), ("cpu", DeviceChoice::Cpu), ("cuda", DeviceChoice::Cuda)]),
    absent: Absent::Default(DeviceChoice::Auto),
    meaning: "where it computes; `auto` is the first card if the program was built for cards and finds one",
};

/// Reports a type that the chosen device does not have. What `device: auto` finds is seen only later.
pub(crate) fn check_dtype(fields: &Fields<'_>, device: Option<DeviceChoice>, dtype: Option<DtypeChoice>) {
    let word = match dtype {
        Some(DtypeChoice::Bf16) => "bf16",
        Some(DtypeChoice::F16) => "f16",
        _ => return,
    };
    if device == Some(DeviceChoice::Cpu) {
        let mistake = Mistake::new(format!("`dtype` cannot be `{word}` with `device: cpu`, which computes in `f32`"))
            .hint("leave `dtype` out, or choose another device");
        fields.error(&fields.span_of("dtype"), mistake);
    }
}
