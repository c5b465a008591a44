//! Names of environment variables that no credential may be bound to.

use credential_provider_api::EnvName;

/// Why a name is blocked. Letters count in either case: Windows does not tell them apart, and some
/// programs read `http_proxy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlockedName {
    /// It makes a program load or run other code. A host should not hand it down to a tool at all.
    Always,
    /// It has its use in a host's own environment; setting it for a tool would redirect what the tool
    /// trusts.
    AsOverride,
}

impl BlockedName {
    /// Whether and why `name` is blocked.
    ///
    /// ```
    /// use credential_provider_api::EnvName;
    /// use resolution_engine::injection::BlockedName;
    /// let judge = |name| BlockedName::of(&EnvName::new(name).unwrap());
    /// assert_eq!(judge("LD_PRELOAD"), Some(BlockedName::Always));
    /// assert_eq!(judge("https_proxy"), Some(BlockedName::AsOverride));
    /// assert_eq!(judge("GITHUB_TOKEN"), None);
    /// ```
    #[must_use]
    pub fn of(name: &EnvName) -> Option<Self> {
        let name = name.as_str().to_ascii_uppercase();
        BLOCKED.iter().find_map(|(why, list)| {
            list.split_whitespace().any(|pattern| matches(pattern, &name)).then_some(*why)
        })
    }
}

/// `*` stands for anything, at the start or the end.
fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (_, Some(start)) => name.starts_with(start),
        _ => name == pattern,
    }
}

/// The names that OpenClaw blocks (its host environment policy), and `PATH`.
const BLOCKED: &[(BlockedName, &str)] = &[
    (BlockedName::Always, "DYLD_* LD_* BASH_FUNC_*"),
    (BlockedName::Always, "PATH PATHEXT COMSPEC SHELL SHELLOPTS BASH_ENV ENV BASHOPTS IFS PS4"),
    (BlockedName::Always, "NODE_OPTIONS NODE_PATH"),
    (
        BlockedName::Always,
        "PYTHONHOME PYTHONPATH PYTHONBREAKPOINT PERL5LIB PERL5OPT RUBYLIB RUBYOPT",
    ),
    (BlockedName::Always, "GIT_EDITOR GIT_EXTERNAL_DIFF GIT_EXEC_PATH GIT_SEQUENCE_EDITOR"),
    (BlockedName::Always, "GIT_TEMPLATE_DIR BROWSER HGRCPATH"),
    (BlockedName::Always, "JAVA_OPTS JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS"),
    (BlockedName::Always, "MAVEN_OPTS SBT_OPTS GRADLE_OPTS ANT_OPTS MAKEFLAGS MFLAGS"),
    (BlockedName::Always, "DOTNET_STARTUP_HOOKS DOTNET_ADDITIONAL_DEPS GCONV_PATH GLIBC_TUNABLES"),
    (BlockedName::Always, "CC CXX CMAKE_C_COMPILER CMAKE_CXX_COMPILER"),
    (
        BlockedName::Always,
        "CARGO_BUILD_RUSTC CARGO_BUILD_RUSTC_WRAPPER RUSTC_WRAPPER SSLKEYLOGFILE",
    ),
    (BlockedName::AsOverride, "GIT_CONFIG_* NPM_CONFIG_* CARGO_REGISTRIES_* *_PROXY"),
    (BlockedName::AsOverride, "HOME ZDOTDIR XDG_CONFIG_HOME HISTFILE PROMPT_COMMAND"),
    (BlockedName::AsOverride, "EDITOR VISUAL FCEDIT SUDO_EDITOR PAGER MANPAGER LESSOPEN LESSCLOSE"),
    (BlockedName::AsOverride, "GIT_DIR GIT_WORK_TREE GIT_COMMON_DIR GIT_INDEX_FILE GIT_NAMESPACE"),
    (BlockedName::AsOverride, "GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_PAGER"),
    (BlockedName::AsOverride, "GIT_SSH GIT_SSH_COMMAND GIT_PROXY_COMMAND GIT_ASKPASS SSH_ASKPASS"),
    (BlockedName::AsOverride, "GIT_SSL_NO_VERIFY GIT_SSL_CAINFO GIT_SSL_CAPATH"),
    (BlockedName::AsOverride, "NODE_TLS_REJECT_UNAUTHORIZED NODE_EXTRA_CA_CERTS SSL_CERT_FILE"),
    (BlockedName::AsOverride, "SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE OPENSSL_CONF"),
    (BlockedName::AsOverride, "OPENSSL_ENGINES WGETRC CURL_HOME"),
    (BlockedName::AsOverride, "DOCKER_HOST DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_CONTEXT"),
    (BlockedName::AsOverride, "KUBECONFIG HELM_HOME AZURE_AUTH_LOCATION AWS_CONFIG_FILE"),
    (BlockedName::AsOverride, "GOOGLE_APPLICATION_CREDENTIALS AWS_SHARED_CREDENTIALS_FILE"),
    (BlockedName::AsOverride, "AWS_WEB_IDENTITY_TOKEN_FILE"),
    (BlockedName::AsOverride, "PIP_INDEX_URL PIP_PYPI_URL PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE"),
    (BlockedName::AsOverride, "PIP_FIND_LINKS PIP_TRUSTED_HOST UV_INDEX UV_INDEX_URL UV_PYTHON"),
    (BlockedName::AsOverride, "UV_EXTRA_INDEX_URL UV_DEFAULT_INDEX PYTHONSTARTUP PYTHONUSERBASE"),
    (BlockedName::AsOverride, "VIRTUAL_ENV YARN_RC_FILENAME BUN_CONFIG_REGISTRY DENO_DIR"),
    (BlockedName::AsOverride, "GOPROXY GONOSUMCHECK GONOSUMDB GONOPROXY GOPRIVATE GOENV GOPATH"),
    (BlockedName::AsOverride, "GOFLAGS CGO_CFLAGS CGO_LDFLAGS RUSTFLAGS CARGO_HOME CLASSPATH"),
    (BlockedName::AsOverride, "LIBRARY_PATH CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH"),
    (BlockedName::AsOverride, "OBJC_INCLUDE_PATH CORECLR_PROFILER_PATH GRADLE_USER_HOME"),
    (BlockedName::AsOverride, "PERL5DB PERL5DBCMD PHPRC PHP_INI_SCAN_DIR LUA_PATH LUA_CPATH"),
    (BlockedName::AsOverride, "GEM_HOME GEM_PATH BUNDLE_GEMFILE COMPOSER_HOME"),
];
