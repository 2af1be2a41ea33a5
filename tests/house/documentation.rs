//! Public functions and types have doc comments. Fields and variants that their names explain need none,
//! which is why this is not the lint `missing_docs`.

use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Visibility};

/// Public items without a doc comment.
#[derive(Default)]
struct Undocumented(Vec<String>);

impl Undocumented {
    fn of(source: &str) -> Vec<String> {
        let mut found = Self::default();
        found.visit_file(&syn::parse_file(source).unwrap());
        found.0
    }

    fn look(&mut self, visibility: &Visibility, attributes: &[Attribute], name: &Ident) {
        let is_public = matches!(visibility, Visibility::Public(_));
        if is_public && !attributes.iter().any(|one| one.path().is_ident("doc")) {
            self.0.push(name.to_string());
        }
    }
}

impl<'ast> Visit<'ast> for Undocumented {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.look(&item.vis, &item.attrs, &item.sig.ident);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.look(&item.vis, &item.attrs, &item.sig.ident);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.look(&item.vis, &item.attrs, &item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.look(&item.vis, &item.attrs, &item.ident);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.look(&item.vis, &item.attrs, &item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.look(&item.vis, &item.attrs, &item.ident);
        if matches!(item.vis, Visibility::Public(_)) {
            visit::visit_item_trait(self, item);
        }
    }

    // Functions of a trait are as public as the trait.
    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        let public = Visibility::Public(syn::token::Pub::default());
        self.look(&public, &item.attrs, &item.sig.ident);
    }
}

#[test]
fn public_items_without_documentation_are_found_and_others_are_not() {
    let source = "
        pub struct A { pub field: u8 }
        /// Documented.
        pub enum B { Variant }
        pub(crate) struct C;
        impl C { pub fn d(&self) {} fn e(&self) {} }
        pub trait F { fn g(); }
        /// Documented.
        pub const fn h() {}
        mod i { pub type J = u8; }
        trait K { fn l(); }
    ";
    assert_eq!(Undocumented::of(source), ["A", "d", "F", "g", "J"]);
}

#[test]
fn every_public_function_and_type_says_what_its_signature_does_not() {
    let sources = ["bench/src", "crates", "services/src", "xtask/src"];
    let mut missing = Vec::new();
    for (path, text) in sources.into_iter().flat_map(crate::sources::files) {
        let is_test = path.components().any(|part| part.as_os_str() == "tests");
        if is_test || path.ends_with("schema.rs") {
            continue;
        }
        let names = Undocumented::of(&text);
        missing.extend(
            names
                .iter()
                .map(|name| format!("{}: {name}", path.display())),
        );
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
