//! `--print-config`: the effective settings, secrets redacted.

use toml::{Table, Value};
use url::Url;

/// Keys whose values are never printed.
const SECRETS: [&str; 4] = ["password", "secret", "token", "key_password"];

pub(super) fn redacted(mut table: Table) -> String {
    redact(&mut table);
    toml::to_string_pretty(&table).unwrap_or_else(|error| format!("# the settings can't be shown: {error}\n"))
}

fn redact(table: &mut Table) {
    for (name, value) in table.iter_mut() {
        match value {
            Value::Table(table) => redact(table),
            Value::String(text)
                if SECRETS.iter().any(|secret| name.ends_with(secret)) && !text.is_empty() =>
            {
                *text = "***".to_owned();
            }
            Value::String(text) => {
                if let Some(clean) = without_password(text) {
                    *text = clean;
                }
            }
            _ => {}
        }
    }
}

/// The URL with its password hidden; `None` where there is none.
fn without_password(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok()?;
    url.password()?;
    url.set_password(Some("***")).ok()?;
    Some(url.into())
}
