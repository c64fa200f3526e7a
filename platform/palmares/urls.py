"""Every address of the web."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import AllowAny

from palmares.api.health import HealthView
from palmares.teams.email_pages import EmailAddressView
from palmares.teams.welcome import welcome

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # one door, with its limits on guessing
# Its script comes as a file: the content security policy allows none in a page.
docs = SpectacularSwaggerSplitView.as_view(permission_classes=[AllowAny], url_name="schema", template_name="api_docs.html")

schema = SpectacularAPIView.as_view(permission_classes=[AllowAny], content_negotiation_class=DefaultContentNegotiation)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/email/", EmailAddressView.as_view(), name="account_email"),
    path("accounts/", include("allauth.account.urls")),
    path("api/v1/", include("palmares.api_urls")),
    path("api/schema/", schema, name="schema"),
    path("api/docs/", docs, name="docs"),
    path("health/", HealthView.as_view(), name="health"),
    path("welcome/<str:token>/", welcome, name="welcome"),
    path("", include("palmares.page_urls")),
]

handler400 = "palmares.api.problems.bad_request"
handler403 = "palmares.api.problems.permission_denied"
handler404 = "palmares.api.problems.page_not_found"
handler500 = "palmares.api.problems.server_error"
