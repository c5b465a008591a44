# An OpenID Provider of another make on loopback: its issuer has a path, its endpoints end in "/".
#
#   RT_GRACE=0 AT_TTL=3 TOKEN_LOG=FILE python app.py FOLDER
#
# Keeps its database in FOLDER, prints `READY {"issuer":…}`, ends on SIGTERM. Anybody may log in with
# the password "pw". `POST /peer/withdraw?account=NAME` ends that account's grants.
import json
import os
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from jwcrypto import jwk

from token_log import TokenLog


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


# Bound first: the port is part of the issuer's name.
server = Server(("127.0.0.1", 0), Quiet)
base = f"http://127.0.0.1:{server.server_port}"

from django.conf import settings  # noqa: E402

key = jwk.JWK.generate(kty="RSA", size=2048).export_to_pem(private_key=True, password=None)
login = "<form action='' method='post'>{% csrf_token %}{{ form.as_p }}<input type='hidden' name='next' value='{{ next }}'></form>"
settings.configure(
    SECRET_KEY="of no worth, and long enough to be taken for a key",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF="urls",
    USE_TZ=True,
    DATABASES={"default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.path.join(sys.argv[1], "db.sqlite3"),
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    # The secrets are of no worth either: a slow hash only makes tokens of seconds come late.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    AUTHENTICATION_BACKENDS=["anybody.Anybody"],
    TEMPLATES=[{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"],
            "loaders": [
                ("django.template.loaders.locmem.Loader", {"registration/login.html": login}),
                "django.template.loaders.app_directories.Loader",
            ],
        },
    }],
    LOGIN_URL="/login/",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": key.decode(),
        "OIDC_ISS_ENDPOINT": base + "/o",
        "PKCE_REQUIRED": True,
        "ROTATE_REFRESH_TOKEN": True,
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": int(os.environ.get("RT_GRACE", "0")),
        "ACCESS_TOKEN_EXPIRE_SECONDS": int(os.environ.get("AT_TTL", "5")),
        "REFRESH_TOKEN_EXPIRE_SECONDS": 3600,
        "SCOPES": {"openid": "OpenID", "email": "email", "read": "read"},
        "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
        "OAUTH_DEVICE_VERIFICATION_URI": base + "/o/device/",
        "OAUTH_DEVICE_VERIFICATION_URI_COMPLETE": lambda code: f"{base}/o/device/?user_code={code}",
        "DEVICE_FLOW_INTERVAL": 1,
        "ALLOW_LOCALHOST_LOOPBACK": True,
        "ALLOWED_SCHEMES": ["http", "https"],
        "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    },
)

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402

call_command("migrate", verbosity=0)
# Here a client has one way to come by a token.
for name, kind, secret, grant in [
    ("pub", "public", "", Application.GRANT_AUTHORIZATION_CODE),
    ("conf", "confidential", "conf-secret", Application.GRANT_AUTHORIZATION_CODE),
    ("device", "public", "", Application.GRANT_DEVICE_CODE),
    ("device-conf", "confidential", "device-secret", Application.GRANT_DEVICE_CODE),
    ("robot", "confidential", "robot-secret", Application.GRANT_CLIENT_CREDENTIALS),
]:
    Application.objects.update_or_create(client_id=name, defaults={
        "name": name,
        "client_type": kind,
        "client_secret": secret,
        "authorization_grant_type": grant,
        "redirect_uris": "http://127.0.0.1/callback http://localhost/callback",
        "post_logout_redirect_uris": "http://127.0.0.1/bye",
        "algorithm": "RS256",
    })

server.set_app(TokenLog(get_wsgi_application(), os.environ.get("TOKEN_LOG")))
print("READY", json.dumps({"issuer": base + "/o", "pid": os.getpid()}), flush=True)
server.serve_forever()
