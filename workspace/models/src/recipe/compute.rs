//! Where and in which types models compute: what recipes of editors and rewards share.

use editscale_schema::{Absent, Fields, Key, Mistake, Word};

use crate::device::{DeviceChoice, DtypeChoice};
use crate::layers::Compute;
use crate::load::LoadError;
use crate::weights::Storage;

/// Weights on the processor beyond this are kept as stored unless the recipe says otherwise: widened, a judge of seven billion
/// parameters would take 31 GB, and a transformer of twelve billion 48 GB.
const MOST_CONVERTED: u64 = 4 << 30;

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

impl WeightChoice {
    /// The same way to compute, with the weights as chosen; `stored_bytes` tells what they take in their files.
    pub(crate) fn applied(
        self,
        compute: Compute,
        stored_bytes: impl FnOnce() -> Result<u64, LoadError>,
    ) -> Result<Compute, LoadError> {
        let is_stored = match self {
            Self::Converted => false,
            Self::Stored => true,
            Self::Auto => compute.device.is_cpu() && stored_bytes()? > MOST_CONVERTED,
        };
        Ok(if is_stored { Compute { kept: Storage::Stored, ..compute } } else { compute })
    }
}

pub(crate) const DEVICE: Key<Word<DeviceChoice>> = Key {
    name: "device",
    rule: Word(&[("auto", DeviceChoice::Auto), ("cpu", DeviceChoice::Cpu), ("cuda", DeviceChoice::Cuda)]),
    absent: Absent::Default(DeviceChoice::Auto),
    meaning: "where it computes; `auto` is the first card if the program was built for cards and finds one",
};

/// The key `dtype`. Not everything computes in every type.
pub(crate) const fn dtype(words: &'static [(&'static str, DtypeChoice)]) -> Key<Word<DtypeChoice>> {
    Key {
        name: "dtype",
        rule: Word(words),
        absent: Absent::Default(DtypeChoice::Auto),
        meaning: "in which type it computes; `auto` is `f32` on the processor, which has no other, and `bf16` on a card",
    }
}

/// The key `weights`, whose meaning ends in what does not depend on it.
pub(crate) const fn weights(meaning: &'static str) -> Key<Word<WeightChoice>> {
    Key {
        name: "weights",
        rule: Word(&[
            ("auto", WeightChoice::Auto),
            ("converted", WeightChoice::Converted),
            ("stored", WeightChoice::Stored),
        ]),
        absent: Absent::Default(WeightChoice::Auto),
        meaning,
    }
}

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
