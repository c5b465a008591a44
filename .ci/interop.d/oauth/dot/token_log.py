"""One JSON line a token request, as the other issuer's token-log.mjs writes them."""
import hashlib
import io
import json
import threading
import time
from urllib.parse import parse_qs


def fingerprint(token):
    return hashlib.sha256(token.encode()).hexdigest()[:12] if token else None


class TokenLog:
    def __init__(self, application, file):
        self.application, self.file, self.lock = application, file, threading.Lock()

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] != "/o/token/" or not self.file:
            return self.application(environ, start_response)
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(sent)
        status = []

        def started(line, headers, *more):
            status.append(int(line.split()[0]))
            return start_response(line, headers, *more)

        body = b"".join(self.application(environ, started))
        self.note(parse_qs(sent.decode()), status[0], body)
        return [body]

    def note(self, form, status, body):
        from oauth2_provider.models import RefreshToken

        answer = json.loads(body) if body.startswith(b"{") else {}
        one = lambda name: form.get(name, [None])[0]
        sent, issued = one("refresh_token"), answer.get("refresh_token")
        known = RefreshToken.objects.filter(token=sent or issued).select_related("user").first()
        line = {
            "at": round(time.time() * 1000),
            "grant_type": one("grant_type"),
            "client": one("client_id") or (known and known.application.client_id),
            "account": known and known.user.username,
            "status": status,
            "error": answer.get("error"),
            "sent": fingerprint(sent),
            "issued": fingerprint(issued),
            "device": fingerprint(one("device_code")),
            "rotated": status == 200 and bool(sent) and bool(issued) and sent != issued,
        }
        with self.lock, open(self.file, "a") as log:
            log.write(json.dumps(line) + "\n")
