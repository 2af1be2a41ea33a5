//! What hangs on an object: its assignments, and what its navigations lead to.

use serde_json::Value;

use super::{Answered, Responder, errors, rows_page};
use crate::answer::Answer;
use crate::collections::Assignments;
use crate::content::{Expand, Held, Links, Navigation, Row, inside, navigations};

impl Responder<'_> {
    pub(super) fn assignments(&self, row: &Row<'_>, id: &str) -> Answered {
        let ids = self.request.ids;
        match self.collection.assignments {
            Assignments::Expand | Assignments::Subresource => {
                let context = self.context(&format!("('{id}')/assignments"));
                let rows = row.assignments(&mut Links::ignored());
                rows_page(self.request, self.query, context, 1_000, rows)
            }
            Assignments::Item => Err(errors::no_route(ids).into()),
            Assignments::None => Err(errors::unknown_segment("assignments", ids).into()),
        }
    }

    pub(super) fn navigation(
        &self,
        row: &Row<'_>,
        id: &str,
        name: &str,
        cast: &[Navigation],
    ) -> Answered {
        let ids = self.request.ids;
        let known = navigations(self.collection).iter().chain(cast);
        let navigation = known.into_iter().find(|one| one.name == name);
        let unknown = || errors::unknown_segment(name, ids);
        let navigation = navigation.ok_or_else(unknown)?;
        self.check_inside(name, &self.query.expand)?;
        let held = row
            .navigate(name, &self.query.expand, &mut Links::ignored())
            .ok_or_else(unknown)?;
        let tail = format!("('{id}')/{name}");
        match held {
            Held::Many(rows) => {
                let context = self.context(&tail);
                rows_page(
                    self.request,
                    self.query,
                    context,
                    navigation.page_size,
                    rows,
                )
            }
            Held::One(Value::Object(body)) => Ok(self.one(self.query.select(body), &tail)),
            Held::One(_) => Err(errors::not_found(ids).into()),
        }
    }

    /// One of several that a navigation leads to, or what is expanded on it.
    pub(super) fn under_navigation(
        &self,
        row: &Row<'_>,
        name: &str,
        key: &str,
        rest: &[String],
    ) -> Answered {
        let ids = self.request.ids;
        let mut path = vec![name, key];
        let wanted = match rest {
            [] => self.query.expand.clone(),
            [inner] if inside(name).contains(&inner.as_str()) => {
                path.push(inner);
                vec![Expand {
                    name: inner.clone(),
                    inner: self.query.expand.clone(),
                }]
            }
            [beyond, ..] => return Err(errors::unknown_segment(beyond, ids).into()),
        };
        self.check_inside(name, &wanted)?;
        let Some(Held::Many(rows)) = row.navigate(name, &wanted, &mut Links::ignored()) else {
            return Err(errors::unknown_segment(key, ids).into());
        };
        let mut found = rows.into_iter().find(|one| one["id"] == key);
        if let (Some(one), [inner]) = (&mut found, rest) {
            found = one.get_mut(inner.as_str()).map(Value::take);
        }
        let tail = format!("('{}')/{}", row.id(), path.join("/"));
        match found {
            Some(Value::Object(body)) => Ok(self.one(self.query.select(body), &tail)),
            Some(Value::Array(rows)) => {
                let context = self.context(&tail);
                rows_page(self.request, self.query, context, 1_000, rows)
            }
            _ => Err(errors::not_found(ids).into()),
        }
    }

    /// Refuses what cannot be expanded on what a navigation leads to.
    pub(super) fn check_inside(
        &self,
        navigation: &str,
        expand: &[Expand],
    ) -> Result<(), Box<Answer>> {
        for one in expand {
            if !inside(navigation).contains(&one.name.as_str()) {
                let message = format!(
                    "Could not find a property named '{}' on what '{navigation}' leads to.",
                    one.name
                );
                return Err(errors::bad_request(&message, self.request.ids).into());
            }
            self.check_inside(&one.name, &one.inner)?;
        }
        Ok(())
    }
}
