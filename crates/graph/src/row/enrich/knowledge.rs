//! What is read once for all rows of a list.

use std::collections::BTreeSet;

use atlas_domain::causes::Causes;
use atlas_domain::guid::fold_guids;
use serde_json::Value;

use super::partial_row::PartialRow;
use crate::client::TenantGraph;
use crate::collections::Related;
use crate::error::{GraphError, GraphErrorKind};
use crate::plan::ListPlan;
use crate::request::batch::SubRequest;
use crate::request::body::Body;
use crate::request::link::{VersionRoot, segment};
use crate::request::parse;
use crate::row::further_read::FurtherRead;
use crate::row::links::apps::Relations;
use crate::row::links::settings::References;

/// Reads that are sent and held at once.
pub(super) const AT_ONCE: usize = 160;

const RELATIONSHIPS: &str = "/deviceAppManagement/mobileAppRelationships";
const REUSABLE_SETTINGS: &str = "/deviceManagement/reusablePolicySettings";
const DEFINITION_FILES: &str = "/deviceManagement/groupPolicyUploadedDefinitionFiles";

/// Objects that are looked at for what refers to them.
const MOST_OBJECTS: usize = 10_000;

/// Something that is read once, or could not be.
#[derive(Debug, Default)]
enum Once<T> {
    #[default]
    Unread,
    Read(T),
    Failed(GraphError),
}

/// What was read once. Stays empty for lists that need nothing.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    relations: Once<Relations>,
    references: Once<References>,
    /// Ids of the tenant's uploaded definition files, their GUIDs in lower case.
    definition_files: Once<BTreeSet<String>>,
}

impl Knowledge {
    /// Reads what the list's rows need, unless that was tried before.
    ///
    /// # Errors
    /// Only what stops every request of the tenant.
    pub(super) async fn learn(
        &mut self,
        graph: &TenantGraph,
        plan: &ListPlan,
    ) -> Result<(), GraphError> {
        let collection = plan.collection();
        let source = Source {
            graph,
            version: collection.version(),
        };
        for related in &collection.related {
            match related {
                Related::AppRelations => {
                    once(&mut self.relations, source.relations()).await?;
                }
                Related::ReusableSettings => {
                    once(&mut self.references, source.references()).await?;
                }
                Related::DefinitionFiles => {
                    once(&mut self.definition_files, source.definition_files()).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts into a row what is known already.
    pub(super) fn put_into(&self, row: &mut PartialRow) {
        let id = &row.observed.observation.external_id;
        if let Once::Read(relations) = &self.relations {
            relations.of(id, &mut row.related);
            row.related.cut |= relations.cut;
        }
        match &self.references {
            Once::Read(references) => {
                references.of(id, &mut row.related);
                row.related.cut |= references.cut;
            }
            Once::Failed(error) => {
                row.related_failed = true;
                row.error.get_or_insert_with(|| error.clone());
            }
            Once::Unread => {}
        }
        if let Once::Failed(error) = &self.definition_files {
            row.related_failed = true;
            row.error.get_or_insert_with(|| error.clone());
        }
    }

    /// Whether a read brings something that is not known already.
    pub(super) fn leaves_open(&self, read: &FurtherRead) -> bool {
        match read {
            // AddressKind of each app only where the list of all relations could not be read.
            FurtherRead::Relationships => !matches!(self.relations, Once::Read(_)),
            _ => true,
        }
    }

    /// The definition files that were uploaded, by id.
    pub(super) fn uploaded(&self) -> Option<&BTreeSet<String>> {
        match &self.definition_files {
            Once::Read(files) => Some(files),
            _ => None,
        }
    }
}

async fn once<T>(
    known: &mut Once<T>,
    read: impl Future<Output = Result<T, GraphError>>,
) -> Result<(), GraphError> {
    if !matches!(known, Once::Unread) {
        return Ok(());
    }
    *known = match read.await {
        Ok(value) => Once::Read(value),
        Err(error) if error.is_fatal() => return Err(error),
        Err(error) => {
            tracing::warn!(error = %Causes(&error), "what belongs to a whole list could not be read");
            Once::Failed(error)
        }
    };
    Ok(())
}

struct Source<'a> {
    graph: &'a TenantGraph,
    version: &'a str,
}

impl Source<'_> {
    async fn relations(&self) -> Result<Relations, GraphError> {
        let mut relations = Relations::default();
        self.each(RELATIONSHIPS, |relation| relations.add(&relation, None))
            .await?;
        Ok(relations)
    }

    async fn definition_files(&self) -> Result<BTreeSet<String>, GraphError> {
        let ids = self.ids(DEFINITION_FILES).await?;
        Ok(ids.iter().map(|id| fold_guids(id).into_owned()).collect())
    }

    async fn references(&self) -> Result<References, GraphError> {
        let mut references = References::default();
        let settings: Vec<String> = self.ids(REUSABLE_SETTINGS).await?.into_iter().collect();
        for settings in settings.chunks(AT_ONCE) {
            let requests = settings.iter().map(|id| {
                let id = segment(id).unwrap_or_default();
                SubRequest::object(format!(
                    "{REUSABLE_SETTINGS}/{id}/referencingConfigurationPolicies"
                ))
            });
            let answers = self.graph.batch(self.version, requests.collect()).await?;
            for (setting, answer) in settings.iter().zip(answers) {
                let page = match answer {
                    // It was deleted since it was listed, so that nothing refers to it.
                    Err(GraphError {
                        kind: GraphErrorKind::ObjectNotFound,
                        ..
                    }) => continue,
                    answer => answer?,
                };
                self.walk(page, |policy| references.add(&policy, setting))
                    .await?;
            }
        }
        Ok(references)
    }

    /// The ids of a list's objects, as Graph writes them.
    async fn ids(&self, path: &str) -> Result<BTreeSet<String>, GraphError> {
        let mut ids = BTreeSet::new();
        let mut odd = false;
        self.each(path, |object| {
            match object.get("id").and_then(Value::as_str) {
                Some(id) if segment(id).is_some() && ids.len() < MOST_OBJECTS => {
                    ids.insert(id.to_owned());
                }
                _ => odd = true,
            }
        })
        .await?;
        if odd {
            let reason = "there are too many objects, or one has no usable id";
            return Err(GraphErrorKind::invalid(reason).into());
        }
        Ok(ids)
    }

    /// Reads a list to its end, one page in memory.
    async fn each(&self, path: &str, mut take: impl FnMut(Value)) -> Result<(), GraphError> {
        let url = VersionRoot::new(&self.graph.graph, self.version).address(path, "");
        let walked = self
            .walk(self.graph.first_page(&url).await?, &mut take)
            .await;
        match walked {
            // What was taken is taken again, which makes no difference.
            Err(error) if error.kind == GraphErrorKind::PageExpired => {
                self.walk(self.graph.first_page(&url).await?, take).await
            }
            walked => walked,
        }
    }

    async fn walk(&self, first: Body, mut take: impl FnMut(Value)) -> Result<(), GraphError> {
        let mut pages = self.graph.pages(self.version, first);
        while let Some(body) = pages.next_page().await? {
            parse::each(&body.bytes, &mut take).map_err(|reason| body.invalid(reason))?;
        }
        Ok(())
    }
}
