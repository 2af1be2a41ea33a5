//! Which inventory items set what.

use actix_web::{get, web};
use atlas_store::SettingFilter;
use uuid::Uuid;

use super::items::search;
use crate::answer::Answer;
use crate::example::Example;
use crate::extract::query::{PolicyTypeWord, QueryReader, policy_type, text};
use crate::extract::tenant_scope::TenantScope;
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::setting::InventorySetting;

/// Policy types that may be named at most.
const MAX_TYPES: usize = 20;
/// The longest id of a setting.
const MAX_ID: usize = 1_000;
/// The longest value.
const MAX_VALUE: usize = 2_000;

/// List inventory settings
///
/// Lists the items that set a setting, with the value and the assignments of each, by setting and value.
/// Items that no longer exist are not listed. Requires `setting_id` or `q`.
#[utoipa::path(
    tag = "inventory",
    params(
        (
            "setting_id" = Option<String>, Query,
            description = "Only this setting, by the identifier of its definition in Microsoft Graph.",
            max_length = 1000, example = "device_vendor_msft_bitlocker_requiredeviceencryption",
        ),
        (
            "value" = Option<String>, Query,
            description = "Only settings with this value: an option by its identifier, a text as it is, anything else as JSON without spaces.",
            max_length = 2000, example = "device_vendor_msft_bitlocker_requiredeviceencryption_1",
        ),
        (
            "q" = Option<String>, Query,
            description = "Only settings whose name or identifier contains this text, case-insensitive; at least three characters.",
            min_length = 3, example = "bitlocker",
        ),
        (
            "policy_type" = inline(Option<Vec<PolicyTypeWord>>), Query,
            description = "Only settings of items of these policy types, by key.",
            max_items = 20, example = json!(["settingsCatalogPolicy"]),
        ),
    ),
    responses((
        status = 200,
        description = "A page of settings.",
        body = Page<InventorySetting>,
        example = Page::<InventorySetting>::example,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-settings")]
pub(crate) async fn list_inventory_settings(
    scope: TenantScope,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<InventorySetting>>, Problem> {
    let filter = SettingFilter {
        setting_id: query.one("setting_id", text(MAX_ID)),
        q: query.one("q", search),
        value: query.one("value", text(MAX_VALUE)),
        policy_types: query.many("policy_type", MAX_TYPES, policy_type),
    };
    if !query.has("setting_id") && !query.has("q") {
        let detail = "Either setting_id or q is required.";
        query.refuse("setting_id", "incomplete", detail.to_owned());
    }
    let paging = Paging::<String, Uuid>::read(&mut query);
    query.finish()?;
    let tenant = scope.tenant_id();
    let settings = state
        .store
        .settings(tenant, &filter, paging.request())
        .await?;
    Ok(paging.page(
        &state.links,
        settings,
        |setting| (setting.setting_id.clone(), setting.place),
        InventorySetting::from,
    ))
}
