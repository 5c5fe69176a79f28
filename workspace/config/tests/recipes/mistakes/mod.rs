//! Every kind of mistake, with what is said about it.

mod conclusions;
mod contradictions;
mod curations;
mod editors;
mod files;
mod keys;
mod many;
mod refused_yaml;
mod rollouts;
mod servers;
mod shapes;
mod syntax;
mod values;
