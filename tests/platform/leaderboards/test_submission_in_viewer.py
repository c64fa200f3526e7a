"""A submitted file opens in the viewer on the video of its sequence, for people who may add runs there."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from palmares.runs.models import Run
from palmares.submissions.models import Submission
from palmares.uploads.models import Upload
from tests.predictions import npz, zipped
from tests.scored_benchmarks import SEQUENCES


@pytest.fixture
def clip(upload: Upload) -> Upload:
    upload.frame_count = len(SEQUENCES["one"])
    upload.save()
    return upload


@pytest.fixture
def sent(contest, scored, clip) -> Submission:
    made = scored("Ours")
    made.source = default_storage.save(f"submissions/{made.pk}/all.zip", ContentFile(zipped(**SEQUENCES)))
    made.save()
    truth = contest.truths.get()
    truth.sequences[0]["upload"] = str(clip.pk)
    truth.save()
    return made


def open_it(client, submission, upload, frame="3"):
    return client.post(reverse("submission-view", args=[submission.pk]), {"upload": str(upload.pk), "frame": frame})


def test_opening_a_sequence_twice_makes_one_run(client, member, sent, clip, media_root):
    client.force_login(member)
    answer = open_it(client, sent, clip)
    run = Run.objects.get()
    assert answer["Location"] == f"{reverse('viewer', args=[clip.pk])}?runs={run.pk}&frame=3"
    assert (run.method, run.is_external) == ("Ours", True)
    assert (media_root / run.source).read_bytes() == npz(SEQUENCES["one"])
    assert open_it(client, sent, clip, frame="x")["Location"] == f"{reverse('viewer', args=[clip.pk])}?runs={run.pk}"
    assert Run.objects.count() == 1


@pytest.mark.parametrize(("role", "status"), [("viewer", 302), ("outsider", 404)])
def test_people_who_may_not_add_runs_are_refused(request, client, sent, clip, role, status):
    client.force_login(request.getfixturevalue(role))
    assert open_it(client, sent, clip).status_code == status
    assert not Run.objects.exists()


def test_a_video_that_is_not_a_sequence_of_the_benchmark_is_refused(client, member, sent, run):
    client.force_login(member)
    other = Upload.objects.create(subject=run.upload.subject, name="other.mp4", size_bytes=1)
    assert open_it(client, sent, other).status_code == 404
