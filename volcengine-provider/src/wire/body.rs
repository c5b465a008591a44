//! Request bodies. They hold secrets, so they are written here and nowhere else: no request of this
//! crate is `Serialize`.

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

/// Bytes that move to a larger place and wipe the old one, so that no copy of a secret stays behind.
#[derive(Default)]
pub(crate) struct Body(Zeroizing<Vec<u8>>);

impl Body {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let room = needed.next_power_of_two().max(1024);
            let mut larger = Zeroizing::new(Vec::with_capacity(room));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// A pair of a form (`application/x-www-form-urlencoded`).
    pub(crate) fn field(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.push(b"&");
        }
        byte_serialize(name.as_bytes()).for_each(|part| self.push(part.as_bytes()));
        self.push(b"=");
        byte_serialize(value.as_bytes()).for_each(|part| self.push(part.as_bytes()));
    }

    pub(crate) fn finish(mut self) -> SecretSlice<u8> {
        std::mem::take(&mut *self.0).into()
    }
}

/// What has a place in a JSON body.
pub(crate) trait Json {
    fn write(&self, body: &mut Body);
    /// Whether it is left out.
    fn is_absent(&self) -> bool {
        false
    }
}

/// An object of the members that are there.
pub(crate) fn object(body: &mut Body, members: &[(&str, &dyn Json)]) {
    body.push(b"{");
    let present = members.iter().filter(|(_, value)| !value.is_absent());
    for (number, (name, value)) in present.enumerate() {
        if number > 0 {
            body.push(b",");
        }
        name.write(body);
        body.push(b":");
        value.write(body);
    }
    body.push(b"}");
}

impl Json for str {
    // RFC 8259 §7. By hand, because a serializer would keep copies of what it escapes.
    fn write(&self, body: &mut Body) {
        body.push(b"\"");
        for c in self.chars() {
            match c {
                '"' => body.push(b"\\\""),
                '\\' => body.push(b"\\\\"),
                c if c < ' ' => body.push(format!("\\u{:04x}", u32::from(c)).as_bytes()),
                c => body.push(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        body.push(b"\"");
    }
}

impl Json for &str {
    fn write(&self, body: &mut Body) {
        (**self).write(body);
    }
}

impl Json for String {
    fn write(&self, body: &mut Body) {
        self.as_str().write(body);
    }
}

impl Json for SecretString {
    fn write(&self, body: &mut Body) {
        self.expose_secret().write(body);
    }
}

impl Json for u64 {
    fn write(&self, body: &mut Body) {
        body.push(self.to_string().as_bytes());
    }
}

impl Json for bool {
    fn write(&self, body: &mut Body) {
        body.push(if *self { b"true" } else { b"false" });
    }
}

impl<T: Json> Json for Vec<T> {
    fn write(&self, body: &mut Body) {
        body.push(b"[");
        for (number, item) in self.iter().enumerate() {
            if number > 0 {
                body.push(b",");
            }
            item.write(body);
        }
        body.push(b"]");
    }
}

impl<T: Json> Json for Option<T> {
    fn write(&self, body: &mut Body) {
        match self {
            Some(value) => value.write(body),
            None => body.push(b"null"),
        }
    }
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &impl Json) -> String {
        let mut body = Body::default();
        value.write(&mut body);
        String::from_utf8(body.finish().expose_secret().to_vec()).unwrap()
    }

    #[test]
    fn what_is_written_reads_back() {
        let hard = "a\"b\\c\n\u{1}\u{7f}é智\u{1f600}/<>".to_owned();
        let read: String = serde_json::from_str(&text(&hard)).unwrap();
        assert_eq!(read, hard);
        assert_eq!(text(&vec![Some(true), None]), "[true,null]");
        assert_eq!(text(&SecretString::from("x")), "\"x\"");
    }

    #[test]
    fn what_is_absent_is_left_out() {
        let mut body = Body::default();
        let absent: Option<u64> = None;
        object(&mut body, &[("A", &absent), ("B", &3), ("C", &Some(4))]);
        assert_eq!(body.finish().expose_secret(), br#"{"B":3,"C":4}"#);
    }

    #[test]
    fn a_form_is_encoded() {
        let mut body = Body::default();
        body.field("Role Trn", "trn:iam::1:role/a b+x");
        body.field("N", "1");
        let expected = b"Role+Trn=trn%3Aiam%3A%3A1%3Arole%2Fa+b%2Bx&N=1";
        assert_eq!(body.finish().expose_secret(), expected);
    }
}
