//! Users: added, listed, disabled, removed and erased.

use anyhow::bail;
use atlas_store::UserSummary;
use serde_json::{Value, json};

use super::{administer, check_name, find_user, open, refused, shown};
use crate::args::connections::Database;
use crate::args::people::{UserAdd, UserCommand, UserNamed};
use crate::output;

/// RFC 5321, section 4.5.3.1: 64 before the sign, 255 after it.
const LONGEST_ADDRESS: usize = 320;

/// Does what the command says.
pub(crate) async fn run(command: UserCommand, as_json: bool) -> anyhow::Result<()> {
    match command {
        UserCommand::Add(command) => add(command, as_json).await,
        UserCommand::List(database) => list(&database, as_json).await,
        UserCommand::Disable(named) => disable(&named, as_json).await,
        UserCommand::Enable(named) => enable(&named, as_json).await,
        UserCommand::Operator { named, withdraw } => operator(&named, !withdraw, as_json).await,
        UserCommand::Remove(named) => remove(&named, as_json).await,
        UserCommand::Erase(named) => erase(&named, as_json).await,
    }
}

async fn add(command: UserAdd, as_json: bool) -> anyhow::Result<()> {
    let UserAdd {
        administration,
        email,
        name,
        operator,
    } = command;
    if !email.contains('@') {
        bail!("a user needs an e-mail address and a name");
    }
    check_name("a user", &name)?;
    if email.chars().count() > LONGEST_ADDRESS {
        bail!("an e-mail address has at most {LONGEST_ADDRESS} characters");
    }
    let store = administer(&administration)?;
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

async fn list(database: &Database, as_json: bool) -> anyhow::Result<()> {
    let users = open(database)?.all_users().await?;
    if as_json {
        let items: Vec<Value> = users
            .iter()
            .map(|user| {
                json!({
                    "id": user.id,
                    "email": user.email,
                    "name": user.display_name,
                    "state": state(user),
                    "operator": user.is_operator,
                    "tenants": user.tenants,
                    "tokens": user.tokens,
                    "disabled_at": user.disabled_at,
                    "erased_at": user.erased_at,
                    "created_at": user.created_at,
                })
            })
            .collect();
        output::json(&json!({ "items": items }))?;
        return Ok(());
    }
    let rows: Vec<_> = users
        .into_iter()
        .map(|user| {
            vec![
                user.email.clone(),
                user.display_name.clone(),
                state(&user).to_owned(),
                if user.is_operator { "yes" } else { "" }.to_owned(),
                user.tenants.to_string(),
                user.tokens.to_string(),
                shown(Some(user.created_at)),
            ]
        })
        .collect();
    let headings = [
        "EMAIL", "NAME", "STATE", "OPERATOR", "TENANTS", "TOKENS", "CREATED",
    ];
    output::table(&headings, &rows)?;
    Ok(())
}

const fn state(user: &UserSummary) -> &'static str {
    match (user.erased_at, user.disabled_at) {
        (Some(_), _) => "erased",
        (None, Some(_)) => "disabled",
        (None, None) => "active",
    }
}

async fn disable(named: &UserNamed, as_json: bool) -> anyhow::Result<()> {
    let store = administer(&named.administration)?;
    let user = find_user(&store, &named.email).await?;
    let done = store.disable_user(user.id).await;
    done.map_err(|error| refused(error, &user.email))?;
    let body = json!({ "id": user.id, "email": user.email, "state": "disabled" });
    let text = format!(
        "{} is disabled; tokens stop within five seconds",
        user.email
    );
    report(&body, &text, as_json)
}

async fn enable(named: &UserNamed, as_json: bool) -> anyhow::Result<()> {
    let store = administer(&named.administration)?;
    let user = find_user(&store, &named.email).await?;
    let done = store.enable_user(user.id).await;
    done.map_err(|error| refused(error, &user.email))?;
    let body = json!({ "id": user.id, "email": user.email, "state": "active" });
    report(&body, &format!("{} is enabled", user.email), as_json)
}

async fn operator(named: &UserNamed, operator: bool, as_json: bool) -> anyhow::Result<()> {
    let store = administer(&named.administration)?;
    let user = find_user(&store, &named.email).await?;
    let done = store.set_operator(user.id, operator).await;
    done.map_err(|error| refused(error, &user.email))?;
    let body = json!({ "id": user.id, "email": user.email, "operator": operator });
    let word = if operator { "an" } else { "no" };
    let text = format!("{} is {word} operator of the installation", user.email);
    report(&body, &text, as_json)
}

async fn remove(named: &UserNamed, as_json: bool) -> anyhow::Result<()> {
    let store = administer(&named.administration)?;
    let user = find_user(&store, &named.email).await?;
    let done = store.remove_user(user.id).await;
    done.map_err(|error| refused(error, &user.email))?;
    let body = json!({ "id": user.id, "email": user.email, "removed": true });
    report(&body, &format!("{} is removed", user.email), as_json)
}

async fn erase(named: &UserNamed, as_json: bool) -> anyhow::Result<()> {
    let store = administer(&named.administration)?;
    let user = find_user(&store, &named.email).await?;
    let done = store.erase_user(user.id).await;
    let erased = done.map_err(|error| refused(error, &user.email))?;
    let pseudonym = erased.pseudonym;
    let body = json!({ "id": user.id, "pseudonym": pseudonym, "erased": true });
    report(
        &body,
        &format!("erased; what is left is {pseudonym}"),
        as_json,
    )
}

fn report(body: &Value, text: &str, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        output::json(body)?;
    } else {
        output::line(text)?;
    }
    Ok(())
}
