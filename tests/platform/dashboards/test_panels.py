"""What panels show, and what they say where something is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from palmares.dashboards.content import OPTIONS, new_panel
from palmares.dashboards.models import Dashboard
from palmares.dashboards.panels.free_panels import markdown_html
from palmares.dashboards.run_values import interval
from palmares.dashboards.services import create_dashboard
from palmares.queue.models import Status
from palmares.runs.method_names import colour_of
from palmares.runs.models import Prediction, Run, RunScore
from palmares.runs.scores import JOINTS
from palmares.shares.services import create_share
from palmares.submissions.models import Score, Scoring
from palmares.uploads.models import GroundTruth
from tests.factories import RunFactory, SubjectFactory, UploadFactory


def finished(upload: Any, method: str, **values: float) -> Run:
    run = RunFactory(upload=upload, method=method, status=Status.SUCCEEDED)
    run.prediction = Prediction.objects.create(
        folder=f"runs/{run.pk}/1", sha256="1" * 64, size_bytes=1, rows=1, hand_model="open", summary=values
    )
    run.save()
    return run


@pytest.fixture
def show(api, member, team) -> Callable[..., dict[str, Any]]:
    """The data of a panel, asked for by the API."""

    def ask(kind: str, query: str = "", **options: Any) -> dict[str, Any]:
        panel = new_panel(kind, {**OPTIONS[kind], **options})
        made = create_dashboard(team=team, name="Ours", by=member, content={"panels": [panel]})
        answer = api(member).get(f"/api/v1/dashboards/{made.pk}/panels/{panel['id']}/{query}")
        assert answer.status_code == 200, answer.json()
        return answer.json()

    return ask


@pytest.fixture
def clips(subject) -> list[Any]:
    """Seven clips with two methods: MediaPipe is better on all but the last, where both show the same."""
    uploads = [UploadFactory(subject=subject, name=f"clip {n}.mp4") for n in range(7)]
    for n, upload in enumerate(uploads):
        finished(upload, "mediapipe-ik", reprojection=1.0 + 0.1 * n, jitter=5.0)
        finished(upload, "2d-fit", reprojection=2.0 if n < 6 else 1.6, jitter=1.0)
    return uploads


def test_the_metrics_table_has_values_means_intervals_and_the_best(show, clips):
    data = show("metrics", metric="reprojection")["data"]
    assert [column["name"] for column in data["columns"]] == ["mediapipe-ik", "2d-fit"]
    assert [row["name"] for row in data["rows"]] == [f"clip {n}.mp4" for n in range(7)]
    assert data["rows"][0]["values"] == [1.0, 2.0]
    assert data["rows"][0]["best"] == [True, False]
    assert data["rows"][6]["best"] == [True, True]  # equal, as far as they are shown
    first = data["columns"][0]
    assert first["mean"] == pytest.approx(1.3)
    assert first["low"] < 1.3 < first["high"]
    assert data["best_mean"] == [True, False]


def test_the_metrics_table_shows_differences(show, clips):
    data = show("metrics", metric="reprojection", differences=True, reference="2d-fit")["data"]
    assert len(data["rows"]) == 6
    assert data["hidden"] == 1
    assert data["rows"][0]["differences"] == [pytest.approx(-1.0), 0.0]
    gone = show("metrics", metric="reprojection", reference="kong2022")["data"]
    assert gone["missing_reference"]


def test_an_external_method_has_the_colour_that_it_has_everywhere(show, clips):
    finished(clips[0], "Our net", reprojection=1.0)
    columns = show("metrics", metric="reprojection")["data"]["columns"]
    assert columns[-1]["name"] == "Our net"
    assert columns[-1]["colour"] == colour_of("Our net")


def test_an_interval_needs_six_clips_and_uses_students_t():
    assert interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    low, high = interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert (low, high) == (pytest.approx(1.5371, abs=1e-3), pytest.approx(5.4629, abs=1e-3))


def test_filters_of_the_address_narrow_all_panels(show, clips, subject):
    query = f"?uploads={clips[0].pk},{clips[1].pk}&methods=2d-fit"
    data = show("metrics", query, metric="reprojection")["data"]
    assert [column["name"] for column in data["columns"]] == ["2d-fit"]
    assert len(data["rows"]) == 2
    other = SubjectFactory(team=subject.team)
    none = show("metrics", f"?subjects={other.pk}")
    assert (none["problem"], none["is_empty"]) == ("No finished run matches the filters.", True)


def test_only_the_newest_run_of_a_method_counts(show, clips):
    finished(clips[0], "2d-fit", reprojection=0.5)
    data = show("metrics", metric="reprojection")["data"]
    assert data["rows"][0]["values"][1] in (0.5, 2.0)
    assert len(data["rows"]) == 7


def test_other_teams_runs_are_not_shown(show, outsider, clips):
    theirs = UploadFactory(subject=SubjectFactory(team=outsider.teams.get()), name="theirs.mp4")
    finished(theirs, "2d-fit", reprojection=9.0)
    assert "theirs.mp4" not in str(show("metrics", metric="reprojection"))
    shown = show("viewer", upload=str(theirs.pk))
    assert (shown["problem"], shown["is_empty"]) == ("The upload that this panel shows has been deleted.", False)


def test_scatter_and_smooth_panels_have_points_and_means(show, clips):
    data = show("scatter", x="jitter", y="reprojection")["data"]
    assert len(data["points"]) == 14
    assert {"run", "upload", "clip", "method", "x", "y"} == set(data["points"][0])
    smooth = show("smooth")["data"]
    assert smooth["axes"][1]["metric"] == "reprojection"
    assert [m["mean"] for m in smooth["methods"]] == [[5.0, pytest.approx(1.3)], [1.0, pytest.approx(13.6 / 7)]]


def test_a_metric_without_values_is_named_in_a_message(show, clips):
    problem = show("metrics", metric="pa_mpjpe")["problem"]
    assert "No run here has PA-MPJPE; there is " in problem
    assert "ground truth" in problem


def scored_clip(upload: Any, method: str, error: float) -> None:
    """A run with errors against the ground truth of its upload, as a worker stores them."""
    run = finished(upload, method, reprojection=1.0, jitter=2.0)
    truth, _ = GroundTruth.objects.get_or_create(upload=upload, defaults={"status": Status.SUCCEEDED})
    alignments = {"procrustes": {"mpjpe": error, "auc": 0.5}, "root": {"mpjpe": 2 * error, "acceleration": 0.25}}
    content = {"alignments": alignments, "joints": {"procrustes": dict(zip(JOINTS, range(21), strict=True))}, "coverage": 1.0}
    RunScore.objects.create(run=run, truth=truth, content=content, folder="x", status=Status.SUCCEEDED)


def test_scores_against_ground_truth_are_metrics_like_others(show, subject):
    upload = UploadFactory(subject=subject)
    scored_clip(upload, "2d-fit", 10.0)
    assert show("metrics", metric="pa_mpjpe")["data"]["rows"][0]["values"] == [10.0]
    assert show("metrics", "?alignment=root", metric="pa_mpjpe")["data"]["rows"][0]["values"] == [20.0]
    assert show("scatter", x="ra_acceleration_error", y="pa_auc_joints")["data"]["points"][0]["x"] == 0.25
    (hand,) = show("joints")["data"]["hands"]
    assert hand["errors_mm"] == [float(n) for n in range(21)]


@pytest.fixture
def board(contest, scored) -> Any:
    contest.shows_frames = True
    contest.save()
    for method, value in (("good", 10.0), ("bad", 20.0)):
        made = scored(method=method, figures={"pa_mpjpe": value, "ra_mpjpe": 30.0 - value})
        content = {
            "pck": [{"metric": "pa_auc_joints", "thresholds_mm": [0.0, 25.0, 50.0], "share": [0.0, 0.5, 1.0]}],
            "by_joint_mm": {"pa_mpjpe": [value] * 21},
            "by_sequence": [{"name": name, "rows": 5, "figures": {"pa_mpjpe": value + 1}} for name in ("one", "two")],
        }
        Score.objects.filter(submission=made).update(content=content)
    return contest


def test_panels_of_a_benchmark_show_its_first_submissions(show, board):
    assert [row["method"] for row in show("board", benchmark=board.slug)["data"]["rows"]] == ["good", "bad"]
    assert [line["method"] for line in show("pck", benchmark=board.slug)["data"]["lines"]] == ["good", "bad"]
    assert show("joints", benchmark=board.slug)["data"]["hands"][0]["errors_mm"] == [10.0] * 21
    table = show("metrics", source="benchmark", benchmark=board.slug, metric="pa_mpjpe")["data"]
    assert [row["name"] for row in table["rows"]] == ["one", "two"]
    assert table["rows"][0]["values"] == [11.0, 21.0]
    assert "have not been compared" in show("significance", benchmark=board.slug)["problem"]


def test_the_alignment_filter_changes_the_metric(show, board):
    data = show("board", "?alignment=root", benchmark=board.slug, metric="pa_mpjpe")["data"]
    assert data["columns"][0]["metric"] == "ra_mpjpe"
    assert [row["method"] for row in data["rows"]] == ["bad", "good"]


@pytest.mark.parametrize("kind", ["board", "pck", "joints", "significance"])
def test_a_deleted_benchmark_is_named_in_a_message(show, kind, db):
    gone, unchosen = show(kind, benchmark="gone"), show(kind)
    assert "The benchmark “gone” of this panel has been deleted" in gone["problem"]
    assert not gone["is_empty"]
    assert "enchmark" in unchosen["problem"]
    assert unchosen["is_empty"]


def details(value: float, lag: int) -> dict[str, Any]:
    """What a worker keeps of a run for panels on failures."""
    joints = [[300 + n, 200 + 2 * n] for n in range(21)]
    worst = [
        {"frame": frame, "side": "left", "pose": pose, "value": value + frame, "truth": joints, "prediction": joints}
        for frame, pose in ((9, "fist"), (40, "fist"), (5, "flat"))
    ]
    means = {"procrustes": value, "root": 2 * value}
    palm, back = {"n": 4, "found": 3, "mpjpe": means}, {"n": 2, "found": 0, "mpjpe": {"procrustes": None, "root": None}}
    motion = {"lag_frames": lag, "kept_amplitude": 0.75}
    return {"slices": {"viewpoint": {"palm": palm, "back": back}}, "worst": worst, "motion": motion}


@pytest.fixture
def failing(subject) -> Any:
    """A clip with two methods scored in detail."""
    upload = UploadFactory(subject=subject, name="bad.mp4")
    for method, value in (("2d-fit", 10.0), ("mediapipe-ik", 20.0)):
        scored_clip(upload, method, value)
        score = RunScore.objects.get(run__method=method)
        score.content |= details(value, 2)
        score.save()
    return upload


def test_errors_by_slices(show, failing):
    data = show("slices", by="viewpoint")["data"]
    assert data["columns"] == ["palm", "back"]
    by_method = {row["name"]: row["cells"][0] for row in data["rows"]}
    assert (by_method["2d-fit"]["mean"], by_method["2d-fit"]["found"], by_method["2d-fit"]["n"]) == (10.0, 3, 4)
    assert by_method["2d-fit"]["best"]
    assert not by_method["mediapipe-ik"]["best"]
    assert [row["cells"][1]["mean"] for row in data["rows"]] == [None, None]
    assert show("slices", "?alignment=root", by="viewpoint")["data"]["metric"] == "ra_mpjpe"
    assert show("slices", by="speed")["is_empty"]


def test_worst_frames_are_together_by_pose_and_method(show, failing):
    groups = show("failures", rows=5)["data"]["groups"]
    assert [(group["method"], group["pose"]) for group in groups] == [
        ("mediapipe-ik", "fist"),
        ("2d-fit", "fist"),
        ("mediapipe-ik", "flat"),
    ]
    assert [frame["frame"] for frame in groups[0]["frames"]] == [40, 9]
    assert sum(len(group["frames"]) for group in groups) == 5
    assert len(groups[0]["frames"][0]["prediction"]) == 21


def test_lag_and_kept_amplitude_are_shown_with_ground_truth(show, failing):
    motion = show("smooth")["data"]["motion"]
    assert {(each["name"], each["lag_frames"], each["kept_amplitude"]) for each in motion} == {
        ("2d-fit", 2.0, 0.75), ("mediapipe-ik", 2.0, 0.75),
    }  # fmt: skip


def test_the_gallery_shows_joints_over_the_video_and_links_to_frames(client, member, team, failing):
    panel = new_panel("failures", OPTIONS["failures"])
    made = create_dashboard(team=team, name="Ours", by=member, content={"panels": [panel]})
    client.force_login(member)
    content = client.get(f"/dashboards/{made.pk}/panels/{panel['id']}/").content.decode()
    assert content.count('class="thumbnail"') == 6
    assert f"/api/v1/uploads/{failing.pk}/media/web.mp4#t=1.3500" in content
    assert "frame=40" in content
    assert "of the ground truth in white" in content


def test_a_share_link_shows_true_joints_only_where_it_shows_the_ground_truth(client, member, team, failing):
    panel = new_panel("failures", OPTIONS["failures"])
    made = create_dashboard(team=team, name="Ours", by=member, content={"panels": [panel]})
    for truth in (False, True):
        token = create_share(by=member, kind="dashboard", id=str(made.pk), truth=truth)[1]
        content = client.get(f"/shared/{token}/panels/{panel['id']}/").content.decode()
        assert content.count("<polyline") == 6 * 5 * (1 + truth)
        assert ("of the ground truth" in content) == truth
        for hidden in ("<video", "bad.mp4", str(failing.pk)):
            assert hidden not in content


def test_a_deleted_run_of_a_viewer_is_counted(show, clips):
    run, gone = (clips[0].runs.get(method=name) for name in ("2d-fit", "mediapipe-ik"))
    state = f"runs={run.pk},{gone.pk}&frame=3"
    gone.delete()
    data = show("viewer", upload=str(clips[0].pk), state=state)["data"]
    assert (data["runs"], data["missing"]) == ([str(run.pk)], 1)


@pytest.mark.parametrize(
    "kind", ["metrics", "scatter", "smooth", "slices", "failures", "joints", "pck", "board", "significance", "viewer", "image"]
)
def test_a_panel_without_results_yet_shows_a_hint_and_no_error(client, member, team, upload, contest, kind):
    named = {"benchmark": contest.slug, "upload": str(upload.pk)}
    options = {**OPTIONS[kind], **{name: value for name, value in named.items() if name in OPTIONS[kind]}}
    panel = new_panel(kind, options)
    made = create_dashboard(team=team, name="Ours", by=member, content={"panels": [panel]})
    client.force_login(member)
    content = client.get(f"/dashboards/{made.pk}/panels/{panel['id']}/").content.decode()
    assert 'class="hint"' in content
    assert 'class="problem"' not in content


def test_the_page_follows_runs_scores_and_submissions(client, member, team, upload, contest, scored):
    made = create_dashboard(
        team=team, name="Ours", by=member, content={"panels": [new_panel("board", {"benchmark": contest.slug})]}
    )
    run, done = RunFactory(upload=upload, status=Status.RUNNING), finished(upload, "2d-fit")
    score = RunScore.objects.create(run=done, truth=GroundTruth.objects.create(upload=upload), status=Status.QUEUED)
    submission = scored()
    Scoring.objects.filter(submission=submission).update(status=Status.RUNNING)
    client.force_login(member)
    page = client.get(f"/dashboards/{made.pk}/").content.decode()
    for kind, row in (("run", run), ("runscore", score), ("submission", submission)):
        assert f'data-live="{kind}" data-id="{row.pk}"' in page
    assert str(done.pk) not in page


def test_markdown_has_no_scripts_images_or_styles():
    html = markdown_html(
        "# A\n\n<script>alert(1)</script> ![x](https://evil.example/x.png) [ok](https://a.example) [bad](javascript:alert(1))"
    )
    assert "<h1>A</h1>" in html
    assert 'href="https://a.example"' in html
    for bad in ("<script", "<img", 'href="javascript'):
        assert bad not in html


def test_a_page_shows_every_kind_of_panel(client, member, team, clips, board):
    panels = [new_panel(kind, {**OPTIONS[kind]}, y=number) for number, kind in enumerate(OPTIONS)]
    for panel in panels:
        named = {"benchmark": board.slug, "upload": str(clips[0].pk), "markdown": "**hello**"}
        panel["options"] |= {name: value for name, value in named.items() if name in panel["options"]}
    made = create_dashboard(team=team, name="All kinds", by=member, content={"panels": panels})
    client.force_login(member)
    page = client.get(f"/dashboards/{made.pk}/?methods=2d-fit").content.decode()
    assert page.count("data-panel=") == len(OPTIONS)
    expected = {"text": "<strong>hello</strong>", "joints": "hand-errors", "viewer": "<iframe", "scatter": "<circle"}
    for panel in panels:
        content = client.get(f"/dashboards/{made.pk}/panels/{panel['id']}/").content.decode()
        assert expected.get(panel["kind"], "") in content
    assert "No image was added yet." in content


def test_the_page_of_wrong_filters_still_works(client, member, team, clips):
    made = create_dashboard(team=team, name="Ours", by=member, content={"panels": []})
    client.force_login(member)
    page = client.get(f"/dashboards/{made.pk}/?alignment=best")
    assert page.status_code == 200
    assert "were not used: `alignment` is one of" in page.content.decode()


def test_panels_are_made_changed_and_removed_by_forms(client, member, team, clips):
    made = create_dashboard(team=team, name="Ours", by=member)
    client.force_login(member)
    url = f"/dashboards/{made.pk}/panels/new/?kind=metrics"
    assert "Only rows in which methods differ" in client.get(url).content.decode()
    form = {"title": "Errors", "source": "uploads", "metric": "jitter", "x": "0", "y": "0", "w": "6", "h": "8", "based_on": "1"}
    client.post(url, form)
    (panel,) = made.versions.first().content["panels"]
    assert (panel["title"], panel["w"], panel["options"]["metric"]) == ("Errors", 6, "jitter")
    client.post(f"/dashboards/{made.pk}/panels/{panel['id']}/edit/", {**form, "title": "Other", "based_on": "2"})
    assert made.versions.first().content["panels"][0]["title"] == "Other"
    client.post(f"/dashboards/{made.pk}/change/", {"action": "remove", "panel": panel["id"]})
    assert made.versions.first().content["panels"] == []
    client.post(f"/dashboards/{made.pk}/change/", {"action": "restore", "number": "3"})
    assert made.versions.first().number == 5
    assert "Errors" in client.get(f"/dashboards/{made.pk}/versions/?a=2&b=3").content.decode()
    client.post(f"/dashboards/{made.pk}/change/?methods=2d-fit", {"action": "filters"})
    assert made.versions.first().content["filters"]["methods"] == ["2d-fit"]
    client.post(f"/dashboards/{made.pk}/change/", {"action": "delete"})
    assert not Dashboard.objects.exists()


def test_a_panel_of_many_runs_takes_few_queries(client, member, team, clips, django_assert_max_num_queries):
    panel = new_panel("metrics", OPTIONS["metrics"])
    made = create_dashboard(team=team, name="Ours", by=member, content={"panels": [panel]})
    client.force_login(member)
    with django_assert_max_num_queries(8):
        client.get(f"/dashboards/{made.pk}/panels/{panel['id']}/")
