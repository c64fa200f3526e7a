import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from palmares.uploads.models import Upload


@pytest.fixture
def url(upload):
    return f"/api/v1/uploads/{upload.pk}/media/web.mp4"


def test_the_whole_file(api, viewer, url, mp4):
    response = api(viewer).get(url)
    assert response.status_code == 200
    assert b"".join(response.streaming_content) == mp4
    assert response["Content-Type"] == "video/mp4"
    assert response["Accept-Ranges"] == "bytes"
    assert "private" in response["Cache-Control"]


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19), ("bytes=-5", -5, -1), ("bytes=16000-999999", 16000, -1)],
)
def test_a_range(api, viewer, url, mp4, header, first, last):
    response = api(viewer).get(url, headers={"Range": header})
    expected = mp4[first:][: None if last == -1 else last - first + 1]
    start = first % len(mp4)
    assert response.status_code == 206
    assert b"".join(response.streaming_content) == expected
    assert response["Content-Range"] == f"bytes {start}-{start + len(expected) - 1}/{len(mp4)}"
    assert int(response["Content-Length"]) == len(expected)


@pytest.mark.parametrize("header", ["bytes=99999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(api, viewer, url, mp4, header):
    response = api(viewer).get(url, headers={"Range": header})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(mp4)}"


@pytest.mark.parametrize(
    "header", ["bytes=5-2", "bytes=-", "bytes=0-1,4-5", "lines=1-2", "nonsense", "bytes=" + "9" * 40 + "-"]
)
def test_malformed_ranges_are_ignored(api, viewer, url, header):
    response = api(viewer).get(url, headers={"Range": header})
    assert response.status_code == 200
    assert response.getvalue()


def test_head(api, viewer, url, mp4):
    response = api(viewer).head(url)
    assert (response.status_code, int(response["Content-Length"]), response.content) == (200, len(mp4), b"")
    assert api(viewer).head(url, headers={"Range": "bytes=0-9"})["Content-Length"] == "10"


def test_an_unchanged_file_is_answered_304(api, viewer, url):
    tag = api(viewer).head(url)["ETag"]
    assert api(viewer).get(url, headers={"If-None-Match": f'W/"x", {tag}'}).status_code == 304


def test_a_range_of_a_changed_file_returns_the_whole_file(api, viewer, url):
    tag = api(viewer).head(url)["ETag"]
    for if_range, status in ((tag, 206), ('"other"', 200)):
        response = api(viewer).get(url, headers={"Range": "bytes=0-9", "If-Range": if_range})
        assert response.status_code == status
        assert response.getvalue()


def test_another_ingestion_changes_the_etag(api, viewer, url, upload):
    before = api(viewer).head(url)["ETag"]
    default_storage.save(f"uploads/{upload.pk}/web-2/web.mp4", ContentFile(b"other"))
    Upload.objects.update(folder=f"uploads/{upload.pk}/web-2")
    assert api(viewer).head(url)["ETag"] != before


def test_the_source_is_a_download_under_its_own_name(api, viewer, upload):
    Upload.objects.update(name='naïve "x"\\;y.mov')
    response = api(viewer).get(f"/api/v1/uploads/{upload.pk}/media/source")
    header = response["Content-Disposition"]
    assert response.getvalue()
    assert header.startswith('attachment; filename="na_ve _x___y.mp4"')
    assert "filename*=UTF-8''na%C3%AFve%20%22x%22%5C%3By.mp4" in header


@pytest.mark.parametrize("name", ["web.mp4", "poster.jpg", "filmstrip.jpg", "source"])
def test_only_the_team_reads_the_files(refusals, upload, name):
    statuses = refusals("head", f"/api/v1/uploads/{upload.pk}/media/{name}")
    assert statuses == {"anonymous": 401, "outsider": 404, "viewer": 200}


@pytest.mark.parametrize("name", ["keypoints.npz", "../source", "truth.npz", "..%2f..%2fsecret_key"])
def test_other_file_names_are_not_found(api, viewer, upload, name):
    assert api(viewer).get(f"/api/v1/uploads/{upload.pk}/media/{name}").status_code == 404


def test_files_of_an_upload_that_is_not_ingested_are_not_found(api, viewer, url, upload):
    Upload.objects.update(folder="")
    assert api(viewer).get(url).status_code == 404


def test_files_that_are_gone(api, viewer, url):
    Upload.objects.update(folder="uploads/gone")
    assert api(viewer).get(url).status_code == 404


def test_wrong_method(api, viewer, url):
    assert api(viewer).post(url).status_code == 405


def test_notes_about_files_that_were_left_out_are_shown(api, viewer, upload, client):
    upload.facts["notes"] = ["HEIF or AVIF images left out (1): <b>.HEIC; export them as JPEG."]
    upload.save()
    assert api(viewer).get(f"/api/v1/uploads/{upload.pk}/").json()["notes"] == upload.facts["notes"]
    client.force_login(viewer)
    page = client.get(f"/uploads/{upload.pk}/").content.decode()
    assert "HEIF or AVIF images left out (1): &lt;b&gt;.HEIC" in page


def test_an_upload_without_notes_has_none(api, viewer, upload):
    assert api(viewer).get(f"/api/v1/uploads/{upload.pk}/").json()["notes"] == []
