from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from oauth2_provider.models import AccessToken, RefreshToken


@csrf_exempt
@require_POST
def withdraw(request):
    """As a person does on an account page, without the client's knowledge."""
    account = request.GET["account"]
    ended = list(RefreshToken.objects.filter(user__username=account, revoked__isnull=True))
    for token in ended:
        token.revoke()
    AccessToken.objects.filter(user__username=account).delete()
    return HttpResponse(f"{len(ended)}\n")


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("login/", LoginView.as_view()),
    path("peer/withdraw", withdraw),
]
