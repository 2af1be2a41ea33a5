//! What of a tenant the answer key is about.

use crate::collections::{Kind, collections};
use crate::content::Row;
use crate::directory::Directory;

/// The tenant's own objects that an application can read.
pub(crate) fn rows(directory: &Directory) -> impl Iterator<Item = Row<'_>> {
    let sets = collections().iter().zip(&directory.sets).enumerate();
    sets.filter(|(_, (collection, _))| collection.kind() != Kind::DelegatedOnly)
        .flat_map(move |(index, (_, set))| {
            set.iter()
                .filter(|object| !object.built_in)
                .map(move |object| Row::new(directory, index, object))
        })
}
