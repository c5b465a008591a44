//! [`Session`]: secrets on the bus are encrypted, so that no monitor or log of it has one.
//!
//! Algorithm `dh-ietf1024-sha256-aes128-cbc-pkcs7` of the Secret Service API draft: Diffie-Hellman in
//! the second Oakley group (RFC 2409 §6.2), HKDF with SHA-256 (RFC 5869) without salt or info,
//! AES-128 in CBC mode. It keeps out who listens, not who meddles: that is the bus's part.

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use cbc::{Decryptor, Encryptor};
use credential_provider_api::{CredentialError, ExposeSecret as _};
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U1024};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::SecretSlice;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, Type, Variant};
use zeroize::Zeroizing;

use super::path;
use super::wire::{Failure, ROOT, SERVICE, call};
use crate::error::{garbled, unavailable};
use crate::secret::exact;

const ALGORITHM: &str = "dh-ietf1024-sha256-aes128-cbc-pkcs7";
const PRIME: Odd<U1024> = Odd::<U1024>::from_be_hex(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74\
     020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437\
     4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
     EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
);

/// A secret as it travels: session, initialization vector, ciphertext, content type.
#[derive(Deserialize, Serialize, Type)]
pub(super) struct Sealed {
    session: OwnedObjectPath,
    iv: Vec<u8>,
    value: Vec<u8>,
    content_type: String,
}

pub(super) struct Session {
    path: OwnedObjectPath,
    key: Zeroizing<[u8; 16]>,
}

impl Session {
    pub(super) async fn open(bus: &Connection) -> Result<Self, Failure> {
        let pair = KeyPair::generate()?;
        let ours = Variant::from(pair.public.to_be_bytes().as_ref().to_vec());
        let opened: (OwnedVariant, OwnedObjectPath) =
            call(bus, &path(ROOT)?, SERVICE, "OpenSession", &(ALGORITHM, ours)).await?;
        let (theirs, path) = opened;
        let theirs = Vec::<u8>::try_from(theirs)
            .map_err(|_| garbled("the Secret Service's key has another form"))?;
        Ok(Self { path, key: pair.agree(&theirs)? })
    }

    pub(super) const fn path(&self) -> &OwnedObjectPath {
        &self.path
    }

    pub(super) fn seal(&self, secret: &SecretSlice<u8>) -> Result<Sealed, CredentialError> {
        let mut iv = [0; 16];
        random(&mut iv)?;
        let cipher = Encryptor::<Aes128>::new(&(*self.key).into(), &iv.into());
        let value = cipher.encrypt_padded_vec::<Pkcs7>(secret.expose_secret());
        let content_type = "text/plain".to_owned();
        Ok(Sealed { session: self.path.clone(), iv: iv.to_vec(), value, content_type })
    }

    pub(super) fn unseal(&self, sealed: &Sealed) -> Result<SecretSlice<u8>, CredentialError> {
        let broken = || garbled("the Secret Service's secret cannot be decrypted");
        let iv: [u8; 16] = sealed.iv.as_slice().try_into().map_err(|_| broken())?;
        let cipher = Decryptor::<Aes128>::new(&(*self.key).into(), &iv.into());
        let clear = Zeroizing::new(
            cipher.decrypt_padded_vec::<Pkcs7>(&sealed.value).map_err(|_| broken())?,
        );
        Ok(exact(&clear))
    }
}

struct KeyPair {
    private: Zeroizing<U1024>,
    public: U1024,
}

impl KeyPair {
    fn generate() -> Result<Self, CredentialError> {
        let mut bytes = Zeroizing::new([0; 128]);
        random(bytes.as_mut())?;
        let private = Zeroizing::new(U1024::from_be_slice(bytes.as_ref()));
        let public = power(&U1024::from_u8(2), &private);
        Ok(Self { private, public })
    }

