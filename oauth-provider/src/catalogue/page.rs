//! The table on the crate's page, made from the data, so that the two cannot drift.

use super::service::{Pkce, RefreshToken, RefreshTokenIssued, Rotation, Service};

const PAGE: &str = include_str!("../lib.rs");
const HEAD: [&str; 2] = [
    "| `service` | what | parameters | refresh token | access token | PKCE | in its own way |",
    "|---|---|---|---|---|---|---|",
];

fn row(service: &Service) -> String {
    let quoted = |names: Vec<&str>| {
        let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        quoted.join(", ")
    };
    let parameters = quoted(service.parameters.keys().map(String::as_str).collect());
    let quirks = quoted(service.quirks.iter().map(|quirk| quirk.as_str()).collect());
    let refresh = service.refresh_token.as_ref().map(refresh).unwrap_or_default();
    let access = service.access_token.map(|span| lasts(span.as_secs())).unwrap_or_default();
    let pkce = match service.pkce {
        Some(Pkce::Supported) => "yes",
        Some(Pkce::ByAppSetting) => "if switched on",
        None => "",
    };
    let cells = [&service.name, &parameters, &refresh, &access, pkce, &quirks];
    let cells: Vec<_> = cells.iter().map(|cell| format!(" {cell} ").replace("  ", " ")).collect();
    format!("| `{}` |{}|", service.id, cells.join("|"))
}

fn refresh(token: &RefreshToken) -> String {
    let issued = match (token.issued, &token.scope) {
        (Some(RefreshTokenIssued::Always), _) => "always".to_owned(),
        (Some(RefreshTokenIssued::ByAppSetting), _) => "if switched on".to_owned(),
        (Some(RefreshTokenIssued::WithParameters), _) => "by parameters".to_owned(),
        (_, Some(scope)) => format!("scope `{scope}`"),
        _ => String::new(),
    };
    let rotation = match token.rotation {
        Some(Rotation::ByAppSetting) => "rotates if switched on",
        Some(Rotation::Kept) => "stays",
        Some(Rotation::Replaced) => "replaced",
        Some(Rotation::SingleUse) => "single use",
        None => "",
    };
    let lifetime = token.lifetime.map(|span| lasts(span.as_secs())).unwrap_or_default();
    let said = [issued, rotation.to_owned(), lifetime];
    said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
}

fn lasts(seconds: u64) -> String {
    match seconds {
        s if s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s % 3_600 == 0 => format!("{} h", s / 3_600),
        s => format!("{} min", s / 60),
    }
}

#[test]
fn the_page_has_what_the_data_has() {
    let services = Service::all();
    let lines = HEAD.map(str::to_owned).into_iter().chain(services.iter().map(row));
    let expected: Vec<_> = lines.map(|line| format!("//! {line}")).collect();
    let found: Vec<_> = PAGE
        .lines()
        .skip_while(|line| !line.contains(HEAD[0]))
        .take_while(|line| line.starts_with("//! |"))
        .collect();
    assert_eq!(found, expected, "put this on the page:\n{}", expected.join("\n"));
}
