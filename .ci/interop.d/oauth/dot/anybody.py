from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User


class Anybody(ModelBackend):
    """Every name is a user, so that each test has one of its own to count by."""

    def authenticate(self, request, username=None, password=None, **_):
        return User.objects.get_or_create(username=username)[0] if password == "pw" else None
