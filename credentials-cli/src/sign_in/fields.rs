//! Fields that a person fills in.

use std::collections::BTreeMap;

use credential_host::control::{Secret, StepField};
use credential_provider_api::SecretString;
use secrecy::ExposeSecret as _;
use zeroize::Zeroize as _;

use crate::context::Context;
use crate::failure::Failure;
use crate::terminal::plain;

/// From the person at the terminal, hidden unless the field is plain; else from standard input: the one
/// field as it is, several as a JSON object of texts.
pub(super) async fn ask(
    context: &Context,
    fields: &[StepField],
) -> Result<BTreeMap<String, Secret>, Failure> {
    let terminal = &context.terminal;
    if !terminal.asks {
        return piped(terminal.piped().await?, fields);
    }
    let mut typed = BTreeMap::new();
    for field in fields {
        let label = plain(&field.label);
        let value = loop {
            let value = match field.display.as_str() {
                "plain" => terminal.shown(&label).await?,
                _ => terminal.hidden(&format!("{label} (not shown)")).await?,
            };
            if !value.expose_secret().trim().is_empty() {
                break value;
            }
        };
        typed.insert(field.name.clone(), value.into());
    }
    Ok(typed)
}

fn piped(text: SecretString, fields: &[StepField]) -> Result<BTreeMap<String, Secret>, Failure> {
    if text.expose_secret().trim().is_empty() {
        return Err(Failure::usage(
            "standard input is empty: pipe the secret in, or use a terminal",
        ));
    }
    if let [field] = fields {
        return Ok([(field.name.clone(), text.into())].into());
    }
    let names = fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join("\", \"");
    let wrong =
        || Failure::usage(format!("standard input has to be a JSON object of texts: \"{names}\""));
    let mut object: BTreeMap<String, String> =
        serde_json::from_str(text.expose_secret()).map_err(|_| wrong())?;
    let found: BTreeMap<String, Secret> = fields
        .iter()
        .filter_map(|field| {
            let value = object.remove(&field.name)?;
            Some((field.name.clone(), SecretString::from(value).into()))
        })
        .collect();
    object.values_mut().for_each(|value| value.zeroize());
    if found.len() == fields.len() && object.is_empty() { Ok(found) } else { Err(wrong()) }
}
