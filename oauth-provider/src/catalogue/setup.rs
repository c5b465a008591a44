//! [`Setup`]: a service with its placeholders filled, ready for a builder.

use std::collections::BTreeMap;

use credential_provider_api::Origin;

use super::service::Service;
use super::template::filled;
use crate::client::ClientAuthentication;
use crate::endpoints::Endpoints;
use crate::token::Dialect;

/// What a row sets where the settings say nothing.
pub(crate) struct Setup {
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) endpoints: Option<Endpoints>,
    pub(crate) jwks_origins: Vec<Origin>,
    pub(crate) authorization_parameters: BTreeMap<String, String>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) dialect: Dialect,
    ways: Option<Vec<ClientAuthentication>>,
}

/// What a client has to prove itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Has {
    Nothing,
    Secret,
    Key,
}

impl Setup {
    /// The error names the setting and what is wrong with it.
    pub(crate) fn of(
        service: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<Self, (String, &'static str)> {
        let Some(row) = Service::find(service) else {
            return Err(("service".to_owned(), "is not in the catalogue"));
        };
        let setting = |name: &str| format!("serviceParameters.{name}");
        if let Some(name) = values.keys().find(|name| !row.parameters.contains_key(*name)) {
            return Err((setting(name), "is no parameter of this service"));
        }
        for (name, kind) in &row.parameters {
            let value = values.get(name).ok_or_else(|| (setting(name), "is missing"))?;
            kind.check(value).map_err(|problem| (setting(name), problem))?;
        }
        let fill = |text: &String| filled(text, values);
        let endpoints = row.endpoints.as_ref().map(|endpoints| {
            let mut given = Endpoints::new(fill(&endpoints.authorization), fill(&endpoints.token));
            given.revocation = endpoints.revocation.as_ref().map(fill);
            given.introspection = endpoints.introspection.as_ref().map(fill);
            given.device_authorization = endpoints.device_authorization.as_ref().map(fill);
            given
        });
        let origin = |text: &String| {
            Origin::parse(&fill(text))
                .map_err(|_| ("service".to_owned(), "has an origin that cannot be used"))
        };
        Ok(Self {
            issuer: fill(&row.issuer),
            endpoints,
            origins: row.origins.iter().map(origin).collect::<Result<_, _>>()?,
            dialect: Dialect::of(&row.quirks),
            name: row.name,
            jwks_origins: row.jwks_origins,
            authorization_parameters: row.authorization_parameters,
            ways: row.client_authentication,
        })
    }

    /// How a client with this secret, or without one, proves who it is there. `None`: it is not known.
    ///
    /// # Errors
    /// The service takes no such client.
    pub(crate) fn way(
        &self,
        has: Has,
    ) -> Result<Option<ClientAuthentication>, (&'static str, &'static str)> {
        let Some(ways) = &self.ways else { return Ok(None) };
        let fits = |way: &&ClientAuthentication| match way {
            ClientAuthentication::None => has == Has::Nothing,
            ClientAuthentication::PrivateKeyJwt => has == Has::Key,
            ClientAuthentication::ClientSecretBasic | ClientAuthentication::ClientSecretPost => {
                has == Has::Secret
            }
        };
        match (ways.iter().find(fits), has) {
            (Some(way), _) => Ok(Some(*way)),
            (None, Has::Secret) => Err(("clientSecret", "is there, and this service takes none")),
            (None, Has::Nothing) => {
                Err(("clientSecret", "is missing; this service takes no client without one"))
            }
            // That it takes keys may not be documented.
            (None, Has::Key) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::ServiceParameter;
    use crate::endpoint::Endpoint;
    use crate::issuer::IssuerId;

    fn examples(row: &Service) -> BTreeMap<String, String> {
        let example = |kind: &ServiceParameter| match kind {
            ServiceParameter::Host => "a.example:8443",
            ServiceParameter::Segment => "main",
            ServiceParameter::Uuid => "8eaef023-2b34-4da1-9baa-8bc8c9d6a490",
        };
        row.parameters.iter().map(|(name, kind)| (name.clone(), example(kind).into())).collect()
    }

    #[test]
    fn every_row_sets_up_a_provider() {
        for row in Service::all() {
            let setup = Setup::of(&row.id, &examples(&row)).unwrap();
            let issuer = IssuerId::parse(&setup.issuer).unwrap();
            assert!(setup.issuer.starts_with("https://"), "{}", row.id);
            for template in row.origins.iter().chain([&row.issuer]) {
                let braces = template.matches('{').count();
                let named = row.parameters.keys();
                let known = named.filter(|name| template.contains(&format!("{{{name}}}"))).count();
                assert_eq!(braces, known, "{template}");
            }
            assert!(setup.origins.iter().all(|origin| origin.to_string().starts_with("https://")));
            let Some(endpoints) = &setup.endpoints else { continue };
            let metadata = endpoints.metadata(&issuer).unwrap();
            let page = metadata.authorization_endpoint.unwrap();
            assert_eq!(page.origin(), issuer.endpoint().origin(), "{}", row.id);
            let other = row.endpoints.unwrap();
            for further in other.device_authorization.iter().chain(&other.introspection) {
                Endpoint::learned(further, issuer.endpoint()).unwrap();
            }
        }
    }

    #[test]
    fn every_parameter_is_needed() {
        for row in Service::all() {
            for name in row.parameters.keys() {
                let used = row.issuer.contains(&format!("{{{name}}}"));
                assert!(used, "{}: two places must not share an issuer", row.id);
            }
        }
    }

    #[test]
    fn a_parameter_is_given_and_is_what_it_should_be() {
        let with = |name: &str, value: &str| {
            let values = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            Setup::of("microsoft", &values).map(|setup| setup.issuer)
        };
        assert_eq!(
            with("tenant", "8eaef023-2b34-4da1-9baa-8bc8c9d6a490").unwrap(),
            "https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0"
        );
        assert_eq!(with("tenant", "common").unwrap_err().0, "serviceParameters.tenant");
        assert_eq!(with("tenent", "x").unwrap_err().0, "serviceParameters.tenent");
        let none = BTreeMap::new();
        let missing = Setup::of("microsoft", &none).map(drop).unwrap_err();
        assert_eq!(missing, ("serviceParameters.tenant".to_owned(), "is missing"));
        assert_eq!(Setup::of("nobody", &none).map(drop).unwrap_err().0, "service");
    }

    #[test]
    fn a_client_proves_itself_in_a_way_the_service_takes() {
        let way = |service: &str, has| Setup::of(service, &BTreeMap::new()).unwrap().way(has);
        let with = Has::Secret;
        assert_eq!(way("github", with), Ok(Some(ClientAuthentication::ClientSecretPost)));
        assert_eq!(way("github", Has::Nothing).unwrap_err().0, "clientSecret");
        assert_eq!(way("x", with), Ok(Some(ClientAuthentication::ClientSecretBasic)));
        assert_eq!(way("x", Has::Nothing), Ok(Some(ClientAuthentication::None)));
    }
}
