//! The queries.

use authprofile_bridge::openclaw::Row;
use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, OptionalExtension as _};
use secrecy::SecretString;

/// Where a row stands, and how it is asked for.
struct Query<'a> {
    table: &'static str,
    sql: &'static str,
    name: &'a str,
}

const AGENT_STORE: (&str, &str) =
    ("auth_profile_store", "SELECT store_json FROM main.auth_profile_store WHERE store_key = ?1");
const AGENT_STATE: (&str, &str) =
    ("auth_profile_state", "SELECT state_json FROM main.auth_profile_state WHERE state_key = ?1");
const MACHINE_STATE: (&str, &str) = (
    "config_machine_state",
    "SELECT value_json FROM main.config_machine_state WHERE state_key = ?1",
);
const SECRET_VALUE: (&str, &str) = (
    "secret_store_entries",
    "SELECT value FROM main.secret_store_entries \
     WHERE scope_kind = 'team' AND scope_id = '' AND name = ?1 AND deleted_at_ms IS NULL",
);
const SECRET_HOSTS: (&str, &str) = (
    "secret_store_entries",
    "SELECT allowed_hosts FROM main.secret_store_entries \
     WHERE scope_kind = 'team' AND scope_id = '' AND name = ?1 AND deleted_at_ms IS NULL",
);

/// The texts of `rows`, all as they were at one moment.
pub(crate) fn read(
    connection: &Connection,
    rows: &[Row],
) -> rusqlite::Result<Vec<Option<SecretString>>> {
    connection.execute_batch("BEGIN")?;
    let found = rows.iter().map(|row| one(connection, row)).collect();
    // The connection ends with the read, and so does the transaction should this fail.
    connection.execute_batch("COMMIT").and(found)
}

fn one(connection: &Connection, row: &Row) -> rusqlite::Result<Option<SecretString>> {
    let Some(query) = query(row) else { return Ok(None) };
    if !has_table(connection, query.table)? {
        return Ok(None);
    }
    let mut statement = connection.prepare(query.sql)?;
    let found = statement.query_row([query.name], |row| match row.get_ref(0)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Some(SecretString::from(text))),
            Err(_) => Err(other_form()),
        },
        _ => Err(other_form()),
    });
    Ok(found.optional()?.flatten())
}

/// A virtual table has no page of its own, and a view is no table.
fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    connection
        .query_row(
            "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 AND rootpage > 0",
            [name],
            |_| Ok(()),
        )
        .optional()
        .map(|found| found.is_some())
}

fn other_form() -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(0, String::new(), Type::Text)
}

/// `None` for rows that this version does not know.
fn query(row: &Row) -> Option<Query<'_>> {
    let ((table, sql), name) = match row {
        Row::AgentProfiles => (AGENT_STORE, "primary"),
        Row::AgentState => (AGENT_STATE, "primary"),
        Row::SharedProfiles => (MACHINE_STATE, "authProfiles.store"),
        Row::SharedState => (MACHINE_STATE, "authProfiles.state"),
        Row::SharedOwner => (MACHINE_STATE, "auth.sharedStore"),
        Row::SecretValue(name) => (SECRET_VALUE, name.as_str()),
        Row::SecretHosts(name) => (SECRET_HOSTS, name.as_str()),
        _ => return None,
    };
    Some(Query { table, sql, name })
}
