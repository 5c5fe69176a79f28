//! What the recipes of all judges share.

use std::num::NonZeroU32;

use editscale_schema::{Absent, Fields, Key, Text, Whole};

pub(crate) const MODEL: Key<Text> =
    Key { name: "model", rule: Text, absent: Absent::Refused, meaning: "the model's name as the server knows it" };

pub(crate) const PIXEL_BUDGET: Key<Whole> = Key {
    name: "pixel_budget",
    rule: Whole { low: 1, high: 1 << 40 },
    absent: Absent::Unset("not known"),
    meaning: "the pixels of a picture that the model looks at, at most; finer detail is invisible to it",
};

/// A count under a key whose range begins at 1 or later and ends within 32 bits.
pub(crate) fn take_count(fields: &Fields<'_>, key: &Key<Whole>) -> Option<NonZeroU32> {
    fields.take(key).and_then(|count| NonZeroU32::new(u32::try_from(count).ok()?))
}

/// The methods of a `RewardChoice` that give its servers, where they stand under `remote` in what is named.
macro_rules! servers_of {
    ($($field:ident).+) => {
        fn remote(&self) -> Option<&::editscale_schema::remote::RemoteSettings> {
            Some(&self.$($field).+.remote)
        }

        fn remote_mut(&mut self) -> Option<&mut ::editscale_schema::remote::RemoteSettings> {
            Some(&mut self.$($field).+.remote)
        }
    };
}
pub(crate) use servers_of;
