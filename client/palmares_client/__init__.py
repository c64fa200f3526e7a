"""A client of Palmarès: submit predictions, follow their scoring, read boards; and the scorer itself, offline."""

from palmares_client.client import Client, Submission
from palmares_client.errors import NetworkError, NotSignedInError, PalmaresError, RefusedError, ScoringFailedError

__all__ = ["Client", "NetworkError", "NotSignedInError", "PalmaresError", "RefusedError", "ScoringFailedError", "Submission"]
__version__ = "0.1.0"
