//! [`Fault`]: what an error code and a status mean together.

/// What is wrong, as far as it decides what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Too many calls; nothing was done.
    Throttled,
    /// The service or its gateway failed; whether anything was done is unknown.
    Server,
    /// The keys are not (any more) good: reload them and try once more.
    KeysRejected,
    /// The date of the request is too far from the service's clock.
    Clock,
    /// The keys are good and may not do this.
    Denied,
    /// The thing named is not there.
    NotFound,
    /// The gateway knows no such action, version or service. Its status is 404 too, and it does not
    /// mean that the thing named is missing.
    UnknownAction,
    /// The thing named is there already.
    AlreadyExists,
    /// A parameter is missing or wrong.
    Invalid,
    /// Anything else.
    Other,
}

/// Codes with one meaning, lower case. Sources: the gateway's table of common codes, STS's codes, and
/// the lists by which official clients decide.
const CODES: &[(&str, Fault)] = &[
    ("flowlimitexceeded", Fault::Throttled),
    ("throttling", Fault::Throttled),
    ("throttlingexception", Fault::Throttled),
    ("requestlimitexceeded", Fault::Throttled),
    ("requestthrottled", Fault::Throttled),
    ("requestthrottledexception", Fault::Throttled),
    ("toomanyrequestsexception", Fault::Throttled),
    ("provisionedthroughputexceededexception", Fault::Throttled),
    ("priorrequestnotcomplete", Fault::Throttled),
    ("transactioninprogressexception", Fault::Throttled),
    ("undefinederror", Fault::Server),
    ("internalerror", Fault::Server),
    ("failtoconnect", Fault::Server),
    ("internalservicetimeout", Fault::Server),
    ("internalserviceerror", Fault::Server),
    ("serviceunavailabletemp", Fault::Server),
    ("servicefailure", Fault::Server),
    ("requesterror", Fault::Server),
    ("requesttimeout", Fault::Server),
    ("requesttimeoutexception", Fault::Server),
    ("responsetimeout", Fault::Server),
    ("invalidaccesskey", Fault::KeysRejected),
    ("invalidaccesskeyid", Fault::KeysRejected),
    ("invalidclienttokenid", Fault::KeysRejected),
    ("signaturedoesnotmatch", Fault::KeysRejected),
    ("expiredtoken", Fault::KeysRejected),
    ("expiredtokenexception", Fault::KeysRejected),
    ("requestexpired", Fault::KeysRejected),
    ("invalidsecuritytoken", Fault::KeysRejected),
    ("invalidsecrettoken", Fault::KeysRejected),
    ("invalidtoken", Fault::KeysRejected),
    ("invalidcredential", Fault::KeysRejected),
    ("sessiontokeninvalid", Fault::KeysRejected),
    ("accesskeyisexpire", Fault::KeysRejected),
    ("accesskeynotexist", Fault::KeysRejected),
    ("invalidtimestamp", Fault::Clock),
    ("accessdenied", Fault::Denied),
    ("accessdeniedexception", Fault::Denied),
    ("lackpolicy", Fault::Denied),
    ("lackprojectpolicy", Fault::Denied),
    ("serviceshouldcallselfapi", Fault::Denied),
    ("unknowncalleridentity", Fault::Denied),
    ("servicenotfound", Fault::UnknownAction),
    ("invalidactionorversion", Fault::UnknownAction),
    ("invalidaction", Fault::UnknownAction),
    ("missingaction", Fault::UnknownAction),
    ("missingparameter", Fault::Invalid),
    ("missingrequestinfo", Fault::Invalid),
    ("missingsignature", Fault::Invalid),
    ("missingauthenticationtoken", Fault::Invalid),
    ("invalidauthorization", Fault::Invalid),
    ("invalidparameter", Fault::Invalid),
    ("invalidrequest", Fault::Invalid),
    ("invalidtrn", Fault::Invalid),
];

