//! API tokens.

use anyhow::{Context, bail};
use atlas_domain::access::api_token::ApiToken;
use atlas_domain::clock::{Clock, SystemClock, SystemEntropy};
use atlas_domain::ids::TokenId;
use atlas_store::TokenRow;
use serde_json::{Value, json};

use super::{administer, check_name, find_user, open, refused, shown};
use crate::args::people::{TokenCommand, TokenCreate, TokenList, TokenRevoke};
use crate::output;

/// Does what the command says.
pub(crate) async fn run(command: TokenCommand, as_json: bool) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create(command) => create(command, as_json).await,
        TokenCommand::List(command) => list(&command, as_json).await,
        TokenCommand::Revoke(command) => revoke(&command, as_json).await,
    }
}

async fn create(command: TokenCreate, as_json: bool) -> anyhow::Result<()> {
    check_name("a token", &command.name)?;
    let store = administer(&command.administration)?;
    let user = find_user(&store, &command.user).await?;
    let token = ApiToken::mint(&SystemEntropy);
    let expires_at = command
        .expires_in_days
        .map(|days| SystemClock.now() + chrono::Duration::days(i64::from(days)));
    let (hash, last_four) = (token.hash(), token.last_four());
    let id = store
        .create_token(user.id, &command.name, &hash, &last_four, expires_at)
        .await
        .map_err(|error| refused(error, &user.email))?;
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

async fn list(command: &TokenList, as_json: bool) -> anyhow::Result<()> {
    let store = open(&command.database)?;
    let user = match &command.user {
        Some(email) => Some(find_user(&store, email).await?.id),
        None => None,
    };
    let tokens = store.tokens(user).await?;
    if as_json {
        let items: Vec<Value> = tokens
            .iter()
            .map(|token| {
                json!({
                    "id": token.id,
                    "user": token.email,
                    "name": token.name,
                    "last_four": token.last_four,
                    "state": state(token),
                    "created_at": token.created_at,
                    "expires_at": token.expires_at,
                    "revoked_at": token.revoked_at,
                })
            })
            .collect();
        output::json(&json!({ "items": items }))?;
        return Ok(());
    }
    let rows: Vec<_> = tokens
        .into_iter()
        .map(|token| {
            vec![
                token.id.to_string(),
                token.email.clone(),
                token.name.clone(),
                format!("…{}", token.last_four),
                state(&token).to_owned(),
                shown(Some(token.created_at)),
                shown(token.expires_at),
            ]
        })
        .collect();
    let headings = [
        "ID", "USER", "NAME", "ENDS IN", "STATE", "CREATED", "EXPIRES",
    ];
    output::table(&headings, &rows)?;
    Ok(())
}

/// Whether the token itself is good; its user may be disabled.
const fn state(token: &TokenRow) -> &'static str {
    match (token.revoked_at, token.expired) {
        (Some(_), _) => "revoked",
        (None, true) => "expired",
        (None, false) => "active",
    }
}

async fn revoke(command: &TokenRevoke, as_json: bool) -> anyhow::Result<()> {
    let store = administer(&command.administration)?;
    if let Some(email) = &command.user {
        let user = find_user(&store, email).await?;
        let revoked = store.revoke_tokens(user.id).await?;
        if as_json {
            output::json(&json!({ "user": user.email, "revoked": revoked }))?;
        } else {
            let email = user.email;
            output::line(match revoked {
                0 => format!("{email} has no token that is not revoked"),
                1 => format!("revoked 1 token of {email}"),
                more => format!("revoked {more} tokens of {email}"),
            })?;
        }
        return Ok(());
    }
    let id = command.id.context("an id or --user is needed")?;
    if !store.revoke_token(TokenId::from_uuid(id)).await? {
        bail!("no token {id} that is still valid");
    }
    if as_json {
        output::json(&json!({ "id": id, "revoked": true }))?;
    } else {
        output::line(format_args!("revoked {id}"))?;
    }
    Ok(())
}
