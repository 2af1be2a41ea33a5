//! Users, their tokens and their roles.

use anyhow::{Context, bail};
use atlas_domain::access::api_token::ApiToken;
use atlas_domain::clock::{Clock, SystemClock, SystemEntropy};
use atlas_domain::ids::TokenId;
use atlas_store::{Store, UserRow};
use serde_json::json;

use super::open;
use crate::args::people::{MemberCommand, TokenCommand, UserCommand};
use crate::output;

/// Adds a user.
pub(crate) async fn user(command: UserCommand, as_json: bool) -> anyhow::Result<()> {
    let UserCommand::Add {
        database,
        email,
        name,
        operator,
    } = command;
    if !email.contains('@') || name.trim().is_empty() {
        bail!("a user needs an e-mail address and a name");
    }
    let store = open(&database)?;
    let id = if operator {
        store.add_operator(&email, &name).await?
    } else {
        store.add_user(&email, &name).await?
    };
    if as_json {
        output::json(&json!({ "id": id, "email": email, "operator": operator }))?;
    } else {
        output::line(id)?;
    }
    Ok(())
}

/// Makes or revokes a token.
pub(crate) async fn token(command: TokenCommand, as_json: bool) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create {
            database,
            user,
            name,
            expires_in_days,
        } => {
            let store = open(&database)?;
            let user = find_user(&store, &user).await?;
            let token = ApiToken::mint(&SystemEntropy);
            let expires_at = expires_in_days
                .map(|days| SystemClock.now() + chrono::Duration::days(i64::from(days)));
            let id = store
                .create_token(
                    user.id,
                    &name,
                    &token.hash(),
                    &token.last_four(),
                    expires_at,
                )
                .await?;
            if as_json {
                output::json(&json!({ "id": id, "token": token.reveal() }))?;
            } else {
                output::line(token.reveal())?;
                let email = user.email;
                output::note(format_args!(
                    "Token {id} for {email}. It is not shown again."
                ));
            }
            Ok(())
        }
        TokenCommand::Revoke { database, id } => {
            let revoked = open(&database)?
                .revoke_token(TokenId::from_uuid(id))
                .await?;
            if !revoked {
                bail!("no token {id} that is still valid");
            }
            if as_json {
                output::json(&json!({ "id": id, "revoked": true }))?;
            } else {
                output::line(format_args!("revoked {id}"))?;
            }
            Ok(())
        }
    }
}

/// Gives a user a role in a tenant.
pub(crate) async fn member(command: MemberCommand, as_json: bool) -> anyhow::Result<()> {
    let MemberCommand::Set {
        database,
        tenant,
        user,
        role,
    } = command;
    let store = open(&database)?;
    let user = find_user(&store, &user).await?;
    let tenant = store
        .tenant_by_name_or_id(&tenant)
        .await?
        .with_context(|| format!("no tenant {tenant:?}; atlas tenant list shows them"))?;
    store.set_member(tenant.id, user.id, role).await?;
    if as_json {
        output::json(&json!({ "tenant_id": tenant.id, "user_id": user.id, "role": role }))?;
    } else {
        output::line(format_args!("{} is {role} of {}", user.email, tenant.name))?;
    }
    Ok(())
}

async fn find_user(store: &Store, email: &str) -> anyhow::Result<UserRow> {
    store
        .user_by_email(email)
        .await?
        .with_context(|| format!("no user {email:?}; atlas user add adds one"))
}
