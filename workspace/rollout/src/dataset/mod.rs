//! Readers of data sets: they list rows in a fixed order without holding them, and fetch a row from its place.
