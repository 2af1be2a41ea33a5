//! One handler per operation, a file per resource. What is registered here is described in the
//! document; nothing else is served but pages for people and probes for machines.

mod audit_events;
mod directory_groups;
mod events;
pub(crate) mod inventory;
mod me;
mod members;
mod operation_runs;
mod policy_types;
mod schedule;
mod start;
mod start_directory_groups_sync;
mod start_inventory_sync;
mod streams;
mod system;
mod tenants;
mod webhooks;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every operation, in the order of the document.
pub(crate) fn register(config: &mut ServiceConfig) {
    config
        .service(start_inventory_sync::start_inventory_sync)
        .service(start_directory_groups_sync::start_directory_groups_sync)
        .service(directory_groups::list::list_directory_groups)
        .service(directory_groups::resolve::resolve_directory_groups)
        .service(directory_groups::search::search_directory_groups)
        .service(operation_runs::list::list_operation_runs)
        // Before the address that takes any id.
        .service(operation_runs::counts::count_operation_runs)
        .service(operation_runs::active::list_active_operation_runs)
        .service(operation_runs::detail::get_operation_run)
        .service(operation_runs::results::list_operation_run_results)
        .service(events::list_operation_run_events)
        .service(streams::stream_operation_run)
        .service(operation_runs::cancel::cancel_operation_run)
        .service(operation_runs::retry::retry_operation_run)
        .service(tenants::list_tenants)
        .service(tenants::get_tenant)
        .service(members::list_members)
        .service(schedule::get_schedule)
        .service(schedule::set_schedule)
        .service(schedule::remove_schedule)
        .service(inventory::items::list_inventory_items)
        .service(inventory::items::get_inventory_item)
        .service(inventory::versions::get_inventory_item_content)
        .service(inventory::versions::list_inventory_item_versions)
        .service(inventory::versions::get_inventory_item_version)
        .service(inventory::versions::compare_inventory_item_versions)
        .service(inventory::links::list_inventory_item_links)
        .service(inventory::links::list_inventory_links)
        .service(inventory::changes::list_inventory_changes)
        .service(inventory::settings::list_inventory_settings)
        .service(inventory::summary::get_inventory_summary)
        .service(inventory::export::export_inventory)
        .service(inventory::sync_runs::list_inventory_sync_runs)
        .service(events::list_tenant_events)
        .service(streams::stream_tenant)
        .service(audit_events::list_audit_events)
        .service(policy_types::list_policy_types)
        .service(me::profile::get_me)
        .service(events::list_my_events)
        .service(streams::stream_me)
        .service(me::stream_tickets::issue_stream_ticket)
        .service(me::notifications::list_notifications)
        .service(me::notifications::get_unread_count)
        .service(me::notifications::mark_notifications_read)
        .service(me::notifications::mark_notification_read)
        .service(webhooks::create_webhook)
        .service(webhooks::list_webhooks)
        .service(webhooks::get_webhook)
        .service(webhooks::change_webhook)
        .service(webhooks::delete_webhook)
        .service(webhooks::rotate_webhook_secret)
        .service(webhooks::deliveries::test_webhook)
        .service(webhooks::deliveries::list_webhook_deliveries)
        .service(webhooks::deliveries::redeliver_webhook_event)
        .service(system::queues::list_queues)
        .service(system::queue_control::pause_queue)
        .service(system::queue_control::resume_queue)
        .service(system::workers::list_workers);
}
