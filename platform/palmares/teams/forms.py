"""Forms of the account pages."""

from __future__ import annotations

from allauth.account.forms import AddEmailForm
from django.core.exceptions import ValidationError

from palmares.teams.models import User


class NewEmailForm(AddEmailForm):
    """A new email address, which replaces the present one when its confirmation link is opened."""

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email__iexact=email).exclude(pk=self.user.pk).exists():
            raise ValidationError("This address cannot be used. Choose another one.")
        return str(super().clean_email()).lower()