    fn agree(&self, theirs: &[u8]) -> Result<Zeroizing<[u8; 16]>, CredentialError> {
        let wrong = || garbled("the Secret Service's key is not one");
        let first = theirs.iter().position(|byte| *byte != 0).unwrap_or(theirs.len());
        let significant = theirs.get(first..).unwrap_or_default();
        let mut padded = [0_u8; 128];
        let start = padded.len().checked_sub(significant.len()).ok_or_else(wrong)?;
        padded.get_mut(start..).ok_or_else(wrong)?.copy_from_slice(significant);
        let theirs = U1024::from_be_slice(&padded);
        // 0, 1 and -1 would give everybody the same key (RFC 2631 §2.1.5).
        if theirs <= U1024::ONE || theirs >= PRIME.as_ref().wrapping_sub(&U1024::ONE) {
            return Err(wrong());
        }
        let shared = Zeroizing::new(power(&theirs, &self.private));
        let shared = Zeroizing::new(shared.to_be_bytes());
        let mut bytes = Zeroizing::new([0; 128]);
        bytes.copy_from_slice((*shared).as_ref());
        derive(&bytes).ok_or_else(wrong)
    }
}

/// In a time that does not depend on the numbers.
fn power(base: &U1024, exponent: &U1024) -> U1024 {
    let params = FixedMontyParams::new(PRIME);
    FixedMontyForm::new(base, &params).pow(exponent).retrieve()
}

/// HKDF-SHA-256, no salt, no info, the first 16 bytes.
fn derive(shared: &[u8; 128]) -> Option<Zeroizing<[u8; 16]>> {
    let extract = Hmac::<Sha256>::new_from_slice(&[0; 32]).ok()?.chain_update(shared);
    let extracted = Zeroizing::new(<[u8; 32]>::from(extract.finalize().into_bytes()));
    let expand = Hmac::<Sha256>::new_from_slice(&*extracted).ok()?;
    let block = Zeroizing::new(<[u8; 32]>::from(expand.chain_update([1]).finalize().into_bytes()));
    let mut key = Zeroizing::new([0; 16]);
    key.iter_mut().zip(block.iter()).for_each(|(to, from)| *to = *from);
    Some(key)
}

fn random(bytes: &mut [u8]) -> Result<(), CredentialError> {
    getrandom::fill(bytes).map_err(|_| unavailable("the system gives no random bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(key: Zeroizing<[u8; 16]>) -> Session {
        Session { path: OwnedObjectPath::try_from("/s").unwrap(), key }
    }

    #[test]
    fn both_sides_agree_and_read_each_other() {
        let (one, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let key = one.agree(other.public.to_be_bytes().as_ref()).unwrap();
        let theirs = other.agree(one.public.to_be_bytes().as_ref()).unwrap();
        assert_eq!(*key, *theirs);
        let (one, other) = (session(key), session(theirs));
        for length in [0, 1, 15, 16, 17, 800] {
            let secret: SecretSlice<u8> = vec![7; length].into();
            let sealed = one.seal(&secret).unwrap();
            assert_eq!(other.unseal(&sealed).unwrap().expose_secret(), secret.expose_secret());
        }
    }

    #[test]
    fn the_key_of_rfc_5869_without_salt_and_info() {
        // Test case 3 has 22 bytes of input; here the same construction is checked against a value
        // computed from the definition with another implementation.
        let key = derive(&[0x0b; 128]).unwrap();
        assert_eq!(key.iter().map(|b| format!("{b:02x}")).collect::<String>(), EXPECTED);
    }

    const EXPECTED: &str = "c14a7e6c075036a989d9170676709914";

    #[test]
    fn a_key_that_gives_everybody_the_same_is_refused() {
        let pair = KeyPair::generate().unwrap();
        let minus_one = PRIME.as_ref().wrapping_sub(&U1024::ONE);
        for key in [U1024::ZERO, U1024::ONE, minus_one, *PRIME.as_ref()] {
            pair.agree(key.to_be_bytes().as_ref()).unwrap_err();
        }
        pair.agree(&[1; 129]).unwrap_err();
    }

    #[test]
    fn what_was_altered_is_an_error() {
        let key = Zeroizing::new([3; 16]);
        let session = session(key);
        let mut sealed = session.seal(&b"0123456789abcdef".to_vec().into()).unwrap();
        sealed.value.truncate(17);
        session.unseal(&sealed).unwrap_err();
        sealed.iv.pop();
        session.unseal(&sealed).unwrap_err();
    }
}
