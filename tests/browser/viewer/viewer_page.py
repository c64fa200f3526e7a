"""Help for tests of the viewer page: the rows behind it, and waiting until its image is complete."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page

from ml.catalog import METHODS
from palmares.queue.models import Status
from palmares.runs.models import Prediction, Run
from palmares.subjects.models import Subject
from palmares.teams.models import Membership, Role, Team, User
from palmares.uploads.models import GroundTruth, Upload
from tests.browser.viewer.viewer_clips import FPS, HEIGHT, WIDTH, ViewerClip


class OpenViewer(Protocol):
    """Opens the page of the clip, drawn, in a fresh browser context."""

    def __call__(self, *, width: int = 1280, scheme: str = "light", query: str = "") -> Page: ...


def create_rows(clip: ViewerClip, media: Path, methods: int = 2, *, truth: bool = False) -> tuple[User, Upload]:
    """A person, and the clip as an upload of their team with runs of so many methods, perhaps with its ground truth; its
    files are put below `media`.
    """
    shutil.copytree(clip.root / clip.upload, media / clip.upload)
    user = User.objects.create_user("viewer@example.org", "a good long password")
    team = Team.objects.create(name="Viewers")
    Membership.objects.create(team=team, user=user, role=Role.OWNER)
    subject = Subject.objects.create(team=team, name="Subject 1")
    done = {"status": Status.SUCCEEDED, "progress": 1.0, "started_at": timezone.now(), "finished_at": timezone.now()}
    size = (media / clip.upload / "web.mp4").stat().st_size
    upload = Upload.objects.create(
        subject=subject, name="clip.mp4", size_bytes=size, received_bytes=size, received_at=timezone.now(), folder=clip.upload,
        fps=FPS, width=WIDTH, height=HEIGHT, frame_count=clip.frame_count, **done,
    )  # fmt: skip
    if truth:
        shutil.copytree(clip.root / clip.truth, media / "truths/a")
        GroundTruth.objects.create(
            upload=upload, created_by=user, name="truth.npz", format="palmares", source="truths/source", folder="truths/a",
            rows=2 * clip.frame_count, hand_model="open", has_vertices=True, **done,
        )  # fmt: skip
    # The page names the newest run first, and A is to be the one with the gap.
    named = list(METHODS.values())[:methods]
    for number, method in reversed(list(enumerate(named))):
        prediction = add_prediction(clip, media, clip.runs[number % len(clip.runs)], f"runs/{number}/a")
        Run.objects.create(upload=upload, method=method.name, method_version=method.version, prediction=prediction, **done)
    return user, upload


def add_prediction(clip: ViewerClip, media: Path, files: str, folder: str) -> Prediction:
    """The files of one of the clip's runs as a prediction whose own are in `folder`, below `media`."""
    shutil.copytree(clip.root / files, media / folder)
    data = (media / folder / "prediction.npz").read_bytes()
    return Prediction.objects.create(
        folder=folder,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        rows=2 * clip.frame_count,
        hand_model="open",
    )


def session_cookie(user: User, url: str) -> dict[str, str]:
    """The cookie that makes a browser this person's, signed in, at the server of `url`."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {"name": settings.SESSION_COOKIE_NAME, "value": value, "url": url}


def wait_for_picture(page: Page) -> None:
    """Wait until the viewer reports the last requested frame, and the decoded image is on the screen."""
    page.evaluate(
        """() => new Promise((resolve) => {
          const stage = document.querySelector("[data-settled]");
          const painted = () => requestAnimationFrame(() => requestAnimationFrame(resolve));
          const look = () => (stage.dataset.settled === "true" ? painted() : setTimeout(look, 5));
          setTimeout(look, 0);
        })"""
    )
