//! What is counted in a source: its functions, what is public in it, and what it hands on from elsewhere.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A source of the product.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) counted: Counted,
}

/// What is in a source; what is of its tests is left out.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) functions: Vec<Function>,
    /// Public things that nothing is said about.
    pub(crate) untold: Vec<String>,
    /// Public things with a map from text to numbers.
    pub(crate) maps: Vec<String>,
    /// Names from elsewhere that are public here; `*` stands for all.
    pub(crate) handed_on: Vec<String>,
    /// Whether what is read carries out a trait, which says itself what its functions take and do.
    of_trait: bool,
}

/// A function.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// From its signature to its closing brace.
    pub(crate) lines: usize,
    /// What it takes, itself apart.
    pub(crate) parameters: usize,
}

impl Source {
    pub(crate) fn read(path: String, text: String) -> Self {
        let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut counted = Counted::default();
        counted.visit_file(&file);
        Self { path, text, counted }
    }
}

impl Counted {
    fn enter(&mut self, signature: &syn::Signature, end: proc_macro2::LineColumn) {
        let is_self = |input: &&syn::FnArg| matches!(input, syn::FnArg::Receiver(_));
        let own = signature.inputs.iter().filter(is_self).count();
        let parameters = if self.of_trait { 0 } else { signature.inputs.len() - own };
        let lines = end.line - signature.span().start().line + 1;
        self.functions.push(Function { name: signature.ident.to_string(), lines, parameters });
    }

    /// Looks at something public: what is said about it, and a part that may be such a map.
    fn look(&mut self, name: &syn::Ident, attributes: &[syn::Attribute], holds_map: bool) {
        if !attributes.iter().any(|attribute| attribute.path().is_ident("doc")) {
            self.untold.push(name.to_string());
        }
        if holds_map {
            self.maps.push(name.to_string());
        }
    }

    fn look_at_fields(&mut self, fields: &syn::Fields) {
        for field in fields.iter().filter(|field| is_public(&field.vis)) {
            if let Some(name) = &field.ident {
                self.look(name, &field.attrs, holds_map(|finder| finder.visit_type(&field.ty)));
            }
        }
    }

    fn look_at_function(&mut self, signature: &syn::Signature, attributes: &[syn::Attribute]) {
        self.look(&signature.ident, attributes, holds_map(|finder| finder.visit_signature(signature)));
    }

    fn hand_on(&mut self, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => self.hand_on(&path.tree),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.hand_on(tree)),
            syn::UseTree::Name(name) => self.handed_on.push(name.ident.to_string()),
            syn::UseTree::Rename(name) => self.handed_on.push(name.rename.to_string()),
            syn::UseTree::Glob(_) => self.handed_on.push("*".to_owned()),
        }
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

/// Whether this is `expect(missing_docs, reason = …)`: the names of what is inside say enough.
fn is_told_by_names(attribute: &syn::Attribute) -> bool {
    match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("expect") && list.tokens.to_string().starts_with("missing_docs"),
        _ => false,
    }
}

/// Looks for a map from text to numbers in what is visited.
#[derive(Default)]
struct MapFinder {
    is_found: bool,
}

fn holds_map(visit: impl FnOnce(&mut MapFinder)) -> bool {
    let mut finder = MapFinder::default();
    visit(&mut finder);
    finder.is_found
}

impl<'ast> Visit<'ast> for MapFinder {
    fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
        let is = |argument: &syn::GenericArgument, names: &[&str]| match argument {
            syn::GenericArgument::Type(syn::Type::Path(path)) => names.iter().any(|name| path.path.is_ident(name)),
            _ => false,
        };
        if let syn::PathArguments::AngleBracketed(arguments) = &segment.arguments {
            let arguments: Vec<&syn::GenericArgument> = arguments.args.iter().collect();
            let is_map = ["HashMap", "BTreeMap"].iter().any(|name| segment.ident == name);
            self.is_found |=
                is_map && matches!(arguments[..], [key, value] if is(key, &["String"]) && is(value, &["f64", "f32"]));
        }
        visit::visit_path_segment(self, segment);
    }
}

fn is_of_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = match &attribute.meta {
            syn::Meta::List(list) => format!("{}", list.tokens),
            other => other.path().segments.last().map(|last| last.ident.to_string()).unwrap_or_default(),
        };
        text == "test"
    })
}

impl<'ast> Visit<'ast> for Counted {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_of_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if is_public(&item.vis) {
            self.hand_on(&item.tree);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if is_public(&item.vis) {
            self.look(&item.ident, &item.attrs, false);
            self.look_at_fields(&item.fields);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        if is_public(&item.vis) {
            self.look(&item.ident, &item.attrs, false);
            let say_it = item.attrs.iter().any(is_told_by_names);
            for variant in item.variants.iter().filter(|_| !say_it) {
                self.look(&variant.ident, &variant.attrs, holds_map(|finder| finder.visit_fields(&variant.fields)));
            }
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if is_public(&item.vis) {
            self.look(&item.ident, &item.attrs, false);
            for inner in &item.items {
                if let syn::TraitItem::Fn(function) = inner {
                    self.look_at_function(&function.sig, &function.attrs);
                }
            }
        }
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        if is_public(&item.vis) {
            self.look(&item.ident, &item.attrs, holds_map(|finder| finder.visit_type(&item.ty)));
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        if is_public(&item.vis) {
            self.look(&item.ident, &item.attrs, false);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_of_tests(&function.attrs) {
            if is_public(&function.vis) {
                self.look_at_function(&function.sig, &function.attrs);
            }
            self.enter(&function.sig, function.block.span().end());
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        let outer = std::mem::replace(&mut self.of_trait, block.trait_.is_some());
        if !is_of_tests(&block.attrs) {
            visit::visit_item_impl(self, block);
        }
        self.of_trait = outer;
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if is_public(&function.vis) {
            self.look_at_function(&function.sig, &function.attrs);
        }
        self.enter(&function.sig, function.block.span().end());
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.enter(&function.sig, block.span().end());
        }
    }
}
