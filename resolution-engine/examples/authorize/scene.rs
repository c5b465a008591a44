//! What the example needs around it: a vault with one key, and a service that wants that key.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use credential_provider_api::*;
use resolution_engine::{AccessRules, Consumer, ResolutionEngine};

/// Keeps one key, for one origin.
struct Vault(ProviderDescriptor, Origin);

#[async_trait]
impl CredentialProvider for Vault {
    fn descriptor(&self) -> &ProviderDescriptor {
        &self.0
    }
    async fn resolve(&self, _: &Request) -> Result<Resolution, CredentialError> {
        let placement = Placement::header("X-Api-Key", "");
        let key = Credential::api_key("a-key-for-searching".into()).with_placement(placement);
        Ok(key.with_origin(self.1.clone()).into())
    }
}

/// A consumer that may have the key, and the address of the service.
pub(crate) fn set() -> Result<(Consumer, String), Box<dyn Error>> {
    // A host chooses the TLS of its client; this one speaks to loopback only.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || listener.incoming().flatten().try_for_each(answer));
    let search = CredentialDescriptor::gateway(IdPattern::new("search")?, CredentialKind::ApiKey);
    let vault = ProviderDescriptor::new(ProviderId::new("vault")?, "Vault").with_credential(search);
    let engine = ResolutionEngine::builder()
        .provider(Vault(vault, Origin::parse(&address)?))
        .access(AccessRules::deny_all().allow("tool:search", "vault/search")?)
        .build()?;
    Ok((engine.consumer("tool:search")?, address + "/find"))
}

/// Says whether the request brought the key.
fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let known = head.iter().any(|line| line.eq_ignore_ascii_case("x-api-key: a-key-for-searching"));
    let text = if known { "found: the service knows the key" } else { "who are you?" };
    let status = if known { "200 OK" } else { "401 Unauthorized" };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}
