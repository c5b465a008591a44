//! Which environment variables may hold a credential.

use credential_provider_api::EnvName;

/// Names that make a program load other code, or trust and send elsewhere than it does without them.
/// `*` stands for anything at the start or the end.
const BLOCKED: &str = "LD_* DYLD_* BASH_FUNC_* GIT_CONFIG_* NPM_CONFIG_* *_PROXY PATH SHELL ENV \
    BASH_ENV IFS HOME BROWSER EDITOR VISUAL PAGER NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS \
    NODE_TLS_REJECT_UNAUTHORIZED PYTHONPATH PYTHONHOME PYTHONSTARTUP PERL5LIB PERL5OPT RUBYLIB \
    RUBYOPT JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS CLASSPATH GCONV_PATH GLIBC_TUNABLES \
    SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE OPENSSL_CONF \
    GIT_ASKPASS SSH_ASKPASS GIT_SSH GIT_SSH_COMMAND GIT_EXEC_PATH GIT_EDITOR DOCKER_HOST KUBECONFIG";

/// Whether no credential may be bound to `name`, in either case of its letters.
pub(crate) fn is_blocked(name: &EnvName) -> bool {
    let name = name.as_str().to_ascii_uppercase();
    BLOCKED.split_whitespace().any(|pattern| {
        match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(end), _) => name.ends_with(end),
            (_, Some(start)) => name.starts_with(start),
            _ => name == pattern,
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn names_that_redirect_a_program_are_blocked_and_keys_are_not() {
        let blocked = |name: &str| is_blocked(&EnvName::new(name).unwrap());
        for name in
            ["PATH", "path", "LD_PRELOAD", "https_proxy", "NODE_OPTIONS", "GIT_CONFIG_COUNT"]
        {
            assert!(blocked(name), "{name}");
        }
        for name in ["OPENAI_API_KEY", "GITHUB_TOKEN", "PATH_TO_KEY", "HOMEPAGE_TOKEN"] {
            assert!(!blocked(name), "{name}");
        }
    }
}
