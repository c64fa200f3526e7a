"""Forms of the account pages."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import AddEmailForm, SignupForm
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from palmares.teams.models import User


class NewAccountForm(SignupForm):
    """Where addresses must be verified, an address that has an account is answered as a new one is, and as slowly."""

    def try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)


class NewEmailForm(AddEmailForm):
    """A new email address, which replaces the present one when its confirmation link is opened."""

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email__iexact=email).exclude(pk=self.user.pk).exists():
            raise ValidationError("This address cannot be used. Choose another one.")
        return str(super().clean_email()).lower()
