//! Sets of alternatives, each alternative with options of its own: one file and one line to register it.

use crate::document::yaml::Yaml;
use crate::schema::fields::Fields;
use crate::schema::key::Keys;

/// The options of one alternative.
pub(crate) trait Options: Sized {
    /// What recipes call it.
    const NAME: &'static str;
    /// One line for people.
    const ABOUT: &'static str;
    /// Its keys.
    const KEYS: Keys;

    /// Reads the options and reports what is wrong with them. May give something although mistakes were reported: a
    /// recipe with mistakes is never used.
    fn read(fields: &Fields<'_>) -> Option<Self>;

    /// All that is set, defaults included, in the order of [`Self::KEYS`].
    fn write(&self) -> Vec<(String, Yaml)>;
}

/// Declares an enum of alternatives and the functions that read, write and document it.
///
/// `Variant(Type)` registers one: the type implements [`Options`] in a file of its own.
macro_rules! alternatives {
    (
        $(#[$doc:meta])*
        $type:ident, $what:literal, $key:literal:
        $($(#[$variant_doc:meta])* $variant:ident($options:ty)),+ $(,)?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "a recipe has a handful of them, which are read once")]
        pub enum $type {
            $($(#[$variant_doc])* $variant($options)),+
        }

        impl $type {
            const CHOICE: $crate::schema::alternative::Choice = $crate::schema::alternative::Choice {
                what: $what,
                key: $key,
                known: &[$((
                    <$options as $crate::schema::options::Options>::NAME,
                    <$options as $crate::schema::options::Options>::KEYS,
                )),+],
            };

            /// What recipes call it.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => <$options as $crate::schema::options::Options>::NAME),+
                }
            }

            /// Reads which alternative a node chooses, with its options.
            pub(crate) fn read(
                node: &$crate::document::tree::Node,
                at: &$crate::report::lines::Span,
                mistakes: &$crate::report::mistakes::Mistakes<'_>,
            ) -> Option<Self> {
                let chosen = Self::CHOICE.read(node, at, mistakes);
                let read: Vec<Option<Self>> =
                    chosen.iter().map(|chosen| Self::read_options(chosen, mistakes)).collect();
                read.into_iter().next()?
            }

            fn read_options(
                chosen: &$crate::schema::alternative::Chosen<'_>,
                mistakes: &$crate::report::mistakes::Mistakes<'_>,
            ) -> Option<Self> {
                let map = $crate::schema::fields::Map::of(chosen.entry);
                match chosen.name {
                    $(name if name == <$options as $crate::schema::options::Options>::NAME => {
                        let fields = map.read(<$options as $crate::schema::options::Options>::KEYS, mistakes)?;
                        <$options as $crate::schema::options::Options>::read(&fields).map(Self::$variant)
                    })+
                    _ => None,
                }
            }

            pub(crate) fn write(&self) -> $crate::document::yaml::Yaml {
                let options = match self {
                    $(Self::$variant(options) => $crate::schema::options::Options::write(options)),+
                };
                $crate::document::yaml::Yaml::tagged(self.kind(), $crate::document::yaml::Yaml::Map(options))
            }

            pub(crate) fn tables() -> Vec<$crate::Table> {
                vec![$($crate::schema::key::table(
                    format!("{}.{}", $key, <$options as $crate::schema::options::Options>::NAME),
                    <$options as $crate::schema::options::Options>::ABOUT,
                    <$options as $crate::schema::options::Options>::KEYS,
                )),+]
            }
        }
    };
}

pub(crate) use alternatives;
