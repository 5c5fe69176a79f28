//! Sets of alternatives that this crate knows itself: an enum, each variant with options of its own.

use editscale_schema::Options;

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
            const CHOICE: editscale_schema::Choice = editscale_schema::Choice {
                what: $what,
                key: $key,
                known: &[$((
                    <$options as editscale_schema::Options>::NAME,
                    <$options as editscale_schema::Options>::KEYS,
                )),+],
            };

            /// What recipes call it.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => <$options as editscale_schema::Options>::NAME),+
                }
            }

            /// Reads which alternative a node chooses, with its options.
            pub fn read(
                node: &editscale_schema::tree::Node,
                at: &editscale_schema::Span,
                mistakes: &editscale_schema::Mistakes<'_>,
            ) -> Option<Self> {
                let chosen = Self::CHOICE.read(node, at, mistakes);
                let read: Vec<Option<Self>> =
                    chosen.iter().map(|chosen| Self::read_options(chosen, mistakes)).collect();
                read.into_iter().next()?
            }

            fn read_options(
                chosen: &editscale_schema::Named<'_>,
                mistakes: &editscale_schema::Mistakes<'_>,
            ) -> Option<Self> {
                let map = editscale_schema::Map::of(chosen.entry);
                match chosen.name {
                    $(name if name == <$options as editscale_schema::Options>::NAME => {
                        let fields = map.read(<$options as editscale_schema::Options>::KEYS, mistakes)?;
                        <$options as editscale_schema::Options>::read(&fields).map(Self::$variant)
                    })+
                    _ => None,
                }
            }

            pub fn write(&self) -> editscale_schema::Yaml {
                let options = match self {
                    $(Self::$variant(options) => editscale_schema::Options::write(options)),+
                };
                editscale_schema::Yaml::tagged(self.kind(), editscale_schema::Yaml::Map(options))
            }

            pub fn tables() -> Vec<editscale_schema::Table> {
                vec![$(editscale_schema::table(
                    format!("{}.{}", $key, <$options as editscale_schema::Options>::NAME),
                    <$options as editscale_schema::Options>::ABOUT,
                    <$options as editscale_schema::Options>::KEYS,
                )),+]
            }
        }
    };
}


pub(crate) use alternatives;