/// Parts of codes, lower case, in this order: `exist` is in `NotExist` too.
const FRAGMENTS: &[(&str, Fault)] = &[
    ("notinwhitelist", Fault::Denied),
    ("nopermission", Fault::Denied),
    ("unauthorized", Fault::Denied),
    ("throttl", Fault::Throttled),
    ("notfound", Fault::NotFound),
    ("notexist", Fault::NotFound),
    ("nosuch", Fault::NotFound),
    ("duplicat", Fault::AlreadyExists),
    ("conflict", Fault::AlreadyExists),
    ("repeat", Fault::AlreadyExists),
    ("exist", Fault::AlreadyExists),
];

impl Fault {
    /// Judges an answer that is an error. `message` decides only where nothing else does.
    #[must_use]
    pub fn of(status: u16, code: &str, message: &str) -> Self {
        let (code, message) = (code.to_ascii_lowercase(), message.to_ascii_lowercase());
        let exact = |name: &str| CODES.iter().find(|(code, _)| *code == name).map(|(_, f)| *f);
        // `InvalidParameter.Name` is of the family `InvalidParameter`.
        let family = code.split('.').next().unwrap_or_default();
        match exact(&code) {
            // The database's own words, which come as an internal error.
            Some(Self::Server) | None if message.contains("duplicate entry") => {
                return Self::AlreadyExists;
            }
            Some(fault) => return fault,
            None => {}
        }
        let fragment = FRAGMENTS.iter().find(|(part, _)| code.contains(part)).map(|(_, f)| *f);
        if let Some(fault) = fragment.or_else(|| exact(family)) {
            return fault;
        }
        match status {
            429 => Self::Throttled,
            404 => Self::NotFound,
            409 => Self::AlreadyExists,
            401 | 403 => Self::Denied,
            500.. => Self::Server,
            _ if message.contains("not found") => Self::NotFound,
            400 => Self::Invalid,
            _ => Self::Other,
        }
    }
}

/// The literal of the known word that is in a code, if one is.
pub(super) fn fragment(code: &str) -> Option<&'static str> {
    let code = code.to_ascii_lowercase();
    FRAGMENTS.iter().find(|(part, _)| code.contains(part)).map(|(part, _)| *part)
}

/// The literal of a code that is known here, which may be shown as it is.
pub(super) fn known(code: &str) -> Option<&'static str> {
    let code = code.to_ascii_lowercase();
    CODES.iter().find(|(known, _)| *known == code).map(|(known, _)| *known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_404_is_not_always_a_missing_thing() {
        for code in ["ServiceNotFound", "InvalidActionOrVersion"] {
            assert_eq!(Fault::of(404, code, "workload not found"), Fault::UnknownAction);
        }
        assert_eq!(Fault::of(404, "AccessKeyNotExist", ""), Fault::KeysRejected);
        assert_eq!(Fault::of(404, "", ""), Fault::NotFound);
        assert_eq!(Fault::of(200, "NotFound.WorkloadIdentity", ""), Fault::NotFound);
    }

    #[test]
    fn missing_is_tried_before_existing() {
        assert_eq!(Fault::of(400, "PolicyNotExist", ""), Fault::NotFound);
        assert_eq!(Fault::of(400, "EntityAlreadyExists", ""), Fault::AlreadyExists);
        assert_eq!(Fault::of(409, "Whatever", ""), Fault::AlreadyExists);
        assert_eq!(Fault::of(500, "InternalError", "Duplicate entry 'x'"), Fault::AlreadyExists);
    }

    #[test]
    fn codes_go_before_status() {
        assert_eq!(Fault::of(200, "FlowLimitExceeded", ""), Fault::Throttled);
        assert_eq!(Fault::of(400, "InvalidTimestamp", ""), Fault::Clock);
        assert_eq!(Fault::of(401, "InvalidSecretToken", ""), Fault::KeysRejected);
        assert_eq!(Fault::of(401, "Something", ""), Fault::Denied);
        assert_eq!(Fault::of(400, "InvalidParameter.Name", ""), Fault::Invalid);
        assert_eq!(Fault::of(400, "OperationDenied.AccountNotInWhitelist", ""), Fault::Denied);
        assert_eq!(Fault::of(502, "", "<html>"), Fault::Server);
        assert_eq!(Fault::of(200, "New", ""), Fault::Other);
    }
}
