//! [`Form`]: a form body with secrets in it (`application/x-www-form-urlencoded`).

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

/// Grows by moving and wiping, so that no copy of a secret stays behind.
#[derive(Clone, Default)]
pub(crate) struct Form(Zeroizing<String>);

impl Form {
    pub(crate) fn new(grant_type: &str) -> Self {
        Self::default().text("grant_type", grant_type)
    }

    pub(crate) fn text(mut self, name: &str, value: &str) -> Self {
        let room = self.0.len() + 3 * (name.len() + value.len()) + 2;
        if room > self.0.capacity() {
            let mut larger = Zeroizing::new(String::with_capacity(room.next_power_of_two()));
            larger.push_str(&self.0);
            self.0 = larger;
        }
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.extend(byte_serialize(name.as_bytes()));
        self.0.push('=');
        self.0.extend(byte_serialize(value.as_bytes()));
        self
    }

    pub(crate) fn optional(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub(crate) fn secret(self, name: &str, value: &SecretString) -> Self {
        self.text(name, value.expose_secret())
    }

    /// In a buffer of exactly its size: a boxed slice made of a larger one leaves that behind unwiped.
    pub(crate) fn into_body(self) -> SecretSlice<u8> {
        let mut exact = Vec::with_capacity(self.0.len());
        exact.extend_from_slice(self.0.as_bytes());
        exact.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded() {
        let form = Form::new("a").secret("b c", &"d&e=f+ü".into()).optional("g", None);
        assert_eq!(form.into_body().expose_secret(), b"grant_type=a&b+c=d%26e%3Df%2B%C3%BC");
    }
}
