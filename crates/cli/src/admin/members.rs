//! Members of tenants.

use anyhow::anyhow;
use atlas_store::AccessChangeError;
use serde_json::{Value, json};

use super::{administer, find_tenant, find_user, open, refused, shown};
use crate::args::people::{MemberCommand, MemberList, MemberRemove, MemberSet};
use crate::output;

/// Does what the command says.
pub(crate) async fn run(command: MemberCommand, as_json: bool) -> anyhow::Result<()> {
    match command {
        MemberCommand::Set(command) => set(&command, as_json).await,
        MemberCommand::List(command) => list(&command, as_json).await,
        MemberCommand::Remove(command) => remove(&command, as_json).await,
    }
}

async fn set(command: &MemberSet, as_json: bool) -> anyhow::Result<()> {
    let store = administer(&command.administration)?;
    let user = find_user(&store, &command.user).await?;
    let tenant = find_tenant(&store, &command.tenant).await?;
    let role = command.role;
    let done = store.set_member(tenant.id, user.id, role).await;
    done.map_err(|error| refused(error, &user.email))?;
    if as_json {
        output::json(&json!({ "tenant_id": tenant.id, "user_id": user.id, "role": role }))?;
    } else {
        output::line(format_args!("{} is {role} of {}", user.email, tenant.name))?;
    }
    Ok(())
}

async fn list(command: &MemberList, as_json: bool) -> anyhow::Result<()> {
    let store = open(&command.database)?;
    let tenant = find_tenant(&store, &command.tenant).await?;
    let members = store.members(tenant.id).await?;
    if as_json {
        let items: Vec<Value> = members
            .iter()
            .map(|member| {
                json!({
                    "user_id": member.id,
                    "email": member.email,
                    "name": member.display_name,
                    "role": member.role,
                    "disabled_at": member.disabled_at,
                    "since": member.since,
                })
            })
            .collect();
        output::json(&json!({ "tenant_id": tenant.id, "items": items }))?;
        return Ok(());
    }
    let rows: Vec<_> = members
        .into_iter()
        .map(|member| {
            vec![
                member.email,
                member.display_name,
                member.role.to_string(),
                member
                    .disabled_at
                    .map_or("active", |_| "disabled")
                    .to_owned(),
                shown(Some(member.since)),
            ]
        })
        .collect();
    output::table(&["EMAIL", "NAME", "ROLE", "STATE", "SINCE"], &rows)?;
    Ok(())
}

async fn remove(command: &MemberRemove, as_json: bool) -> anyhow::Result<()> {
    let store = administer(&command.administration)?;
    let user = find_user(&store, &command.user).await?;
    let tenant = find_tenant(&store, &command.tenant).await?;
    let removed = store.remove_member(tenant.id, user.id).await;
    removed.map_err(|error| match error {
        AccessChangeError::NotMember => {
            anyhow!("{} is no member of {}", user.email, tenant.name)
        }
        other => refused(other, &user.email),
    })?;
    if as_json {
        let body = json!({ "tenant_id": tenant.id, "user_id": user.id, "removed": true });
        output::json(&body)?;
    } else {
        output::line(format_args!(
            "{} is no member of {} any more",
            user.email, tenant.name
        ))?;
    }
    Ok(())
}
